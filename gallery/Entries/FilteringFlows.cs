using Monge.Measures;
using Monge.Methods;
using Monge.References;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>Entry 11, nonlinear filtering: laws given noisy observations of one path, beside a grid's and those of bootstrap filters.</summary>
internal static class FilteringFlows
{
    private const int Repeats = 15;
    private const int Particles = 10_000;
    private const double Time = 5;
    private const double GridReach = 6;
    private const double GridWidth = 5e-3;
    private const double GridStep = 1e-3;

    /// <summary>
    /// The paper's steps and iterations with a smaller network, of 128 units for 256, at a higher rate, which falls; samples after observations by importance
    /// sampling. Beside a free affine part, our default elsewhere, the network doesn't find the ripples.
    /// </summary>
    private static readonly JkoOptions s_options = new()
    {
        Step = 0.1,
        Iterations = 700,
        LearningRate = 0.015,
        AffinePart = false,
        Width = 128,
        Pool = 131_072,
    };

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "filtering",
            "Fifteen paths in a rippled potential, each seen nine times with noise of variance 1: the law at t = 5 given what was seen.",
            Quick: false,
            [
                FigureReference.AtMost("median symmetric divergence at t = 5", 0.05, "bar of the project; the paper's median is .017", stretchBound: 0.017),
                FigureReference.AtMost("largest symmetric divergence at t = 5", 0.3, "bar of the project; the paper has one failure, .57", stretchBound: 0.1),
                FigureReference.Within("bootstrap filter, 10,000 particles by a kernel density, median", 0.013, 0.006, "the paper's median"),
                FigureReference.AtLeast("least share of effective paths after an observation", 0.1, "bar of the project"),
            ],
            Experiment.InBackground(All)),
        new Experiment(
            "filtering-one-path",
            "One of those paths.",
            Quick: true,
            [
                FigureReference.AtMost("symmetric divergence at t = 5", 0.05, "bar of the project for the median", stretchBound: 0.017),
                FigureReference.Within("log evidence of what was seen, difference from the grid's", 0, 0.1, "finite volumes"),
            ],
            Experiment.InBackground((settings, cancellation) =>
            {
                var one = Measure(1, settings, cancellation);
                return [one.Divergence, one.EvidenceError];
            })),
    ];

    private static double[] All(ExperimentSettings settings, CancellationToken cancellation)
    {
        var all = Enumerable.Range(1, Repeats).Select(k => Measure(k, settings, cancellation)).ToArray();
        return
        [
            FigureVerdicts.Median([.. all.Select(one => one.Divergence)]), all.Max(one => one.Divergence),
            FigureVerdicts.Median([.. all.Select(one => one.Bootstrap)]), all.Min(one => one.EffectiveShare),
        ];
    }

    private static (double Divergence, double Bootstrap, double EffectiveShare, double EvidenceError) Measure(
        int repeat, ExperimentSettings settings, CancellationToken cancellation)
    {
        // Each seed has paths of its own, and each path numbers of its own.
        var seed = (Repeats * (settings.Seed - 1)) + (ulong)repeat;
        var problem = EvolutionLibrary.Get(FormattableString.Invariant($"filtering@draw={seed}"));
        var grid = GridFilter.Run(problem, new CellAxis(-GridReach, GridReach, (int)Math.Round(2 * GridReach / GridWidth)), Time, GridStep);
        var evolution = new JkoFilter(problem, s_options).Follow(new Run { Seed = seed, Threads = settings.Threads, Cancellation = cancellation });
        double[] centres = grid.Law.Axis.Centres();
        var divergence = Divergence(evolution.LogDensityAt(centres, Time, settings.Threads), grid.Law);
        var particles = BootstrapFilter.Run(problem, Particles, Time, GridStep, seed, settings.Threads);
        var bootstrap = Divergence(KernelDensity.Scott(particles.Positions, 1).LogDensity(centres, settings.Threads), grid.Law);
        var (share, error) = (evolution.EffectiveShares.Min(), evolution.LogEvidence - grid.LogEvidence);
        settings.Remark(
            $"{problem.Name}: {divergence:g3}, at least {share:f2} of paths effective, log evidence off by {error:g2}; bootstrap filter {bootstrap:g3}, "
            + $"at least {particles.EffectiveShares.Min():f2} of particles effective");
        foreach (var warning in evolution.Warnings)
        {
            settings.Note(warning.Message);
        }

        return (divergence, bootstrap, share, error);
    }

    // By the cells, as in the paper.
    private static double Divergence(double[] logs, LineDensity exact) =>
        logs.Zip(exact.Values, (log, right) => right > 0 ? (Math.Exp(log) - right) * (log - Math.Log(right)) : 0).Sum() * exact.Axis.Width;
}
