using System.Numerics;
using Monge.Engine.Random;

namespace Monge.Engine.Programs;

/// <summary>Start values of parameters: each block remembers how it is drawn, and draws depend only on the seed and the block's place.</summary>
public sealed class ParameterInitializer
{
    private readonly List<(ParameterBlock Block, double Scale)> _drawn = [];

    /// <summary>Adds a block of normal numbers with a standard deviation; 0 makes zeros.</summary>
    public Expr Add(ParameterSet parameters, string name, double scale, params ReadOnlySpan<int> sizes)
    {
        var value = parameters.Add(name, sizes);
        _drawn.Add((parameters.Blocks[^1], scale));
        return value;
    }

    /// <summary>Fills the parameters' flat vector.</summary>
    /// <param name="values">The vector [P].</param>
    /// <param name="key">The stream to draw from.</param>
    public void Fill<T>(Span<T> values, RandomKey key)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var philox = key.PhiloxKey;
        foreach (var (block, scale) in _drawn)
        {
            for (var i = 0; i < block.Shape.Size; i++)
            {
                var at = block.Offset + i;
                var (word0, word1, _, _) = Philox.Block(philox, 0, (ulong)at, 0);
                var radius = Math.Sqrt(-2 * Math.Log((word0 + 0.5) / 4294967296.0));
                values[at] = T.CreateChecked(scale * radius * Math.Cos(2 * Math.PI * word1 / 4294967296.0));
            }
        }
    }
}
