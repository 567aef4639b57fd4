using Monge.Engine.Programs;
using Monge.Paths;

namespace Monge.Objectives;

/// <summary>
/// The Schroedinger bridge as max over interpolants, min over drifts, of int E(|u|^2 / 2 - (dI/dt + (gamma' - eps / gamma) z) . u) dt (arXiv:2303.08797,
/// section 3.4): for a given interpolant the minimiser is the drift u = b + eps s of its SDE, and over all interpolants the value is -(1/2) int E|u|^2 dt of
/// the bridge. With eps = 0 it is the optimal transport.
/// </summary>
public static class SchroedingerObjective
{
    /// <summary>The integrand at one time, pair and latent draw; the mean over both signs of z, which keeps its variance finite at the ends.</summary>
    /// <param name="interpolant">A two-sided interpolant; with a latent variable if eps is above 0.</param>
    /// <param name="drift">u(x, t) [d].</param>
    /// <param name="diffusion">eps, at least 0.</param>
    /// <param name="t">The time, within (0, 1) if there is a latent variable.</param>
    /// <param name="x0">The base point [d].</param>
    /// <param name="x1">The data point [d].</param>
    /// <param name="z">A standard normal draw [d].</param>
    /// <exception cref="ArgumentException">The diffusion is above 0 and the interpolant has no latent variable.</exception>
    public static Expr PerSample(Interpolant interpolant, Func<Expr, Expr, Expr> drift, double diffusion, Expr t, Expr x0, Expr x1, Expr z)
    {
        RequireLatent(interpolant.Schedule, diffusion);
        Expr OneSign(Expr noise)
        {
            var u = drift(interpolant.At(t, x0, x1, noise), t);
            var rate = interpolant.Rate(t, x0, x1, noise);
            return (0.5 * u.SquaredNorm()) - Expr.Dot(diffusion > 0 ? rate - (diffusion / interpolant.Schedule.Gamma(t) * noise) : rate, u);
        }

        return interpolant.Schedule.HasLatent ? 0.5 * (OneSign(z) + OneSign(-z)) : OneSign(z);
    }

    /// <summary>
    /// The value at the exact inner minimum between N(0, s0^2) and N(0, s1^2) on the line, at one time. There the drift is u = c x with c = (dSigma/dt / 2 -
    /// eps) / Sigma, Sigma = alpha^2 s0^2 + beta^2 s1^2 + gamma^2. It is traced with c held fixed, so that its gradient is that of the outer maximisation.
    /// </summary>
    /// <param name="schedule">The schedule; with a latent variable if eps is above 0.</param>
    /// <param name="startVariance">s0^2.</param>
    /// <param name="endVariance">s1^2.</param>
    /// <param name="diffusion">eps, at least 0.</param>
    /// <param name="t">The time, a scalar.</param>
    /// <exception cref="ArgumentException">The diffusion is above 0 and the schedule has no latent variable.</exception>
    public static Expr GaussianSaddle(InterpolantSchedule schedule, double startVariance, double endVariance, double diffusion, Expr t)
    {
        RequireLatent(schedule, diffusion);
        var variance = (schedule.Alpha(t).Square() * startVariance) + (schedule.Beta(t).Square() * endVariance) + schedule.Gamma(t).Square();
        var growth = (schedule.AlphaAlphaRate(t) * startVariance) + (schedule.BetaBetaRate(t) * endVariance) + schedule.GammaGammaRate(t) - diffusion;
        var slope = (growth / variance).StopGradient();
        return (0.5 * slope.Square() * variance) - (slope * growth);
    }

    private static void RequireLatent(InterpolantSchedule schedule, double diffusion)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(diffusion);
        if (diffusion > 0 && !schedule.HasLatent)
        {
            throw new ArgumentException(
                $"The schedule '{schedule.Name}' has no latent variable, without which the bridge's objective with diffusion isn't defined.", nameof(schedule));
        }
    }
}
