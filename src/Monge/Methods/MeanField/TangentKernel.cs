using Monge.Engine.Execution;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>The tangent kernel of a network of neurons at its data, and at other points beside them.</summary>
/// <param name="Values">K_t of the data and all points [n, N], row-major.</param>
/// <param name="Slopes">S_ab = (1/m) sum_i a_i^2 s'(h_i(x_a)) s'(h_i(x_b)) [n, N].</param>
/// <param name="Count">n.</param>
/// <param name="Points">N; the data are the first n of them.</param>
public sealed record TangentKernelValues(double[] Values, double[] Slopes, int Count, int Points)
{
    /// <summary>K_t at the data [n, n], symmetric to the bit.</summary>
    public double[] Square() => Symmetrised(Values);

    /// <summary>The values at the data and the points beside them [n, N - n].</summary>
    public double[] Beside()
    {
        var beside = Points - Count;
        var cross = new double[Count * beside];
        for (var a = 0; a < Count; a++)
        {
            Values.AsSpan((a * Points) + Count, beside).CopyTo(cross.AsSpan(a * beside));
        }

        return cross;
    }

    /// <summary>The least S_aa.</summary>
    public double LeastSlope => Enumerable.Range(0, Count).Min(a => Slopes[(a * Points) + a]);

    private double[] Symmetrised(double[] values)
    {
        var square = new double[Count * Count];
        for (var a = 0; a < Count; a++)
        {
            for (var b = 0; b < Count; b++)
            {
                square[(a * Count) + b] = 0.5 * (values[(a * Points) + b] + values[(b * Points) + a]);
            }
        }

        return square;
    }
}

/// <summary>
/// The tangent kernel by which a network's outputs move under gradient flow, df(x)/dt = -(1/n) sum_a K_t(x, x_a) e_a: K_t = k0 o S + R with S as in
/// <see cref="TangentKernelValues.Slopes"/>, o the product of elements, and R_ab = (1/m) sum_i s(h_i(x_a)) s(h_i(x_b)) where output weights are trained
/// (arXiv:2204.10782, section 3; arXiv:2210.16286). In the time of <see cref="NeuronFlow"/> and <see cref="FunctionalFlow"/> it is the same for any exponent.
/// </summary>
public sealed class TangentKernel
{
    private readonly double[] _kernel;
    private readonly Kernel _activation;

    /// <summary>Makes it.</summary>
    /// <param name="kernel">k0 of the n data points and all N points, the data first, [n, N]: x.x' for shallow networks.</param>
    /// <param name="count">n.</param>
    /// <param name="activation">s.</param>
    /// <exception cref="ArgumentException">The kernel has no n rows of n or more numbers.</exception>
    public TangentKernel(double[] kernel, int count, Kernel activation)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(activation);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (kernel.Length % count != 0 || kernel.Length / count < count)
        {
            throw new ArgumentException($"{kernel.Length} numbers are no rows of a kernel at {count} points and at these and more.", nameof(kernel));
        }

        (_kernel, _activation, Count, Points) = ([.. kernel], activation, count, kernel.Length / count);
    }

    /// <summary>n.</summary>
    public int Count { get; }

    /// <summary>N.</summary>
    public int Points { get; }

    /// <summary>Whether output weights are trained.</summary>
    public bool TrainsOutputs { get; init; } = true;

    /// <summary>Threads; 0 is one for each processor. Results are the same to the bit for any number.</summary>
    public int Threads { get; init; }

    /// <summary>The kernel of a network.</summary>
    /// <param name="network">The network, known at the N points.</param>
    /// <exception cref="ArgumentException">The network is known at other points.</exception>
    public TangentKernelValues Of(FunctionEnsemble network)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (network.Points != Points)
        {
            throw new ArgumentException($"The network is known at {network.Points} points; the kernel has {Points}.", nameof(network));
        }

        var m = network.Count;
        var (outputs, slopes) = (new double[network.Values.Length], new double[network.Values.Length]);
        _activation.AtProducts(network.Values, outputs, slopes);
        for (var i = 0; i < m; i++)
        {
            foreach (ref var slope in slopes.AsSpan(i * Points, Points))
            {
                slope *= network.Outputs[i];
            }
        }

        var (values, s) = (new double[Count * Points], Mean(network with { Values = slopes }));
        if (TrainsOutputs)
        {
            values = Mean(network with { Values = outputs });
        }

        for (var k = 0; k < values.Length; k++)
        {
            values[k] += _kernel[k] * s[k];
        }

        return new TangentKernelValues(values, s, Count, Points);
    }

    // (1/m) sum_i u_i(x_a) u_i(x) [n, N].
    private double[] Mean(FunctionEnsemble units)
    {
        var mean = new double[Count * Points];
        HostProduct.Multiply(units.First(Count), units.Values, mean, Count, units.Count, Points, isLeftTransposed: true, threads: Threads);
        foreach (ref var value in mean.AsSpan())
        {
            value /= units.Count;
        }

        return mean;
    }
}
