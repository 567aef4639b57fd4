using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>
/// The noise 2 eps(t) = p B (1 - t)^(p-1), whose integral from t to 1 is B (1 - t)^p: most of it far from the target, where structure is coarse.
/// </summary>
/// <param name="Total">B.</param>
/// <param name="Exponent">p.</param>
internal readonly record struct NoiseSchedule(double Total, double Exponent)
{
    /// <summary>eps(0).</summary>
    public double Start => 0.5 * Exponent * Total;

    /// <summary>eps(t), traced.</summary>
    public Expr Diffusion(Expr t) => 0.5 * Exponent * Total * Power(1 - t, Exponent - 1);

    /// <summary>The variance 1 - exp(-B(1-t)^p) of the noise in a particle of the variance-preserving noising at t, traced.</summary>
    public Expr Variance(Expr t) => 1 - (-Total * Power(1 - t, Exponent)).Exp();

    /// <summary>As <see cref="Variance(Expr)"/>, on the host.</summary>
    public double Variance(double t) => 1 - Math.Exp(-Total * Math.Pow(1 - t, Exponent));

    // t is below 1 at every collocation point; at t = 1 itself the power of zero would go through a logarithm.
    private static Expr Power(Expr s, double exponent) => exponent == 0 ? 1 : Expr.Max(s, 1e-12).Pow(exponent);
}
