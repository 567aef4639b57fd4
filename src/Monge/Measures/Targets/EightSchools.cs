using Monge.Engine.Programs;

namespace Monge.Measures.Targets;

/// <summary>
/// The eight schools, non-centred (posteriordb eight_schools-eight_schools_noncentered): e_j ~ N(0, 1), mu ~ N(0, 5), tau ~ half-Cauchy(5),
/// theta_j = mu + tau e_j, y_j ~ N(theta_j, sigma_j). Coordinates e_1 .. e_8, mu, tau; reported theta[1] .. theta[8], mu, tau.
/// </summary>
internal static class EightSchools
{
    public static Density Create()
    {
        var y = ShippedData.JsonNumbers("posteriordb/eight_schools.json", "y");
        var sigma = ShippedData.JsonNumbers("posteriordb/eight_schools.json", "sigma");
        var n = y.Length;
        var (observed, precision) = (Expr.Constant(y, n), Expr.Constant([.. sigma.Select(s => 1 / s)], n));
        var constant = (-((2 * n) + 1) * Posteriors.HalfLogTwoPi) - sigma.Sum(Math.Log) - Math.Log(5) + Posteriors.HalfCauchyConstant(5);
        static Expr Theta(Expr x, int n) => x[n] + (x[n + 1] * x[..n]);
        Expr LogDensity(Expr x) =>
            constant - (0.5 * (x[..n].SquaredNorm() + (x[n] / 5).Square() + ((observed - Theta(x, n)) * precision).SquaredNorm()))
                - (x[n + 1] / 5).Square().Log1p();

        string[] names = [.. Enumerable.Range(1, n).Select(j => $"theta[{j}]"), "mu", "tau"];
        return Density.Create("eight-schools", n + 2, LogDensity, new DensityOptions
        {
            Description = "Effects of coaching in eight schools (Rubin 1981), hierarchical and non-centred, as in posteriordb.",
            Support = [SupportTransform.Real(n + 1), SupportTransform.Positive()],
            Names = names,
            Report = x => Expr.Concat(0, Theta(x, n), x[n..]),
            Facts = Posteriors.PosteriorDbFacts("eight_schools-eight_schools_noncentered", names),
        });
    }
}
