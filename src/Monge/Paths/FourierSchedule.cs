using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>
/// Schedules with coefficients to be optimised: alpha and beta are those of a given schedule plus sine series that vanish at the ends, and gamma, if there is
/// one, that of the schedule times the exponential of a constant and a sine series, so that it stays positive (arXiv:2209.15571, section 3.3).
/// </summary>
public static class FourierSchedule
{
    /// <summary>Adds the coefficients to a parameter set, where they start at 0, and returns the schedule that depends on them.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="name">What the coefficients' names begin with.</param>
    /// <param name="start">The schedule at coefficients 0.</param>
    /// <param name="modes">Sine modes of each series, at least 1.</param>
    public static InterpolantSchedule Create(ParameterSet parameters, ParameterInitializer initializer, string name, InterpolantSchedule start, int modes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(modes, 1);
        var alpha = initializer.Add(parameters, $"{name}.alpha", 0, modes);
        var beta = initializer.Add(parameters, $"{name}.beta", 0, modes);
        var gamma = start.HasLatent ? initializer.Add(parameters, $"{name}.gamma", 0, modes + 1) : null;
        var frequencies = Expr.Constant([.. Enumerable.Range(1, modes).Select(k => Math.PI * k)], modes);
        Expr Series(Expr coefficients, Expr t) => Expr.Dot(coefficients, (frequencies * t).Sin());
        Expr SeriesRate(Expr coefficients, Expr t) => Expr.Dot(coefficients, frequencies * (frequencies * t).Cos());
        if (gamma is null)
        {
            return new InterpolantSchedule($"{start.Name}+fourier", t => start.Alpha(t) + Series(alpha, t), t => start.Beta(t) + Series(beta, t));
        }

        Expr Exponent(Expr t) => gamma[0] + Series(gamma[1..], t);
        return new InterpolantSchedule(
            $"{start.Name}+fourier",
            t => start.Alpha(t) + Series(alpha, t),
            t => start.Beta(t) + Series(beta, t),
            t => start.Gamma(t) * Exponent(t).Exp(),
            t => (2 * Exponent(t)).Exp() * (start.GammaGammaRate(t) + (start.Gamma(t).Square() * SeriesRate(gamma[1..], t))));
    }

    /// <summary>The schedule with the coefficients' values put in, to be used without parameters.</summary>
    /// <param name="start">The schedule at coefficients 0.</param>
    /// <param name="alpha">The coefficients of alpha [modes].</param>
    /// <param name="beta">The coefficients of beta [modes].</param>
    /// <param name="gamma">Those of gamma [modes + 1], the constant first; null without a latent variable.</param>
    public static InterpolantSchedule WithValues(InterpolantSchedule start, double[] alpha, double[] beta, double[]? gamma)
    {
        static Expr Series(ReadOnlySpan<double> coefficients, Expr t)
        {
            Expr sum = 0;
            for (var k = 0; k < coefficients.Length; k++)
            {
                sum += coefficients[k] * (Math.PI * (k + 1) * t).Sin();
            }

            return sum;
        }

        Expr Exponent(Expr t) => gamma![0] + Series(gamma.AsSpan(1), t);
        return new InterpolantSchedule(
            $"{start.Name}+fourier",
            t => start.Alpha(t) + Series(alpha, t),
            t => start.Beta(t) + Series(beta, t),
            gamma is null ? null : t => start.Gamma(t) * Exponent(t).Exp(),
            gamma is null ? null : t =>
                (2 * Exponent(t)).Exp() * (start.GammaGammaRate(t) + (start.Gamma(t).Square() * InterpolantSchedule.Rate(Exponent, t))));
    }
}
