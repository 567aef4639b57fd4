using Monge.MonteCarlo;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// Warm-up and sampling of a <see cref="TemperedLadder"/>: in rounds of growing length rungs are put where swaps are refused equally often, and step sizes and
/// metrics learned; then all of it stays.
/// </summary>
internal sealed class TemperedRun
{
    private const int FirstRound = 10;

    // The last stretch of the warm-up, in which rungs and metrics stay and only step sizes are learned.
    private const double LastShare = 0.15;

    private readonly TemperedLadder _ladder;
    private readonly int _warmUp;
    private readonly int _thinning;
    private readonly int _draws;
    private readonly int _chains;
    private readonly double[] _starts;
    private readonly HashSet<int> _roundEnds = [];

    /// <param name="ladder">The ladder.</param>
    /// <param name="options">The options.</param>
    /// <param name="draws">Draws of each chain.</param>
    /// <param name="dimension">d.</param>
    /// <param name="starts">Where walkers start [rungs - 1, chains, d].</param>
    public TemperedRun(TemperedLadder ladder, PtOptions options, int draws, int dimension, double[] starts)
    {
        (_ladder, _warmUp, _thinning, _draws, _chains, _starts) = (ladder, options.WarmUp, options.Thinning, draws, options.Chains, starts);
        var last = _warmUp - (int)(LastShare * _warmUp);
        for (var (end, length) = (FirstRound, FirstRound); end <= last; end += length)
        {
            length = end + (3 * length) > last ? Math.Max(1, last - end) : 2 * length;
            _roundEnds.Add(end);
            if (end == last)
            {
                break;
            }
        }

        var n = _chains * draws;
        (Positions, LogDensities, Acceptance, Divergent) = (new double[n * dimension], new double[n], new double[n], new int[n]);
        Ratios = new double[ladder.Rungs * n];
    }

    /// <summary>The first phase to be iterated, of as many steps as there are sweeps in the warm-up.</summary>
    public IIterative WarmUp => new Phase(this, true);

    /// <summary>The second phase, a draw of each chain in a step.</summary>
    public IIterative Sampling => new Phase(this, false);

    /// <summary>Draws [chains, draws, d] at the target in unconstrained coordinates; what follows is [chains, draws].</summary>
    public double[] Positions { get; }

    /// <summary>The target's log density.</summary>
    public double[] LogDensities { get; }

    /// <summary>The acceptance of the last move at the target.</summary>
    public double[] Acceptance { get; }

    /// <summary>1 where its energy grew beyond bounds.</summary>
    public int[] Divergent { get; }

    /// <summary>The logarithm of target over base at each rung [rungs, chains, draws].</summary>
    public double[] Ratios { get; }

    private void Draw(int draw)
    {
        for (var t = 0; t < _thinning; t++)
        {
            _ladder.Sweep(false);
        }

        var (d, n) = (Positions.Length / LogDensities.Length, LogDensities.Length);
        for (var c = 0; c < _chains; c++)
        {
            var row = (c * _draws) + draw;
            _ladder.PositionOf(_ladder.Rungs - 1, c).CopyTo(Positions.AsSpan(row * d, d));
            (LogDensities[row], _, Acceptance[row], var isDivergent) = _ladder.ValueOf(_ladder.Rungs - 1, c);
            Divergent[row] = isDivergent ? 1 : 0;
            for (var k = 0; k < _ladder.Rungs; k++)
            {
                Ratios[(k * n) + row] = _ladder.ValueOf(k, c).LogRatio;
            }
        }
    }

    private sealed class Phase(TemperedRun run, bool isWarmUp) : IIterative
    {
        public void Init()
        {
            if (isWarmUp)
            {
                run._ladder.Start(run._starts);
            }
        }

        public StepInfo Step(long iteration, long total)
        {
            if (!isWarmUp)
            {
                run.Draw((int)iteration);
                return new StepInfo();
            }

            run._ladder.Sweep(true);
            if (run._roundEnds.Contains((int)iteration + 1) || iteration + 1 == run._warmUp)
            {
                run._ladder.Equalise(iteration + 1 < run._warmUp);
            }

            return new StepInfo();
        }

        public void Exchange(RunState state)
        {
            run._ladder.Exchange((name, values) => state.Exchange<double>(name, values));
            if (!isWarmUp)
            {
                state.Exchange<double>("draw.positions", run.Positions);
                state.Exchange<double>("draw.logDensities", run.LogDensities);
                state.Exchange<double>("draw.acceptance", run.Acceptance);
                state.Exchange<int>("draw.divergent", run.Divergent);
                state.Exchange<double>("draw.ratios", run.Ratios);
            }
        }
    }
}
