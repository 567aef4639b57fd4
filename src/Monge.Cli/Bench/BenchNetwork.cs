using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Cli.Bench;

/// <summary>
/// The peer's network: <c>depth</c> linear layers of one width, each with its activation, then a linear layer. Weights start uniform in
/// +-1/sqrt(inputs), as PyTorch starts them.
/// </summary>
internal sealed class BenchNetwork
{
    private readonly List<(Expr Weight, Expr Bias, int Inputs)> _layers = [];

    /// <summary>Declares the layers' parameters.</summary>
    public BenchNetwork(int inputs, int outputs, int width, int depth)
    {
        for (var (k, last) = (0, inputs); k <= depth; k++)
        {
            var next = k == depth ? outputs : width;
            _layers.Add((Parameters.Add($"layer{k}.weight", next, last), Parameters.Add($"layer{k}.bias", next), last));
            last = next;
        }
    }

    /// <summary>All parameters.</summary>
    public ParameterSet Parameters { get; } = new();

    /// <summary>Weights of all layers together: multiplications for one sample.</summary>
    public double Weights => _layers.Sum(l => (double)l.Weight.Size);

    /// <summary>Weights of the first layer.</summary>
    public double FirstLayerWeights => _layers[0].Weight.Size;

    /// <summary>The network's value at one input.</summary>
    public Expr Apply(Expr input, Func<Expr, Expr> activation)
    {
        var value = input;
        for (var k = 0; k < _layers.Count; k++)
        {
            value = Expr.MatrixProduct(_layers[k].Weight, value) + _layers[k].Bias;
            value = k == _layers.Count - 1 ? value : activation(value);
        }

        return value;
    }

    /// <summary>Starting values of the parameters [P].</summary>
    public NdArray<T> Start<T>(ulong seed)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var values = new NdArray<T>(Parameters.Count);
        foreach (var (block, k) in Parameters.Blocks.Select((b, k) => (b, k)))
        {
            var bound = 1 / Math.Sqrt(_layers[k / 2].Inputs);
            var random = new RandomStream(seed, (uint)k);
            foreach (ref var value in values.Span.Slice(block.Offset, block.Shape.Size))
            {
                value = T.CreateChecked(bound * ((2 * random.NextDouble()) - 1));
            }
        }

        return values;
    }
}
