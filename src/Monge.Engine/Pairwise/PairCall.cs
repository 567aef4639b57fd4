using System.Numerics;
using Monge.Engine.Execution;
using Monge.Engine.Lanes;

namespace Monge.Engine.Pairwise;

/// <summary>What a call of <see cref="PairwiseSums{T}"/> works on.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal unsafe struct PairCall<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int Lanes = PairTile<T>.Lanes;
    private const int Rows = PairTile<T>.Rows;
    private const int SumRows = PairTile<T>.Parts + 1;

    public T* X;
    public T* Y;
    public T* Weights;
    public T* Scores;
    public T* Values;
    public T* Gradients;

    /// <summary>Rows (y - c, 1, |y - c|^2) [m, d + 2], c the mean of y; null without matrix products.</summary>
    public T* Centred;

    /// <summary>c [d], then the largest |y - c|^2 of each block of rows.</summary>
    public T* Limits;

    /// <summary>The largest |x - c|^2 + |y - c|^2 at which the rounding of a matrix product is harmless.</summary>
    public double LargestSum;

    public int N;
    public int M;
    public int D;

    /// <summary>Elements of a thread's memory: a tile of x, one of (-2 (x - c), |x - c|^2, 1), numbers, two kinds of gradients, sums.</summary>
    public static int ScratchSize(int d) => checked(Lanes * ((4 * (d + 2)) + Rows + SumRows));

    /// <summary>Elements of <see cref="Limits"/>.</summary>
    public static int LimitsSize(int d, int rows) => d + ((rows + Rows - 1) / Rows);

    /// <summary>Fills <see cref="Centred"/> and <see cref="Limits"/>.</summary>
    public static void Centre(ref PairCall<T> call)
    {
        var (d, m) = (call.D, call.M);
        for (var k = 0; k < d; k++)
        {
            var sum = 0.0;
            for (nint j = 0; j < m; j++)
            {
                sum += double.CreateTruncating(call.Y[(j * d) + k]);
            }

            call.Limits[k] = T.CreateTruncating(sum / m);
        }

        for (nint j = 0; j < m; j++)
        {
            T* from = call.Y + (j * d), to = call.Centred + (j * (d + 2));
            var square = T.Zero;
            for (var k = 0; k < d; k++)
            {
                to[k] = from[k] - call.Limits[k];
                square += to[k] * to[k];
            }

            (to[d], to[d + 1]) = (T.One, square);
            ref var largest = ref call.Limits[d + (j / Rows)];
            largest = j % Rows == 0 ? square : T.Max(largest, square);
        }
    }
}

/// <summary>What is done with the tiles of a call.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <typeparam name="TKernel">The kernel.</typeparam>
internal unsafe interface IPairPass<T, TKernel>
    where T : unmanaged, IFloatingPointIeee754<T>
    where TKernel : struct, IPairKernel<T>
{
    /// <summary>Whether the values are a matrix [m, n] instead of one for each x.</summary>
    static abstract bool IsMatrix { get; }

    /// <summary>Whether the numbers q are asked for; else the pass reads the points.</summary>
    static abstract bool UsesNumbers { get; }

    /// <summary>How often the pass goes over y.</summary>
    static abstract int Rounds { get; }

    /// <summary>Prepares the sums [Parts + 1][Lanes].</summary>
    static abstract void Start(T* sums);

    /// <summary>Takes a tile.</summary>
    static abstract void Take(in TKernel kernel, in PairTask<T> task, int round, int firstRow, int rows, bool isLast);

    /// <summary>A lane's value.</summary>
    static abstract T Finish(T* sums, int lane);
}

/// <summary>A thread's tile of x and its memory.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal unsafe ref struct PairTask<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public PairCall<T> Call;

    /// <summary>x [d][Lanes].</summary>
    public T* Tile;

    /// <summary>(-2 (x - c), |x - c|^2, 1) [d + 2][Lanes]; the scores [d][Lanes] in a Stein pass.</summary>
    public T* Other;

    /// <summary>q [Rows][Lanes], then the weighted slopes.</summary>
    public T* Numbers;

    public T* Sums;

    /// <summary>The tile's first point and its number of points.</summary>
    public int First;

    public int Count;
}

