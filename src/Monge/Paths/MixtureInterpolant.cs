using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;

namespace Monge.Paths;

/// <summary>
/// The interpolant between two independent Gaussian mixtures in closed form (arXiv:2303.08797, appendix A): the law is the mixture over pairs (i, j) of
/// components with weights p_i q_j, means m_ij = alpha m_i + beta n_j and covariances C_ij = alpha^2 A_i + beta^2 B_j + gamma^2 I, and with the
/// responsibilities w_ij(x) of the pairs b = sum w_ij (dm_ij/dt + (dC_ij/dt) C_ij^-1 (x - m_ij) / 2) and s = -sum w_ij C_ij^-1 (x - m_ij).
/// </summary>
public sealed class MixtureInterpolant
{
    private readonly List<(double LogWeight, Expr BaseMean, Expr DataMean, IPairCovariance Covariance)> _pairs = [];

    /// <summary>Makes the closed forms.</summary>
    /// <param name="interpolant">The interpolant.</param>
    /// <param name="start">The base; null for N(0, I), the only base of a one-sided interpolant, and for a mirror.</param>
    /// <param name="data">The data's law.</param>
    /// <exception cref="ArgumentException">The laws differ in dimension, or a base is given to an interpolant that has its own.</exception>
    public MixtureInterpolant(Interpolant interpolant, GaussianMixtureLaw? start, GaussianMixtureLaw data)
    {
        if (start is not null && interpolant.IsSingleField)
        {
            throw new ArgumentException($"An interpolant that is {interpolant.Kind} has no base of its own choice; pass null.", nameof(start));
        }

        start ??= GaussianMixtureLaw.Standard(data.Dimension);
        if (start.Dimension != data.Dimension)
        {
            throw new ArgumentException($"The base is on R^{start.Dimension} and the data on R^{data.Dimension}; they must agree.", nameof(start));
        }

        (Interpolant, Start, Data) = (interpolant, start, data);
        var d = data.Dimension;
        for (var i = 0; i < start.Count; i++)
        {
            for (var j = 0; j < data.Count; j++)
            {
                _pairs.Add((
                    Math.Log(start.Weights[i]) + Math.Log(data.Weights[j]),
                    Expr.Constant(start.Means[i], d),
                    Expr.Constant(data.Means[j], d),
                    PairCovariance.Create(start.Covariances[i], data.Covariances[j], interpolant.Schedule.HasLatent)));
            }
        }

        Velocity = new PairField(this, c => (c.Drift, c.DriftTrace));
        Score = new PairField(this, c => (-c.Moments.Solved, -c.Moments.PrecisionTrace));
    }

    /// <summary>The interpolant.</summary>
    public Interpolant Interpolant { get; }

    /// <summary>The base.</summary>
    public GaussianMixtureLaw Start { get; }

    /// <summary>The data's law.</summary>
    public GaussianMixtureLaw Data { get; }

    /// <summary>d.</summary>
    public int Dimension => Data.Dimension;

    /// <summary>The velocity b, its divergence in closed form too.</summary>
    public IVectorField Velocity { get; }

    /// <summary>The score s, its divergence (the Laplacian of log rho) in closed form too.</summary>
    public IVectorField Score { get; }

    /// <summary>The drift b + eps s of the forward SDE dX = (b + eps s) dt + sqrt(2 eps) dW; with a negative eps that of the backward SDE.</summary>
    /// <param name="diffusion">eps(t).</param>
    public IVectorField Drift(Func<Expr, Expr> diffusion) => new SumField(Velocity, new ScaledField(diffusion, Score));

    /// <summary>The normalised log density of x_t.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    public Expr LogDensity(Expr x, Expr t)
    {
        var logs = Logs(Components(x, t));
        return logs.Size == 1 ? logs[0] : logs.LogSumExp();
    }

    /// <summary>E(x_0 | x_t = x) [d].</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    public Expr BaseMean(Expr x, Expr t) => Average(x, t, (c, alpha, _, _) => c.BaseMean + (alpha * c.Moments.FromBase));

    /// <summary>E(x_1 | x_t = x) [d].</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    public Expr DataMean(Expr x, Expr t) => Average(x, t, (c, _, beta, _) => c.DataMean + (beta * c.Moments.FromData));

    /// <summary>E(z | x_t = x) [d]; 0 without a latent variable.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    public Expr LatentMean(Expr x, Expr t) => Average(x, t, (c, _, _, gamma) => gamma * c.Moments.Solved);

