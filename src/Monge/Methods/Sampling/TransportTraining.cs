using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>The training of a transport: its averaged parameters are what samples are drawn with.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal interface ITransportTraining<T> : IIterative, IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>The moving average of the parameters [P], the same array throughout.</summary>
    NdArray<T> Average { get; }

    /// <summary>Evaluations of the target so far.</summary>
    long TargetCalls { get; }

    /// <summary>The share of the points that were left out of the loss, as the density is zero or not finite there.</summary>
    double LeftOut => 0;
}

/// <summary>Where the points of a step's batch come from.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal interface IBatchSource<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Points of a step.</summary>
    int BatchSize { get; }

    /// <summary>Evaluations of the target so far, those of the points included.</summary>
    long TargetCalls { get; }

    /// <summary>Makes the inputs of the loss, which every step fills anew.</summary>
    void Bind(CompiledProgram<T> loss);

    /// <summary>Fills the inputs of a step.</summary>
    /// <param name="loss">The program.</param>
    /// <param name="parameters">The current parameters [P].</param>
    /// <param name="iteration">The step's number.</param>
    /// <param name="total">The steps of the whole training.</param>
    void Fill(CompiledProgram<T> loss, NdArray<T> parameters, long iteration, long total);

    /// <summary>Writes what is kept between two steps, or fills it.</summary>
    void Exchange(RunState state);
}

/// <summary>Points of a training at some of which the target is zero or not finite.</summary>
/// <param name="IsUsable">1 where it is finite, else 0.</param>
/// <param name="Otherwise">The share of another point in the batch's loss.</param>
internal sealed record GuardedPoints(Expr IsUsable, Expr Otherwise);

/// <summary>
/// The training of a transport by the mean of a loss over a batch of points. All random numbers are keyed by (seed, stream, step), so a resumed run repeats an
/// uninterrupted one to the bit.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class TransportTraining<T> : ITransportTraining<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const string UsableName = "usable";

    private readonly ParameterInitializer _initializer;
    private readonly IBatchSource<T> _points;
    private readonly ulong _seed;
    private readonly GradientStep<T> _step;
    private readonly OptimiserState<T> _state;
    private readonly bool _isMasked;
    private double _left;
    private double _seen;
    private long _callsBefore;

    /// <summary>Compiles the loss with its gradient.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="initializer">How they start.</param>
    /// <param name="loss">The share of one point in the batch's loss.</param>
    /// <param name="points">Fills the inputs; disposed with this.</param>
    /// <param name="options">Resolved options.</param>
    /// <param name="run">Seed and threads.</param>
    /// <param name="guarded">Which points are of use, for a target that isn't finite everywhere; null if all are.</param>
    public TransportTraining(
        ParameterSet parameters, ParameterInitializer initializer, Expr loss, IBatchSource<T> points, TrainingOptions options, Run run,
        GuardedPoints? guarded = null)
    {
        (_initializer, _points, _seed, _isMasked) = (initializer, points, run.Seed, guarded is not null);
        _step = guarded is null
            ? new GradientStep<T>(parameters, loss, points.BatchSize, options.ToStep(), run.Execution)
            : new GradientStep<T>(
                parameters, Expr.Select(guarded.IsUsable, loss, guarded.Otherwise), points.BatchSize, options.ToStep(), run.Execution, null,
                (UsableName, guarded.IsUsable.BatchSum()));
        _state = _step.NewState();
        points.Bind(_step.Program);
    }

    /// <inheritdoc/>
    public NdArray<T> Average => _state.Average;

    /// <inheritdoc/>
    public long TargetCalls => _callsBefore + _points.TargetCalls;

    /// <inheritdoc/>
    public double LeftOut => _seen > 0 ? _left / _seen : 0;

    /// <inheritdoc/>
    public void Init()
    {
        _initializer.Fill(_state.Parameters.Span, new RandomKey(_seed, TrainingStreams.Parameters));
        _state.BeginAverage();
    }

    /// <inheritdoc/>
    public StepInfo Step(long iteration, long total)
    {
        _points.Fill(_step.Program, _state.Parameters, iteration, total);
        var info = _step.Run(_state, iteration, total, new DrawKey(_seed, (ulong)iteration));
        if (_isMasked)
        {
            _seen += _points.BatchSize;
            _left += _points.BatchSize - double.CreateChecked(_step.Program[UsableName][0]);
        }

        return info;
    }

    /// <inheritdoc/>
    public void Exchange(RunState state)
    {
        state.Exchange(_state);
        _points.Exchange(state);
        var calls = TargetCalls;
        state.Exchange("targetCalls", ref calls);
        _callsBefore = calls - _points.TargetCalls;
        if (_isMasked)
        {
            state.Exchange("pointsSeen", ref _seen);
            state.Exchange("pointsLeftOut", ref _left);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _step.Dispose();
        _points.Dispose();
    }
}
