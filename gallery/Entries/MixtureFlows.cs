using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.References;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 11, item 2: diffusions from N(0, 16 I) to Gaussian mixtures, to t = 4: in the plane beside the exact law at that time, above beside particles.
/// </summary>
internal static class MixtureFlows
{
    private const double Time = 4;
    private const int Draws = 5;
    private const int Particles = 100_000;
    private const double ParticleStep = 1e-3;
    private const double GridReach = 13;
    private const int Cells = 260;
    private const int FiniteVolumeSteps = 800;

    private static readonly StreamName s_modes = StreamName.Of("mixture flows: samples of mixtures");

    // Units of one quadratic each, the source's, follow the edges where three or more modes part badly, wide or not, which brings modes' weights out of true.
    private static readonly JkoOptions s_options = new() { Until = Time, Step = 0.1, Pieces = 16 };

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "mixture-2",
            "Five Gaussians in the plane, a network of 64: the law at t = 4 beside the exact one, by finite volumes on a box of 26.",
            Quick: false,
            [
                FigureReference.AtMost("symmetric divergence from the exact law at t = 4", 0.03, "own finite volumes"),
                FigureReference.Within("mass of the followed law on the grid", 1, 0.01, "densities integrate to 1"),
            ],
            Experiment.InBackground(Plane)),
        OfSize(4, 384, 0.176), OfSize(6, 512, 0.301), OfSize(8, 512, 0.396),
        Large(13, s_options with { Width = 128, Until = 5, Step = 0.2, Iterations = 1000 }),
        Large(32, s_options with { Width = 256, Until = 7, Step = 0.2, BatchSize = 512 }),
    ];

    private static Experiment OfSize(int d, int width, double paper) => new(
        $"mixture-{d}",
        $"Five mixtures in {d} coordinates to t = 4 with the paper's width of {width}, beside 100,000 particles by Euler-Maruyama.",
        Quick: false,
        [
            FigureReference.AtMost("mean symmetric divergence from the mixture", 1.2 * paper, "1.2 times the paper's mean over 5 repeats"),
            FigureReference.AtMost("mean energy distance to particles over its floor", 1.5, "bar of the project; two sets of 2000 particles"),
        ],
        Experiment.InBackground((settings, cancellation) =>
        {
            var (divergence, ratio) = (0.0, 0.0);
            for (var k = 0; k < Draws; k++)
            {
                var trial = settings with { Seed = (Draws * (settings.Seed - 1)) + (ulong)k + 1 };
                var problem = EvolutionLibrary.Get(FormattableString.Invariant($"mixture-{d}@draw={trial.Seed}"));
                var (evolution, particles) = Follow(problem, s_options with { Width = width }, trial, cancellation);
                var symmetric = GradientFlowLaws.Divergence(evolution, Time, problem.Facts.Stationary!, trial);
                var distance = GradientFlowLaws.Distance(GradientFlowLaws.Draws(evolution, Time, trial), GradientFlowLaws.Rows(particles, d), d, trial);
                settings.Remark($"{problem.Name}: {symmetric.Value:g3} +- {symmetric.Error:g1} from the mixture, {distance}; the particles themselves are at "
                    + $"least {ByModes(problem, particles, trial):g3} from it");
                (divergence, ratio) = (divergence + (symmetric.Value / Draws), ratio + (distance.Ratio / Draws));
            }

            return [divergence, ratio];
        }));

    private static Experiment Large(int d, JkoOptions options) => new(
        $"mixture-{d}",
        $"A mixture of ten Gaussians in {d} coordinates, a network of {options.Width}, beside 100,000 particles by Euler-Maruyama.",
        Quick: false,
        [FigureReference.AtMost("distance in total variation between the modes' weights and the particles'", 0.03, "bar of the project")],
        Experiment.InBackground((settings, cancellation) =>
        {
            var problem = EvolutionLibrary.Get(FormattableString.Invariant($"mixture-{d}@draw={settings.Seed}"));
            var until = options.Until!.Value;
            var (evolution, particles) = Follow(problem, options, settings, cancellation);
            var draws = evolution.DrawAt(Particles, until, settings.Seed, settings.Threads).Positions;
            var (mine, theirs) = (Weights(problem, draws), Weights(problem, particles));
            settings.Note($"weights {Words(mine)}, of the particles {Words(theirs)}");
            return [0.5 * mine.Zip(theirs, (a, b) => Math.Abs(a - b)).Sum()];
        }));

    private static (JkoEvolution Evolution, double[] Particles) Follow(
        EvolutionProblem problem, JkoOptions options, ExperimentSettings settings, CancellationToken cancellation)
    {
        var run = new Run { Seed = settings.Seed, Threads = settings.Threads, Cancellation = cancellation };
        return (new JkoFlow(problem, options).Follow(run),
            GradientFlowLaws.EulerMaruyama(problem, Particles, options.Until!.Value, ParticleStep, settings));
    }

    private static double[] Plane(ExperimentSettings settings, CancellationToken cancellation)
    {
        var problem = EvolutionLibrary.Get(FormattableString.Invariant($"mixture-2@draw={settings.Seed}"));
        var run = new Run { Seed = settings.Seed, Threads = settings.Threads, Cancellation = cancellation };
        var evolution = new JkoFlow(problem, s_options).Follow(run);
        var exact = FiniteVolumes(problem, settings);
        var axis = exact.First.Centres();
        double[] points = [.. axis.SelectMany(x => axis.SelectMany(y => new[] { x, y }))];
        var mine = evolution.LogDensityAt(points, Time, settings.Threads);
        var target = PointFunction.At(problem.Facts.Stationary!.LogDensity!, points, 2, settings.Execution);
        double Symmetric(Func<int, double> first, Func<int, double> second) =>
            Enumerable.Range(0, points.Length / 2).Sum(k => (Math.Exp(first(k)) - Math.Exp(second(k))) * (first(k) - second(k))) * exact.CellArea;
        double Right(int k) => Math.Log(exact.Values[k]);
        var (divergence, toTarget) = (Symmetric(k => mine[k], Right), Symmetric(k => mine[k], k => target[k]));
        settings.Remark($"from the exact law {divergence:g3}, from the target {toTarget:g3}; exact law from the target {Symmetric(Right, k => target[k]):g3}");
        return [divergence, mine.Sum(Math.Exp) * exact.CellArea];
    }

    private static PlaneDensity FiniteVolumes(EvolutionProblem problem, ExperimentSettings settings)
    {
        var axis = new CellAxis(-GridReach, GridReach, Cells);
        using var potential = new PointFunction((x, _) => problem.Energy!.Potential!(x), 2, settings.Execution);
        using var initial = new PointFunction((x, _) => problem.Initial.LogDensity(x), 2, settings.Execution);
        using var solver = new FiniteVolumePlane(
            axis, axis, null, problem.Energy!.Temperature, problem.Energy.Temperature, (x, y) => potential.At([x, y])[0],
            new FiniteVolumeOptions { Threads = settings.Threads });
        var density = new PlaneDensity(axis, axis, (x, y) => Math.Exp(initial.At([x, y])[0]));
        density.Normalise();
        solver.Advance(density, 0, Time, FiniteVolumeSteps);
        return density;
    }

    private static double[] Weights(EvolutionProblem problem, double[] positions)
    {
        var (d, centres) = (problem.Dimension, problem.Facts.Stationary!.Mixture!.Means);
        var weights = new double[centres.Count];
        for (var first = 0; first < positions.Length; first += d)
        {
            var at = positions.AsSpan(first, d).ToArray();
            weights[Enumerable.Range(0, centres.Count).MinBy(k => at.Zip(centres[k], (x, m) => (x - m) * (x - m)).Sum())] += (double)d / positions.Length;
        }

        return weights;
    }

    // The symmetric divergence of the modes' weights alone, which that of the laws is never below.
    private static double ByModes(EvolutionProblem problem, double[] particles, ExperimentSettings settings)
    {
        var exact = problem.Facts.Stationary!.Sampler!(Particles, new RandomStream(settings.Seed, s_modes));
        return Weights(problem, particles).Zip(Weights(problem, exact), (p, q) => p > 0 ? (p - q) * Math.Log(p / q) : 0).Sum();
    }

    private static string Words(double[] weights) => string.Join(" ", weights.Select(w => FormattableString.Invariant($"{w:f3}")));
}
