using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Paths;

/// <summary>
/// An annealing whose shares of target and base may bend: t^a exp((1-t) g(t)) log rho + (1-t)^b exp(t h(t)) log p0 with learned g and h. Where the noising of
/// the target is followed, the target's share starts from that of modes widened by the noise, t / (1 + K variance(t)), and b is 1.
/// </summary>
internal static class LearnedShares
{
    private const int Width = 32;

    /// <summary>Adds g and h to a set of parameters.</summary>
    /// <param name="annealing">The annealing that the shares start at.</param>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="widened">The mean curvature K of the target and the noise, where modes are widened; null for the exponents of the annealing.</param>
    public static FormulaPath Of(
        AnnealingPath annealing, ParameterSet parameters, ParameterInitializer initializer, (double Stiffness, NoiseSchedule Noise)? widened)
    {
        var bend = new TimeNetwork(parameters, initializer, "shares", 2, Width);
        Expr Interpolate(Expr x, Expr t)
        {
            var bends = bend.Apply(t);
            var target = widened is { } modes
                ? t / (1 + (modes.Stiffness * modes.Noise.Variance(t))) : AnnealingPath.Power(t, annealing.TargetExponent);
            var start = AnnealingPath.Power(1 - t, widened is null ? annealing.BaseExponent : 1);
            return (target * ((1 - t) * bends[0]).Exp() * annealing.LogTarget(x)) + (start * (t * bends[1]).Exp() * annealing.LogBase(x));
        }

        return new FormulaPath(annealing.Dimension, Interpolate, annealing.BaseDraw, "learned shares of target and base");
    }
}
