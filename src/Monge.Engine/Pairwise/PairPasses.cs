using System.Numerics;

namespace Monge.Engine.Pairwise;

/// <summary>Sums of values, and weighted slopes for gradients.</summary>
internal readonly unsafe struct SumPass<T, TKernel> : IPairPass<T, TKernel>
    where T : unmanaged, IFloatingPointIeee754<T>
    where TKernel : struct, IPairKernel<T>
{
    public static bool IsMatrix => false;

    public static bool UsesNumbers => true;

    public static int Rounds => 1;

    public static void Start(T* sums) => new Span<T>(sums, PairTile<T>.Parts * PairTile<T>.Lanes).Clear();

    public static void Take(in TKernel kernel, in PairTask<T> task, int round, int firstRow, int rows, bool isLast)
    {
        var whole = isLast ? rows - (rows % PairTile<T>.Parts) : rows;
        Sum(kernel, task, firstRow, 0, whole);
        if (isLast)
        {
            PairTile<T>.SumUp(task.Sums);
            for (var row = whole; row < rows; row++)
            {
                Sum(kernel, task, firstRow, row, 1);
            }
        }
    }

    private static void Sum(in TKernel kernel, in PairTask<T> task, int firstRow, int from, int rows)
    {
        ref readonly var call = ref task.Call;
        T* numbers = task.Numbers + (from * PairTile<T>.Lanes), weights = call.Weights == null ? null : call.Weights + firstRow + from;
        if (call.Gradients == null)
        {
            PairTile<T>.Sum(kernel, numbers, rows, weights, task.Sums);
        }
        else
        {
            PairTile<T>.SumWithSlopes(kernel, numbers, rows, weights, task.Sums);
        }
    }

    public static T Finish(T* sums, int lane) => sums[lane];
}

/// <summary>Logarithms of sums: the largest term first, then the sum relative to it.</summary>
internal readonly unsafe struct LogSumPass<T, TKernel> : IPairPass<T, TKernel>
    where T : unmanaged, IFloatingPointIeee754<T>
    where TKernel : struct, ILogKernel<T>
{
    private const int LargestAt = PairTile<T>.Parts * PairTile<T>.Lanes;

    public static bool IsMatrix => false;

    public static bool UsesNumbers => true;

    public static int Rounds => 2;

    public static void Start(T* sums)
    {
        new Span<T>(sums, LargestAt).Clear();
        new Span<T>(sums + LargestAt, PairTile<T>.Lanes).Fill(T.NegativeInfinity);
    }

    public static void Take(in TKernel kernel, in PairTask<T> task, int round, int firstRow, int rows, bool isLast)
    {
        var logWeights = task.Call.Weights == null ? null : task.Call.Weights + firstRow;
        if (round == 0)
        {
            PairTile<T>.LargestLog(kernel, task.Numbers, rows, logWeights, task.Sums + LargestAt);
        }
        else
        {
            var whole = isLast ? rows - (rows % PairTile<T>.Parts) : rows;
            PairTile<T>.SumExponentials(kernel, task.Numbers, whole, logWeights, task.Sums + LargestAt, task.Sums);
            if (!isLast)
            {
                return;
            }

            PairTile<T>.SumUp(task.Sums);
            for (var row = whole; row < rows; row++)
            {
                var numbers = task.Numbers + (row * PairTile<T>.Lanes);
                PairTile<T>.SumExponentials(kernel, numbers, 1, logWeights == null ? null : logWeights + row, task.Sums + LargestAt, task.Sums);
            }
        }
    }

    public static T Finish(T* sums, int lane) => T.Log(sums[lane]) + sums[LargestAt + lane];
}

/// <summary>The least numbers.</summary>
internal readonly unsafe struct NearestPass<T> : IPairPass<T, SquaredDistanceKernel<T>>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static bool IsMatrix => false;

    public static bool UsesNumbers => true;

    public static int Rounds => 1;

    public static void Start(T* sums) => new Span<T>(sums, PairTile<T>.Lanes).Fill(T.PositiveInfinity);

    public static void Take(in SquaredDistanceKernel<T> kernel, in PairTask<T> task, int round, int firstRow, int rows, bool isLast) =>
        PairTile<T>.Least(task.Numbers, rows, task.Sums);

    public static T Finish(T* sums, int lane) => sums[lane];
}

/// <summary>Sums of the Stein kernel.</summary>
internal readonly unsafe struct SteinPass<T, TKernel> : IPairPass<T, TKernel>
    where T : unmanaged, IFloatingPointIeee754<T>
    where TKernel : struct, ISteinKernel<T>
{
    public static bool IsMatrix => false;

    public static bool UsesNumbers => false;

    public static int Rounds => 1;

    public static void Start(T* sums) => new Span<T>(sums, PairTile<T>.Lanes).Clear();

    public static void Take(in TKernel kernel, in PairTask<T> task, int round, int firstRow, int rows, bool isLast)
    {
        ref readonly var call = ref task.Call;
        T* y = call.Y + ((nint)firstRow * call.D), scores = call.Scores + ((nint)firstRow * call.D), weights = call.Weights == null
            ? null : call.Weights + firstRow;
        PairTile<T>.SumStein(kernel, task.Tile, task.Other, y, scores, rows, call.D, weights, task.First - firstRow, task.Sums);
    }

    public static T Finish(T* sums, int lane) => sums[lane];
}

/// <summary>The matrix of values, rows being y.</summary>
internal readonly unsafe struct MatrixPass<T, TKernel> : IPairPass<T, TKernel>
    where T : unmanaged, IFloatingPointIeee754<T>
    where TKernel : struct, IPairKernel<T>
{
    public static bool IsMatrix => true;

    public static bool UsesNumbers => true;

    public static int Rounds => 1;

    public static void Start(T* sums)
    {
    }

    public static void Take(in TKernel kernel, in PairTask<T> task, int round, int firstRow, int rows, bool isLast)
    {
        ref readonly var call = ref task.Call;
        PairTile<T>.Values(kernel, task.Numbers, rows, task.Count, call.Values + ((nint)firstRow * call.N) + task.First, call.N);
    }

    public static T Finish(T* sums, int lane) => T.Zero;
}
