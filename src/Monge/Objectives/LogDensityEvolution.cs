using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Objectives;

/// <summary>Which evolution of densities from the base to the target is learned.</summary>
public enum Evolution
{
    /// <summary>Any, by a drift and a log density with noise: the log-density Fokker-Planck residual in both.</summary>
    GeneralStochastic,

    /// <summary>Any, by a drift and a log density without noise: the log-density continuity residual in both.</summary>
    GeneralDeterministic,

    /// <summary>
    /// The annealing path, by the part w of the drift w + eps grad V that Langevin noise leaves: the continuity residual in w and c(t); sampled by the SDE.
    /// </summary>
    AnnealingStochastic,

    /// <summary>The time reversal of a variance-preserving noising of the target: the log density alone (its gradient is the score).</summary>
    TimeReversal,

    /// <summary>
    /// The Schroedinger bridge over a noised reference: the Fokker-Planck residual and the Hamilton-Jacobi-Bellman residual in a potential and a log density.
    /// </summary>
    SchroedingerBridge,

    /// <summary>Optimal transport with quadratic cost: the continuity and the Hamilton-Jacobi residual in a potential and a log density.</summary>
    OptimalTransport,
}

/// <summary>
/// The fields of one learned evolution of densities exp(V), dX = b dt + sqrt(2 eps) dW, and the loss of the equations that they obey:
/// <code>
/// general, stochastic      R = dV/dt + div b + grad V . b - eps (|grad V|^2 + Laplacian V),   b = eps grad V + w                     (1)
/// general, deterministic   R = dV/dt + div w + grad V . w                                                                            (2)
/// annealing, stochastic    (2) with V the annealing path less int c dt, b = eps grad V + w                                           (3)
/// time reversal            (1) with b = 2 eps grad V - f, f = -eps x the noising drift; V is held at t = 1 alone                     (4)
/// Schroedinger bridge      (1) with b = f + 2 eps grad Phi, and dPhi/dt + f . grad Phi + eps (|grad Phi|^2 + Laplacian Phi) = 0      (5)
/// optimal transport        (2) with w = grad Phi, and dPhi/dt + |grad Phi|^2 / 2 = 0                                                 (6)
/// </code>
/// Source: arXiv:2407.07873 (the table of log-density losses).
/// </summary>
internal sealed class LogDensityEvolution
{
    private readonly Evolution _kind;
    private readonly Func<Expr, Expr, Expr> _logDensity;
    private readonly NoiseSchedule _noise;
    private readonly IVectorField? _drift;
    private readonly Func<Expr, Expr, Expr>? _potential;

    private LogDensityEvolution(
        Evolution kind, Func<Expr, Expr, Expr> logDensity, NoiseSchedule noise, IVectorField velocity, IVectorField? drift = null,
        Func<Expr, Expr, Expr>? potential = null) =>
        (_kind, _logDensity, _noise, Velocity, _drift, _potential) = (kind, logDensity, noise, velocity, drift, potential);

    /// <summary>The velocity w = b - eps grad V of the probability flow.</summary>
    public IVectorField Velocity { get; }

    private FormulaField Noising => new(Velocity.Dimension, (x, t) => -_noise.Diffusion(t) * x);

    /// <summary>Equation (1) with the drift given.</summary>
    /// <param name="logDensity">V.</param>
    /// <param name="noise">eps.</param>
    /// <param name="drift">b.</param>
    public static LogDensityEvolution OfDrift(Func<Expr, Expr, Expr> logDensity, NoiseSchedule noise, IVectorField drift) =>
        new(Evolution.GeneralStochastic, logDensity, noise, TransportFields.ProbabilityFlow(drift, logDensity, noise.Diffusion), drift);

    /// <summary>Equations (1), (2) or (3) with the velocity of the probability flow given.</summary>
    /// <param name="kind">Which of them.</param>
    /// <param name="logDensity">V.</param>
    /// <param name="noise">eps.</param>
    /// <param name="velocity">w.</param>
    public static LogDensityEvolution OfVelocity(Evolution kind, Func<Expr, Expr, Expr> logDensity, NoiseSchedule noise, IVectorField velocity) => new(
        kind, logDensity, noise, velocity,
        kind == Evolution.GeneralStochastic ? TransportFields.FokkerPlanckDrift(velocity, logDensity, noise.Diffusion) : null);

