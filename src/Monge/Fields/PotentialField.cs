using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>The gradient field of a scalar, b = grad Phi(., t); value and divergence (the Laplacian) come from one forward pass.</summary>
/// <param name="dimension">d.</param>
/// <param name="potential">Phi(x, t), a scalar.</param>
public sealed class PotentialField(int dimension, Func<Expr, Expr, Expr> potential) : IVectorField
{
    /// <inheritdoc/>
    public int Dimension { get; } = dimension;

    /// <summary>Phi(x, t), a scalar.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    public Expr Potential(Expr x, Expr t) => potential(x, t);

    /// <inheritdoc/>
    public Expr Apply(Expr x, Expr t) => Derivative.Gradient(potential(x, t), x);

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t)
    {
        var (_, gradient, laplacian) = Derivative.Laplacian(potential(x, t), x);
        return (gradient, laplacian);
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes)
    {
        var gradient = Apply(x, t);
        return (gradient, (probes * Derivative.JacobianVectors(gradient, x, probes)).Sum(0));
    }
}
