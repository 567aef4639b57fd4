using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using Monge.Engine.Execution;
using Monge.Engine.Pairwise;
using Monge.OptimalTransport;

namespace Monge.Diagnostics;

/// <summary>What the log-weights of n independent samples say: normaliser, bounds, effective size, and whether to believe them.</summary>
/// <remarks> With w = exp(log-weight): Z = mean(w); ESS = (sum w)^2 / sum w^2; the error of log Z is sd(w) / (mean(w) sqrt(n)) (delta method), with the
/// variance of the largest weights taken from the Pareto law fitted to them where that is larger; the ELBO is the mean log-weight, a lower bound of log Z in
/// expectation. Source: A. B. Owen, "Monte Carlo theory, methods and examples", chapter 9.
/// </remarks>
public sealed class ImportanceWeights
{
    /// <summary>Below this share of effective samples draws are of no use, and log Z is a lower bound at best.</summary>
    public const double LeastEffectiveFraction = 0.01;

    // With a tail too heavy to be trusted draws are of no use already below this share.
    private const double LeastHeavyTailedFraction = 0.05;
    private const double LowEffectiveFraction = 0.1;
    private const double DominatingShare = 0.1;
    private const int FewSamples = 10;
    private const double LargeLogNormaliserError = 0.1;
    private const double NegligibleLogNormaliserError = 0.01;

    private ImportanceWeights(double[] normalised, double logNormaliser, double elbo, double elboError, ParetoTail? tail)
    {
        Normalised = normalised;
        LogNormaliser = logNormaliser;
        Elbo = elbo;
        ElboError = elboError;
        Tail = tail;
        double sumOfSquares = 0;
        foreach (double weight in normalised)
        {
            sumOfSquares += weight * weight;
            LargestShare = Math.Max(LargestShare, weight);
        }
        EffectiveSampleSize = Math.Min(1 / sumOfSquares, Count);
        double deltaError = Count > 1 ? Math.Sqrt(Math.Max(0, Count * sumOfSquares - 1) / (Count - 1)) : double.PositiveInfinity;
        LogNormaliserError = tail is null ? deltaError : Math.Max(deltaError, SmoothedError(normalised, LargestShare, tail));
        EffectiveSampleFractionError = FractionError(normalised, sumOfSquares);
        SamplesHoldingHalf = CountHoldingHalf(normalised);
        Warnings = Judge();
    }

    /// <summary>Number of samples n.</summary>
    public int Count => Normalised.Count;

    /// <summary>The weights divided by their sum, n values.</summary>
    public IReadOnlyList<double> Normalised { get; }

    /// <summary>Estimate of log Z.</summary>
    public double LogNormaliser { get; }

    /// <summary>Standard error of <see cref="LogNormaliser"/>; infinite for a single sample.</summary>
    public double LogNormaliserError { get; }

    /// <summary>Mean log-weight; minus infinity if a weight is zero.</summary>
    public double Elbo { get; }

    /// <summary>Standard error of <see cref="Elbo"/>; infinite for a single sample or a zero weight.</summary>
    public double ElboError { get; }

    /// <summary>Kish's effective sample size, between 1 and n.</summary>
    public double EffectiveSampleSize { get; }

    /// <summary><see cref="EffectiveSampleSize"/> divided by n.</summary>
    public double EffectiveSampleFraction => EffectiveSampleSize / Count;

    /// <summary>Standard error of <see cref="EffectiveSampleFraction"/> by the delta method; with heavy-tailed weights an underestimate.</summary>
    public double EffectiveSampleFractionError { get; }

    /// <summary>Share of the heaviest sample in the total weight.</summary>
    public double LargestShare { get; }

    /// <summary>The least number of samples that together hold half of the weight.</summary>
    public int SamplesHoldingHalf { get; }

    /// <summary>The Pareto law of the largest weights; null if there are too few weights or none stands out.</summary>
    public ParetoTail? Tail { get; }

    /// <summary>Reasons for doubt, each with advice; empty if there are none.</summary>
    public IReadOnlyList<Status> Warnings { get; }

