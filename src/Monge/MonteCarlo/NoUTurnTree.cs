using Monge.Engine.Random;

namespace Monge.MonteCarlo;

/// <summary>A point of phase space: position z, momentum p and the gradient of the log density by z, each [d].</summary>
internal readonly ref struct PhasePoint(Span<double> position, Span<double> momentum, Span<double> gradient)
{
    public Span<double> Position { get; } = position;

    public Span<double> Momentum { get; } = momentum;

    public Span<double> Gradient { get; } = gradient;

    public void CopyTo(PhasePoint other)
    {
        Position.CopyTo(other.Position);
        Momentum.CopyTo(other.Momentum);
        Gradient.CopyTo(other.Gradient);
    }
}

/// <summary>What one transition of a chain did.</summary>
/// <param name="LogDensity">The log density at the new state.</param>
/// <param name="Energy">The Hamiltonian of the trajectory's start.</param>
/// <param name="Acceptance">Mean Metropolis acceptance over the trajectory.</param>
/// <param name="Leapfrogs">Leapfrog steps.</param>
/// <param name="Depth">Doublings of the trajectory.</param>
/// <param name="IsDivergent">Whether the energy error grew beyond bounds.</param>
internal readonly record struct ChainMove(double LogDensity, double Energy, double Acceptance, int Leapfrogs, int Depth, bool IsDivergent);

/// <summary>
/// One chain of the no-U-turn sampler, as a machine that is fed leapfrog steps one by one, so that many chains share each evaluation of the density:
/// trajectories double in a random direction of time until they turn back on themselves; states are drawn from a trajectory with weights exp(-H), newer
/// halves preferred; a turn is looked for in each subtree and across the two halves of each. Coordinates are those in which the kinetic energy is |p|^2 / 2.
/// </summary>
/// <remarks>
/// Sources: M. Hoffman and A. Gelman, "The No-U-Turn Sampler", JMLR 15 (2014); M. Betancourt, "A Conceptual Introduction to Hamiltonian Monte Carlo",
/// arXiv:1701.02434, appendix A (multinomial draws); the checks across halves are those of Stan from 2.21 on. A subtree is built like a binary counter: a half
/// waits at its level for the other one.
/// </remarks>
internal sealed class NoUTurnTree
{
    /// <summary>An energy error beyond which a trajectory has diverged.</summary>
    public const double MostEnergyError = 1000;

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

    // The chain's position and gradient, the two ends of the trajectory, the momentum at the end that is left behind and the sum over the trajectory.
    private readonly double[] _states;
    private double _energy;
    private double _logWeight;
    private double _sumAcceptance;
    private int _leapfrogs;
    private int _depth;
    private int _leaf;
    private bool _isForward;

    /// <param name="dimension">d.</param>
    /// <param name="maximumDepth">Doublings of a trajectory at most, at least 1.</param>
    public NoUTurnTree(int dimension, int maximumDepth)
    {
        (_dimension, _maximumDepth) = (dimension, maximumDepth);
        var slots = maximumDepth + 1;
        _memory = new double[slots * Fields * dimension];
        _slots = [.. Enumerable.Range(0, slots)];
        int[] Places(int field) => [.. Enumerable.Range(0, slots).Select(s => ((s * Fields) + field) * dimension)];
        (_begin, _end, _sum, _position, _gradient) = (Places(0), Places(1), Places(2), Places(3), Places(4));
        (_logWeights, _logDensities) = (new double[slots], new double[slots]);
        _states = new double[10 * dimension];
    }

    /// <summary>The chain's position [d].</summary>
    public Span<double> Position => _states.AsSpan(0, _dimension);

    /// <summary>The gradient there [d].</summary>
    public Span<double> Gradient => _states.AsSpan(_dimension, _dimension);

    /// <summary>The log density there.</summary>
    public double LogDensity { get; set; }

    /// <summary>The Hamiltonian at the start of the transition.</summary>
    public double Energy => _energy;

    private PhasePoint Backward => new(State(2), State(3), State(4));

    private PhasePoint Forward => new(State(5), State(6), State(7));

    private Span<double> LeftMomentum => State(8);

    private Span<double> TotalMomentum => State(9);

    private ref int AtHand => ref _slots[^1];

    /// <summary>Begins a transition from the chain's position with fresh momenta.</summary>
    /// <param name="random">The chain's random numbers.</param>
    /// <param name="point">Receives the point from which the first step starts.</param>
    /// <returns>The direction of time: 1 or -1.</returns>
    public int Begin(RandomStream random, PhasePoint point)
    {
        var square = 0.0;
        foreach (ref var p in point.Momentum)
        {
            p = random.NextNormal();
            square += p * p;
        }

        Position.CopyTo(point.Position);
        Gradient.CopyTo(point.Gradient);
        point.CopyTo(Backward);
        point.CopyTo(Forward);
        point.Momentum.CopyTo(TotalMomentum);
        (_energy, _logWeight, _sumAcceptance, _leapfrogs, _depth) = ((0.5 * square) - LogDensity, 0, 0, 0, 0);
        return Extend(random, point);
    }

    /// <summary>Takes in a leapfrog step.</summary>
    /// <param name="random">The chain's random numbers.</param>
    /// <param name="point">The point after the step; receives the one from which the next starts.</param>
    /// <param name="logDensity">The log density there.</param>
    /// <param name="kinetic">|p|^2 / 2 there.</param>
    /// <param name="move">What the transition did, if it has ended.</param>
    /// <returns>The direction of the next step; 0 at the end of the transition.</returns>
    public int Advance(RandomStream random, PhasePoint point, double logDensity, double kinetic, out ChainMove move)
    {
        var error = kinetic - logDensity - _energy;
        error = double.IsNaN(error) ? double.PositiveInfinity : error;
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
        move = new ChainMove(LogDensity, _energy, _sumAcceptance / _leapfrogs, _leapfrogs, _depth, isDivergent);
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
