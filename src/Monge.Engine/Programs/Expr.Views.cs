using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

public sealed partial class Expr
{
    /// <summary>Element (or sub-array) of the first axis; a negative number counts from the end.</summary>
    public Expr this[int index]
    {
        get
        {
            if (Shape.Rank == 0)
            {
                throw new ShapeException($"index: element {index} of a scalar was asked for; a scalar has no elements.");
            }

            var i = index < 0 ? index + Shape[0] : index;
            return i >= 0 && i < Shape[0]
                ? Slice(0, i, 1).Reshape(Shape.Sizes[1..])
                : throw new ShapeException($"index: element {index} does not exist along the first axis of shape {Shape}.");
        }
    }

    /// <summary>A range of the first axis.</summary>
    public Expr this[Range range]
    {
        get
        {
            var (start, length) = range.GetOffsetAndLength(Shape[0]);
            return Slice(0, start, length);
        }
    }

    /// <summary>The same elements in another shape.</summary>
    public Expr Reshape(params ReadOnlySpan<int> sizes)
    {
        var shape = new Shape(sizes);
        if (shape == Shape)
        {
            return this;
        }

        var source = Operation is ReshapeOperation ? _inputs[0] : this;
        if (source.Shape == shape)
        {
            return source;
        }

        if (source.UniformConstant is { } number && shape.Size == Size)
        {
            return Constant(number).BroadcastTo(shape);
        }

        return Create(new ReshapeOperation(shape), source);
    }

    /// <summary>The axes in another order; without arguments, reversed.</summary>
    public Expr Transpose(params ReadOnlySpan<int> permutation)
    {
        int[] order = permutation.Length == 0 ? [.. Enumerable.Range(0, Shape.Rank).Reverse()] : permutation.ToArray();
        if (order.AsSpan().SequenceEqual(Enumerable.Range(0, Shape.Rank).ToArray()))
        {
            return this;
        }

        if (Operation is TransposeOperation inner && inner.Permutation.Length == order.Length)
        {
            return _inputs[0].Transpose([.. order.Select(axis => inner.Permutation[axis])]);
        }

        var shape = new TransposeOperation(order).InferShape([Shape]);
        return UniformConstant is { } number ? Constant(number).BroadcastTo(shape)
            : IsMereReshape(order) ? Reshape(shape.Sizes)
            : Create(new TransposeOperation(order), this);
    }

    // A transposition that only moves axes of size 1 leaves the elements where they are.
    private bool IsMereReshape(int[] order)
    {
        var last = -1;
        foreach (var axis in order)
        {
            if (Shape[axis] == 1)
            {
                continue;
            }

            if (axis < last)
            {
                return false;
            }

            last = axis;
        }

        return true;
    }

    /// <summary>The value stretched to a shape (size 1 axes and missing leading axes are repeated).</summary>
    public Expr BroadcastTo(Shape shape)
    {
        if (shape == Shape)
        {
            return this;
        }

        return Operation is BroadcastOperation ? _inputs[0].BroadcastTo(shape) : Create(new BroadcastOperation(shape), this);
    }

    /// <summary>Consecutive elements of an axis.</summary>
    /// <exception cref="ShapeException">The elements don't exist.</exception>
    public Expr Slice(int axis, int start, int length)
    {
        axis = NormaliseAxes("slice", [axis])[0];
        if (start < 0 || length < 1 || start + length > Shape[axis])
        {
            throw new ShapeException($"slice: elements {start} to {start + length - 1} do not exist along axis {axis} of shape {Shape}.");
        }

        return Gather(axis, [.. Enumerable.Range(start, length)]);
    }

    /// <summary>Elements of an axis by number, in any order, with repeats; -1 gives zero.</summary>
    public Expr Gather(int axis, ReadOnlySpan<int> indices)
    {
        axis = NormaliseAxes("gather", [axis])[0];
        if (indices.Length == Shape[axis] && indices.SequenceEqual(Enumerable.Range(0, Shape[axis]).ToArray()))
        {
            return this;
        }

        if (IsZero)
        {
            return Constant(0).BroadcastTo(new GatherOperation(axis, indices.ToArray()).InferShape([Shape]));
        }

        if (Operation is ConcatOperation concat && concat.Axis == axis && TryGatherPart(indices) is { } part)
        {
            return part;
        }

        if (Operation is GatherOperation inner && inner.Axis == axis)
        {
            var composed = indices.ToArray();
            for (var i = 0; i < composed.Length; i++)
            {
                composed[i] = composed[i] < 0 ? -1 : inner.Indices[composed[i]];
            }

            return _inputs[0].Gather(axis, composed);
        }

        return Create(new GatherOperation(axis, indices.ToArray()), this);
    }

    // A slice that lies in one part of a concatenation is a slice of that part.
    private Expr? TryGatherPart(ReadOnlySpan<int> indices)
    {
        var axis = ((ConcatOperation)Operation).Axis;
        var start = 0;
        foreach (var part in _inputs)
        {
            var end = start + part.Shape[axis];
            var inside = true;
            foreach (var i in indices)
            {
                inside &= i >= start && i < end;
            }

            if (inside)
            {
                var shifted = indices.ToArray();
                for (var i = 0; i < shifted.Length; i++)
                {
                    shifted[i] -= start;
                }

                return part.Gather(axis, shifted);
            }

            start = end;
        }

        return null;
    }

    /// <summary>Zeros put before and after along an axis.</summary>
    public Expr Pad(int axis, int before, int after)
    {
        axis = NormaliseAxes("pad", [axis])[0];
        return Gather(axis, [.. Enumerable.Repeat(-1, before), .. Enumerable.Range(0, Shape[axis]), .. Enumerable.Repeat(-1, after)]);
    }

    /// <summary>Joins values along an axis.</summary>
    public static Expr Concat(int axis, params ReadOnlySpan<Expr> parts)
    {
        if (parts.Length == 0)
        {
            throw new ShapeException("concat: at least one value is needed.");
        }

        return parts.Length == 1 ? parts[0] : Create(new ConcatOperation(parts[0].NormaliseAxes("concat", [axis])[0]), parts.ToArray());
    }

    /// <summary>Joins values of one shape along a new axis.</summary>
    public static Expr Stack(int axis, params ReadOnlySpan<Expr> parts)
    {
        var grown = new Expr[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            grown[i] = SumOperation.WithAxis(parts[i], axis < 0 ? axis + parts[i].Shape.Rank + 1 : axis);
        }

        return Concat(axis, grown);
    }

    /// <summary>A vector of scalars.</summary>
    public static Expr Vector(params ReadOnlySpan<Expr> elements) => Stack(0, elements);

    internal Expr WithTrailingAxis() => Reshape([.. Shape.Sizes, 1]);
}