    /// <summary>Judges log-weights.</summary>
    /// <param name="logWeights">n unnormalised log-weights; minus infinity is a zero weight.</param>
    /// <exception cref="ArgumentException">There are none, one is NaN or plus infinity, or all weights are zero.</exception>
    public static ImportanceWeights FromLogWeights(ReadOnlySpan<double> logWeights)
    {
        double largest = PointSets.CheckLogWeights(logWeights, nameof(logWeights));
        int count = logWeights.Length;
        var normalised = new double[count];
        double sum = 0, elbo = 0;
        for (int index = 0; index < count; index++)
        {
            sum += normalised[index] = Math.Exp(logWeights[index] - largest);
            elbo += logWeights[index] / count;
        }
        double squares = 0;
        for (int index = 0; index < count; index++)
        {
            normalised[index] /= sum;
            double deviation = logWeights[index] - elbo;
            squares += deviation * deviation;
        }
        double elboError = count > 1 && double.IsFinite(elbo) ? Math.Sqrt(squares / (count - 1) / count) : double.PositiveInfinity;
        return new ImportanceWeights(normalised, largest + Math.Log(sum / count), elbo, elboError, ParetoTail.Fit(logWeights));
    }

    /// <summary>
    /// The delta method's error with the variance of the largest weights taken from their fitted law instead of from what happened to be drawn.
    /// </summary>
    private static double SmoothedError(double[] normalised, double largestShare, ParetoTail tail)
    {
        double[] sorted = [.. normalised];
        Array.Sort(sorted);
        double count = normalised.Length, squares = 0;
        foreach (double weight in sorted.AsSpan(0, sorted.Length - tail.TailCount))
            squares += (count * weight - 1) * (count * weight - 1);
        return Math.Sqrt(squares + tail.TailCount * tail.SquaredDeviation(1 / (count * largestShare))) / count;
    }

    /// <summary>With v = n w and b = mean v^2 the fraction 1 / b moves with 2 (v - 1) / b - (v^2 - b) / b^2.</summary>
    private static double FractionError(double[] normalised, double sumOfSquares)
    {
        double count = normalised.Length, b = count * sumOfSquares, squares = 0;
        foreach (double weight in normalised)
        {
            double v = count * weight;
            double influence = 2 * (v - 1) / b - (v * v - b) / (b * b);
            squares += influence * influence;
        }
        return Math.Sqrt(squares) / count;
    }

    private static int CountHoldingHalf(double[] normalised)
    {
        double[] descending = [.. normalised];
        Array.Sort(descending, static (left, right) => right.CompareTo(left));
        double held = 0;
        int samples = 0;
        // The rounding of the normalisation must not cost a sample when weights are equal.
        while (held < 0.5 * (1 - 1e-12))
            held += descending[samples++];
        return samples;
    }

    private List<Status> Judge()
    {
        var warnings = new List<Status>();
        if (Count == 1)
        {
            warnings.Add(Status.Warn("a single sample has no error estimate", "raise --samples"));
            return warnings;
        }
        bool heavy = Tail is { } weights && weights.Shape - weights.ShapeError > ParetoTail.LargestTrustedShape;
        bool useless = EffectiveSampleFraction < (heavy ? LeastHeavyTailedFraction : LeastEffectiveFraction);
        if (useless)
            warnings.Add(
                Status.Fail(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"the draws are of no use: only {EffectiveSampleSize:0.#} of {Count} are effective, and log Z is a lower bound"),
                    "raise --budget, reach the target by a more gradual path, or suggest a base that covers it"));
        bool dominated = LargestShare > DominatingShare || SamplesHoldingHalf <= FewSamples;
        if (dominated && LargestShare > 2.0 / Count)
            warnings.Add(
                Status.Warn($"weights dominated by {SamplesHoldingHalf} sample{(SamplesHoldingHalf == 1 ? "" : "s")}", "widen the base or raise --budget"));
        if (!useless && EffectiveSampleFraction < LowEffectiveFraction)
            warnings.Add(
                Status.Warn(string.Create(CultureInfo.InvariantCulture, $"the effective sample size is only {EffectiveSampleSize:0.#} of {Count}"),
                    "raise --budget, or reach the target by a more gradual path"));
        if (LogNormaliserError > LargeLogNormaliserError)
            warnings.Add(
                Status.Warn(
                    string.Create(CultureInfo.InvariantCulture, $"log Z has the standard error {LogNormaliserError:0.##}, and the true error may be larger"),
                    "raise --samples or --budget"));
        // A heavy tail of weights that are even all the same, the error including what the tail may hold, changes nothing.
        if (heavy && Tail is { } tail && LogNormaliserError > NegligibleLogNormaliserError)
            warnings.Add(
                Status.Warn(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"the tail of the weights is too heavy for log Z and its error to be trusted (Pareto k = {tail.Shape:0.00}, above "
                        + $"{ParetoTail.LargestTrustedShape})"), "raise --budget, or widen the base (option baseInflation)"));
        return warnings;
    }
}

