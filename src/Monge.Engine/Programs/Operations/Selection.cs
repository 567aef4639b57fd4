using Monge.Engine.Lanes;

namespace Monge.Engine.Programs;

/// <summary>A comparison: 1 where it holds, 0 where it doesn't (also where an argument is not a number). Its derivative is zero.</summary>
internal sealed class CompareOperation : ElementwiseOperation
{
    private readonly Func<double, double, bool> _holds;
    private readonly Func<LaneEmitter, Lane, Lane, LaneMask> _emit;

    private CompareOperation(string name, Func<double, double, bool> holds, Func<LaneEmitter, Lane, Lane, LaneMask> emit)
    {
        Name = name;
        _holds = holds;
        _emit = emit;
    }

    public static readonly CompareOperation Less = new("less", (a, b) => a < b, (e, a, b) => e.Less(a, b));
    public static readonly CompareOperation LessOrEqual = new("less-or-equal", (a, b) => a <= b, (e, a, b) => e.LessOrEqual(a, b));
    public static readonly CompareOperation Equal = new("equal", (a, b) => a == b, (e, a, b) => e.Equal(a, b));

    public override string Name { get; }

    public override string Key => Name;

    public override int Arity => 2;

    public override bool IsCheap => true;

    public override double Value(ReadOnlySpan<double> x) => _holds(x[0], x[1]) ? 1 : 0;

    public override Expr? Partial(Expr node, int index) => null;

    public override Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x) => lanes.ToNumber(_emit(lanes, x[0], x[1]));

    public override string ToString() => Name;
}

/// <summary>Chooses the second argument where the first is not zero, else the third.</summary>
internal sealed class SelectOperation : ElementwiseOperation
{
    public static readonly SelectOperation Instance = new();

    public override string Name => "select";

    public override int Arity => 3;

    public override bool IsCheap => true;

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
internal sealed class ExtremumOperation : ElementwiseOperation
{
    public static readonly ExtremumOperation Min = new(false);
    public static readonly ExtremumOperation Max = new(true);
    private readonly bool _larger;

    private ExtremumOperation(bool larger) => _larger = larger;

    public override string Name => _larger ? "max" : "min";

    public override string Key => Name;

    public override int Arity => 2;

    public override bool IsCheap => true;

    public override double Value(ReadOnlySpan<double> x) => _larger ? Math.Max(x[0], x[1]) : Math.Min(x[0], x[1]);

    public override Expr? Partial(Expr node, int index)
    {
        var (mine, other) = (node.Inputs[index], node.Inputs[1 - index]);
        var wins = _larger ? other.Less(mine) : mine.Less(other);
        return wins + 0.5 * mine.EqualTo(other);
    }

    public override Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x) => _larger ? lanes.Max(x[0], x[1]) : lanes.Min(x[0], x[1]);

    public override string ToString() => Name;
}
