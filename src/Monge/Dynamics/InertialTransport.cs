using System.Numerics;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Dynamics;

/// <summary>
/// The inertial form of <see cref="EscortedLangevin"/>: positions with momenta under H_t = -V_t(x) + |p|^2 / 2,
/// <code>
/// dX = (s P + b) dt,   dP = s grad V dt - s gamma P dt + sqrt(2 s gamma) dW,   dA = (div b + b . grad V + dV/dt) dt
/// </code>
/// with a speed s that may differ from step to step, for which E[exp(A_t)] = Z_t / Z_0 for any drift, speed and friction, as the steps go to zero
/// (arXiv:2410.02711, the weights for the density exp(-H_t); without b it is Jarzynski's equality for underdamped dynamics). A step is the splitting kick,
/// move, friction, move, kick (Leimkuhler and Matthews, "Rational construction of stochastic numerical methods for molecular sampling", 2013); the weight is
/// summed by trapezoids.
/// </summary>
public static class InertialTransport
{
    /// <summary>
    /// The walk with positions from the base and momenta from the standard normal: states "x" and "momentum" [d] and "logWeight" (A). The grid's diffusions are
    /// the speeds s. The evaluations of the target's log density and score at the end of a step count as one. To select, clear "logWeight".
    /// </summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="path">The path.</param>
    /// <param name="parameters">The drift's parameters; null if it has none.</param>
    /// <param name="drift">b(x, t); null for none.</param>
    /// <param name="friction">gamma, above 0, per unit of time at speed 1.</param>
    /// <param name="capacity">The largest number of particles.</param>
    /// <param name="startStream">The random stream of the base draws.</param>
    /// <param name="momentumStream">The random stream of the first momenta.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public static ParticleWalk<T> Walk<T>(
        IDensityPath path,
        ParameterSet? parameters,
        IVectorField? drift,
        double friction,
        int capacity,
        int startStream,
        int momentumStream,
        int noiseStream,
        ExecutionOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(friction);
        var d = path.Dimension;
        var (first, firstMomentum) = (path.BaseDraw(startStream), Expr.Random(RandomLaw.Normal, momentumStream, d));
        var (x, p, logWeight) = (Expr.Input("x", d), Expr.Input("momentum", d), Expr.Input("logWeight"));
        var (t, next, h, speed) = (Expr.PerStep("t"), Expr.PerStep("tNext"), Expr.PerStep("h"), Expr.PerStep("diffusion"));
        Expr Move(Expr at, Expr momentum, Expr time) => at + (0.5 * h * (drift is null ? speed * momentum : (speed * momentum) + drift.Apply(at, time)));
        var kept = (-friction * speed * h).Exp();
        var kicked = p + (0.5 * h * speed * path.Score(x, t));
        var halfway = Move(x, kicked, t);
        var thermal = (kept * kicked) + ((1 - kept.Square()).Sqrt() * Expr.Random(RandomLaw.Normal, noiseStream, d));

        // In terms of t and h: the time derivative of the path by the next time may not reach into the position.
        var xNext = Move(halfway, thermal, t + (0.5 * h));
        var pNext = thermal + (0.5 * h * speed * path.Score(xNext, next));
        var gain = 0.5 * h * (EscortedLangevin.Rates(path, drift, x, t)[2] + EscortedLangevin.Rates(path, drift, xNext, next)[2]);
        WalkState[] states = [new(x, xNext, first), new(p, pNext, firstMomentum), new(logWeight, logWeight + gain)];
        return new ParticleWalk<T>(parameters, states, capacity, options) { CallsPerStart = 1, CallsPerStep = 1 };
    }
}
