using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Paths;

/// <summary>
/// A drift that may lean on the path's own score:
/// <code>
/// b(x, t) = (u(t) + v(t) / (t + delta)) (x + grad V_t(x) / k(t)) + g(t) grad V_t(x) / k(t) + c(x, t)
/// </code>
/// with learned functions u, v, g of time (zero at the start) and any inner field c; k(t) is a scale, usually the mean curvature of V_t. The exact drift of a
/// mixture whose means move from the origin, t m_k with deviation s(t), is of this form in any dimension: by Tweedie's formula x + s^2 grad V = t E[m | x], so
/// b = (x + s^2 grad V) / t - s s' grad V. The first bracket is small where positions follow a Gaussian of curvature k, so both gates are well conditioned. The
/// divergence takes one Laplacian of V, or one Hessian-vector product for each probe.
/// </summary>
public sealed class GatedDrift : IVectorField
{
    // The least time that the gates resolve.
    private const double Delta = 0.01;
    private const int Width = 32;

    // Up to here a Laplacian by tangents counts as cheap.
    private const int SmallDimension = 20;
    private readonly IDensityPath _path;
    private readonly IVectorField? _inner;
    private readonly Func<Expr, Expr> _curvature;
    private readonly Perceptron _gates;

    /// <summary>Adds the gates' parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="path">The path.</param>
    /// <param name="curvature">k(t), positive.</param>
    /// <param name="inner">c; null for none.</param>
    public GatedDrift(ParameterSet parameters, ParameterInitializer initializer, IDensityPath path, Func<Expr, Expr> curvature, IVectorField? inner)
    {
        (_path, _curvature, _inner, Dimension) = (path, curvature, inner, path.Dimension);
        _gates = new Perceptron(
            parameters, initializer, "gates", Features(0).Size, 3,
            new PerceptronOptions { Width = Width, Depth = 1, Activation = Activation.Tanh, FirstScale = 1.5 });
    }

    /// <inheritdoc/>
    public int Dimension { get; }

    /// <inheritdoc/>
    public bool HasCheapDivergence => (_inner?.HasCheapDivergence ?? true) && (_path.HasCheapLaplacian || _path.Dimension <= SmallDimension);

    /// <inheritdoc/>
    public Expr Apply(Expr x, Expr t)
    {
        var (position, score) = Gates(t);
        var value = (position * x) + (score * _path.Score(x, t));
        return _inner is null ? value : value + _inner.Apply(x, t);
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t)
    {
        var (position, score) = Gates(t);
        var value = (position * x) + (score * _path.Score(x, t));
        var divergence = (Dimension * position) + (score * _path.Laplacian(x, t));
        if (_inner is null)
        {
            return (value, divergence);
        }

        var (inner, innerDivergence) = _inner.WithDivergence(x, t);
        return (value + inner, divergence + innerDivergence);
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes)
    {
        var (position, score) = Gates(t);
        var gradient = _path.Score(x, t);
        var value = (position * x) + (score * gradient);
        var estimates = (Dimension * position) + (score * (probes * Derivative.JacobianVectors(gradient, x, probes)).Sum(0));
        if (_inner is null)
        {
            return (value, estimates);
        }

        var (inner, innerEstimates) = _inner.WithDivergenceEstimates(x, t, probes);
        return (value + inner, estimates + innerEstimates);
    }

    private static Expr Features(Expr t)
    {
        var near = (double scale) => scale / (t + scale);
        return Expr.Concat(0, TimeFeatures.Of(t, 4), Expr.Vector(near(Delta), near(5 * Delta), near(25 * Delta)));
    }

    private (Expr Position, Expr Score) Gates(Expr t)
    {
        var gates = _gates.Apply(Features(t));
        var denoised = gates[0] + (gates[1] / (t + Delta));
        return (denoised, (denoised + gates[2]) / _curvature(t));
    }
}
