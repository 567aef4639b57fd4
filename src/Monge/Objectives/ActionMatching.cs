using Monge.Engine.Programs;

namespace Monge.Objectives;

/// <summary>
/// Action matching along a path of densities rho_t: over potentials phi,
/// <code>
/// int_0^T E_t[ |grad phi|^2 / 2 + dphi/dt ] dt + E_0[phi_0] - E_T[phi_T]                                           (1)
/// </code>
/// is least, up to a constant half of the integral of E_t|grad phi - b|^2, when grad phi is the gradient field b that carries rho_t (arXiv:2410.02711, the
/// action-matching objective; Neklyudov et al., arXiv:2210.06662). It needs neither second derivatives nor the log-normaliser, but true averages E_t.
/// </summary>
public static class ActionMatching
{
    /// <summary>One point's share of (1); the sum over all points is the loss.</summary>
    /// <param name="potential">phi(x, t), a scalar.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="t">The time, a traced scalar.</param>
    /// <param name="weight">The point's weight in the average E_t times its time's weight in the integral.</param>
    /// <param name="boundary">The point's weight in E_0, or minus its weight in E_T; 0 inside.</param>
    public static Expr Loss(Func<Expr, Expr, Expr> potential, Expr x, Expr t, Expr weight, Expr boundary)
    {
        var value = potential(x, t);
        return (weight * ((0.5 * Derivative.Gradient(value, x).SquaredNorm()) + Derivative.Gradient(value, t))) + (boundary * value);
    }
}
