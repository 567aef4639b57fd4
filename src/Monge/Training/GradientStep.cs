using System.Numerics;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;

namespace Monge.Training;

/// <summary>How a step follows the gradient.</summary>
public sealed record GradientStepOptions
{
    /// <summary>How parameters follow their gradient.</summary>
    public Optimiser Optimiser { get; init; } = new Adam();

    /// <summary>The learning rate's schedule.</summary>
    public LearningRate LearningRate { get; init; } = new WarmCosineRate(2e-3);

    /// <summary>Lowers the learning rate while the loss stands still; null never does.</summary>
    public Plateau? Plateau { get; init; }

    /// <summary>The gradient is scaled down to this norm when longer; infinite for never.</summary>
    public double GradientClip { get; init; } = 10;

    /// <summary>Decay of the parameters' moving average, which is used after training; it is smaller in the first steps.</summary>
    public double AverageDecay { get; init; } = 0.999;
}

/// <summary>
/// One step of training: a traced loss with its gradient in one program, then the optimiser. It has no state of its own: <see cref="OptimiserState{T}"/> is all there is to
/// checkpoint. A step allocates nothing, and its result is the same to the bit for any number of threads.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class GradientStep<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly ParameterSet _parameters;
    private readonly GradientStepOptions _options;

    /// <summary>Compiles the loss with its gradient.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="share">One sample's share of the loss, a scalar: the loss is the sum over the batch. Its random leaves are drawn anew in every step.</param>
    /// <param name="batchSize">Samples of a step.</param>
    /// <param name="options">How it follows the gradient.</param>
    /// <param name="execution">How to execute.</param>
    /// <param name="further">Further outputs of the program.</param>
    public GradientStep(
        ParameterSet parameters, Expr share, int batchSize, GradientStepOptions options, ExecutionOptions? execution = null, params (string Name, Expr Value)[] further)
    {
        (_parameters, _options, BatchSize) = (parameters, options, batchSize);
        (string, Expr)[] own = [("loss", share.BatchSum()), ("gradient", Derivative.ParameterGradient(share, parameters).BatchSum())];
        Program = new CompiledProgram<T>(new TracedProgram(parameters, [.. own, .. further]), execution);
    }

    /// <summary>The program, for binding inputs: outputs "loss", "gradient" and the further ones.</summary>
    public CompiledProgram<T> Program { get; }

    /// <summary>Samples of a step.</summary>
    public int BatchSize { get; }

    /// <summary>The state before the first step.</summary>
    /// <param name="initializer">How the parameters start.</param>
    /// <param name="key">The stream to draw them from.</param>
    public OptimiserState<T> Init(ParameterInitializer initializer, RandomKey key)
    {
        var state = NewState();
        initializer.Fill(state.Parameters.Span, key);
        state.BeginAverage();
        return state;
    }

    /// <summary>A state of zeros, to be filled.</summary>
    public OptimiserState<T> NewState() => new(_parameters, _options);

    /// <summary>Takes one step of a run of a total length.</summary>
    /// <param name="state">The state.</param>
    /// <param name="iteration">The step, from 0.</param>
    /// <param name="total">Steps of the whole run.</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <returns>The loss, and the gradient's norm before clipping; if that isn't finite, nothing was changed.</returns>
    public StepInfo Run(OptimiserState<T> state, long iteration, long total, DrawKey draw)
    {
        Program.Parameters = state.Parameters;
        Program.Run(BatchSize, draw);
        return state.Step(Program["gradient"], double.CreateChecked(Program["loss"][0]), iteration, total, Program.Team);
    }

    /// <inheritdoc/>
    public void Dispose() => Program.Dispose();
}
