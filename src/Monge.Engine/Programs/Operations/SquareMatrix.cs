using System.Runtime.CompilerServices;
using Monge.Engine.Lanes;
using Monge.Engine.LinearAlgebra;

namespace Monge.Engine.Programs;

/// <summary>What the operations on a sample's square matrices share: checks, and the algebra of their derivative rules on matrices with or without a trailing axis of directions.</summary>
internal static class SquareMatrix
{
    public static Shape Check(string operation, Shape matrix) => matrix.Rank == 2 && matrix[0] == matrix[1]
        ? matrix
        : throw new ShapeException($"{operation}: the matrix has shape {matrix}; it must be square.");

    public static Shape CheckSystem(string operation, Shape matrix, Shape right) => right.Rank == 2 && right[0] == Check(operation, matrix)[0]
        ? right
        : throw new ShapeException($"{operation}: the matrix has shape {matrix} and the right-hand sides {right}; they must have as many rows.");

    /// <summary>A function of columns [n, m] applied to those of every direction [n, m, K] at once.</summary>
    public static Expr OnColumns(Expr right, Func<Expr, Expr> function) => right.Shape.Rank == 2
        ? function(right)
        : function(right.Reshape(right.Shape[0], right.Shape[1] * right.Shape[2])).Reshape(right.Shape.Sizes);

    /// <summary>A B, of one matrix A with B of every direction.</summary>
    public static Expr Times(Expr left, Expr right) => OnColumns(right, b => Expr.MatrixProduct(left, b));

    public static Expr Transpose(Expr matrix) => matrix.Shape.Rank == 2 ? matrix.Transpose(1, 0) : matrix.Transpose(1, 0, 2);

    /// <summary>(A + A^T) / 2.</summary>
    public static Expr Symmetric(Expr matrix) => 0.5 * (matrix + Transpose(matrix));

    /// <summary>The lower triangle, its diagonal times a factor.</summary>
    public static Expr LowerTriangle(Expr matrix, double diagonal = 1)
    {
        var n = matrix.Shape[0];
        var mask = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            mask.AsSpan(i * n, i).Fill(1);
            mask[i * (n + 1)] = diagonal;
        }

        var constant = Expr.Constant(mask, n, n);
        return matrix * (matrix.Shape.Rank == 2 ? constant : constant.WithTrailingAxis());
    }
}

/// <summary>Solves for the columns of a tile's samples: argument 0 is the factor [n, n], 1 the columns [n, m]; a factor that all samples share is read once.</summary>
internal abstract unsafe class SolveKernel(int n, int columns) : LaneKernel
{
    protected int Rows => n;

    protected int Columns => columns;

    public override int ScratchVectors => TriangleReader.Vectors(n) + ((n + 1) * columns);

    protected abstract void Solve<L, V, T>(V* factor, V* reciprocals, V* x)
        where L : ILaneNumbers<V, T>
        where V : unmanaged
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run<L, V, T>(in LaneRows<T> rows)
    {
        var factor = (V*)rows.Scratch;
        V* x = factor + TriangleReader.Vectors(n);
        for (var lane = 0; lane < rows.Lanes; lane += L.Count)
        {
            if (lane == 0 || rows.HasLanes(0))
            {
                TriangleReader.Read<L, V, T>(rows, n, lane, factor);
            }

            for (var e = 0; e < n * columns; e++)
            {
                x[e] = rows.Load<L, V>(1, e, lane);
            }

            for (var c = 0; c < columns; c++)
            {
                x[(n * columns) + c] = L.Broadcast(T.Zero);
            }

            Solve<L, V, T>(factor, TriangleReader.Reciprocals(factor, n), x);
            for (var e = 0; e < n * columns; e++)
            {
                rows.Store<L, V>(e, lane, x[e]);
            }
        }
    }
}

/// <summary>Brings a factor, argument 0 of a kernel, into scratch memory, and the reciprocals of its diagonal behind it.</summary>
internal static unsafe class TriangleReader
{
    private static int Even(int n) => (n + 1) & ~1;

    public static int Vectors(int n) => (Even(n) + 3) * Even(n);

    public static V* Reciprocals<V>(V* factor, int n)
        where V : unmanaged => factor + ((Even(n) + 2) * Even(n));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Read<L, V, T>(in LaneRows<T> rows, int n, int lane, V* factor)
        where L : ILaneNumbers<V, T>
        where V : unmanaged
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var stride = Even(n);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                factor[(i * stride) + j] = rows.Load<L, V>(0, (i * n) + j, lane);
            }
        }

        LaneMatrices<L, V, T>.Pad(factor, n, stride);
        LaneMatrices<L, V, T>.Reciprocals(factor, n, stride, Reciprocals(factor, n));
    }
}
