using Monge.Engine.Programs;
using Monge.Paths;

namespace Monge.Objectives;

/// <summary>A pair of ends with its noise, from which an interpolant's position and its rate follow.</summary>
/// <param name="Base">x_0 [d]: of a one-sided interpolant the noise; not used by a mirror.</param>
/// <param name="Data">x_1 [d].</param>
/// <param name="Latent">The latent draw z [d]; not used without a latent variable.</param>
public sealed record InterpolantPair(Expr Base, Expr Data, Expr Latent)
{
    /// <summary>What the fields are conditioned on [c + 1]; null for nothing.</summary>
    public Expr? Condition { get; init; }

    /// <summary>A point [d] that both ends are deviations from, as those of a mixture's component are; null for none.</summary>
    public Expr? Centre { get; init; }

    /// <summary>The same pair with the noise negated.</summary>
    /// <param name="interpolant">The interpolant, which says what the noise is.</param>
    public InterpolantPair WithOppositeNoise(Interpolant interpolant) =>
        interpolant.Kind == InterpolantKind.OneSided ? this with { Base = -Base } : this with { Latent = -Latent };
}

/// <summary>
/// The regressions that learn an interpolant's fields (arXiv:2303.08797, section 2.2): each is the mean given the position of a target that is known for a
/// pair, so it minimises the mean of |f|^2 / 2 - target . f over pairs and times. No path is simulated.
/// </summary>
public static class InterpolantRegression
{
    /// <summary>The position of a pair at a time.</summary>
    /// <param name="interpolant">The interpolant; one without a latent variable if the pair has a centre.</param>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="pair">The pair.</param>
    public static Expr Position(Interpolant interpolant, Expr t, InterpolantPair pair) => pair.Centre is null
        ? interpolant.At(t, pair.Base, pair.Data, pair.Latent)
        : pair.Centre + (interpolant.Alpha(t) * pair.Base) + (interpolant.Beta(t) * pair.Data);

    /// <summary>What the learned fields are the conditional means of.</summary>
    /// <param name="interpolant">The interpolant.</param>
    /// <param name="learn">What is learned.</param>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="pair">The pair.</param>
    public static (Expr First, Expr? Second) Targets(Interpolant interpolant, LearnedFields learn, Expr t, InterpolantPair pair)
    {
        var noise = interpolant.Noise(pair.Base, pair.Latent);
        Expr Score() => -noise / interpolant.NoiseScale(t);
        Expr Rate() => interpolant.Rate(t, pair.Base, pair.Data, pair.Latent);
        Expr MeanRate() => interpolant.MeanRate(t, pair.Base, pair.Data);
        return learn switch
        {
            LearnedFields.Denoiser => (noise, null),
            LearnedFields.Score => (Score(), null),
            LearnedFields.VelocityScore => (Rate(), Score()),
            LearnedFields.VelocityDenoiser => (Rate(), noise),
            LearnedFields.InterpolantVelocityScore => (MeanRate(), Score()),
            LearnedFields.InterpolantVelocityDenoiser => (MeanRate(), noise),
            _ => (Rate(), null),
        };
    }

    /// <summary>The loss of a pair at a time, the sum over the learned fields of |f|^2 / 2 - target . f.</summary>
    /// <param name="fields">The fields.</param>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="pair">The pair.</param>
    /// <param name="antithetic">Whether it is the mean over the noise and its opposite.</param>
    public static Expr Loss(InterpolantFields fields, Expr t, InterpolantPair pair, bool antithetic = false)
    {
        var loss = Sum(fields, t, pair, (field, target) => (0.5 * field.SquaredNorm()) - (target * field).Sum());
        return antithetic ? 0.5 * (loss + Loss(fields, t, pair.WithOppositeNoise(fields.Interpolant))) : loss;
    }

    /// <summary>The sum over the learned fields of |f - target|^2: the loss, doubled, and what the best field can't lower.</summary>
    /// <param name="fields">The fields.</param>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="pair">The pair.</param>
    public static Expr SquaredResidual(InterpolantFields fields, Expr t, InterpolantPair pair) =>
        Sum(fields, t, pair, (field, target) => (field - target).SquaredNorm());

    /// <summary>f - dx_t/dt of a pair at a time, for a velocity f of one's own [d].</summary>
    /// <param name="interpolant">The interpolant.</param>
    /// <param name="velocity">f(x, t) [d].</param>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="pair">The pair.</param>
    public static Expr Residual(Interpolant interpolant, Func<Expr, Expr, Expr> velocity, Expr t, InterpolantPair pair) =>
        velocity(Position(interpolant, t, pair), t) - Targets(interpolant, LearnedFields.Velocity, t, pair).First;

    private static Expr Sum(InterpolantFields fields, Expr t, InterpolantPair pair, Func<Expr, Expr, Expr> compare)
    {
        var learned = fields.Learned(Position(fields.Interpolant, t, pair), t, pair.Condition);
        var targets = Targets(fields.Interpolant, fields.Learn, t, pair);
        var first = compare(learned.First, targets.First);
        return learned.Second is null ? first : first + compare(learned.Second, targets.Second!);
    }
}
