using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;

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

    /// <summary>The gradient is scaled down to this norm when longer; infinite for never. Above 0.</summary>
    public double GradientClip { get; init; } = 10;

    /// <summary>Decay of the parameters' moving average, which is used after training, in [0, 1); it is smaller in the first steps.</summary>
    public double AverageDecay { get; init; } = 0.999;

    /// <summary>Decays of further moving averages, each in [0, 1).</summary>
    public IReadOnlyList<double> FurtherAverageDecays { get; init; } = [];

    /// <summary>Sets to which parameters return after each step, in this order; averages follow what has returned.</summary>
    public IReadOnlyList<Projection> Projections { get; init; } = [];

    internal void Check()
    {
        var numbers = Optimiser.At(1, 1);
        if (!(numbers.FirstDecay is >= 0 and < 1 && numbers.SecondDecay is >= 0 and < 1))
        {
            throw new ArgumentException($"The decays {numbers.FirstDecay} and {numbers.SecondDecay} of {Optimiser} must be at least 0 and below 1.");
        }

        if (!(GradientClip > 0) || !FurtherAverageDecays.Prepend(AverageDecay).All(d => d is >= 0 and < 1))
        {
            throw new ArgumentException($"The gradient's clip {GradientClip} must be above 0 and the averages' decays at least 0 and below 1.");
        }
    }
}

/// <summary>
/// One step of training: a traced loss with its gradient in one program, then the optimiser. It has no state of its own: <see cref="OptimiserState{T}"/> is
/// all there is to
/// checkpoint. A step allocates nothing, and its result is the same to the bit for any number of threads.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class GradientStep<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly ParameterBlock[] _moving;
    private readonly GradientStepOptions _options;
    private readonly bool _isPart;

    /// <summary>Compiles the loss with its gradient.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="share">One sample's share of the loss, a scalar: the loss is the sum over the batch. Its random leaves are drawn anew in every
    /// step.</param>
    /// <param name="batchSize">Samples of a step.</param>
    /// <param name="options">How it follows the gradient.</param>
    /// <param name="execution">How to execute.</param>
    /// <param name="moves">Which blocks move, by name; the others are read from <see cref="Values"/>. Null moves all.</param>
    /// <param name="further">Further outputs of the program.</param>
    public GradientStep(
        ParameterSet parameters,
        Expr share,
        int batchSize,
        GradientStepOptions options,
        ExecutionOptions? execution = null,
        Predicate<string>? moves = null,
        params (string Name, Expr Value)[] further)
    {
        (_options, _isPart, BatchSize, Values) = (options, moves is not null, batchSize, new NdArray<T>(parameters.Count));
        _moving = [.. parameters.Blocks.Where(b => moves?.Invoke(b.Name) ?? true)];
        var loss = share.BatchSum();
        var gradient = Expr.Concat(0, [.. Derivative.Gradients(share, [.. _moving.Select(b => b.Value)]).Select(g => g.Reshape(g.Size))]).BatchSum();
        Program = new CompiledProgram<T>(new TracedProgram(parameters, [("loss", loss), ("gradient", gradient), .. further]), execution);
    }

    /// <summary>The program, for binding inputs: outputs "loss", "gradient" and the further ones.</summary>
    public CompiledProgram<T> Program { get; }

    /// <summary>Samples of a step.</summary>
    public int BatchSize { get; }

    /// <summary>
    /// All parameters [P], when only some of them move: a step reads the others here and writes those that move. Assign one array to several steps that take
    /// turns, as the
    /// two players of a saddle do. Unused when all move.
    /// </summary>
    public NdArray<T> Values { get; set; }

    /// <summary>The state before the first step.</summary>
    /// <param name="initializer">How the parameters start.</param>
    /// <param name="key">The stream to draw them from.</param>
    public OptimiserState<T> Init(ParameterInitializer initializer, RandomKey key)
    {
        var state = NewState();
        initializer.Fill(_isPart ? Values.Span : state.Parameters.Span, key);
        if (_isPart)
        {
            Exchange(state.Parameters, toState: true);
        }

        state.BeginAverage();
        return state;
    }

    /// <summary>A state of zeros, to be filled.</summary>
    public OptimiserState<T> NewState() => new(_moving, _options);

    /// <summary>Takes one step of a run of a total length.</summary>
    /// <param name="state">The state.</param>
    /// <param name="iteration">The step, from 0.</param>
    /// <param name="total">Steps of the whole run.</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <returns>The loss, and the gradient's norm before clipping; if that isn't finite, nothing was changed.</returns>
    public StepInfo Run(OptimiserState<T> state, long iteration, long total, DrawKey draw)
    {
        Publish(state);
        Program.Parameters = _isPart ? Values : state.Parameters;
        Program.Run(BatchSize, draw);
        var info = state.Step(Program["gradient"], double.CreateChecked(Program["loss"][0]), iteration, total, Program.Team);
        Publish(state);
        return info;
    }

    /// <inheritdoc/>
    public void Dispose() => Program.Dispose();

    private void Publish(OptimiserState<T> state)
    {
        if (_isPart)
        {
            Exchange(state.Parameters, toState: false);
        }
    }

    // Copies the blocks that move between their state and all parameters.
    private void Exchange(NdArray<T> moving, bool toState)
    {
        var at = 0;
        foreach (var block in _moving)
        {
            var part = moving.Span.Slice(at, block.Shape.Size);
            var whole = Values.Span.Slice(block.Offset, block.Shape.Size);
            (toState ? whole : part).CopyTo(toState ? part : whole);
            at += block.Shape.Size;
        }
    }
}
