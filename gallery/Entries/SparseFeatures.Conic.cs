using Monge.Measures;
using Monge.Methods;

namespace Monge.Gallery.Entries;

/// <summary>The part of entry 36 on neurons that move.</summary>
internal static partial class SparseFeatures
{
    private const int ConicNeurons = 400;
    private const int ConicSteps = 60_000;
    private const int ConicRepeats = 3;

    private static readonly int[] s_conicSizes = [32, 64, 128];
    private static readonly double[] s_conicPenalties = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

    private static Experiment Conic => new(
        "conic",
        "The constant target on the sphere of R^3 learned by conic descent on 400 moving neurons, under penalties that fall: exponent and atoms.",
        Quick: false,
        [
            FigureReference.Within("exponent of the feature regime by conic descent, d = 3, n = 32 to 128", 2.5, 0.35, "theory of the paper: 1 + 3/(d - 1)"),
            FigureReference.AtMost("largest number of atoms over that of points", 1, "sparse solutions"),
        ],
        Experiment.InBackground(MeasureConic));

    private static double[] MeasureConic(ExperimentSettings settings, CancellationToken cancellation)
    {
        var atoms = 0.0;
        var errors = Errors(s_conicSizes, ConicRepeats, (n, repeat) =>
        {
            var random = settings.Stream(s_points, 3000 + repeat);
            var (inputs, test) = (Sphere.Uniform(n, 3, random), Sphere.Uniform(TestPoints, 3, random));
            var (network, objective) = Descend(inputs, settings, repeat, cancellation);
            var count = NeuronAtoms.Of(network, inputs, least: 1e-3).Count;
            var error = MeanSquare(Kernel.Relu().Sums(test, network.Features, 3, network.Outputs, 1), Constant(TestPoints));
            var training = MeanSquare(Kernel.Relu().Sums(inputs, network.Features, 3, network.Outputs, 1), Constant(n));
            settings.Remark($"n = {n}: error {error:g3}, training {training:g3}, objective {objective:g5}, {network.Count} neurons, {count} atoms");
            atoms = Math.Max(atoms, (double)count / n);
            return error;
        });
        return [Exponent("conic descent, d = 3", s_conicSizes, errors, settings), atoms];
    }

    private static (NeuronEnsemble Network, double Objective) Descend(double[] inputs, ExperimentSettings settings, int repeat, CancellationToken cancellation)
    {
        var loss = new RegressionLoss(inputs, Constant(inputs.Length / 3), Kernel.Relu(), settings.Execution);
        var next = 0;
        var network = NeuronEnsemble.Spherical(
            ConicNeurons, 3, settings.Stream(s_neurons, repeat), _ => (next++ % 2 == 0 ? 1 : -1) / (double)ConicNeurons);
        var objective = 0.0;
        foreach (var penalty in s_conicPenalties)
        {
            (network, objective) = new ConicDescent(loss, new() { Penalty = penalty, Steps = ConicSteps }).Run(network, null, cancellation);
        }

        return (network, objective);
    }
}
