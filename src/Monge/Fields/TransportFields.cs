using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// The drifts that belong to a log density or a potential, and the conversion between the two descriptions of one moving law
/// (arXiv:2407.07873; there with a = sigma sigma^T = 2 eps I): (b, V) solves the Fokker-Planck equation of dX = b dt + sqrt(2 eps) dW
/// exactly when (b - eps grad V, V) solves the continuity equation.
/// </summary>
public static class TransportFields
{
    /// <summary>The probability-flow velocity b - eps grad V of an SDE.</summary>
    /// <param name="drift">b.</param>
    /// <param name="logDensity">V(x, t).</param>
    /// <param name="diffusion">eps(t).</param>
    public static IVectorField ProbabilityFlow(IVectorField drift, Func<Expr, Expr, Expr> logDensity, Func<Expr, Expr> diffusion) =>
        new SumField(drift, new ScaledField(t => -diffusion(t), new PotentialField(drift.Dimension, logDensity)));

    /// <summary>The drift w + eps grad V with which the SDE has the marginals of the ODE with velocity w.</summary>
    /// <param name="velocity">w.</param>
    /// <param name="logDensity">V(x, t).</param>
    /// <param name="diffusion">eps(t).</param>
    public static IVectorField FokkerPlanckDrift(IVectorField velocity, Func<Expr, Expr, Expr> logDensity, Func<Expr, Expr> diffusion) =>
        new SumField(velocity, new ScaledField(diffusion, new PotentialField(velocity.Dimension, logDensity)));

    /// <summary>The generative drift 2 eps grad V - f of the time reversal of a noising with drift f.</summary>
    /// <param name="noisingDrift">f, as a function of the house's time (1 at the target).</param>
    /// <param name="logDensity">V(x, t).</param>
    /// <param name="diffusion">eps(t).</param>
    public static IVectorField TimeReversal(IVectorField noisingDrift, Func<Expr, Expr, Expr> logDensity, Func<Expr, Expr> diffusion) => new SumField(
        new ScaledField(t => 2 * diffusion(t), new PotentialField(noisingDrift.Dimension, logDensity)), new ScaledField(_ => -1, noisingDrift));

    /// <summary>The drift f + 2 eps grad Phi of a Schroedinger bridge.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="reference">f; null for none.</param>
    /// <param name="potential">Phi(x, t).</param>
    /// <param name="diffusion">eps(t).</param>
    public static IVectorField Bridge(int dimension, IVectorField? reference, Func<Expr, Expr, Expr> potential, Func<Expr, Expr> diffusion)
    {
        var control = new ScaledField(t => 2 * diffusion(t), new PotentialField(dimension, potential));
        return reference is null ? control : new SumField(reference, control);
    }
}
