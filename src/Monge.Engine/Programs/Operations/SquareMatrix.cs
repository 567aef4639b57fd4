using System.Numerics;
using System.Runtime.CompilerServices;
using Monge.Engine.Arrays;
using Monge.Engine.Lanes;
using Monge.Engine.LinearAlgebra;

namespace Monge.Engine.Programs;

/// <summary>What the operations on a sample's square matrices share: checks, and the algebra of their derivative rules on matrices with or without a
/// trailing axis of directions.</summary>
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

/// <summary>Solves for the columns of a tile's samples: argument 0 is the factor [n, n], 1 the columns [n, m]; a factor that all samples share is read
/// once.</summary>
internal abstract unsafe class SolveKernel(int n, int columns) : LaneKernel
{
    protected int Rows => n;

    protected int Columns => columns;

    public override int ScratchVectors => Triangle.Vectors(n) + ((n + 1) * columns);

    protected abstract void Solve<L, V, T>(V* factor, V* reciprocals, V* x)
        where L : ILaneNumbers<V, T>
        where V : unmanaged
        where T : unmanaged, IFloatingPointIeee754<T>;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run<L, V, T>(in LaneRows<T> rows)
    {
        var factor = (V*)rows.Scratch;
        V* x = factor + Triangle.Vectors(n);
        for (var lane = 0; lane < rows.Lanes; lane += L.Count)
        {
            if (lane == 0 || rows[0].HasLanes)
            {
                Triangle.Read<L, V, T>(rows[0], n, lane, factor);
            }

            for (var e = 0; e < n * columns; e++)
            {
                x[e] = rows[1].Load<L, V>(e, lane);
            }

            for (var c = 0; c < columns; c++)
            {
                x[(n * columns) + c] = L.Broadcast(T.Zero);
            }

            Solve<L, V, T>(factor, Triangle.Reciprocals(factor, n), x);
            for (var e = 0; e < n * columns; e++)
            {
                rows.Store<L, V>(e, lane, x[e]);
            }
        }
    }
}

/// <summary>
/// A lane's triangular matrix in scratch memory, as <see cref="LaneMatrices{L, V, T}"/> has it, with the reciprocals of its diagonal behind.
/// </summary>
internal static unsafe class Triangle
{
    private static int Even(int n) => (n + 1) & ~1;

    public static int Vectors(int n) => (Even(n) + 3) * Even(n);

    public static V* Reciprocals<V>(V* triangle, int n)
        where V : unmanaged => triangle + ((Even(n) + 2) * Even(n));

    /// <summary>Brings a factor in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Read<L, V, T>(LaneArgument<T> factor, int n, int lane, V* to)
        where L : ILaneNumbers<V, T>
        where V : unmanaged
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var stride = Even(n);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                to[(i * stride) + j] = factor.Load<L, V>((i * n) + j, lane);
            }
        }

        LaneMatrices<L, V, T>.Pad(to, n, stride);
        LaneMatrices<L, V, T>.Reciprocals(to, n, stride, Reciprocals(to, n));
    }

    /// <summary>Brings the symmetric parts of a group of matrices in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ReadSymmetric<L, V, T>(LaneArgument<T> matrix, int n, int lane, V* to)
        where L : ILaneNumbers<V, T>
        where V : unmanaged
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (stride, group, size) = (Even(n), LaneRows<T>.Group<V>(), Vectors(n));
        var half = L.Broadcast(T.CreateTruncating(0.5));
        for (var g = 0; g < group; g++)
        {
            LaneMatrices<L, V, T>.Pad(to + (g * size), n, stride);
        }

        for (var i = 0; i < n; i++)
        {
            V* entry = to + (i * stride);
            nint* lower = matrix.Offsets + (i * n), upper = matrix.Offsets + i;
            for (var j = 0; j <= i; j++, entry++, lower++, upper += n)
            {
                T* one = matrix.First + *lower, other = matrix.First + *upper;
                if (!matrix.HasLanes)
                {
                    for (var g = 0; g < group; g++)
                    {
                        entry[g * size] = L.Multiply(half, L.Add(L.Broadcast(*one), L.Broadcast(*other)));
                    }

                    continue;
                }

                V* into = entry;
                one += lane;
                other += lane;
                for (var g = 0; g < group; g++, into += size, one += L.Count, other += L.Count)
                {
                    *into = L.Multiply(half, L.Add(L.Load(one), L.Load(other)));
                }
            }
        }
    }

    /// <summary>Takes a group of symmetric matrices out, of which the lower triangle is here, and adds a number to all entries of one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WriteSymmetric<L, V, T>(in LaneRows<T> rows, int n, int columns, int lane, V* from, V* added)
        where L : ILaneNumbers<V, T>
        where V : unmanaged
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (group, size) = (LaneRows<T>.Group<V>(), Vectors(n));
        for (var i = 0; i < n; i++)
        {
            V* entry = from + (i * columns);
            T* lower = rows.Row(i * n) + lane, upper = rows.Row(i) + lane;
            for (var j = 0; j <= i; j++, entry++, lower += rows.Lanes, upper += (nint)n * rows.Lanes)
            {
                V* value = entry;
                T* one = lower, other = upper;
                for (var g = 0; g < group; g++, value += size, one += L.Count, other += L.Count)
                {
                    var sum = L.Add(added[g], *value);
                    L.Store(one, sum);
                    L.Store(other, sum);
                }
            }
        }
    }
}
