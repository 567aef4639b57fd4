using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Objectives;

/// <summary>
/// The residuals of the equations that a moving log density V(x, t) = log p_t(x) + const, its drift and its potentials obey, each a scalar at one position and
/// time (arXiv:2407.07873, the table of losses; there with a = sigma sigma^T = 2 eps I). The SDE is dX = b dt + sqrt(2 eps(t)) dW, the ODE dX = b dt.
/// </summary>
/// <remarks> The time derivative is the partial one, at a fixed position, even when the position was drawn with a law that depends on the time (a box that
/// moves): a residual is a constant as a function of how its position was traced.
/// </remarks>
public static class LogDensityResiduals
{
    /// <summary>
    /// Log-density Fokker-Planck equation: dV/dt + div b + grad V . b - eps (|grad V|^2 + Laplacian V); zero when the SDE with drift b carries exp(V).
    /// </summary>
    /// <param name="logDensity">V(x, t).</param>
    /// <param name="drift">b.</param>
    /// <param name="diffusion">eps(t), at least 0.</param>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a traced scalar.</param>
    public static Expr FokkerPlanck(Func<Expr, Expr, Expr> logDensity, IVectorField drift, Expr diffusion, Expr x, Expr t)
    {
        x = x.StopGradient();
        var (value, gradient, laplacian) = Derivative.Laplacian(logDensity(x, t), x);
        var (b, divergence) = drift.WithDivergence(x, t);
        return Derivative.Gradient(value, t) + divergence + Expr.Dot(gradient, b) - (diffusion * (gradient.SquaredNorm() + laplacian));
    }

    /// <summary>Log-density continuity equation: dV/dt + div b + grad V . b; zero when the ODE with velocity b carries exp(V).</summary>
    /// <param name="logDensity">V(x, t).</param>
    /// <param name="velocity">b.</param>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a traced scalar.</param>
    public static Expr Continuity(Func<Expr, Expr, Expr> logDensity, IVectorField velocity, Expr x, Expr t)
    {
        x = x.StopGradient();
        var value = logDensity(x, t);
        var (b, divergence) = velocity.WithDivergence(x, t);
        return Derivative.Gradient(value, t) + divergence + Expr.Dot(Derivative.Gradient(value, x), b);
    }

    /// <summary>
    /// Time reversal of a noising dY = f dt + sqrt(2 eps) dW run from the target at t = 1 down to t = 0: the Fokker-Planck residual with b = 2 eps grad V - f,
    /// that is dV/dt - div f - grad V . f + eps (|grad V|^2 + Laplacian V).
    /// </summary>
    /// <param name="logDensity">V(x, t).</param>
    /// <param name="noisingDrift">f, as a function of the house's time t (1 at the target).</param>
    /// <param name="diffusion">eps(t), above 0.</param>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a traced scalar.</param>
    public static Expr TimeReversal(Func<Expr, Expr, Expr> logDensity, IVectorField noisingDrift, Expr diffusion, Expr x, Expr t)
    {
        x = x.StopGradient();
        var (value, gradient, laplacian) = Derivative.Laplacian(logDensity(x, t), x);
        var (f, divergence) = noisingDrift.WithDivergence(x, t);
        return Derivative.Gradient(value, t) - divergence - Expr.Dot(gradient, f) + (diffusion * (gradient.SquaredNorm() + laplacian));
    }

    /// <summary>
    /// Hamilton-Jacobi-Bellman equation of the Schroedinger bridge over the reference dX = f dt + sqrt(2 eps) dW, whose drift is f + 2 eps grad Phi:
    /// dPhi/dt + f . grad Phi + eps (|grad Phi|^2 + Laplacian Phi).
    /// </summary>
    /// <param name="potential">Phi(x, t).</param>
    /// <param name="reference">f; null for none.</param>
    /// <param name="diffusion">eps(t), above 0.</param>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a traced scalar.</param>
    public static Expr HamiltonJacobiBellman(Func<Expr, Expr, Expr> potential, IVectorField? reference, Expr diffusion, Expr x, Expr t)
    {
        x = x.StopGradient();
        var (value, gradient, laplacian) = Derivative.Laplacian(potential(x, t), x);
        var transport = reference is null ? 0 : Expr.Dot(reference.Apply(x, t), gradient);
        return Derivative.Gradient(value, t) + transport + (diffusion * (gradient.SquaredNorm() + laplacian));
    }

    /// <summary>Hamilton-Jacobi equation of optimal transport, whose velocity is grad Phi: dPhi/dt + |grad Phi|^2 / 2.</summary>
    /// <param name="potential">Phi(x, t).</param>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a traced scalar.</param>
    public static Expr HamiltonJacobi(Func<Expr, Expr, Expr> potential, Expr x, Expr t)
    {
        x = x.StopGradient();
        var value = potential(x, t);
        return Derivative.Gradient(value, t) + (0.5 * Derivative.Gradient(value, x).SquaredNorm());
    }
}
