using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.MonteCarlo;

/// <summary>
/// Many chains of one kind of kernel side by side (<see cref="ChainKernel"/>). Each evaluation takes one leapfrog step of every chain that is under way; one
/// that has ended its transition begins the next at once, and one that has made all of a round's leaves its lane to another, so none waits. Chains are shared
/// out to the threads; a chain's numbers depend on nothing but its own state, so neither do results on the threads.
/// </summary>
internal sealed class ChainLanes : IDisposable
{
    // Chains that fill a tile: fewer for a thread don't pay.
    private const int LeastGroup = 16;
    private const int MostStarts = 100;

    private readonly Density _target;
    private readonly Group[] _groups;
    private readonly ChainKernel[] _kernels;
    private readonly RandomStream[] _random;
    private readonly int[] _remaining;
    private readonly ThreadTeam _team;
    private readonly double[] _acceptance;
    private long _leapfrogs;

    /// <summary>Compiles the leapfrog step.</summary>
    /// <param name="target">The density.</param>
    /// <param name="chains">Number of chains n.</param>
    /// <param name="metric">The kind of metric.</param>
    /// <param name="kernel">Makes a chain's kernel.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="threads">Threads, 0 for all.</param>
    public ChainLanes(Density target, int chains, MetricKind metric, Func<ChainKernel> kernel, ulong seed, int threads)
    {
        (_target, Count, Dimension) = (target, chains, target.Dimension);
        Metric = new ChainMetric(metric, Dimension);
        _team = ThreadTeam.Of(threads);
        _kernels = [.. Enumerable.Range(0, chains).Select(_ => kernel())];
        _random = [.. Enumerable.Range(0, chains).Select(c => new RandomStream(Mix(seed, c), MonteCarloStreams.Chain))];
        (_remaining, _acceptance) = (new int[chains], new double[chains]);
        var program = LeapfrogLanes.Trace(Dimension, metric, target.LogDensity);
        var groups = Math.Clamp(chains / LeastGroup, 1, _team.ThreadCount);
        _groups = new Group[groups];
        for (var g = 0; g < groups; g++)
        {
            var (first, end) = (chains * g / groups, chains * (g + 1) / groups);
            _groups[g] = new Group(program, first, end - first, Dimension, Metric.Factor);
        }
    }

    /// <summary>Number of chains n.</summary>
    public int Count { get; }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>The scales of the coordinates.</summary>
    public ChainMetric Metric { get; }

    /// <summary>The length of a leapfrog step.</summary>
    public double StepSize { get; set; } = 1;

    /// <summary>Evaluations of the density and its gradient so far.</summary>
    public long TargetCalls => _leapfrogs;

    /// <summary>Ways uphill that were given up; 0 if the chains started where they were drawn.</summary>
    public int LostStarts { get; private set; }

    /// <summary>The position [d] of a chain in the density's unconstrained coordinates.</summary>
    public void PositionOf(int chain, Span<double> x) => Metric.ToPosition(_kernels[chain].Position, x);

    /// <summary>Puts each chain at a point drawn uniformly from (-spread, spread)^d at which log density and gradient are finite.</summary>
    /// <exception cref="DensityException">There is no such point among a hundred.</exception>
    public void Start(double spread)
    {
        var lost = Enumerable.Range(0, Count).ToList();
        for (var attempt = 0; attempt < MostStarts && lost.Count > 0; attempt++)
        {
            foreach (var chain in lost)
            {
                foreach (ref var z in _kernels[chain].Position)
                {
                    z = spread * ((2 * _random[chain].NextDouble()) - 1);
                }
            }

            Evaluate();
            lost.RemoveAll(c => double.IsFinite(_kernels[c].LogDensity) && AllFinite(_kernels[c].Gradient));
        }

        if (lost.Count > 0)
        {
            throw new DensityException(FormattableString.Invariant(
                $"The log density of '{_target.Name}' or its gradient is not finite at {MostStarts} points drawn from (-{spread:g3}, {spread:g3})^{Dimension} ")
                + $"for chain {lost[0]}; give the coordinates a support, or set startSpread to where the density is positive.");
        }
    }

