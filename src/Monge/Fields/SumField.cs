using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>The sum of fields, each of which takes its divergence in its own way.</summary>
/// <param name="fields">The fields, at least one, all on R^d.</param>
public sealed class SumField(params IVectorField[] fields) : IVectorField
{
    /// <inheritdoc/>
    public int Dimension { get; } = fields.Length > 0 && fields.All(f => f.Dimension == fields[0].Dimension)
        ? fields[0].Dimension
        : throw new ArgumentException("A sum of fields needs at least one field, and all must have the same dimension.", nameof(fields));

    /// <inheritdoc/>
    public bool HasCheapDivergence => fields.All(f => f.HasCheapDivergence);

    /// <inheritdoc/>
    public Expr Apply(Expr x, Expr t) => fields.Select(f => f.Apply(x, t)).Aggregate((a, b) => a + b);

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t) =>
        fields.Select(f => f.WithDivergence(x, t)).Aggregate((a, b) => (a.Value + b.Value, a.Divergence + b.Divergence));

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes) =>
        fields.Select(f => f.WithDivergenceEstimates(x, t, probes)).Aggregate((a, b) => (a.Value + b.Value, a.Divergences + b.Divergences));
}