    /// <summary>Equation (4).</summary>
    /// <param name="dimension">d.</param>
    /// <param name="logDensity">V.</param>
    /// <param name="noise">eps.</param>
    public static LogDensityEvolution TimeReversal(int dimension, Func<Expr, Expr, Expr> logDensity, NoiseSchedule noise) => new(
        Evolution.TimeReversal, logDensity, noise,
        new PotentialField(dimension, (x, t) => noise.Diffusion(t) * (logDensity(x, t) + (0.5 * x.SquaredNorm()))));

    /// <summary>Equations (5); Phi is V - log p0 less the backward factor.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="logDensity">V.</param>
    /// <param name="noise">eps.</param>
    /// <param name="backward">The logarithm of the backward factor of the bridge, which stays smooth, so that all that is sharp is in V.</param>
    public static LogDensityEvolution SchroedingerBridge(
        int dimension, Func<Expr, Expr, Expr> logDensity, NoiseSchedule noise, Func<Expr, Expr, Expr> backward)
    {
        var velocity = new PotentialField(dimension, (x, t) => noise.Diffusion(t) * (logDensity(x, t) + (0.5 * x.SquaredNorm()) - (2 * backward(x, t))));
        return new(
            Evolution.SchroedingerBridge, logDensity, noise, velocity,
            potential: (x, t) => logDensity(x, t) + (0.5 * x.SquaredNorm()) - backward(x, t));
    }

    /// <summary>Equations (6).</summary>
    /// <param name="dimension">d.</param>
    /// <param name="logDensity">V.</param>
    /// <param name="potential">Phi.</param>
    public static LogDensityEvolution OptimalTransport(int dimension, Func<Expr, Expr, Expr> logDensity, Func<Expr, Expr, Expr> potential) =>
        new(Evolution.OptimalTransport, logDensity, default, new PotentialField(dimension, potential), potential: potential);

    /// <summary>The loss at one point: residuals by their Cauchy loss.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a traced scalar.</param>
    /// <param name="scale">The scale s of the Cauchy loss.</param>
    /// <param name="potentialWeight">The weight of the potential's equation in (5) and (6).</param>
    /// <param name="kineticWeight">The weight of |w|^2 in (1) to (3), which makes one of their many solutions preferred; 0 for none.</param>
    public Expr Loss(Expr x, Expr t, double scale, double potentialWeight, double kineticWeight)
    {
        var eps = _noise.Diffusion(t);
        Expr Robust(Expr residual) => ContinuityResidual.CauchyLoss(residual, scale);
        Expr WithKinetic(Expr loss) => kineticWeight == 0 ? loss : loss + (kineticWeight * Velocity.Apply(x, t).SquaredNorm());
        switch (_kind)
        {
            case Evolution.TimeReversal:
                return Robust(LogDensityResiduals.TimeReversal(_logDensity, Noising, eps, x, t));
            case Evolution.SchroedingerBridge:
                var bridge = TransportFields.Bridge(Velocity.Dimension, Noising, _potential!, _noise.Diffusion);
                return Robust(LogDensityResiduals.FokkerPlanck(_logDensity, bridge, eps, x, t))
                    + (potentialWeight * Robust(LogDensityResiduals.HamiltonJacobiBellman(_potential!, Noising, eps, x, t)));
            case Evolution.OptimalTransport:
                return Robust(LogDensityResiduals.Continuity(_logDensity, Velocity, x, t))
                    + (potentialWeight * Robust(LogDensityResiduals.HamiltonJacobi(_potential!, x, t)));
            case Evolution.GeneralStochastic:
                return WithKinetic(Robust(LogDensityResiduals.FokkerPlanck(_logDensity, _drift!, eps, x, t)));
            default:
                return WithKinetic(Robust(LogDensityResiduals.Continuity(_logDensity, Velocity, x, t)));
        }
    }
}