/// <summary>Runs a pass over all tiles on the threads of a team; made once for a pass and a kernel, so that calls allocate nothing.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <typeparam name="TPass">The pass.</typeparam>
/// <typeparam name="TKernel">The kernel.</typeparam>
internal sealed unsafe class PairWork<T, TPass, TKernel>
    where T : unmanaged, IFloatingPointIeee754<T>
    where TPass : struct, IPairPass<T, TKernel>
    where TKernel : struct, IPairKernel<T>
{
    private const int Lanes = PairTile<T>.Lanes;
    private const int Rows = PairTile<T>.Rows;

    private static readonly MatrixKernels s_products = MatrixKernels.Get(
        typeof(T) == typeof(float) ? ElementType.Float32 : ElementType.Float64, SimdWidths.Best);

    private readonly Action<int> _share;
    private PairCall<T> _call;
    private TKernel _kernel;
    private T[][] _memory = [];
    private int _next;

    public PairWork() => _share = Share;

    public void Run(in PairCall<T> call, in TKernel kernel, ThreadTeam team, T[][] memory)
    {
        (_call, _kernel, _memory, _next) = (call, kernel, memory, 0);
        if (call.N <= Lanes || team.ThreadCount == 1 || ThreadTeam.IsInsideWork)
        {
            Share(0);
        }
        else
        {
            team.Run(_share);
        }
    }

    private void Share(int thread)
    {
        var (call, d) = (_call, _call.D);
        fixed (T* memory = _memory[thread])
        {
            // In this order each part begins on a cache line.
            var scratch = PairwiseSums<T>.Aligned(memory);
            var task = new PairTask<T> { Call = call, Tile = scratch, Other = scratch + (d * Lanes), Numbers = scratch + (((2 * d) + 2) * Lanes) };
            var differences = task.Numbers + (Rows * Lanes);
            var products = differences + (d * Lanes);
            task.Sums = products + ((d + 2) * Lanes);
            while (true)
            {
                task.First = (Interlocked.Increment(ref _next) - 1) * Lanes;
                if (task.First >= call.N || task.First < 0)
                {
                    return;
                }

                task.Count = Math.Min(Lanes, call.N - task.First);
                Run(ref task, differences, products);
            }
        }
    }

    private void Run(ref PairTask<T> task, T* differences, T* products)
    {
        ref readonly var call = ref task.Call;
        var d = call.D;
        PairTile<T>.Load(call.X + ((nint)task.First * d), task.Count, d, task.Tile);
        if (!TPass.UsesNumbers)
        {
            PairTile<T>.Load(call.Scores + ((nint)task.First * d), task.Count, d, task.Other);
        }

        var largest = call.Centred == null ? double.NaN : CentreTile(task);
        if (call.Gradients != null)
        {
            new Span<T>(differences, ((2 * d) + 2) * Lanes).Clear();
        }

        TPass.Start(task.Sums);
        for (var round = 0; round < TPass.Rounds; round++)
        {
            for (var first = 0; first == 0 || first < call.M; first += Rows)
            {
                var rows = Math.Min(Rows, call.M - first);
                var y = call.Y + ((nint)first * d);
                var centred = call.Centred + ((nint)first * (d + 2));
                var isProduct = largest + (call.Centred == null ? 0 : double.CreateTruncating(call.Limits[d + (first / Rows)])) <= call.LargestSum;
                if (isProduct)
                {
                    s_products.Multiply(rows, Lanes, d + 2, centred, d + 2, 1, task.Other, Lanes, task.Numbers, Lanes, accumulate: false);
                }
                else if (TPass.UsesNumbers)
                {
                    PairTile<T>.Numbers<TKernel>(task.Tile, y, rows, d, task.Numbers);
                }

                TPass.Take(_kernel, task, round, first, rows, first + Rows >= call.M);
                if (call.Gradients == null)
                {
                    continue;
                }

                // The slopes' sum over y and over 1.
                if (isProduct)
                {
                    s_products.Multiply(d + 1, Lanes, rows, centred, 1, d + 2, task.Numbers, Lanes, products, Lanes, accumulate: true);
                }
                else if (TKernel.OfInnerProduct)
                {
                    s_products.Multiply(d, Lanes, rows, y, 1, d, task.Numbers, Lanes, products, Lanes, accumulate: true);
                }
                else
                {
                    PairTile<T>.AddGradients(task.Numbers, task.Tile, y, rows, d, differences);
                }
            }
        }

        Write(task, differences, products);
    }

    // The largest |x - c|^2.
    private static double CentreTile(in PairTask<T> task)
    {
        var d = task.Call.D;
        var to = task.Other;
        var largest = T.Zero;
        for (var lane = 0; lane < Lanes; lane++)
        {
            var square = T.Zero;
            for (var k = 0; k < d; k++)
            {
                var value = task.Tile[(k * Lanes) + lane] - task.Call.Limits[k];
                square += value * value;
                to[(k * Lanes) + lane] = -(value + value);
            }

            (to[(d * Lanes) + lane], to[((d + 1) * Lanes) + lane]) = (square, T.One);
            largest = T.Max(largest, square);
        }

        return double.CreateTruncating(largest);
    }

    private static void Write(in PairTask<T> task, T* differences, T* products)
    {
        ref readonly var call = ref task.Call;
        var d = call.D;
        for (var lane = 0; lane < task.Count; lane++)
        {
            if (call.Values != null && !TPass.IsMatrix)
            {
                call.Values[task.First + lane] = TPass.Finish(task.Sums, lane);
            }

            if (call.Gradients == null)
            {
                continue;
            }

            var to = call.Gradients + ((nint)(task.First + lane) * d);
            var total = products[(d * Lanes) + lane];
            for (var k = 0; k < d; k++)
            {
                var at = (k * Lanes) + lane;
                if (TKernel.OfInnerProduct)
                {
                    to[k] = products[at];
                    continue;
                }

                // grad_x f(|x - y|^2) = 2 f' (x - y); the tile of products holds -2 (x - c).
                var fromProducts = call.Centred == null ? T.Zero : (task.Other[at] * total) + products[at] + products[at];
                to[k] = differences[at] + differences[at] - fromProducts;
            }
        }
    }
}
