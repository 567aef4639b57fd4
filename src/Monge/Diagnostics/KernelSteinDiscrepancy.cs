using System.Numerics;
using System.Runtime.InteropServices;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Diagnostics;

/// <summary>
/// The squared kernel Stein discrepancy of weighted samples from a density of which only the score s is needed: the mean over pairs of
/// <code>
/// u(x, y) = s(x).s(y) k + s(x).grad_y k + s(y).grad_x k + tr(grad_x grad_y k),     k = (c^2 + |x - y|^2)^(-1/2)
/// </code>
/// </summary>
/// <remarks>
/// Pairs of a sample with itself are left out, so the estimate is unbiased for independent samples and scatters about zero when they come from the density. It needs no exact samples, but like every
/// function of the score it is nearly blind to the weights of well separated modes. Sources: Q. Liu, J. Lee, M. Jordan (arXiv:1602.03253); J. Gorham, L. Mackey (arXiv:1703.01717) for the kernel.
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

        var (n, squares) = (weights.Length, PairSums.Dot(weights, weights));
        var pairs = new SteinRows(Transposed(samples, n, dimension), Transposed(scores, n, dimension), weights, dimension, c * c);
        var sums = new double[n];
        Workers.For(n, threads, () => new double[3 * n], (i, buffer) => sums[i] = weights[i] > 0 ? weights[i] * pairs.Sum(i, buffer) : 0);
        return squares < 1 ? sums.Sum() / (1 - squares) : 0;
    }

    private static double[] Transposed(double[] values, int n, int d)
    {
        var result = new double[values.Length];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < d; j++)
            {
                result[(j * n) + i] = values[(i * d) + j];
            }
        }

        return result;
    }

    /// <summary>Rows of u, from positions and scores [d, n].</summary>
    private sealed class SteinRows(double[] x, double[] s, double[] weights, int dimension, double square)
    {
        /// <summary>sum over j other than i of w_j u(x_i, x_j); the buffer holds 3 n values.</summary>
        public double Sum(int i, double[] buffer)
        {
            var n = weights.Length;
            var products = buffer.AsSpan(0, n);
            var slopes = buffer.AsSpan(n, n);
            var distances = buffer.AsSpan(2 * n, n);
            buffer.AsSpan().Clear();
            for (var k = 0; k < dimension; k++)
            {
                Accumulate(x.AsSpan(k * n, n), s.AsSpan(k * n, n), i, products, slopes, distances);
            }

            // With r = x_i - x_j and q = c^2 + |r|^2: k = q^-1/2, grad_x k = -r q^-3/2 = -grad_y k, tr = d q^-3/2 - 3 |r|^2 q^-5/2.
            var sum = 0.0;
            for (var j = 0; j < n; j++)
            {
                if (j != i)
                {
                    var q = square + distances[j];
                    var root = 1 / Math.Sqrt(q);
                    sum += weights[j] * root * (products[j] + ((slopes[j] + dimension - (3 * distances[j] / q)) / q));
                }
            }

            return sum;
        }

        // products: s_i.s_j, slopes: (s_i - s_j).(x_i - x_j), distances: |x_i - x_j|^2.
        private static void Accumulate(ReadOnlySpan<double> x, ReadOnlySpan<double> s, int i, Span<double> products, Span<double> slopes, Span<double> distances)
        {
            var (xi, si) = (x[i], s[i]);
            var vx = MemoryMarshal.Cast<double, Vector<double>>(x);
            var vs = MemoryMarshal.Cast<double, Vector<double>>(s);
            var p = MemoryMarshal.Cast<double, Vector<double>>(products);
            var l = MemoryMarshal.Cast<double, Vector<double>>(slopes);
            var r = MemoryMarshal.Cast<double, Vector<double>>(distances);
            for (var j = 0; j < vx.Length; j++)
            {
                var difference = new Vector<double>(xi) - vx[j];
                p[j] += vs[j] * si;
                l[j] += (new Vector<double>(si) - vs[j]) * difference;
                r[j] += difference * difference;
            }

            for (var j = vx.Length * Vector<double>.Count; j < x.Length; j++)
            {
                var difference = xi - x[j];
                products[j] += s[j] * si;
                slopes[j] += (si - s[j]) * difference;
                distances[j] += difference * difference;
            }
        }
    }
}
