using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.Training;

namespace Monge.Methods;

/// <summary>All there is to checkpoint of a training: the optimiser's vectors and the stored particles.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class PinnState<T>(int parameters, int particles, int dimension)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Parameters, moments, average and the number of steps.</summary>
    public AdamState<T> Adam { get; } = new(parameters);

    /// <summary>Positions [stored times x walkers, d] of the last simulated particles, time by time.</summary>
    public NdArray<T> Particles { get; } = new(particles, dimension);
}

/// <summary>The drift and c(t) of one problem as networks, and their parameters.</summary>
internal sealed class PinnNetworks
{
    public PinnNetworks(int dimension, PinnOptions options)
    {
        Drift = options.Network == NetworkChoice.Separable
            ? new SiteNetwork(Parameters, Initializer, dimension, new SiteNetworkOptions { Width = options.Width!.Value, Depth = options.Depth!.Value })
            : new DriftNetwork(Parameters, Initializer, dimension, options.Width!.Value, options.Depth!.Value);
        LogNormaliserSlope = new TimeNetwork(Parameters, Initializer, "logNormaliserSlope", 1, 32);
    }

    public ParameterSet Parameters { get; } = new();

    public ParameterInitializer Initializer { get; } = new();

    public IVectorField Drift { get; }

    public TimeNetwork LogNormaliserSlope { get; }
}

