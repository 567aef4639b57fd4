using System.Numerics;
using System.Runtime.CompilerServices;

namespace Monge.Engine.Pairwise;

/// <summary>
/// The loops over one tile of pairs: <see cref="Lanes"/> points whose coordinates lie side by side, [d][Lanes], beside some points y in
/// rows [rows, d]. A tile's numbers are [rows][Lanes]. Each lane is summed by itself over y in its order, so neither tiles nor threads nor
/// vector widths change the order of a sum.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal static unsafe class PairTile<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Points side by side: a multiple of two vectors of any width.</summary>
    public const int Lanes = 64;

    /// <summary>Most rows in a tile, a multiple of <see cref="Parts"/>.</summary>
    public const int Rows = 96;

    /// <summary>A sum over y has this many parts, of every fourth row each, which hide the latency of additions.</summary>
    public const int Parts = 4;

    private static int Width => Vector<T>.Count;

    /// <summary>Puts points side by side; lanes without a point repeat the last.</summary>
    /// <param name="points">Points [count, d].</param>
    /// <param name="count">How many, 1 to <see cref="Lanes"/>.</param>
    /// <param name="d">Dimension.</param>
    /// <param name="tile">[d][Lanes].</param>
    public static void Load(T* points, int count, int d, T* tile)
    {
        for (var lane = 0; lane < Lanes; lane++)
        {
            var point = points + ((nint)Math.Min(lane, count - 1) * d);
            for (var k = 0; k < d; k++)
            {
                tile[(k * Lanes) + lane] = point[k];
            }
        }
    }

    /// <summary>|x - y|^2, or x.y, summed over the axes in their order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Numbers<TKernel>(T* tile, T* y, int rows, int d, T* numbers)
        where TKernel : struct, IPairKernel<T>
    {
        var j = 0;
        for (; j + Parts <= rows; j += Parts, y += Parts * d, numbers += Parts * Lanes)
        {
            for (var v = 0; v < Lanes; v += 2 * Width)
            {
                var (a0, a1, a2, a3) = (Vector<T>.Zero, Vector<T>.Zero, Vector<T>.Zero, Vector<T>.Zero);
                var (b0, b1, b2, b3) = (Vector<T>.Zero, Vector<T>.Zero, Vector<T>.Zero, Vector<T>.Zero);
                T* from = tile + v, axis = y;
                for (var k = 0; k < d; k++, from += Lanes, axis++)
                {
                    var (x0, x1) = (Vector.Load(from), Vector.Load(from + Width));
                    Add<TKernel>(x0, x1, axis[0], ref a0, ref b0);
                    Add<TKernel>(x0, x1, axis[d], ref a1, ref b1);
                    Add<TKernel>(x0, x1, axis[2 * d], ref a2, ref b2);
                    Add<TKernel>(x0, x1, axis[3 * d], ref a3, ref b3);
                }

                Store(a0, b0, numbers + v);
                Store(a1, b1, numbers + v + Lanes);
                Store(a2, b2, numbers + v + (2 * Lanes));
                Store(a3, b3, numbers + v + (3 * Lanes));
            }
        }

        for (; j < rows; j++, y += d, numbers += Lanes)
        {
            for (var v = 0; v < Lanes; v += 2 * Width)
            {
                var (a, b) = (Vector<T>.Zero, Vector<T>.Zero);
                for (var k = 0; k < d; k++)
                {
                    var from = tile + (k * Lanes) + v;
                    Add<TKernel>(Vector.Load(from), Vector.Load(from + Width), y[k], ref a, ref b);
                }

                Store(a, b, numbers + v);
            }
        }
    }

    /// <summary>Adds weight f(q) of each pair to its lane's sum, [Parts][Lanes]; <see cref="SumUp"/> ends it.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="numbers">q [rows][Lanes].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="weights">Weights [rows]; null for one each.</param>
    /// <param name="sums">The lanes' sums, all zero before the first tile.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sum<TKernel>(TKernel kernel, T* numbers, int rows, T* weights, T* sums)
        where TKernel : struct, IPairKernel<T>
    {
        for (var v = 0; v < Lanes; v += Width)
        {
            var at = numbers + v;
            for (var j = 0; j < rows; j++, at += Lanes)
            {
                var sum = sums + (j % Parts * Lanes) + v;
                (Vector.Load(sum) + (kernel.Value(InRange<TKernel>(Vector.Load(at))) * Weight(weights, j))).Store(sum);
            }
        }
    }

    /// <summary>As <see cref="Sum"/>; weight f'(q) takes the place of q.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SumWithSlopes<TKernel>(TKernel kernel, T* numbers, int rows, T* weights, T* sums)
        where TKernel : struct, IPairKernel<T>
    {
        for (var v = 0; v < Lanes; v += Width)
        {
            var at = numbers + v;
            for (var j = 0; j < rows; j++, at += Lanes)
            {
                var (sum, weight) = ((nint)(sums + (j % Parts * Lanes) + v), Weight(weights, j));
                var value = kernel.ValueAndSlope(InRange<TKernel>(Vector.Load(at)), out var slope);
                (slope * weight).Store(at);
                (Vector.Load((T*)sum) + (value * weight)).Store((T*)sum);
            }
        }
    }

    /// <summary>Ends the lanes' sums: the parts pairwise into the first, for rows that are a multiple of <see cref="Parts"/>.</summary>
    public static void SumUp(T* sums)
    {
        for (var v = 0; v < Lanes; v += Width)
        {
            var total = Vector.Load(sums + v) + Vector.Load(sums + Lanes + v) + (Vector.Load(sums + (2 * Lanes) + v) + Vector.Load(sums + (3 * Lanes) + v));
            total.Store(sums + v);
        }

        // Rows left over are added one after the other.
        new Span<T>(sums + Lanes, (Parts - 1) * Lanes).Clear();
    }

    /// <summary>gradient[k][lane] += sum over rows of slope (x_k - y_k).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddGradients(T* slopes, T* tile, T* y, int rows, int d, T* gradients)
    {
        for (var v = 0; v < Lanes; v += Width)
        {
            var k = 0;
            for (; k + 2 <= d; k += 2)
            {
                T* to = gradients + (k * Lanes) + v, from = tile + (k * Lanes) + v;
                var (g0, g1, x0, x1) = (Vector.Load(to), Vector.Load(to + Lanes), Vector.Load(from), Vector.Load(from + Lanes));
                T* at = slopes + v, point = y + k;
                for (var j = 0; j < rows; j++, at += Lanes, point += d)
                {
                    var slope = Vector.Load(at);
                    g0 = VectorFunctions.MultiplyAdd(slope, x0 - new Vector<T>(point[0]), g0);
                    g1 = VectorFunctions.MultiplyAdd(slope, x1 - new Vector<T>(point[1]), g1);
                }

                g0.Store(to);
                g1.Store(to + Lanes);
            }

            if (k < d)
            {
                var to = gradients + (k * Lanes) + v;
                var (x, g) = (Vector.Load(tile + (k * Lanes) + v), Vector.Load(to));
                for (var j = 0; j < rows; j++)
                {
                    g = VectorFunctions.MultiplyAdd(Vector.Load(slopes + (j * Lanes) + v), x - new Vector<T>(y[(j * d) + k]), g);
                }

                g.Store(to);
            }
        }
    }

    /// <summary>Lowers each lane's least q so far.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Least(T* numbers, int rows, T* least)
    {
        for (var v = 0; v < Lanes; v += Width)
        {
            var lowest = Vector.Load(least + v);
            for (var j = 0; j < rows; j++)
            {
                lowest = Vector.MinNative(lowest, Vector.Load(numbers + (j * Lanes) + v));
            }

            lowest.Store(least + v);
        }
    }

    /// <summary>Raises each lane's largest log weight + log f(q) so far.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void LargestLog<TKernel>(TKernel kernel, T* numbers, int rows, T* logWeights, T* largest)
        where TKernel : struct, ILogKernel<T>
    {
        for (var v = 0; v < Lanes; v += Width)
        {
            var highest = Vector.Load(largest + v);
            for (var j = 0; j < rows; j++)
            {
                highest = Vector.MaxNative(highest, LogTerm(kernel, Vector.Load(numbers + (j * Lanes) + v), logWeights, j));
            }

            highest.Store(largest + v);
        }
    }

    /// <summary>As <see cref="Sum"/>, of exp(log weight + log f(q) - shift of the lane).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SumExponentials<TKernel>(TKernel kernel, T* numbers, int rows, T* logWeights, T* shifts, T* sums)
        where TKernel : struct, ILogKernel<T>
    {
        for (var v = 0; v < Lanes; v += Width)
        {
            // A lane whose terms are all zero has no largest one.
            var (shift, at) = (Vector.MaxNative(new Vector<T>(T.BitIncrement(T.NegativeInfinity)), Vector.Load(shifts + v)), (nint)(numbers + v));
            for (var j = 0; j < rows; j++, at += Lanes * sizeof(T))
            {
                var sum = sums + (j % Parts * Lanes) + v;
                (Vector.Load(sum) + VectorFunctions.Exp(LogTerm(kernel, Vector.Load((T*)at), logWeights, j) - shift)).Store(sum);
            }
        }
    }

    /// <summary>Adds weight u(x, y) of each pair to its lane's sum [Lanes], in the order of the rows.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="tile">x [d][Lanes].</param>
    /// <param name="tileScores">s(x) [d][Lanes].</param>
    /// <param name="y">y [rows, d].</param>
    /// <param name="scores">s(y) [rows, d].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="d">Dimension.</param>
    /// <param name="weights">Weights [rows]; null for one each.</param>
    /// <param name="own">The row that is the first lane's own point, the next lane's being the next row: a point's pair with itself is left out.</param>
    /// <param name="sums">The lanes' sums.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SumStein<TKernel>(TKernel kernel, T* tile, T* tileScores, T* y, T* scores, int rows, int d, T* weights, nint own, T* sums)
        where TKernel : struct, ISteinKernel<T>
    {
        for (var v = 0; v < Lanes; v += Width)
        {
            var sum = Vector.Load(sums + v);
            for (var j = 0; j < rows; j++)
            {
                var (products, slopes, squares) = (Vector<T>.Zero, Vector<T>.Zero, Vector<T>.Zero);
                T* from = tile + v, fromScores = tileScores + v, point = y + (j * d), score = scores + (j * d);
                for (var k = 0; k < d; k++, from += Lanes, fromScores += Lanes)
                {
                    var (s, other) = (Vector.Load(fromScores), new Vector<T>(score[k]));
                    var difference = Vector.Load(from) - new Vector<T>(point[k]);
                    products += other * s;
                    slopes += (s - other) * difference;
                    squares += difference * difference;
                }

                var term = kernel.Stein(Weight(weights, j), products, slopes, squares, d);
                if (j - own - v is var lane and >= 0 && lane < Width)
                {
                    term = term.WithElement((int)lane, T.Zero);
                }

                sum += term;
            }

            sum.Store(sums + v);
        }
    }

    /// <summary>f(q) of the tile's first lanes, row by row.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="numbers">q [rows][Lanes], replaced.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="count">Lanes.</param>
    /// <param name="to">[rows][stride].</param>
    /// <param name="stride">Elements from row to row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Values<TKernel>(TKernel kernel, T* numbers, int rows, int count, T* to, nint stride)
        where TKernel : struct, IPairKernel<T>
    {
        for (var j = 0; j < rows; j++, numbers += Lanes, to += stride)
        {
            for (var v = 0; v < Lanes; v += Width)
            {
                kernel.Value(InRange<TKernel>(Vector.Load(numbers + v))).Store(numbers + v);
            }

            new ReadOnlySpan<T>(numbers, count).CopyTo(new Span<T>(to, count));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TKernel>(Vector<T> x0, Vector<T> x1, T y, ref Vector<T> sum0, ref Vector<T> sum1)
        where TKernel : struct, IPairKernel<T>
    {
        var other = new Vector<T>(y);
        if (TKernel.OfInnerProduct)
        {
            sum0 += x0 * other;
            sum1 += x1 * other;
        }
        else
        {
            var (d0, d1) = (x0 - other, x1 - other);
            sum0 += d0 * d0;
            sum1 += d1 * d1;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector<T> first, Vector<T> second, T* to)
    {
        first.Store(to);
        second.Store(to + Width);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> Weight(T* weights, int row) => weights == null ? Vector<T>.One : new Vector<T>(weights[row]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> LogTerm<TKernel>(TKernel kernel, Vector<T> number, T* logWeights, int row)
        where TKernel : struct, ILogKernel<T>
    {
        var log = kernel.LogValue(InRange<TKernel>(number));
        return logWeights == null ? log : log + new Vector<T>(logWeights[row]);
    }

    // Rounding may leave a squared distance that was made of products below zero. In this order a NaN stays one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> InRange<TKernel>(Vector<T> q)
        where TKernel : struct, IPairKernel<T> => TKernel.OfInnerProduct ? q : Vector.MaxNative(Vector<T>.Zero, q);
}
