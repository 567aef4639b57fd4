using Monge.Engine.Programs;
using Monge.Paths;

namespace Monge.Dynamics;

/// <summary>The means M+ and M- of the forward and backward kernels of <see cref="TransportSde{T}"/>, traced.</summary>
/// <param name="path">The path, whose score is grad V.</param>
/// <param name="field">b(x, t) [d].</param>
/// <param name="scheme">How a step is taken.</param>
internal sealed class TransportKernels(IDensityPath path, Func<Expr, Expr, Expr> field, SdeScheme scheme)
{
    /// <summary>M+ at x [d], from t to next = t + h; slope = b + eps grad V there.</summary>
    public Expr Forward(Expr x, Expr slope, Expr t, Expr next, Expr h, Expr eps)
    {
        var mean = x + (h * slope);
        return scheme == SdeScheme.Heun ? x + (0.5 * h * (slope + field(mean, next) + (eps * path.Score(mean, next)))) : mean;
    }

    /// <summary>M- at x [d], from t + h to t; slope = -b + eps grad V at t + h.</summary>
    public Expr Backward(Expr x, Expr slope, Expr t, Expr h, Expr eps)
    {
        var mean = x + (h * slope);
        return scheme == SdeScheme.Heun ? x + (0.5 * h * (slope + (eps * path.Score(mean, t)) - field(mean, t))) : mean;
    }
}
