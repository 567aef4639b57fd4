using Monge.Measures;
using Monge.Methods;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 01: Dynamical Measure Transport and Neural PDE Solvers for Sampling (arXiv:2407.07873), the exact-solution suite of all its losses
/// between Gaussians, and two of the paper's targets.
/// </summary>
internal static class NeuralPdeTransport
{
    private const int Samples = 10_000;
    private const string Definition = "the target's definition";

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "01",
        "Neural PDE transport",
        "J. Sun, J. Berner, L. Richter, M. Zeinhofer, J. Mueller, K. Azizzadenesheli, A. Anandkumar: Dynamical Measure Transport and Neural PDE Solvers for "
        + "Sampling, arXiv:2407.07873",
        [
            .. GaussianSuite.Experiments,
            new Experiment(
                "gmm9",
                "Nine Gaussians on a grid in two dimensions, from log-density to weighted samples.",
                Quick: false,
                [
                    FigureReference.Within("log Z", 0, 0.02, Definition, stretchTolerance: 0.005),
                    FigureReference.AtLeast("ESS", 0.85, "best trajectory-based sampler 0.9093 (arXiv:2307.01198)", stretchBound: 0.95),
                    FigureReference.AtMost("largest error of a mode weight", 0.02, Definition, stretchBound: 0.015),
                ],
                (settings, cancellation) => Sample("gmm9", settings, cancellation)),
            .. TrajectoryBaselines.Experiments,
            .. LogNormaliserIntervals.Experiments,
            .. PdeEvolutions.Experiments,
            .. ManyWells.Experiments,
        ]);

    private static async Task<IReadOnlyList<double>> Sample(string name, ExperimentSettings settings, CancellationToken cancellation)
    {
        var target = TargetLibrary.Get(name);
        var method = new PinnTransport(target, new PinnOptions { Preparation = Measurements.WholeTraining });
        var draws = await method.SampleAsync(Samples, settings.Seed, null, cancellation, settings.Threads);
        return [draws.LogZ, draws.EffectiveSampleSize, Measurements.LargestModeError(target, draws)];
    }
}
