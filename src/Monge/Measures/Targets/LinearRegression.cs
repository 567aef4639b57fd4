using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;

namespace Monge.Measures.Targets;

/// <summary>
/// Linear regression y ~ N(X beta, sigma) with flat weights beta and sigma ~ half-Cauchy(2.5), by its sufficient statistics: with the least-squares
/// weights b and the factor R of X^T X = R^T R, |y - X beta|^2 = |y - X b|^2 + |R (beta - b)|^2, so one evaluation costs nothing of the number of rows.
/// </summary>
internal static class LinearRegression
{
    /// <summary>
    /// Test scores of children (posteriordb kidiq-kidscore_momhsiq). The coordinates are a fixed affine image of (beta, log sigma) in which the
    /// posterior is nearly standard normal: beta = b + s R^-1 z, log sigma = log s + u / sqrt(2 N), s the residual standard deviation.
    /// </summary>
    public static Density KidScore()
    {
        double[] Column(string field) => ShippedData.JsonNumbers("posteriordb/kidiq.json", field);
        var (school, iq) = (Column("mom_hs"), Column("mom_iq"));
        double[][] rows = [.. school.Zip(iq, (h, q) => new[] { 1, h, q })];
        string[] names = ["beta[1]", "beta[2]", "beta[3]", "sigma"];
        return Create("kidscore", "Test scores of 434 children on their mother's schooling and IQ, as in posteriordb (kidiq-kidscore_momhsiq).", rows,
            Column("kid_score"), names, Posteriors.PosteriorDbFacts("kidiq-kidscore_momhsiq", names));
    }

    private static Density Create(string name, string description, double[][] rows, double[] y, string[] names, TargetFacts facts)
    {
        var (n, k) = (rows.Length, rows[0].Length);
        var gram = new double[k * k];
        var moment = new double[k];
        for (var r = 0; r < n; r++)
        {
            for (var i = 0; i < k; i++)
            {
                moment[i] += rows[r][i] * y[r];
                for (var j = 0; j < k; j++)
                {
                    gram[(i * k) + j] += rows[r][i] * rows[r][j];
                }
            }
        }

        Cholesky.Factor(gram, k);
        double[] best = [.. moment];
        Cholesky.Solve(gram, k, best);
        var residual = rows.Zip(y, (row, v) => v - row.Zip(best, (a, b) => a * b).Sum()).Sum(e => e * e);
        var upper = new double[k * k];
        for (var i = 0; i < k; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                upper[(j * k) + i] = gram[(i * k) + j];
            }
        }

        var (centre, factor) = (Expr.Constant(best, k), Expr.Constant(upper, k, k));
        var constant = (-n * Posteriors.HalfLogTwoPi) + Posteriors.HalfCauchyConstant(2.5);
        Expr LogDensity(Expr x)
        {
            var sigma = x[k];
            var squares = residual + Expr.MatrixProduct(factor, x[..k] - centre).SquaredNorm();
            return constant - (n * sigma.Log()) - (0.5 * squares / sigma.Square()) - (sigma / 2.5).Square().Log1p();
        }

        var density = Density.Create(name, k + 1, LogDensity, new DensityOptions
        {
            Description = description,
            Support = [SupportTransform.Real(k), SupportTransform.Positive()],
            Names = names,
            Facts = facts,
        });
        return density.Whiten(Coordinates(gram, best, Math.Sqrt(residual / (n - k)), n));
    }

    // N(b, s^2 (X^T X)^-1) x N(log s, 1 / (2 N)), by the lower triangular factor of its covariance.
    private static GaussianBase Coordinates(double[] lower, double[] best, double deviation, int rows)
    {
        var k = best.Length;
        var matrix = new double[k, k];
        for (var i = 0; i < k; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                matrix[i, j] = lower[(i * k) + j];
            }
        }

        var weights = LowerTriangle.TryFactor(LowerTriangle.InverseOfProduct(matrix))
            ?? throw new InvalidOperationException("The columns of the regression are linearly dependent.");
        var factor = new double[k + 1, k + 1];
        for (var i = 0; i < k; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                factor[i, j] = deviation * weights[i, j];
            }
        }

        factor[k, k] = 1 / Math.Sqrt(2 * rows);
        return GaussianBase.Full([.. best, Math.Log(deviation)], factor);
    }
}
