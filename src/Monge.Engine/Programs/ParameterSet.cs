using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

/// <summary>
/// The trainable parameters of a program: named blocks, laid one after the other in a flat vector [P]. The set holds names
/// and shapes; values live with their owner.
/// </summary>
public sealed class ParameterSet
{
    private readonly List<ParameterBlock> _blocks = [];

    /// <summary>The blocks in their order in the flat vector.</summary>
    public IReadOnlyList<ParameterBlock> Blocks => _blocks;

    /// <summary>Number of parameters P.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a block and returns its traced value.</summary>
    /// <param name="name">A name that is not in use.</param>
    /// <param name="sizes">Shape of the block.</param>
    /// <exception cref="ArgumentException">The name is in use.</exception>
    public Expr Add(string name, params ReadOnlySpan<int> sizes)
    {
        if (_blocks.Any(b => b.Name == name))
        {
            throw new ArgumentException($"The parameter name '{name}' is already in use.", nameof(name));
        }

        var shape = new Shape(sizes);
        var block = new ParameterBlock(name, shape, Count, Expr.Parameter(name, shape));
        _blocks.Add(block);
        Count += shape.Size;
        return block.Value;
    }

    /// <summary>The offset in the flat vector of the block with a traced value, or -1.</summary>
    internal int OffsetOf(Expr value) => _blocks.Find(b => ReferenceEquals(b.Value, value))?.Offset ?? -1;
}

/// <summary>One named block of parameters.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Offset">Where it begins in the flat vector.</param>
/// <param name="Value">Its traced value.</param>
public sealed record ParameterBlock(string Name, Shape Shape, int Offset, Expr Value);
