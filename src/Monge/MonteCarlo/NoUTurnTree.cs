using Monge.Engine.Random;

namespace Monge.MonteCarlo;

/// <summary>
/// One chain of the no-U-turn sampler: trajectories double in a random direction of time until they turn back on themselves; states are drawn from a
/// trajectory with weights exp(-H), newer halves preferred; a turn is looked for in each subtree and across the two halves of each.
/// </summary>
/// <remarks>
/// Sources: M. Hoffman and A. Gelman, "The No-U-Turn Sampler", JMLR 15 (2014); M. Betancourt, "A Conceptual Introduction to Hamiltonian Monte Carlo",
/// arXiv:1701.02434, appendix A (multinomial draws); the checks across halves are those of Stan from 2.21 on. A subtree is built like a binary counter: a half
/// waits at its level for the other one.
/// </remarks>
internal sealed class NoUTurnTree : ChainKernel
{
    private const int Fields = 5;

    private readonly int _dimension;
    private readonly int _maximumDepth;

    // A subtree lies in a slot: where its fields begin in the memory, its log-weight and the log density at the state that was drawn from it. Level k's waiting
    // half lies in slot _slots[k], the subtree at hand in the last.
    private readonly double[] _memory;
    private readonly int[] _slots;
    private readonly int[] _begin;
    private readonly int[] _end;
    private readonly int[] _sum;
    private readonly int[] _position;
    private readonly int[] _gradient;
    private readonly double[] _logWeights;
    private readonly double[] _logDensities;

    // The two ends of the trajectory, the momentum at the end that is left behind and the sum over the trajectory.
    private readonly double[] _states;
    private double _logWeight;
    private double _sumAcceptance;
    private int _leapfrogs;
    private int _depth;
    private int _leaf;
    private bool _isForward;

    /// <param name="dimension">d.</param>
    /// <param name="maximumDepth">Doublings of a trajectory at most, at least 1.</param>
    public NoUTurnTree(int dimension, int maximumDepth)
        : base(dimension)
    {
        (_dimension, _maximumDepth) = (dimension, maximumDepth);
        var slots = maximumDepth + 1;
        _memory = new double[slots * Fields * dimension];
        _slots = [.. Enumerable.Range(0, slots)];
        int[] Places(int field) => [.. Enumerable.Range(0, slots).Select(s => ((s * Fields) + field) * dimension)];
        (_begin, _end, _sum, _position, _gradient) = (Places(0), Places(1), Places(2), Places(3), Places(4));
        (_logWeights, _logDensities) = (new double[slots], new double[slots]);
        _states = new double[8 * dimension];
    }

    private PhasePoint Backward => new(State(0), State(1), State(2));

    private PhasePoint Forward => new(State(3), State(4), State(5));

    private Span<double> LeftMomentum => State(6);

    private Span<double> TotalMomentum => State(7);

    private ref int AtHand => ref _slots[^1];

    /// <inheritdoc/>
    public override int Begin(RandomStream random, double stepSize, PhasePoint point)
    {
        Depart(random, point);
        point.CopyTo(Backward);
        point.CopyTo(Forward);
        point.Momentum.CopyTo(TotalMomentum);
        (_logWeight, _sumAcceptance, _leapfrogs, _depth) = (0, 0, 0, 0);
        return Extend(random, point);
    }

    /// <inheritdoc/>
    public override int Advance(RandomStream random, PhasePoint point, double logDensity, double kinetic, out ChainMove move)
    {
        var error = EnergyError(logDensity, kinetic);
        _leapfrogs++;
        _sumAcceptance += error > 0 ? Math.Exp(-error) : 1;
        if (error > MostEnergyError)
        {
            return End(true, out move);
        }

        PutLeaf(point, logDensity, -error);
        var level = 0;
        for (; ((_leaf >> level) & 1) == 1; level++)
        {
            if (!Merge(level, random))
            {
                return End(false, out move);
            }
        }

        if (level < _depth)
        {
            (_slots[level], AtHand) = (AtHand, _slots[level]);
            _leaf++;
            move = default;
            return _isForward ? 1 : -1;
        }

        point.CopyTo(_isForward ? Forward : Backward);
        _depth++;
        if (!Join(random) || _depth == _maximumDepth)
        {
            return End(false, out move);
        }

        move = default;
        return Extend(random, point);
    }

    private Span<double> State(int at) => _states.AsSpan(at * _dimension, _dimension);

    private Span<double> Memory(int at) => _memory.AsSpan(at, _dimension);

