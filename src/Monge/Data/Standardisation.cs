using System.Globalization;
using Monge.Engine.LinearAlgebra;

namespace Monge.Data;

/// <summary>How data are scaled before a model sees them.</summary>
public enum StandardisationKind
{
    /// <summary>Each column to mean 0 and standard deviation 1.</summary>
    Columns,

    /// <summary>All columns by one scale, so that distances keep their proportions; means to 0.</summary>
    Isotropic,

    /// <summary>To mean 0 and the identity as covariance, by the covariance's Cholesky factor.</summary>
    Whitened,

    /// <summary>Not at all.</summary>
    None,
}

/// <summary>An affine change of coordinates x = m + L u with a lower triangular L: u is what a model sees.</summary>
public sealed class Standardisation
{
    private readonly double[] _mean;
    private readonly double[] _scales;

    // Null for a diagonal L, so that scales of columns cost no d x d matrix.
    private readonly double[]? _factor;

    /// <summary>Makes the change of coordinates.</summary>
    /// <param name="mean">m [d].</param>
    /// <param name="factor">
    /// The diagonal of L [d], or L [d, d], row-major, with a positive diagonal; what stands above the diagonal is not read.
    /// </param>
    /// <exception cref="ArgumentException">The sizes differ, a number isn't finite, or the diagonal isn't positive.</exception>
    public Standardisation(ReadOnlySpan<double> mean, ReadOnlySpan<double> factor)
    {
        var d = mean.Length;
        if (d == 0 || (factor.Length != d && factor.Length != d * d))
        {
            throw new ArgumentException($"A mean of {d} numbers and a factor of {factor.Length} make no standardisation.", nameof(factor));
        }

        var (stride, isDiagonal) = (factor.Length == d ? 1 : d + 1, true);
        (_mean, _scales) = (mean.ToArray(), new double[d]);
        for (var i = 0; i < d; i++)
        {
            _scales[i] = factor[i * stride];
            if (!(_scales[i] > 0) || !double.IsFinite(_scales[i]) || !double.IsFinite(_mean[i]))
            {
                throw new ArgumentException("A standardisation needs finite means and positive scales.", nameof(factor));
            }

            LogDeterminant += Math.Log(_scales[i]);
            for (var j = 0; j < i && factor.Length > d; j++)
            {
                isDiagonal &= factor[(i * d) + j] == 0;
            }
        }

        _factor = isDiagonal ? null : factor.ToArray();
    }

    /// <summary>d.</summary>
    public int Dimension => _mean.Length;

    /// <summary>m [d].</summary>
    public ReadOnlySpan<double> Mean => _mean;

    /// <summary>The diagonal of L [d].</summary>
    public ReadOnlySpan<double> Scales => _scales;

    /// <summary>Whether L is diagonal, so that <see cref="Scales"/> are all of it.</summary>
    public bool IsDiagonal => _factor is null;

    /// <summary>L [d, d], row-major; made anew for a diagonal one.</summary>
    public ReadOnlySpan<double> Factor => _factor ?? Diagonal();

    /// <summary>log |det L|: a log density of x is that of u minus this.</summary>
    public double LogDeterminant { get; }

    /// <summary>Computes the standardisation of rows.</summary>
    /// <param name="rows">The rows [n, d], row-major, n at least 2 unless the kind is none.</param>
    /// <param name="dimension">d.</param>
    /// <param name="kind">How.</param>
    /// <param name="names">The columns' names [d] for messages; null for their numbers.</param>
    /// <exception cref="ArgumentException">A column is constant or too large or small for a scale, or the covariance is singular.</exception>
    public static Standardisation Of(ReadOnlySpan<double> rows, int dimension, StandardisationKind kind, IReadOnlyList<string>? names = null)
    {
        var d = dimension;
        var scales = new double[d];
        if (kind == StandardisationKind.None)
        {
            Array.Fill(scales, 1);
            return new Standardisation(new double[d], scales);
        }

        var (mean, variance, deviation) = ColumnMoments.Of(rows, d);
        for (var i = 0; i < d; i++)
        {
            var needsScale = kind != StandardisationKind.Isotropic || Array.TrueForAll(deviation, v => v == 0);
            if ((deviation[i] == 0 && needsScale) || !double.IsFinite(deviation[i]) || !double.IsFinite(mean[i]))
            {
                var name = names?[i] ?? (i + 1).ToString(CultureInfo.InvariantCulture);
                throw new ArgumentException(
                    deviation[i] == 0 ? $"Column '{name}' holds one number only, so it has no scale; leave it out."
                        : $"Column '{name}' holds numbers too large for a scale; give it other units.",
                    nameof(rows));
            }
        }

        switch (kind)
        {
            case StandardisationKind.Whitened:
                return new Standardisation(mean, WhiteningFactor(rows, d, mean, deviation));
            case StandardisationKind.Isotropic:
                Array.Fill(scales, CommonScale(variance, deviation));
                break;
            default:
                deviation.CopyTo(scales, 0);
                break;
        }

        return new Standardisation(mean, scales);
    }

