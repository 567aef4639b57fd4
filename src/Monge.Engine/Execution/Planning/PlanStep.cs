using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <summary>Where an operand of a fused node lies: element offset + i * OuterStride + k * InnerStride of a stored value.</summary>
internal readonly record struct Access(Expr Base, int Offset, int OuterStride, int InnerStride);

/// <summary>
/// A node that fused loops compute. Level 0 is one element, level 1 is [Outer], level 2 is [Outer, Inner]; a reduction folds the last axis of its operand,
/// [Outer, Inner] to level 1 or [Outer] to level 0.
/// </summary>
internal sealed class FusedNode(Expr value, int level, int outer, int inner, Access[] operands)
{
    public Expr Value { get; } = value;

    public int Level { get; } = level;

    /// <summary>Length of the outer loop it belongs to; 1 for elements outside of loops.</summary>
    public int Outer { get; set; } = outer;

    public int Inner { get; } = inner;

    public Access[] Operands { get; } = operands;

    public bool IsReduction => Value.Operation is ReductionOperation;

    public bool IsCheap => Value.Operation is ElementwiseOperation { IsCheap: true };

    public int Weight => Value.Operation is ElementwiseOperation { Weight: var weight } ? weight : 1;

    /// <summary>The level at which operands are read: one deeper than the result for a reduction.</summary>
    public int OperandLevel => IsReduction ? Level + 1 : Level;

    public int Time { get; set; }

    public int Segment { get; set; }

    public bool IsStored { get; set; }

    public bool IsRecomputed { get; set; }

    public int Order { get; set; }

    public (int, int, int) Group => (Time, Outer, Segment);
}

/// <summary>Nodes computed by one fused loop nest, in an order in which inputs come first.</summary>
internal sealed record FusedGroup(int Outer, List<FusedNode> Members);

/// <summary>
/// One step of a stage: a fused group, or a single node with a kernel of its own, which may be a sum whose <paramref name="Terms"/> are matrix products.
/// </summary>
internal sealed record PlanStep(FusedGroup? Group, Expr? Single, List<Expr> Reads, List<Expr> Writes, Expr[]? Terms = null);
