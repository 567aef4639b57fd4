using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>
/// A frozen random first layer of M neurons: inputs x become phi(x) / sqrt(M), phi_j(x) = s(z_j.x), and a three-layer network is a shallow one of these. With
/// the middle layer h(x) = M^-b sum_j W_j phi_j(x), W from N(0, 1), whose learning rate has the factor M^(2b-1), the shallow network's neurons are w =
/// M^(1/2-b) W: they follow the flow of b = 1/2 from a start of that deviation.
/// </summary>
/// <param name="Weights">z [M, d], row-major.</param>
/// <param name="Dimension">d.</param>
/// <param name="Unit">s, a kernel of inner products such as <see cref="Kernel.Relu"/>.</param>
public sealed record RandomFirstLayer(double[] Weights, int Dimension, Kernel Unit)
{
    /// <summary>M.</summary>
    public int Count => Weights.Length / Dimension;

    /// <summary>Neurons with z from N(0, I).</summary>
    /// <param name="count">M, at least 1.</param>
    /// <param name="dimension">d, at least 1.</param>
    /// <param name="unit">s.</param>
    /// <param name="random">The random numbers.</param>
    public static RandomFirstLayer Normal(int count, int dimension, Kernel unit, RandomStream random) =>
        new(NeuronEnsemble.Normal(count, dimension, random).Features, dimension, unit);

    /// <summary>phi(x) / sqrt(M) at points.</summary>
    /// <param name="points">Points [N, d], row-major.</param>
    /// <param name="threads">Threads; 0 is one for each processor.</param>
    /// <returns>Features [N, M].</returns>
    /// <exception cref="ArgumentException">The points have another dimension.</exception>
    public double[] Features(double[] points, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(points);
        if (points.Length == 0 || points.Length % Dimension != 0)
        {
            throw new ArgumentException($"{points.Length} numbers are no points of {Dimension} coordinates.", nameof(points));
        }

        var n = points.Length / Dimension;
        var features = new double[checked(n * Count)];
        HostProduct.Multiply(points, HostMatrices.Transposed(Weights, Count, Dimension), features, n, Dimension, Count, threads: threads);
        Unit.AtProducts(features, features);
        var scale = 1 / Math.Sqrt(Count);
        foreach (ref var value in features.AsSpan())
        {
            value *= scale;
        }

        return features;
    }

    /// <summary>The layer's kernel (1/M) sum_j phi_j(x) phi_j(x') at points.</summary>
    /// <param name="points">Points [N, d], row-major.</param>
    /// <param name="threads">Threads; 0 is one for each processor.</param>
    /// <returns>The matrix [N, N].</returns>
    /// <exception cref="ArgumentException">The points have another dimension.</exception>
    public double[] KernelMatrix(double[] points, int threads = 0)
    {
        var features = Features(points, threads);
        var n = features.Length / Count;
        var matrix = new double[n * n];
        HostProduct.Multiply(features, HostMatrices.Transposed(features, n, Count), matrix, n, Count, n, threads: threads);
        return matrix;
    }
}