    /// <summary>
    /// Takes the chains from where they start to where the mass is: each to a draw of the normal approximation that <see cref="Pathfinder"/> finds from there.
    /// Chains whose way ends far below the best are started from the others, in turn.
    /// </summary>
    public void FollowPaths()
    {
        var starts = new double[Count * Dimension];
        for (var c = 0; c < Count; c++)
        {
            _kernels[c].Position.CopyTo(starts.AsSpan(c * Dimension));
        }

        using var finder = new Pathfinder(_target, new ExecutionOptions { Threads = _team.ThreadCount });
        var paths = finder.Find(starts, _random);
        _leapfrogs += finder.TargetCalls;
        var least = NormalPath.LeastElbo(paths, Dimension);
        if (double.IsNegativeInfinity(least))
        {
            return;
        }

        int[] good = [.. Enumerable.Range(0, Count).Where(c => paths[c].Elbo >= least)];
        LostStarts = Count - good.Length;
        for (var (chain, next) = (0, 0); chain < Count; chain++)
        {
            var path = paths[paths[chain].Elbo >= least ? chain : good[next++ % good.Length]];
            path.Draw.CopyTo(_kernels[chain].Position);
        }

        Evaluate();
    }

    /// <summary>The mean acceptance of one leapfrog step of every chain from fresh momenta; nothing is moved.</summary>
    public double TrialAcceptance(double stepSize)
    {
        foreach (var group in _groups)
        {
            for (var r = 0; r < group.Count; r++)
            {
                group.Steps[r] = stepSize * _kernels[group.First + r].Begin(_random[group.First + r], stepSize, group.Point(r));
            }

            group.Run(group.Count);
            _leapfrogs += group.Count;
            for (var r = 0; r < group.Count; r++)
            {
                _acceptance[group.First + r] = Math.Exp(-Math.Max(0, _kernels[group.First + r].EnergyError(group.Values[r], group.Kinetic[r])));
            }
        }

        return _acceptance.Average();
    }

    /// <summary>Moves every chain by some transitions.</summary>
    /// <param name="transitions">Transitions of each chain.</param>
    /// <param name="record">Receives chain, number of the transition and what it did, the chain's state being the new one; from several threads, but of each
    /// chain in its order.</param>
    /// <returns>The mean acceptance.</returns>
    public double Advance(int transitions, Action<int, int, ChainMove> record)
    {
        Array.Clear(_acceptance);
        if (_groups.Length == 1)
        {
            Advance(_groups[0], transitions, record);
        }
        else
        {
            _team.Run(thread =>
            {
                for (var g = thread; g < _groups.Length; g += _team.ThreadCount)
                {
                    Advance(_groups[g], transitions, record);
                }
            });
        }

        _leapfrogs += _groups.Sum(g => g.Leapfrogs);
        return _acceptance.Average() / transitions;
    }

    /// <summary>Takes over the metric's new scales: the chains stay where they are.</summary>
    public void UpdateMetric()
    {
        var x = new double[Count * Dimension];
        for (var c = 0; c < Count; c++)
        {
            PositionOf(c, x.AsSpan(c * Dimension, Dimension));
        }

        Metric.Update();
        for (var c = 0; c < Count; c++)
        {
            x.AsSpan(c * Dimension, Dimension).CopyTo(_kernels[c].Position);
            Metric.ToUnit(_kernels[c].Position);
        }

        foreach (var group in _groups)
        {
            group.Bind(Metric.Factor);
        }

        Evaluate();
    }

    /// <summary>Hands the chains' state over to be kept, or to be filled.</summary>
    /// <param name="exchange">Reads or writes the numbers of a name.</param>
    public void Exchange(Action<string, double[]> exchange)
    {
        Metric.Exchange(exchange);
        var (positions, gradients, values, words) = (new double[Count * Dimension], new double[Count * Dimension], new double[Count], new double[Count]);
        for (var c = 0; c < Count; c++)
        {
            _kernels[c].Position.CopyTo(positions.AsSpan(c * Dimension));
            _kernels[c].Gradient.CopyTo(gradients.AsSpan(c * Dimension));
            (values[c], words[c]) = (_kernels[c].LogDensity, _random[c].State.Position);
        }

        double[] numbers = [StepSize, _leapfrogs, LostStarts];
        exchange("chain.positions", positions);
        exchange("chain.gradients", gradients);
        exchange("chain.logDensities", values);
        exchange("chain.randomWords", words);
        exchange("chain.numbers", numbers);
        (StepSize, _leapfrogs, LostStarts) = (numbers[0], (long)numbers[1], (int)numbers[2]);
        for (var c = 0; c < Count; c++)
        {
            positions.AsSpan(c * Dimension, Dimension).CopyTo(_kernels[c].Position);
            gradients.AsSpan(c * Dimension, Dimension).CopyTo(_kernels[c].Gradient);
            _kernels[c].LogDensity = values[c];
            _random[c] = new RandomStream(new RandomState(_random[c].State.Key, (ulong)words[c]));
        }

        foreach (var group in _groups)
        {
            group.Bind(Metric.Factor);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var group in _groups)
        {
            group.Dispose();
        }
    }

