using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Paths;

/// <summary>The fields that a regression learns. With z the noise, x0 and x1 the ends and E( | x) the mean given the position.</summary>
public enum LearnedFields
{
    /// <summary>b = E(dI/dt + gamma' z | x).</summary>
    Velocity,

    /// <summary>eta = E(z | x); one-sided or mirror, where it gives all else.</summary>
    Denoiser,

    /// <summary>s = -E(z | x) / gamma; one-sided or mirror, where it gives all else.</summary>
    Score,

    /// <summary>b and s.</summary>
    VelocityScore,

    /// <summary>b and eta.</summary>
    VelocityDenoiser,

    /// <summary>v = E(dI/dt | x) and s; b = v - gamma gamma' s.</summary>
    InterpolantVelocityScore,

    /// <summary>v = E(dI/dt | x) and eta; b = v + gamma' eta.</summary>
    InterpolantVelocityDenoiser,
}

/// <summary>Makes a network of a name, with inputs [n] and outputs [m], that starts from zero: its value N(u, t) [m] at u [n] and t.</summary>
public delegate Func<Expr, Expr, Expr> NetworkFactory(string name, int inputs, int outputs);

/// <summary>
/// The fields of a learned interpolant: networks N on top of the linear part. With m the mean and s^2 the variance of x_t, u = (x - m) / s:
/// one-sided and mirror eta = (scale / s^2) (x - m) + (beta sd / s) N(u, t), from which velocity and score follow without division by what vanishes at t = 0;
/// two-sided b or v = m' + c (x - m) + sd N(u, t) with c the slope for Gaussians, and eta or s likewise.
/// </summary>
public sealed class InterpolantFields
{
    private const double FarDeviations = 3;
    private const double LeastScoreMargin = 1e-3;

    private readonly EndMoments _moments;
    private readonly Func<Expr, Expr, Expr> _first;
    private readonly Func<Expr, Expr, Expr>? _second;
    private readonly MixtureBase? _mixture;
    private readonly Expr _baseMean;
    private readonly Expr _dataMean;
    private readonly IReadOnlyList<int> _presence;

    /// <summary>Declares the networks.</summary>
    /// <param name="interpolant">The interpolant.</param>
    /// <param name="learn">What is learned.</param>
    /// <param name="moments">The ends' moments.</param>
    /// <param name="network">Makes the networks.</param>
    /// <param name="conditions">Inputs of the condition, without the flag that says whether it is there.</param>
    /// <param name="mixture">The base, if it is a mixture.</param>
    /// <param name="shared">Whether two fields are two heads of one network.</param>
    /// <param name="margin">How far from 0 and 1 times are kept; null is 0.001 where the schedule's rates grow without bound there, else 0.</param>
    /// <param name="presence">Which coordinates are there, as <see cref="FlowEnds.Presence"/> says; null for all.</param>
    /// <exception cref="ArgumentException">The interpolant doesn't have the fields, or they alone don't carry samples.</exception>
    public InterpolantFields(
        Interpolant interpolant, LearnedFields learn, EndMoments moments, NetworkFactory network, int conditions = 0, MixtureBase? mixture = null,
        bool shared = true, double? margin = null, IReadOnlyList<int>? presence = null)
    {
        (Interpolant, Learn, Conditions, _moments, _mixture) = (interpolant, learn, conditions, moments, mixture);
        _presence = presence ?? [];
        Check();
        Margin = margin ?? DefaultMargin(interpolant.Schedule);
        (_baseMean, _dataMean) = (Expr.Constant([.. moments.BaseMean], Dimension), Expr.Constant([.. moments.DataMean], Dimension));
        var inputs = (mixture is null ? Dimension : 2 * Dimension) + (conditions == 0 ? 0 : conditions + 1);
        if (HasTwo && !shared)
        {
            (_first, _second) = (network("first", inputs, Dimension), network("second", inputs, Dimension));
        }
        else
        {
            _first = network("field", inputs, HasTwo ? 2 * Dimension : Dimension);
        }
    }

    /// <summary>The interpolant.</summary>
    public Interpolant Interpolant { get; }

    /// <summary>What is learned.</summary>
    public LearnedFields Learn { get; }

    /// <summary>d.</summary>
    public int Dimension => _moments.DataMean.Count;

    /// <summary>Inputs of the condition, without its flag.</summary>
    public int Conditions { get; }

    /// <summary>How far from 0 and 1 times are kept.</summary>
    public double Margin { get; }

    /// <summary>Whether the score is known.</summary>
    public bool HasScore => Interpolant.IsSingleField || HasTwo;

    /// <summary>The standard deviation of a Gaussian base in the model's coordinates.</summary>
    public double BaseScale
    {
        get
        {
            var at = Interpolant.Schedule.At(0);
            return Interpolant.Kind == InterpolantKind.OneSided
                ? Math.Sqrt((at.Alpha * at.Alpha) + (at.Gamma * at.Gamma) + (at.Beta * at.Beta * _moments.DataVariance))
                : Math.Abs(at.Alpha);
        }
    }

