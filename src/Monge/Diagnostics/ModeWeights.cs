using Monge.Engine.LinearAlgebra;

namespace Monge.Diagnostics;

/// <summary>How the weight of a sample set is spread over the modes of its target.</summary>
public sealed class ModeWeights
{
    private ModeWeights(double[] weights, double[] errors, double unassigned, double sumOfSquaredWeights, double entropySquares)
    {
        Weights = weights;
        Errors = errors;
        Unassigned = unassigned;
        Coverage = Entropy(weights);
        // To first order the entropy moves with -log W of the samples' modes; where that is level, the second order, a chi-squared sum over the modes, is left.
        int modes = weights.Length;
        CoverageError = modes == 1 ? 0 : double.Hypot(Math.Sqrt(entropySquares), Math.Sqrt(2.0 * (modes - 1)) * sumOfSquaredWeights / 2) / Math.Log(modes);
        int[] missing = [.. Enumerable.Range(0, weights.Length).Where(mode => weights[mode] == 0)];
        string shown = string.Join(", ", missing.Take(10)) + (missing.Length > 10 ? ", ..." : "");
        Status = missing.Length == 0
            ? Status.Success
            : Status.Warn($"{missing.Length} of {weights.Length} modes hold no weight (mode {shown})", "widen the base, raise --samples or raise --budget");
    }

    /// <summary>Weighted fraction of the samples in each mode.</summary>
    public IReadOnlyList<double> Weights { get; }

    /// <summary>Monte Carlo standard error of each weight, for independent samples or independent groups of them.</summary>
    public IReadOnlyList<double> Errors { get; }

    /// <summary>Weighted fraction of the samples that belong to no mode.</summary>
    public double Unassigned { get; }

    /// <summary>
    /// Entropic mode coverage: the entropy of the mode weights divided by the log of the number of modes; 1 when all modes are equally
    /// filled, 0 when one mode holds everything. Source: "Beyond ELBOs" (arXiv 2406.07423), section 4.
    /// </summary>
    public double Coverage { get; }

    /// <summary>
    /// Standard error of <see cref="Coverage"/> for independent samples or groups; samples of finite number also lower the coverage
    /// itself, by about (modes - 1) / (2 n log modes).
    /// </summary>
    public double CoverageError { get; }

    /// <summary>Success, or a warning that names the modes without weight.</summary>
    public Status Status { get; }

