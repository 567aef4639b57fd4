using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>What an interpolant lies between.</summary>
public enum InterpolantKind
{
    /// <summary>
    /// Left to the method: one-sided for a Gaussian base drawn independently of the data, else two-sided. An <see cref="Interpolant"/> is one of the others.
    /// </summary>
    Automatic,

    /// <summary>Any two laws: x_t = alpha x_0 + beta x_1 + gamma z.</summary>
    TwoSided,

    /// <summary>
    /// A standard Gaussian base, which is the noise itself: x_t = scale x_0 + beta x_1 with x_0 ~ N(0, I) independent of x_1. A latent variable and the base
    /// are one noise of scale sqrt(alpha^2 + gamma^2).
    /// </summary>
    OneSided,

    /// <summary>The data on both sides: x_t = x_1 + gamma z. Its ODE returns where it came from, its SDE draws anew.</summary>
    Mirror,
}

/// <summary>
/// A spatially linear stochastic interpolant and how its fields follow from one another (arXiv:2303.08797, sections 2 and 3). The velocity is
/// b = E(dx_t/dt | x_t = x), the score s = grad log rho_t, and the denoiser eta = E(noise | x_t = x) = -scale s, where noise and scale are z and gamma,
/// or for a one-sided interpolant x_0 and sqrt(alpha^2 + gamma^2).
/// </summary>
/// <remarks>
/// Conversions divide by scalars of the schedule that vanish at an end; each says at which, and there it is not a number.
/// </remarks>
public sealed class Interpolant
{
    /// <summary>Makes an interpolant.</summary>
    /// <param name="schedule">The schedule; of a mirror only its gamma is used.</param>
    /// <param name="kind">What it lies between.</param>
    /// <exception cref="ArgumentException">A mirror has no latent variable, or the kind is left open.</exception>
    public Interpolant(InterpolantSchedule schedule, InterpolantKind kind = InterpolantKind.TwoSided)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        (Schedule, Kind) = (schedule, kind);
        if (kind == InterpolantKind.Automatic)
        {
            throw new ArgumentException("An interpolant is two-sided, one-sided or a mirror; which, depends on base and pairs.", nameof(kind));
        }

