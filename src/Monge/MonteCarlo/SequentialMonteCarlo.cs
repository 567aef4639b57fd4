using Monge.Diagnostics;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.MonteCarlo;

/// <summary>What is fixed of a sequential Monte Carlo run.</summary>
/// <param name="Particles">Particles n, a multiple of the islands.</param>
/// <param name="Islands">Groups of particles that are resampled among themselves.</param>
/// <param name="EffectiveShare">The share of effective particles that a step of the temperature leaves.</param>
/// <param name="Moves">Moves of each particle at a temperature, at most: no more are made once they have forgotten where they were.</param>
/// <param name="TargetAcceptance">The mean acceptance that the step length is adapted to.</param>
/// <param name="TrajectoryLength">Length of a move in deviations.</param>
/// <param name="MaximumLeapfrogs">Leapfrog steps of a move at most.</param>
/// <param name="Metric">The kind of metric, not automatic.</param>
internal sealed record TemperingPlan(
    int Particles, int Islands, double EffectiveShare, int Moves, double TargetAcceptance, double TrajectoryLength, int MaximumLeapfrogs, MetricKind Metric);

/// <summary>
/// Sequential Monte Carlo from a Gaussian to a density (P. Del Moral, A. Doucet, A. Jasra, "Sequential Monte Carlo samplers", JRSS B 68 (2006)): particles at
/// base^(1 - beta) target^beta are weighted for the next beta, resampled and moved. The next beta is the one that leaves a given share of them effective (A.
/// Jasra
/// et al., "Inference for Lévy-driven stochastic volatility models via adaptive SMC", 2011; Y. Zhou et al., "Toward automatic model comparison", 2016, for the
/// conditional share), found by bisection; metric and step length follow the particles. Islands share all of this but are resampled apart, so that the
/// spread of
/// their estimates of Z is its error. With given stages nothing is adapted or resampled: annealed importance sampling (R. Neal, 2001), whose Z is unbiased.
/// </summary>
internal sealed class SequentialMonteCarlo : IDisposable
{
    private const double LeastBeta = 1e-12;
    private const double LargestStep = 1.8;
    private const double AdaptationRate = 0.7;
    private const double Forgotten = 0.1;
    private const int MostTrials = 30;
    private const int Bisections = 60;

    private readonly TemperingPlan _plan;

    // The largest of d correlations that a move may leave, and what chance makes of those that are none.
    private readonly double _forgotten;
    private readonly Func<int, RandomStream, double[]> _start;
    private readonly TemperedWalkers _walkers;
    private readonly IReadOnlyList<TemperedStage>? _given;
    private readonly List<TemperedStage> _stages = [];
    private readonly ulong _seed;
    private readonly ChainMetric _metric;
    private double _beta;
    private double _step;
    private double _leastAcceptance = 1;
    private long _moves;

    /// <param name="target">The density.</param>
    /// <param name="logBase">The log density of the base at a position [d].</param>
    /// <param name="start">Draws of the base [n * d].</param>
    /// <param name="plan">What is fixed.</param>
    /// <param name="given">Stages to go through without resampling; null for adapted ones.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="threads">Threads, 0 for all.</param>
    public SequentialMonteCarlo(
        Density target, Func<Expr, Expr> logBase, Func<int, RandomStream, double[]> start, TemperingPlan plan, IReadOnlyList<TemperedStage>? given, ulong seed,
        int threads)
    {
        (_plan, _start, _given, _seed) = (plan, start, given, seed);
        _forgotten = Forgotten + Math.Sqrt(2 * Math.Log(target.Dimension) / plan.Particles);
        _walkers = new TemperedWalkers(target.Dimension, logBase, target.LogDensity, plan.Particles, plan.Metric, seed, threads);
        (_metric, LogWeights) = (new ChainMetric(plan.Metric, target.Dimension), new double[plan.Particles]);
        _step = Math.Min(LargestStep, 1.5 * Math.Pow(target.Dimension, -0.25));
    }

    /// <summary>Positions [n, d].</summary>
    public double[] Positions => _walkers.Positions;

    /// <summary>Log-weights [n], whose log-mean-exp estimates log Z: of an island all alike, unless stages were given.</summary>
    public double[] LogWeights { get; }

