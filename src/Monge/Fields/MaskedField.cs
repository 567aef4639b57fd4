using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// A field that moves only some of the coordinates: the inner field times 1 - keep. What is kept stays to the last bit, in training and in sampling
/// (arXiv:2310.03725, in-painting).
/// </summary>
/// <param name="keep">1 at the coordinates that stay, 0 elsewhere [d].</param>
/// <param name="inner">The field.</param>
public sealed class MaskedField(Expr keep, IVectorField inner) : IVectorField
{
    /// <inheritdoc/>
    public int Dimension => inner.Dimension;

    /// <inheritdoc/>
    public Expr Apply(Expr x, Expr t) => (1 - keep) * inner.Apply(x, t);

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t) => new FormulaField(Dimension, Apply).WithDivergence(x, t);

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes) =>
        new FormulaField(Dimension, Apply).WithDivergenceEstimates(x, t, probes);
}
