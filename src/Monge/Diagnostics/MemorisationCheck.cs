using System.Globalization;
using Monge.Engine.Execution;
using Monge.Engine.Pairwise;
using Monge.OptimalTransport;

namespace Monge.Diagnostics;

/// <summary>
/// Whether generated rows lie nearer to the training rows than fresh rows of the data do: what a model that stores its data can't hide, and what distances to
/// the data reward. All distances are Euclidean, to the nearest training row.
/// </summary>
/// <remarks>Source: C. Meehan, K. Chaudhuri and S. Dasgupta, "A non-parametric test to detect data-copying in generative models" (2020).</remarks>
/// <param name="GeneratedMedian">Median distance of the generated rows.</param>
/// <param name="ValidationMedian">Median distance of the validation rows.</param>
/// <param name="Nearer">The probability that a generated row is nearer than a validation row, ties counted half: 0.5
/// without memorisation, 1 for copies.</param>
/// <param name="NearerError">Its standard deviation when both kinds of rows follow one law.</param>
/// <param name="ShareBelow">Share of generated rows nearer than all but <see cref="Quantile"/> of the validation rows.</param>
/// <param name="Copies">Generated rows that equal a training row.</param>
/// <param name="ValidationCopies">Validation rows that equal a training row.</param>
public sealed record MemorisationCheck(
    double GeneratedMedian, double ValidationMedian, double Nearer, double NearerError, double ShareBelow, int Copies, int ValidationCopies)
{
    /// <summary>The share of validation rows that <see cref="ShareBelow"/> is compared with.</summary>
    public const double Quantile = 0.05;

    private const double Suspicious = 0.05;
    private const double Errors = 4;

    /// <summary>Whether generated rows are nearer to the training rows than chance explains, by more than a trifle.</summary>
    public bool Memorises => Nearer > 0.5 + Math.Max(Suspicious, Errors * NearerError);

    /// <summary>Compares the rows.</summary>
    /// <param name="generated">Generated rows [n, d].</param>
    /// <param name="training">Rows [k, d] that the model was fitted to.</param>
    /// <param name="validation">Rows [m, d] of the same data that it wasn't fitted to.</param>
    /// <param name="dimension">d.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <exception cref="ArgumentException">A set is empty or holds values that are not finite.</exception>
    public static MemorisationCheck Compute(double[] generated, double[] training, double[] validation, int dimension, int threads = 0)
    {
        var (a, b) = (NearestDistances(generated, training, dimension, threads), NearestDistances(validation, training, dimension, threads));
        Array.Sort(a);
        Array.Sort(b);
        double n = a.Length, m = b.Length;
        var pairs = 0.0;
        foreach (var distance in b)
        {
            var (below, upTo) = (CountBelow(a, distance, false), CountBelow(a, distance, true));
            pairs += below + (0.5 * (upTo - below));
        }

        var limit = b[(int)Math.Min(m - 1, Math.Floor(Quantile * m))];
        return new MemorisationCheck(
            Median(a), Median(b), pairs / (n * m), Math.Sqrt((n + m + 1) / (12 * n * m)), CountBelow(a, limit, false) / n,
            CountBelow(a, 0, true), CountBelow(b, 0, true));
    }

    /// <summary>One sentence.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"distance to the nearest training row: generated {GeneratedMedian:G3}, validation {ValidationMedian:G3} (medians); a generated row is the nearer "
        + $"one with probability {Nearer:0.000} ± {NearerError:0.000}{(Memorises ? ": the model repeats training rows" : "")}");

    private static double[] NearestDistances(double[] rows, double[] training, int dimension, int threads)
    {
        var count = PointSets.Check(rows, dimension, nameof(rows));
        _ = PointSets.Check(training, dimension, nameof(training));
        var result = new double[count];
        new PairwiseSums<double>(new ExecutionOptions { Threads = threads }).Nearest(rows, training, dimension, result);
        return Array.ConvertAll(result, Math.Sqrt);
    }

    private static int CountBelow(double[] sorted, double limit, bool orEqual)
    {
        var (low, high) = (0, sorted.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = sorted[middle] < limit || (orEqual && sorted[middle] == limit) ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private static double Median(double[] sorted) => 0.5 * (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]);
}
