using System.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Methods;
using Monge.Objectives;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 01, the baselines that simulate whole paths: PIS and DIS with both path-space losses on nine Gaussians, and the memory and time of back-propagation
/// through long paths.
/// </summary>
internal static class TrajectoryBaselines
{
    private const int Samples = 10_000;
    private const string Published = "arXiv:2307.01198 (60,000 iterations of 2048 paths with 200 steps; from memory)";

    // Half way between the published 1, from which the outer modes are five deviations away, and the spread of the modes, for which
    // the last step of 100 is as wide as a mode.
    private const double BaseScale = 2;

    // The collapse is that of the published scale.
    private const double PublishedBaseScale = 1;

    // An eighth of the published batch, a tenth of its iterations and half of its steps.
    private static readonly ControlledOptions s_settings =
        new() { Training = new() { Iterations = 6000, BatchSize = 256 }, Steps = 100, BaseScale = BaseScale };

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "pis-kl-collapse",
            "Control experiment: the path integral sampler trained by the Kullback-Leibler loss on gmm9 from the published scale collapses (published: ESS "
            + "0.0051, log Z off by 1.094).",
            Quick: false,
            [
                FigureReference.AtMost(
                    "modes of nine that get a tenth of their weight from plain draws", 5, "mode seeking of the reverse Kullback-Leibler divergence"),
                FigureReference.AtMost("log Z", -0.5, "the lost modes' mass is lacking; one mode alone gives -2.197"),
                FigureReference.AtLeast("warnings that the draws miss part of the target", 1, "the coverage check must see what the weights can't"),
            ],
            Experiment.InBackground((settings, cancellation) =>
            {
                var options =
                    s_settings with { Loss = PathSpaceLoss.Kl, Training = s_settings.Training with { Iterations = 600 }, BaseScale = PublishedBaseScale };
                var draws = Sample("gmm9", ControlledAlgorithm.Pis, options, settings, cancellation);
                return [Held(draws), draws.LogZ, draws.Warnings.Count(w => w.Cause.Contains("miss part", StringComparison.Ordinal))];
            })),
        LogVariance("pis-log-variance", "gmm9", ControlledAlgorithm.Pis, logZ: 0, ess: 0.9093, logZError: 0.046),
        LogVariance("dis-log-variance", "gmm9", ControlledAlgorithm.Dis, logZ: 0, ess: 0.8660, logZError: 0.056),
        new Experiment(
            "trajectory-memory",
            "Back-propagation of the Kullback-Leibler loss through paths of a double well in each coordinate, batch 2048: memory and time by steps and "
            + "dimension.",
            Quick: false,
            [
                FigureReference.AtMost("peak working set of the process in GiB, 200 steps, d = 2 and 50 among them", 1.5, "bar of the project"),
                FigureReference.AtMost("exponent of the state memory by steps", 1, "linear; segments make it about 1/2"),
                FigureReference.AtMost("exponent of the state memory by dimension", 1.001, "linear"),
                FigureReference.AtMost("exponent of the time by steps", 1.2, "linear, and a margin for a shared machine"),
                FigureReference.AtMost("exponent of the time by dimension", 1.2, "linear, and a margin for a shared machine"),
            ],
            (settings, cancellation) => Task.Run(() => Memory(settings, cancellation), cancellation)),
    ];

    private static Experiment LogVariance(string name, string target, ControlledAlgorithm algorithm, double logZ, double ess, double logZError) => new(
        name,
        $"{algorithm.ToString().ToUpperInvariant()} trained by the log-variance loss on {target}.",
        Quick: false,
        [
            FigureReference.AtLeast("ESS", ess - 0.1, $"0.1 below the published {FormattableString.Invariant($"{ess:F4}")}, {Published}", stretchBound: ess),
            FigureReference.Within("log Z", logZ, logZError, $"the published error, {Published}"),
            FigureReference.AtMost("largest error of a mode weight", 0.03, "the target's definition"),
        ],
        Experiment.InBackground((settings, cancellation) =>
        {
            var draws = Sample(target, algorithm, s_settings, settings, cancellation);
            return [draws.EffectiveSampleSize, draws.LogZ, Measurements.LargestModeError(TargetLibrary.Get(target), draws)];
        }));

    private static SampleSet Sample(
        string target, ControlledAlgorithm algorithm, ControlledOptions options, ExperimentSettings settings, CancellationToken cancellation)
    {
        var method = new ControlledTransport(TargetLibrary.Get(target), algorithm, options);
        var draws = method.Sample(Samples, new Run { Seed = settings.Seed, Threads = settings.Threads, Cancellation = cancellation });
        settings.Remark(
            $"{draws.Method} on {target}, {draws.Sampler}: ESS {draws.EffectiveSampleSize:F4}, log Z {draws.LogZ:F4} +- {draws.LogZError:F4}, ELBO "
            + $"{draws.Elbo:F3}, trained in {draws.TrainSeconds:F0} s ({draws.Iterations} iterations), {draws.TargetCalls} target calls, base "
            + $"{draws.Preparation}{(draws.UsesModeKnowledge ? " (mode knowledge)" : "")}");
        foreach (var warning in draws.Warnings)
        {
            settings.Note($"  warning: {warning.Message}");
        }

        return draws;
    }

    // The modes that the draws themselves, without weights, visit at least a tenth as often as they should.
    private static double Held(SampleSet draws)
    {
        var (target, equal) = (TargetLibrary.Get(draws.Target), Enumerable.Repeat(1.0 / draws.Count, draws.Count).ToArray());
        var modes = target.Facts.Modes!;
        return modes.Occupancy(draws.UnconstrainedPositions, target.Dimension, equal).Zip(modes.Weights).Count(p => p.First >= 0.1 * p.Second);
    }

    private static IReadOnlyList<double> Memory(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int batch = 2048;
        int[] steps = [50, 100, 200, 400];
        int[] dimensions = [2, 10, 25, 50];
        var measured = new Dictionary<(int Steps, int Dimension), (double Seconds, long Bytes)>();
        settings.Note("steps  dimension  states (MiB)  s per gradient");
        foreach (var (count, dimension) in steps.Select(k => (k, 10)).Concat(dimensions.Select(d => (200, d))).Distinct())
        {
            cancellation.ThrowIfCancellationRequested();
            var (seconds, bytes) = TimeGradient(count, dimension, batch, settings);
            measured[(count, dimension)] = (seconds, bytes);
            settings.Remark($"{count,5}  {dimension,9}  {bytes / 1048576.0,12:F2}  {seconds,14:F3}");
        }

        double Slope(IEnumerable<(double X, double Y)> points) => Measurements.Slope([.. points.Select(p => (Math.Log(p.X), Math.Log(p.Y)))]);

        using var process = Process.GetCurrentProcess();
        var peak = process.PeakWorkingSet64 / (double)(1L << 30);
        settings.Remark($"peak working set of the whole process so far: {peak:F3} GiB");
        return
        [
            peak,
            Slope(steps.Select(k => ((double)k, (double)measured[(k, 10)].Bytes))),
            Slope(dimensions.Select(d => ((double)d, (double)measured[(200, d)].Bytes))),
            Slope(steps.Select(k => ((double)k, measured[(k, 10)].Seconds))),
            Slope(dimensions.Select(d => ((double)d, measured[(200, d)].Seconds))),
        ];
    }

    /// <summary>The least time of three gradients, and the bytes of states.</summary>
    private static (double Seconds, long Bytes) TimeGradient(int steps, int dimension, int batch, ExperimentSettings settings)
    {
        var (parameters, initializer) = (new ParameterSet(), new ParameterInitializer());
        var network = new DriftNetwork(parameters, initializer, dimension, width: 64, depth: 3);
        Expr LogTarget(Expr x) => -(x.Square() - 2).Square().Sum();
        Expr Score(Expr x, Expr t) => (t * Derivative.Gradient(LogTarget(x), x)) - ((1 - t) * x);
        var kernels = new ControlledKernels
        {
            Dimension = dimension,
            Parameters = parameters,
            Schedule = KernelSchedule.PinnedBrownian(steps, 1),
            Forward = (x, t, volatility, clip) => network.Apply(x, t) + (volatility * Score(x, t).Clamp(-clip, clip)),
            TargetCallsPerStep = 1,
        };
        using var gradient = new PathGradient<float>(
            kernels, LogTarget, PathSpaceLoss.Kl, batch, null, 1, 2, settings.Execution);
        var values = new NdArray<float>(parameters.Count);
        initializer.Fill(values.Span, new RandomKey(settings.Seed, 0));
        gradient.Run(values, new DrawKey(settings.Seed));
        var least = double.PositiveInfinity;
        for (var k = 1; k <= 3; k++)
        {
            var clock = Stopwatch.StartNew();
            gradient.Run(values, new DrawKey(settings.Seed, (ulong)(k * steps)));
            least = Math.Min(least, clock.Elapsed.TotalSeconds);
        }

        return (least, gradient.StateBytes);
    }
}