    private bool HasTwo => Learn is not (LearnedFields.Velocity or LearnedFields.Denoiser or LearnedFields.Score);

    private bool SecondIsScore => Learn is LearnedFields.VelocityScore or LearnedFields.InterpolantVelocityScore;

    /// <summary>The scale of the noise in x_t; times are kept within the margin.</summary>
    /// <param name="t">The time, a scalar.</param>
    public Expr NoiseScale(Expr t) => Interpolant.NoiseScale(Clamp(t));

    /// <summary>The same as a number.</summary>
    /// <param name="t">The time.</param>
    public double NoiseScaleAt(double t) => Interpolant.NoiseScaleAt(Math.Clamp(t, Margin, 1 - Margin));

    /// <summary>b(x, t) [d]; times are kept within the margin.</summary>
    /// <param name="x">The position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="condition">The condition [c + 1], the last entry 1; null hides it.</param>
    public Expr Velocity(Expr x, Expr t, Expr? condition = null)
    {
        t = Clamp(t);
        if (Interpolant.IsSingleField)
        {
            return OfThose(condition, SingleVelocity(x, t, _first(NetworkInput(x, t, condition), t)));
        }

        var (first, second) = Learned(x, t, condition);
        return Learn switch
        {
            LearnedFields.InterpolantVelocityScore => Interpolant.VelocityFromMean(t, first, second!),
            LearnedFields.InterpolantVelocityDenoiser => first + (Interpolant.NoiseRate(t) * second!),
            _ => first,
        };
    }

    /// <summary>s(x, t) [d]; times are kept within the margin, or 0.001 where there is none.</summary>
    /// <param name="x">The position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="condition">The condition [c + 1], the last entry 1; null hides it.</param>
    public Expr Score(Expr x, Expr t, Expr? condition = null)
    {
        t = t.Clamp(Math.Max(Margin, LeastScoreMargin), 1 - Math.Max(Margin, LeastScoreMargin));
        if (Interpolant.IsSingleField)
        {
            var score = Interpolant.ScoreFromDenoiser(t, SingleDenoiser(x, t, _first(NetworkInput(x, t, condition), t)));

            // What isn't there has the law of the base at all times.
            return There(condition) is { } there ? (there * score) - ((1 - there) / (BaseScale * BaseScale) * x) : score;
        }

        var second = Learned(x, t, condition).Second!;
        return SecondIsScore ? second : Interpolant.ScoreFromDenoiser(t, second);
    }

    /// <summary>The learned fields themselves [d], which a regression compares with their targets.</summary>
    /// <param name="x">The position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="condition">The condition [c + 1], the last entry 1; null hides it.</param>
    public (Expr First, Expr? Second) Learned(Expr x, Expr t, Expr? condition = null)
    {
        if (Interpolant.IsSingleField)
        {
            var network = _first(NetworkInput(x, t, condition), t);
            return (OfThose(condition, Learn switch
            {
                LearnedFields.Denoiser => SingleDenoiser(x, t, network),
                LearnedFields.Score => Interpolant.ScoreFromDenoiser(t, SingleDenoiser(x, t, network)),
                _ => SingleVelocity(x, t, network),
            }), null);
        }

        if (_mixture is not null)
        {
            return (MixtureVelocity(_mixture, x, t), null);
        }

        var input = NetworkInput(x, t, condition);
        var values = _first(input, t);
        var (centred, variance) = (x - Mean(t), Variance(t));
        var withLatent = Learn is LearnedFields.Velocity or LearnedFields.VelocityDenoiser or LearnedFields.VelocityScore;
        var size = Math.Sqrt(0.5 * (_moments.BaseVariance + _moments.DataVariance));
        var first = MeanRate(t) + (Slope(t, withLatent) * centred) + (size * values[..Dimension]);
        if (!HasTwo)
        {
            return (first, null);
        }

        var second = _second is null ? values[Dimension..] : _second(input, t);
        return (first, SecondIsScore ? second - (centred / variance) : second + (Interpolant.NoiseScale(t) / variance * centred));
    }

    /// <summary>The variance of x_t.</summary>
    private Expr Variance(Expr t)
    {
        var (alpha, beta) = (Interpolant.Alpha(t), Interpolant.Beta(t));
        return (alpha.Square() * _moments.BaseVariance) + (beta.Square() * _moments.DataVariance) + (2 * _moments.Covariance * alpha * beta)
            + Interpolant.NoiseVariance(t);
    }

    private Expr Mean(Expr t) => (Interpolant.Alpha(t) * _baseMean) + (Interpolant.Beta(t) * _dataMean);

    private Expr MeanRate(Expr t) => (Interpolant.AlphaRate(t) * _baseMean) + (Interpolant.BetaRate(t) * _dataMean);

