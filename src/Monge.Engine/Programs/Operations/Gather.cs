using System.Runtime.CompilerServices;
using Monge.Engine.Arrays;
using Monge.Engine.Lanes;

namespace Monge.Engine.Programs;

/// <summary>Elements of one axis by number, in any order and with repeats; -1 is zero. Slices, padding and reversal are gathers too.</summary>
internal sealed class GatherOperation : ViewOperation
{
    public GatherOperation(int axis, int[] indices)
    {
        Axis = axis;
        Indices = indices;
        var contiguous = true;
        for (var i = 1; i < indices.Length && contiguous; i++)
        {
            contiguous = indices[i] == indices[i - 1] + 1;
        }

        IsSlice = contiguous && indices[0] >= 0;
        Key = IsSlice ? $"axis {axis}, {indices[0]}..{indices[^1]}" : $"axis {axis}, {string.Join(",", indices)}";
    }

    public int Axis { get; }

    public int[] Indices { get; }

    /// <summary>Whether the elements are consecutive.</summary>
    public bool IsSlice { get; }

    public override string Name => "gather";

    public override string Key { get; }

    public override Shape InferShape(ReadOnlySpan<Shape> inputs)
    {
        var shape = inputs[0];
        if (Axis < 0 || Axis >= shape.Rank)
        {
            throw new ShapeException($"gather: axis {Axis} does not exist in shape {shape}.");
        }

        foreach (var index in Indices)
        {
            if (index < -1 || index >= shape[Axis])
            {
                throw new ShapeException($"gather: element {index} does not exist along axis {Axis} of shape {shape}, which has {shape[Axis]}.");
            }
        }

        var sizes = shape.Sizes.ToArray();
        sizes[Axis] = Indices.Length;
        return new Shape(sizes);
    }

    public override void Map(Shape input, Shape output, Span<int> source)
    {
        var inner = input[(Axis + 1)..].Size;
        var outer = input[..Axis].Size;
        var at = 0;
        for (var o = 0; o < outer; o++)
        {
            foreach (var index in Indices)
            {
                for (var i = 0; i < inner; i++)
                {
                    source[at++] = index < 0 ? -1 : (((o * input[Axis]) + index) * inner) + i;
                }
            }
        }
    }

    public override Expr Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) => Expr.Create(this, tangents[0]!);

    public override Expr Cotangent(Expr node, Expr cotangent, int index)
    {
        var size = node.Inputs[0].Shape[Axis];
        var back = new int[size];
        Array.Fill(back, -1);
        for (var i = 0; i < Indices.Length; i++)
        {
            if (Indices[i] < 0)
            {
                continue;
            }

            if (back[Indices[i]] >= 0)
            {
                // An element taken twice: its cotangents add.
                return Expr.Create(new ScatterAddOperation(Axis, Indices, size), cotangent);
            }

            back[Indices[i]] = i;
        }

        return cotangent.Gather(Axis, back);
    }
}

/// <summary>The adjoint of a gather with repeats: element i of the axis is added to element index[i] of the result.</summary>
internal sealed class ScatterAddOperation(int axis, int[] indices, int size) : Operation
{
    public override string Name => "scatter-add";

    public override string Key => $"axis {axis}, size {size}, {string.Join(",", indices)}";

    public override Shape InferShape(ReadOnlySpan<Shape> inputs)
    {
        var sizes = inputs[0].Sizes.ToArray();
        sizes[axis] = size;
        return new Shape(sizes);
    }

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        var inner = shapes[0][(axis + 1)..].Size;
        var outer = shapes[0][..axis].Size;
        Array.Clear(output);
        for (var o = 0; o < outer; o++)
        {
            for (var k = 0; k < indices.Length; k++)
            {
                for (var i = 0; i < inner && indices[k] >= 0; i++)
                {
                    output[(((o * size) + indices[k]) * inner) + i] += inputs[0][(((o * indices.Length) + k) * inner) + i];
                }
            }
        }
    }

    public override Expr Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) => Expr.Create(this, tangents[0]!);

    public override Expr Cotangent(Expr node, Expr cotangent, int index) => cotangent.Gather(axis, indices);

    internal override void Lower(Expr node, ILowering machine)
    {
        var input = node.Inputs[0].Shape;
        var inner = input[(axis + 1)..].Size;
        var map = new int[input.Size];
        for (var e = 0; e < map.Length; e++)
        {
            var (o, k, i) = (e / (inner * indices.Length), e / inner % indices.Length, e % inner);
            map[e] = indices[k] < 0 ? -1 : (((o * size) + indices[k]) * inner) + i;
        }

        machine.Run(new Kernel(map, node.Size), node.Inputs[0]);
    }

    private sealed class Kernel(int[] map, int size) : LaneKernel
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void Run<L, V, T>(in LaneRows<T> rows)
        {
            for (var lane = 0; lane < rows.Lanes; lane += L.Count)
            {
                for (var e = 0; e < size; e++)
                {
                    rows.Store<L, V>(e, lane, L.Broadcast(T.Zero));
                }

                for (var e = 0; e < map.Length; e++)
                {
                    if (map[e] >= 0)
                    {
                        rows.Store<L, V>(map[e], lane, L.Add(rows.Result<L, V>(map[e], lane), rows[0].Load<L, V>(e, lane)));
                    }
                }
            }
        }
    }
}
