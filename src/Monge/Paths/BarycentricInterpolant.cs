using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Paths;

/// <summary>
/// The interpolant of several laws, x(a) = sum_k a_k x_k with weights a in the simplex (M. Albergo, N. Boffi, M. Lindsey, E. Vanden-Eijnden, arXiv:2310.03695).
/// Its fields g_k(a, x) = E(x_k | x(a) = x) satisfy sum_k a_k g_k = x, and along any path a(t) the velocity is b = sum_k (da_k/dt) g_k.
/// </summary>
public static class BarycentricInterpolant
{
    /// <summary>x(a) [d].</summary>
    /// <param name="weights">a [K + 1].</param>
    /// <param name="points">A point [d] of each law.</param>
    public static Expr At(Expr weights, IReadOnlyList<Expr> points)
    {
        Expr sum = 0;
        for (var k = 0; k < points.Count; k++)
        {
            sum += weights[k] * points[k];
        }

        return sum;
    }

    /// <summary>Weights drawn uniformly from the simplex [count], traced: exponentials over their sum (Dirichlet's law with all parameters 1).</summary>
    /// <param name="count">K + 1.</param>
    /// <param name="stream">The random stream.</param>
    public static Expr UniformWeights(int count, int stream)
    {
        var exponentials = -Expr.Random(RandomLaw.Uniform, stream, count).Log();
        return exponentials / exponentials.Sum();
    }

    /// <summary>The objective sum_k (|f_k|^2 - 2 x_k . f_k) at one draw, whose minimiser over fields is g.</summary>
    /// <param name="heads">f_k(a, x(a)), each [d].</param>
    /// <param name="points">x_k, each [d].</param>
    public static Expr Objective(IReadOnlyList<Expr> heads, IReadOnlyList<Expr> points)
    {
        Expr sum = 0;
        for (var k = 0; k < points.Count; k++)
        {
            sum += heads[k].SquaredNorm() - (2 * Expr.Dot(points[k], heads[k]));
        }

        return sum;
    }

    /// <summary>The velocity sum_k (da_k/dt) g_k [d] at a time of a path.</summary>
    /// <param name="rates">da/dt [K + 1].</param>
    /// <param name="heads">g_k, each [d].</param>
    public static Expr Velocity(Expr rates, IReadOnlyList<Expr> heads) => At(rates, heads);

    /// <summary>The velocity along a path as a field.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="path">The path.</param>
    /// <param name="heads">From a position [d] and weights [K + 1] to g_k, each [d]: closed forms, or <see cref="BarycentricNetwork.Heads"/>.</param>
    public static IVectorField Velocity(int dimension, SimplexPath path, Func<Expr, Expr, IReadOnlyList<Expr>> heads) =>
        new FormulaField(dimension, (x, t) => Velocity(path.Rates(t), heads(x, path.Weights(t))));
}
