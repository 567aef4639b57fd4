using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>The field -b(x, 1 - t): its flow from 0 to 1 is the flow of b from 1 back to 0, so any integrator encodes with it.</summary>
/// <param name="forward">b.</param>
public sealed class ReversedField(IVectorField forward) : IVectorField
{
    /// <inheritdoc/>
    public int Dimension => forward.Dimension;

    /// <inheritdoc/>
    public bool HasCheapDivergence => forward.HasCheapDivergence;

    /// <inheritdoc/>
    public Expr Apply(Expr x, Expr t) => -forward.Apply(x, 1 - t);

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t)
    {
        var (value, divergence) = forward.WithDivergence(x, 1 - t);
        return (-value, -divergence);
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes)
    {
        var (value, divergences) = forward.WithDivergenceEstimates(x, 1 - t, probes);
        return (-value, -divergences);
    }
}
