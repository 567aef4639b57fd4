using System.Runtime.CompilerServices;
using Monge.Engine.Arrays;
using Monge.Engine.Lanes;
using Monge.Engine.LinearAlgebra;

namespace Monge.Engine.Programs;

/// <summary>
/// The Cholesky factor L [n, n] of the symmetric part S of a matrix: S = L L^T, zeros above the diagonal; NaN on and below it where S isn't positive
/// definite. Derivatives after Murray (arXiv:1602.07527), with Phi(X) the lower triangle of X with half its diagonal.
/// </summary>
internal sealed class CholeskyOperation : Operation
{
    public static readonly CholeskyOperation Instance = new();

    public override string Name => "Cholesky factor";

    public override Shape InferShape(ReadOnlySpan<Shape> inputs) => SquareMatrix.Check(Name, inputs[0]);

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        var (a, n) = (inputs[0], shapes[0][0]);
        Array.Clear(output);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var rest = 0.5 * (a[(i * n) + j] + a[(j * n) + i]);
                for (var k = 0; k < j; k++)
                {
                    rest -= output[(i * n) + k] * output[(j * n) + k];
                }

                output[(i * n) + j] = i > j ? rest / output[j * (n + 1)] : rest > 0 ? Math.Sqrt(rest) : double.NaN;
            }

            if (double.IsNaN(output[i * (n + 1)]))
            {
                for (var row = 0; row < n; row++)
                {
                    output.AsSpan(row * n, row + 1).Fill(double.NaN);
                }

                return;
            }
        }
    }

    // dL = L Phi(L^-1 dS L^-T).
    public override Expr? Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) => SquareMatrix.Times(node, Relative(node, tangents[0]!));

    private static Expr Relative(Expr node, Expr tangent)
    {
        var half = TriangularSolveOperation.Apply(node, SquareMatrix.Symmetric(tangent), transposed: false);
        return SquareMatrix.LowerTriangle(TriangularSolveOperation.Apply(node, SquareMatrix.Transpose(half), transposed: false), 0.5);
    }

    // The symmetric part of L^-T Phi(L^T C) L^-1.
    public override Expr? Cotangent(Expr node, Expr cotangent, int index)
    {
        var middle = SquareMatrix.LowerTriangle(Expr.MatrixProduct(node.Transpose(), cotangent), 0.5);
        var half = TriangularSolveOperation.Apply(node, middle, transposed: true);
        return SquareMatrix.Symmetric(TriangularSolveOperation.Apply(node, half.Transpose(), transposed: true));
    }

    // d2L = -2 L Phi(F F^T) with F = L^-1 dL.
    public override Expr? SecondOrder(Expr node, ReadOnlySpan<Expr?> tangents, Expr weights)
    {
        var relative = Relative(node, tangents[0]!);
        var squares = MatrixProductOperation.SumOfProducts(relative, SquareMatrix.Transpose(relative), weights);
        return -2 * Expr.MatrixProduct(node, SquareMatrix.LowerTriangle(squares, 0.5));
    }

    internal override void Lower(Expr node, ILowering machine) => machine.Run(new Kernel(node.Shape[0]), node.Inputs[0]);

    private sealed unsafe class Kernel(int n) : LaneKernel
    {
        public override int ScratchVectors => Triangle.Vectors(n);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void Run<L, V, T>(in LaneRows<T> rows)
        {
            var scratch = (V*)rows.Scratch;
            var (stride, group, size) = (LaneMatrices<L, V, T>.Even(n), LaneRows<T>.Group<V>(), Triangle.Vectors(n));
            var failed = stackalloc V[group];
            for (var lane = 0; lane < rows.Lanes; lane += group * L.Count)
            {
                Triangle.ReadSymmetric<L, V, T>(rows[0], n, lane, scratch);
                for (var g = 0; g < group; g++)
                {
                    V* a = scratch + (g * size);
                    failed[g] = LaneMatrices<L, V, T>.Factor(a, n, stride, Triangle.Reciprocals(a, n));
                }

                var zero = L.Broadcast(T.Zero);
                for (var i = 0; i < n; i++)
                {
                    T* row = rows.Row(i * n) + lane;
                    for (var j = 0; j < n; j++, row += rows.Lanes)
                    {
                        V* entry = scratch + (i * stride) + j;
                        for (var g = 0; g < group; g++, entry += size)
                        {
                            L.Store(row + (g * L.Count), j > i ? zero : L.Add(failed[g], *entry));
                        }
                    }
                }
            }
        }
    }
}

