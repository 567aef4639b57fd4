using Monge.Engine.Lanes;

namespace Monge.Engine.Programs;

internal sealed class AddOperation() : ElementwiseOperation("add", 2, isCheap: true)
{
    public static readonly AddOperation Instance = new();

    public override double Value(ReadOnlySpan<double> x) => x[0] + x[1];

    public override Expr? Partial(Expr node, int index) => Expr.Constant(1).BroadcastTo(node.Shape);

    public override Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x) => lanes.Add(x[0], x[1]);
}

internal sealed class SubtractOperation() : ElementwiseOperation("subtract", 2, isCheap: true)
{
    public static readonly SubtractOperation Instance = new();

    public override double Value(ReadOnlySpan<double> x) => x[0] - x[1];

    public override Expr? Partial(Expr node, int index) => Expr.Constant(index == 0 ? 1 : -1).BroadcastTo(node.Shape);

    public override Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x) => lanes.Subtract(x[0], x[1]);
}

internal sealed class MultiplyOperation() : ElementwiseOperation("multiply", 2, isCheap: true)
{
    public static readonly MultiplyOperation Instance = new();

    public override double Value(ReadOnlySpan<double> x) => x[0] * x[1];

    public override Expr? Partial(Expr node, int index) => node.Inputs[1 - index];

    public override Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x) => lanes.Multiply(x[0], x[1]);
}

internal sealed class DivideOperation() : ElementwiseOperation("divide", 2)
{
    public static readonly DivideOperation Instance = new();

    public override double Value(ReadOnlySpan<double> x) => x[0] / x[1];

    public override Expr? Partial(Expr node, int index) => index == 0 ? 1 / node.Inputs[1] : -(node / node.Inputs[1]);

    public override Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x) => lanes.Divide(x[0], x[1]);
}

internal sealed class NegateOperation() : ElementwiseOperation("negate", 1, isCheap: true)
{
    public static readonly NegateOperation Instance = new();

    public override double Value(ReadOnlySpan<double> x) => -x[0];

    public override Expr? Partial(Expr node, int index) => Expr.Constant(-1).BroadcastTo(node.Shape);

    public override Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x) => lanes.Negate(x[0]);
}

internal sealed class StopGradientOperation() : ElementwiseOperation("stop-gradient", 1, isCheap: true)
{
    public static readonly StopGradientOperation Instance = new();

    public override double Value(ReadOnlySpan<double> x) => x[0];

    public override Expr? Partial(Expr node, int index) => null;

    public override Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x) => x[0];
}