    /// <summary>u = L^-1 (x - m) of rows [n, d].</summary>
    public double[] Apply(ReadOnlySpan<double> rows)
    {
        var d = Dimension;
        CheckRows(rows.Length);
        var result = new double[rows.Length];
        for (var at = 0; at < rows.Length; at += d)
        {
            for (var i = 0; i < d; i++)
            {
                var sum = rows[at + i] - _mean[i];
                for (var j = 0; j < i && _factor is not null; j++)
                {
                    sum -= _factor[(i * d) + j] * result[at + j];
                }

                result[at + i] = sum / _scales[i];
            }
        }

        return result;
    }

    /// <summary>x = m + L u of rows [n, d].</summary>
    public double[] Undo(ReadOnlySpan<double> rows)
    {
        var d = Dimension;
        CheckRows(rows.Length);
        var result = new double[rows.Length];
        for (var at = 0; at < rows.Length; at += d)
        {
            for (var i = 0; i < d; i++)
            {
                var sum = _mean[i] + (_scales[i] * rows[at + i]);
                for (var j = 0; j < i && _factor is not null; j++)
                {
                    sum += _factor[(i * d) + j] * rows[at + j];
                }

                result[at + i] = sum;
            }
        }

        return result;
    }

    /// <summary>The mean [d] and covariance [d, d] (divided by n) of rows.</summary>
    internal static (double[] Mean, double[] Covariance) Moments(ReadOnlySpan<double> rows, int d)
    {
        var n = rows.Length / d;
        var (mean, covariance) = (new double[d], new double[d * d]);
        for (var at = 0; at < rows.Length; at++)
        {
            mean[at % d] += rows[at] / n;
        }

        for (var at = 0; at < rows.Length; at += d)
        {
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j <= i; j++)
                {
                    covariance[(i * d) + j] += (rows[at + i] - mean[i]) * (rows[at + j] - mean[j]) / n;
                }
            }
        }

        for (var i = 0; i < d; i++)
        {
            for (var j = i + 1; j < d; j++)
            {
                covariance[(i * d) + j] = covariance[(j * d) + i];
            }
        }

        return (mean, covariance);
    }

    private static double CommonScale(double[] variance, double[] deviation)
    {
        var scale = Math.Sqrt(Enumerable.Range(0, variance.Length).Average(i => variance[i]));
        if (scale > 1e-140 && double.IsFinite(scale))
        {
            return scale;
        }

        var largest = deviation.Max();
        return largest * Math.Sqrt(deviation.Average(v => v / largest * (v / largest)));
    }

    // The Cholesky factor of the covariance; of columns in units in which it has no range the factor of their correlations, in their units.
    private static double[] WhiteningFactor(ReadOnlySpan<double> rows, int d, double[] mean, double[] deviation)
    {
        var isOrdinary = deviation.All(v => v is > 1e-140 and < 1e140);
        double[] factor;
        if (isOrdinary)
        {
            factor = Moments(rows, d).Covariance;
        }
        else
        {
            var scaled = new double[rows.Length];
            for (var at = 0; at < rows.Length; at++)
            {
                scaled[at] = (rows[at] - mean[at % d]) / deviation[at % d];
            }

            factor = Moments(scaled, d).Covariance;
        }

        try
        {
            Cholesky.Factor(factor, d);
        }
        catch (LinearAlgebraException error)
        {
            throw new ArgumentException(
                "The data's covariance is singular (a column is a combination of others), so they can't be whitened; use standardisation 'columns' "
                + "or leave a column out.", nameof(rows), error);
        }

        for (var at = 0; at < factor.Length && !isOrdinary; at++)
        {
            factor[at] *= deviation[at / d];
        }

        return factor;
    }

    private double[] Diagonal()
    {
        var d = Dimension;
        var factor = new double[d * d];
        for (var i = 0; i < d; i++)
        {
            factor[(i * d) + i] = _scales[i];
        }

        return factor;
    }

    private void CheckRows(int length)
    {
        if (length % Dimension != 0)
        {
            throw new ArgumentException($"{length} numbers are not whole rows of {Dimension} columns.");
        }
    }
}
