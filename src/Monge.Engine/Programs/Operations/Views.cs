using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

/// <summary>
/// An operation whose result is a rearrangement of its argument: each element of the result is one element of the argument (or zero). Linear, so tangents
/// go through the same rearrangement with their trailing axis left alone.
/// </summary>
internal abstract class ViewOperation : Operation
{
    /// <summary>The element of the argument behind each element of the result; -1 is zero. Row-major numbers.</summary>
    public abstract void Map(Shape input, Shape output, Span<int> source);

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        Span<Shape> one = [shapes[0]];
        var map = new int[output.Length];
        Map(shapes[0], InferShape(one), map);
        for (var i = 0; i < output.Length; i++)
        {
            output[i] = map[i] < 0 ? 0 : inputs[0][map[i]];
        }
    }

    internal sealed override void Lower(Expr node, ILowering machine) => machine.View();
}

/// <summary>Stretches axes of size 1 and adds leading axes.</summary>
internal sealed class BroadcastOperation(Shape target) : ViewOperation
{
    public override string Name => "broadcast";

    public override string Key => target.ToString();

    public override Shape InferShape(ReadOnlySpan<Shape> inputs)
    {
        if (inputs[0].Rank > target.Rank || Shape.Broadcast(Name, inputs[0], target) != target)
        {
            throw new ShapeException($"broadcast: the argument's shape {inputs[0]} can't be stretched to {target}.");
        }

        return target;
    }

    public override void Map(Shape input, Shape output, Span<int> source)
    {
        var strides = input.Strides();
        var index = new int[output.Rank];
        var lead = output.Rank - input.Rank;
        for (var i = 0; i < source.Length; i++)
        {
            var from = 0;
            for (var axis = 0; axis < input.Rank; axis++)
            {
                from += input[axis] == 1 ? 0 : index[lead + axis] * strides[axis];
            }

            source[i] = from;
            Increment(index, output);
        }
    }

    /// <summary>Advances a row-major multi-index.</summary>
    internal static void Increment(int[] index, Shape shape)
    {
        for (var axis = shape.Rank - 1; axis >= 0; axis--)
        {
            if (++index[axis] < shape[axis])
            {
                return;
            }

            index[axis] = 0;
        }
    }

    public override Expr Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions)
    {
        var input = node.Inputs[0].Shape;
        var filled = new int[target.Rank + 1];
        Array.Fill(filled, 1);
        input.Sizes.CopyTo(filled.AsSpan(target.Rank - input.Rank));
        filled[^1] = directions;
        return tangents[0]!.Reshape(filled).BroadcastTo(target.Append(directions));
    }

    public override Expr Cotangent(Expr node, Expr cotangent, int index)
    {
        var input = node.Inputs[0].Shape;
        var lead = target.Rank - input.Rank;
        var axes = new List<int>();
        for (var axis = 0; axis < target.Rank; axis++)
        {
            if (axis < lead || (input[axis - lead] == 1 && target[axis] != 1))
            {
                axes.Add(axis);
            }
        }

        return cotangent.Sum([.. axes]).Reshape(input.Sizes);
    }
}

internal sealed class ReshapeOperation(Shape target) : ViewOperation
{
    public override string Name => "reshape";

    public override string Key => target.ToString();

    public override Shape InferShape(ReadOnlySpan<Shape> inputs) => inputs[0].Size == target.Size
        ? target
        : throw new ShapeException($"reshape: the argument's shape {inputs[0]} has {inputs[0].Size} elements, the new shape {target} has {target.Size}.");

    public override void Map(Shape input, Shape output, Span<int> source)
    {
        for (var i = 0; i < source.Length; i++)
        {
            source[i] = i;
        }
    }

    public override Expr Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) => tangents[0]!.Reshape(target.Append(directions).Sizes);

    public override Expr Cotangent(Expr node, Expr cotangent, int index) => cotangent.Reshape(node.Inputs[0].Shape.Sizes);
}

internal sealed class TransposeOperation(int[] permutation) : ViewOperation
{
    public int[] Permutation { get; } = permutation;

    public override string Name => "transpose";

    public override string Key => string.Join(",", Permutation);

    public override Shape InferShape(ReadOnlySpan<Shape> inputs)
    {
        var shape = inputs[0];
        if (shape.Rank != Permutation.Length || !Permutation.Order().SequenceEqual(Enumerable.Range(0, shape.Rank)))
        {
            throw new ShapeException($"transpose: ({Key}) is not a permutation of the axes of shape {shape}.");
        }

        return new Shape([.. Permutation.Select(axis => shape[axis])]);
    }

    public override void Map(Shape input, Shape output, Span<int> source)
    {
        var strides = input.Strides();
        var index = new int[output.Rank];
        for (var i = 0; i < source.Length; i++)
        {
            var from = 0;
            for (var axis = 0; axis < output.Rank; axis++)
            {
                from += index[axis] * strides[Permutation[axis]];
            }

            source[i] = from;
            BroadcastOperation.Increment(index, output);
        }
    }

    public override Expr Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) => tangents[0]!.Transpose([.. Permutation, Permutation.Length]);

    public override Expr Cotangent(Expr node, Expr cotangent, int index)
    {
        var inverse = new int[Permutation.Length];
        for (var axis = 0; axis < inverse.Length; axis++)
        {
            inverse[Permutation[axis]] = axis;
        }

        return cotangent.Transpose(inverse);
    }
}

/// <summary>Joins arguments along an axis.</summary>
internal sealed class ConcatOperation(int axis) : Operation
{
    public int Axis => axis;

    public override string Name => "concat";

    public override string Key => $"axis {axis}";

    public override Shape InferShape(ReadOnlySpan<Shape> inputs)
    {
        var sizes = inputs[0].Sizes.ToArray();
        if (axis < 0 || axis >= sizes.Length)
        {
            throw new ShapeException($"concat: axis {axis} does not exist in the first argument's shape {inputs[0]}.");
        }

        for (var k = 1; k < inputs.Length; k++)
        {
            var other = inputs[k];
            if (other.Rank != sizes.Length || other[..axis] != inputs[0][..axis] || other[(axis + 1)..] != inputs[0][(axis + 1)..])
            {
                throw new ShapeException($"concat: argument {k} has shape {other}, which differs from the first argument's {inputs[0]} outside axis {axis}.");
            }

            sizes[axis] += other[axis];
        }

        return new Shape(sizes);
    }

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        var outer = shapes[0][..axis].Size;
        var at = 0;
        for (var o = 0; o < outer; o++)
        {
            for (var k = 0; k < inputs.Length; k++)
            {
                var block = shapes[k].Size / outer;
                inputs[k].AsSpan(o * block, block).CopyTo(output.AsSpan(at));
                at += block;
            }
        }
    }

    public override Expr Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions)
    {
        var parts = new Expr[tangents.Length];
        for (var k = 0; k < parts.Length; k++)
        {
            parts[k] = tangents[k] ?? Expr.Constant(0).BroadcastTo(node.Inputs[k].Shape.Append(directions));
        }

        return Expr.Concat(axis, parts);
    }

    public override Expr Cotangent(Expr node, Expr cotangent, int index)
    {
        var start = 0;
        for (var k = 0; k < index; k++)
        {
            start += node.Inputs[k].Shape[axis];
        }

        return cotangent.Slice(axis, start, node.Inputs[index].Shape[axis]);
    }

    internal override void Lower(Expr node, ILowering machine) => machine.Join(axis);
}