/// <summary>
/// The training of the neural PDE transport. A step: collocation points (stratified times; positions from the stored particles, moved to nearby times, and from
/// interpolated boxes), the Cauchy loss of the continuity residual and its gradient in one program, Adam. Every so many steps the particles are simulated anew
/// with the current drift. All random numbers are keyed by (seed, stream, step), so a resumed run repeats an uninterrupted one to the bit.
/// </summary>
internal sealed class PinnTrainer<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const double WalkerLangevinStep = 0.1;
    private const int MaximumSegments = 32;

    // A particle this far out in units of the base is lost; it is put back on the base's draw.
    private const double LostAt = 100;

    private readonly TransportProblem _problem;
    private readonly PinnOptions _options;
    private readonly ulong _seed;
    private readonly int _dimension;
    private readonly int _segments;
    private readonly CompiledProgram<T> _loss;
    private readonly TransportSde<T> _sde;
    private readonly SdeGrid<T>[] _grids;
    private long _points;

    public PinnTrainer(Density target, TransportProblem problem, PinnOptions options, ulong seed, ExecutionOptions execution)
    {
        (_problem, _options, _seed, _dimension) = (problem, options, seed, target.Dimension);
        Networks = new PinnNetworks(_dimension, options);
        var path = problem.Path(target);
        _segments = Math.Min(MaximumSegments, options.WalkerSteps);
        _loss = new CompiledProgram<T>(LossProgram(path), execution)
        {
            ["x"] = new NdArray<T>(options.BatchSize!.Value, _dimension),
            ["t"] = new NdArray<T>(options.BatchSize.Value),
        };
        _sde = new TransportSde<T>(path, Networks.Parameters, Networks.Drift, SdeScheme.EulerMaruyama, options.Walkers, RandomStreams.WalkerStart, RandomStreams.WalkerNoise, execution);
        _grids = new SdeGrid<T>[_segments];
        for (var s = 0; s < _segments; s++)
        {
            var (first, end) = (SegmentStart(s), SegmentStart(s + 1));
            _grids[s] = new SdeGrid<T>(first, end - first, options.WalkerSteps, (t, next) => problem.Diffusion(WalkerLangevinStep, t, next));
        }
    }

    public PinnNetworks Networks { get; }

    /// <summary>Evaluations of the target so far: one for each collocation point and each particle's step.</summary>
    public long TargetCalls => _sde.TargetCalls + _points;

    /// <summary>The state before the first step.</summary>
    public PinnState<T> Init()
    {
        var state = NewState();
        Networks.Initializer.Fill(state.Adam.Parameters.Span, new RandomKey(_seed, RandomStreams.Parameters));
        state.Adam.BeginAverage();
        return state;
    }

    /// <summary>A state of zeros, to be filled from a checkpoint.</summary>
    public PinnState<T> NewState() => new(Networks.Parameters.Count, (_segments + 1) * _options.Walkers, _dimension);

    /// <summary>Takes one step of a run of a total length.</summary>
    public StepInfo Step(PinnState<T> state, long iteration, long total)
    {
        if (iteration % _options.RefreshInterval == 0)
        {
            Refresh(state, iteration);
        }

        FillBatch(state, iteration);
        _loss.Parameters = state.Adam.Parameters;
        _loss.Run(_options.BatchSize!.Value, new DrawKey(_seed, (ulong)iteration));
        _points += _options.BatchSize.Value;
        var rate = LearningRate.WarmCosine(iteration, total, _options.LearningRate!.Value, _options.FinalLearningRateShare);
        var norm = state.Adam.Step(_loss["gradient"], rate, _options.GradientClip, _options.AverageDecay, _loss.Team);
        return new StepInfo(double.CreateChecked(_loss["loss"][0]), norm);
    }

    public void Dispose()
    {
        _loss.Dispose();
        _sde.Dispose();
    }

    private int SegmentStart(int segment) => (int)((long)segment * _options.WalkerSteps / _segments);

    private TracedProgram LossProgram(Paths.AnnealingPath path)
    {
        var (x, t) = (Expr.Input("x", _dimension), Expr.Input("t"));
        var slope = Networks.LogNormaliserSlope.Apply(t)[0];
        var loss = _dimension <= _options.ExactDivergenceLimit || Networks.Drift.HasCheapDivergence
            ? ContinuityResidual.CauchyLoss(ContinuityResidual.Exact(path, Networks.Drift, slope, x, t), _options.ResidualScale!.Value)
            : ContinuityResidual.CauchyLoss(
                ContinuityResidual.Estimated(path, Networks.Drift, slope, x, t, Expr.Random(RandomLaw.Rademacher, RandomStreams.Probes, _dimension, 2)),
                _options.ResidualScale!.Value);
        var share = loss / _options.BatchSize!.Value;
        return new TracedProgram(Networks.Parameters, ("loss", share.BatchSum()), ("gradient", Derivative.ParameterGradient(share, Networks.Parameters).BatchSum()));
    }

    // Simulates the particles with the current parameters and stores them at the segments' ends.
    private void Refresh(PinnState<T> state, long iteration)
    {
        var n = _options.Walkers;
        var first = (ulong)(iteration / _options.RefreshInterval) * (ulong)_options.WalkerSteps;
        var draw = new DrawKey(_seed, first);
        _sde.Start(state.Adam.Parameters, n, draw);
        Store(state, 0);
        for (var s = 0; s < _segments; s++)
        {
            _sde.Advance(state.Adam.Parameters, n, _grids[s], draw with { Step = first + (ulong)SegmentStart(s) });
            Store(state, s + 1);
        }
    }

    private void Store(PinnState<T> state, int slot)
    {
        var n = _options.Walkers;
        for (var i = 0; i < n; i++)
        {
            var from = _sde.Positions.Row(i);
            var lost = false;
            foreach (var z in from)
            {
                lost |= !(T.Abs(z) < T.CreateChecked(LostAt));
            }

            (lost ? state.Particles.Row(i) : from).CopyTo(state.Particles.Row((slot * n) + i));
        }
    }

    private void FillBatch(PinnState<T> state, long iteration)
    {
        const double unit = 1 / 4294967296.0;
        var n = _options.BatchSize!.Value;
        var key = new RandomKey(_seed, RandomStreams.Batch).PhiloxKey;
        var (x, t) = (_loss["x"], _loss["t"]);
        for (var i = 0; i < n; i++)
        {
            var (time, walker, kind, _) = Philox.Block(key, (ulong)iteration, (ulong)i, 0);
            var at = (i + ((time + 0.5) * unit)) / n;
            t[i] = T.CreateChecked(at);
            var row = x.Row(i);
            if (kind * unit >= _options.BoxShare!.Value)
            {
                // The stored time nearest to t: at most half a segment away, so the point is near the particles' law at t.
                var slot = (int)Math.Round(at * _segments);
                state.Particles.Row((slot * _options.Walkers) + (int)(walker * unit * _options.Walkers)).CopyTo(row);
                continue;
            }

            for (var j = 0; j < row.Length; j++)
            {
                var half = ((1 - at) * _options.BoxHalfWidth) + (at * _problem.TargetBox[j]);
                var (word, _, _, _) = Philox.Block(key, (ulong)iteration, (ulong)i, (uint)(j + 1));
                row[j] = T.CreateChecked(half * ((2 * (word + 0.5) * unit) - 1));
            }
        }
    }
}
