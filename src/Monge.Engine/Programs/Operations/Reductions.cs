using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

/// <summary>The sum over one axis.</summary>
internal sealed class SumOperation(int axis) : Operation
{
    public int Axis => axis;

    public override string Name => "sum";

    public override string Key => $"axis {axis}";

    public override Shape InferShape(ReadOnlySpan<Shape> inputs) => Without(Name, inputs[0], axis);

    /// <summary>A shape without one of its axes.</summary>
    internal static Shape Without(string operation, Shape shape, int axis) => axis >= 0 && axis < shape.Rank
        ? new Shape([.. shape.Sizes[..axis], .. shape.Sizes[(axis + 1)..]])
        : throw new ShapeException($"{operation}: axis {axis} does not exist in the argument's shape {shape}.");

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        var (n, inner) = (shapes[0][axis], shapes[0][(axis + 1)..].Size);
        Array.Clear(output);
        for (var i = 0; i < inputs[0].Length; i++)
        {
            output[(i / (n * inner) * inner) + (i % inner)] += inputs[0][i];
        }
    }

    public override Expr Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) => tangents[0]!.Sum(axis);

    public override Expr Cotangent(Expr node, Expr cotangent, int index) => WithAxis(cotangent, axis).BroadcastTo(node.Inputs[0].Shape);

    /// <summary>The value with an axis of size 1 put in.</summary>
    internal static Expr WithAxis(Expr value, int axis) => value.Reshape([.. value.Shape.Sizes[..axis], 1, .. value.Shape.Sizes[axis..]]);
}

/// <summary>The largest element along one axis. Where several are largest they share the derivative.</summary>
internal sealed class MaxOperation(int axis) : Operation
{
    public int Axis => axis;

    public override string Name => "maximum";

    public override string Key => $"axis {axis}";

    public override Shape InferShape(ReadOnlySpan<Shape> inputs) => SumOperation.Without(Name, inputs[0], axis);

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        var (n, inner) = (shapes[0][axis], shapes[0][(axis + 1)..].Size);
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
        var mask = input.EqualTo(SumOperation.WithAxis(node, axis));
        return mask / SumOperation.WithAxis(mask.Sum(axis), axis);
    }

    public override Expr Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) => (Share(node).WithTrailingAxis() * tangents[0]!).Sum(axis);

    public override Expr Cotangent(Expr node, Expr cotangent, int index) => Share(node) * SumOperation.WithAxis(cotangent, axis);
}

/// <summary>The running sum along one axis, from the start or from the end.</summary>
internal sealed class CumulativeSumOperation(int axis, bool fromEnd) : Operation
{
    public int Axis => axis;

    public bool FromEnd => fromEnd;

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
}