/// <summary>The inverse P [n, n] of the symmetric part S of a matrix A; NaN where S isn't positive definite.</summary>
internal sealed class PositiveDefiniteInverseOperation : Operation
{
    public static readonly PositiveDefiniteInverseOperation Instance = new();

    public override string Name => "inverse of a positive definite matrix";

    public override Shape InferShape(ReadOnlySpan<Shape> inputs) => SquareMatrix.Check(Name, inputs[0]);

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        var n = shapes[0][0];
        var factor = new double[n * n];
        CholeskyOperation.Instance.Evaluate(inputs, shapes, factor);
        Array.Clear(output);
        for (var i = 0; i < n; i++)
        {
            output[i * (n + 1)] = 1;
        }

        TriangularSolveOperation.Substitute(factor, output, n, n, transposed: false);
        TriangularSolveOperation.Substitute(factor, output, n, n, transposed: true);
    }

    // dP = -P dS P.
    public override Expr? Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) =>
        -SquareMatrix.Times(node, SquareMatrix.Transpose(SquareMatrix.Times(node, SquareMatrix.Symmetric(tangents[0]!))));

    public override Expr? Cotangent(Expr node, Expr cotangent, int index) =>
        -Expr.MatrixProduct(node, Expr.MatrixProduct(SquareMatrix.Symmetric(cotangent), node));

    // d2P = 2 P dS P dS P.
    public override Expr? SecondOrder(Expr node, ReadOnlySpan<Expr?> tangents, Expr weights)
    {
        var relative = SquareMatrix.Times(node, SquareMatrix.Symmetric(tangents[0]!));
        return 2 * Expr.MatrixProduct(MatrixProductOperation.SumOfProducts(relative, relative, weights), node);
    }

    internal override void Lower(Expr node, ILowering machine) => machine.Run(new Kernel(node.Shape[0]), node.Inputs[0]);

    private sealed unsafe class Kernel(int n) : LaneKernel
    {
        public override int ScratchVectors => 2 * Triangle.Vectors(n);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public override void Run<L, V, T>(in LaneRows<T> rows)
        {
            var scratch = (V*)rows.Scratch;
            var (stride, group, size, columns) = (LaneMatrices<L, V, T>.Even(n), LaneRows<T>.Group<V>(), Triangle.Vectors(n), (n + 3) & ~3);
            V* inverse = scratch + (group * size);
            var failed = stackalloc V[group];
            for (var lane = 0; lane < rows.Lanes; lane += group * L.Count)
            {
                Triangle.ReadSymmetric<L, V, T>(rows[0], n, lane, scratch);
                for (var g = 0; g < group; g++)
                {
                    V* a = scratch + (g * size);
                    failed[g] = LaneMatrices<L, V, T>.Factor(a, n, stride, Triangle.Reciprocals(a, n));
                    LaneMatrices<L, V, T>.Invert(a, n, stride, Triangle.Reciprocals(a, n), inverse, columns);
                    LaneMatrices<L, V, T>.SquareTransposed(inverse, n, columns, a);
                }

                Triangle.WriteSymmetric<L, V, T>(rows, n, columns, lane, scratch, failed);
            }
        }
    }
}

/// <summary>
/// X = S^-1 B for the symmetric part S of a matrix A and columns B [n, m]. Its inputs are A, by which it is differentiated, A's Cholesky factor, from which
/// it is computed, and B.
/// </summary>
internal sealed class PositiveDefiniteSolveOperation : Operation
{
    public static readonly PositiveDefiniteSolveOperation Instance = new();

