using Monge.Engine.Lanes;

namespace Monge.Engine.Programs;

/// <summary>A comparison: 1 where it holds, 0 where it doesn't (also where an argument is not a number). Its derivative is zero.</summary>
internal sealed class CompareOperation(string name, Func<double, double, bool> holds, Func<LaneEmitter, Lane, Lane, LaneMask> emit)
    : ElementwiseOperation(name, 2, isCheap: true)
{
    public static readonly CompareOperation Less = new("less", (a, b) => a < b, (e, a, b) => e.Less(a, b));
    public static readonly CompareOperation LessOrEqual = new("less-or-equal", (a, b) => a <= b, (e, a, b) => e.LessOrEqual(a, b));
    public static readonly CompareOperation Equal = new("equal", (a, b) => a == b, (e, a, b) => e.Equal(a, b));

    public override double Value(ReadOnlySpan<double> x) => holds(x[0], x[1]) ? 1 : 0;

    public override Expr? Partial(Expr node, int index) => null;

    public override Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x) => lanes.ToNumber(emit(lanes, x[0], x[1]));
}

/// <summary>Chooses the second argument where the first is not zero, else the third.</summary>
internal sealed class SelectOperation() : ElementwiseOperation("select", 3, isCheap: true)
{
    public static readonly SelectOperation Instance = new();

    public override double Value(ReadOnlySpan<double> x) => x[0] != 0 ? x[1] : x[2];

    public override Expr? Partial(Expr node, int index)
    {
        var one = Expr.Constant(1).BroadcastTo(node.Shape);
        var zero = Expr.Constant(0).BroadcastTo(node.Shape);
        return index == 0 ? null : index == 1 ? Expr.Select(node.Inputs[0], one, zero) : Expr.Select(node.Inputs[0], zero, one);
    }

    public override Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x) => lanes.Select(lanes.NotEqual(x[0], lanes.Constant(0)), x[1], x[2]);
}

/// <summary>The smaller (larger) of two arguments. At a tie each gets half of the derivative.</summary>
internal sealed class ExtremumOperation(bool larger) : ElementwiseOperation(larger ? "max" : "min", 2, isCheap: true)
{
    public static readonly ExtremumOperation Min = new(false);
    public static readonly ExtremumOperation Max = new(true);

    public override double Value(ReadOnlySpan<double> x) => larger ? Math.Max(x[0], x[1]) : Math.Min(x[0], x[1]);

    public override Expr? Partial(Expr node, int index)
    {
        var (mine, other) = (node.Inputs[index], node.Inputs[1 - index]);
        var wins = larger ? other.Less(mine) : mine.Less(other);
        return wins + 0.5 * mine.EqualTo(other);
    }

    public override Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x) => larger ? lanes.Max(x[0], x[1]) : lanes.Min(x[0], x[1]);
}
