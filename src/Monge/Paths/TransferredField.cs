using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Paths;

/// <summary>
/// A velocity learned under one schedule, used under another without further training (Y. Chen, E. Vanden-Eijnden, J. Xu, arXiv:2509.01629, formula 3.1, here
/// for any two schedules without a latent variable and any base). At the time t' where beta/alpha agrees, x under the new schedule is c x under the old, c the
/// ratio of the scalars, so b(x, t) = (dt'/dt) b_old(c x, t') / c - (dc/dt) x / c.
/// </summary>
public sealed class TransferredField : IVectorField
{
    // Halvings that find t': to the last digit of a double.
    private const int Halvings = 52;

    private readonly IVectorField _learned;
    private readonly InterpolantSchedule _from;
    private readonly InterpolantSchedule _to;

    /// <summary>Makes the field.</summary>
    /// <param name="learned">The velocity under the old schedule.</param>
    /// <param name="from">The old schedule; beta/alpha must rise with time.</param>
    /// <param name="to">The new schedule.</param>
    /// <exception cref="ArgumentException">A schedule has a latent variable, which scaling alone doesn't transfer.</exception>
    public TransferredField(IVectorField learned, InterpolantSchedule from, InterpolantSchedule to)
    {
        foreach (var schedule in (InterpolantSchedule[])[from, to])
        {
            if (schedule.HasLatent)
            {
                throw new ArgumentException(
                    $"The schedule '{schedule.Name}' has a latent variable; a field can be transferred only between schedules without one.", nameof(from));
            }
        }

        (_learned, _from, _to) = (learned, from, to);
    }

    /// <inheritdoc/>
    public int Dimension => _learned.Dimension;

    /// <inheritdoc/>
    public bool HasCheapDivergence => _learned.HasCheapDivergence;

    /// <inheritdoc/>
    public Expr Apply(Expr x, Expr t)
    {
        var (clock, scale, rate, relative) = Scalars(t);
        return (rate / scale * _learned.Apply(scale * x, clock)) - (relative * x);
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t)
    {
        var (clock, scale, rate, relative) = Scalars(t);
        var (value, divergence) = _learned.WithDivergence(scale * x, clock);
        return ((rate / scale * value) - (relative * x), (rate * divergence) - (Dimension * relative));
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes)
    {
        var (clock, scale, rate, relative) = Scalars(t);
        var (value, divergences) = _learned.WithDivergenceEstimates(scale * x, clock, probes);
        return ((rate / scale * value) - (relative * x), (rate * divergences) - (Dimension * relative));
    }

    /// <summary>The time t' of the old schedule that belongs to a time of the new one.</summary>
    /// <param name="t">The time, a scalar.</param>
    public Expr OldTime(Expr t) => OldTime(_to.Alpha(t), _to.Beta(t));

    private Expr OldTime(Expr alpha, Expr beta)
    {
        if (_from.TimeOf is { } closed)
        {
            return closed(alpha, beta);
        }

        Expr low = 0;
        Expr width = 1;
        for (var k = 0; k < Halvings; k++)
        {
            width *= 0.5;
            var middle = low + width;
            low = Expr.Select((_from.Beta(middle) * alpha).LessOrEqual(_from.Alpha(middle) * beta), middle, low);
        }

        return low + (0.5 * width);
    }

    // t', c, dt'/dt and (dc/dt) / c. The angle of (alpha, beta) is the same on both clocks, and its rate is the Wronskian over the squared length.
    private (Expr Clock, Expr Scale, Expr Rate, Expr Relative) Scalars(Expr t)
    {
        var (alpha, beta, alphaRate, betaRate) = (_to.Alpha(t), _to.Beta(t), _to.AlphaRate(t), _to.BetaRate(t));
        var clock = OldTime(alpha, beta);
        var (oldAlpha, oldBeta, oldAlphaRate, oldBetaRate) = (_from.Alpha(clock), _from.Beta(clock), _from.AlphaRate(clock), _from.BetaRate(clock));
        var (sum, oldSum) = (alpha + beta, oldAlpha + oldBeta);
        var scale = oldSum / sum;
        var turning = ((betaRate * alpha) - (alphaRate * beta)) / sum.Square();
        var oldTurning = ((oldBetaRate * oldAlpha) - (oldAlphaRate * oldBeta)) / oldSum.Square();
        var rate = turning / oldTurning;
        return (clock, scale, rate, ((oldAlphaRate + oldBetaRate) / oldSum * rate) - ((alphaRate + betaRate) / sum));
    }
}