    // Half the rate of the variance over the variance, with the latent's part or without.
    private Expr Slope(Expr t, bool withLatent)
    {
        var cross = (Interpolant.AlphaRate(t) * Interpolant.Beta(t)) + (Interpolant.Alpha(t) * Interpolant.BetaRate(t));
        return ((Interpolant.AlphaAlphaRate(t) * _moments.BaseVariance) + (Interpolant.BetaBetaRate(t) * _moments.DataVariance)
            + (_moments.Covariance * cross) + (withLatent ? Interpolant.NoiseNoiseRate(t) : 0)) / Variance(t);
    }

    private Expr NetworkInput(Expr x, Expr t, Expr? condition)
    {
        var centred = OfThose(condition, (x - Mean(t)) / Variance(t).Sqrt());
        return Conditions == 0 ? centred : Expr.Concat(0, centred, condition ?? Expr.Constant(0).BroadcastTo(new Shape([Conditions + 1])));
    }

    private Expr OfThose(Expr? condition, Expr value) => There(condition) is { } there ? there * value : value;

    // 1 for each coordinate that is there, else 0; null where all are.
    private Expr? There(Expr? condition) => condition is null || _presence.All(input => input == FlowEnds.AlwaysThere) ? null
        : Expr.Vector([.. _presence.Select(input => input == FlowEnds.AlwaysThere ? 1 : condition[input])]);

    // eta of one-sided and mirror interpolants.
    private Expr SingleDenoiser(Expr x, Expr t, Expr network)
    {
        var variance = Variance(t);
        return (Interpolant.NoiseScale(t) / variance * (x - Mean(t)))
            + (Interpolant.Beta(t) * Math.Sqrt(_moments.DataVariance) / variance.Sqrt() * network);
    }

    private Expr SingleVelocity(Expr x, Expr t, Expr network)
    {
        if (Interpolant.Kind == InterpolantKind.Mirror)
        {
            return Interpolant.NoiseRate(t) * SingleDenoiser(x, t, network);
        }

        var wronskian = (Interpolant.NoiseRate(t) * Interpolant.Beta(t)) - (Interpolant.NoiseScale(t) * Interpolant.BetaRate(t));
        return MeanRate(t) + (Slope(t, withLatent: true) * (x - Mean(t))) + (wronskian * Math.Sqrt(_moments.DataVariance) / Variance(t).Sqrt() * network);
    }

    // The slope is that of Gaussians with one covariance at both ends; the network sees and gives deviations in units of the components around.
    private Expr MixtureVelocity(MixtureBase mixture, Expr x, Expr t)
    {
        var spread2 = Interpolant.Alpha(t).Square() + Interpolant.Beta(t).Square();
        var frame = mixture.At(x, spread2.Sqrt());
        var slope = (Interpolant.AlphaAlphaRate(t) + Interpolant.BetaBetaRate(t)) / spread2;

        // Far from all components, in their own units, the network must not run away along a line.
        var bounded = frame.Whitened / (1 + (frame.Whitened.SquaredNorm() / (FarDeviations * FarDeviations * Dimension))).Sqrt();
        return (slope * (x - frame.Centre)) + frame.Scale(_first(Expr.Concat(0, x, bounded), t));
    }

    private Expr Clamp(Expr t) => Margin == 0 ? t : t.Clamp(Margin, 1 - Margin);

    private void Check()
    {
        var problem = _presence.Count > 0 && Interpolant.Kind != InterpolantKind.OneSided
            ? "A table with types is carried from a Gaussian base with independent pairs, by the one-sided form; leave base, coupling and form at their "
                + "defaults, or take all columns as continuous (--types NAME=continuous)."
            : HasTwo && Interpolant.IsSingleField
            ? "A one-sided or mirror interpolant has one field, from which all others follow; learn the velocity, the denoiser or the score, "
                + "or choose the form 'twoSided'."
            : HasTwo && !Interpolant.HasLatent
            ? $"The schedule '{Interpolant.Schedule.Name}' has no latent, so there is no score to learn beside the velocity; choose one with a latent, "
                + "such as linear-latent."
            : !Interpolant.IsSingleField && Learn is LearnedFields.Denoiser or LearnedFields.Score
            ? "A two-sided interpolant can't be sampled by its score or denoiser alone; learn the velocity too."
            : null;
        if (problem is not null)
        {
            throw new ArgumentException(problem);
        }
    }

    private static double DefaultMargin(InterpolantSchedule schedule)
    {
        // A root's slope is above 1e4 this near to its zero; no smooth schedule is so steep.
        static bool IsSteep(double rate) => !(Math.Abs(rate) < 1e3);
        return schedule.At(0, 1, 1e-9, 1 - 1e-9).Any(v => IsSteep(v.AlphaRate) || IsSteep(v.BetaRate) || IsSteep(v.GammaRate)) ? 1e-3 : 0;
    }
}
