using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.Training;

namespace Monge.Methods;

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
internal sealed class PinnTrainer<T> : ITransportTrainer<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly PinnOptions _options;
    private readonly ulong _seed;
    private readonly int _dimension;
    private readonly CompiledProgram<T> _loss;
    private readonly CollocationPoints<T> _points;

    public PinnTrainer(Density target, TransportProblem problem, PinnOptions options, ulong seed, ExecutionOptions execution)
    {
        (_options, _seed, _dimension) = (options, seed, target.Dimension);
        Networks = new PinnNetworks(_dimension, options);
        var path = problem.Path(target);
        _loss = new CompiledProgram<T>(LossProgram(path), execution)
        {
            ["x"] = new NdArray<T>(options.BatchSize!.Value, _dimension),
            ["t"] = new NdArray<T>(options.BatchSize.Value),
        };
        Transport = new TrainedTransport(path, Networks.Drift, Networks.Parameters);
        _points = new CollocationPoints<T>(problem, Transport, options.Collocation, seed, execution);
    }

    public PinnNetworks Networks { get; }

    public TrainedTransport Transport { get; }

    /// <summary>Evaluations of the target so far: one for each collocation point and each particle's step.</summary>
    public long TargetCalls => _points.TargetCalls;

    /// <summary>The state before the first step.</summary>
    public TransportState<T> Init()
    {
        var state = NewState();
        Networks.Initializer.Fill(state.Adam.Parameters.Span, new RandomKey(_seed, TrainingStreams.Parameters));
        state.Adam.BeginAverage();
        return state;
    }

    /// <summary>A state of zeros, to be filled from a checkpoint.</summary>
    public TransportState<T> NewState() => new(Networks.Parameters.Count, _points.Stored, _dimension);

    /// <summary>Takes one step of a run of a total length.</summary>
    public StepInfo Step(TransportState<T> state, long iteration, long total)
    {
        _points.Refresh(state, iteration);
        _points.Fill(_loss["x"], _loss["t"], state, iteration);
        _loss.Parameters = state.Adam.Parameters;
        _loss.Run(_options.BatchSize!.Value, new DrawKey(_seed, (ulong)iteration));
        var rate = LearningRate.WarmCosine(iteration, total, _options.LearningRate!.Value, _options.FinalLearningRateShare);
        var norm = state.Adam.Step(_loss["gradient"], rate, _options.GradientClip, _options.AverageDecay, _loss.Team);
        return new StepInfo(double.CreateChecked(_loss["loss"][0]), norm);
    }

    public void Dispose()
    {
        _loss.Dispose();
        _points.Dispose();
    }

    private TracedProgram LossProgram(Paths.AnnealingPath path)
    {
        var (x, t) = (Expr.Input("x", _dimension), Expr.Input("t"));
        var slope = Networks.LogNormaliserSlope.Apply(t)[0];
        var loss = _dimension <= _options.ExactDivergenceLimit || Networks.Drift.HasCheapDivergence
            ? ContinuityResidual.CauchyLoss(ContinuityResidual.Exact(path, Networks.Drift, slope, x, t), _options.ResidualScale!.Value)
            : ContinuityResidual.CauchyLoss(
                ContinuityResidual.Estimated(path, Networks.Drift, slope, x, t, Expr.Random(RandomLaw.Rademacher, SamplingStreams.Probes, _dimension, 2)),
                _options.ResidualScale!.Value);
        var share = loss / _options.BatchSize!.Value;
        return new TracedProgram(Networks.Parameters, ("loss", share.BatchSum()), ("gradient", Derivative.ParameterGradient(share, Networks.Parameters).BatchSum()));
    }
}