/// <summary>Checks and normalisation shared by the diagnostics of weighted samples.</summary>
internal static class WeightedSamples
{
    /// <summary>Checks samples [n, d] and returns their n weights, which add to one; equal for null.</summary>
    /// <exception cref="ArgumentException">Samples or weights are unusable.</exception>
    public static double[] Normalise(double[] samples, int dimension, double[]? logWeights)
    {
        int count = PointSets.Check(samples, dimension, nameof(samples), "Sample");
        var weights = new double[count];
        if (logWeights is null)
        {
            Array.Fill(weights, 1.0 / count);
            return weights;
        }
        if (logWeights.Length != count)
            throw new ArgumentException($"There are {logWeights.Length} log-weights for {count} samples.", nameof(logWeights));
        double largest = PointSets.CheckLogWeights(logWeights, nameof(logWeights));
        double sum = 0;
        for (int index = 0; index < count; index++)
            sum += weights[index] = Math.Exp(logWeights[index] - largest);
        for (int index = 0; index < count; index++)
            weights[index] /= sum;
        return weights;
    }

    /// <summary>
    /// Standard error of the self-normalised mean of a quantity with the given weighted sum of squares:
    /// sqrt(sum w^2 (h - mean)^2 / (1 - sum w^2)), which is s / sqrt(n) for equal weights; infinite when one sample holds all weight.
    /// </summary>
    public static double MeanError(double weightedSquares, double sumOfSquaredWeights) =>
        sumOfSquaredWeights < 1 ? Math.Sqrt(weightedSquares / (1 - sumOfSquaredWeights)) : double.PositiveInfinity;

    /// <summary>The mean of k over pairs of x with weights a and y with weights b, rows of x summed in their order.</summary>
    public static double MeanOverPairs<TKernel>(TKernel kernel, double[] x, double[] a, double[] y, double[] b, int dimension, int threads)
        where TKernel : struct, IPairKernel<double> =>
        new PairwiseSums<double>(new ExecutionOptions { Threads = threads }) { UsesProducts = false }.Total(kernel, x, a, y, b, dimension);

    /// <summary>
    /// The mean of k over pairs of one set; of different points if unbiased: sum_(i != j) w_i w_j k / (1 - sum w^2), unbiased for independent samples with
    /// equal weights; 0 if one point has all weight.
    /// </summary>
    public static double MeanWithin<TKernel>(TKernel kernel, double[] x, double[] weights, int dimension, double atZero, bool unbiased, int threads)
        where TKernel : struct, IPairKernel<double>
    {
        double squares = unbiased ? Dot(weights, weights) : 0;
        return squares < 1 ? (MeanOverPairs(kernel, x, weights, x, weights, dimension, threads) - squares * atZero) / (1 - squares) : 0;
    }

    /// <summary>sum_i a_i b_i.</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var va = MemoryMarshal.Cast<double, Vector<double>>(a);
        var vb = MemoryMarshal.Cast<double, Vector<double>>(b);
        var sum = Vector<double>.Zero;
        for (int i = 0; i < va.Length; i++)
            sum += va[i] * vb[i];
        double total = Vector.Sum(sum);
        for (int i = va.Length * Vector<double>.Count; i < a.Length; i++)
            total += a[i] * b[i];
        return total;
    }
}