    public override string Name => "positive definite solve";

    /// <summary>Applies the operation to columns B [n, m] or, for every direction at once, [n, m, K].</summary>
    public static Expr Apply(Expr matrix, Expr right) => SquareMatrix.OnColumns(right, b => Expr.Create(Instance, matrix, matrix.Cholesky(), b));

    public override Shape InferShape(ReadOnlySpan<Shape> inputs) => SquareMatrix.CheckSystem(Name, inputs[0], inputs[2]);

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        inputs[2].CopyTo(output, 0);
        TriangularSolveOperation.Substitute(inputs[1], output, shapes[2][0], shapes[2][1], transposed: false);
        TriangularSolveOperation.Substitute(inputs[1], output, shapes[2][0], shapes[2][1], transposed: true);
    }

    // dX = S^-1 (dB - dS X).
    public override Expr? Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions)
    {
        var moved = tangents[0] is { } matrix ? -MatrixProductOperation.LeftTangent(SquareMatrix.Symmetric(matrix), node) : null;
        return Plus(moved, tangents[2]) is { } change ? Apply(node.Inputs[0], change) : null;
    }

    public override Expr? Cotangent(Expr node, Expr cotangent, int index)
    {
        if (index == 1)
        {
            return null;
        }

        var right = Apply(node.Inputs[0], cotangent);
        return index == 2 ? right : -SquareMatrix.Symmetric(Expr.MatrixProduct(right, node.Transpose()));
    }

    // d2X = -2 S^-1 dS dX.
    public override Expr? SecondOrder(Expr node, ReadOnlySpan<Expr?> tangents, Expr weights) =>
        tangents[0] is { } matrix && Tangent(node, tangents, weights.Size) is { } tangent
            ? -2 * Apply(node.Inputs[0], MatrixProductOperation.SumOfProducts(SquareMatrix.Symmetric(matrix), tangent, weights))
            : null;

    internal override void Lower(Expr node, ILowering machine) => machine.Run(new Kernel(node.Shape[0], node.Shape[1]), node.Inputs[1], node.Inputs[2]);

    private sealed class Kernel(int n, int columns) : SolveKernel(n, columns)
    {
        protected override unsafe void Solve<L, V, T>(V* factor, V* reciprocals, V* x)
        {
            LaneMatrices<L, V, T>.SolveLower(factor, Rows, LaneMatrices<L, V, T>.Even(Rows), reciprocals, x, Columns);
            LaneMatrices<L, V, T>.SolveUpper(factor, Rows, LaneMatrices<L, V, T>.Even(Rows), reciprocals, x, Columns);
        }
    }
}

/// <summary>
/// log det S [] for the symmetric part S of a matrix A: a view of its first input, 2 sum log L_ii, that is differentiated by its second, A, directly, rather
/// than by way of the factor.
/// </summary>
internal sealed class LogDeterminantOperation : ViewOperation
{
    public static readonly LogDeterminantOperation Instance = new();

    public override string Name => "log-determinant";

    public override Shape InferShape(ReadOnlySpan<Shape> inputs) => inputs[0];

    public override void Map(Shape input, Shape output, Span<int> source) => source[0] = 0;

    // tr(P dS) with P = S^-1.
    public override Expr? Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) => tangents[1] is { } tangent
        ? (node.Inputs[1].InversePositiveDefinite().WithTrailingAxis() * tangent).Sum(0, 1)
        : null;

    public override Expr? Cotangent(Expr node, Expr cotangent, int index) => index == 1 ? cotangent * node.Inputs[1].InversePositiveDefinite() : null;

    // -tr(P dS P dS).
    public override Expr? SecondOrder(Expr node, ReadOnlySpan<Expr?> tangents, Expr weights)
    {
        if (tangents[1] is not { } tangent)
        {
            return null;
        }

        var relative = SquareMatrix.Times(node.Inputs[1].InversePositiveDefinite(), SquareMatrix.Symmetric(tangent));
        return -((relative * SquareMatrix.Transpose(relative)).Sum(0, 1) * weights).Sum();
    }
}
