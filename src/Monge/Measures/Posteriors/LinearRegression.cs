using Monge.Data;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;

namespace Monge.Measures.Posteriors;

/// <summary>
/// Linear regressions y ~ N(X beta, sigma), by their sufficient statistics: with the least-squares weights b and the factor R of X = Q R,
/// |y - X beta|^2 = |y - X b|^2 + |R (beta - b)|^2, so one evaluation costs nothing of the number of rows.
/// </summary>
internal static class LinearRegression
{
    /// <summary>Test scores of children (posteriordb kidiq), flat weights, sigma ~ half-Cauchy(2.5).</summary>
    public static PosteriorModel KidScore(bool hasInteraction)
    {
        var posterior = hasInteraction ? "kidiq-kidscore_interaction" : "kidiq-kidscore_momhsiq";
        var name = hasInteraction ? "kidscore-interaction" : "kidscore";
        return new PosteriorModel(
            name,
            "children's test scores (kid_score) on their mothers' schooling (mom_hs) and IQ (mom_iq)" + (hasInteraction ? ", with their product" : ""),
            data =>
            {
                var y = data.Vector("kid_score");
                return Flat(
                    name, data, posterior, y, Columns(data, y.Length), ["beta[1]", "beta[2]", "beta[3]", "beta[4]"],
                    "the column of 'mom_hs', 'mom_iq' or their product",
                    sigma => LogDensities.HalfCauchy(sigma, 2.5), isWhitened: true);
            },
            () => PosteriorParts.Shipped("posteriordb/kidiq.json"),
            Observed("kid_score", Columns))
        { PosteriorDbName = posterior };

        double[][] Columns(ModelData data, int n)
        {
            double[] school = data.Vector("mom_hs", n, "as of 'kid_score'"), iq = data.Vector("mom_iq", n, "as of 'kid_score'");
            double[][] product = hasInteraction ? [[.. school.Zip(iq, (a, b) => a * b)]] : [];
            return [PosteriorParts.Ones(n), school, iq, .. product];
        }
    }

    /// <summary>Earnings on height (posteriordb earnings), all flat.</summary>
    public static PosteriorModel Earnings { get; } = new(
        "earnings", "log earnings (earn) on height",
        data =>
        {
            var y = data.Positive("earn");
            return Flat(
                "earnings", data, "earnings-logearn_height", Logs(y), EarningsColumns(data, y.Length), ["beta[1]", "beta[2]"], "'height'", sigma => 0);
        },
        () => PosteriorParts.Shipped("posteriordb/earnings.json"),
        Observed("earn", EarningsColumns, isLogarithm: true))
    { PosteriorDbName = "earnings-logearn_height" };

    /// <summary>Yield of mesquite bushes (posteriordb mesquite), all flat.</summary>
    public static PosteriorModel Mesquite { get; } = new(
        "mesquite", "log weight of mesquite bushes on logs of diam1, diam2, canopy_height, total_height and density, and on group",
        data =>
        {
            var y = data.Positive("weight");
            return Flat(
                "mesquite", data, "mesquite-logmesquite", Logs(y), MesquiteColumns(data, y.Length),
                [.. Enumerable.Range(1, 7).Select(j => $"beta[{j}]")], "a covariate", sigma => 0);
        },
        () => PosteriorParts.Shipped("posteriordb/mesquite.json"),
        Observed("weight", MesquiteColumns, isLogarithm: true))
    { PosteriorDbName = "mesquite-logmesquite" };

    /// <summary>Temperatures at Kilpisjarvi over years (posteriordb kilpisjarvi_mod): normal priors of the line, which years near 2000 correlate.</summary>
    public static PosteriorModel Kilpisjarvi { get; } = new(
        "kilpisjarvi", "summer temperatures y over years x, a line with priors N(pmualpha, psalpha) and N(pmubeta, psbeta)",
        data =>
        {
            var y = data.Vector("y");
            data.Stated("N", y.Length, $"'y' holds {y.Length} numbers");
            var fit = PosteriorParts.Fit(data, PosteriorParts.Columns(LineColumns(data, y.Length)), y, ["the intercept", "'x'"]);
            var (alpha, alphaScale, beta, betaScale) = (data.Number("pmualpha"), data.Number("psalpha"), data.Number("pmubeta"), data.Number("psbeta"));
            string[] names = ["alpha", "beta", "sigma"];
            return Density.Create("kilpisjarvi", 3, p => LogDensities.Normal(p[0], alpha, alphaScale) + LogDensities.Normal(p[1], beta, betaScale)
                + Likelihood(fit, y.Length, p[..2], p[2]), new DensityOptions
                {
                    Description = "Summer temperatures at Kilpisjarvi over years, as in posteriordb: intercept and slope are almost perfectly correlated.",
                    Support = [SupportTransform.Real(2), SupportTransform.Positive()],
                    Names = names,
                    Facts = PosteriorParts.PosteriorDbFacts("kilpisjarvi_mod-kilpisjarvi", names),
                });
        },
        () => PosteriorParts.Shipped("posteriordb/kilpisjarvi_mod.json"),
        Observed("y", LineColumns))
    { PosteriorDbName = "kilpisjarvi_mod-kilpisjarvi" };

