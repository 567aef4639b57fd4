using System.Numerics;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Dynamics;

/// <summary>
/// Given particles along dX = f(X, t) dt + sqrt(2 eps(t)) dW between any two times, up or down, without weights. Down in time a step is
/// x - h f(x, t) + sqrt(2 eps h) z: with f = b - eps s it is the backward SDE of an interpolant, with f = b + eps s the walk of the Feynman-Kac formula.
/// </summary>
public static class FieldSde
{
    /// <summary>The walk, with the states "x" [d] and, if asked for, "divergence": the integral of div f dt in the sense of the grid's times.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="parameters">The drift's parameters; null if it has none.</param>
    /// <param name="drift">f(x, t) [d].</param>
    /// <param name="scheme">
    /// Euler-Maruyama; or Heun's predictor and corrector with one noise for both, of weak order 2 as the noise doesn't depend on the position (E. Platen, Acta
    /// Numerica 1999).
    /// </param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="withDivergence">Whether to add up the integral of div f dt along the paths, by the trapezoidal rule under Heun.</param>
    /// <param name="options">How to execute.</param>
    public static ParticleWalk<T> Walk<T>(
        ParameterSet? parameters, IVectorField drift, SdeScheme scheme, int noiseStream, bool withDivergence = false, ExecutionOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (x, sum) = (Expr.Input("x", drift.Dimension), Expr.Input("divergence"));
        var (t, h, deviation) = (Expr.PerStep("t"), Expr.PerStep("h"), Expr.PerStep("deviation"));
        var noise = deviation * Expr.Random(RandomLaw.Normal, noiseStream, drift.Dimension);
        (Expr Slope, Expr Divergence) At(Expr position, Expr time) => withDivergence ? drift.WithDivergence(position, time) : (drift.Apply(position, time), 0);
        var (slope, divergence) = At(x, t);
        var next = x + (h * slope) + noise;
        if (scheme == SdeScheme.Heun)
        {
            var (slopeThere, divergenceThere) = At(next, t + h);
            next = x + (0.5 * h * (slope + slopeThere)) + noise;
            divergence = 0.5 * (divergence + divergenceThere);
        }

        WalkState position = new(x, next, IsGiven: true);
        WalkState[] states = withDivergence ? [position, new(sum, sum + (h * divergence))] : [position];
        return new ParticleWalk<T>(parameters, states, options: options) { Direction = WalkDirection.Either };
    }
}
