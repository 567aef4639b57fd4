using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>A gradient field b = grad phi(x, t); its divergence is the Laplacian of phi.</summary>
/// <param name="dimension">d.</param>
/// <param name="potential">phi(x, t), a scalar.</param>
public sealed class PotentialField(int dimension, Func<Expr, Expr, Expr> potential) : IVectorField
{
    /// <inheritdoc/>
    public int Dimension { get; } = dimension;

    /// <summary>phi(x, t), a scalar.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    public Expr Potential(Expr x, Expr t) => potential(x, t);

    /// <inheritdoc/>
    public Expr Apply(Expr x, Expr t) => Derivative.Gradient(potential(x, t), x);

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t)
    {
        var pass = Derivative.Laplacian(potential(x, t), x);
        return (pass.Gradient, pass.Laplacian);
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes)
    {
        var value = Apply(x, t);
        return (value, (probes * Derivative.JacobianVectors(value, x, probes)).Sum(0));
    }
}
