using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.OptimalTransport;

namespace Monge.Runs;

/// <summary>
/// What can be said of a sample set beyond its own estimates: its weights judged, its modes, and, when the target has exact samples, its
/// distances from them, each beside its floor.
/// </summary>
/// <param name="Weights">The weights judged.</param>
/// <param name="Modes">The weight in each known mode with its errors; null if the target's modes aren't known.</param>
/// <param name="ExactModeCoverage">Entropic mode coverage of exact samples of the same number: mean and standard deviation over repetitions;
/// null without modes or exact samples.</param>
/// <param name="Distances">Distances from exact samples; empty without an exact sampler.</param>
public sealed record SampleDiagnostics(
    ImportanceWeights Weights, ModeWeights? Modes, (double Mean, double Spread)? ExactModeCoverage, IReadOnlyList<DistanceWithFloor> Distances)
{
    // Sizes at which the table takes a second or two.
    private const int MostPairs = 2000;
    private const int MostMatched = 500;
    private const int Repetitions = 5;

    private const double NegligibleShare = 1e-3;

    /// <summary>Computes them, in unconstrained coordinates.</summary>
    /// <param name="draws">The samples.</param>
    /// <param name="target">Their target.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    public static SampleDiagnostics Compute(SampleSet draws, Density target, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(draws);
        ArgumentNullException.ThrowIfNull(target);
        var (modes, d) = (target.Facts.Modes, target.Dimension);
        var groups = draws.Chains?.Chains is > 1 and var chains ? chains : draws.Islands;
        ModeWeights? Fill(double[] positions, double[]? logWeights) => modes is null ? null : ModeWeights.Compute(
            positions, d, modes.Count, x => modes.Label(x.ToArray()), logWeights, logWeights is null ? null : groups);
        (double, double)? coverage = null;
        if (modes is not null && Exact(draws, target) is { } exact)
        {
            double[] values = [.. Enumerable.Range(0, Repetitions).Select(k => Fill(exact(draws.Count, k), null)!.Coverage)];
            var mean = values.Average();
            coverage = (mean, Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (Repetitions - 1)));
        }

        var weights = ImportanceWeights.FromLogWeights(draws.LogWeights);
        return new SampleDiagnostics(weights, Fill(draws.UnconstrainedPositions, draws.LogWeights), coverage, Table(draws, target, threads));
    }

    /// <summary>Exact W2 from exact samples beside its floor, for samples resampled to equal weights.</summary>
    /// <param name="draws">The samples.</param>
    /// <param name="target">Their target.</param>
    /// <param name="samples">Number on each side; at 2000 a matching takes seconds.</param>
    /// <param name="repetitions">Number of repetitions, at least 2.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <exception cref="ArgumentException">The target has no exact sampler.</exception>
    public static DistanceWithFloor W2(SampleSet draws, Density target, int samples = 2000, int repetitions = 3, int threads = 0) =>
        Measure(draws, target, samples, repetitions, "W2", (x, y) => Wasserstein.Exact(x, y, target.Dimension, threads: threads).Distance);

    /// <summary>
    /// The entropic cost with squared Euclidean ground cost and epsilon 1e-3 from exact samples beside its floor: "Sinkhorn" as in arXiv:2406.07423, which at
    /// this epsilon is W2 squared for most purposes. At that epsilon the iteration is far from converged after the published 1000 steps on costs of hundreds;
    /// where epsilon log n, the most by which the entropic cost exceeds the exact one, is below a thousandth of it, the exact one is taken. Where the target's
    /// variance is infinite, so is the cost's expectation, of exact sets too: single pairs of sets rule the means, and
    /// <see cref="DistanceWithFloor.MedianRatio"/> over many pairs is what can be compared.
    /// </summary>
    /// <param name="draws">The samples.</param>
    /// <param name="target">Their target.</param>
    /// <param name="samples">Number on each side.</param>
    /// <param name="repetitions">Number of repetitions, at least 2.</param>
    /// <param name="options">Settings of the iteration; null for epsilon 1e-3 and at most 1000 iterations.</param>
    /// <param name="cancellation">Stops between and within the matchings.</param>
    /// <exception cref="ArgumentException">The target has no exact sampler.</exception>
    /// <exception cref="OperationCanceledException">The work was stopped.</exception>
    public static DistanceWithFloor SinkhornSquared(
        SampleSet draws, Density target, int samples = 2000, int repetitions = 10, SinkhornOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new SinkhornOptions { Epsilon = 1e-3, MaximumIterations = 1000 };
        double Cost(double[] x, double[] y)
        {
            var exact = Wasserstein.Exact(x, y, target.Dimension, 2, options.Threads, cancellation).MeanCost;
            return options.Epsilon * Math.Log(x.Length / (double)target.Dimension) <= NegligibleShare * exact
                ? exact
                : Sinkhorn.Solve(x, y, target.Dimension, options, cancellation: cancellation).TransportCost;
        }

        return Measure(draws, target, samples, repetitions, "Sinkhorn^2", Cost);
    }

    private static DistanceWithFloor Measure(
        SampleSet draws, Density target, int samples, int repetitions, string name, Func<double[], double[], double> distance)
    {
        ArgumentNullException.ThrowIfNull(draws);
        ArgumentNullException.ThrowIfNull(target);
        return Exact(draws, target) is { } exact
            ? DistanceWithFloor.Compute(
                Resampled(draws, target.Dimension, repetitions), Math.Min(samples, draws.Count), target.Dimension, exact, distance, name, repetitions)
            : throw new ArgumentException($"'{target.Name}' has no exact sampler, so a distance from it can't be measured.", nameof(target));
    }

    private static IReadOnlyList<DistanceWithFloor> Table(SampleSet draws, Density target, int threads)
    {
        if (Exact(draws, target) is not { } exact || draws.Count < 3)
        {
            return [];
        }

        var d = target.Dimension;
        var (n, matched) = (Math.Min(MostPairs, draws.Count), Math.Min(MostMatched, draws.Count));
        var mine = Resampled(draws, d, Repetitions);

        // One bandwidth and one scale for all repetitions, from exact samples: otherwise value and floor would be different distances.
        var width = MaximumMeanDiscrepancy.MedianDistance(exact(n, -1), d);
        return
        [
            DistanceWithFloor.Compute(mine, n, d, exact, (x, y) => EnergyDistance.Compute(x, y, d, threads: threads), "energy distance", Repetitions),
            DistanceWithFloor.Compute(mine, n, d, exact, (x, y) => MaximumMeanDiscrepancy.Compute(x, y, d, width, threads: threads), "MMD^2", Repetitions),
            DistanceWithFloor.Compute(mine, n, d, exact, (x, y) => SlicedWasserstein.Compute(x, y, d, 64, threads: threads), "sliced W2", Repetitions),
            DistanceWithFloor.Compute(mine, matched, d, exact, (x, y) => Wasserstein.Exact(x, y, d, threads: threads).Distance, "W2", Repetitions),
            DistanceWithFloor.Compute(mine, n, exact, x => KernelSteinDiscrepancy.Compute(x, target, null, width, threads), "Stein discrepancy^2", Repetitions),
        ];
    }

    private static ExactSampler? Exact(SampleSet draws, Density target) =>
        target.Facts.ExactSampler is { } sampler ? (n, seed) => sampler(n, new RandomStream(Mix(draws.Seed, seed), RunStreams.DistanceDraws)) : null;

    // A systematic resampling for each repetition: of a part of the draws of its own where there are enough, so that no outlier of the
    // draws enters two repetitions, else of all.
    private static ExactSampler Resampled(SampleSet draws, int d, int repetitions)
    {
        var weights = draws.NormalizedWeights();
        return (n, seed) =>
        {
            var own = n * repetitions <= weights.Length;
            var part = own ? weights.Length / repetitions : weights.Length;
            var first = own ? (seed - 1) % repetitions * part : 0;
            double[] share = [.. weights.AsSpan(first, part)];
            var total = share.Sum();
            if (total == 0)
            {
                (first, share, total) = (0, weights, 1);
            }

            var chosen = Resampling.Systematic([.. share.Select(w => w / total)], n, new RandomStream(Mix(draws.Seed, seed), RunStreams.DistanceResampling));
            var points = new double[n * d];
            for (var i = 0; i < n; i++)
            {
                Array.Copy(draws.UnconstrainedPositions, (first + chosen[i]) * d, points, i * d, d);
            }

            return points;
        };
    }

    private static ulong Mix(ulong seed, int repetition) => unchecked((seed * 1_000_003) + (ulong)(repetition + 2));
}
