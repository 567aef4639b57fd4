using System.Numerics;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Objectives;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// The training of a trajectory-based sampler: each step draws paths, computes the loss and its gradient through them, and takes a step of Adam. All random numbers are
/// keyed by (seed, stream, optimiser step and path step), so the optimiser's state is all there is to checkpoint and a resumed run repeats an uninterrupted one to the bit.
/// </summary>
internal sealed class ControlledTrainer<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int FirstWidening = 200;
    private const int SecondWidening = 400;
    private const double Widening = 5;

    private readonly ControlledModel _model;
    private readonly ControlledOptions _options;
    private readonly ulong _seed;
    private readonly PathGradient<T> _gradient;

    public ControlledTrainer(ControlledModel model, ControlledOptions options, ulong seed, ExecutionOptions execution)
    {
        (_model, _options, _seed) = (model, options, seed);
        _gradient = new PathGradient<T>(
            model.Kernels, model.LogTarget, options.Loss, options.BatchSize, options.Segments, SamplingStreams.ControlledStart, SamplingStreams.ControlledNoise, execution);
    }

    /// <summary>Evaluations of the target that one step takes.</summary>
    public long TargetCallsPerStep => _gradient.TargetCallsPerRun;

    /// <summary>The state before the first step.</summary>
    public AdamState<T> Init()
    {
        var state = NewState();
        _model.Initializer.Fill(state.Parameters.Span, new RandomKey(_seed, TrainingStreams.Parameters));
        state.BeginAverage();
        return state;
    }

    /// <summary>A state of zeros, to be filled from a checkpoint.</summary>
    public AdamState<T> NewState() => new(_model.Parameters.Count);

    /// <summary>Takes one step of a run of a total length.</summary>
    public StepInfo Step(AdamState<T> state, long iteration, long total)
    {
        _gradient.Clip = Clip(_options.Clip, iteration);
        var loss = _gradient.Run(state.Parameters, new DrawKey(_seed, (ulong)iteration * (ulong)_options.Steps));
        var rate = LearningRate.WarmCosine(iteration, total, _options.LearningRate, _options.FinalLearningRateShare);
        return new StepInfo(loss, state.Step(_gradient.Gradient, rate, _options.GradientClip, _options.AverageDecay, _gradient.Team));
    }

    /// <summary>The bound on scores and network outputs at an iteration: narrow while the controls are wild.</summary>
    public static double Clip(double start, long iteration) =>
        start * (iteration >= FirstWidening ? Widening : 1) * (iteration >= SecondWidening ? Widening : 1);

    public void Dispose() => _gradient.Dispose();
}
