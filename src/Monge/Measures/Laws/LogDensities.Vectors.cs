using Monge.Engine.Programs;

namespace Monge.Measures;

/// <content>Laws of vectors and matrices; each gives one scalar.</content>
public static partial class LogDensities
{
    /// <summary>Dirichlet law (Stan: dirichlet), with respect to the first K - 1 numbers.</summary>
    /// <param name="x">Positive numbers [K] that add up to 1; see <see cref="SupportTransform.Simplex"/>.</param>
    /// <param name="shapes">The shapes [K], positive.</param>
    public static Expr Dirichlet(Expr x, Expr shapes) => shapes.Sum().LogGamma() + (TimesLog(shapes - 1, x) - shapes.LogGamma()).Sum();

    /// <summary>Normal law of a vector by the Cholesky factor of its covariance (Stan: multi_normal_cholesky).</summary>
    /// <param name="x">The value [n].</param>
    /// <param name="mean">The mean [n].</param>
    /// <param name="factor">The lower triangular factor L [n, n], covariance L L^T.</param>
    public static Expr MultivariateNormalCholesky(Expr x, Expr mean, Expr factor) =>
        StandardNormal(factor.SolveTriangular(x - mean)).Sum() - factor.Diagonal().Log().Sum();

    /// <summary>Normal law of a vector by the Cholesky factor of its inverse covariance (Stan: multi_normal_prec of F F^T).</summary>
    /// <param name="x">The value [n].</param>
    /// <param name="mean">The mean [n].</param>
    /// <param name="factor">The lower triangular factor F [n, n], inverse covariance F F^T.</param>
    public static Expr MultivariateNormalPrecision(Expr x, Expr mean, Expr factor) =>
        StandardNormal(Expr.MatrixProduct(factor.Transpose(), x - mean)).Sum() + factor.Diagonal().Log().Sum();

    /// <summary>
    /// Law of a correlation matrix by its Cholesky factor (Stan: lkj_corr_cholesky; Lewandowski, Kurowicka and Joe 2009): the matrix has density proportional
    /// to the (concentration - 1)-th power of its determinant. With respect to the entries of the factor below its diagonal.
    /// </summary>
    /// <param name="factor">The factor [n, n]; see <see cref="SupportTransform.CorrelationCholesky"/>.</param>
    /// <param name="concentration">Positive; 1 is the uniform law of correlation matrices.</param>
    public static Expr LkjCorrelationCholesky(Expr factor, Expr concentration)
    {
        var n = factor.Shape[0];
        Expr sum = 0;
        for (var k = 1; k < n; k++)
        {
            sum += (((n - k - 3) + (2 * concentration)) * factor[k][k].Log())
                + (concentration + (0.5 * (n - 1))).LogGamma() - (concentration + (0.5 * (n - 1 - k))).LogGamma() - (0.5 * k * Math.Log(Math.PI));
        }

        return sum;
    }
}
