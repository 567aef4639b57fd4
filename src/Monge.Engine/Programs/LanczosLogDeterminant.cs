using Monge.Engine.Arrays;
using Monge.Engine.LinearAlgebra;

namespace Monge.Engine.Programs;

/// <summary>
/// An estimate of log det A for a positive definite matrix A [n, n] that is known only by its products with vectors, as a traced value: with probes v of
/// independent signs, and the tridiagonal matrix T of so many conjugate-gradient steps on A u = v,
/// <code>
/// log det A = E v . log(A) v,    v . log(A) v ~ n (log T)_11,    d log det A = E u . dA v                                                             (1)
/// </code>
/// The first is stochastic Lanczos quadrature (S. Ubaru, J. Chen and Y. Saad, "Fast estimation of tr(f(A)) via stochastic Lanczos quadrature", 2017), the
/// second
/// the unbiased estimate of the gradient that goes with it (M. Hutchinson, 1989). The cost is one product a step, whatever n is.
/// </summary>
public static class LanczosLogDeterminant
{
    // Nodes of log x = int_0^1 (x - 1) / (1 + s (x - 1)) ds: to 1e-6 for eigenvalues from 1/50 to 50.
    private const int Nodes = 16;

    // Below this share of |v|^2 a squared residual is rounding, and the rest of the steps adds nothing.
    private const double Solved = 1e-13;

    private static readonly (double Place, double Weight)[] s_rule = GaussLegendre(Nodes);

    /// <summary>The estimate, a scalar, whose first derivatives are those of (1).</summary>
    /// <param name="product">A times a vector [n]; traced steps + 1 times for each probe.</param>
    /// <param name="probes">Probes [n, k], each element 1 or -1 by chance.</param>
    /// <param name="steps">Conjugate-gradient steps, at least 1; n of them are exact.</param>
    /// <exception cref="ShapeException">The probes are no columns.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no steps.</exception>
    public static Expr Of(Func<Expr, Expr> product, Expr probes, int steps)
    {
        ArgumentNullException.ThrowIfNull(product);
        ArgumentNullException.ThrowIfNull(probes);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        if (probes.Shape.Rank != 2)
        {
            throw new ShapeException($"log-determinant: the probes have shape {probes.Shape}; they must be columns [n, k].");
        }

        var (n, count) = (probes.Shape[0], probes.Shape[1]);
        var sum = Expr.Constant(0);
        for (var k = 0; k < count; k++)
        {
            sum += OfProbe(product, probes.Slice(1, k, 1).Reshape(n), n, steps);
        }

        return sum / count;
    }

    private static Expr OfProbe(Func<Expr, Expr> product, Expr v, int n, int steps)
    {
        var (u, residual, direction, square) = (0 * v, v, v, Expr.Constant(n));
        List<Expr> diagonal = [];
        List<Expr> squares = [];
        var carried = Expr.Constant(0);
        for (var i = 0; i < steps; i++)
        {
            var image = product(direction);
            var isOpen = square.Greater(Expr.Constant(Solved * n));
            Expr WhileOpen(Expr value, double otherwise) => Expr.Select(isOpen, value, Expr.Constant(otherwise));
            var safe = WhileOpen(square, 1);

            // The inverse of the step's length.
            var rate = WhileOpen(Expr.Dot(direction, image) / safe, 1);
            var length = WhileOpen(1 / rate, 0);
            u += length * direction;
            residual -= length * image;
            var next = residual.SquaredNorm();
            var share = WhileOpen(next / safe, 0);
            diagonal.Add(rate + carried);
            squares.Add(share * rate.Square());
            (carried, direction, square) = (share * rate, residual + (share * direction), next);
        }

        var value = n * LogarithmFirst(diagonal, squares);
        var slope = Expr.Dot(u.StopGradient(), product(v));
        return value.StopGradient() + slope - slope.StopGradient();
    }

    // (log T)_11 = int_0^1 ((T - I)(I + s (T - I))^-1)_11 ds, by (T - I)(I + s (T - I))^-1 = (I - (I + s (T - I))^-1) / s and the continued fraction of the
    // first element of a tridiagonal matrix's inverse.
    private static Expr LogarithmFirst(List<Expr> diagonal, List<Expr> squares)
    {
        var sum = Expr.Constant(0);
        foreach (var (place, weight) in s_rule)
        {
            Expr Entry(int i) => 1 + (place * (diagonal[i] - 1));
            var pivot = Entry(diagonal.Count - 1);
            for (var i = diagonal.Count - 2; i >= 0; i--)
            {
                pivot = Entry(i) - (place * place * squares[i] / pivot);
            }

            sum += weight / place * (1 - (1 / pivot));
        }

        return sum;
    }

    // Nodes and weights on [0, 1] from the recurrence of Legendre's polynomials (G. Golub and J. Welsch, 1969).
    private static (double Place, double Weight)[] GaussLegendre(int n)
    {
        var jacobi = new double[n * n];
        for (var i = 1; i < n; i++)
        {
            jacobi[(i * n) + i - 1] = jacobi[((i - 1) * n) + i] = i / Math.Sqrt((4.0 * i * i) - 1);
        }

        var (places, vectors) = SymmetricEigen.Decompose(jacobi, n);
        return [.. Enumerable.Range(0, n).Select(k => ((1 + places[k]) / 2, vectors[k] * vectors[k]))];
    }
}
