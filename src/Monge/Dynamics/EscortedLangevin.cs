using System.Numerics;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Dynamics;

/// <summary>
/// Particles along dX = (b + eps grad V) dt + sqrt(2 eps) dW, eps >= 0, by Euler-Maruyama steps, with the continuous-time log-weight
/// <code>
/// dA = (div b + b . grad V + dV/dt) dt,   A_0 = 0                                                                  (1)
/// </code>
/// for which E[exp(A_t) h(X_t)] / E[exp(A_t)] is the mean of h under exp(V_t) and E[exp(A_t)] = Z_t / Z_0, for any drift and diffusion, as the steps go to
/// zero (arXiv:2410.02711, the weighted Fokker-Planck equation; there with U = -V. Vaikuntanathan and Jarzynski, "Escorted free energy simulations", 2011).
/// The sum of (1) is by trapezoids. Where b = grad phi and eps > 0 the divergence can be had from Ito's formula without second derivatives,
/// <code>
/// div b dt = (d phi - dphi/dt dt - grad phi . dX) / eps                                                            (2)
/// </code>
/// At finite steps these weights hide the steps' bias, which the kernel weights of <see cref="TransportSde"/> do not.
/// </summary>
public static class EscortedLangevin
{
    /// <summary>
    /// The walk from the base with the weights of equation 1: states "x" [d] and "logWeight" (A), and what the weights carry along. To select, clear
    /// "logWeight".
    /// </summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="path">The path.</param>
    /// <param name="parameters">The drift's parameters; null if it has none.</param>
    /// <param name="drift">b(x, t); null for none, which is annealed importance sampling in continuous time.</param>
    /// <param name="capacity">The largest number of particles.</param>
    /// <param name="startStream">The random stream of the base draws.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public static ParticleWalk<T> Walk<T>(
        IDensityPath path, ParameterSet? parameters, IVectorField? drift, int capacity, int startStream, int noiseStream, ExecutionOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Walk<T>(path, parameters, (x, t) => Rates(path, drift, x, t), ["drift", "score", "rate"], capacity, startStream, noiseStream, options);

    /// <summary>The walk from the base with the weights of equation 2 for the drift grad phi; the diffusion must be above 0.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="path">The path.</param>
    /// <param name="parameters">The potential's parameters; null if it has none.</param>
    /// <param name="potential">phi(x, t), a scalar.</param>
    /// <param name="capacity">The largest number of particles.</param>
    /// <param name="startStream">The random stream of the base draws.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public static ParticleWalk<T> Walk<T>(
        IDensityPath path,
        ParameterSet? parameters,
        Func<Expr, Expr, Expr> potential,
        int capacity,
        int startStream,
        int noiseStream,
        ExecutionOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T> => Walk<T>(
            path,
            parameters,
            (x, t) => PotentialRates(path, potential, x, t),
            ["drift", "score", "rate", "potential", "potentialSlope"],
            capacity,
            startStream,
            noiseStream,
            options);

    private static ParticleWalk<T> Walk<T>(
        IDensityPath path,
        ParameterSet? parameters,
        Func<Expr, Expr, Expr[]> rates,
        string[] carried,
        int capacity,
        int startStream,
        int noiseStream,
        ExecutionOptions? options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var d = path.Dimension;

        // The time of the start is an input, because a path's time derivative can't be taken at a constant.
        var first = path.BaseDraw(startStream);
        var starts = rates(first, Expr.Shared("begin"));

        var x = Expr.Input("x", d);
        var (t, next, h, eps) = (Expr.PerStep("t"), Expr.PerStep("tNext"), Expr.PerStep("h"), Expr.PerStep("diffusion"));
        var uniform = rates(x, t);

        // What is the same for all particles, such as a drift that is zero, is traced anew instead of carried along.
        Expr[] now = [.. starts.Select((value, k) => value.IsUniform ? uniform[k] : Expr.Input(carried[k], value.Shape.Sizes))];
        var logWeight = Expr.Input("logWeight");
        var move = (h * (now[0] + (eps * now[1]))) + ((2 * eps * h).Sqrt() * Expr.Random(RandomLaw.Normal, noiseStream, d));
        var xNext = x + move;
        var then = rates(xNext, next);
        var gain = 0.5 * h * (now[2] + then[2]);
        if (carried.Length > 3)
        {
            // Ito sums take grad phi and dphi/dt at the begin of the step.
            gain += (then[3] - now[3] - (h * now[4]) - Expr.Dot(now[0], move)) / eps;
        }

        var kept = Enumerable.Range(0, carried.Length).Where(k => !starts[k].IsUniform).Select(k => new WalkState(now[k], then[k], starts[k]));
        WalkState[] states = [new(x, xNext, first), .. kept, new(logWeight, logWeight + gain)];
        return new ParticleWalk<T>(parameters, states, capacity, options) { CallsPerStart = 1, CallsPerStep = 1 };
    }

    /// <summary>b, grad V and the rate of the log-weight (1), div b + b . grad V + dV/dt.</summary>
    internal static Expr[] Rates(IDensityPath path, IVectorField? drift, Expr x, Expr t)
    {
        var (score, slope) = (path.Score(x, t), path.TimeDerivative(x, t));
        if (drift is null)
        {
            return [Expr.Constant(0).BroadcastTo(x.Shape), score, slope];
        }

        var (b, divergence) = drift.WithDivergence(x, t);
        return [b, score, divergence + Expr.Dot(b, score) + slope];
    }

    private static Expr[] PotentialRates(IDensityPath path, Func<Expr, Expr, Expr> potential, Expr x, Expr t)
    {
        var value = potential(x, t);
        var (score, b) = (path.Score(x, t), Derivative.Gradient(value, x));
        return [b, score, Expr.Dot(b, score) + path.TimeDerivative(x, t), value, Derivative.Gradient(value, t)];
    }
}