    /// <summary>Evaluations of the target so far.</summary>
    public long TargetCalls => _walkers.TargetCalls;

    /// <summary>Temperatures passed.</summary>
    public int Temperatures => _given?.Count ?? _stages.Count;

    /// <summary>The stages passed, of a run that found them.</summary>
    public IReadOnlyList<TemperedStage> Stages => _stages;

    /// <summary>The lowest mean acceptance of a stage's last move.</summary>
    public double LeastAcceptance => _leastAcceptance;

    /// <summary>The exponent of the target that has been reached.</summary>
    public double Beta => _beta;

    /// <summary>Draws the particles from the base.</summary>
    /// <exception cref="DensityException">The density is zero at all of them.</exception>
    public void Start()
    {
        _start(_plan.Particles, new RandomStream(_seed, MonteCarloStreams.TemperedBase)).CopyTo(_walkers.Positions, 0);
        _walkers.Evaluate(new TemperedStage(0, _metric, 0, 0));
        if (_walkers.TargetValues.All(double.IsNegativeInfinity))
        {
            throw new DensityException($"The density is zero at all {_plan.Particles} draws from the base; suggest a base that lies where it is positive.");
        }
    }

    /// <summary>Goes on to the next temperature.</summary>
    /// <param name="iteration">Its number, from 0.</param>
    public void Step(int iteration)
    {
        if (_given is not null)
        {
            var stage = _given[iteration];
            for (var i = 0; i < LogWeights.Length; i++)
            {
                LogWeights[i] += Increment(i, stage.Beta - _beta);
            }

            _beta = stage.Beta;
            Learn(_walkers.Move(stage, (ulong)_moves++));
            return;
        }

        var next = NextBeta();
        Resample(next - _beta, iteration);
        _beta = next;
        for (var i = 0; i < _plan.Particles; i++)
        {
            _metric.Observe(_walkers.PositionOf(i));
        }

        _metric.Update();
        var acceptance = iteration == 0 ? FindStep() : 0;
        var before = (double[])_walkers.Positions.Clone();
        for (var k = 0; k < _plan.Moves; k++)
        {
            acceptance = _walkers.Move(Stage(), (ulong)_moves++);
            _step = Math.Min(LargestStep, _step * Math.Exp(AdaptationRate * (acceptance - _plan.TargetAcceptance)));
            if (LargestCorrelation(before) < _forgotten)
            {
                break;
            }
        }

        Learn(acceptance);
        _stages.Add(Stage());
    }

