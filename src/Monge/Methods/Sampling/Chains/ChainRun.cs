using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// Warm-up and sampling of <see cref="ChainLanes"/>. All chains share one step size and one metric, learned from all of them together: windows of growing
/// length give the metric, between two stretches of step size alone (Stan's schedule), and since a window holds the states of all chains, it may be short.
/// </summary>
internal sealed class ChainRun : IDisposable
{
    // Shares of the warm-up, and the length of the first window of the metric; Stan's are 75, 50 and 25 of 1000 transitions.
    private const double FirstShare = 0.15;
    private const double LastShare = 0.15;
    private const int FirstWindow = 25;
    private const double InitialAcceptance = 0.8;
    private const int BlockTransitions = 10;

    private readonly ChainLanes _chains;
    private readonly StepSizeAdaptation _step;
    private readonly int _warmUp;
    private readonly int _draws;
    private readonly int _thinning;
    private readonly ChainStart _start;
    private readonly double _startSpread;
    private readonly HashSet<int> _windowEnds;
    private readonly int _firstWindow;
    private readonly int _lastWindow;

    /// <param name="target">The density.</param>
    /// <param name="options">The options.</param>
    /// <param name="draws">Draws of each chain.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="threads">Threads, 0 for all.</param>
    public ChainRun(Density target, ChainOptions options, int draws, ulong seed, int threads)
    {
        _chains = new ChainLanes(
            target, options.Chains, ChainMetric.Resolve(options.Metric, target.Dimension, (long)options.Chains * options.WarmUp),
            () => options.Kernel(target.Dimension), seed, threads);
        _step = new StepSizeAdaptation(options.TargetAcceptance);
        (_warmUp, _draws, _start, _startSpread) = (options.WarmUp, draws, options.Start, options.StartSpread);
        _thinning = options.Thinning;
        (_firstWindow, _lastWindow) = ((int)(FirstShare * _warmUp), _warmUp - (int)(LastShare * _warmUp));
        _windowEnds = [.. WindowEnds(_firstWindow, _lastWindow)];
        var n = options.Chains * draws;
        (Positions, LogDensities, Energies, Acceptance) = (new double[n * target.Dimension], new double[n], new double[n], new double[n]);
        (Leapfrogs, Depths, Divergent) = (new int[n], new int[n], new bool[n]);
    }

    /// <summary>The first phase to be iterated.</summary>
    public IIterative WarmUp => new WarmUpPhase(this);

    /// <summary>The second phase, of <see cref="Blocks"/> steps.</summary>
    public IIterative Sampling => new SamplingPhase(this);

    /// <summary>Stretches in which the chains move on their own, between two checkpoints at the least.</summary>
    public int Blocks => (_draws + BlockTransitions - 1) / BlockTransitions;

    public double StepSize => _chains.StepSize;

    public long TargetCalls => _chains.TargetCalls;

    public MetricKind Metric => _chains.Metric.Kind;

    public int LostStarts => _chains.LostStarts;

    /// <summary>Draws [chains, draws, d] in unconstrained coordinates; what follows is [chains, draws].</summary>
    public double[] Positions { get; }

    public double[] LogDensities { get; }

    public double[] Energies { get; }

    public double[] Acceptance { get; }

    public int[] Leapfrogs { get; }

    public int[] Depths { get; }

    public bool[] Divergent { get; }

    /// <inheritdoc/>
    public void Dispose() => _chains.Dispose();

    // Windows double; one after which no whole window would fit goes on to the end.
    private static IEnumerable<int> WindowEnds(int first, int last)
    {
        var (end, length) = (first, FirstWindow);
        while (end < last)
        {
            end += length;
            length *= 2;
            end = end + length > last ? last : end;
            yield return end;
        }
    }

    // Doubles or halves the step until the acceptance of one step crosses a level.
    private void FindStepSize()
    {
        var step = _chains.StepSize;
        var grows = _chains.TrialAcceptance(step) > InitialAcceptance;
        for (var k = 0; k < 60; k++)
        {
            var next = grows ? 2 * step : step / 2;
            if (_chains.TrialAcceptance(next) > InitialAcceptance != grows)
            {
                step = grows ? step : next;
                break;
            }

            step = next;
        }

        _chains.StepSize = step;
        _step.Restart(step);
    }

    private void WarmUpStep(int iteration)
    {
        var x = new double[_chains.Dimension];
        _step.Learn(_chains.Advance(1, static (_, _, _) => { }));
        _chains.StepSize = _step.StepSize;
        if (iteration >= _firstWindow && iteration < _lastWindow)
        {
            for (var c = 0; c < _chains.Count; c++)
            {
                _chains.PositionOf(c, x);
                _chains.Metric.Observe(x);
            }
        }

        if (_windowEnds.Contains(iteration + 1))
        {
            _chains.UpdateMetric();
            FindStepSize();
        }

        if (iteration + 1 == _warmUp)
        {
            _chains.StepSize = _step.Average;
        }
    }

    private void SamplingStep(int block)
    {
        var (d, first) = (_chains.Dimension, block * BlockTransitions);
        _chains.Advance(_thinning * Math.Min(BlockTransitions, _draws - first), (chain, k, move) =>
        {
            // A draw tells what its own transition did, and of those before it how far they went and whether they diverged.
            var row = (chain * _draws) + first + (k / _thinning);
            Leapfrogs[row] += move.Leapfrogs;
            Divergent[row] |= move.IsDivergent;
            if ((k + 1) % _thinning == 0)
            {
                _chains.PositionOf(chain, Positions.AsSpan(row * d, d));
                (LogDensities[row], Energies[row], Acceptance[row], Depths[row]) = (move.LogDensity, move.Energy, move.Acceptance, move.Depth);
            }
        });
    }

    private sealed class WarmUpPhase(ChainRun run) : IIterative
    {
        public void Init()
        {
            run._chains.Start(run._startSpread);
            if (run._start == ChainStart.Pathfinder)
            {
                run._chains.FollowPaths();
            }

            run.FindStepSize();
        }

        public StepInfo Step(long iteration, long total)
        {
            run.WarmUpStep((int)iteration);
            return new StepInfo();
        }

        public void Exchange(RunState state)
        {
            run._chains.Exchange((name, values) => state.Exchange<double>(name, values));
            run._step.Exchange((name, values) => state.Exchange<double>(name, values));
        }
    }

    private sealed class SamplingPhase(ChainRun run) : IIterative
    {
        public void Init()
        {
        }

        public StepInfo Step(long iteration, long total)
        {
            run.SamplingStep((int)iteration);
            return new StepInfo();
        }

        public void Exchange(RunState state)
        {
            run._chains.Exchange((name, values) => state.Exchange<double>(name, values));
            state.Exchange<double>("draw.positions", run.Positions);
            state.Exchange<double>("draw.logDensities", run.LogDensities);
            state.Exchange<double>("draw.energies", run.Energies);
            state.Exchange<double>("draw.acceptance", run.Acceptance);
            state.Exchange<int>("draw.leapfrogs", run.Leapfrogs);
            state.Exchange<int>("draw.depths", run.Depths);
            var divergent = Array.ConvertAll(run.Divergent, isDivergent => isDivergent ? 1 : 0);
            state.Exchange<int>("draw.divergent", divergent);
            for (var i = 0; i < divergent.Length; i++)
            {
                run.Divergent[i] = divergent[i] == 1;
            }
        }
    }
}
