using System.Numerics;
using System.Runtime.CompilerServices;
using Monge.Engine.Execution;

namespace Monge.Engine.Pairwise;

/// <summary>
/// Sums over all pairs of points x [n, d] and y [m, d]: O(n m) time and O(n + m) memory, in tiles that stay in the caches. Each x is summed by itself over y in
/// its order, so results are the same to the bit for any number of threads and any vector width (where the machine has fused multiply-adds, or has none).
/// </summary>
/// <remarks> From <see cref="LeastDimension"/> coordinates on, q = |x - y|^2 is made of a matrix product, |x|^2 + |y|^2 - 2 x.y, after the
/// mean of y is taken off both, but only for tiles where the rounding, about 2 u (|x|^2 + |y|^2) with u the unit roundoff, is far below the
/// kernel's <see cref="IPairKernel{T}.Scale"/>: below 2e-5 of it in float32 and 1e-11 in float64. Other tiles, and kernels that aren't
/// smooth at 0, sum the squares of the differences. An object is the memory of its calls: it grows to what the largest needs, and then a
/// call allocates nothing. Not for use by several threads at once.
/// </remarks>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="options">Threads to run on; null for one on each processor.</param>
public sealed unsafe class PairwiseSums<T>(ExecutionOptions? options = null)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Coordinates from which matrix products pay.</summary>
    public const int LeastDimension = 8;

    private const int Lanes = PairTile<T>.Lanes;
    private const int Alignment = 64;

    private readonly ThreadTeam _team = options?.Team ?? ThreadTeam.Of(options?.Threads ?? 0);
    private T[][] _memory = [];
    private T[] _centredMemory = [];
    private T[] _limits = [];
    private object? _pass;
    private T[] _rowSums = [];

    /// <summary>Whether matrix products may be used at all; without them no squared distance is ever a difference of larger numbers.</summary>
    public bool UsesProducts { get; init; } = true;

    /// <summary>values[i] = sum over j of weights[j] k(x_i, y_j).</summary>
    /// <param name="kernel">k.</param>
    /// <param name="x">Points [n, d].</param>
    /// <param name="y">Points [m, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="weights">Weights [m]; empty for one each.</param>
    /// <param name="values">Receives n values.</param>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    public void Values<TKernel>(TKernel kernel, ReadOnlySpan<T> x, ReadOnlySpan<T> y, int dimension, ReadOnlySpan<T> weights, Span<T> values)
        where TKernel : struct, IPairKernel<T> => Run(default(SumPass<T, TKernel>), kernel, x, y, dimension, weights, default, values, default);

    /// <summary>gradients[i] = sum over j of weights[j] grad_x k(x_i, y_j), and the values too.</summary>
    /// <param name="kernel">k.</param>
    /// <param name="x">Points [n, d].</param>
    /// <param name="y">Points [m, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="weights">Weights [m]; empty for one each.</param>
    /// <param name="values">Receives n values; empty if they aren't needed.</param>
    /// <param name="gradients">Receives gradients [n, d].</param>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    public void ValuesAndGradients<TKernel>(
        TKernel kernel, ReadOnlySpan<T> x, ReadOnlySpan<T> y, int dimension, ReadOnlySpan<T> weights, Span<T> values, Span<T> gradients)
        where TKernel : struct, IPairKernel<T>
    {
        Check(gradients.Length == x.Length, nameof(gradients), gradients.Length, x.Length);
        Run(default(SumPass<T, TKernel>), kernel, x, y, dimension, weights, default, values, gradients);
    }

    /// <summary>values[i] = log of the sum over j of exp(logWeights[j]) k(x_i, y_j), without overflow or underflow.</summary>
    /// <param name="kernel">k, whose values are positive.</param>
    /// <param name="x">Points [n, d].</param>
    /// <param name="y">Points [m, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="logWeights">Log-weights [m]; empty for zero each.</param>
    /// <param name="values">Receives n values.</param>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    public void LogSums<TKernel>(TKernel kernel, ReadOnlySpan<T> x, ReadOnlySpan<T> y, int dimension, ReadOnlySpan<T> logWeights, Span<T> values)
        where TKernel : struct, ILogKernel<T> => Run(default(LogSumPass<T, TKernel>), kernel, x, y, dimension, logWeights, default, values, default);

    /// <summary>squares[i] = the least |x_i - y_j|^2 over j.</summary>
    /// <param name="x">Points [n, d].</param>
    /// <param name="y">Points [m, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="squares">Receives n squares.</param>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    public void Nearest(ReadOnlySpan<T> x, ReadOnlySpan<T> y, int dimension, Span<T> squares) =>
        Run(default(NearestPass<T>), default(SquaredDistanceKernel<T>), x, y, dimension, default, default, squares, default);

    /// <summary>values[i] = sum over j other than i of weights[j] u(x_i, x_j), u the kernel's Stein kernel.</summary>
    /// <param name="kernel">k.</param>
    /// <param name="x">Points [n, d].</param>
    /// <param name="scores">The score at each point [n, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="weights">Weights [n]; empty for one each.</param>
    /// <param name="values">Receives n values.</param>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    public void SteinSums<TKernel>(TKernel kernel, ReadOnlySpan<T> x, ReadOnlySpan<T> scores, int dimension, ReadOnlySpan<T> weights, Span<T> values)
        where TKernel : struct, ISteinKernel<T>
    {
        Check(scores.Length == x.Length, nameof(scores), scores.Length, x.Length);
        Run(default(SteinPass<T, TKernel>), kernel, x, x, dimension, weights, scores, values, default);
    }

    /// <summary>The sum over i and j of weightsX[i] weightsY[j] k(x_i, y_j): with weights that add to one, the mean over pairs.</summary>
    /// <param name="kernel">k.</param>
    /// <param name="x">Points [n, d].</param>
    /// <param name="weightsX">Weights [n].</param>
    /// <param name="y">Points [m, d].</param>
    /// <param name="weightsY">Weights [m].</param>
    /// <param name="dimension">d.</param>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    public T Total<TKernel>(TKernel kernel, ReadOnlySpan<T> x, ReadOnlySpan<T> weightsX, ReadOnlySpan<T> y, ReadOnlySpan<T> weightsY, int dimension)
        where TKernel : struct, IPairKernel<T>
    {
        _rowSums = Enough(_rowSums, weightsX.Length);
        var rows = _rowSums.AsSpan(0, weightsX.Length);
        Values(kernel, x, y, dimension, weightsY, rows);
        var total = T.Zero;
        for (var i = 0; i < rows.Length; i++)
        {
            total += weightsX[i] * rows[i];
        }

        return total;
    }

    /// <summary>matrix[i, j] = k(x_i, y_j).</summary>
    /// <param name="kernel">k.</param>
    /// <param name="x">Points [n, d].</param>
    /// <param name="y">Points [m, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="matrix">Receives n m values, row by row.</param>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    public void Matrix<TKernel>(TKernel kernel, ReadOnlySpan<T> x, ReadOnlySpan<T> y, int dimension, Span<T> matrix)
        where TKernel : struct, IPairKernel<T> => Run(default(MatrixPass<T, TKernel>), kernel, y, x, dimension, default, default, matrix, default);

    private static void Check(bool holds, string name, long found, long wanted)
    {
        if (!holds)
        {
            throw new ArgumentException($"'{name}' has {found} values; pairwise sums of these points need {wanted}.", name);
        }
    }

    private void Run<TPass, TKernel>(
        TPass pass, TKernel kernel, ReadOnlySpan<T> x, ReadOnlySpan<T> y, int d, ReadOnlySpan<T> weights, ReadOnlySpan<T> scores,
        Span<T> values, Span<T> gradients)
        where TPass : struct, IPairPass<T, TKernel>
        where TKernel : struct, IPairKernel<T>
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(d, 1, "dimension");
        Check(x.Length % d == 0, nameof(x), x.Length, (x.Length / d * d) + d);
        Check(y.Length % d == 0, nameof(y), y.Length, (y.Length / d * d) + d);
        var (n, m) = (x.Length / d, y.Length / d);
        var wanted = TPass.IsMatrix ? (long)n * m : n;
        Check(values.Length == wanted || (values.IsEmpty && !gradients.IsEmpty), nameof(values), values.Length, wanted);
        Check(weights.IsEmpty || weights.Length == m, nameof(weights), weights.Length, m);
        if (n == 0)
        {
            return;
        }

        var work = _pass as PairWork<T, TPass, TKernel> ?? new PairWork<T, TPass, TKernel>();
        _pass = work;
        var withProducts = TPass.UsesNumbers && !TKernel.OfInnerProduct && UsesProducts && d >= LeastDimension && kernel.Scale > 0 && m > 0;
        Grow(d, withProducts ? m : 0);
        fixed (T* px = x, py = y, pw = weights, ps = scores, pv = values, pg = gradients)
        fixed (T* centred = _centredMemory, limits = _limits)
        {
            var call = new PairCall<T>
            {
                X = px,
                Y = py,
                Weights = pw,
                Scores = ps,
                Values = pv,
                Gradients = pg,
                N = n,
                M = m,
                D = d,
                Centred = withProducts ? Aligned(centred) : null,
                Limits = limits,
                LargestSum = kernel.Scale * (typeof(T) == typeof(float) ? 83 : 2.2e4),
            };
            if (withProducts)
            {
                PairCall<T>.Centre(ref call);
            }

            work.Run(call, kernel, _team, _memory);
        }
    }

    private void Grow(int d, int centredRows)
    {
        if (_memory.Length < _team.ThreadCount)
        {
            _memory = [.. Enumerable.Range(0, _team.ThreadCount).Select(_ => Array.Empty<T>())];
        }

        var size = PairCall<T>.ScratchSize(d) + Alignment;
        for (var k = 0; k < _memory.Length; k++)
        {
            _memory[k] = Enough(_memory[k], size);
        }

        _centredMemory = centredRows == 0 ? _centredMemory : Enough(_centredMemory, checked((centredRows * (d + 2)) + Alignment));
        _limits = Enough(_limits, PairCall<T>.LimitsSize(d, centredRows));
    }

    private static T[] Enough(T[] memory, int size) => memory.Length >= size ? memory : GC.AllocateUninitializedArray<T>(size, pinned: true);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T* Aligned(T* pointer) => (T*)(((nuint)pointer + Alignment - 1) & ~(nuint)(Alignment - 1));
}
