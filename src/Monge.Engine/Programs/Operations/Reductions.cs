using System.Runtime.CompilerServices;
using Monge.Engine.Arrays;
using Monge.Engine.Lanes;

namespace Monge.Engine.Programs;

/// <summary>Folds one axis, element by element in their order.</summary>
internal abstract class ReductionOperation(int axis) : Operation
{
    public int Axis { get; } = axis;

    public sealed override string Key => $"axis {Axis}";

    /// <summary>The value of no elements.</summary>
    public abstract double Start { get; }

    /// <summary>A total with one more element.</summary>
    public abstract Lane Fold(LaneEmitter lanes, Lane total, Lane value);

    public sealed override Shape InferShape(ReadOnlySpan<Shape> inputs) => SumOperation.Without(Name, inputs[0], Axis);

    internal sealed override void Lower(Expr node, ILowering machine) => machine.Fuse();
}

/// <summary>The sum over one axis.</summary>
internal sealed class SumOperation(int axis) : ReductionOperation(axis)
{
    public override string Name => "sum";

    public override double Start => 0;

    public override Lane Fold(LaneEmitter lanes, Lane total, Lane value) => lanes.Add(total, value);

    /// <summary>A shape without one of its axes.</summary>
    internal static Shape Without(string operation, Shape shape, int axis) => axis >= 0 && axis < shape.Rank
        ? new Shape([.. shape.Sizes[..axis], .. shape.Sizes[(axis + 1)..]])
        : throw new ShapeException($"{operation}: axis {axis} does not exist in the argument's shape {shape}.");

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        var (n, inner) = (shapes[0][Axis], shapes[0][(Axis + 1)..].Size);
        Array.Clear(output);
        for (var i = 0; i < inputs[0].Length; i++)
        {
            output[(i / (n * inner) * inner) + (i % inner)] += inputs[0][i];
        }
    }

    public override Expr Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) => tangents[0]!.Sum(Axis);

    public override Expr Cotangent(Expr node, Expr cotangent, int index) => WithAxis(cotangent, Axis).BroadcastTo(node.Inputs[0].Shape);

    /// <summary>The value with an axis of size 1 put in.</summary>
    internal static Expr WithAxis(Expr value, int axis) => value.Reshape([.. value.Shape.Sizes[..axis], 1, .. value.Shape.Sizes[axis..]]);
}

/// <summary>The largest element along one axis. Where several are largest they share the derivative.</summary>
internal sealed class MaxOperation(int axis) : ReductionOperation(axis)
{
    public override string Name => "maximum";

    public override double Start => double.NegativeInfinity;

    public override Lane Fold(LaneEmitter lanes, Lane total, Lane value) => lanes.Max(total, value);

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        var (n, inner) = (shapes[0][Axis], shapes[0][(Axis + 1)..].Size);
        Array.Fill(output, double.NegativeInfinity);
        for (var i = 0; i < inputs[0].Length; i++)
        {
            ref var best = ref output[(i / (n * inner) * inner) + (i % inner)];
            best = Math.Max(best, inputs[0][i]);
        }
    }

    private Expr Share(Expr node)
    {
        var input = node.Inputs[0];
        var mask = input.EqualTo(SumOperation.WithAxis(node, Axis));
        return mask / SumOperation.WithAxis(mask.Sum(Axis), Axis);
    }

    public override Expr Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) => (Share(node).WithTrailingAxis() * tangents[0]!).Sum(Axis);

    public override Expr Cotangent(Expr node, Expr cotangent, int index) => Share(node) * SumOperation.WithAxis(cotangent, Axis);
}

/// <summary>The running sum along one axis, from the start or from the end.</summary>
internal sealed class CumulativeSumOperation(int axis, bool fromEnd) : Operation
{
    public override string Name => "cumulative sum";

    public override string Key => $"axis {axis}{(fromEnd ? ", from the end" : "")}";

    public override Shape InferShape(ReadOnlySpan<Shape> inputs)
    {
        _ = SumOperation.Without(Name, inputs[0], axis);
        return inputs[0];
    }

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        var (n, inner) = (shapes[0][axis], shapes[0][(axis + 1)..].Size);
        var outer = shapes[0][..axis].Size;
        for (var o = 0; o < outer; o++)
        {
            for (var i = 0; i < inner; i++)
            {
                double sum = 0;
                for (var k = 0; k < n; k++)
                {
                    var at = (((o * n) + (fromEnd ? n - 1 - k : k)) * inner) + i;
                    output[at] = sum += inputs[0][at];
                }
            }
        }
    }

    public override Expr Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) => Expr.Create(this, tangents[0]!);

    public override Expr Cotangent(Expr node, Expr cotangent, int index) => cotangent.CumulativeSum(axis, !fromEnd);

    internal override void Lower(Expr node, ILowering machine)
    {
        var shape = node.Shape;
        machine.Run(new Kernel(shape[..axis].Size, shape[axis], shape[(axis + 1)..].Size, fromEnd), node.Inputs[0]);
    }

    private sealed class Kernel(int outer, int count, int inner, bool fromEnd) : LaneKernel
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void Run<L, V, T>(in LaneRows<T> rows)
        {
            for (var e = 0; e < outer * inner; e++)
            {
                var first = (e / inner * count * inner) + (e % inner);
                for (var lane = 0; lane < rows.Lanes; lane += L.Count)
                {
                    var sum = L.Broadcast(T.Zero);
                    for (var k = 0; k < count; k++)
                    {
                        var at = first + ((fromEnd ? count - 1 - k : k) * inner);
                        var value = rows[0].Load<L, V>(at, lane);
                        sum = k == 0 ? value : L.Add(sum, value);
                        rows.Store<L, V>(at, lane, sum);
                    }
                }
            }
        }
    }
}
