using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>
/// A network as a measure over functions: f(x) = m^-g sum_i a_i s(h_i(x)), where a neuron is its output weight a and its pre-activation h, a function that is
/// known by its values at some points. A shallow network has h(x) = z.x; a three-layer network with a frozen random first layer has h in the function space of
/// that layer's kernel k0 (Z. Chen, E. Vanden-Eijnden, J. Bruna, arXiv:2210.16286 and arXiv:2204.10782).
/// </summary>
/// <param name="Outputs">The output weights a [m].</param>
/// <param name="Values">h_i at the points [m, N], row-major.</param>
/// <param name="Points">N.</param>
public sealed record FunctionEnsemble(double[] Outputs, double[] Values, int Points)
{
    /// <summary>Number of neurons m.</summary>
    public int Count => Outputs.Length;

    /// <summary>
    /// Neurons whose functions are independent draws of a Gaussian process, times a scale: with the covariance k0 of a first layer of M neurons the scale is
    /// M^(1/2 - b) where the middle layer is scaled by M^-b, so 1 for b = 1/2 and nearly 0 for b = 1.
    /// </summary>
    /// <param name="count">m, at least 1.</param>
    /// <param name="covariance">k0 at the points [N, N], positive definite.</param>
    /// <param name="points">N.</param>
    /// <param name="random">The random numbers.</param>
    /// <param name="output">Draws a.</param>
    /// <param name="scale">The scale, at least 0; at 0 the covariance isn't looked at.</param>
    /// <param name="offset">Draws a constant that is added to a neuron's function, as a frozen bias is; null for none.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <exception cref="ArgumentException">The covariance has another size.</exception>
    /// <exception cref="LinearAlgebraException">The covariance isn't positive definite: points are repeated, or a finite layer has fewer neurons.</exception>
    public static FunctionEnsemble Gaussian(
        int count, double[] covariance, int points, RandomStream random, Func<RandomStream, double> output, double scale = 1,
        Func<RandomStream, double>? offset = null, int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(points, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(scale);
        ArgumentNullException.ThrowIfNull(covariance);
        ArgumentNullException.ThrowIfNull(random);
        ArgumentNullException.ThrowIfNull(output);
        if (covariance.Length != (long)points * points)
        {
            throw new ArgumentException($"The covariance has {covariance.Length} numbers; {points} points have {(long)points * points}.", nameof(covariance));
        }

        var values = new double[checked(count * points)];
        if (scale > 0)
        {
            var normals = new double[values.Length];
            foreach (ref var value in normals.AsSpan())
            {
                value = scale * random.NextNormal();
            }

            HostProduct.Multiply(normals, TransposedFactor(covariance, points), values, count, points, points, threads: threads);
        }

        var outputs = new double[count];
        for (var i = 0; i < count; i++)
        {
            outputs[i] = output(random);
            var constant = offset?.Invoke(random) ?? 0;
            foreach (ref var value in values.AsSpan(i * points, points))
            {
                value += constant;
            }
        }

        return new FunctionEnsemble(outputs, values, points);
    }

    /// <summary>The neurons of a shallow network as functions h(x) = z.x.</summary>
    /// <param name="neurons">The network.</param>
    /// <param name="inputs">The points [N, d], row-major.</param>
    /// <param name="threads">Threads; 0 is one for each processor.</param>
    /// <exception cref="ArgumentException">The inputs have another dimension.</exception>
    public static FunctionEnsemble OfNeurons(NeuronEnsemble neurons, double[] inputs, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(neurons);
        ArgumentNullException.ThrowIfNull(inputs);
        var d = neurons.Dimension;
        if (inputs.Length == 0 || inputs.Length % d != 0)
        {
            throw new ArgumentException($"{inputs.Length} numbers are no points of {d} coordinates.", nameof(inputs));
        }

        var points = inputs.Length / d;
        var values = new double[checked(neurons.Count * points)];
        HostProduct.Multiply(neurons.Features, HostMatrices.Transposed(inputs, points, d), values, neurons.Count, d, points, threads: threads);
        return new FunctionEnsemble([.. neurons.Outputs], values, points);
    }

    /// <summary>Each neuron and its negative, (a, h) and (-a, h): the network 0 whose neurons have the same law.</summary>
    public FunctionEnsemble Symmetric() => new([.. Outputs, .. Outputs.Select(a => -a)], [.. Values, .. Values], Points);

    /// <summary>f at the points.</summary>
    /// <param name="activation">s, a kernel of inner products such as <see cref="Kernel.Tanh"/>.</param>
    /// <param name="exponent">g of the scale m^-g.</param>
    /// <returns>N values.</returns>
    public double[] Predict(Kernel activation, double exponent = 1)
    {
        ArgumentNullException.ThrowIfNull(activation);
        var (outputs, row, scale) = (new double[Points], new double[Points], Math.Pow(Count, -exponent));
        for (var i = 0; i < Count; i++)
        {
            activation.AtProducts(Values.AsSpan(i * Points, Points), row);
            HostVectors.AddScaled(scale * Outputs[i], row, outputs);
        }

        return outputs;
    }

    /// <summary>The values at the first points [m, count].</summary>
    /// <param name="count">How many points.</param>
    public double[] First(int count)
    {
        var first = new double[Count * count];
        for (var i = 0; i < Count; i++)
        {
            Values.AsSpan(i * Points, count).CopyTo(first.AsSpan(i * count));
        }

        return first;
    }

    // L^T of the covariance L L^T.
    private static double[] TransposedFactor(double[] covariance, int n)
    {
        double[] factor = [.. covariance];
        Cholesky.Factor(factor, n);
        for (var row = 0; row < n; row++)
        {
            factor.AsSpan((row * n) + row + 1, n - row - 1).Clear();
        }

        return HostMatrices.Transposed(factor, n, n);
    }
}
