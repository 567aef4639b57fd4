using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>A field b(x, t) on R^d that knows how its divergence is best computed.</summary>
public interface IVectorField
{
    /// <summary>d.</summary>
    int Dimension { get; }

    /// <summary>Whether the exact divergence costs about as much as the value, whatever d is.</summary>
    bool HasCheapDivergence => false;

    /// <summary>The value [d].</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    Expr Apply(Expr x, Expr t);

    /// <summary>The value [d] and the exact divergence, a scalar.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t);

    /// <summary>
    /// The value [d] and independent unbiased estimates [k] of the divergence, one for each probe; exact where the field makes that as cheap.
    /// </summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    /// <param name="probes">Independent probes [d, k] of mean 0 and unit variance, such as Rademacher signs.</param>
    (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes);
}

/// <summary>A field given by a formula; its divergence takes d tangents, an estimate one for each probe (Hutchinson 1989).</summary>
/// <param name="dimension">d.</param>
/// <param name="formula">b(x, t) [d].</param>
public sealed class FormulaField(int dimension, Func<Expr, Expr, Expr> formula) : IVectorField
{
    /// <inheritdoc/>
    public int Dimension { get; } = dimension;

    /// <inheritdoc/>
    public Expr Apply(Expr x, Expr t) => formula(x, t);

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t)
    {
        var value = formula(x, t);
        return (value, Derivative.Divergence(value, x));
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes)
    {
        var value = formula(x, t);
        return (value, (probes * Derivative.JacobianVectors(value, x, probes)).Sum(0));
    }
}