    /// <summary>Counts the weight in each mode.</summary>
    /// <param name="samples">Samples, [n, d] row-major.</param>
    /// <param name="dimension">d.</param>
    /// <param name="modes">Number of modes, at least 1.</param>
    /// <param name="label">The mode of one sample of d values, 0 to modes - 1, or -1 for none.</param>
    /// <param name="logWeights">n log-weights, up to a constant; null for equal weights.</param>
    /// <param name="groups">
    /// Groups of equal size, one after the other, that are independent of each other though the samples in them aren't, such as chains: errors come from their
    /// spread. Null for independent samples.
    /// </param>
    /// <exception cref="ArgumentException">Samples or weights are unusable, or a label is out of range.</exception>
    public static ModeWeights Compute(
        double[] samples, int dimension, int modes, Func<ReadOnlySpan<double>, int> label, double[]? logWeights = null, int? groups = null)
    {
        ArgumentNullException.ThrowIfNull(label);
        ArgumentOutOfRangeException.ThrowIfLessThan(modes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(groups ?? 2, 2);
        var (group, held) = (new double[groups ?? 0], new double[groups ?? 0, modes]);
        double[] weights = WeightedSamples.Normalise(samples, dimension, logWeights);
        var totals = new double[modes];
        var squares = new double[modes];
        double unassigned = 0, allSquares = 0;
        for (int index = 0; index < weights.Length; index++)
        {
            int mode = label(samples.AsSpan(index * dimension, dimension));
            if (mode < -1 || mode >= modes)
                throw new ArgumentException($"Sample {index} was given the mode {mode}, but modes run from 0 to {modes - 1}.", nameof(label));
            double square = weights[index] * weights[index];
            int own = (int)((long)index * group.Length / weights.Length);
            if (groups is not null)
            {
                group[own] += weights[index];
                if (mode >= 0)
                    held[own, mode] += weights[index];
            }
            allSquares += square;
            if (mode < 0)
            {
                unassigned += weights[index];
                continue;
            }
            totals[mode] += weights[index];
            squares[mode] += square;
        }
        var errors = new double[modes];

        // How much larger the variances of the weights are than those of independent samples.
        double excess = groups is null ? 1 : 0;
        for (int mode = 0; mode < modes; mode++)
        {
            // sum w^2 (1[in mode] - W)^2, split into the samples inside and outside.
            double inside = squares[mode] * (1 - totals[mode]) * (1 - totals[mode]);
            double outside = Math.Max(0, allSquares - squares[mode]) * totals[mode] * totals[mode];
            errors[mode] = WeightedSamples.MeanError(inside + outside, allSquares);
            if (groups is { } count)
            {
                double Between(int g) => held[g, mode] - (group[g] * totals[mode]);
                double between = Math.Sqrt(Enumerable.Range(0, count).Sum(g => Between(g) * Between(g)) * count / (count - 1));
                excess += errors[mode] > 0 ? between * between / (errors[mode] * errors[mode]) / modes : 0;
                errors[mode] = between;
            }
        }
        double all = totals.Sum();
        double entropy = -totals.Sum(total => total > 0 ? total / all * Math.Log(total / all) : 0);
        double entropySquares = 0;
        for (int mode = 0; mode < modes; mode++)
        {
            double deviation = totals[mode] > 0 ? -Math.Log(totals[mode] / all) - entropy : 0;
            entropySquares += squares[mode] * deviation * deviation;
        }
        return new ModeWeights(totals, errors, unassigned, allSquares * excess, entropySquares * excess);
    }

    /// <summary>A label for the nearest of given mode positions in the Euclidean distance.</summary>
    /// <param name="positions">Mode positions, [modes, d] row-major.</param>
    /// <param name="dimension">d.</param>
    /// <exception cref="ArgumentException">The positions do not fill whole points.</exception>
    public static Func<ReadOnlySpan<double>, int> NearestMode(double[] positions, int dimension)
    {
        ArgumentNullException.ThrowIfNull(positions);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        if (positions.Length == 0 || positions.Length % dimension != 0)
            throw new ArgumentException($"{positions.Length} values are not a positive number of positions of dimension {dimension}.", nameof(positions));
        return sample =>
        {
            int nearest = 0;
            double least = double.PositiveInfinity;
            for (int mode = 0; mode < positions.Length / dimension; mode++)
            {
                double distance = HostVectors.SquaredDistance(sample[..dimension], positions.AsSpan(mode * dimension, dimension));
                if (distance < least)
                    (least, nearest) = (distance, mode);
            }
            return nearest;
        };
    }

    /// <summary>A label by the signs of some coordinates: bit k is set where the k-th of them is positive, 2^k modes in all.</summary>
    /// <param name="coordinates">The coordinates that decide, at most 30.</param>
    /// <exception cref="ArgumentException">There are none or too many coordinates.</exception>
    public static Func<ReadOnlySpan<double>, int> SignPattern(params int[] coordinates)
    {
        ArgumentNullException.ThrowIfNull(coordinates);
        if (coordinates.Length is 0 or > 30)
            throw new ArgumentException($"A sign pattern needs 1 to 30 coordinates, not {coordinates.Length}.", nameof(coordinates));
        return sample =>
        {
            int pattern = 0;
            for (int bit = 0; bit < coordinates.Length; bit++)
                pattern |= sample[coordinates[bit]] > 0 ? 1 << bit : 0;
            return pattern;
        };
    }

    private static double Entropy(double[] weights)
    {
        double total = weights.Sum();
        if (weights.Length == 1)
            return 1;
        double entropy = 0;
        foreach (double weight in weights)
            entropy -= weight > 0 ? weight / total * Math.Log(weight / total) : 0;
        return entropy / Math.Log(weights.Length);
    }
}
