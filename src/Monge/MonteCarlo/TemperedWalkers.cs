using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.MonteCarlo;

/// <summary>How walkers move at one temperature.</summary>
/// <param name="Beta">The exponent of the target, 0 at the base.</param>
/// <param name="Metric">The scales of the density there.</param>
/// <param name="StepSize">The length of a leapfrog step in units of the metric.</param>
/// <param name="Leapfrogs">Leapfrog steps of a move; one makes it a Metropolis-adjusted Langevin step.</param>
internal sealed record TemperedStage(double Beta, ChainMetric Metric, double StepSize, int Leapfrogs);

/// <summary>
/// Walkers at the densities base^(1 - beta) target^beta, all moved by Hamiltonian Monte Carlo (S. Duane et al., "Hybrid Monte Carlo", 1987; R. Neal, "MCMC
/// using Hamiltonian dynamics", 2011), each with a step length of its own about the given one, so that no trajectory closes on itself for all. Blocks of
/// walkers
/// go through whole moves one after the other, so that their numbers stay in the cache; random numbers are those of walker and move, so no result depends on
/// the threads.
/// </summary>
internal sealed class TemperedWalkers : IDisposable
{
    /// <summary>Walkers that go through a move together, where all are of one temperature.</summary>
    public const int UsualBlock = 64;

    private const double StepJitter = 0.2;
    private const double ShortShare = 0.3;
    private const double ShortestStep = 0.03;

    private readonly Lanes[] _lanes;
    private readonly ThreadTeam _team;
    private readonly ulong _seed;
    private readonly int _dimension;
    private readonly int _block;
    private readonly double[] _acceptance;
    private readonly bool[] _isUsual;
    private long _calls;

    /// <summary>Compiles the leapfrog step.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="logBase">The base's log density at a position [d].</param>
    /// <param name="logTarget">The target's.</param>
    /// <param name="count">Walkers n.</param>
    /// <param name="metric">The kind of metric.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="threads">Threads, 0 for all.</param>
    /// <param name="block">Walkers of a block: the first so many, the next, and so on; those of a block are of one temperature.</param>
    public TemperedWalkers(
        int dimension, Func<Expr, Expr> logBase, Func<Expr, Expr> logTarget, int count, MetricKind metric, ulong seed, int threads, int block = UsualBlock)
    {
        (_dimension, Count, _seed, _team, _block) = (dimension, count, seed, ThreadTeam.Of(threads), block);
        (Positions, BaseValues, TargetValues, _acceptance) = (new double[count * dimension], new double[count], new double[count], new double[count]);
        (Divergent, _isUsual) = (new bool[count], new bool[count]);
        var beta = Expr.Shared("beta");
        var program = LeapfrogLanes.Trace(
            dimension, metric, x => ((1 - beta) * logBase(x)) + (beta * logTarget(x)), x => [("base", logBase(x)), ("target", logTarget(x))]);
        _lanes = [.. Enumerable.Range(0, _team.ThreadCount).Select(_ => new Lanes(program, block, dimension, new ChainMetric(metric, dimension).Factor))];
    }

    /// <summary>Walkers n.</summary>
    public int Count { get; }

    /// <summary>Positions [n, d].</summary>
    public double[] Positions { get; }

    /// <summary>The base's log density [n].</summary>
    public double[] BaseValues { get; }

    /// <summary>The target's log density [n]; minus infinity where it has no value.</summary>
    public double[] TargetValues { get; }

    /// <summary>The acceptance [n] of each walker's last move.</summary>
    public ReadOnlySpan<double> Acceptance => _acceptance;

    /// <summary>Whether the energy grew beyond bounds in each walker's last move [n].</summary>
    public bool[] Divergent { get; }

    /// <summary>Evaluations of the target, most with its gradient.</summary>
    public long TargetCalls => _calls;

    /// <summary>A walker's position [d].</summary>
    public Span<double> PositionOf(int walker) => Positions.AsSpan(walker * _dimension, _dimension);

    /// <summary>Computes both log densities where the walkers are.</summary>
    public void Evaluate(TemperedStage stage) => Each(lanes =>
    {
        for (var first = 0; lanes.Next(this, ref first, out var count);)
        {
            Load(lanes, first, count, stage);
            for (var r = 0; r < count; r++)
            {
                Keep(lanes, r, first + r, stage.Metric);
            }
        }
    });