    /// <summary>The denoiser eta = -scale s [d]: E(z | x), or E(x_0 | x) for a one-sided interpolant.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    public Expr Denoiser(Expr x, Expr t) => Interpolant.DenoiserFromScore(t, Score.Apply(x, t));

    /// <summary>v = E(alpha' x_0 + beta' x_1 | x) [d], the velocity without the latent variable's part.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    public Expr MeanVelocity(Expr x, Expr t) => Interpolant.MeanFromVelocity(t, Velocity.Apply(x, t), Score.Apply(x, t));

    private (Expr Alpha, Expr Beta) Scalars(Expr t) =>
        Interpolant.Kind == InterpolantKind.Mirror ? (0, 1) : (Interpolant.Schedule.Alpha(t), Interpolant.Schedule.Beta(t));

    private Component[] Components(Expr x, Expr t)
    {
        var schedule = Interpolant.Schedule;
        var mirror = Interpolant.Kind == InterpolantKind.Mirror;
        var (alpha, beta) = Scalars(t);
        Expr alphaRate = mirror ? 0 : schedule.AlphaRate(t);
        Expr betaRate = mirror ? 0 : schedule.BetaRate(t);
        var squares = new ScheduleSquares(
            alpha.Square(), beta.Square(), schedule.Gamma(t).Square(), mirror ? 0 : schedule.AlphaAlphaRate(t), mirror ? 0 : schedule.BetaBetaRate(t),
            schedule.GammaGammaRate(t));
        var components = new Component[_pairs.Count];
        for (var k = 0; k < components.Length; k++)
        {
            var (logWeight, baseMean, dataMean, covariance) = _pairs[k];
            var moments = covariance.At(squares, x - ((baseMean * alpha) + (dataMean * beta)));

            // A mean of 0 on the left ends the product there: its rate may be infinite.
            var drift = (baseMean * alphaRate) + (dataMean * betaRate) + moments.Stretch;
            components[k] = new Component(logWeight, baseMean, dataMean, moments, drift, moments.StretchTrace);
        }

        return components;
    }

    private Expr Logs(Component[] components) =>
        Expr.Vector([.. components.Select(c => c.LogWeight - (0.5 * (c.Moments.Quadratic + c.Moments.LogDeterminant)))])
            - (0.5 * Dimension * Math.Log(2 * Math.PI));

    private Expr Average(Expr x, Expr t, Func<Component, Expr, Expr, Expr, Expr> value)
    {
        var components = Components(x, t);
        var ((alpha, beta), gamma) = (Scalars(t), Interpolant.Schedule.Gamma(t));
        return Average(components, Responsibilities(components), c => value(c, alpha, beta, gamma));
    }

    private Expr? Responsibilities(Component[] components) => components.Length == 1 ? null : Logs(components).Softmax(0);

    private static Expr Average(Component[] components, Expr? weights, Func<Component, Expr> value)
    {
        if (weights is null)
        {
            return value(components[0]);
        }

        Expr sum = 0;
        for (var k = 0; k < components.Length; k++)
        {
            sum += weights[k] * value(components[k]);
        }

        return sum;
    }

    private sealed record Component(double LogWeight, Expr BaseMean, Expr DataMean, PairMoments Moments, Expr Drift, Expr DriftTrace);

    // The average f = sum w_k f_k of affine fields. As grad w_k = w_k (s_k - s), its divergence is sum w_k (tr df_k + f_k . (s_k - s)).
    private sealed class PairField(MixtureInterpolant owner, Func<Component, (Expr Value, Expr Trace)> part) : IVectorField
    {
        public int Dimension => owner.Dimension;

        public bool HasCheapDivergence => true;

        public Expr Apply(Expr x, Expr t)
        {
            var components = owner.Components(x, t);
            return Average(components, owner.Responsibilities(components), c => part(c).Value);
        }

        public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t)
        {
            var components = owner.Components(x, t);
            var weights = owner.Responsibilities(components);
            var value = Average(components, weights, c => part(c).Value);
            if (weights is null)
            {
                return (value, part(components[0]).Trace);
            }

            var score = Average(components, weights, c => -c.Moments.Solved);
            return (value, Average(components, weights, c => part(c).Trace - Expr.Dot(part(c).Value, c.Moments.Solved + score)));
        }

        public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes)
        {
            var (value, divergence) = WithDivergence(x, t);
            return (value, divergence.BroadcastTo(new Shape(probes.Shape[1])));
        }
    }
}
