using Monge.Data;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Posteriors;

/// <summary>
/// Gaussian processes on a line with covariance alpha^2 exp(-(x - x')^2 / (2 rho^2)), rho ~ Gamma(25, 4), alpha ~ half-normal(2).
/// </summary>
internal static class GaussianProcesses
{
    // As in posteriordb: the smallest that keeps the Cholesky factor.
    private const double Nugget = 1e-10;
    private const int MostPoints = 64;

    /// <summary>Counts k ~ Poisson(exp f), f = L w, w ~ N(0, 1), L L^T the covariance (posteriordb gp_pois_regr). Reported rho, alpha, f.</summary>
    public static PosteriorModel Counts { get; } = new(
        "gp-poisson", "counts k at points x whose log rate is a Gaussian process",
        data =>
        {
            var counts = data.Counts("k");
            var at = Points(data, counts.Length, "k");
            var n = at.Length;
            Expr LogRates(Expr x) => Expr.MatrixProduct(PosteriorParts.SquaredExponential(at, x[0], x[1], Nugget).Cholesky(), x[2..]);
            string[] names = ["rho", "alpha", .. Enumerable.Range(1, n).Select(i => $"f[{i}]")];
            return Density.Create("gp-poisson", n + 2, x => Prior(x) + LogDensities.StandardNormal(x[2..]).Sum()
                + LogDensities.PoissonLog(PosteriorParts.Constant(counts), LogRates(x)).Sum(), new DensityOptions
                {
                    Description = "Counts whose log rate is a Gaussian process, as in posteriordb (gp_pois_regr).",
                    Support = [SupportTransform.Positive(2), SupportTransform.Real(n)],
                    Names = names,
                    Report = x => Expr.Concat(0, x[..2], LogRates(x)),
                    Facts = n == 11 ? PosteriorParts.PosteriorDbFacts("gp_pois_regr-gp_pois_regr", names) : TargetFacts.None,
                });
        },
        () => PosteriorParts.Shipped("posteriordb/gp_pois_regr.json"),
        new ModelSimulation(
            (design, random) =>
            {
                var (rho, alpha) = Scales(random);
                return [rho, alpha, .. PosteriorParts.GaussianProcess(random, design.Vector("x"), rho, alpha, Nugget)];
            },
            (design, p, random) => design.With("k", [.. p[2..].Select(f => PosteriorParts.Poisson(random, Math.Exp(f)))])))
    { PosteriorDbName = "gp_pois_regr-gp_pois_regr" };

    /// <summary>Numbers y ~ N(f, sigma), the process f integrated out (posteriordb gp_regr), sigma ~ half-normal(1).</summary>
    public static PosteriorModel Regression { get; } = new(
        "gp-regression", "numbers y at points x, a Gaussian process with noise, by its marginal likelihood",
        data =>
        {
            var seen = data.Vector("y");
            var at = Points(data, seen.Length, "y");
            var y = PosteriorParts.Constant(seen);
            return Density.Create("gp-regression", 3, x =>
            {
                var factor = PosteriorParts.SquaredExponential(at, x[0], x[1], x[2].Square()).Cholesky();
                var mean = Expr.Constant(new double[at.Length], at.Length);
                return Prior(x) + LogDensities.HalfNormal(x[2], 1) + LogDensities.MultivariateNormalCholesky(y, mean, factor);
            }, new DensityOptions
            {
                Description = "Regression by a Gaussian process, by its marginal likelihood.",
                Support = [SupportTransform.Positive(3)],
                Names = ["rho", "alpha", "sigma"],
            });
        },
        () => PosteriorParts.Shipped("posteriordb/gp_pois_regr.json"),
        new ModelSimulation(
            (_, random) =>
            {
                var (rho, alpha) = Scales(random);
                return [rho, alpha, Math.Abs(random.NextNormal())];
            },
            (design, p, random) => design.With("y", PosteriorParts.GaussianProcess(random, design.Vector("x"), p[0], p[1], p[2] * p[2]))));

    private static Expr Prior(Expr x) => LogDensities.Gamma(x[0], 25, 4) + LogDensities.HalfNormal(x[1], 2);

    private static (double Rho, double Alpha) Scales(RandomStream random) => (random.NextGamma(25) / 4, 2 * Math.Abs(random.NextNormal()));

    private static double[] Points(ModelData data, int count, string name)
    {
        var at = data.Vector("x", count, $"as of '{name}'");
        data.Stated("N", count, $"'{name}' holds {count} numbers");
        if (count > MostPoints)
        {
            throw data.Wrong($"'x' holds {count} points; a Gaussian process takes {MostPoints} at most, as each sample has a matrix of its own");
        }

        var order = Enumerable.Range(0, count).OrderBy(i => at[i]).ToArray();
        var same = Enumerable.Range(1, count - 1).FirstOrDefault(i => at[order[i]] == at[order[i - 1]]);
        return same == 0
            ? at
            : throw data.Wrong(FormattableString.Invariant(
                $"values {order[same - 1] + 1} and {order[same] + 1} of 'x' are the same, {at[order[same]]}, ")
                + $"so the covariance is singular at row {order[same] + 1}");
    }
}
