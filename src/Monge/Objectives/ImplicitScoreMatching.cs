using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Objectives;

/// <summary>
/// Losses that fit a score s to samples x of a law rho, whose score is never asked for, in the metric of a diffusion D = N N^T:
/// <code>
/// E[ s . D s + 2 div(D s) ] = E |N^T (s - grad log rho)|^2 - E |N^T grad log rho|^2                                                                   (1)
/// </code>
/// Where D is degenerate only the directions with noise are seen, the r columns of N, and only D s is learned. On finitely many samples (1) has no lower bound
/// over all functions: stop early. Source: A. Hyvarinen, "Estimation of non-normalized statistical models by score matching" (2005); N. Boffi and
/// E. Vanden-Eijnden, "Probability flow solution of the Fokker-Planck equation", arXiv:2206.04642, section 3.
/// </summary>
public sealed class ImplicitScoreMatching
{
    // Eigenvalues this far below the largest are rounding.
    private const double Rounding = 1e-12;

    // N [d, r]; of a multiple of the identity its factor alone, which spares products.
    private readonly Expr? _columns;
    private readonly double _factor;

    /// <summary>Makes the losses of a metric.</summary>
    /// <param name="diffusion">D; the losses are proportional to it.</param>
    /// <exception cref="ArgumentException">D is zero: no score is needed.</exception>
    public ImplicitScoreMatching(EvolutionDiffusion diffusion)
    {
        ArgumentNullException.ThrowIfNull(diffusion);
        var d = diffusion.Dimension;
        Dimension = d;
        var largest = diffusion.Matrix.Max(Math.Abs);
        if (largest == 0)
        {
            throw new ArgumentException("The diffusion is zero: no score enters the flow.", nameof(diffusion));
        }

        if (diffusion.Scalar is { } eps)
        {
            (_factor, Directions) = (Math.Sqrt(eps), d);
            return;
        }

        var (values, vectors) = SymmetricEigen.Decompose([.. diffusion.Matrix], d);
        int[] noisy = [.. Enumerable.Range(0, d).Where(k => values[k] > Rounding * d * largest)];
        double[] columns = [.. Enumerable.Range(0, d).SelectMany(i => noisy.Select(k => Math.Sqrt(values[k]) * vectors[(i * d) + k]))];
        (_columns, _factor, Directions) = (Expr.Constant(columns, d, noisy.Length), 1, noisy.Length);
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>r, the number of directions with noise: the rank of D.</summary>
    public int Directions { get; }

    /// <summary>One sample's share of (1) with the exact divergence, a scalar: r tangents in one pass.</summary>
    /// <param name="score">s(x) [d].</param>
    /// <param name="x">A sample [d].</param>
    public Expr Exact(Func<Expr, Expr> score, Expr x)
    {
        ArgumentNullException.ThrowIfNull(score);
        var value = score(x);
        var divergence = _columns is null
            ? _factor * _factor * Derivative.Divergence(value, x)
            : (_columns * Derivative.JacobianVectors(value, x, _columns)).Sum();
        return Along(value).SquaredNorm() + (2 * divergence);
    }

    /// <summary>
    /// One sample's share of (1) with Hutchinson's unbiased estimate of the divergence, the mean over k probes (1989), and optionally a penalty on the
    /// Jacobian: penalty times an unbiased estimate of |N^T J N|^2 (Frobenius), which smooths s.
    /// </summary>
    /// <param name="score">s(x) [d].</param>
    /// <param name="x">A sample [d].</param>
    /// <param name="probes">Probes [r, k], independent elements of mean 0 and variance 1, fresh for each sample and step.</param>
    /// <param name="penalty">The penalty, at least 0.</param>
    public Expr Hutchinson(Func<Expr, Expr> score, Expr x, Expr probes, double penalty = 0)
    {
        ArgumentNullException.ThrowIfNull(score);
        ArgumentNullException.ThrowIfNull(probes);
        ArgumentOutOfRangeException.ThrowIfNegative(penalty);
        var value = score(x);
        var products = Along(Derivative.JacobianVectors(value, x, Across(probes)));
        var loss = Along(value).SquaredNorm() + (2 * (probes * products).Sum() / probes.Shape[1]);
        return penalty > 0 ? loss + (penalty * products.Square().Sum() / probes.Shape[1]) : loss;
    }

    /// <summary>
    /// One sample's share of a loss without derivatives in x, from two points x +- sigma N xi whose errors cancel each other:
    /// <code>
    /// mean over +- of |N^T s(x +- sigma N xi)|^2 +- (2 / sigma) s(x +- sigma N xi) . N xi                                                             (2)
    /// </code>
    /// It is least at the score of rho smoothed by N(0, sigma^2 D), so its bias is of order sigma^2; the variance of a sample's share doesn't grow as sigma
    /// falls, while rounding, of order 1 / sigma, does (arXiv:2206.04642, appendix).
    /// </summary>
    /// <param name="score">s(x) [d].</param>
    /// <param name="x">A sample [d].</param>
    /// <param name="noise">xi [r], standard normal, fresh for each sample and step.</param>
    /// <param name="scale">sigma, above 0.</param>
    public Expr Denoising(Func<Expr, Expr> score, Expr x, Expr noise, double scale)
    {
        ArgumentNullException.ThrowIfNull(score);
        ArgumentNullException.ThrowIfNull(noise);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale);
        var shift = scale * Across(noise);
        var (up, down) = (Along(score(x + shift)), Along(score(x - shift)));
        return (0.5 * (up.SquaredNorm() + down.SquaredNorm())) + (Expr.Dot(up - down, noise) / scale);
    }

    /// <summary>One sample's share of the Fisher error E |N^T (s - grad log rho)|^2, for a law whose score is known.</summary>
    /// <param name="score">s(x) [d].</param>
    /// <param name="exact">grad log rho(x) [d].</param>
    public Expr FisherError(Expr score, Expr exact) => Along(score - exact).SquaredNorm();

    // N^T v of a vector [d] or of columns [d, k].
    private Expr Along(Expr v) => _columns is null ? _factor * v : Expr.MatrixProduct(_columns.Transpose(1, 0), v);

    // N xi of a vector [r] or of columns [r, k].
    private Expr Across(Expr xi) => _columns is null ? _factor * xi : Expr.MatrixProduct(_columns, xi);
}
