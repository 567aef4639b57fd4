using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Training;

namespace Monge.Methods;

/// <summary>The training of one evolution: collocation points, the loss of its residuals and its gradient in one program, Adam.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class PdeTrainer<T> : ITransportTrainer<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly PdeOptions _options;
    private readonly ulong _seed;
    private readonly int _dimension;
    private readonly CompiledProgram<T> _loss;
    private readonly CollocationPoints<T> _points;

    public PdeTrainer(Density target, TransportProblem problem, PdeOptions options, ulong seed, ExecutionOptions execution)
    {
        (_options, _seed, _dimension) = (options, seed, target.Dimension);
        Networks = new PdeNetworks(target, problem, options);
        var (x, t) = (Expr.Input("x", _dimension), Expr.Input("t"));
        var share = Networks.Loss(x, t) / options.BatchSize;
        var parameters = Networks.Parameters;
        _loss = new CompiledProgram<T>(
            new TracedProgram(parameters, ("loss", share.BatchSum()), ("gradient", Derivative.ParameterGradient(share, parameters).BatchSum())), execution)
        {
            ["x"] = new NdArray<T>(options.BatchSize, _dimension),
            ["t"] = new NdArray<T>(options.BatchSize),
        };
        _points = new CollocationPoints<T>(problem, Networks.Transport, options.Collocation, seed, execution);
    }

    public PdeNetworks Networks { get; }

    public TrainedTransport Transport => Networks.Transport;

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
        _loss.Run(_options.BatchSize, new DrawKey(_seed, (ulong)iteration));
        var rate = LearningRate.WarmCosine(iteration, total, _options.LearningRate, _options.FinalLearningRateShare);
        var norm = state.Adam.Step(_loss["gradient"], rate, _options.GradientClip, _options.AverageDecay, _loss.Team);
        return new StepInfo(double.CreateChecked(_loss["loss"][0]), norm);
    }

    public void Dispose()
    {
        _loss.Dispose();
        _points.Dispose();
    }
}
