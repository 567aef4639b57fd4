using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>
/// A curve of unnormalised densities exp(V_t) on R^d, t from 0 to 1: at t = 0 a normalised law that is sampled exactly, at t = 1 the target.
/// d/dt of the log-normaliser of exp(V_t) is c(t); its integral over [0, 1] is log Z.
/// </summary>
public interface IDensityPath
{
    /// <summary>d.</summary>
    int Dimension { get; }

    /// <summary>V_t(x), a scalar; exp(V_0) is normalised.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar from 0 to 1.</param>
    Expr LogDensity(Expr x, Expr t);

    /// <summary>The score: the gradient [d] of V_t at x.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    Expr Score(Expr x, Expr t);

    /// <summary>Whether the Laplacian costs little more than the score; else it costs d tangents.</summary>
    bool HasCheapLaplacian => false;

    /// <summary>The Laplacian of V_t at x, a scalar.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    Expr Laplacian(Expr x, Expr t) => Derivative.Laplacian(LogDensity(x, t), x).Laplacian;

    /// <summary>The time derivative of V_t(x), a scalar.</summary>
    /// <param name="x">A position [d].</param>
    /// <param name="t">The time, a scalar.</param>
    Expr TimeDerivative(Expr x, Expr t);

    /// <summary>The normalised log density V_0 of the base.</summary>
    /// <param name="x">A position [d].</param>
    Expr LogBase(Expr x);

    /// <summary>An exact draw [d] from the base, traced: fresh for each sample.</summary>
    /// <param name="stream">The random stream it is drawn from.</param>
    Expr BaseDraw(int stream);
}
