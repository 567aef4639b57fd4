using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Objectives;

/// <summary>
/// One step of the scheme of Jordan, Kinderlehrer and Otto over maps T = grad psi of a law rho with free energy F (<see cref="FreeEnergy"/>):
/// <code>
/// min over convex psi of  E_rho[ |T(x) - x|^2 / 2 ] + h F(T # rho)                                                                                    (1)
/// </code>
/// The entropy of the moved law is that of rho less E log det Hess psi, and its density at T(x) is rho(x) / det Hess psi(x), so (1) is an average over samples
/// of rho, up to a constant. Source: P. Mokrov et al., "Large-Scale Wasserstein Gradient Flows", arXiv:2106.00736, equations (11) to (13).
/// </summary>
public static class JkoStep
{
    /// <summary>One sample's share of (1), a scalar; the mean over a batch is the loss.</summary>
    /// <param name="energy">F.</param>
    /// <param name="step">h, above 0, a scalar.</param>
    /// <param name="x">A sample [d] of rho.</param>
    /// <param name="moved">T(x) [d].</param>
    /// <param name="logDeterminant">log det Hess psi(x), a scalar.</param>
    /// <param name="logDensity">log rho(x), a scalar; used by the porous medium alone, null without.</param>
    /// <param name="movedPartner">T of another, independent sample [d]; used by the interaction alone, null without.</param>
    /// <exception cref="ArgumentException">A part of the energy lacks what it needs.</exception>
    public static Expr Loss(
        FreeEnergy energy, Expr step, Expr x, Expr moved, Expr logDeterminant, Expr? logDensity = null, Expr? movedPartner = null)
    {
        ArgumentNullException.ThrowIfNull(energy);
        var loss = 0.5 * (moved - x).SquaredNorm();
        loss += energy.Potential is { } potential ? step * potential(moved) : 0;
        loss -= energy.Temperature > 0 ? step * energy.Temperature * logDeterminant : 0;
        if (energy.PorousFactor > 0)
        {
            var log = (logDensity ?? throw new ArgumentException("A porous medium needs the density of the samples.", nameof(logDensity))) - logDeterminant;
            loss += step * energy.PorousFactor / (energy.PorousExponent - 1) * ((energy.PorousExponent - 1) * log).Exp();
        }

        if (energy.Interaction is { } interaction)
        {
            var other = movedPartner ?? throw new ArgumentException("An interaction needs another sample.", nameof(movedPartner));
            loss += 0.5 * step * interaction(moved - other);
        }

        return loss;
    }
}
