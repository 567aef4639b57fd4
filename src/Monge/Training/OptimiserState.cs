using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Training;

/// <summary>Parameters [P] and what their optimiser remembers: all there is to checkpoint of a training. A step allocates nothing.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class OptimiserState<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int BlockSize = 4096;

    // Parameters from which on other threads help: always, and if they are awake.
    private const int WorthWaking = 1 << 16;
    private const int WorthSharing = 1 << 13;

    private readonly GradientStepOptions _options;
    private readonly List<Constraint> _constraints = [];
    private readonly Action<int> _work;
    private readonly int _count;
    private readonly double[] _blockSums;
    private readonly T[] _averageWeights;
    private ThreadTeam? _team;
    private NdArray<T>? _gradient;
    private Rates _rates;
    private T _shrink;
    private int _nextSum;
    private int _nextUpdate;

    /// <summary>A state of zeros.</summary>
    /// <param name="blocks">The blocks of parameters, which lie one after the other.</param>
    /// <param name="options">How a step follows the gradient.</param>
    /// <exception cref="ArgumentException">A projection names a block that isn't there or can't be put on it, or an option is out of its range.</exception>
    public OptimiserState(IReadOnlyList<ParameterBlock> blocks, GradientStepOptions options)
    {
        options.Check();
        (_options, _count, _work) = (options, blocks.Sum(b => b.Shape.Size), Work);
        _blockSums = new double[(_count + BlockSize - 1) / BlockSize];
        (Parameters, FirstMoment, SecondMoment) = (new NdArray<T>(_count), new NdArray<T>(_count), new NdArray<T>(_count));
        _averageWeights = new T[1 + options.FurtherAverageDecays.Count];
        Averages = [.. _averageWeights.Select(_ => new NdArray<T>(_count))];
        foreach (var (projection, name) in options.Projections.SelectMany(p => p.Blocks.Select(name => (p, name))))
        {
            var place = blocks.TakeWhile(b => b.Name != name).ToList();
            var block = place.Count < blocks.Count
                ? blocks[place.Count]
                : throw new ArgumentException($"A projection names the block '{name}', which is not among the parameters.");
            _constraints.Add(new Constraint(
                projection, block, place.Sum(b => b.Shape.Size), new NdArray<T>(projection.MemorySize(block.Shape)), $"projection{_constraints.Count}.{name}"));
        }
    }

    /// <summary>The parameters.</summary>
    public NdArray<T> Parameters { get; }

    /// <summary>The running mean of the gradient.</summary>
    public NdArray<T> FirstMoment { get; }

    /// <summary>The running mean of the squared gradient.</summary>
    public NdArray<T> SecondMoment { get; }

    /// <summary>The moving average of the parameters: what is used after training.</summary>
    public NdArray<T> Average => Averages[0];

    /// <summary>The moving averages: <see cref="Average"/>, then those of <see cref="GradientStepOptions.FurtherAverageDecays"/>.</summary>
    public IReadOnlyList<NdArray<T>> Averages { get; }

    /// <summary>Steps taken.</summary>
    public long Steps { get; set; }

    /// <summary>All arrays with their names in files.</summary>
    public IEnumerable<(string Name, NdArray<T> Values)> Arrays =>
    [
        ("parameters", Parameters),
        ("firstMoment", FirstMoment),
        ("secondMoment", SecondMoment),
        .. Averages.Select((values, k) => (k == 0 ? "average" : $"average{k + 1}", values)),
        .. _constraints.Where(c => c.Memory.Length > 0).Select(c => (c.Name, c.Memory)),
    ];

    /// <summary>What a <see cref="Plateau"/> remembers of the losses; belongs in a checkpoint too where there is one.</summary>
    public NdArray<double> LossMemory { get; } = NdArray<double>.From(Plateau.NewMemory(), Plateau.MemorySize);

    /// <summary>Puts the parameters into their projections' sets and begins the averages at them.</summary>
    public void BeginAverage()
    {
        Project();
        foreach (var average in Averages)
        {
            Parameters.Span.CopyTo(average.Span);
        }
    }

    /// <summary>Takes one step of a run of a total length. The result is the same to the bit for any number of threads.</summary>
    /// <param name="gradient">The gradient [P].</param>
    /// <param name="loss">The loss that the gradient is of.</param>
    /// <param name="iteration">The step, from 0.</param>
    /// <param name="total">Steps of the whole run.</param>
    /// <param name="team">The threads to share the work of many parameters; null does it all on the calling thread.</param>
    /// <returns>The loss, and the gradient's norm before clipping; if that isn't finite, the parameters and moments were not changed.</returns>
    /// <exception cref="ArgumentException">The gradient doesn't have P elements.</exception>
    public StepInfo Step(NdArray<T> gradient, double loss, long iteration, long total, ThreadTeam? team = null)
    {
        if (gradient.Length != _count)
        {
            throw new ArgumentException($"The gradient has {gradient.Length} elements; there are {_count} parameters.", nameof(gradient));
        }

        var learningRate = _options.LearningRate.At(iteration, total);
        if (_options.Plateau is { } plateau)
        {
            learningRate *= plateau.Share(LossMemory.Span);
            plateau.Observe(loss, LossMemory.Span);
        }

        for (var k = 0; k < _averageWeights.Length; k++)
        {
            var decay = k == 0 ? _options.AverageDecay : _options.FurtherAverageDecays[k - 1];
            _averageWeights[k] = T.CreateChecked(1 - Math.Min(decay, (2.0 + Steps) / (11.0 + Steps)));
        }

        var numbers = _options.Optimiser.At(learningRate, Steps + 1);
        (_gradient, _rates, _shrink, _nextSum, _nextUpdate) = (gradient, new Rates(numbers), T.CreateChecked(numbers.Shrink), 0, 0);
        _team = team is { ThreadCount: > 1 } && (_count >= WorthWaking || (_count >= WorthSharing && team.IsAwake)) ? team : null;
        if (_team is null)
        {
            _work(0);
        }
        else
        {
            _team.Run(_work);
        }

        var norm = Norm();
        if (double.IsFinite(norm))
        {
            Steps++;
            if (_constraints.Count > 0)
            {
                Project();
                Follow(0..Averages.Count, 0.._count);
            }
        }

        return new StepInfo(loss, norm);
    }

    // Threads take blocks in turn, and each block is always worked on in the same way.
    private void Work(int thread)
    {
        while (TakeBlock(ref _nextSum, out var block, out var range))
        {
            var part = _gradient!.Span[range];
            _blockSums[block] = FixedLanes.Dot<T>(part, part);
        }

        _team?.Barrier();
        var norm = Norm();
        if (!double.IsFinite(norm))
        {
            return;
        }

        // With projections the averages follow after them.
        var isFree = _constraints.Count == 0;
        var rates = _rates with
        {
            Clip = T.CreateChecked(norm > _options.GradientClip ? _options.GradientClip / norm : 1),
            Average = isFree ? _averageWeights[0] : T.Zero,
        };
        while (TakeBlock(ref _nextUpdate, out _, out var range))
        {
            for (var i = range.Start.Value; _shrink != T.One && i < range.End.Value; i++)
            {
                Parameters[i] *= _shrink;
            }

            Update(_gradient!.Span[range], Parameters.Span[range], FirstMoment.Span[range], SecondMoment.Span[range], Average.Span[range], rates);
            Follow(1..(isFree ? Averages.Count : 1), range);
        }
    }

    private void Project()
    {
        foreach (var (projection, block, offset, memory, _) in _constraints)
        {
            projection.Apply(Parameters.Span.Slice(offset, block.Shape.Size), block.Shape, memory.Span);
        }
    }

    // Some of the averages follow a part of the parameters.
    private void Follow(Range which, Range range)
    {
        for (var k = which.Start.Value; k < which.End.Value; k++)
        {
            var p = Parameters.Span[range];
            var a = Averages[k].Span[range];
            var weight = _averageWeights[k];
            for (var i = 0; i < a.Length; i++)
            {
                a[i] += (p[i] - a[i]) * weight;
            }
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
        range = block < _blockSums.Length ? (block * BlockSize)..Math.Min((block + 1) * BlockSize, _count) : default;
        return block < _blockSums.Length;
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
            var step = mean * rates.Rate / (Vector512.Sqrt(square * rates.SecondScale) + guard);
            var next = Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(p), at) - step;
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

    private readonly record struct Rates(T Clip, T First, T Second, T Rate, T SecondScale, T Guard, T Average)
    {
        public Rates(UpdateNumbers numbers)
            : this(
                T.One,
                T.CreateChecked(numbers.FirstDecay),
                T.CreateChecked(numbers.SecondDecay),
                T.CreateChecked(numbers.Rate),
                T.CreateChecked(numbers.SecondScale),
                T.CreateChecked(numbers.Guard),
                T.Zero)
        {
        }
    }

    private sealed record Constraint(Projection Projection, ParameterBlock Block, int Offset, NdArray<T> Memory, string Name);
}
