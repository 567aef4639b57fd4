using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>
/// A path given by a formula V(x, t) in which anything may move with time: the means of a mixture, the mass and the coupling of a field theory, the log-scales
/// of a hierarchy (arXiv:2410.02711, the interpolated energies). Its derivatives are taken by the engine.
/// </summary>
public sealed class FormulaPath : IDensityPath
{
    private readonly Func<Expr, Expr, Expr> _logDensity;
    private readonly Func<int, Expr> _draw;
    private readonly Func<Expr, Expr, Expr>? _laplacian;

    /// <summary>Makes a path.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="logDensity">V(x, t), a scalar, of a position [d] and a scalar time; normalised at t = 0.</param>
    /// <param name="draw">From a random stream to an exact draw [d] at t = 0, traced.</param>
    /// <param name="description">What moves, in words, such as "means of the mixture from the origin".</param>
    /// <param name="usesModeKnowledge">Whether the path was made knowing where the modes are; results along it must say so.</param>
    /// <param name="laplacian">The Laplacian of V(x, t) in x in closed form; null to differentiate, which costs d tangents.</param>
    public FormulaPath(int dimension, Func<Expr, Expr, Expr> logDensity, Func<int, Expr> draw, string description, bool usesModeKnowledge = false,
        Func<Expr, Expr, Expr>? laplacian = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        (Dimension, _logDensity, _draw, _laplacian, Description, UsesModeKnowledge) = (dimension, logDensity, draw, laplacian, description, usesModeKnowledge);
    }

    /// <inheritdoc/>
    public int Dimension { get; }

    /// <summary>What moves, in words.</summary>
    public string Description { get; }

    /// <summary>Whether the path was made knowing where the modes are.</summary>
    public bool UsesModeKnowledge { get; }

    /// <inheritdoc/>
    public Expr LogDensity(Expr x, Expr t) => _logDensity(x, t);

    /// <inheritdoc/>
    public Expr Score(Expr x, Expr t) => Derivative.Gradient(_logDensity(x, t), x);

    /// <inheritdoc/>
    public bool HasCheapLaplacian => _laplacian is not null;

    /// <inheritdoc/>
    public Expr Laplacian(Expr x, Expr t) => _laplacian is { } closed ? closed(x, t) : Derivative.Laplacian(_logDensity(x, t), x).Laplacian;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The time is a constant, for which there is nothing to differentiate by; trace with a time input.</exception>
    public Expr TimeDerivative(Expr x, Expr t) => t.IsConstant
        ? throw new ArgumentException("The time of a path's time derivative must be traced, not a constant.", nameof(t))
        : Derivative.Gradient(_logDensity(x.StopGradient(), t), t);

    /// <inheritdoc/>
    public Expr LogBase(Expr x) => _logDensity(x, 0);

    /// <inheritdoc/>
    public Expr BaseDraw(int stream) => _draw(stream);
}
