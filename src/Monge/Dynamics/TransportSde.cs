using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Dynamics;

/// <summary>How a step of the SDE is taken.</summary>
public enum SdeScheme
{
    /// <summary>The slope at the start of the step: weak order 1.</summary>
    EulerMaruyama,

    /// <summary>The mean of the slopes at both ends of a noiseless Euler step: second order in the drift.</summary>
    Heun,
}

/// <summary>
/// Particles along dX = (b + eps grad V) dt + sqrt(2 eps) dW with forward/backward kernel weights, exact at any step size and for any drift b
/// (arXiv:2410.02711; there as N+ and N-): the step draws x' ~ N(M+(x), 2 eps h I), and the weight gains
/// log N(x; M-(x'), 2 eps h I) - log N(x'; M+(x), 2 eps h I), where M+ takes a step with b + eps grad V at t and M- one with -b + eps grad V at t + h.
/// After the last step log w = log rho(x_K) - log p0(x_0) + these gains, and E[w] = Z.
/// </summary>
public static class TransportSde
{
    /// <summary>
    /// The walk from the base: states "x" and "score" (the path's, grad V) [d], "gain" (the sum of the kernels' log-ratios), "logBase" (log p0 at the start)
    /// and, if there is one, "drift" [d]. To select, clear "gain".
    /// </summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="path">The path, whose score is grad V.</param>
    /// <param name="parameters">The drift's parameters; null if it has none.</param>
    /// <param name="drift">b(x, t) [d]; null for none, which is annealed importance sampling with Langevin kernels.</param>
    /// <param name="scheme">How a step is taken.</param>
    /// <param name="capacity">The largest number of particles.</param>
    /// <param name="startStream">The random stream of the base draws.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public static ParticleWalk<T> Forward<T>(
        IDensityPath path,
        ParameterSet? parameters,
        IVectorField? drift,
        SdeScheme scheme,
        int capacity,
        int startStream,
        int noiseStream,
        ExecutionOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var first = path.BaseDraw(startStream);
        var (scoreAtStart, logBase) = (path.Score(first, 0), path.LogBase(first));
        var step = new Step(path, drift, scheme);
        var driftAtStart = drift is null ? null : step.Field(first, 0);
        var (x, b, s, h, eps) = (step.X, step.Drift, step.Score, step.H, step.Diffusion);
        var noise = Expr.Random(RandomLaw.Normal, noiseStream, path.Dimension);
        var xNext = step.ForwardMean(x, b + (eps * s)) + ((2 * eps * h).Sqrt() * noise);
        var bNext = step.Field(xNext, step.Next);
        var sNext = path.Score(xNext, step.Next);
        var backMean = step.BackwardMean(xNext, (eps * sNext) - bNext);
        var gain = step.Gain + (0.5 * noise.SquaredNorm()) - ((x - backMean).SquaredNorm() / (4 * eps * h));
        var start = new WalkState(Expr.Input("logBase"), null, logBase);
        return step.Walk<T>(
            parameters, capacity, options, WalkDirection.Forward, new(x, xNext, first), (sNext, scoreAtStart), (bNext, driftAtStart), gain, start);
    }

    /// <summary>
    /// The walk from given positions at t = 1 back to 0 by the backward kernels, x ~ N(M-(x'), 2 eps h I), with the states of <see cref="Forward"/> but
    /// "logBase" and the same log-ratios. Started at exact draws of the target, the log-weight log w = log rho(x_K) - log p0(x_0) + "gain" is that of the
    /// forward sampler, under the law of the paths that it should have drawn: its mean is an upper bound of log Z (the EUBO), and the mean of w / Z is the
    /// inverse of the forward effective sample size (D. Blessing, X. Jia, J. Esslinger, F. Vargas, G. Neumann, "Beyond ELBOs", arXiv:2406.07423, section 3).
    /// </summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="path">The path, whose score is grad V.</param>
    /// <param name="parameters">The drift's parameters; null if it has none.</param>
    /// <param name="drift">b(x, t) [d]; null for none.</param>
    /// <param name="scheme">How a step is taken; that of the forward sampler.</param>
    /// <param name="capacity">The largest number of particles.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public static ParticleWalk<T> Backward<T>(
        IDensityPath path, ParameterSet? parameters, IVectorField? drift, SdeScheme scheme, int capacity, int noiseStream, ExecutionOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var step = new Step(path, drift, scheme);
        var (x, b, s, t, h, eps) = (step.X, step.Drift, step.Score, step.T, step.H, step.Diffusion);
        var scoreAtEnd = path.Score(x, 1);
        var driftAtEnd = drift is null ? null : step.Field(x, 1);
        var noise = Expr.Random(RandomLaw.Normal, noiseStream, path.Dimension);
        var before = step.BackwardMean(x, (eps * s) - b) + ((2 * eps * h).Sqrt() * noise);
        var (bBefore, sBefore) = (step.Field(before, t), path.Score(before, t));
        var forwardMean = step.ForwardMean(before, bBefore + (eps * sBefore));
        var gain = step.Gain - (0.5 * noise.SquaredNorm()) + ((x - forwardMean).SquaredNorm() / (4 * eps * h));
        return step.Walk<T>(
            parameters, capacity, options, WalkDirection.Backward, new(x, before, IsGiven: true), (sBefore, scoreAtEnd), (bBefore, driftAtEnd), gain);
    }

    /// <summary>The leaves of a step from t to t + h and the means of its kernels.</summary>
    private sealed class Step(IDensityPath path, IVectorField? drift, SdeScheme scheme)
    {
        public Expr X { get; } = Expr.Input("x", path.Dimension);

        public Expr Score { get; } = Expr.Input("score", path.Dimension);

        public Expr Gain { get; } = Expr.Input("gain");

        public Expr Drift { get; } = drift is null ? Expr.Constant(0).BroadcastTo(new Shape(path.Dimension)) : Expr.Input("drift", path.Dimension);

        public Expr T { get; } = Expr.PerStep("t");

        public Expr Next { get; } = Expr.PerStep("tNext");

        public Expr H { get; } = Expr.PerStep("h");

        public Expr Diffusion { get; } = Expr.PerStep("diffusion");

        public Expr Field(Expr x, Expr t) => drift is null ? Expr.Constant(0).BroadcastTo(x.Shape) : drift.Apply(x, t);

        /// <summary>M+ at x [d]; slope = b + eps grad V there, at t.</summary>
        public Expr ForwardMean(Expr x, Expr slope)
        {
            var mean = x + (H * slope);
            return scheme == SdeScheme.Heun ? x + (0.5 * H * (slope + Field(mean, Next) + (Diffusion * path.Score(mean, Next)))) : mean;
        }

        /// <summary>M- at x [d]; slope = -b + eps grad V there, at t + h.</summary>
        public Expr BackwardMean(Expr x, Expr slope)
        {
            var mean = x + (H * slope);
            return scheme == SdeScheme.Heun ? x + (0.5 * H * (slope + (Diffusion * path.Score(mean, T)) - Field(mean, T))) : mean;
        }

        public ParticleWalk<TNumber> Walk<TNumber>(
            ParameterSet? parameters,
            int capacity,
            ExecutionOptions? options,
            WalkDirection direction,
            WalkState position,
            (Expr Next, Expr Start) score,
            (Expr Next, Expr? Start) field,
            Expr gain,
            params WalkState[] others)
            where TNumber : unmanaged, IFloatingPointIeee754<TNumber>
        {
            List<WalkState> states = [position, new(Score, score.Next, score.Start), new(Gain, gain), .. others];
            if (field.Start is not null)
            {
                states.Add(new(Drift, field.Next, field.Start));
            }

            return new ParticleWalk<TNumber>(parameters, states, capacity, options)
            {
                Direction = direction,
                CallsPerStart = 1,
                CallsPerStep = scheme == SdeScheme.Heun ? 3 : 1,
            };
        }
    }
}