    /// <summary>Computes both log densities of one block.</summary>
    public void EvaluateBlock(int block, TemperedStage stage)
    {
        var (lanes, first) = (_lanes[0], block * _block);
        var count = Math.Min(_block, Count - first);
        Load(lanes, first, count, stage);
        for (var r = 0; r < count; r++)
        {
            Keep(lanes, r, first + r, stage.Metric);
        }

        _calls += count;
    }

    /// <summary>Moves all walkers at one temperature.</summary>
    /// <param name="stage">How.</param>
    /// <param name="number">A number of the move, unlike that of any other.</param>
    /// <returns>The mean acceptance of steps of the usual length.</returns>
    public double Move(TemperedStage stage, ulong number)
    {
        Each(lanes =>
        {
            for (var first = 0; lanes.Next(this, ref first, out var count);)
            {
                MoveBlock(lanes, first, count, stage, number);
            }
        });
        return MeanAcceptance(0, Count);
    }

    /// <summary>The mean acceptance of some walkers' last moves, the short ones left out; 1 if there were no others.</summary>
    public double MeanAcceptance(int first, int count)
    {
        var (sum, usual) = (0.0, 0);
        for (var i = first; i < first + count; i++)
        {
            (sum, usual) = _isUsual[i] ? (sum + _acceptance[i], usual + 1) : (sum, usual);
        }

        return usual > 0 ? sum / usual : 1;
    }

    /// <summary>Moves each block of walkers at a temperature of its own; those of the base stay.</summary>
    /// <param name="stages">The stage of each block.</param>
    /// <param name="number">A number of the move, unlike that of any other.</param>
    public void Move(IReadOnlyList<TemperedStage> stages, ulong number) => Each(lanes =>
    {
        for (var first = 0; lanes.Next(this, ref first, out var count);)
        {
            if (stages[first / _block].Beta > 0)
            {
                MoveBlock(lanes, first, count, stages[first / _block], number);
            }
        }
    });

    /// <summary>Puts walkers where others are.</summary>
    /// <param name="chosen">For each walker from the first on that whose place it takes.</param>
    /// <param name="first">The first walker that is moved.</param>
    public void Select(ReadOnlySpan<int> chosen, int first)
    {
        var positions = new double[chosen.Length * _dimension];
        var (bases, targets) = (new double[chosen.Length], new double[chosen.Length]);
        for (var k = 0; k < chosen.Length; k++)
        {
            PositionOf(chosen[k]).CopyTo(positions.AsSpan(k * _dimension));
            (bases[k], targets[k]) = (BaseValues[chosen[k]], TargetValues[chosen[k]]);
        }

        positions.CopyTo(Positions, first * _dimension);
        bases.CopyTo(BaseValues, first);
        targets.CopyTo(TargetValues, first);
    }

    /// <summary>Exchanges the states of two walkers.</summary>
    public void Swap(int a, int b)
    {
        for (var i = 0; i < _dimension; i++)
        {
            (Positions[(a * _dimension) + i], Positions[(b * _dimension) + i]) = (Positions[(b * _dimension) + i], Positions[(a * _dimension) + i]);
        }

        (BaseValues[a], BaseValues[b]) = (BaseValues[b], BaseValues[a]);
        (TargetValues[a], TargetValues[b]) = (TargetValues[b], TargetValues[a]);
    }

