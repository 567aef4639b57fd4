using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>How the experiments of entry 11 hold laws in time against exact ones, and the particles that they are compared with.</summary>
internal static class GradientFlowLaws
{
    /// <summary>Samples of each law in a divergence, as in the paper.</summary>
    private const int DivergenceSamples = 8192;

    // Particles, and exact samples, at which the paper looks at a kernel density.
    private const int KernelSamples = 10_000;

    // Samples of each set in an energy distance, and its repetitions.
    private const int DistanceSamples = 2000;
    private const int Repetitions = 25;

    private static readonly StreamName s_exact = StreamName.Of("gradient flows: exact samples");
    private static readonly StreamName s_fitted = StreamName.Of("gradient flows: samples of fitted densities");
    private static readonly StreamName s_start = StreamName.Of("gradient flows: Euler-Maruyama start");
    private static readonly StreamName s_noise = StreamName.Of("gradient flows: Euler-Maruyama noise");

    /// <summary>The symmetric divergence of a followed law from an exact one.</summary>
    public static SymmetricDivergence Divergence(IEvolution evolution, double time, LawFacts exact, ExperimentSettings settings)
    {
        var (mine, logs) = evolution.DrawAt(DivergenceSamples, time, settings.Seed, settings.Threads);
        return Divergence(mine, logs, points => evolution.LogDensityAt(points, time, settings.Threads), exact, settings);
    }

    /// <summary>The symmetric divergence of a density that was fitted to particles from an exact law.</summary>
    public static SymmetricDivergence Divergence(IFittedDensity fitted, LawFacts exact, ExperimentSettings settings)
    {
        var mine = fitted.Sample(DivergenceSamples, new RandomStream(settings.Seed, s_fitted));
        double[] At(double[] points) => fitted.LogDensity(points, settings.Threads);
        return Divergence(mine, At(mine), At, exact, settings);
    }

    /// <summary>
    /// What the paper's code takes for the symmetric divergence of particles from an exact law: the mean log ratio of their kernel density at exact samples,
    /// and at the particles that it is made of, where each sees itself. That is far above the divergence of the kernel density itself in many dimensions.
    /// </summary>
    public static double KernelScore(KernelDensity kernel, double[] particles, LawFacts exact, ExperimentSettings settings)
    {
        var d = kernel.Dimension;
        double MeanRatio(double[] points) => kernel.LogDensity(points, settings.Threads)
            .Zip(PointFunction.At(exact.LogDensity!, points, d, settings.Execution), (log, right) => log - right).Average();
        return MeanRatio(particles[..(KernelSamples * d)]) - MeanRatio(exact.Sampler!(KernelSamples, new RandomStream(settings.Seed, s_exact)));
    }

    /// <summary>The energy distance between two laws beside that between two sets of the second.</summary>
    public static DistanceWithFloor Distance(ExactSampler samples, ExactSampler exact, int d, ExperimentSettings settings) => DistanceWithFloor.Compute(
        samples, DistanceSamples, d, exact, (x, y) => EnergyDistance.Compute(x, y, d, unbiased: false, threads: settings.Threads), "energy distance",
        Repetitions);

    /// <summary>Independent sets of a followed law.</summary>
    public static ExactSampler Draws(IEvolution evolution, double time, ExperimentSettings settings) =>
        (count, seed) => evolution.DrawAt(count, time, (settings.Seed << 32) + (ulong)seed, settings.Threads).Positions;

    /// <summary>Independent sets of an exact law.</summary>
    public static ExactSampler Draws(LawFacts exact, ExperimentSettings settings) =>
        (count, seed) => exact.Sampler!(count, new RandomStream((settings.Seed << 32) + (ulong)seed, s_exact));

    /// <summary>The rows of particles in turn, of which there must be enough.</summary>
    public static ExactSampler Rows(double[] particles, int d) => (count, seed) => particles[((seed - 1) * count * d)..(seed * count * d)];

    /// <summary>Particles by Euler and Maruyama's method.</summary>
    public static double[] EulerMaruyama(EvolutionProblem problem, int particles, double until, double step, ExperimentSettings settings)
    {
        var (d, eps) = (problem.Dimension, problem.Diffusion.Scalar!.Value);
        using var walk = FieldSde.Walk<float>(null, new FormulaField(d, problem.Drift), SdeScheme.EulerMaruyama, s_noise, options: settings.Execution);
        var start = problem.Initial.Sample(particles, new RandomStream(settings.Seed, s_start));
        var grid = new TimeGrid(TimeGrid.TimesInSteps(until, step), (_, _) => eps);
        return Numbers.Doubles(walk.Carry(null, NdArray<float>.From(Numbers.Singles(start), particles, d), grid, new DrawKey(settings.Seed)).Span);
    }

    private static SymmetricDivergence Divergence(
        double[] mine, double[] mineLogs, Func<double[], double[]> logDensity, LawFacts exact, ExperimentSettings settings)
    {
        var d = mine.Length / mineLogs.Length;
        var theirs = exact.Sampler!(DivergenceSamples, new RandomStream(settings.Seed, s_exact));
        double[] Ratios(double[] logs, double[] points) =>
            [.. logs.Zip(PointFunction.At(exact.LogDensity!, points, d, settings.Execution), (log, right) => log - right)];
        return SymmetricDivergence.Estimate(Ratios(mineLogs, mine), Ratios(logDensity(theirs), theirs));
    }
}
