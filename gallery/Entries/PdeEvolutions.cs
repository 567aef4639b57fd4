using Monge.Measures;
using Monge.Methods;
using Monge.Objectives;

namespace Monge.Gallery.Entries;

/// <summary>
/// The experiments of entry 01 beyond plain annealing: every other row of the paper's table of log-density losses on the paper's nine Gaussians, from
/// log-density to weighted samples, and the best general one on five double wells.
/// </summary>
internal static class PdeEvolutions
{
    private const int Samples = 10_000;
    private const string Definition = "the target's definition";

    /// <summary>The experiments.</summary>
    public static IReadOnlyList<Experiment> Experiments { get; } =
    [
        NineGaussians("gmm9-general-stochastic", "Nine Gaussians by the general log-density Fokker-Planck loss in drift and log density.",
            new PdeOptions { Evolution = Evolution.GeneralStochastic }),
        NineGaussians(
            "gmm9-general-stochastic-gated",
            "The same with the drift a network and a gated score of the interpolation, so that nothing of the loss cancels by its parametrisation.",
            new PdeOptions { Evolution = Evolution.GeneralStochastic, Drift = DriftForm.GatedScore, TotalNoise = 0.5 }),
        NineGaussians("gmm9-general-deterministic", "Nine Gaussians by the general log-density continuity loss.",
            new PdeOptions { Evolution = Evolution.GeneralDeterministic }),
        NineGaussians("gmm9-annealing-stochastic", "Nine Gaussians by stochastic annealing, sampled by the SDE.",
            new PdeOptions { Evolution = Evolution.AnnealingStochastic }),
        NineGaussians("gmm9-time-reversal", "Nine Gaussians by the time-reversal (score) loss in the log density alone.",
            new PdeOptions { Evolution = Evolution.TimeReversal }),
        NineGaussians("gmm9-schroedinger-bridge", "Nine Gaussians by the Fokker-Planck and Hamilton-Jacobi-Bellman losses.",
            new PdeOptions { Evolution = Evolution.SchroedingerBridge }),
        NineGaussians("gmm9-optimal-transport", "Nine Gaussians by the continuity and Hamilton-Jacobi losses.",
            new PdeOptions { Evolution = Evolution.OptimalTransport }),
        new Experiment(
            "many-well-5-general-deterministic",
            "Five double wells, 32 separated modes, by the general log-density continuity loss.",
            Quick: false,
            [
                FigureReference.Within(
                    "log Z", -0.541056, 0.05, "quadrature; best trajectory-based sampler off by 0.214 (arXiv:2307.01198)", stretchTolerance: 0.02),
                FigureReference.AtLeast("ESS", 0.67, "best trajectory-based sampler 0.6744 (arXiv:2307.01198)", stretchBound: 0.9),
                FigureReference.AtMost("largest error of a mode weight", 0.01, Definition),
            ],
            (settings, cancellation) => Sample(
                "many-well-5", new PdeOptions { Evolution = Evolution.GeneralDeterministic, Training = new() { Iterations = 12_000 } },
                settings, cancellation)),
    ];

    private static Experiment NineGaussians(string name, string description, PdeOptions options) => new(
        name,
        description,
        Quick: false,
        [
            FigureReference.Within("log Z", 0, 0.02, Definition, stretchTolerance: 0.005),
            FigureReference.AtLeast("ESS", 0.80, "best trajectory-based sampler 0.9093 (arXiv:2307.01198)", stretchBound: 0.95),
            FigureReference.AtMost("largest error of a mode weight", 0.03, Definition, stretchBound: 0.015),
        ],
        (settings, cancellation) => Sample("gmm9", options, settings, cancellation));

    private static async Task<IReadOnlyList<double>> Sample(string name, PdeOptions options, ExperimentSettings settings, CancellationToken cancellation)
    {
        var target = TargetLibrary.Get(name);
        var method = new PdeTransport(target, options with { Preparation = Measurements.WholeTraining });
        var draws = await method.SampleAsync(Samples, settings.Seed, null, cancellation, settings.Threads);
        settings.Remark($"{draws.Sampler}; {draws.Preparation}; {draws.Iterations} steps in {draws.TrainSeconds:f0} s");
        foreach (var warning in draws.Warnings)
        {
            settings.Note(warning.ToString());
        }

        return [draws.LogZ, draws.EffectiveSampleSize, Measurements.LargestModeError(target, draws)];
    }
}
