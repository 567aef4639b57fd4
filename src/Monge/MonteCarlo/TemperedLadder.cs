using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.MonteCarlo;

/// <summary>
/// Parallel tempering (C. Geyer 1991; K. Hukushima and K. Nemoto 1996): on each rung of a ladder of temperatures a walker moves at base^(1 - beta) target^beta,
/// and walkers of neighbouring rungs are swapped, even and odd pairs in turn, so that states flow up and down without turning back at random. Many ladders go
/// side by side. The rungs are put where all swaps are refused equally often. Source: S. Syed, A. Bouchard-Cote, G. Deligiannidis and A. Doucet,
/// "Non-reversible parallel tempering: a scalable highly parallel MCMC scheme", JRSS B 84 (2022): DEO scheme, communication barrier, algorithms 1 to 4.
/// </summary>
internal sealed class TemperedLadder : IDisposable
{
    private const double LargestStep = 1.8;
    private const double AdaptationRate = 0.5;

    private readonly TemperedWalkers _walkers;
    private readonly Func<int, RandomStream, double[]> _base;
    private readonly TemperingPlan _plan;
    private readonly ChainMetric[] _metrics;
    private readonly double[] _steps;
    private readonly double[] _betas;
    private readonly double[] _rejections;
    private readonly double[] _tried;
    private readonly int[] _tickets;
    private readonly bool[] _fromTop;
    private readonly ulong _seed;
    private readonly int _ladders;
    private TemperedStage[] _stages = [];
    private long _sweeps;
    private long _roundTrips;
    private double _learned;

    /// <summary>Compiles a ladder.</summary>
    /// <param name="target">The density.</param>
    /// <param name="logBase">The log density of the base at a position [d].</param>
    /// <param name="start">Draws of the base [n * d].</param>
    /// <param name="plan">What is fixed; its particles are the ladders.</param>
    /// <param name="stages">The rungs above the base, the last one at the target.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="threads">Threads, 0 for all.</param>
    public TemperedLadder(
        Density target, Func<Expr, Expr> logBase, Func<int, RandomStream, double[]> start, TemperingPlan plan, IReadOnlyList<TemperedStage> stages, ulong seed,
        int threads)
    {
        (_base, _plan, _seed, _ladders, Rungs) = (start, plan, seed, plan.Particles, stages.Count + 1);
        _walkers = new TemperedWalkers(target.Dimension, logBase, target.LogDensity, Rungs * _ladders, plan.Metric, seed, threads, _ladders);
        _metrics = [new ChainMetric(plan.Metric, target.Dimension), .. stages.Select(s => s.Metric.Copy())];
        (_steps, _betas) = ([1, .. stages.Select(s => s.StepSize)], [0, .. stages.Select(s => s.Beta)]);
        (_rejections, _tried) = (new double[Rungs - 1], new double[Rungs - 1]);
        _tickets = [.. Enumerable.Range(0, Rungs * _ladders)];
        _fromTop = new bool[Rungs * _ladders];
        SetStages();
    }

    /// <summary>Rungs K, the base's among them.</summary>
    public int Rungs { get; }

    /// <summary>The exponents [K] of the target, from 0 to 1.</summary>
    public IReadOnlyList<double> Betas => _betas;

    /// <summary>The share of the swaps [K - 1] between a rung and the next that were refused since the last <see cref="Equalise"/>.</summary>
    public double[] Rejections => [.. _rejections.Zip(_tried, (r, n) => n > 0 ? r / n : 0)];

    /// <summary>Ways of a state from the base to the target and back, in all ladders since the last <see cref="Equalise"/>.</summary>
    public long RoundTrips => _roundTrips;

    /// <summary>Evaluations of the target.</summary>
    public long TargetCalls => _walkers.TargetCalls;

    /// <summary>Leapfrog steps of a move at the target.</summary>
    public int Leapfrogs => _stages[^1].Leapfrogs;

    /// <summary>The length of a leapfrog step at the target.</summary>
    public double StepSize => _steps[^1];

    /// <summary>Puts all walkers but the base's at positions [n, d].</summary>
    public void Start(ReadOnlySpan<double> positions)
    {
        positions.CopyTo(_walkers.Positions.AsSpan(_ladders * (positions.Length / (_ladders * (Rungs - 1)))));
        _walkers.Evaluate(_stages[^1]);
    }

    /// <summary>Moves all walkers, then swaps every second pair of rungs.</summary>
    /// <param name="learns">Whether step lengths and metrics learn from it.</param>
    public void Sweep(bool learns)
    {
        var random = new RandomStream(unchecked(_seed ^ (0x9E3779B97F4A7C15UL * (ulong)(_sweeps + 1))), MonteCarloStreams.TemperedSwap);
        _base(_ladders, random).CopyTo(_walkers.Positions, 0);
        _walkers.EvaluateBlock(0, _stages[0]);
        _walkers.Move(_stages, (ulong)_sweeps);
        if (learns)
        {
            Learn();
        }

        Swap(random);
        _sweeps++;
    }

    /// <summary>The state of a ladder at a rung.</summary>
    public ReadOnlySpan<double> PositionOf(int rung, int ladder) => _walkers.PositionOf((rung * _ladders) + ladder);

