using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.OptimalTransport;
using Monge.Paths;

namespace Monge.Gallery.Entries;

/// <summary>
/// The path that moves the forty means from the origin and its drift in closed form: what the weights are when the drift is exact, and what steps of finite
/// length cost. The path knows where the modes are.
/// </summary>
internal static class ExactMixtureTransport
{
    private const int Walkers = 4000;
    private const int Points = 8192;
    private const int DistanceSamples = 2000;
    private const double StartDeviation = 5;
    private const double Diffusion = 4;
    private const string Reference = "reference simulation with other means";

    private static readonly int[] s_steps = [100, 200, 400];

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "exact-drift",
            "Forty Gaussians whose means move from the origin, with the exact drift: residual, kernel and continuous weights, and annealed importance "
            + "sampling beside. The path uses mode knowledge.",
            Quick: true,
            [
                FigureReference.AtMost("largest residual", 1e-8, "closed form"),
                FigureReference.Within("kernel ESS at 100 steps", 0.80, 0.05, Reference),
                FigureReference.Within("kernel ESS at 200 steps", 0.89, 0.04, Reference),
                FigureReference.Within("kernel ESS at 400 steps", 0.95, 0.03, Reference),
                FigureReference.Within("continuous ESS at 100 steps", 1, 1e-6, "the exact drift makes all weights equal"),
                FigureReference.AtMost("ESS of annealed importance sampling at 200 steps", 0.01, Reference),
            ],
            Experiment.InBackground(Measure)),
        new Experiment(
            "student-t-mixture-50",
            "Ten products of Student's t in 50 dimensions whose means move from the origin, carried by the exact drift's ODE with the density's weights. The "
            + "path uses mode knowledge, and nothing is learned.",
            Quick: false,
            [
                FigureReference.AtMost("median squared cost over the floor's", 1.15,
                    "ten pairs of exact sets of the same size; best published 0.94, of means over fewer pairs", stretchBound: 1.05),
                FigureReference.AtLeast("ESS", 0.9, "the exact drift makes all weights equal"),
                FigureReference.Within("log Z", 0, 0.05, "the target's definition"),
            ],
            Experiment.InBackground(Students)),
    ];

    private static double[] Students(ExperimentSettings settings, CancellationToken cancellation)
    {
        var target = TargetLibrary.Get("student-t-mixture-50");
        var (path, drift) = PathLibrary.For(target)!;
        var (d, execution) = (target.Dimension, settings.Execution);
        using var start = TransportSde.Forward<double>(path, null, null, SdeScheme.EulerMaruyama, Walkers, 1, 2, execution);
        start.Start(null, Walkers, new DrawKey(settings.Seed));
        using var ode = new TransportOde<double>(null, drift!, RungeKuttaTableau.RungeKutta4, execution);
        var (positions, divergence) = ode.Run(null, start.Positions, s_steps[0]);
        var weights = ImportanceWeights.FromLogWeights(WeightedParticles.LogWeights(At(path, 1, positions, execution), [.. start["logBase"].Span], divergence));
        var chosen = Resampling.Systematic([.. weights.Normalised], DistanceSamples, new RandomStream(settings.Seed, 3));
        double[] equal = [.. chosen.SelectMany(i => positions.Row(i).ToArray())];
        var distance = DistanceWithFloor.Compute(
            equal, d, (count, seed) => target.Facts.ExactSampler!(count, new RandomStream(settings.Seed, (uint)(4 + seed))),
            (x, y) => Wasserstein.Exact(x, y, d, 2, settings.Threads, cancellation).MeanCost, "mean squared cost", 10);

        // The variance is infinite, so the cost of two exact sets has no expectation: its mean over pairs converges to nothing, its median does.
        settings.Remark(
            $"student-t-mixture-50: {distance}; medians {distance.ValueMedian:f0} and {distance.FloorMedian:f0} over {distance.Floors.Count} pairs; ESS "
            + $"{weights.EffectiveSampleFraction:f4}, log Z {weights.LogNormaliser:f5}");
        return [distance.MedianRatio, weights.EffectiveSampleFraction, weights.LogNormaliser];
    }

    private static double[] At(FormulaPath path, double time, NdArray<double> positions, ExecutionOptions execution)
    {
        var (x, t) = (Expr.Input("x", path.Dimension), Expr.Shared("t"));
        using var program = new CompiledProgram<double>(
            new TracedProgram(null, ("value", path.LogDensity(x, t))), execution)
        { ["x"] = positions, ["value"] = new NdArray<double>(Walkers) };
        program["t"].Span[0] = time;
        program.Run(Walkers);
        return program["value"].Span.ToArray();
    }

    private static double[] Measure(ExperimentSettings settings, CancellationToken cancellation)
    {
        var modes = TargetLibrary.Get("gmm40").Facts.Modes!;
        double[][] means = [.. Enumerable.Range(0, modes.Count).Select(k => modes.Position(k)!)];
        var (path, drift) = PathLibrary.GaussianMixture(means, StartDeviation, Math.Log(1 + Math.E));
        var execution = settings.Execution;
        var results = new List<double> { LargestResidual(path, drift!, settings.Seed, execution) };
        foreach (var steps in s_steps)
        {
            cancellation.ThrowIfCancellationRequested();
            results.Add(Kernel(path, drift, steps, settings, execution));
        }

        using var escorted = EscortedLangevin.Walk<double>(path, null, drift, Walkers, 1, 2, execution);
        escorted.Start(null, Walkers, new DrawKey(settings.Seed));
        escorted.Advance(null, Walkers, Grid(s_steps[0]), new DrawKey(settings.Seed));
        results.Add(ImportanceWeights.FromLogWeights([.. escorted["logWeight"].Span]).EffectiveSampleFraction);
        results.Add(Kernel(path, null, s_steps[1], settings, execution));
        return [.. results];
    }

    private static TimeGrid Grid(int steps) => new(0, steps, steps, (_, _) => Diffusion);

    /// <summary>The effective sample size by kernel weights at a number of equal steps; without a drift it is annealed importance sampling.</summary>
    internal static double Kernel(FormulaPath path, IVectorField? drift, int steps, ExperimentSettings settings, ExecutionOptions execution)
    {
        using var sde = TransportSde.Forward<double>(path, null, drift, SdeScheme.EulerMaruyama, Walkers, 1, 2, execution);
        var draw = new DrawKey(settings.Seed, (ulong)(1000 * steps));
        sde.Start(null, Walkers, draw);
        double[] logBase = [.. sde["logBase"].Span];
        sde.Advance(null, Walkers, Grid(steps), draw);
        var weights = ImportanceWeights.FromLogWeights(WeightedParticles.LogWeights(At(path, 1, sde.Positions, execution), logBase, sde["gain"]));
        settings.Remark(
            $"{(drift is null ? "annealed importance sampling" : "exact drift")}, {steps} steps: kernel ESS {weights.EffectiveSampleFraction:f4}, log Z "
            + $"{weights.LogNormaliser:f4} +- {weights.LogNormaliserError:f4}");
        return weights.EffectiveSampleFraction;
    }

    // At points of the path itself and three times as wide, at all times.
    private static double LargestResidual(FormulaPath path, IVectorField drift, ulong seed, ExecutionOptions execution)
    {
        var t = Expr.Random(RandomLaw.Uniform, 1);
        var x = (40 * t * ((2 * Expr.Random(RandomLaw.Uniform, 2, path.Dimension)) - 1))
            + (3 * StartDeviation * Expr.Random(RandomLaw.Normal, 3, path.Dimension));
        var (position, time) = (Expr.Input("x", path.Dimension), Expr.Input("t"));
        using var points = new CompiledProgram<double>(
            new TracedProgram(null, ("x", x), ("t", t)),
            execution)
        { ["x"] = new NdArray<double>(Points, path.Dimension), ["t"] = new NdArray<double>(Points) };
        points.Run(Points, new DrawKey(seed));
        using var run = new CompiledProgram<double>(new TracedProgram(null, ("residual", ContinuityResidual.Exact(path, drift, 0, position, time))), execution)
        {
            ["x"] = points["x"],
            ["t"] = points["t"],
            ["residual"] = new NdArray<double>(Points),
        };
        run.Run(Points);
        return Measurements.LargestMagnitude(run["residual"].Span);
    }
}
