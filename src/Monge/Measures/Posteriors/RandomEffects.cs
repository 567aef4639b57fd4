using Monge.Data;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Posteriors;

/// <summary>
/// Germination of Orobanche seeds (Crowder): r_j ~ Binomial(N_j, logit^-1(a0 + a1 x1 + a2 x2 + a12 x1 x2 + b_j)), b_j ~ N(0, 1 / sqrt(tau)),
/// tau ~ Gamma(0.01, 0.01), a ~ N(0, 10).
/// </summary>
internal static class RandomEffects
{
    public static PosteriorModel Seeds { get; } = new(
        "seeds", "germination of seeds: r of N on x1, x2 and their product, with an effect of each plate",
        data =>
        {
            var r = data.Counts("r");
            var n = data.Counts("N", r.Length, "as of 'r'");
            var wrong = Enumerable.Range(0, r.Length).FirstOrDefault(j => r[j] > n[j], -1);
            if (wrong >= 0)
            {
                throw data.Wrong(FormattableString.Invariant($"value {wrong + 1} of 'r' is {r[wrong]}, above that of 'N', {n[wrong]}"));
            }

            var (germinated, all) = (PosteriorParts.Constant(r), PosteriorParts.Constant(n));
            var design = PosteriorParts.Constant(Design(data, r.Length));
            string[] names = ["tau", "a0", "a1", "a2", "a12", .. Enumerable.Range(1, r.Length).Select(j => $"b[{j}]")];
            return Density.Create("seeds", 5 + r.Length, x => LogDensities.Gamma(x[0], 0.01, 0.01) + LogDensities.Normal(x[1..5], 0, 10).Sum()
                + LogDensities.Normal(x[5..], 0, x[0].Pow(-0.5)).Sum()
                + LogDensities.BinomialLogit(germinated, all, Expr.MatrixProduct(design, x[1..5]) + x[5..]).Sum(), new DensityOptions
                {
                    Description = "Germination of seeds on 21 plates, a logistic regression with random effects.",
                    Support = [SupportTransform.Positive(), SupportTransform.Real(4 + r.Length)],
                    Names = names,
                    Facts = new TargetFacts { LogZ = -73.406, LogZError = 0.005, LogZSource = "log evidence: nested quadrature" },
                });
        },
        () =>
        {
            var rows = ShippedData.Numbers("logistic/seeds.csv");
            double[] Column(int j) => [.. rows.Select(row => row[j])];
            return ModelData.Of("logistic/seeds.csv", ("r", Column(0)), ("N", Column(1)), ("x1", Column(2)), ("x2", Column(3)));
        },
        new ModelSimulation(null, (design, p, random) =>
        {
            var n = design.Counts("N");
            var logits = PosteriorParts.Times(Design(design, n.Length), p[1..5]);
            return design.With("r", [.. n.Select((count, j) => Binomial(random, (int)count, 1 / (1 + Math.Exp(-logits[j] - p[5 + j]))))]);
        }));

    private static double[,] Design(ModelData data, int n)
    {
        double[] x1 = data.Vector("x1", n, "as of 'r'"), x2 = data.Vector("x2", n, "as of 'r'");
        return PosteriorParts.Columns(PosteriorParts.Ones(n), x1, x2, [.. x1.Zip(x2, (a, b) => a * b)]);
    }

    private static double Binomial(RandomStream random, int count, double probability) =>
        Enumerable.Range(0, count).Count(_ => random.NextDouble() < probability);
}
