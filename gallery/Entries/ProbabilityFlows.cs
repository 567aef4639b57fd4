using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 37: Probability flow solution of the Fokker-Planck equation (arXiv:2206.04642): particles in traps, an active swimmer, and a drift of one's own. The
/// paper plots and has no tables; the exact laws and references are ours.
/// </summary>
internal static class ProbabilityFlows
{
    private const double Diffusion = 0.25;

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "37",
        "Probability flows",
        "N. Boffi, E. Vanden-Eijnden: Probability flow solution of the Fokker-Planck equation, arXiv:2206.04642",
        [
            new Experiment(
                "affine",
                "Fifty particles in a harmonic trap that goes round, 100 samples of them, by affine scores: the recursion of their moments.",
                Quick: true,
                [
                    FigureReference.AtMost("largest relative error of a covariance beside the exact recursion", 1e-10, "closed form"),
                    FigureReference.AtMost("largest relative error of the entropy's rate beside that of the exact law", 0.03, "closed form"),
                ],
                Experiment.InBackground(Affine)),
            new Experiment(
                "bound",
                "Ornstein-Uhlenbeck processes moved by scores that are wrong by a factor: how the divergence grows, and its bound.",
                Quick: true,
                [FigureReference.AtMost("largest growth of the divergence over its bound", 1, "proposition 1, with 1/4")],
                Experiment.InBackground(Bound)),
            .. ParticleFlows.Experiments,
            .. SwirlingWellFlows.Experiments,
        ]);

    // Euler's steps with the score of the Gaussian of the particles' own moments multiply the relative coordinates by 1 - dt/2 + dt D / r, their mean by
    // 1 - dt + dt D / c.
    private static double[] Affine(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int particles = 50;
        const double until = 5;
        var problem = EvolutionLibrary.Get($"harmonic-trap-{particles}");
        var options = new SbtmOptions
        {
            Until = until,
            Step = 0.0025,
            Stepper = SbtmStepper.Euler,
            Particles = 100,
            HeldOut = 0,
            BatchSize = 100,
            Iterations = 0,
            Loss = SbtmLoss.Exact,
            MomentPart = false,
            DriftPart = false,
            Width = 4,
            Depth = 1,
        };
        var run = new Run { Seed = settings.Seed, Threads = settings.Threads, Cancellation = cancellation };
        var evolution = new SbtmFlow(problem, options).Follow(run);
        var (relative, common, off, rateOff) = (1.0 / 16, 1.0 / 16, 0.0, 0.0);
        for (var k = 0; k < evolution.Times.Count; k++)
        {
            var whitener = evolution.Scores[k].Whitener;
            var (own, other) = (whitener[0], whitener[2]);
            var (mineRelative, mineCommon) = (1 / Square(own - other), 1 / Square(own + ((particles - 1) * other)));
            off = Math.Max(off, Math.Max(Math.Abs((mineRelative / relative) - 1), Math.Abs((mineCommon / common) - 1)));
            var (exactRelative, exactCommon) = (ExactRelative(evolution.Times[k]), ExactCommon(evolution.Times[k]));
            var (rate, exactRate) = (EntropyRate(mineRelative, mineCommon), EntropyRate(exactRelative, exactCommon));
            rateOff = Math.Max(rateOff, Math.Abs(rate - exactRate) / Math.Max(1, Math.Abs(exactRate)));
            if (k < evolution.Times.Count - 1)
            {
                var step = evolution.Times[k + 1] - evolution.Times[k];
                relative *= Square(1 - (step / 2) + (step * Diffusion / relative));
                common *= Square(1 - step + (step * Diffusion / common));
            }
        }

        settings.Remark($"covariances off by {off:g2}; the entropy's rate, {EntropyRate(1.0 / 16, 1.0 / 16):f1} at first, by {rateOff:g2}");
        return [off, rateOff];

        static double EntropyRate(double relative, double common) => -(particles + 1) + (2 * Diffusion * (((particles - 1) / relative) + (1 / common)));
    }

    // With k times the exact score, k not 1, and no network.
    private static double[] Bound(ExperimentSettings settings, CancellationToken cancellation)
    {
        var (problem, largest, parameters) = (EvolutionLibrary.Get("heat-1"), 0.0, new ParameterSet());
        var network = new ScoreNetworkOptions { Width = 1, Depth = 1 };
        _ = new ScoreNetwork(parameters, new ParameterInitializer(), "score", 1, network);
        foreach (var factor in (double[])[0.5, 0.8, 0.95, 1.05, 1.2, 1.5])
        {
            cancellation.ThrowIfCancellationRequested();
            double[] times = [.. Enumerable.Range(0, 201).Select(k => k * 0.005)];
            KeptScore[] scores = [.. times.Select(problem.Facts.Law!).Select(law =>
                new KeptScore(new float[parameters.Count], law.Mean!, [Math.Sqrt(factor / law.Covariance![0, 0])], [], []))];
            var evolution = new ScoreEvolution(problem, network, times, scores);
            var points = EvolutionResult.Of(evolution, SbtmFlow.Name, 20_000, 2, new Run { Seed = settings.Seed, Threads = settings.Threads }).Points;
            var (divergence, bound) = (points[^1].Divergence!.Value.Value, points[^1].DivergenceBound);
            settings.Remark($"factor {factor}: divergence {divergence:g4}, bound {bound:g4}");
            largest = Math.Max(largest, divergence / bound);
        }

        return [largest];
    }

    private static double ExactRelative(double t) => (2 * Diffusion) + (((1.0 / 16) - (2 * Diffusion)) * Math.Exp(-t));

    private static double ExactCommon(double t) => Diffusion + (((1.0 / 16) - Diffusion) * Math.Exp(-2 * t));

    private static double Square(double value) => value * value;
}
