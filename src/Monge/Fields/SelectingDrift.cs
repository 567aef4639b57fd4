using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>
/// A drift that selects among learned velocities m_k, each the more the nearer a position is to where that velocity leads from the origin:
/// <code>
/// b(x, t) = sum_k r_k(x, t) m_k,   r = softmax_k (a_k - beta sum_j log(1 + gamma k(t) (x_j - t m_kj)^2))
/// </code>
/// with a_k, beta, gamma and the velocities learned; k(t) is the mean curvature of the path. It is bounded whatever the tails of x, and moves groups of
/// particles as wholes, which is what the means of a mixture do when they leave the origin. Nothing of the mixture is given to it; the number of velocities
/// only has to be large enough. Of a mixture of Student's t it can represent the exact drift.
/// </summary>
public sealed class SelectingDrift : IVectorField
{
    private readonly Func<Expr, Expr> _curvature;
    private readonly Expr _velocities;
    private readonly Expr _weights;
    private readonly Expr _logarithms;
    private readonly int _count;

    /// <summary>Adds the parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="dimension">d.</param>
    /// <param name="curvature">k(t), positive.</param>
    /// <param name="velocities">Number of velocities, at least 1.</param>
    public SelectingDrift(ParameterSet parameters, ParameterInitializer initializer, int dimension, Func<Expr, Expr> curvature, int velocities)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(velocities, 1);
        (Dimension, _curvature, _count) = (dimension, curvature, velocities);

        // Small: walkers that wrong velocities lead astray from a heavy-tailed path do not come back.
        _velocities = initializer.Add(parameters, "selection.velocities", 0.1, velocities, dimension);
        _weights = initializer.Add(parameters, "selection.weights", 0, velocities);
        _logarithms = initializer.Add(parameters, "selection.logarithms", 0, 2);
    }

    /// <inheritdoc/>
    public int Dimension { get; }

    /// <inheritdoc/>
    public bool HasCheapDivergence => true;

    /// <inheritdoc/>
    public Expr Apply(Expr x, Expr t) => Select(x, t).Value;

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t)
    {
        var (value, selection, offsets, terms, scale) = Select(x, t);

        // Of the exponents g_k: sum_k r_k (m_k - b) . grad g_k.
        var slopes = -2 * _logarithms[0].Exp() * scale * (offsets / terms);
        var along = ((_velocities - value.Reshape(1, Dimension)) * slopes).Sum(1);
        return (value, Expr.Dot(selection, along));
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes)
    {
        var (value, divergence) = WithDivergence(x, t);
        return (value, divergence.Reshape(1).BroadcastTo(new Shape(probes.Shape[1])));
    }

    private (Expr Value, Expr Selection, Expr Offsets, Expr Terms, Expr Scale) Select(Expr x, Expr t)
    {
        var offsets = x.Reshape(1, Dimension) - (t * _velocities);
        var scale = _logarithms[1].Exp() * _curvature(t);
        var terms = 1 + (scale * offsets.Square());
        var selection = (_weights - (_logarithms[0].Exp() * terms.Log().Sum(1))).Softmax(0);
        return (Expr.MatrixProduct(selection.Reshape(1, _count), _velocities).Reshape(Dimension), selection, offsets, terms, scale);
    }
}
