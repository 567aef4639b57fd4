using Monge.Measures;
using Monge.Methods;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 01: Dynamical Measure Transport and Neural PDE Solvers for Sampling (arXiv:2407.07873), the annealing loss: its residual on an exact
/// solution, a drift trained by it beside that solution, and two of the paper's targets.
/// </summary>
internal static class NeuralPdeTransport
{
    private const int Samples = 10_000;
    private const string ClosedForm = "closed form of the Gaussian annealing";
    private const string Definition = "the target's definition";

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "01",
        "Neural PDE transport along an annealing path",
        "J. Sun, J. Berner, L. Richter, M. Zeinhofer, J. Mueller, K. Azizzadenesheli, A. Anandkumar: Dynamical Measure Transport and Neural PDE Solvers for Sampling, arXiv:2407.07873",
        [
            new Experiment(
                "gaussian-residual",
                "The residual of the annealing loss on the exact drift between two Gaussians, in float64 at 8192 points.",
                Quick: true,
                [FigureReference.AtMost("largest residual", 1e-8, ClosedForm, stretchBound: 1e-11)],
                (settings, _) => Task.FromResult<IReadOnlyList<double>>([GaussianAnnealingSuite.LargestResidual(settings)])),
            new Experiment(
                "gaussian-training",
                "A gradient drift trained by the annealing loss between two Gaussians with Adam, beside the closed form.",
                Quick: true,
                [
                    FigureReference.AtMost("relative L2 error of the drift", 2e-2, ClosedForm, stretchBound: 5e-3),
                    FigureReference.AtMost("error of log Z by thermodynamic integration", 2e-2, ClosedForm),
                ],
                (settings, cancellation) => Task.Run<IReadOnlyList<double>>(
                    () =>
                    {
                        var (drift, logZ) = GaussianAnnealingSuite.Train(settings, cancellation);
                        return [drift, logZ];
                    },
                    cancellation)),
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
            new Experiment(
                "many-well-5",
                "Five double wells, 32 separated modes.",
                Quick: false,
                [
                    FigureReference.Within("log Z", -0.541056, 0.05, "quadrature; best trajectory-based sampler off by 0.214 (arXiv:2307.01198)", stretchTolerance: 0.02),
                    FigureReference.AtLeast("ESS", 0.67, "best trajectory-based sampler 0.6744 (arXiv:2307.01198)", stretchBound: 0.9),
                    FigureReference.AtMost("largest error of a mode weight", 0.01, Definition),
                ],
                (settings, cancellation) => Sample("many-well-5", settings, cancellation)),
            .. LogNormaliserIntervals.Experiments,
        ]);

    private static async Task<IReadOnlyList<double>> Sample(string name, ExperimentSettings settings, CancellationToken cancellation)
    {
        var target = TargetLibrary.Get(name);
        var method = new PinnTransport(target, new PinnOptions { Threads = settings.Threads });
        var draws = await method.SampleAsync(Samples, settings.Seed, null, cancellation);
        var modes = target.Facts.Modes!;
        var weights = modes.Occupancy(draws.UnconstrainedPositions, target.Dimension, draws.NormalizedWeights());
        var worst = Enumerable.Range(0, modes.Count).Max(k => Math.Abs(weights[k] - modes.Weights[k]));
        return [draws.LogZ, draws.EffectiveSampleSize, worst];
    }
}
