namespace Monge.Data;

/// <summary>
/// Mean and standard deviation (divided by n) of columns, whatever their units: where squares leave the range of numbers, units are changed first.
/// </summary>
internal static class ColumnMoments
{
    // Beyond these a variance has lost digits, or all of them.
    private const double Least = 1e-280;
    private const double Most = 1e280;

    /// <summary>The moments of all columns.</summary>
    /// <param name="rows">The rows [n, d], row-major.</param>
    /// <param name="d">d.</param>
    public static (double[] Mean, double[] Variance, double[] Deviation) Of(ReadOnlySpan<double> rows, int d)
    {
        var n = rows.Length / d;
        var (mean, variance, deviation) = (new double[d], new double[d], new double[d]);
        for (var at = 0; at < rows.Length; at++)
        {
            mean[at % d] += rows[at] / n;
        }

        for (var at = 0; at < rows.Length; at++)
        {
            var off = rows[at] - mean[at % d];
            variance[at % d] += off * off / n;
        }

        for (var k = 0; k < d; k++)
        {
            deviation[k] = Math.Sqrt(variance[k]);
            if (!(variance[k] is > Least and < Most))
            {
                (mean[k], deviation[k]) = InOwnUnits(rows, d, k);
            }
        }

        return (mean, variance, deviation);
    }

    /// <summary>The moments of one column; the deviation of one number only is exactly zero.</summary>
    public static (double Mean, double Deviation) Of(double[] column)
    {
        if (column.AsSpan().IndexOfAnyExcept(column[0]) < 0)
        {
            return (column[0], 0);
        }

        var (mean, _, deviation) = Of(column, 1);
        return (mean[0], deviation[0]);
    }

    // Numbers below 1e-300 are too few steps apart to be divided; powers of two change units without rounding.
    private static (double Mean, double Deviation) InOwnUnits(ReadOnlySpan<double> rows, int d, int column)
    {
        var largest = 0.0;
        for (var at = column; at < rows.Length; at += d)
        {
            largest = Math.Max(largest, Math.Abs(rows[at]));
        }

        // Differences of numbers near the largest leave the range.
        if (largest == 0 || !(largest < double.MaxValue / 4))
        {
            return largest == 0 ? (0, 0) : (double.NaN, double.NaN);
        }

        var (exponent, n) = (Math.ILogB(largest), rows.Length / d);
        var mean = 0.0;
        for (var at = column; at < rows.Length; at += d)
        {
            mean += Math.ScaleB(rows[at], -exponent) / n;
        }

        // The deviations may be far smaller than the numbers.
        var far = 0.0;
        for (var at = column; at < rows.Length; at += d)
        {
            far = Math.Max(far, Math.Abs(Math.ScaleB(rows[at], -exponent) - mean));
        }

        if (far == 0)
        {
            return (Math.ScaleB(mean, exponent), 0);
        }

        var (inner, sum) = (Math.ILogB(far), 0.0);
        for (var at = column; at < rows.Length; at += d)
        {
            var off = Math.ScaleB(Math.ScaleB(rows[at], -exponent) - mean, -inner);
            sum += off * off / n;
        }

        return (Math.ScaleB(mean, exponent), Math.ScaleB(Math.Sqrt(sum), exponent + inner));
    }
}
