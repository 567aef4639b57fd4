namespace Monge.Objectives;

/// <summary>A loss of all rows of a batch together, and its cotangents.</summary>
/// <param name="values">The rows' values [n, m], row-major.</param>
/// <param name="cotangents">Receives d loss / d values [n, m].</param>
/// <returns>The loss; not a number, with cotangents of zeros, if it isn't defined for these values.</returns>
public delegate double BatchStatistic(ReadOnlySpan<double> values, Span<double> cotangents);

/// <summary>Losses of a batch with one value a row. A value that is not finite, or whose size is above a bound, doesn't count; at least two must.</summary>
public static class BatchStatistics
{
    /// <summary>The mean over a divisor.</summary>
    /// <param name="divisor">The divisor.</param>
    /// <param name="largest">The largest size of a value that counts.</param>
    public static BatchStatistic Mean(double divisor = 1, double largest = double.MaxValue) => (values, cotangents) =>
    {
        var (count, mean) = Moments(values, largest);
        for (var i = 0; i < values.Length; i++)
        {
            cotangents[i] = count >= 2 && Counts(values[i], largest) ? 1.0 / (count * divisor) : 0;
        }

        return count < 2 ? double.NaN : mean / divisor;
    };

    /// <summary>The variance, its sum of squares divided by n - 1, over a divisor; of log-weights the log-variance (arXiv:2307.01198).</summary>
    /// <param name="divisor">The divisor.</param>
    /// <param name="largest">The largest size of a value that counts.</param>
    public static BatchStatistic Variance(double divisor = 1, double largest = double.MaxValue) => (values, cotangents) =>
    {
        var (count, mean) = Moments(values, largest);
        var squares = 0.0;
        for (var i = 0; i < values.Length; i++)
        {
            var deviation = count >= 2 && Counts(values[i], largest) ? values[i] - mean : 0;
            squares += deviation * deviation;
            cotangents[i] = deviation == 0 ? 0 : 2 * deviation / ((count - 1.0) * divisor);
        }

        return count < 2 ? double.NaN : squares / (count - 1) / divisor;
    };

    /// <summary>log mean exp(c v) / c: the mean for c to 0, the largest value for c to infinity.</summary>
    /// <param name="factor">c, not 0.</param>
    /// <param name="largest">The largest size of a value that counts.</param>
    public static BatchStatistic LogMeanExp(double factor = 1, double largest = double.MaxValue) => (values, cotangents) =>
    {
        var (count, peak, sum) = (0, double.NegativeInfinity, 0.0);
        foreach (var value in values)
        {
            (count, peak) = Counts(value, largest) ? (count + 1, Math.Max(peak, factor * value)) : (count, peak);
        }

        for (var i = 0; i < values.Length; i++)
        {
            sum += cotangents[i] = count >= 2 && Counts(values[i], largest) ? Math.Exp((factor * values[i]) - peak) : 0;
        }

        for (var i = 0; i < values.Length && count >= 2; i++)
        {
            cotangents[i] /= sum;
        }

        return count < 2 ? double.NaN : (peak + Math.Log(sum / count)) / factor;
    };

    private static (int Count, double Mean) Moments(ReadOnlySpan<double> values, double largest)
    {
        var (count, sum) = (0, 0.0);
        foreach (var value in values)
        {
            (count, sum) = Counts(value, largest) ? (count + 1, sum + value) : (count, sum);
        }

        return (count, sum / count);
    }

    private static bool Counts(double value, double largest) => double.IsFinite(value) && Math.Abs(value) <= largest;
}
