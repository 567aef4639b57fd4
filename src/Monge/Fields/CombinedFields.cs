using Monge.Engine.Programs;

namespace Monge.Fields;

/// <summary>The sum of two fields; divergences add, so each part keeps its own best way.</summary>
/// <param name="first">One field.</param>
/// <param name="second">The other, of the same dimension.</param>
public sealed class SumField(IVectorField first, IVectorField second) : IVectorField
{
    /// <inheritdoc/>
    public int Dimension { get; } = first.Dimension == second.Dimension
        ? first.Dimension
        : throw new ArgumentException($"Fields on R^{first.Dimension} and R^{second.Dimension} can't be added.", nameof(second));

    /// <inheritdoc/>
    public bool HasCheapDivergence => first.HasCheapDivergence && second.HasCheapDivergence;

    /// <inheritdoc/>
    public Expr Apply(Expr x, Expr t) => first.Apply(x, t) + second.Apply(x, t);

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t)
    {
        var (a, divergenceOfA) = first.WithDivergence(x, t);
        var (b, divergenceOfB) = second.WithDivergence(x, t);
        return (a + b, divergenceOfA + divergenceOfB);
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes)
    {
        var (a, divergencesOfA) = first.WithDivergenceEstimates(x, t, probes);
        var (b, divergencesOfB) = second.WithDivergenceEstimates(x, t, probes);
        return (a + b, divergencesOfA + divergencesOfB);
    }
}

/// <summary>A field times a scalar function of time.</summary>
/// <param name="factor">The factor g(t), a scalar.</param>
/// <param name="scaled">The field.</param>
public sealed class ScaledField(Func<Expr, Expr> factor, IVectorField scaled) : IVectorField
{
    /// <inheritdoc/>
    public int Dimension => scaled.Dimension;

    /// <inheritdoc/>
    public Expr Apply(Expr x, Expr t) => factor(t) * scaled.Apply(x, t);

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t)
    {
        var (value, divergence) = scaled.WithDivergence(x, t);
        return (factor(t) * value, factor(t) * divergence);
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes)
    {
        var (value, divergences) = scaled.WithDivergenceEstimates(x, t, probes);
        return (factor(t) * value, factor(t) * divergences);
    }
}

/// <summary>
/// The score of a path behind a learned gate, g(t) * grad V(x, t), g elementwise: the "score term" of drifts for sampling, to be added to a network's by
/// <see cref="SumField"/>. The score may be clipped here, and only here: the V inside a residual must stay exact.
/// </summary>
public sealed class GatedScore : IVectorField
{
    private readonly Func<Expr, Expr, Expr> _score;
    private readonly TimeNetwork _gate;
    private readonly double _start;
    private readonly double _clip;

    /// <summary>Adds the gate's parameters to a set.</summary>
    /// <param name="parameters">The set.</param>
    /// <param name="initializer">Receives how they start.</param>
    /// <param name="name">What the parameters' names begin with.</param>
    /// <param name="dimension">d.</param>
    /// <param name="score">grad V(x, t) [d].</param>
    /// <param name="diagonal">Whether each coordinate has its own gate.</param>
    /// <param name="start">The gate's value before training.</param>
    /// <param name="clip">The largest absolute value of a component of the score; infinite for none.</param>
    public GatedScore(
        ParameterSet parameters, ParameterInitializer initializer, string name, int dimension, Func<Expr, Expr, Expr> score,
        bool diagonal = false, double start = 0,
        double clip = double.PositiveInfinity)
    {
        (Dimension, _score, _start, _clip) = (dimension, score, start, clip);
        _gate = new TimeNetwork(parameters, initializer, name, diagonal ? dimension : 1, 32);
    }

    /// <inheritdoc/>
    public int Dimension { get; }

    /// <inheritdoc/>
    public Expr Apply(Expr x, Expr t)
    {
        var score = _score(x, t);
        return (_gate.Apply(t) + _start) * (double.IsPositiveInfinity(_clip) ? score : score.Clamp(-_clip, _clip));
    }

    /// <inheritdoc/>
    public (Expr Value, Expr Divergence) WithDivergence(Expr x, Expr t) => new FormulaField(Dimension, Apply).WithDivergence(x, t);

    /// <inheritdoc/>
    public (Expr Value, Expr Divergences) WithDivergenceEstimates(Expr x, Expr t, Expr probes) =>
        new FormulaField(Dimension, Apply).WithDivergenceEstimates(x, t, probes);
}

/// <summary>Classifier-free guidance (J. Ho and T. Salimans, arXiv:2207.12598).</summary>
public static class Guidance
{
    /// <summary>hidden + w (given - hidden).</summary>
    /// <param name="hidden">The field that doesn't see the condition.</param>
    /// <param name="given">The field that does.</param>
    /// <param name="weight">w: 1 is the given field itself, above 1 sharpens.</param>
    public static IVectorField Of(IVectorField hidden, IVectorField given, double weight) => weight == 1 ? given
        : new FormulaField(given.Dimension, (x, t) =>
        {
            var without = hidden.Apply(x, t);
            return without + (weight * (given.Apply(x, t) - without));
        });
}
