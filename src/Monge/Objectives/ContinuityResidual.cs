using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Objectives;

/// <summary>
/// The residual of the log-density continuity equation along an annealing path,
/// R = div b + b . grad V + dV/dt - c(t), which vanishes for all (x, t) exactly when b carries exp(V_t) / z_t and c = d/dt log z_t
/// (arXiv:2407.07873, the logCE row with prescribed path; arXiv:2410.02711, the PINN objective).
/// </summary>
public static class ContinuityResidual
{
    /// <summary>The residual with the exact divergence.</summary>
    /// <param name="path">The path V.</param>
    /// <param name="drift">b(x, t) [d].</param>
    /// <param name="logNormaliserSlope">c(t), a scalar.</param>
    /// <param name="x">The position [d]; an input leaf or any traced value.</param>
    /// <param name="t">The time, a scalar.</param>
    /// <returns>A scalar.</returns>
    public static Expr Exact(IDensityPath path, IVectorField drift, Expr logNormaliserSlope, Expr x, Expr t)
    {
        x = x.StopGradient();
        var (b, divergence) = drift.WithDivergence(x, t);
        return divergence + Rest(path, b, logNormaliserSlope, x, t);
    }

    /// <summary>
    /// Two residuals whose divergences are estimated by two independent Rademacher probes (Hutchinson 1989): the product of the two is an unbiased
    /// estimate of R^2, where the square of one is not.
    /// </summary>
    /// <param name="path">The path V.</param>
    /// <param name="drift">b(x, t) [d].</param>
    /// <param name="logNormaliserSlope">c(t), a scalar.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="probes">Two independent probes [d, 2].</param>
    public static (Expr First, Expr Second) Estimated(IDensityPath path, IVectorField drift, Expr logNormaliserSlope, Expr x, Expr t, Expr probes)
    {
        x = x.StopGradient();
        var (b, estimates) = drift.WithDivergenceEstimates(x, t, probes);
        var rest = Rest(path, b, logNormaliserSlope, x, t);
        return (estimates[0] + rest, estimates[1] + rest);
    }

    /// <summary>The Cauchy loss s^2 log(1 + R^2 / s^2): R^2 for small residuals, slow growth for large ones.</summary>
    public static Expr CauchyLoss(Expr residual, double scale) => scale * scale * (residual.Square() / (scale * scale)).Log1p();

    /// <summary>
    /// The Cauchy loss with R^2 replaced by the product of two unbiased estimates, as iteratively reweighted least squares: the weight
    /// 1 / (1 + (R1^2 + R2^2) / (2 s^2)) is held fixed. It doesn't see whether the two agree in sign; a weight that did would pay the field for
    /// making its probes disagree.
    /// </summary>
    public static Expr CauchyLoss((Expr First, Expr Second) residuals, double scale)
    {
        var squares = (0.5 / (scale * scale) * (residuals.First.Square() + residuals.Second.Square())).StopGradient();
        return residuals.First * residuals.Second / (1 + squares);
    }

    /// <summary>The Cauchy loss of the residual: with the exact divergence where that is cheap, else with two probes.</summary>
    /// <param name="path">The path V.</param>
    /// <param name="drift">b(x, t) [d].</param>
    /// <param name="logNormaliserSlope">c(t), a scalar.</param>
    /// <param name="x">The position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="exactLimit">The largest dimension in which the exact divergence is computed though it isn't cheap.</param>
    /// <param name="scale">The scale s of the loss.</param>
    /// <param name="probeStream">The random stream of the probes.</param>
    /// <returns>A scalar.</returns>
    public static Expr Robust(
        IDensityPath path, IVectorField drift, Expr logNormaliserSlope, Expr x, Expr t, int exactLimit, double scale, int probeStream) =>
        path.Dimension <= exactLimit || drift.HasCheapDivergence
            ? CauchyLoss(Exact(path, drift, logNormaliserSlope, x, t), scale)
            : CauchyLoss(Estimated(path, drift, logNormaliserSlope, x, t, Expr.Random(RandomLaw.Rademacher, probeStream, path.Dimension, 2)), scale);

    /// <summary>
    /// The loss where the path has no density: the drift is to be zero there. Without it the equation inside a wall would be solved as well by a drift that
    /// carries mass out through the wall, which c(t) makes up for.
    /// </summary>
    /// <param name="drift">b(x, t) [d].</param>
    /// <param name="x">The position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="scale">The scale s of the loss.</param>
    internal static Expr AtRest(IVectorField drift, Expr x, Expr t, double scale) =>
        scale * scale * (drift.Apply(x.StopGradient(), t).SquaredNorm() / (scale * scale)).Log1p();

    private static Expr Rest(IDensityPath path, Expr b, Expr logNormaliserSlope, Expr x, Expr t) =>
        Expr.Dot(b, path.Score(x, t)) + path.TimeDerivative(x, t) - logNormaliserSlope;
}
