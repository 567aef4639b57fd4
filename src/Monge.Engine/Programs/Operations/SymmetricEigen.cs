using System.Runtime.CompilerServices;
using Monge.Engine.Arrays;
using Monge.Engine.Lanes;
using Monge.Engine.LinearAlgebra;

namespace Monge.Engine.Programs;

/// <summary>
/// Eigenvalues and eigenvectors of the symmetric part S of a matrix: [n + 1, n], the eigenvalues ascending in row 0 and V in the others, S = V diag(values)
/// V^T. Derivatives with M = V^T dS V and F_ij = 1 / (value_j - value_i) off the diagonal: d values = diag M and dV = V (F o M).
/// </summary>
internal sealed class SymmetricEigenOperation : Operation
{
    public static readonly SymmetricEigenOperation Instance = new();

    public override string Name => "symmetric eigen";

    public override Shape InferShape(ReadOnlySpan<Shape> inputs) => new(SquareMatrix.Check(Name, inputs[0])[0] + 1, inputs[0][0]);

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        var (a, n) = (inputs[0], shapes[0][0]);
        var symmetric = new double[n * n];
        for (var e = 0; e < symmetric.Length; e++)
        {
            symmetric[e] = 0.5 * (a[e] + a[(e % n * n) + (e / n)]);
        }

        if (!symmetric.All(double.IsFinite))
        {
            Array.Fill(output, double.NaN);
            return;
        }

        var (values, vectors) = LinearAlgebra.SymmetricEigen.Decompose(symmetric, n);
        values.CopyTo(output, 0);
        for (var k = 0; k < n; k++)
        {
            var top = 0;
            for (var i = 1; i < n; i++)
            {
                top = Math.Abs(vectors[(i * n) + k]) > 1.001 * Math.Abs(vectors[(top * n) + k]) ? i : top;
            }

            for (var i = 0; i < n; i++)
            {
                output[((i + 1) * n) + k] = vectors[(top * n) + k] < 0 ? -vectors[(i * n) + k] : vectors[(i * n) + k];
            }
        }
    }

    private static Expr Values(Expr node) => node[0];

    private static Expr Vectors(Expr node) => node[1..];

    // F; the ones on the diagonal keep its zeros finite.
    private static Expr Gaps(Expr node)
    {
        var (values, n) = (Values(node), node.Shape[1]);
        return (1 - Expr.Identity(n)) / (values.Reshape(1, n) - values.Reshape(n, 1) + Expr.Identity(n));
    }

    private static Expr Rotated(Expr node, Expr tangent)
    {
        var turn = Vectors(node).Transpose();
        return SquareMatrix.Times(turn, SquareMatrix.Transpose(SquareMatrix.Times(turn, SquareMatrix.Symmetric(tangent))));
    }

    private static Expr DiagonalOf(Expr matrix, int n) =>
        matrix.Reshape(n * n, matrix.Shape[2]).Gather(0, [.. Enumerable.Range(0, n).Select(i => i * (n + 1))]);

    public override Expr? Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions)
    {
        var n = node.Shape[1];
        var rotated = Rotated(node, tangents[0]!);
        return Expr.Concat(0, DiagonalOf(rotated, n).Reshape(1, n, directions), SquareMatrix.Times(Vectors(node), Gaps(node).WithTrailingAxis() * rotated));
    }

    // The symmetric part of V (diag c + F o V^T C) V^T.
    public override Expr? Cotangent(Expr node, Expr cotangent, int index)
    {
        var (n, vectors) = (node.Shape[1], Vectors(node));
        var ofValues = Used(cotangent[0]) is { } values ? values.Reshape(1, n) * Expr.Identity(n) : null;
        var ofVectors = Used(cotangent[1..]) is { } turned ? Gaps(node) * Expr.MatrixProduct(vectors.Transpose(), turned) : null;
        return Plus(ofValues, ofVectors) is { } middle
            ? SquareMatrix.Symmetric(Expr.MatrixProduct(vectors, Expr.MatrixProduct(middle, vectors.Transpose())))
            : null;
    }

    // A part of the result that isn't used has a cotangent of padding; its rule must not be asked, for the gaps may be zero.
    private static Expr? Used(Expr cotangent) => cotangent.IsNothing ? null : cotangent;

    // With O = F o M: d2 value_i = 2 sum_j M_ij^2 / (value_i - value_j) and
    // d2V = V (O O + F o (M O + (M O)^T) - F^2 o (d value_j - d value_i) o M).
    public override Expr? SecondOrder(Expr node, ReadOnlySpan<Expr?> tangents, Expr weights)
    {
        var (n, directions) = (node.Shape[1], weights.Size);
        var rotated = Rotated(node, tangents[0]!);
        var gaps = Gaps(node).WithTrailingAxis();
        var turn = gaps * rotated;
        var values = -2 * ((turn * rotated).Sum(1) * weights).Sum(1);
        var (m, o) = (rotated.Transpose(2, 0, 1), turn.Transpose(2, 0, 1));
        var product = Expr.MatrixProduct(m, o).Transpose(1, 2, 0);
        var change = DiagonalOf(rotated, n);
        var spread = change.Reshape(1, n, directions) - change.Reshape(n, 1, directions);
        var inner = Expr.MatrixProduct(o, o).Transpose(1, 2, 0) + (gaps * (product + SquareMatrix.Transpose(product))) - (gaps * turn * spread);
        return Expr.Concat(0, values.Reshape(1, n), Expr.MatrixProduct(Vectors(node), (inner * weights).Sum(2)));
    }

    internal override void Lower(Expr node, ILowering machine) => machine.Run(new Kernel(node.Shape[1]), node.Inputs[0]);

    private sealed unsafe class Kernel(int n) : LaneKernel
    {
        public override int ScratchVectors => 2 * n * n;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void Run<L, V, T>(in LaneRows<T> rows)
        {
            var a = (V*)rows.Scratch;
            V* v = a + (n * n);
            var half = L.Broadcast(T.CreateTruncating(0.5));
            for (var lane = 0; lane < rows.Lanes; lane += L.Count)
            {
                for (var i = 0; i < n; i++)
                {
                    for (var j = 0; j <= i; j++)
                    {
                        a[(i * n) + j] = L.Multiply(half, L.Add(rows[0].Load<L, V>((i * n) + j, lane), rows[0].Load<L, V>((j * n) + i, lane)));
                    }
                }

                LaneMatrices<L, V, T>.Eigen(a, n, v);
                for (var k = 0; k < n; k++)
                {
                    rows.Store<L, V>(k, lane, a[k * (n + 1)]);
                    for (var i = 0; i < n; i++)
                    {
                        rows.Store<L, V>(((i + 1) * n) + k, lane, v[(k * n) + i]);
                    }
                }
            }
        }
    }
}
