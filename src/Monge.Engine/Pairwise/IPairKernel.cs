using System.Numerics;

namespace Monge.Engine.Pairwise;

/// <summary>
/// A kernel k(x, y) = f(q) of one number q for each pair of points: the squared distance |x - y|^2 or the inner product x.y. A kernel is a struct that works on
/// vectors of pairs; the loops over pairs are compiled anew for each, as if it were written into them.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public interface IPairKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Whether q is x.y; else it is |x - y|^2.</summary>
    static virtual bool OfInnerProduct => false;

    /// <summary>
    /// The change of q = |x - y|^2 that changes f and f' by about their own size, at the q where it is least. By it is judged whether |x|^2 + |y|^2 - 2 x.y,
    /// which matrix products make fast but whose rounding is of the size of |x|^2 + |y|^2, may stand for q; 0 where f or f' is not smooth at 0: then q is
    /// always summed from differences.
    /// </summary>
    double Scale { get; }

    /// <summary>f(q).</summary>
    /// <param name="q">The number of each pair; squared distances are at least 0.</param>
    Vector<T> Value(Vector<T> q);

    /// <summary>f(q) and its derivative.</summary>
    /// <param name="q">The number of each pair.</param>
    /// <param name="slope">f'(q); 0 at q = 0 where it has no limit there, so that a pair of equal points adds nothing to a gradient.</param>
    Vector<T> ValueAndSlope(Vector<T> q, out Vector<T> slope);
}

/// <summary>A kernel whose logarithm is at hand, for sums that neither overflow nor underflow.</summary>
/// <typeparam name="T">float or double.</typeparam>
public interface ILogKernel<T> : IPairKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>log f(q).</summary>
    /// <param name="q">The number of each pair.</param>
    Vector<T> LogValue(Vector<T> q);
}

/// <summary>
/// A radial kernel with its Stein kernel for scores s: u(x, y) = s(x).s(y) k + s(x).grad_y k + s(y).grad_x k + tr(grad_x grad_y k), which is f p - 2 f' (l + d)
/// - 4 f'' q with p = s(x).s(y), l = (s(x) - s(y)).(x - y), q = |x - y|^2. Source: Q. Liu, J. Lee, M. Jordan (arXiv:1602.03253), theorem 3.6.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public interface ISteinKernel<T> : IPairKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>weight u(x, y) of each pair.</summary>
    /// <param name="weight">The pair's weight.</param>
    /// <param name="products">p = s(x).s(y).</param>
    /// <param name="slopes">l = (s(x) - s(y)).(x - y).</param>
    /// <param name="squares">q = |x - y|^2.</param>
    /// <param name="dimension">d.</param>
    Vector<T> Stein(Vector<T> weight, Vector<T> products, Vector<T> slopes, Vector<T> squares, int dimension);
}
