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
    private readonly double[] _factor;
    private readonly bool _isDiagonal;

    /// <summary>Makes the change of coordinates.</summary>
    /// <param name="mean">m [d].</param>
    /// <param name="factor">L [d, d], row-major, with a positive diagonal; what stands above the diagonal is not read.</param>
    /// <exception cref="ArgumentException">The sizes differ, a number isn't finite, or the diagonal isn't positive.</exception>
    public Standardisation(ReadOnlySpan<double> mean, ReadOnlySpan<double> factor)
    {
        var d = mean.Length;
        if (d == 0 || factor.Length != d * d)
        {
            throw new ArgumentException($"A mean of {d} numbers and a factor of {factor.Length} make no standardisation.", nameof(factor));
        }

        (_mean, _factor) = (mean.ToArray(), factor.ToArray());
        _isDiagonal = true;
        for (var i = 0; i < d; i++)
        {
            if (!(_factor[(i * d) + i] > 0) || !double.IsFinite(_mean[i]))
            {
                throw new ArgumentException("A standardisation needs finite means and positive scales.", nameof(factor));
            }

            LogDeterminant += Math.Log(_factor[(i * d) + i]);
            for (var j = 0; j < i; j++)
            {
                _isDiagonal &= _factor[(i * d) + j] == 0;
            }
        }
    }

    /// <summary>d.</summary>
    public int Dimension => _mean.Length;

    /// <summary>m [d].</summary>
    public ReadOnlySpan<double> Mean => _mean;

    /// <summary>L [d, d], row-major.</summary>
    public ReadOnlySpan<double> Factor => _factor;

    /// <summary>log |det L|: a log density of x is that of u minus this.</summary>
    public double LogDeterminant { get; }

    /// <summary>Computes the standardisation of rows.</summary>
    /// <param name="rows">The rows [n, d], row-major, n at least 2 unless the kind is none.</param>
    /// <param name="dimension">d.</param>
    /// <param name="kind">How.</param>
    /// <exception cref="ArgumentException">A column is constant, or the covariance is singular.</exception>
    public static Standardisation Of(ReadOnlySpan<double> rows, int dimension, StandardisationKind kind)
    {
        var d = dimension;
        var factor = new double[d * d];
        if (kind == StandardisationKind.None)
        {
            for (var i = 0; i < d; i++)
            {
                factor[(i * d) + i] = 1;
            }

            return new Standardisation(new double[d], factor);
        }

        var (mean, covariance) = Moments(rows, d);
        switch (kind)
        {
            case StandardisationKind.Whitened:
                try
                {
                    covariance.CopyTo(factor, 0);
                    Cholesky.Factor(factor, d);
                }
                catch (LinearAlgebraException error)
                {
                    throw new ArgumentException(
                        "The data's covariance is singular (a column is a combination of others), so they can't be whitened; use standardisation 'columns' "
                        + "or leave a column out.", nameof(rows), error);
                }

                break;
            case StandardisationKind.Isotropic:
                var scale = Math.Sqrt(Enumerable.Range(0, d).Average(i => covariance[(i * d) + i]));
                for (var i = 0; i < d; i++)
                {
                    factor[(i * d) + i] = scale;
                }

                break;
            default:
                for (var i = 0; i < d; i++)
                {
                    factor[(i * d) + i] = Math.Sqrt(covariance[(i * d) + i]);
                }

                break;
        }

        return new Standardisation(mean, factor);
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
                for (var j = 0; j < i && !_isDiagonal; j++)
                {
                    sum -= _factor[(i * d) + j] * result[at + j];
                }

                result[at + i] = sum / _factor[(i * d) + i];
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
                var sum = _mean[i] + (_factor[(i * d) + i] * rows[at + i]);
                for (var j = 0; j < i && !_isDiagonal; j++)
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

    private void CheckRows(int length)
    {
        if (length % Dimension != 0)
        {
            throw new ArgumentException($"{length} numbers are not whole rows of {Dimension} columns.");
        }
    }
}
