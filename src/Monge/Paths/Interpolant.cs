using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>What an interpolant lies between.</summary>
public enum InterpolantKind
{
    /// <summary>Any two laws: x_t = alpha x_0 + beta x_1 + gamma z.</summary>
    TwoSided,

    /// <summary>A standard Gaussian base, which is the noise itself: x_t = alpha x_0 + beta x_1 with x_0 ~ N(0, I) independent of x_1.</summary>
    OneSided,

    /// <summary>The data on both sides: x_t = x_1 + gamma z. Its ODE returns where it came from, its SDE draws anew.</summary>
    Mirror,
}

/// <summary>
/// A spatially linear stochastic interpolant and how its fields follow from one another (arXiv:2303.08797, sections 2 and 3). The velocity is b = E(dx_t/dt | x_t = x), the
/// score s = grad log rho_t, and the denoiser eta = E(noise | x_t = x) = -scale s, where noise and scale are z and gamma, or x_0 and alpha for a one-sided interpolant.
/// </summary>
/// <remarks>
/// Conversions divide by scalars of the schedule that vanish at an end; each says at which, and there it is not a number.
/// </remarks>
public sealed class Interpolant
{
    /// <summary>Makes an interpolant.</summary>
    /// <param name="schedule">The schedule; of a mirror only its gamma is used.</param>
    /// <param name="kind">What it lies between.</param>
    /// <exception cref="ArgumentException">A one-sided interpolant is given a latent variable, or a mirror none.</exception>
    public Interpolant(InterpolantSchedule schedule, InterpolantKind kind = InterpolantKind.TwoSided)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        (Schedule, Kind) = (schedule, kind);
        if (kind == InterpolantKind.OneSided && schedule.HasLatent)
        {
            throw new ArgumentException($"The schedule '{schedule.Name}' has a latent variable, but the base of a one-sided interpolant is its noise; take one without, or a two-sided interpolant.", nameof(schedule));
        }

