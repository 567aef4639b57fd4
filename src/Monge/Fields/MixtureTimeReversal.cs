using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// The time reversal of a mixture of spherical Gaussians under a variance-preserving noising, in closed form: at the house's time t the law is again a mixture,
/// with components N(m_k e^(-B/2), (s_k^2 e^(-B) + 1 - e^(-B)) I), B = B(t) of <see cref="VariancePreservingNoise.Integral"/>.
/// </summary>
/// <param name="weights">The weights [k], positive, of sum 1.</param>
/// <param name="means">The means, k arrays [d].</param>
/// <param name="scales">The standard deviations s_k [k], positive.</param>
/// <param name="noise">The noising.</param>
public sealed class MixtureTimeReversal(double[] weights, double[][] means, double[] scales, VariancePreservingNoise noise)
{
    /// <summary>d.</summary>
    public int Dimension => means[0].Length;

    /// <summary>The noising.</summary>
    public VariancePreservingNoise Noise => noise;

    /// <summary>The normalised log density V(x, t).</summary>
    public Expr LogDensity(Expr x, Expr t)
    {
        var shrink = (-noise.Integral(t)).Exp();
        var root = (-0.5 * noise.Integral(t)).Exp();
        var terms = new Expr[weights.Length];
        for (var k = 0; k < weights.Length; k++)
        {
            var variance = (scales[k] * scales[k] * shrink) + (1 - shrink);
            var distance = (x - (root * Expr.Constant(means[k], Dimension))).SquaredNorm();
            terms[k] = Math.Log(weights[k]) - (0.5 * distance / variance) - (0.5 * Dimension * (2 * Math.PI * variance).Log());
        }

        return terms.Length == 1 ? terms[0] : Expr.Vector(terms).LogSumExp();
    }

    /// <summary>The generative drift 2 eps grad V - f [d].</summary>
    public Expr Drift(Expr x, Expr t) => TransportFields.TimeReversal(noise.Drift, LogDensity, noise.Diffusion).Apply(x, t);
}
