using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>Entry 11, item 1: Ornstein-Uhlenbeck processes with the paper's network and steps, beside Euler-Maruyama scored in two ways.</summary>
internal static class OrnsteinUhlenbeckFlows
{
    private const int Problems = 5;
    private const int Particles = 50_000;
    private const double Time = 0.9;
    private const double ParticleStep = 1e-3;
    private const double LargestRatio = 1.2;

    /// <summary>
    /// The paper's network of two layers of 64 without our affine part, its 500 iterations for each step of 0.05, its batches and its rate, which here falls,
    /// and an average over the last iterations. It starts near the identity, for where the paper starts its 4000 iterations of identity training leave it a few
    /// thousandths off, and that is most of the divergence.
    /// </summary>
    private static readonly JkoOptions s_paper = new() { Until = Time, AffinePart = false, StartNearIdentity = true };

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        OfSize(2, 0.0038, 0.0066, null), OfSize(4, 0.0075, 0.105, null), OfSize(8, 0.0136, 1.32, null), OfSize(12, 0.0182, 3.83, 0.005),
        new Experiment(
            "ornstein-uhlenbeck-32",
            "The same in 32 coordinates, beyond the paper, with a pool of 500,000 samples.",
            Quick: false,
            [
                FigureReference.AtMost("mean symmetric divergence at t = 0.9", 0.02, "bar of the project"),
                FigureReference.AtMost("mean energy distance over its floor", LargestRatio, "bar of the project; two exact sets of 2000"),
            ],
            Experiment.InBackground((settings, cancellation) => Measure(32, s_paper with { Pool = 500_000 }, false, settings, cancellation))),
    ];

    private static Experiment OfSize(int d, double paper, double kernel, double? stretch) => new(
        $"ornstein-uhlenbeck-{d}",
        $"Five Ornstein-Uhlenbeck processes in {d} coordinates to t = 0.9 with the paper's network and steps; 50,000 particles by Euler-Maruyama beside them.",
        Quick: false,
        [
            FigureReference.AtMost("mean symmetric divergence at t = 0.9", paper, "the paper's mean over 15 repeats", stretch),
            FigureReference.AtMost("mean energy distance over its floor", LargestRatio, "bar of the project; two exact sets of 2000"),
            FigureReference.Within(
                "Euler-Maruyama by a kernel density at its own particles, mean symmetric divergence", kernel, 0.15 * kernel,
                "the paper's mean; its code's way"),
            FigureReference.AtMost("Euler-Maruyama by a Gaussian fit, mean symmetric divergence", paper, "the paper's mean of the method"),
            FigureReference.AtMost("Euler-Maruyama, mean energy distance over its floor", LargestRatio, "bar of the project"),
        ],
        Experiment.InBackground((settings, cancellation) => Measure(d, s_paper, true, settings, cancellation)));

    private static double[] Measure(
        int d, JkoOptions options, bool besideParticles, ExperimentSettings settings, CancellationToken cancellation)
    {
        double[] sums = new double[besideParticles ? 5 : 2];
        for (var k = 0; k < Problems; k++)
        {
            // Each seed has problems of its own, and each problem numbers of its own.
            var trial = settings with { Seed = (Problems * (settings.Seed - 1)) + (ulong)k + 1 };
            var problem = EvolutionLibrary.Get(FormattableString.Invariant($"ou-{d}@draw={trial.Seed}"));
            var exact = problem.Facts.Law!(Time);
            var evolution = new JkoFlow(problem, options).Follow(new Run { Seed = trial.Seed, Threads = settings.Threads, Cancellation = cancellation });
            var divergence = GradientFlowLaws.Divergence(evolution, Time, exact, trial);
            var exactDraws = GradientFlowLaws.Draws(exact, trial);
            var distance = GradientFlowLaws.Distance(GradientFlowLaws.Draws(evolution, Time, trial), exactDraws, d, trial);
            settings.Remark($"{problem.Name}: {divergence.Value:g3} +- {divergence.Error:g1}, {distance.Ratio:f2} floors");
            double[] values = [divergence.Value, distance.Ratio, .. besideParticles ? ByParticles(problem, exact, exactDraws, trial) : []];
            sums = [.. sums.Zip(values, (sum, value) => sum + (value / Problems))];
        }

        return sums;
    }

    private static double[] ByParticles(EvolutionProblem problem, LawFacts exact, ExactSampler exactDraws, ExperimentSettings trial)
    {
        var d = problem.Dimension;
        var particles = GradientFlowLaws.EulerMaruyama(problem, Particles, Time, ParticleStep, trial);
        var kernel = KernelDensity.Scott(particles, d);
        var (score, smooth) = (GradientFlowLaws.KernelScore(kernel, particles, exact, trial), GradientFlowLaws.Divergence(kernel, exact, trial));
        var fit = GradientFlowLaws.Divergence(GaussianMixtureFit.Gaussian(particles, d), exact, trial);
        var distance = GradientFlowLaws.Distance(GradientFlowLaws.Rows(particles, d), exactDraws, d, trial);
        trial.Remark(
            $"Euler-Maruyama {score:g3} by a kernel density at its own particles, {smooth.Value:g3} at samples of that, {fit.Value:g2} by a Gaussian fit, "
            + $"{distance.Ratio:f2} floors");
        return [score, fit.Value, distance.Ratio];
    }
}
