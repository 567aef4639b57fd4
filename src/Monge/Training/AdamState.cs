using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;

namespace Monge.Training;

/// <summary>
/// Parameters [P] under Adam (Kingma and Ba, arXiv:1412.6980) with the gradient clipped by its norm and an exponential moving average of the
/// parameters. A step allocates nothing.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="count">P.</param>
public sealed class AdamState<T>(int count)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const double FirstDecay = 0.9;
    private const double SecondDecay = 0.99;
    private const double Guard = 1e-8;

    private const int BlockSize = 4096;

    // Parameters from which on other threads help: always, and if they are awake.
    private const int WorthWaking = 1 << 16;
    private const int WorthSharing = 1 << 13;

    private readonly double[] _blockSums = new double[(count + BlockSize - 1) / BlockSize];
    private Action<int>? _work;
    private ThreadTeam? _team;
    private NdArray<T>? _gradient;
    private Rates _rates;
    private double _clip;
    private int _nextSum;
    private int _nextUpdate;

    /// <summary>The parameters.</summary>
    public NdArray<T> Parameters { get; } = new(count);

    /// <summary>The running mean of the gradient.</summary>
    public NdArray<T> FirstMoment { get; } = new(count);

    /// <summary>The running mean of the squared gradient.</summary>
    public NdArray<T> SecondMoment { get; } = new(count);

    /// <summary>The moving average of the parameters: what is used after training.</summary>
    public NdArray<T> Average { get; } = new(count);

    /// <summary>Steps taken.</summary>
    public long Steps { get; set; }

    /// <summary>Begins the average at the parameters.</summary>
    public void BeginAverage() => Parameters.Span.CopyTo(Average.Span);

    /// <summary>Takes one step. The result is the same to the bit for any number of threads.</summary>
    /// <param name="gradient">The gradient [P].</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="clip">The gradient is scaled down to this norm when longer.</param>
    /// <param name="averageDecay">The decay of the average; it is smaller in the first steps.</param>
    /// <param name="team">The threads to share the work of many parameters; null does it all on the calling thread.</param>
    /// <returns>The gradient's norm before clipping; if it isn't finite, nothing was changed.</returns>
    /// <exception cref="ArgumentException">The gradient doesn't have P elements.</exception>
    public double Step(NdArray<T> gradient, double learningRate, double clip, double averageDecay, ThreadTeam? team = null)
    {
        if (gradient.Length != Parameters.Length)
        {
            throw new ArgumentException($"The gradient has {gradient.Length} elements; there are {Parameters.Length} parameters.", nameof(gradient));
        }

        var first = 1 - Math.Pow(FirstDecay, Steps + 1);
        var second = 1 - Math.Pow(SecondDecay, Steps + 1);
        (_gradient, _clip, _nextSum, _nextUpdate) = (gradient, clip, 0, 0);
        _rates = new Rates(
            T.One,
            T.CreateChecked(FirstDecay),
            T.CreateChecked(SecondDecay),
            T.CreateChecked(learningRate / first),
            T.CreateChecked(1 / second),
            T.CreateChecked(Guard),
            T.CreateChecked(1 - Math.Min(averageDecay, (2.0 + Steps) / (11.0 + Steps))));
        _team = team is { ThreadCount: > 1 } && (count >= WorthWaking || (count >= WorthSharing && team.IsAwake)) ? team : null;
        _work ??= Work;
        if (_team is null)
        {
            _work(0);
        }
        else
        {
            _team.Run(_work);
        }

        var norm = Norm();
        Steps += double.IsFinite(norm) ? 1 : 0;
        return norm;
    }

    // Threads take blocks in turn, and each block is always worked on in the same way.
    private void Work(int thread)
    {
        while (TakeBlock(ref _nextSum, out var block, out var range))
        {
            _blockSums[block] = SumOfSquares(_gradient!.Span[range]);
        }

        _team?.Barrier();
        var norm = Norm();
        if (!double.IsFinite(norm))
        {
            return;
        }

        var rates = _rates with { Clip = T.CreateChecked(norm > _clip ? _clip / norm : 1) };
        while (TakeBlock(ref _nextUpdate, out _, out var range))
        {
            Update(_gradient!.Span[range], Parameters.Span[range], FirstMoment.Span[range], SecondMoment.Span[range], Average.Span[range], rates);
        }
    }

    private double Norm()
    {
        var sum = 0.0;
        foreach (var part in _blockSums)
        {
            sum += part;
        }

        return Math.Sqrt(sum);
    }

    private bool TakeBlock(ref int next, out int block, out Range range)
    {
        block = Interlocked.Increment(ref next) - 1;
        range = block < _blockSums.Length ? (block * BlockSize)..Math.Min((block + 1) * BlockSize, count) : default;
        return block < _blockSums.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumOfSquares(ReadOnlySpan<T> values)
    {
        // Lanes of one fixed width, so that the order of the sum is the same on every machine.
        var sum = Vector512<T>.Zero;
        ref var first = ref MemoryMarshal.GetReference(values);
        var i = 0;
        for (; i <= values.Length - Vector512<T>.Count; i += Vector512<T>.Count)
        {
            var v = Vector512.LoadUnsafe(ref first, (nuint)i);
            sum += v * v;
        }

        var total = double.CreateChecked(Vector512.Sum(sum));
        for (; i < values.Length; i++)
        {
            total += double.CreateChecked(values[i] * values[i]);
        }

        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Update(ReadOnlySpan<T> gradient, Span<T> p, Span<T> m, Span<T> v, Span<T> a, Rates rates)
    {
        var i = 0;
        var guard = Vector512.Create(rates.Guard);
        for (; i <= p.Length - Vector512<T>.Count; i += Vector512<T>.Count)
        {
            var at = (nuint)i;
            var g = Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(gradient), at) * rates.Clip;
            var mean = g + ((Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(m), at) - g) * rates.First);
            var square = (g * g) + ((Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(v), at) - (g * g)) * rates.Second);
            var next = Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(p), at) - (mean * rates.Rate / (Vector512.Sqrt(square * rates.SecondScale) + guard));
            var average = Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(a), at);
            average += (next - average) * rates.Average;
            mean.StoreUnsafe(ref MemoryMarshal.GetReference(m), at);
            square.StoreUnsafe(ref MemoryMarshal.GetReference(v), at);
            next.StoreUnsafe(ref MemoryMarshal.GetReference(p), at);
            average.StoreUnsafe(ref MemoryMarshal.GetReference(a), at);
        }

        for (; i < p.Length; i++)
        {
            var g = gradient[i] * rates.Clip;
            m[i] = g + ((m[i] - g) * rates.First);
            v[i] = (g * g) + ((v[i] - (g * g)) * rates.Second);
            p[i] -= m[i] * rates.Rate / (T.Sqrt(v[i] * rates.SecondScale) + rates.Guard);
            a[i] += (p[i] - a[i]) * rates.Average;
        }
    }

    private readonly record struct Rates(T Clip, T First, T Second, T Rate, T SecondScale, T Guard, T Average);
}
