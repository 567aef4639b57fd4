using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>How <see cref="SparseNeuronRegression"/> solves.</summary>
public sealed record SparseNeuronOptions
{
    /// <summary>Neurons of the dictionary, uniform on the unit sphere; at least 1.</summary>
    public int Neurons { get; init; } = 4000;

    /// <summary>The last penalty over the largest one that leaves any neuron; between 0 and 1.</summary>
    public double PenaltyShare { get; init; } = 1e-5;

    /// <summary>Penalties of the path in each factor of 10.</summary>
    public int Decade { get; init; } = 5;

    /// <summary>Rounds of local refinement after the path: neurons join around those in use, each round half as far away; at least 0.</summary>
    public int Refinements { get; init; }

    /// <summary>Neurons that join around each in use, besides the one along the gradient; at least 1.</summary>
    public int Neighbours { get; init; } = 4;
}

/// <summary>A sparse measure over rectified linear neurons of length 1.</summary>
/// <param name="Network">The neurons with mass, whose outputs are their masses (the exponent of the scale is 0).</param>
/// <param name="Penalty">lambda.</param>
/// <param name="TrainingError">The mean square of f(x_a) - y_a.</param>
/// <param name="Violation">The largest violation of the optimality conditions among all neurons of the dictionary, over lambda.</param>
public sealed record SparseNeurons(NeuronEnsemble Network, double Penalty, double TrainingError, double Violation)
{
    /// <summary>f at points.</summary>
    /// <param name="points">Points [k, d], row-major.</param>
    /// <returns>k values.</returns>
    public double[] Predict(double[] points) => Kernel.Relu().Sums(points, Network.Features, Network.Dimension, Network.Outputs, 1);
}

/// <summary>
/// Regression in the feature regime: among the signed measures gamma over neurons of the unit sphere, min (1/2) sum_a (int max(z.x_a, 0) dgamma - y_a)^2 +
/// lambda |gamma|, with lambda going to 0, which is what infinitely wide networks with rectified linear units learn from a vanishing start or under weight
/// decay (F. Bach, "Breaking the curse of dimensionality with convex neural networks", 2017; L. Petrini, F. Cagnetta, E. Vanden-Eijnden, M. Wyart, "Learning
/// sparse features can lead to overfitting in neural networks", arXiv:2206.12314). Here over a dictionary of random neurons: <see cref="Lasso"/>.
/// </summary>
public static class SparseNeuronRegression
{
    /// <summary>Fits a function.</summary>
    /// <param name="inputs">x [n, d], row-major; a coordinate that is always 1 gives the neurons a bias.</param>
    /// <param name="targets">y [n].</param>
    /// <param name="random">Draws the dictionary.</param>
    /// <param name="options">How to solve; null for the defaults.</param>
    /// <param name="cancellation">Stops between rounds.</param>
    /// <exception cref="ArgumentException">The inputs don't fit the targets, a number isn't finite, or all targets are 0.</exception>
    public static SparseNeurons Fit(
        double[] inputs, double[] targets, RandomStream random, SparseNeuronOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(targets);
        options ??= new SparseNeuronOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.Refinements, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Neighbours, 1, nameof(options));
        if (targets.Length == 0 || inputs.Length == 0 || inputs.Length % targets.Length != 0 || Array.TrueForAll(targets, y => y == 0))
        {
            throw new ArgumentException(
                $"{inputs.Length} numbers are no inputs of {targets.Length} points, or all targets are 0, for which there is no neuron to find.",
                nameof(inputs));
        }

        var d = inputs.Length / targets.Length;
        var neurons = NeuronEnsemble.Spherical(options.Neurons, d, random, static _ => 0).Features;
        var lasso = new Lasso(Columns(neurons, inputs, d), targets);
        var solution = lasso.Path(lasso.Penalties(options.PenaltyShare, options.Decade), cancellation)[^1];
        var radius = Math.Pow(options.Neurons, -1.0 / Math.Max(1, d - 1));
        for (var round = 0; round < options.Refinements; round++)
        {
            double[] added = Around(neurons, solution, inputs, d, radius, options.Neighbours, random);
            double[] weights = [.. solution.Weights, .. new double[added.Length / d]];
            neurons = [.. neurons, .. added];
            lasso = new Lasso(Columns(neurons, inputs, d), targets);
            lasso.Start(weights);
            solution = lasso.Solve(solution.Penalty, cancellation);
            radius /= 2;
        }

        int[] used = [.. Enumerable.Range(0, solution.Weights.Length).Where(j => solution.Weights[j] != 0)];
        var network = new NeuronEnsemble([.. used.Select(j => solution.Weights[j])], [.. used.SelectMany(j => neurons[(j * d)..((j + 1) * d)])], d);
        return new SparseNeurons(network, solution.Penalty, solution.Residuals.Average(r => r * r), solution.Violation);
    }

    private static double[] Columns(double[] neurons, double[] inputs, int d) => Kernel.Relu().Matrix(neurons, inputs, d, 1);

    // Neurons at a distance from each in use: one along the gradient of its sign times sum_a r_a max(z.x_a, 0), which optimality makes largest there, others
    // at random.
    private static double[] Around(double[] neurons, LassoSolution solution, double[] inputs, int d, double radius, int neighbours, RandomStream random)
    {
        var found = new List<double>();
        var step = new double[d];
        for (var j = 0; j < solution.Weights.Length; j++)
        {
            if (solution.Weights[j] == 0)
            {
                continue;
            }

            var neuron = neurons.AsSpan(j * d, d);
            for (var k = 0; k <= neighbours; k++)
            {
                if (k == 0)
                {
                    Gradient(neuron, solution, inputs, Math.Sign(solution.Weights[j]), step);
                }
                else
                {
                    Sphere.Uniform(random, step);
                }

                found.AddRange(Moved(neuron, step, radius));
            }
        }

        return [.. found];
    }

    private static void Gradient(ReadOnlySpan<double> neuron, LassoSolution solution, double[] inputs, int sign, Span<double> gradient)
    {
        var d = neuron.Length;
        gradient.Clear();
        for (var a = 0; a < solution.Residuals.Length; a++)
        {
            var input = inputs.AsSpan(a * d, d);
            if (HostVectors.Dot(neuron, input) > 0)
            {
                HostVectors.AddScaled(sign * solution.Residuals[a], input, gradient);
            }
        }
    }

    // The point of the sphere at a distance along the tangential part of a vector.
    private static double[] Moved(ReadOnlySpan<double> neuron, Span<double> step, double radius)
    {
        HostVectors.AddScaled(-HostVectors.Dot(neuron, step), neuron, step);
        var length = Math.Sqrt(HostVectors.Dot(step, step));
        double[] moved = [.. neuron];
        HostVectors.AddScaled(length > 0 ? radius / length : 0, step, moved);
        var whole = Math.Sqrt(HostVectors.Dot(moved, moved));
        return [.. moved.Select(v => v / whole)];
    }
}