    /// <summary>Hands the state over to be kept, or to be filled.</summary>
    /// <param name="exchange">Reads or writes the numbers of a name.</param>
    public void Exchange(Action<string, double[]> exchange)
    {
        _walkers.Exchange(exchange);
        _metric.Exchange(exchange);
        double[] numbers = [_beta, _step, _leastAcceptance, _moves, _stages.Count];
        exchange("numbers", numbers);
        exchange("logWeights", LogWeights);
        (_beta, _step, _leastAcceptance, _moves) = (numbers[0], numbers[1], numbers[2], (long)numbers[3]);
        for (var k = 0; k < (int)numbers[4]; k++)
        {
            var stage = k < _stages.Count ? _stages[k] : new TemperedStage(0, _metric.Copy(), 0, 0);
            double[] values = [stage.Beta, stage.StepSize, stage.Leapfrogs];
            exchange(FormattableString.Invariant($"stage.{k}.numbers"), values);
            exchange(FormattableString.Invariant($"stage.{k}.factor"), stage.Metric.Factor);
            if (k == _stages.Count)
            {
                _stages.Add(new TemperedStage(values[0], stage.Metric, values[1], (int)values[2]));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _walkers.Dispose();

    private TemperedStage Stage() => new(
        _beta, _metric.Copy(), _step, (int)Math.Clamp(Math.Round(_plan.TrajectoryLength / _step), 1, _plan.MaximumLeapfrogs));

    private void Learn(double acceptance) => _leastAcceptance = Math.Min(_leastAcceptance, acceptance);

    // Where the target has no value there is no weight, whatever the exponent.
    private double Increment(int i, double change) => change * (_walkers.TargetValues[i] - _walkers.BaseValues[i]);

    private double NextBeta()
    {
        var live = Effective(LeastBeta);
        if (Effective(1 - _beta) >= _plan.EffectiveShare * live)
        {
            return 1;
        }

        var (low, high) = (0.0, 1 - _beta);
        for (var k = 0; k < Bisections; k++)
        {
            var middle = 0.5 * (low + high);
            (low, high) = Effective(middle) >= _plan.EffectiveShare * live ? (middle, high) : (low, middle);
        }

        // Densities that differ without bound have no step that is short enough.
        return _beta + Math.Max(low, LeastBeta);
    }

    // The share of effective particles that a change of beta leaves, weighted as they are.
    private double Effective(double change)
    {
        var n = LogWeights.Length;
        var (shift, sum, squares, all) = (double.NegativeInfinity, 0.0, 0.0, 0.0);
        var top = LogWeights.Max();
        for (var i = 0; i < n; i++)
        {
            shift = Math.Max(shift, Increment(i, change));
        }

        for (var i = 0; i < n; i++)
        {
            var (weight, ratio) = (Math.Exp(LogWeights[i] - top), Math.Exp(Increment(i, change) - shift));
            all += weight;
            sum += weight * ratio;
            squares += weight * ratio * ratio;
        }

        return sum > 0 ? sum * sum / (all * squares) : 0;
    }

    // Weighs each island's particles and draws them anew: the mean weight stays with the island.
    private void Resample(double change, int iteration)
    {
        var size = _plan.Particles / _plan.Islands;
        var weights = new double[size];
        for (var g = 0; g < _plan.Islands; g++)
        {
            var first = g * size;
            var top = Enumerable.Range(first, size).Max(i => Increment(i, change));
            if (double.IsNegativeInfinity(top))
            {
                Array.Fill(LogWeights, double.NegativeInfinity, first, size);
                continue;
            }

            for (var k = 0; k < size; k++)
            {
                weights[k] = Math.Exp(Increment(first + k, change) - top);
            }

            var mean = top + Math.Log(weights.Average());
            for (var k = 0; k < size; k++)
            {
                LogWeights[first + k] += mean;
            }

            var random = new RandomStream(
                unchecked(_seed ^ (0x9E3779B97F4A7C15UL * (ulong)(((long)iteration * _plan.Islands) + g + 1))), MonteCarloStreams.TemperedResampling);
            _walkers.Select([.. Resampling.Systematic(weights, size, random).Select(k => first + k)], first);
        }
    }

    // The largest correlation of a coordinate with itself at other positions of the same particles: how much of them is remembered.
    private double LargestCorrelation(double[] before)
    {
        var (now, d, n, largest) = (_walkers.Positions, before.Length / _plan.Particles, _plan.Particles, 0.0);
        for (var j = 0; j < d; j++)
        {
            double mean = 0, meanBefore = 0, square = 0, squareBefore = 0, product = 0;
            for (var i = j; i < now.Length; i += d)
            {
                mean += now[i] / n;
                meanBefore += before[i] / n;
            }

            for (var i = j; i < now.Length; i += d)
            {
                var (a, b) = (now[i] - mean, before[i] - meanBefore);
                square += a * a;
                squareBefore += b * b;
                product += a * b;
            }

            largest = Math.Max(largest, square * squareBefore > 0 ? product / Math.Sqrt(square * squareBefore) : 0);
        }

        return largest;
    }

    // Doubles or halves the step until moves are taken as often as they should; the moves made on the way are as good as others.
    private double FindStep()
    {
        var acceptance = 0.0;
        var (wasLow, wasHigh) = (false, false);
        for (var k = 0; k < MostTrials && !(wasLow && wasHigh); k++)
        {
            acceptance = _walkers.Move(Stage(), (ulong)_moves++);
            var isHigh = acceptance > _plan.TargetAcceptance;
            if (isHigh && _step >= LargestStep)
            {
                break;
            }

            (wasLow, wasHigh) = (wasLow || !isHigh, wasHigh || isHigh);
            _step = Math.Min(LargestStep, _step * (isHigh ? 1.5 : 1 / 1.5));
        }

        return acceptance;
    }
}
