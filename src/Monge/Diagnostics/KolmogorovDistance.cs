namespace Monge.Diagnostics;

/// <summary>The largest difference between two cumulative distribution functions, between 0 and 1.</summary>
/// <remarks>Source: W. H. Press and others, "Numerical Recipes" (2007), section 14.3.3, for the law of the distance when the laws agree.</remarks>
public static class KolmogorovDistance
{
    private const int Terms = 100;

    /// <summary>The distance between two samples.</summary>
    /// <param name="x">n values.</param>
    /// <param name="y">m values.</param>
    /// <exception cref="ArgumentException">A sample is empty or holds NaN.</exception>
    public static double Compute(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        var (a, b) = (Sorted(x, nameof(x)), Sorted(y, nameof(y)));
        var (i, j, largest) = (0, 0, 0.0);
        while (i < a.Length && j < b.Length)
        {
            // Ties move both, all at once.
            var at = Math.Min(a[i], b[j]);
            while (i < a.Length && a[i] == at)
            {
                i++;
            }

            while (j < b.Length && b[j] == at)
            {
                j++;
            }

            largest = Math.Max(largest, Math.Abs(((double)i / a.Length) - ((double)j / b.Length)));
        }

        return largest;
    }

    /// <summary>The distance between a sample and a law.</summary>
    /// <param name="x">n values.</param>
    /// <param name="cumulative">The law's continuous cumulative distribution function.</param>
    /// <exception cref="ArgumentException">The sample is empty or holds NaN.</exception>
    public static double Compute(ReadOnlySpan<double> x, Func<double, double> cumulative)
    {
        ArgumentNullException.ThrowIfNull(cumulative);
        var (sorted, largest) = (Sorted(x, nameof(x)), 0.0);
        for (var i = 0; i < sorted.Length; i++)
        {
            var level = cumulative(sorted[i]);
            largest = Math.Max(largest, Math.Max(Math.Abs(level - ((double)i / sorted.Length)), Math.Abs(level - ((i + 1.0) / sorted.Length))));
        }

        return largest;
    }

    /// <summary>
    /// The probability of a distance at least this large when both samples come from one continuous law (asymptotic, good from about 20 samples on).
    /// </summary>
    /// <param name="distance">The distance.</param>
    /// <param name="samples">n.</param>
    /// <param name="others">m; positive infinity for a law that is known.</param>
    public static double Probability(double distance, double samples, double others)
    {
        var effective = double.IsPositiveInfinity(others) ? samples : samples * others / (samples + others);
        var root = Math.Sqrt(effective);
        var lambda = (root + 0.12 + (0.11 / root)) * distance;
        var sum = 0.0;
        for (var k = 1; k <= Terms; k++)
        {
            sum += (k % 2 == 1 ? 2 : -2) * Math.Exp(-2 * k * k * lambda * lambda);
        }

        // The alternating series doesn't settle for tiny distances, where the probability is 1.
        return lambda < 0.2 ? 1 : Math.Clamp(sum, 0, 1);
    }

    private static double[] Sorted(ReadOnlySpan<double> values, string name)
    {
        var sorted = values.ToArray();
        Array.Sort(sorted);
        return sorted.Length == 0 || double.IsNaN(sorted[0]) ? throw new ArgumentException("The sample is empty or holds NaN.", name) : sorted;
    }
}
