using Monge.Engine.Arrays;

namespace Monge.Runs;

/// <summary>The parameters with the least loss on held-out rows so far: what a fit keeps, and by which it ends early.</summary>
/// <param name="count">Number of parameters P.</param>
public sealed class BestParameters(int count)
{
    private double _loss = double.PositiveInfinity;
    private long _step;
    private int _since;

    /// <summary>The parameters [P].</summary>
    public NdArray<float> Values { get; } = new(count);

    /// <summary>Their loss; infinite before the first judgement.</summary>
    public double Loss => _loss;

    /// <summary>The steps that had been taken.</summary>
    public long Step => _step;

    /// <summary>Judgements without progress since.</summary>
    public int Since => _since;

    /// <summary>Keeps parameters if they are the best.</summary>
    /// <param name="loss">Their loss.</param>
    /// <param name="step">The steps taken.</param>
    /// <param name="parameters">The parameters [P].</param>
    public void Judge(double loss, long step, NdArray<float> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        _since++;
        if (loss < _loss)
        {
            (_loss, _step, _since) = (loss, step, 0);
            parameters.Span.CopyTo(Values.Span);
        }
    }

    /// <summary>Writes the state to a checkpoint, or fills it from one.</summary>
    /// <param name="state">The checkpoint.</param>
    public void Exchange(RunState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        state.Exchange("best", Values);
        state.Exchange("bestLoss", ref _loss);
        state.Exchange("bestStep", ref _step);
        state.Exchange("sinceBest", ref _since);
    }
}
