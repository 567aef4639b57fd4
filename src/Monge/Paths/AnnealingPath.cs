using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Paths;

/// <summary>
/// The annealing from the standard normal p0, or a mixture in its place, to an unnormalised density rho on R^d:
/// V_t(x) = t^a log rho(x) + (1 - t)^b log p0(x), t from 0 to 1. With a = b = 1 it is the geometric path; with b > 1 the base fades before the
/// target is sharp, so the path widens and mass can still cross between modes.
/// </summary>
public sealed class AnnealingPath : IDensityPath
{
    private readonly Func<Expr, Expr> _logTarget;
    private readonly GaussianMixtureLaw? _start;

    /// <summary>Makes a path.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="logTarget">log rho of a position [d], traced; in the coordinates in which the base is standard normal.</param>
    /// <param name="targetExponent">a, at least 1.</param>
    /// <param name="baseExponent">b, at least 1.</param>
    /// <param name="start">p0, if it isn't the standard normal.</param>
    /// <exception cref="ArgumentOutOfRangeException">An exponent is below 1 (the time derivative would not be finite at an
    /// end) or the dimension below 1.</exception>
    public AnnealingPath(int dimension, Func<Expr, Expr> logTarget, double targetExponent = 1, double baseExponent = 1, GaussianMixtureLaw? start = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(targetExponent, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(baseExponent, 1);
        Dimension = dimension;
        TargetExponent = targetExponent;
        BaseExponent = baseExponent;
        _logTarget = logTarget;
        _start = start;
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>The exponent a of the target's share.</summary>
    public double TargetExponent { get; }

    /// <summary>The exponent b of the base's share.</summary>
    public double BaseExponent { get; }

    /// <summary>log rho at a position [d].</summary>
    public Expr LogTarget(Expr x) => _logTarget(x);

    /// <summary>log p0 at a position [d]: -|x|^2 / 2 - (d / 2) log(2 pi) for the standard normal.</summary>
    public Expr LogBase(Expr x) => _start?.LogDensity(x) ?? (-0.5 * x.SquaredNorm()) - (0.5 * Dimension * Math.Log(2 * Math.PI));

    /// <inheritdoc/>
    public Expr BaseDraw(int stream) => _start?.Draw(stream) ?? Expr.Random(RandomLaw.Normal, stream, Dimension);

    /// <summary>V_t(x), a scalar.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar from 0 to 1.</param>
    public Expr LogDensity(Expr x, Expr t) => (Power(t, TargetExponent) * LogTarget(x)) + (Power(1 - t, BaseExponent) * LogBase(x));

    /// <summary>The score: the gradient [d] of V_t at x.</summary>
    public Expr Score(Expr x, Expr t) =>
        (Power(t, TargetExponent) * Derivative.Gradient(LogTarget(x), x))
            - (Power(1 - t, BaseExponent) * (_start is null ? x : -Derivative.Gradient(LogBase(x), x)));

    /// <summary>The time derivative of V_t(x): a t^(a-1) log rho - b (1-t)^(b-1) log p0.</summary>
    public Expr TimeDerivative(Expr x, Expr t) =>
        (TargetExponent * Power(t, TargetExponent - 1) * LogTarget(x)) - (BaseExponent * Power(1 - t, BaseExponent - 1) * LogBase(x));

    /// <summary>t^a on the host.</summary>
    public double TargetShare(double t) => Math.Pow(t, TargetExponent);

    /// <summary>(1 - t)^b on the host.</summary>
    public double BaseShare(double t) => Math.Pow(1 - t, BaseExponent);

    /// <summary>t^a, traced: whole exponents by products, exact at 0, where a general power would go through a logarithm.</summary>
    internal static Expr Power(Expr t, double exponent)
    {
        if (exponent != Math.Floor(exponent))
        {
            return t.Pow(exponent);
        }

        Expr product = 1;
        for (var k = 0; k < exponent; k++)
        {
            product *= t;
        }

        return product;
    }
}
