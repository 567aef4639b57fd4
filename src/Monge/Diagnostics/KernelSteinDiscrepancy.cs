using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Pairwise;
using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Diagnostics;

/// <summary>
/// The squared kernel Stein discrepancy of weighted samples from a density of which only the score s is needed: the mean over pairs of
/// <code>
/// u(x, y) = s(x).s(y) k + s(x).grad_y k + s(y).grad_x k + tr(grad_x grad_y k),     k = (c^2 + |x - y|^2)^(-1/2)
/// </code>
/// </summary>
/// <remarks> Pairs of a sample with itself are left out, so the estimate is unbiased for independent samples and scatters about zero when they come from the
/// density. It needs no exact samples, but like every function of the score it is nearly blind to the weights of well separated modes. Sources: Q. Liu, J. Lee,
/// M. Jordan (arXiv:1602.03253); J. Gorham, L. Mackey (arXiv:1703.01717) for the kernel.
/// </remarks>
public static class KernelSteinDiscrepancy
{
    /// <summary>Computes the squared discrepancy of samples in unconstrained coordinates.</summary>
    /// <param name="samples">Samples, [n, d] row-major.</param>
    /// <param name="target">The density, evaluated once at each sample.</param>
    /// <param name="logWeights">n log-weights, up to a constant; null for equal weights.</param>
    /// <param name="scale">c, in the unit of the coordinates; null for the samples' median distance.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <exception cref="ArgumentException">Samples, weights or scale are unusable, or the score isn't finite at a sample with weight.</exception>
    public static double Compute(double[] samples, Density target, double[]? logWeights = null, double? scale = null, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(target);
        var n = WeightedSamples.Normalise(samples, target.Dimension, logWeights).Length;
        var x = Expr.Input("x", target.Dimension);
        var score = new TracedProgram(null, ("score", Derivative.Gradient(target.LogDensity(x), x).BroadcastTo(x.Shape)));
        using var program = new CompiledProgram<double>(score, new ExecutionOptions { Threads = threads });
        var scores = new NdArray<double>(n, target.Dimension);
        (program["x"], program["score"]) = (NdArray<double>.From(samples, n, target.Dimension), scores);
        program.Run(n);
        return Compute(samples, scores.Span.ToArray(), target.Dimension, logWeights, scale, threads);
    }

    /// <summary>Computes the squared discrepancy from samples and scores.</summary>
    /// <param name="samples">Samples, [n, d] row-major.</param>
    /// <param name="scores">The gradient of the log density at each sample, [n, d] row-major.</param>
    /// <param name="dimension">d.</param>
    /// <param name="logWeights">n log-weights, up to a constant; null for equal weights.</param>
    /// <param name="scale">c, in the unit of the coordinates; null for the samples' median distance.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <exception cref="ArgumentException">Samples, scores, weights or scale are unusable.</exception>
    public static double Compute(
        double[] samples, double[] scores, int dimension, double[]? logWeights = null, double? scale = null, int threads = 0)
    {
        var weights = WeightedSamples.Normalise(samples, dimension, logWeights);
        if (scores.Length != samples.Length || Array.FindIndex(scores, s => !double.IsFinite(s)) is var bad and >= 0)
        {
            throw new ArgumentException($"The scores must be as many as the {samples.Length} coordinates, and finite.", nameof(scores));
        }

        var c = scale ?? MaximumMeanDiscrepancy.MedianDistance(samples, dimension);
        if (!(c > 0) || !double.IsFinite(c))
        {
            throw new ArgumentException($"The scale of the kernel is {c}; it must be positive and finite.", nameof(scale));
        }

        var (squares, sums) = (WeightedSamples.Dot(weights, weights), new double[weights.Length]);
        new PairwiseSums<double>(new ExecutionOptions { Threads = threads }).SteinSums(
            new InverseMultiquadricKernel<double>(c), samples, scores, dimension, weights, sums);
        return squares < 1 ? weights.Zip(sums, (weight, sum) => weight > 0 ? weight * sum : 0).Sum() / (1 - squares) : 0;
    }
}