    private static ulong Mix(ulong seed, int chain) => unchecked((seed * 1_000_003) + (ulong)chain);

    private static bool AllFinite(ReadOnlySpan<double> values)
    {
        foreach (var value in values)
        {
            if (!double.IsFinite(value))
            {
                return false;
            }
        }

        return true;
    }

    // Log density and gradient at all chains' positions, by steps of no length.
    private void Evaluate()
    {
        foreach (var group in _groups)
        {
            for (var r = 0; r < group.Count; r++)
            {
                var point = group.Point(r);
                _kernels[group.First + r].Position.CopyTo(point.Position);
                point.Momentum.Clear();
                point.Gradient.Clear();
                group.Steps[r] = 0;
            }

            group.Run(group.Count);
            _leapfrogs += group.Count;
            for (var r = 0; r < group.Count; r++)
            {
                group.Point(r).Gradient.CopyTo(_kernels[group.First + r].Gradient);
                _kernels[group.First + r].LogDensity = group.Values[r];
            }
        }
    }

    private void Advance(Group group, int transitions, Action<int, int, ChainMove> record)
    {
        group.Leapfrogs = 0;
        for (var r = 0; r < group.Count; r++)
        {
            var chain = group.Chain[r] = group.First + r;
            _remaining[chain] = transitions;
            group.Steps[r] = StepSize * _kernels[chain].Begin(_random[chain], StepSize, group.Point(r));
        }

        for (var active = group.Count; active > 0;)
        {
            group.Run(active);
            group.Leapfrogs += active;
            for (var r = 0; r < active;)
            {
                var chain = group.Chain[r];
                var (kernel, random) = (_kernels[chain], _random[chain]);
                var point = group.Point(r);
                var direction = kernel.Advance(random, point, group.Values[r], group.Kinetic[r], out var move);
                if (direction == 0)
                {
                    _acceptance[chain] += move.Acceptance;
                    record(chain, transitions - _remaining[chain], move);
                    if (--_remaining[chain] == 0)
                    {
                        group.Replace(r, --active);
                        continue;
                    }

                    direction = kernel.Begin(random, StepSize, point);
                }

                group.Steps[r++] = StepSize * direction;
            }
        }
    }

    /// <summary>Chains of one thread, and the rows of those that are under way.</summary>
    private sealed class Group(TracedProgram program, int first, int count, int dimension, double[] factor)
        : LeapfrogLanes(program, count, dimension, factor)
    {
        public int First { get; } = first;

        public int[] Chain { get; } = new int[count];

        public long Leapfrogs { get; set; }

        /// <summary>Moves the last row with all that is known of it to another.</summary>
        public void Replace(int row, int last)
        {
            Point(last).CopyTo(Point(row));
            (Values[row], Kinetic[row], Chain[row]) = (Values[last], Kinetic[last], Chain[last]);
        }
    }
}

/// <summary>The random streams of chains.</summary>
internal static class MonteCarloStreams
{
    public static readonly StreamName Chain = StreamName.Of("chain");
    public static readonly StreamName Bridge = StreamName.Of("bridge sampling");
    public static readonly StreamName TemperedStart = StreamName.Of("tempered start");
    public static readonly StreamName TemperedBase = StreamName.Of("tempered base");
    public static readonly StreamName TemperedMove = StreamName.Of("tempered move");
    public static readonly StreamName TemperedSwap = StreamName.Of("tempered swap");
    public static readonly StreamName TemperedResampling = StreamName.Of("tempered resampling");
}