    /// <summary>Hands the state over to be kept, or to be filled.</summary>
    /// <param name="exchange">Reads or writes the numbers of a name.</param>
    public void Exchange(Action<string, double[]> exchange)
    {
        double[] calls = [_calls];
        exchange("walker.positions", Positions);
        exchange("walker.base", BaseValues);
        exchange("walker.target", TargetValues);
        exchange("walker.calls", calls);
        _calls = (long)calls[0];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var lanes in _lanes)
        {
            lanes.Dispose();
        }
    }

    private void Each(Action<Lanes> work)
    {
        _team.Run(thread =>
        {
            _lanes[thread].Begin(thread, _lanes.Length);
            work(_lanes[thread]);
        });
        _calls += _lanes.Sum(l => l.Calls);
    }

    // Positions of a block in the metric's coordinates, and log densities and gradients there, by a step of no length.
    private void Load(Lanes lanes, int first, int count, TemperedStage stage)
    {
        lanes.Set(stage);
        for (var r = 0; r < count; r++)
        {
            var point = lanes.Point(r);
            PositionOf(first + r).CopyTo(point.Position);
            stage.Metric.ToUnit(point.Position);
            point.Momentum.Clear();
            point.Gradient.Clear();
            lanes.Steps[r] = 0;
        }

        lanes.Step(count);
    }

    private void Keep(Lanes lanes, int row, int walker, ChainMetric metric)
    {
        metric.ToPosition(lanes.Point(row).Position, PositionOf(walker));
        var target = lanes.Targets[row];
        (BaseValues[walker], TargetValues[walker]) = (lanes.Bases[row], double.IsNaN(target) ? double.NegativeInfinity : target);
    }

    private void MoveBlock(Lanes lanes, int first, int count, TemperedStage stage, ulong number)
    {
        Load(lanes, first, count, stage);
        for (var r = 0; r < count; r++)
        {
            var random = Random(first + r, number);
            var kinetic = 0.0;
            foreach (ref var p in lanes.Point(r).Momentum)
            {
                p = random.NextNormal();
                kinetic += 0.5 * p * p;
            }

            var jitter = 1 - StepJitter + (2 * StepJitter * random.NextDouble());

            // Some walkers take far shorter steps: where scales change from place to place, as in a funnel, those are the ones that move in the narrow parts.
            var isShort = random.NextDouble() < ShortShare;
            lanes.Steps[r] = stage.StepSize * jitter * (isShort ? Math.Pow(ShortestStep, random.NextDouble()) : 1);
            _isUsual[first + r] = !isShort;
            lanes.Energies[r] = kinetic - lanes.Values[r];
            lanes.Thresholds[r] = random.NextExponential();
        }

        for (var k = 0; k < stage.Leapfrogs; k++)
        {
            lanes.Step(count);
        }

        for (var r = 0; r < count; r++)
        {
            // An energy that is not a number is not below the threshold, so the walker stays.
            var rise = lanes.Kinetic[r] - lanes.Values[r] - lanes.Energies[r];
            Divergent[first + r] = !(rise <= ChainKernel.MostEnergyError);
            _acceptance[first + r] = rise <= 0 ? 1 : double.IsNaN(rise) ? 0 : Math.Exp(-rise);
            if (rise < lanes.Thresholds[r])
            {
                Keep(lanes, r, first + r, stage.Metric);
            }
        }
    }

    private RandomStream Random(int walker, ulong number) => new(
        unchecked((_seed * 1_000_003) ^ (0x9E3779B97F4A7C15UL * ((number * (ulong)Count) + (ulong)walker + 1))), MonteCarloStreams.TemperedMove);

    /// <summary>The rows of one thread.</summary>
    private sealed class Lanes : LeapfrogLanes
    {
        private readonly NdArray<double> _bases;
        private readonly NdArray<double> _targets;
        private readonly NdArray<double> _beta = new();
        private int _block;
        private int _stride;

        public Lanes(TracedProgram program, int count, int dimension, double[] factor)
            : base(program, count, dimension, factor)
        {
            (_bases, _targets, Energies, Thresholds) = (new(count), new(count), new double[count], new double[count]);
            BindOutput("base", _bases);
            BindOutput("target", _targets);
            Bind("beta", _beta);
        }

        public Span<double> Bases => _bases.Span;

        public Span<double> Targets => _targets.Span;

        public double[] Energies { get; }

        public double[] Thresholds { get; }

        public long Calls { get; private set; }

        public void Begin(int thread, int threads) => (_block, _stride, Calls) = (thread, threads, 0);

        /// <summary>The thread's next block of walkers.</summary>
        public bool Next(TemperedWalkers walkers, ref int first, out int count)
        {
            first = _block * Count;
            count = Math.Min(Count, walkers.Count - first);
            _block += _stride;
            return count > 0;
        }

        public void Set(TemperedStage stage)
        {
            _beta.Span[0] = stage.Beta;
            Bind(stage.Metric.Factor);
        }

        public void Step(int rows)
        {
            Run(rows);
            Calls += rows;
        }
    }
}
