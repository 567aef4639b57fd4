using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

/// <summary>
/// The matrix product [m, k] x [k, n], or a stack of them [b, m, k] x [b, k, n]. With a shared left matrix it is one GEMM with the lanes of a tile
/// (times the columns) as its long side.
/// </summary>
internal sealed class MatrixProductOperation : Operation
{
    public static readonly MatrixProductOperation Instance = new();

    public override string Name => "matrix product";

    public override Shape InferShape(ReadOnlySpan<Shape> inputs)
    {
        var (a, b) = (inputs[0], inputs[1]);
        if (a.Rank != b.Rank || a.Rank is < 2 or > 3)
        {
            throw new ShapeException($"{Name}: the left argument has shape {a} and the right argument {b}; both must be matrices, or both stacks of matrices.");
        }

        if (a[^1] != b[^2])
        {
            throw new ShapeException($"{Name}: the left argument has shape {a} and the right argument {b}; the inner sizes {a[^1]} and {b[^2]} must be equal.");
        }

        if (a.Rank == 3 && a[0] != b[0])
        {
            throw new ShapeException($"{Name}: the left argument has shape {a} and the right argument {b}; the stacks {a[0]} and {b[0]} must be equal.");
        }

        return a.Rank == 2 ? new Shape(a[0], b[1]) : new Shape(a[0], a[1], b[2]);
    }

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        var (a, b) = (shapes[0], shapes[1]);
        var (m, k, n) = (a[^2], a[^1], b[^1]);
        var stack = a.Rank == 3 ? a[0] : 1;
        for (var s = 0; s < stack; s++)
        {
            for (var i = 0; i < m; i++)
            {
                for (var j = 0; j < n; j++)
                {
                    double sum = 0;
                    for (var p = 0; p < k; p++)
                    {
                        sum += inputs[0][(((s * m) + i) * k) + p] * inputs[1][(((s * k) + p) * n) + j];
                    }

                    output[(((s * m) + i) * n) + j] = sum;
                }
            }
        }
    }

    public override Expr? Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) => Plus(
        tangents[0] is { } left ? LeftTangent(left, node.Inputs[1]) : null,
        tangents[1] is { } right ? RightTangent(node.Inputs[0], right) : null);

    // A [.., m, k] with tangent dB [.., k, n, K]: columns and directions are one long axis.
    private static Expr RightTangent(Expr a, Expr tangent)
    {
        var s = tangent.Shape;
        var flat = s.Rank == 3 ? tangent.Reshape(s[0], s[1] * s[2]) : tangent.Reshape(s[0], s[1], s[2] * s[3]);
        var product = Expr.MatrixProduct(a, flat);
        return s.Rank == 3 ? product.Reshape(a.Shape[0], s[1], s[2]) : product.Reshape(s[0], a.Shape[1], s[2], s[3]);
    }

    // dA [.., m, k, K] with B [.., k, n]: directions join the rows.
    internal static Expr LeftTangent(Expr tangent, Expr b)
    {
        var s = tangent.Shape;
        if (s.Rank == 3)
        {
            var rows = tangent.Transpose(2, 0, 1).Reshape(s[2] * s[0], s[1]);
            return Expr.MatrixProduct(rows, b).Reshape(s[2], s[0], b.Shape[1]).Transpose(1, 2, 0);
        }

        var stacked = tangent.Transpose(0, 3, 1, 2).Reshape(s[0], s[3] * s[1], s[2]);
        return Expr.MatrixProduct(stacked, b).Reshape(s[0], s[3], s[1], b.Shape[2]).Transpose(0, 2, 3, 1);
    }

    public override Expr? Cotangent(Expr node, Expr cotangent, int index) => index == 0
        ? Expr.MatrixProduct(cotangent, Flip(node.Inputs[1]))
        : Expr.MatrixProduct(Flip(node.Inputs[0]), cotangent);

    private static Expr Flip(Expr matrix) => matrix.Shape.Rank == 2 ? matrix.Transpose(1, 0) : matrix.Transpose(0, 2, 1);

    public override Expr? SecondOrder(Expr node, ReadOnlySpan<Expr?> tangents, Expr weights)
    {
        if (tangents[0] is not { } left || tangents[1] is not { } right)
        {
            return null;
        }

        return 2 * SumOfProducts(left, right, weights);
    }

    /// <summary>sum_k w_k A_k B_k [.., m, n] for directions [.., K] of both: the directions join the inner axis of one product.</summary>
    internal static Expr SumOfProducts(Expr left, Expr right, Expr weights)
    {
        var (a, b, directions) = (left.Shape, right.Shape, weights.Size);
        if (a.Rank == 3)
        {
            var wide = left.Reshape(a[0], a[1] * directions);
            var tall = (right * weights).Transpose(0, 2, 1).Reshape(b[0] * directions, b[1]);
            return Expr.MatrixProduct(wide, tall);
        }

        var wideStack = left.Reshape(a[0], a[1], a[2] * directions);
        var tallStack = (right * weights).Transpose(0, 1, 3, 2).Reshape(b[0], b[1] * directions, b[2]);
        return Expr.MatrixProduct(wideStack, tallStack);
    }

    internal override void Lower(Expr node, ILowering machine) => machine.Multiply();
}
