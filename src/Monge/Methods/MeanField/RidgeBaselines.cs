using Monge.Engine.LinearAlgebra;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>Regressions that stand beside a network: linear ones and those by kernels, each with the ridge that predicts a part of the rows best.</summary>
public static class RidgeBaselines
{
    private const double JudgedShare = 0.2;

    // Shares of the mean diagonal of what is inverted.
    private static readonly double[] s_ridges = [1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1];

    /// <summary>Ridge regression by the inputs themselves.</summary>
    /// <param name="inputs">x [n, d], row-major, in an order that means nothing: the last rows judge the ridge. One coordinate is constant.</param>
    /// <param name="targets">y [n].</param>
    /// <param name="at">Points [k, d] to predict at.</param>
    /// <param name="dimension">d.</param>
    /// <returns>k predictions, and the ridge.</returns>
    /// <exception cref="ArgumentException">There are fewer than two rows, or numbers are no whole rows.</exception>
    public static (double[] Predictions, double Ridge) Linear(double[] inputs, double[] targets, double[] at, int dimension)
    {
        var known = Check(inputs, targets, dimension);
        var ridge = Best(targets[known..], r => Linear(inputs[..(known * dimension)], targets[..known], inputs[(known * dimension)..], dimension, r));
        return (Linear(inputs, targets, at, dimension, ridge), ridge);
    }

    /// <summary>Kernel ridge regression; the ridge is chosen on some of the rows where they are many.</summary>
    /// <param name="kernel">k, such as <see cref="NetworkKernels.NeuralTangent"/>.</param>
    /// <param name="inputs">x [n, d], row-major, in an order that means nothing.</param>
    /// <param name="targets">y [n].</param>
    /// <param name="at">Points [k, d] to predict at.</param>
    /// <param name="dimension">d.</param>
    /// <param name="mostJudged">Most rows by which the ridge is chosen.</param>
    /// <returns>k predictions, and the ridge as a share of the kernel's mean diagonal.</returns>
    /// <exception cref="ArgumentException">There are fewer than two rows, or numbers are no whole rows.</exception>
    public static (double[] Predictions, double Ridge) Kernel(
        IKernel kernel, double[] inputs, double[] targets, double[] at, int dimension, int mostJudged = 2000)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        Check(inputs, targets, dimension);
        var d = dimension;
        var n = Math.Min(targets.Length, Math.Max(2, mostJudged));
        var known = n - Math.Max(1, (int)(JudgedShare * n));
        var diagonal = Enumerable.Range(0, n).Average(i => inputs[(i * d)..((i + 1) * d)] is var x ? kernel.Value(x, x) : 0);
        double[] Fit(double[] x, double[] y, double[] points, double ridge) =>
            KernelInterpolation.Fit(kernel, x, y, d, ridge * diagonal).Predict(points);
        var best = Best(targets[known..n], r => Fit(inputs[..(known * d)], targets[..known], inputs[(known * d)..(n * d)], r));
        return (Fit(inputs, targets, at, best), best);
    }

    private static int Check(double[] inputs, double[] targets, int dimension)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(targets);
        return targets.Length >= 2 && inputs.Length == (long)targets.Length * dimension ? targets.Length - Math.Max(1, (int)(JudgedShare * targets.Length))
            : throw new ArgumentException(
                $"{inputs.Length} numbers and {targets.Length} targets are no two or more rows of {dimension} inputs each.", nameof(inputs));
    }

    // A ridge so small that the matrix is singular to rounding predicts nothing.
    private static double Best(double[] targets, Func<double, double[]> predict)
    {
        var (best, least) = (s_ridges[^1], double.PositiveInfinity);
        foreach (var ridge in s_ridges)
        {
            double error;
            try
            {
                error = predict(ridge).Zip(targets, (f, y) => (f - y) * (f - y)).Average();
            }
            catch (ArgumentException)
            {
                continue;
            }

            (best, least) = error < least ? (ridge, error) : (best, least);
        }

        return best;
    }

    private static double[] Linear(double[] inputs, double[] targets, double[] at, int d, double ridge)
    {
        var n = targets.Length;
        var transposed = HostMatrices.Transposed(inputs, n, d);
        var (gram, weights) = (HostMatrices.Product(transposed, inputs, d, n, d), HostMatrices.Product(transposed, targets, d, n, 1));
        var diagonal = Enumerable.Range(0, d).Average(k => gram[k * (d + 1)]);
        for (var k = 0; k < d; k++)
        {
            gram[k * (d + 1)] += ridge * diagonal;
        }

        Cholesky.Factor(gram, d);
        Cholesky.Solve(gram, d, weights);
        return HostMatrices.Product(at, weights, at.Length / d, d, 1);
    }
}
