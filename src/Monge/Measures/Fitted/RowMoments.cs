using Monge.Engine.LinearAlgebra;

namespace Monge.Measures;

/// <summary>Means, covariances and triangular solves of rows [n, d], shared by the fitted densities.</summary>
internal static class RowMoments
{
    /// <summary>Number of rows; tells what is wrong with unusable ones.</summary>
    /// <exception cref="ArgumentException">The values don't fill rows, there are fewer than asked for, or one isn't finite.</exception>
    public static int Check(double[] rows, int dimension, int least, string name)
    {
        ArgumentNullException.ThrowIfNull(rows, name);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        var count = rows.Length / dimension;
        if (rows.Length % dimension != 0 || count < least)
        {
            throw new ArgumentException($"{rows.Length} values don't make at least {least} rows of {dimension} columns.", name);
        }

        var bad = Array.FindIndex(rows, v => !double.IsFinite(v));
        return bad < 0 ? count : throw new ArgumentException($"Row {bad / dimension}, column {bad % dimension} is {rows[bad]}; rows must be finite.", name);
    }

    /// <summary>One column [n].</summary>
    public static double[] Column(double[] rows, int d, int column)
    {
        var values = new double[rows.Length / d];
        for (var row = 0; row < values.Length; row++)
        {
            values[row] = rows[(row * d) + column];
        }

        return values;
    }

    /// <summary>The mean [d].</summary>
    public static double[] Mean(double[] rows, int d)
    {
        var (mean, n) = (new double[d], rows.Length / d);
        for (var i = 0; i < rows.Length; i++)
        {
            mean[i % d] += rows[i];
        }

        return Array.ConvertAll(mean, m => m / n);
    }

    /// <summary>The covariance [d, d] about a mean with weights [n] that add to a total (null for 1 each); divided by the total.</summary>
    public static double[] Covariance(double[] rows, int d, double[] mean, double[]? weights = null)
    {
        var (covariance, centred, total) = (new double[d * d], new double[d], 0.0);
        for (var row = 0; row * d < rows.Length; row++)
        {
            var weight = weights is null ? 1 : weights[row];
            if (weight == 0)
            {
                continue;
            }

            total += weight;
            for (var i = 0; i < d; i++)
            {
                centred[i] = rows[(row * d) + i] - mean[i];
            }

            for (var i = 0; i < d; i++)
            {
                var scaled = weight * centred[i];
                var target = covariance.AsSpan(i * d, i + 1);
                for (var j = 0; j < target.Length; j++)
                {
                    target[j] += scaled * centred[j];
                }
            }
        }

        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                covariance[(j * d) + i] = covariance[(i * d) + j] /= total;
            }
        }

        return covariance;
    }

    /// <summary>The lower factor L of a covariance, with zeros above the diagonal.</summary>
    /// <exception cref="ArgumentException">It is singular: a column is constant or a combination of others.</exception>
    public static double[] Factor(double[] covariance, int d)
    {
        var factor = (double[])covariance.Clone();
        try
        {
            Cholesky.Factor(factor, d);
        }
        catch (LinearAlgebraException)
        {
            throw new ArgumentException(
                "The covariance of the rows is singular: a column is constant or a combination of others; leave it out, or add noise to rounded values.",
                nameof(covariance));
        }

        for (var i = 0; i < d; i++)
        {
            factor.AsSpan((i * d) + i + 1, d - i - 1).Clear();
        }

        return factor;
    }

    /// <summary>Replaces y by L^-1 y.</summary>
    public static void SolveLower(double[] factor, int d, Span<double> y)
    {
        for (var i = 0; i < d; i++)
        {
            var row = factor.AsSpan(i * d, i);
            var sum = y[i];
            for (var j = 0; j < row.Length; j++)
            {
                sum -= row[j] * y[j];
            }

            y[i] = sum / factor[(i * d) + i];
        }
    }
}