    // Chooses a direction and goes to that end of the trajectory.
    private int Extend(RandomStream random, PhasePoint point)
    {
        _isForward = random.NextRademacher() > 0;
        _leaf = 0;
        var end = _isForward ? Forward : Backward;
        end.CopyTo(point);
        end.Momentum.CopyTo(LeftMomentum);
        return _isForward ? 1 : -1;
    }

    private int End(bool isDivergent, out ChainMove move)
    {
        move = new ChainMove(LogDensity, Energy, _sumAcceptance / _leapfrogs, _leapfrogs, _depth, isDivergent);
        return 0;
    }

    private void PutLeaf(PhasePoint point, double logDensity, double logWeight)
    {
        var slot = AtHand;
        point.Momentum.CopyTo(Memory(_begin[slot]));
        point.Momentum.CopyTo(Memory(_end[slot]));
        point.Momentum.CopyTo(Memory(_sum[slot]));
        point.Position.CopyTo(Memory(_position[slot]));
        point.Gradient.CopyTo(Memory(_gradient[slot]));
        (_logWeights[slot], _logDensities[slot]) = (logWeight, logDensity);
    }

    // Joins the half that waits at a level with the one at hand, which was made after it. False if the trajectory turns within.
    private bool Merge(int level, RandomStream random)
    {
        var (first, second) = (_slots[level], AtHand);
        var logWeight = LogSum(_logWeights[first], _logWeights[second]);
        if (Math.Log(random.NextDouble()) < _logWeights[second] - logWeight)
        {
            (_position[first], _position[second]) = (_position[second], _position[first]);
            (_gradient[first], _gradient[second]) = (_gradient[second], _gradient[first]);
            _logDensities[first] = _logDensities[second];
        }

        var goesOn = GoesOn(
            Memory(_begin[first]), Memory(_end[first]), Memory(_sum[first]), Memory(_begin[second]), Memory(_end[second]), Memory(_sum[second]));
        Add(Memory(_sum[second]), Memory(_sum[first]));
        (_end[first], _end[second]) = (_end[second], _end[first]);
        _logWeights[first] = logWeight;
        (_slots[level], AtHand) = (second, first);
        return goesOn;
    }

    // Joins the subtree at hand to the trajectory. False if that turns.
    private bool Join(RandomStream random)
    {
        var slot = AtHand;
        if (Math.Log(random.NextDouble()) < _logWeights[slot] - _logWeight)
        {
            Memory(_position[slot]).CopyTo(Position);
            Memory(_gradient[slot]).CopyTo(Gradient);
            LogDensity = _logDensities[slot];
        }

        _logWeight = LogSum(_logWeight, _logWeights[slot]);
        var far = (_isForward ? Backward : Forward).Momentum;
        var goesOn = GoesOn(far, LeftMomentum, TotalMomentum, Memory(_begin[slot]), Memory(_end[slot]), Memory(_sum[slot]));
        Add(Memory(_sum[slot]), TotalMomentum);
        return goesOn;
    }

    private static double LogSum(double a, double b)
    {
        var (high, low) = a > b ? (a, b) : (b, a);
        return double.IsNegativeInfinity(high) ? high : high + Math.Log(1 + Math.Exp(low - high));
    }

    private static void Add(ReadOnlySpan<double> source, Span<double> target)
    {
        for (var i = 0; i < target.Length; i++)
        {
            target[i] += source[i];
        }
    }

    // Whether both ends move apart, and each half's ends from the near end of the other half: momenta at the ends of two halves and their sums over each.
    private static bool GoesOn(
        ReadOnlySpan<double> begin1, ReadOnlySpan<double> end1, ReadOnlySpan<double> sum1,
        ReadOnlySpan<double> begin2, ReadOnlySpan<double> end2, ReadOnlySpan<double> sum2)
    {
        double wholeBegin = 0, wholeEnd = 0, firstBegin = 0, firstEnd = 0, secondBegin = 0, secondEnd = 0;
        for (var i = 0; i < begin1.Length; i++)
        {
            var (whole, first, second) = (sum1[i] + sum2[i], sum1[i] + begin2[i], sum2[i] + end1[i]);
            wholeBegin += whole * begin1[i];
            wholeEnd += whole * end2[i];
            firstBegin += first * begin1[i];
            firstEnd += first * begin2[i];
            secondBegin += second * end1[i];
            secondEnd += second * end2[i];
        }

        return wholeBegin > 0 && wholeEnd > 0 && firstBegin > 0 && firstEnd > 0 && secondBegin > 0 && secondEnd > 0;
    }
}
