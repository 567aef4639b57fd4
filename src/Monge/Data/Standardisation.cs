using System.Globalization;

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

/// <summary>
/// A change of coordinates x = m + L u with a lower triangular L: u is what a model sees. Of columns that have <see cref="Transforms"/>, m + L u is the v of
/// their curve in place of x.
/// </summary>
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

    /// <summary>log |det L|: a log density of x is that of u minus this, where no column has a curve.</summary>
    public double LogDeterminant { get; }

    /// <summary>The curves of columns whose tails need one [d], null for the others; empty where no column has one.</summary>
    public IReadOnlyList<ColumnTransform?> Transforms { get; init; } = [];

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
                return new Standardisation(mean, StandardisationScales.Whitening(rows, d, mean, deviation));
            case StandardisationKind.Isotropic:
                Array.Fill(scales, StandardisationScales.Common(variance, deviation));
                break;
            default:
                deviation.CopyTo(scales, 0);
                break;
        }

        return new Standardisation(mean, scales);
    }

    /// <summary>
    /// Computes the standardisation of rows by columns, under curves where few rows or long tails set a column's deviation: it is that of
    /// <see cref="Of"/> where there is no such column.
    /// </summary>
    /// <param name="rows">The rows [n, d], row-major, n at least 2.</param>
    /// <param name="names">The columns' names [d] for messages.</param>
    /// <param name="canCurve">Whether a column may have a curve [d].</param>
    /// <exception cref="ArgumentException">A column is constant or too large or small for a scale.</exception>
    public static Standardisation OfTails(ReadOnlySpan<double> rows, IReadOnlyList<string> names, IReadOnlyList<bool> canCurve)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(canCurve);
        var (d, transforms) = (names.Count, new ColumnTransform?[names.Count]);
        for (var k = 0; k < d; k++)
        {
            var column = new double[rows.Length / d];
            for (var row = 0; row < column.Length; row++)
            {
                column[row] = rows[(row * d) + k];
            }

            transforms[k] = canCurve[k] ? ColumnTransform.Of(column) : null;
        }

        return Array.TrueForAll(transforms, t => t is null) ? Of(rows, d, StandardisationKind.Columns, names)
            : Of(Curved(rows, transforms), d, StandardisationKind.Columns, names).With(transforms);
    }

    /// <summary>log |det dx/du| at rows [n, d]: a log density of x is that of u minus this [n].</summary>
    public double[] LogDeterminants(ReadOnlySpan<double> rows)
    {
        CheckRows(rows.Length);
        var result = new double[rows.Length / Dimension];
        Array.Fill(result, LogDeterminant);
        for (var at = 0; at < rows.Length && Transforms.Count > 0; at++)
        {
            result[at / Dimension] += Transforms[at % Dimension]?.LogSlope(rows[at]) ?? 0;
        }

        return result;
    }

    /// <summary>u = L^-1 (x - m) of rows [n, d].</summary>
    public double[] Apply(ReadOnlySpan<double> rows)
    {
        var d = Dimension;
        CheckRows(rows.Length);
        rows = Transforms.Count == 0 ? rows : Curved(rows, Transforms);
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

                result[at + i] = Transforms.Count == 0 || Transforms[i] is not { } transform ? sum : transform.Undo(sum);
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

    private Standardisation With(ColumnTransform?[] transforms) => new(_mean, _scales) { Transforms = transforms };

    private static double[] Curved(ReadOnlySpan<double> rows, IReadOnlyList<ColumnTransform?> transforms)
    {
        var values = rows.ToArray();
        for (var at = 0; at < values.Length; at++)
        {
            values[at] = transforms[at % transforms.Count]?.Apply(values[at]) ?? values[at];
        }

        return values;
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
