using Monge.Engine.Programs;

namespace Monge.Measures.Posteriors;

/// <summary>
/// The eight schools, non-centred (posteriordb eight_schools-eight_schools_noncentered): e_j ~ N(0, 1), mu ~ N(0, 5), tau ~ half-Cauchy(5),
/// theta_j = mu + tau e_j, y_j ~ N(theta_j, sigma_j). Coordinates e_1 .. e_8, mu, tau; reported theta[1] .. theta[8], mu, tau.
/// </summary>
internal static class EightSchools
{
    private const string Posterior = "eight_schools-eight_schools_noncentered";

    public static PosteriorModel Model { get; } = new(
        "eight-schools", "effects of coaching in eight schools: y with known errors sigma, hierarchical and non-centred",
        data =>
        {
            var y = data.Vector("y");
            var n = y.Length;
            var sigma = data.Positive("sigma", n, "as of 'y'");
            data.Stated("J", n, $"'y' holds {n} numbers");
            var (observed, deviations) = (PosteriorParts.Constant(y), PosteriorParts.Constant(sigma));
            static Expr Theta(Expr x, int n) => x[n] + (x[n + 1] * x[..n]);
            string[] names = [.. Enumerable.Range(1, n).Select(j => $"theta[{j}]"), "mu", "tau"];
            return Density.Create(
                "eight-schools", n + 2, x => LogDensities.StandardNormal(x[..n]).Sum() + LogDensities.Normal(x[n], 0, 5) + LogDensities.HalfCauchy(x[n + 1], 5)
                    + LogDensities.Normal(observed, Theta(x, n), deviations).Sum(), new DensityOptions
                    {
                        Description = "Effects of coaching in eight schools (Rubin 1981), hierarchical and non-centred, as in posteriordb.",
                        Support = [SupportTransform.Real(n + 1), SupportTransform.Positive()],
                        Names = names,
                        Report = x => Expr.Concat(0, Theta(x, n), x[n..]),
                        Facts = n == 8 ? PosteriorParts.PosteriorDbFacts(Posterior, names) : TargetFacts.None,
                    });
        },
        () => PosteriorParts.Shipped("posteriordb/eight_schools.json"),
        new ModelSimulation(
            (design, random) =>
            {
                var (mu, tau) = (5 * random.NextNormal(), PosteriorParts.HalfCauchy(random, 5));
                return [.. design.Positive("sigma").Select(_ => mu + (tau * random.NextNormal())), mu, tau];
            },
            (design, p, random) => design.With("y", [.. design.Positive("sigma").Select((s, i) => p[i] + (s * random.NextNormal()))])))
    { PosteriorDbName = Posterior };
}