    /// <summary>Regression with weights ~ N(0, 10) and sigma ~ half-normal(10) (posteriordb sblrc, sblri).</summary>
    public static PosteriorModel Regression(bool isCorrelated)
    {
        var (name, source) = isCorrelated ? ("regression-correlated", "sblrc") : ("regression", "sblri");
        return new PosteriorModel(
            name, $"linear regression of y on the matrix X (of a table: all other columns), {(isCorrelated ? "correlated" : "independent")} weights",
            data =>
            {
                var y = data.Vector("y");
                var design = data.Features("X", y.Length, "y");
                data.Stated("N", y.Length, $"'y' holds {y.Length} numbers");
                var k = design.GetLength(1);
                var fit = PosteriorParts.Fit(data, design, y, [.. Enumerable.Range(1, k).Select(j => $"column {j} of 'X'")]);
                string[] names = [.. Enumerable.Range(1, k).Select(j => $"beta[{j}]"), "sigma"];
                return Density.Create(name, k + 1, p => LogDensities.Normal(p[..k], 0, 10).Sum() + LogDensities.HalfNormal(p[k], 10)
                    + Likelihood(fit, y.Length, p[..k], p[k]), new DensityOptions
                    {
                        Description = $"Linear regression on simulated data, {(isCorrelated ? "correlated" : "independent")} weights, as in posteriordb.",
                        Support = [SupportTransform.Real(k), SupportTransform.Positive()],
                        Names = names,
                        Facts = k == 5 ? PosteriorParts.PosteriorDbFacts(source + "-blr", names) : TargetFacts.None,
                    });
            },
            () => PosteriorParts.Shipped($"posteriordb/{source}.json"),
            new ModelSimulation(
                (design, random) =>
                {
                    double[] beta = [.. Enumerable.Range(0, Features(design).GetLength(1)).Select(_ => 10 * random.NextNormal())];
                    return [.. beta, 10 * Math.Abs(random.NextNormal())];
                },
                (design, p, random) =>
                    design.With("y", [.. PosteriorParts.Times(Features(design), p[..^1]).Select(m => m + (p[^1] * random.NextNormal()))])))
        { PosteriorDbName = source + "-blr" };
    }

    /// <summary>Prices of diamonds (posteriordb diamonds): centred columns, weights ~ N(0, 1), Student priors, very ill-conditioned.</summary>
    public static PosteriorModel Diamonds { get; } = new(
        "diamonds", "log prices Y of diamonds on the matrix X, whose first column is the intercept; ill-conditioned",
        data =>
        {
            var y = data.Vector("Y");
            var given = data.Features("X", y.Length, "Y");
            data.Stated("N", y.Length, $"'Y' holds {y.Length} numbers");
            var k = given.GetLength(1) - 1;
            if (k < 1)
            {
                throw data.Wrong("'X' has no column beside the intercept");
            }

            var fit = PosteriorParts.Fit(
                data, PosteriorParts.Columns(CentredColumns(data, y.Length)), y,
                [.. Enumerable.Range(2, k).Select(j => $"column {j} of 'X'"), "the intercept"]);
            string[] names = [.. Enumerable.Range(1, k).Select(j => $"b[{j}]"), "Intercept", "sigma"];
            return Density.Create(
                "diamonds", k + 2, p => LogDensities.StandardNormal(p[..k]).Sum() + LogDensities.StudentT(p[k], 3, 8, 10)
                    + LogDensities.HalfStudentT(p[k + 1], 3, 10) + Likelihood(fit, y.Length, p[..(k + 1)], p[k + 1]), new DensityOptions
                    {
                        Description = "Log prices of diamonds, 24 centred covariates, as in posteriordb: very ill-conditioned.",
                        Support = [SupportTransform.Real(k + 1), SupportTransform.Positive()],
                        Names = names,
                        Facts = k == 24 ? PosteriorParts.PosteriorDbFacts("diamonds-diamonds", names) : TargetFacts.None,
                    });
        },
        () => PosteriorParts.Shipped("posteriordb/diamonds.json.zip"),
        Observed("Y", CentredColumns))
    { PosteriorDbName = "diamonds-diamonds" };

