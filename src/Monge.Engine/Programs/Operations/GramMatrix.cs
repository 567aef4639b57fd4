using System.Numerics;
using System.Runtime.CompilerServices;
using Monge.Engine.Arrays;
using Monge.Engine.Lanes;
using Monge.Engine.LinearAlgebra;

namespace Monge.Engine.Programs;

/// <summary>
/// The Gram matrix G = A^T diag(w) A [n, n] of the columns of a matrix A [k, n] with weights w [k], or without: sum_j w_j a_j a_j^T over its rows, symmetric
/// to the bit. Stacks [b, k, n] with [b, k] give [b, n, n].
/// </summary>
internal sealed class GramMatrixOperation : Operation
{
    public static readonly GramMatrixOperation Instance = new();

    public override string Name => "Gram matrix";

    public override Shape InferShape(ReadOnlySpan<Shape> inputs)
    {
        var a = inputs[0];
        if (a.Rank is < 2 or > 3)
        {
            throw new ShapeException($"{Name}: the argument has shape {a}; it must be a matrix, or a stack of matrices.");
        }

        return inputs.Length == 1 || inputs[1] == a[..^1]
            ? a[..^2].Append(a[^1]).Append(a[^1])
            : throw new ShapeException($"{Name}: the weights have shape {inputs[1]} and the matrix {a}; there must be one for each row, {a[..^1]}.");
    }

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        var (k, n) = (shapes[0][^2], shapes[0][^1]);
        Array.Clear(output);
        for (var row = 0; row < shapes[0].Size / n; row++)
        {
            var a = inputs[0].AsSpan(row * n, n);
            var g = output.AsSpan(row / k * n * n, n * n);
            var weight = inputs.Length == 1 ? 1 : inputs[1][row];
            for (var e = 0; e < n * n; e++)
            {
                g[e] += weight * a[e / n] * a[e % n];
            }
        }
    }

    // dG = R + R^T with R = A^T (diag(w) dA + diag(dw) A / 2).
    public override Expr? Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions)
    {
        var a = node.Inputs[0];
        var moved = tangents[0] is { } matrix ? Weighted(node, matrix) : null;
        var turned = tangents.Length > 1 && tangents[1] is { } weights ? 0.5 * a.WithTrailingAxis() * Rows(weights, a.Shape.Rank - 1) : null;
        var right = Plus(moved, turned)!;
        var s = right.Shape;
        var half = Expr.MatrixProduct(Flip(a), right.Reshape([.. s.Sizes[..^2], s[^2] * s[^1]])).Reshape(node.Shape.Append(s[^1]).Sizes);
        return half + Flip(half, trailing: 1);
    }

    // A (C + C^T), which for the weights is multiplied by A once more.
    public override Expr? Cotangent(Expr node, Expr cotangent, int index)
    {
        var a = node.Inputs[0];
        var product = Expr.MatrixProduct(a, cotangent + Flip(cotangent));
        return index == 0 ? Weighted(node, product) : 0.5 * (a * product).Sum(-1);
    }

    // d2G = 2 dA^T diag(w) dA + 2 (Y + Y^T) with Y = A^T diag(dw) dA; the directions of the first term join the rows.
    public override Expr? SecondOrder(Expr node, ReadOnlySpan<Expr?> tangents, Expr weights)
    {
        if (tangents[0] is not { } moved)
        {
            return null;
        }

        var (a, s) = (node.Inputs[0], moved.Shape);
        var (rank, directions) = (a.Shape.Rank, s[^1]);
        int[] rows = [.. s.Sizes[..(rank - 2)], s[rank - 2] * directions];
        var each = node.Inputs.Count == 1 ? weights.BroadcastTo(a.Shape[..^1].Append(directions)) : node.Inputs[1].WithTrailingAxis() * weights;
        var both = 2 * Flip(moved, from: rank - 1, trailing: 0).Reshape([.. rows, s[rank - 1]]).Gram(each.Reshape(rows));
        if (tangents.Length == 1 || tangents[1] is not { } turned)
        {
            return both;
        }

        var mixed = Expr.MatrixProduct(Flip(a), (moved * Rows(turned * weights, rank - 1)).Sum(-1));
        return both + (2 * (mixed + Flip(mixed)));
    }

    // A value with the matrix's rows, times the weights.
    private static Expr Weighted(Expr node, Expr rows)
    {
        if (node.Inputs.Count == 1)
        {
            return rows;
        }

        var weights = node.Inputs[1].WithTrailingAxis();
        return rows * (rows.Shape.Rank > node.Inputs[0].Shape.Rank ? weights.WithTrailingAxis() : weights);
    }

    // [.., K] as [.., 1, K].
    private static Expr Rows(Expr weights, int axis) => weights.Reshape([.. weights.Shape.Sizes[..axis], 1, weights.Shape[^1]]);

    // The last two axes before some trailing ones exchanged.
    private static Expr Flip(Expr value, int trailing = 0) => Flip(value, value.Shape.Rank - 2 - trailing, trailing);

    private static Expr Flip(Expr value, int from, int trailing)
    {
        int[] order = [.. Enumerable.Range(0, value.Shape.Rank)];
        (order[from], order[from + 1]) = (order[from + 1], order[from]);
        return value.Transpose(order);
    }

    internal override void Lower(Expr node, ILowering machine) => machine.Run(new Kernel(node.Inputs[0].Shape, node.Inputs.Count > 1), [.. node.Inputs]);

    private sealed unsafe class Kernel(Shape shape, bool isWeighted) : LaneKernel
    {
        // Rows that are read at once: enough to pay for the sums' way to memory and back, few enough to stay in the first-level cache.
        private const int RowsAtOnce = 16;

        private readonly int _rows = shape[^2];
        private readonly int _n = shape[^1];
        private readonly int _columns = (shape[^1] + 3) & ~3;
        private readonly int _stacks = shape.Size / (shape[^2] * shape[^1]);

        private int SumVectors => ((_n + 1) & ~1) * _columns;

        public override int ScratchVectors => SumVectors + (2 * RowsAtOnce * _columns);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void Run<L, V, T>(in LaneRows<T> rows)
        {
            var scratch = (V*)rows.Scratch;
            var (group, size) = (LaneRows<T>.Group<V>(), ScratchVectors);
            for (var e = 0; e < group * size; e++)
            {
                scratch[e] = L.Broadcast(T.Zero);
            }

            for (var stack = 0; stack < _stacks; stack++)
            {
                for (var lane = 0; lane < rows.Lanes; lane += group * L.Count)
                {
                    for (var g = 0; g < group; g++)
                    {
                        new Span<V>(scratch + (g * size), SumVectors).Clear();
                    }

                    for (var first = 0; first < _rows; first += RowsAtOnce)
                    {
                        var count = Math.Min(RowsAtOnce, _rows - first);
                        Read<L, V, T>(rows, (stack * _rows) + first, count, lane, scratch + SumVectors);
                        for (var g = 0; g < group; g++)
                        {
                            V* sums = scratch + (g * size), a = sums + SumVectors;
                            LaneMatrices<L, V, T>.AddLowerProduct(a + (RowsAtOnce * _columns), a, count, _n, _columns, sums);
                        }
                    }

                    Write<L, V, T>(rows, stack, lane, scratch);
                }
            }
        }

        // Rows of a group of matrices, and behind them the same with their weights.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Read<L, V, T>(in LaneRows<T> rows, int first, int count, int lane, V* to)
            where L : ILaneNumbers<V, T>
            where V : unmanaged
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            var (group, size, behind) = (LaneRows<T>.Group<V>(), ScratchVectors, RowsAtOnce * _columns);
            var matrix = rows[0];
            for (var row = first; row < first + count; row++, to += _columns)
            {
                for (var g = 0; g < group; g++)
                {
                    V* entry = to + (g * size);
                    var at = lane + (g * L.Count);
                    var weight = isWeighted ? rows[1].Load<L, V>(row, at) : L.Broadcast(T.One);
                    for (var c = 0; c < _n; c++, entry++)
                    {
                        *entry = matrix.Load<L, V>((row * _n) + c, at);
                        entry[behind] = L.Multiply(weight, *entry);
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void Write<L, V, T>(in LaneRows<T> rows, int stack, int lane, V* sums)
            where L : ILaneNumbers<V, T>
            where V : unmanaged
            where T : unmanaged, IFloatingPointIeee754<T>
        {
            var (group, size, first) = (LaneRows<T>.Group<V>(), ScratchVectors, stack * _n * _n);
            for (var i = 0; i < _n; i++)
            {
                for (var j = 0; j <= i; j++)
                {
                    T* lower = rows.Row(first + (i * _n) + j) + lane, upper = rows.Row(first + (j * _n) + i) + lane;
                    V* sum = sums + (i * _columns) + j;
                    for (var g = 0; g < group; g++, sum += size, lower += L.Count, upper += L.Count)
                    {
                        L.Store(lower, *sum);
                        L.Store(upper, *sum);
                    }
                }
            }
        }
    }
}