    /// <summary>The target's log density of a ladder's state at a rung, the logarithm of target over base there, and what its last move did.</summary>
    public (double LogDensity, double LogRatio, double Acceptance, bool IsDivergent) ValueOf(int rung, int ladder)
    {
        var at = (rung * _ladders) + ladder;
        return (_walkers.TargetValues[at], _walkers.TargetValues[at] - _walkers.BaseValues[at], _walkers.Acceptance[at], _walkers.Divergent[at]);
    }

    /// <summary>
    /// Puts the rungs where swaps would be refused equally often, by the communication barrier that the last sweeps show: the integral of the refusals' rate,
    /// taken to be linear between two rungs. Metrics are those of the states seen since.
    /// </summary>
    /// <param name="moves">Whether rungs are moved; else only the counts begin anew.</param>
    public void Equalise(bool moves)
    {
        if (moves)
        {
            var (barrier, betas) = (new double[Rungs], (double[])_betas.Clone());
            for (var k = 1; k < Rungs; k++)
            {
                // No pair is taken to be free: a rung between two like ones is not removed, only moved.
                barrier[k] = barrier[k - 1] + Math.Max(Rejections[k - 1], 1e-3);
            }

            for (var (k, at) = (1, 1); k < Rungs - 1; k++)
            {
                var level = barrier[^1] * k / (Rungs - 1);
                while (barrier[at] < level)
                {
                    at++;
                }

                _betas[k] = betas[at - 1] + ((betas[at] - betas[at - 1]) * (level - barrier[at - 1]) / (barrier[at] - barrier[at - 1]));
            }

            foreach (var metric in _metrics.Skip(1))
            {
                metric.Update();
            }

            _learned = 0;
        }

        Array.Clear(_rejections);
        Array.Clear(_tried);
        Array.Clear(_fromTop);
        _roundTrips = 0;
        SetStages();
    }

    /// <summary>Hands the state over to be kept, or to be filled.</summary>
    /// <param name="exchange">Reads or writes the numbers of a name.</param>
    public void Exchange(Action<string, double[]> exchange)
    {
        _walkers.Exchange(exchange);
        for (var k = 0; k < Rungs; k++)
        {
            var rung = k;
            _metrics[k].Exchange((name, values) => exchange(FormattableString.Invariant($"rung.{rung}.{name}"), values));
        }

        double[] numbers = [_sweeps, _roundTrips, _learned];
        double[] tickets = [.. _tickets.Select(t => (double)t)];
        double[] fromTop = [.. _fromTop.Select(t => t ? 1.0 : 0)];
        exchange("betas", _betas);
        exchange("steps", _steps);
        exchange("rejections", _rejections);
        exchange("tried", _tried);
        exchange("numbers", numbers);
        exchange("tickets", tickets);
        exchange("fromTop", fromTop);
        (_sweeps, _roundTrips, _learned) = ((long)numbers[0], (long)numbers[1], numbers[2]);
        for (var i = 0; i < _tickets.Length; i++)
        {
            (_tickets[i], _fromTop[i]) = ((int)tickets[i], fromTop[i] == 1);
        }

        SetStages();
    }

    /// <inheritdoc/>
    public void Dispose() => _walkers.Dispose();

    private void SetStages() => _stages = [.. Enumerable.Range(0, Rungs).Select(k => new TemperedStage(
        _betas[k], _metrics[k], _steps[k], (int)Math.Clamp(Math.Round(_plan.TrajectoryLength / _steps[k]), 1, _plan.MaximumLeapfrogs)))];

    private void Learn()
    {
        _learned++;
        for (var k = 1; k < Rungs; k++)
        {
            var acceptance = _walkers.MeanAcceptance(k * _ladders, _ladders);
            for (var l = 0; l < _ladders; l++)
            {
                _metrics[k].Observe(_walkers.PositionOf((k * _ladders) + l));
            }

            _steps[k] = Math.Min(LargestStep, _steps[k] * Math.Exp(AdaptationRate / Math.Sqrt(_learned) * (acceptance - _plan.TargetAcceptance)));
        }

        SetStages();
    }

    private void Swap(RandomStream random)
    {
        for (var k = (int)(_sweeps % 2); k + 1 < Rungs; k += 2)
        {
            for (var l = 0; l < _ladders; l++)
            {
                var (low, high) = ((k * _ladders) + l, ((k + 1) * _ladders) + l);
                var log = (_betas[k + 1] - _betas[k])
                    * (_walkers.TargetValues[low] - _walkers.BaseValues[low] - _walkers.TargetValues[high] + _walkers.BaseValues[high]);
                var threshold = -random.NextExponential();
                _tried[k]++;
                _rejections[k] += log >= 0 ? 0 : double.IsNaN(log) ? 1 : 1 - Math.Exp(log);
                if (threshold < log)
                {
                    _walkers.Swap(low, high);
                    (_tickets[low], _tickets[high]) = (_tickets[high], _tickets[low]);
                }
            }
        }

        for (var l = 0; l < _ladders; l++)
        {
            _fromTop[_tickets[((Rungs - 1) * _ladders) + l]] = true;
            ref var hasBeen = ref _fromTop[_tickets[l]];
            _roundTrips += hasBeen ? 1 : 0;
            hasBeen = false;
        }
    }
}
