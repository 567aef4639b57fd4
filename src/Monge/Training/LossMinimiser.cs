using System.Numerics;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Training;

/// <summary>How a loss is minimised.</summary>
public sealed record LossMinimiserOptions
{
    /// <summary>Optimiser steps.</summary>
    public long Iterations { get; init; } = 5000;

    /// <summary>Samples of a step.</summary>
    public int BatchSize { get; init; } = 512;

    /// <summary>The highest learning rate; it rises over the first steps and falls along half a cosine.</summary>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>The last learning rate divided by the highest.</summary>
    public double FinalLearningRateShare { get; init; } = 0.01;

    /// <summary>The gradient is scaled down to this norm when longer.</summary>
    public double GradientClip { get; init; } = 10;

    /// <summary>Decay of the parameters' moving average.</summary>
    public double AverageDecay { get; init; } = 0.999;

    /// <summary>The random stream of the parameters' start.</summary>
    public StreamName StartStream { get; init; } = TrainingStreams.Parameters;
}

/// <summary>Minimises the batch mean of a traced loss of one sample by Adam: for losses that no method owns.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class LossMinimiser<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly LossMinimiserOptions _options;
    private readonly GradientStep<T> _step;
    private readonly ulong _seed;

    /// <summary>Compiles the loss with its gradient and draws the first parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="initializer">How they start.</param>
    /// <param name="loss">The loss of one sample, a scalar; its random leaves are drawn anew in every step.</param>
    /// <param name="options">How it is minimised.</param>
    /// <param name="seed">Seed of all random numbers.</param>
    /// <param name="execution">How to execute.</param>
    public LossMinimiser(
        ParameterSet parameters, ParameterInitializer initializer, Expr loss, LossMinimiserOptions options, ulong seed, ExecutionOptions? execution = null)
    {
        (_options, _seed) = (options, seed);
        var step = new GradientStepOptions
        {
            LearningRate = new WarmCosineRate(options.LearningRate, options.FinalLearningRateShare),
            GradientClip = options.GradientClip,
            AverageDecay = options.AverageDecay,
        };
        _step = new GradientStep<T>(parameters, loss / options.BatchSize, options.BatchSize, step, execution);
        State = _step.Init(initializer, new RandomKey(seed, options.StartStream));
    }

    /// <summary>The optimiser's state; its average is what is used after training.</summary>
    public OptimiserState<T> State { get; }

    /// <summary>The program, for binding inputs.</summary>
    public CompiledProgram<T> Program => _step.Program;

    /// <summary>Takes all steps.</summary>
    /// <param name="fill">Fills the inputs of a step of a number; null when the loss has none.</param>
    /// <param name="validate">Called at equal numbers of steps; null for nothing.</param>
    /// <param name="budget">Time of training, from which the number of steps then follows; null for the options' number.</param>
    /// <param name="progress">Receives reports.</param>
    /// <param name="cancellation">Stops after the current step.</param>
    /// <exception cref="ArithmeticException">A loss or gradient is not finite.</exception>
    public TrainingOutcome Run(
        Action<CompiledProgram<T>, long>? fill = null, Func<double>? validate = null, TimeSpan? budget = null, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        StepInfo Step(long iteration, long total)
        {
            fill?.Invoke(Program, iteration);
            return _step.Run(State, iteration, total, new DrawKey(_seed, (ulong)iteration));
        }

        var plan = new TrainingPlan { Iterations = _options.Iterations, Budget = budget };
        IReadOnlyList<Figure> Validate() => [new Figure("validation", "validation", validate!())];
        return TrainingLoop.Run(new TrainingTask(Step, validate is null ? null : Validate), plan, progress, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _step.Dispose();
}