        if (kind == InterpolantKind.Mirror && !schedule.HasLatent)
        {
            throw new ArgumentException($"The schedule '{schedule.Name}' has no latent variable, without which a mirror interpolant doesn't move.", nameof(schedule));
        }
    }

    /// <summary>The schedule.</summary>
    public InterpolantSchedule Schedule { get; }

    /// <summary>What it lies between.</summary>
    public InterpolantKind Kind { get; }

    /// <summary>Whether score and denoiser exist: there is noise with a known law.</summary>
    public bool HasScore => Kind == InterpolantKind.OneSided || Schedule.HasLatent;

    /// <summary>Whether one field gives all others: one-sided and mirror interpolants.</summary>
    public bool IsSingleField => Kind != InterpolantKind.TwoSided;

    /// <summary>x_t [d].</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x0">The base point [d]; not used by a mirror.</param>
    /// <param name="x1">The data point [d].</param>
    /// <param name="z">A standard normal draw [d]; not used without a latent variable.</param>
    public Expr At(Expr t, Expr x0, Expr x1, Expr z) => Combine(x0, x1, z, Schedule.Alpha(t), Schedule.Beta(t), Schedule.Gamma(t), 1);

    /// <summary>dx_t/dt [d].</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x0">The base point [d]; not used by a mirror.</param>
    /// <param name="x1">The data point [d].</param>
    /// <param name="z">The standard normal draw [d] of the point.</param>
    public Expr Rate(Expr t, Expr x0, Expr x1, Expr z) => Combine(x0, x1, z, Schedule.AlphaRate(t), Schedule.BetaRate(t), Schedule.GammaRate(t), 0);

    /// <summary>The scale of the noise: gamma(t), or alpha(t) for a one-sided interpolant; 0 if there is none.</summary>
    /// <param name="t">The time, a scalar.</param>
    public Expr NoiseScale(Expr t) => Kind == InterpolantKind.OneSided ? Schedule.Alpha(t) : Schedule.Gamma(t);

    /// <summary>s = -eta / scale; singular where the scale vanishes.</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="denoiser">eta [d].</param>
    public Expr ScoreFromDenoiser(Expr t, Expr denoiser) => -denoiser / RequireNoise(t);

    /// <summary>eta = -scale s; regular at all times.</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="score">s [d].</param>
    public Expr DenoiserFromScore(Expr t, Expr score) => -RequireNoise(t) * score;

    /// <summary>
    /// b from eta. One-sided: (beta'/beta) x + (alpha' - alpha beta'/beta) eta, singular at t = 0, where b is alpha'(0) x + beta'(0) E x_1. Mirror: gamma' eta.
    /// </summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="denoiser">eta [d].</param>
    /// <exception cref="InvalidOperationException">The interpolant is two-sided: the denoiser alone doesn't give the velocity.</exception>
    public Expr VelocityFromDenoiser(Expr t, Expr x, Expr denoiser)
    {
        RequireSingleField();
        if (Kind == InterpolantKind.Mirror)
        {
            return Schedule.GammaRate(t) * denoiser;
        }

        var relative = Schedule.BetaRate(t) / Schedule.Beta(t);
        return (relative * x) + ((Schedule.AlphaRate(t) - (Schedule.Alpha(t) * relative)) * denoiser);
    }

    /// <summary>b from s. One-sided: (beta'/beta) x + (alpha^2 beta'/beta - alpha alpha') s, singular at t = 0 only. Mirror: -gamma gamma' s, regular.</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="score">s [d].</param>
    /// <exception cref="InvalidOperationException">The interpolant is two-sided.</exception>
    public Expr VelocityFromScore(Expr t, Expr x, Expr score)
    {
        RequireSingleField();
        if (Kind == InterpolantKind.Mirror)
        {
            return -Schedule.GammaGammaRate(t) * score;
        }

        var relative = Schedule.BetaRate(t) / Schedule.Beta(t);
        return (relative * x) + (((Schedule.Alpha(t).Square() * relative) - Schedule.AlphaAlphaRate(t)) * score);
    }

    /// <summary>b from D = E(x_1 | x) of a one-sided interpolant: (alpha'/alpha) x + (beta' - alpha' beta / alpha) D; singular at t = 1 only.</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="data">D [d].</param>
    /// <exception cref="InvalidOperationException">The interpolant isn't one-sided.</exception>
    public Expr VelocityFromData(Expr t, Expr x, Expr data)
    {
        RequireOneSided();
        var relative = Schedule.AlphaAlphaRate(t) / Schedule.Alpha(t).Square();
        return (relative * x) + ((Schedule.BetaRate(t) - (relative * Schedule.Beta(t))) * data);
    }

    /// <summary>D = E(x_1 | x) of a one-sided interpolant from its velocity: (alpha^2 b - alpha alpha' x) / (alpha^2 beta' - alpha alpha' beta); regular up to t = 1 if alpha is.</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="velocity">b [d].</param>
    /// <exception cref="InvalidOperationException">The interpolant isn't one-sided.</exception>
    public Expr DataFromVelocity(Expr t, Expr x, Expr velocity)
    {
        RequireOneSided();
        var (square, product) = (Schedule.Alpha(t).Square(), Schedule.AlphaAlphaRate(t));
        return ((square * velocity) - (product * x)) / ((square * Schedule.BetaRate(t)) - (product * Schedule.Beta(t)));
    }

    /// <summary>
    /// eta from b. One-sided: (beta b - beta' x) / (alpha' beta - alpha beta'), regular at t = 0 where it is -x times a ratio of rates. Mirror: b / gamma'.
    /// </summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="velocity">b [d].</param>
    /// <exception cref="InvalidOperationException">The interpolant is two-sided.</exception>
    public Expr DenoiserFromVelocity(Expr t, Expr x, Expr velocity)
    {
        RequireSingleField();
        return Kind == InterpolantKind.Mirror
            ? velocity / Schedule.GammaRate(t)
            : ((Schedule.Beta(t) * velocity) - (Schedule.BetaRate(t) * x)) / ((Schedule.AlphaRate(t) * Schedule.Beta(t)) - (Schedule.Alpha(t) * Schedule.BetaRate(t)));
    }

    /// <summary>s from b, for a base's or a mirror's noise; singular at t = 1 (one-sided) or where gamma gamma' vanishes (mirror).</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="velocity">b [d].</param>
    /// <exception cref="InvalidOperationException">The interpolant is two-sided.</exception>
    public Expr ScoreFromVelocity(Expr t, Expr x, Expr velocity) => Kind == InterpolantKind.Mirror
        ? -velocity / Schedule.GammaGammaRate(t)
        : ScoreFromDenoiser(t, DenoiserFromVelocity(t, x, velocity));

    /// <summary>b = v - gamma gamma' s from v = E(alpha' x_0 + beta' x_1 | x) and the score; regular at all times.</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="drift">v [d].</param>
    /// <param name="score">s [d]; not used without a latent variable.</param>
    public Expr VelocityFromMean(Expr t, Expr drift, Expr score) => Schedule.HasLatent ? drift - (Schedule.GammaGammaRate(t) * score) : drift;

    /// <summary>v = E(alpha' x_0 + beta' x_1 | x) = b + gamma gamma' s from the velocity and the score; regular at all times.</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="velocity">b [d].</param>
    /// <param name="score">s [d]; not used without a latent variable.</param>
    public Expr MeanFromVelocity(Expr t, Expr velocity, Expr score) => Schedule.HasLatent ? velocity + (Schedule.GammaGammaRate(t) * score) : velocity;

    private Expr Combine(Expr x0, Expr x1, Expr z, Expr alpha, Expr beta, Expr gamma, Expr mirrorBeta)
    {
        if (Kind == InterpolantKind.Mirror)
        {
            return (mirrorBeta * x1) + (gamma * z);
        }

        var ends = (alpha * x0) + (beta * x1);
        return Schedule.HasLatent ? ends + (gamma * z) : ends;
    }

    private Expr RequireNoise(Expr t) => HasScore
        ? NoiseScale(t)
        : throw new InvalidOperationException($"The interpolant with schedule '{Schedule.Name}' has no noise of known law, so its score doesn't follow from a denoiser; take a schedule with a latent variable, or a one-sided interpolant.");

    private void RequireSingleField()
    {
        if (!IsSingleField)
        {
            throw new InvalidOperationException("The fields of a two-sided interpolant don't follow from one alone; learn the velocity and the score (or denoiser).");
        }
    }

    private void RequireOneSided()
    {
        if (Kind != InterpolantKind.OneSided)
        {
            throw new InvalidOperationException("Only a one-sided interpolant turns its velocity into the mean of the data and back.");
        }
    }
}