        if (kind == InterpolantKind.Mirror && !schedule.HasLatent)
        {
            throw new ArgumentException(
                $"The schedule '{schedule.Name}' has no latent, without which a mirror interpolant doesn't move; choose one with a latent, such as "
                + "linear-latent.");
        }
    }

    /// <summary>The schedule.</summary>
    public InterpolantSchedule Schedule { get; }

    /// <summary>What it lies between.</summary>
    public InterpolantKind Kind { get; }

    /// <summary>Whether score and denoiser exist: there is noise with a known law.</summary>
    public bool HasScore => Kind == InterpolantKind.OneSided || Schedule.HasLatent;

    /// <summary>Whether there is a latent variable beside both ends.</summary>
    public bool HasLatent => Kind != InterpolantKind.OneSided && Schedule.HasLatent;

    /// <summary>Whether one field gives all others: one-sided and mirror interpolants.</summary>
    public bool IsSingleField => Kind != InterpolantKind.TwoSided;

    /// <summary>x_t [d].</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x0">The base point [d]; not used by a mirror.</param>
    /// <param name="x1">The data point [d].</param>
    /// <param name="z">A standard normal draw [d]; not used without a latent variable.</param>
    public Expr At(Expr t, Expr x0, Expr x1, Expr z) => (Alpha(t) * x0) + (Beta(t) * x1) + (NoiseScale(t) * Noise(x0, z));

    /// <summary>dx_t/dt [d].</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x0">The base point [d]; not used by a mirror.</param>
    /// <param name="x1">The data point [d].</param>
    /// <param name="z">The standard normal draw [d] of the point.</param>
    public Expr Rate(Expr t, Expr x0, Expr x1, Expr z) => MeanRate(t, x0, x1) + (NoiseRate(t) * Noise(x0, z));

    /// <summary>dx_t/dt without the noise's part [d]: alpha' x_0 + beta' x_1, of a one-sided interpolant beta' x_1, of a mirror 0.</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x0">The base point [d]; used by a two-sided interpolant only.</param>
    /// <param name="x1">The data point [d].</param>
    public Expr MeanRate(Expr t, Expr x0, Expr x1) => (AlphaRate(t) * x0) + (BetaRate(t) * x1);

    /// <summary>What plays the noise: the base point of a one-sided interpolant, else the latent draw.</summary>
    /// <param name="x0">The base point [d].</param>
    /// <param name="z">The latent draw [d].</param>
    public Expr Noise(Expr x0, Expr z) => Kind == InterpolantKind.OneSided ? x0 : z;

    /// <summary>The weight of a base point that isn't the noise: alpha(t) of a two-sided interpolant, else 0.</summary>
    /// <param name="t">The time, a scalar.</param>
    public Expr Alpha(Expr t) => Kind == InterpolantKind.TwoSided ? Schedule.Alpha(t) : 0;

    /// <summary>Its rate.</summary>
    /// <param name="t">The time, a scalar.</param>
    public Expr AlphaRate(Expr t) => Kind == InterpolantKind.TwoSided ? Schedule.AlphaRate(t) : 0;

    /// <summary>The weight times its rate, finite also where the rate isn't.</summary>
    /// <param name="t">The time, a scalar.</param>
    public Expr AlphaAlphaRate(Expr t) => Kind == InterpolantKind.TwoSided ? Schedule.AlphaAlphaRate(t) : 0;

    /// <summary>The weight of the data point: beta(t), or 1 of a mirror.</summary>
    /// <param name="t">The time, a scalar.</param>
    public Expr Beta(Expr t) => Kind == InterpolantKind.Mirror ? 1 : Schedule.Beta(t);

    /// <summary>Its rate.</summary>
    /// <param name="t">The time, a scalar.</param>
    public Expr BetaRate(Expr t) => Kind == InterpolantKind.Mirror ? 0 : Schedule.BetaRate(t);

    /// <summary>The weight times its rate.</summary>
    /// <param name="t">The time, a scalar.</param>
    public Expr BetaBetaRate(Expr t) => Kind == InterpolantKind.Mirror ? 0 : Schedule.BetaBetaRate(t);

    /// <summary>The scale of the noise: gamma(t), or sqrt(alpha^2 + gamma^2) for a one-sided interpolant; 0 if there is none.</summary>
    /// <param name="t">The time, a scalar.</param>
    public Expr NoiseScale(Expr t) =>
        Kind != InterpolantKind.OneSided ? Schedule.Gamma(t) : Schedule.HasLatent ? NoiseVariance(t).Sqrt() : Schedule.Alpha(t);

    /// <summary>The square of the noise's scale.</summary>
    /// <param name="t">The time, a scalar.</param>
    public Expr NoiseVariance(Expr t) =>
        Kind == InterpolantKind.OneSided ? Schedule.Alpha(t).Square() + Schedule.Gamma(t).Square() : Schedule.Gamma(t).Square();

    /// <summary>The rate of the noise's scale.</summary>
    /// <param name="t">The time, a scalar.</param>
    public Expr NoiseRate(Expr t) =>
        Kind != InterpolantKind.OneSided ? Schedule.GammaRate(t) : Schedule.HasLatent ? NoiseNoiseRate(t) / NoiseScale(t) : Schedule.AlphaRate(t);

    /// <summary>The noise's scale times its rate, finite also where the rate isn't.</summary>
    /// <param name="t">The time, a scalar.</param>
    public Expr NoiseNoiseRate(Expr t) =>
        Kind == InterpolantKind.OneSided ? Schedule.AlphaAlphaRate(t) + Schedule.GammaGammaRate(t) : Schedule.GammaGammaRate(t);

    /// <summary>The scale of the noise at a time that is a number.</summary>
    /// <param name="t">The time.</param>
    public double NoiseScaleAt(double t)
    {
        var at = Schedule.At(t);
        return Kind == InterpolantKind.OneSided ? Math.Sqrt((at.Alpha * at.Alpha) + (at.Gamma * at.Gamma)) : at.Gamma;
    }

    /// <summary>s = -eta / scale; singular where the scale vanishes.</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="denoiser">eta [d].</param>
    public Expr ScoreFromDenoiser(Expr t, Expr denoiser) => -denoiser / RequireNoise(t);

    /// <summary>eta = -scale s; regular at all times.</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="score">s [d].</param>
    public Expr DenoiserFromScore(Expr t, Expr score) => -RequireNoise(t) * score;

    /// <summary>
    /// b from eta. One-sided: (beta'/beta) x + (scale' - scale beta'/beta) eta, singular at t = 0, where b is scale'(0) x + beta'(0) E x_1.
    /// Mirror: gamma' eta.
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
            return NoiseRate(t) * denoiser;
        }

        var relative = BetaRate(t) / Beta(t);
        return (relative * x) + ((NoiseRate(t) - (NoiseScale(t) * relative)) * denoiser);
    }

    /// <summary>
    /// b from s. One-sided: (beta'/beta) x + (scale^2 beta'/beta - scale scale') s, singular at t = 0 only. Mirror: -gamma gamma' s, regular.
    /// </summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="score">s [d].</param>
    /// <exception cref="InvalidOperationException">The interpolant is two-sided.</exception>
    public Expr VelocityFromScore(Expr t, Expr x, Expr score)
    {
        RequireSingleField();
        if (Kind == InterpolantKind.Mirror)
        {
            return -NoiseNoiseRate(t) * score;
        }

        var relative = BetaRate(t) / Beta(t);
        return (relative * x) + (((NoiseVariance(t) * relative) - NoiseNoiseRate(t)) * score);
    }

    /// <summary>b from D = E(x_1 | x) of a one-sided interpolant: (scale'/scale) x + (beta' - scale' beta / scale) D; singular at t = 1 only.</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="data">D [d].</param>
    /// <exception cref="InvalidOperationException">The interpolant isn't one-sided.</exception>
    public Expr VelocityFromData(Expr t, Expr x, Expr data)
    {
        RequireOneSided();
        var relative = NoiseNoiseRate(t) / NoiseVariance(t);
        return (relative * x) + ((BetaRate(t) - (relative * Beta(t))) * data);
    }

    /// <summary>
    /// D = E(x_1 | x) of a one-sided interpolant from its velocity: (scale^2 b - scale scale' x) / (scale^2 beta' - scale scale' beta); regular up to t = 1 if
    /// the scale is.
    /// </summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="velocity">b [d].</param>
    /// <exception cref="InvalidOperationException">The interpolant isn't one-sided.</exception>
    public Expr DataFromVelocity(Expr t, Expr x, Expr velocity)
    {
        RequireOneSided();
        var (square, product) = (NoiseVariance(t), NoiseNoiseRate(t));
        return ((square * velocity) - (product * x)) / ((square * BetaRate(t)) - (product * Beta(t)));
    }

    /// <summary>
    /// eta from b. One-sided: (beta b - beta' x) / (scale' beta - scale beta'), regular at t = 0 where it is -x times a ratio of rates. Mirror: b / gamma'.
    /// </summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="velocity">b [d].</param>
    /// <exception cref="InvalidOperationException">The interpolant is two-sided.</exception>
    public Expr DenoiserFromVelocity(Expr t, Expr x, Expr velocity)
    {
        RequireSingleField();
        return Kind == InterpolantKind.Mirror
            ? velocity / NoiseRate(t)
            : ((Beta(t) * velocity) - (BetaRate(t) * x)) / ((NoiseRate(t) * Beta(t)) - (NoiseScale(t) * BetaRate(t)));
    }

    /// <summary>s from b, for a base's or a mirror's noise; singular at t = 1 (one-sided) or where gamma gamma' vanishes (mirror).</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="velocity">b [d].</param>
    /// <exception cref="InvalidOperationException">The interpolant is two-sided.</exception>
    public Expr ScoreFromVelocity(Expr t, Expr x, Expr velocity) => Kind == InterpolantKind.Mirror
        ? -velocity / NoiseNoiseRate(t)
        : ScoreFromDenoiser(t, DenoiserFromVelocity(t, x, velocity));

    /// <summary>b = v - gamma gamma' s from v = E(alpha' x_0 + beta' x_1 | x) of a two-sided interpolant and the score; regular at all times.</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="drift">v [d].</param>
    /// <param name="score">s [d]; not used without a latent variable.</param>
    public Expr VelocityFromMean(Expr t, Expr drift, Expr score) => Schedule.HasLatent ? drift - (Schedule.GammaGammaRate(t) * score) : drift;

    /// <summary>v = E(alpha' x_0 + beta' x_1 | x) = b + gamma gamma' s from the velocity and the score; regular at all times.</summary>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="velocity">b [d].</param>
    /// <param name="score">s [d]; not used without a latent variable.</param>
    public Expr MeanFromVelocity(Expr t, Expr velocity, Expr score) => Schedule.HasLatent ? velocity + (Schedule.GammaGammaRate(t) * score) : velocity;

    private Expr RequireNoise(Expr t) => HasScore
        ? NoiseScale(t)
        : throw new InvalidOperationException(
            $"The interpolant with schedule '{Schedule.Name}' has no noise of known law, so its score doesn't follow from a denoiser; "
            + "take a schedule with a latent variable, or a one-sided interpolant.");

    private void RequireSingleField()
    {
        if (!IsSingleField)
        {
            throw new InvalidOperationException(
                "The fields of a two-sided interpolant don't follow from one alone; learn the velocity and the score (or denoiser).");
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