    /// <summary>The log likelihood of weights and a deviation, by a least-squares fit of n rows.</summary>
    public static Expr Likelihood(LeastSquaresResult fit, int n, Expr weights, Expr sigma)
    {
        var k = fit.Solution.Length;
        var away = Expr.MatrixProduct(Expr.Constant(fit.Factor, k, k), weights - PosteriorParts.Constant(fit.Solution));
        var squares = (fit.ResidualNorm * fit.ResidualNorm) + away.SquaredNorm();
        return (-0.5 * squares / sigma.Square()) - (n * (sigma.Log() + LogDensities.HalfLogTwoPi));
    }

    private static double[][] EarningsColumns(ModelData data, int n) => [PosteriorParts.Ones(n), data.Vector("height", n, "as of 'earn'")];

    private static double[][] LineColumns(ModelData data, int n) => [PosteriorParts.Ones(n), data.Vector("x", n, "as of 'y'")];

    private static double[][] MesquiteColumns(ModelData data, int n)
    {
        double[] Column(string name) => Logs(data.Positive(name, n, "as of 'weight'"));
        return [PosteriorParts.Ones(n), Column("diam1"), Column("diam2"), Column("canopy_height"), Column("total_height"), Column("density"),
            data.Vector("group", n, "as of 'weight'")];
    }

    // All columns but the first, which is the intercept's, and then that.
    private static double[][] CentredColumns(ModelData data, int n)
    {
        var given = data.Features("X", n, "Y");
        return [
            .. Enumerable.Range(1, given.GetLength(1) - 1).Select(j => Centred([.. Enumerable.Range(0, n).Select(i => given[i, j])])),
            PosteriorParts.Ones(n)];
    }

    // Priors are flat or wide, but data can be drawn at given weights and sigma.
    private static ModelSimulation Observed(string name, Func<ModelData, int, double[][]> columns, bool isLogarithm = false) => new(
        null,
        (design, p, random) =>
        {
            var rows = PosteriorParts.Columns(columns(design, design.Vector(name).Length));
            return design.With(name, [.. PosteriorParts.Times(rows, p[..^1]).Select(mean =>
            {
                var value = mean + (p[^1] * random.NextNormal());
                return isLogarithm ? Math.Exp(value) : value;
            })]);
        });

    private static double[,] Features(ModelData data) => data.Features("X", data.Vector("y").Length, "y");

    // Flat weights; if whitened, the coordinates are a fixed affine image of (beta, log sigma) in which the posterior is nearly standard normal:
    // beta = b + s R^-1 z, log sigma = log s + u / sqrt(2 N), s the residual standard deviation.
    private static Density Flat(
        string name, ModelData data, string posterior, double[] y, double[][] columns, string[] weights, string covariate, Func<Expr, Expr> prior,
        bool isWhitened = false)
    {
        var (n, k) = (y.Length, columns.Length);
        data.Stated("N", n, $"the response holds {n} numbers");
        var fit = PosteriorParts.Fit(data, PosteriorParts.Columns(columns), y, [.. Enumerable.Repeat(covariate, k)]);
        string[] names = [.. weights[..k], "sigma"];
        var density = Density.Create(name, k + 1, p => prior(p[k]) + Likelihood(fit, n, p[..k], p[k]), new DensityOptions
        {
            Description = $"Linear regression with {k} weights and flat priors on {n} rows, as in posteriordb ({posterior}).",
            Support = [SupportTransform.Real(k), SupportTransform.Positive()],
            Names = names,
            Facts = PosteriorParts.PosteriorDbFacts(posterior, names),
        });
        return isWhitened ? density.Whiten(Coordinates(fit, n)) : density;
    }

    // N(b, s^2 (X^T X)^-1) x N(log s, 1 / (2 N)), by the lower triangular factor of its covariance.
    private static GaussianBase Coordinates(LeastSquaresResult fit, int rows)
    {
        var k = fit.Solution.Length;
        var deviation = fit.ResidualNorm / Math.Sqrt(rows - k);
        var matrix = new double[k, k];
        for (var i = 0; i < k; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                matrix[i, j] = fit.Factor[(j * k) + i];
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
        return GaussianBase.Full([.. fit.Solution, Math.Log(deviation)], factor);
    }

    private static double[] Logs(double[] values) => Array.ConvertAll(values, Math.Log);

    private static double[] Centred(double[] values)
    {
        var mean = values.Average();
        return Array.ConvertAll(values, v => v - mean);
    }
}
