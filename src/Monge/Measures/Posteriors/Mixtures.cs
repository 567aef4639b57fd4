using Monge.Data;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Posteriors;

/// <summary>Models with hidden labels: a mixture, and chains of hidden states.</summary>
internal static class Mixtures
{
    private const int Drives = 400;
    private const ulong DataSeed = 20_152;

    private static readonly Expr s_centres = Expr.Constant([0, 3], 2);

    /// <summary>
    /// Two normal laws (posteriordb low_dim_gauss_mix): mu_1 below mu_2, each ~ N(0, 2), sigma_k ~ half-normal(2), theta ~ Beta(5, 5).
    /// </summary>
    public static PosteriorModel TwoNormals { get; } = new(
        "normal-mixture", "a mixture of two normal laws of the numbers y",
        data =>
        {
            var seen = data.Vector("y");
            data.Stated("N", seen.Length, $"'y' holds {seen.Length} numbers");
            var y = PosteriorParts.Constant(seen);
            string[] names = ["mu[1]", "mu[2]", "sigma[1]", "sigma[2]", "theta"];
            return Density.Create("normal-mixture", 5, x =>
            {
                var (mean, deviation, share) = (x[..2], x[2..4], x[4]);
                var first = share.Log() + LogDensities.Normal(y, mean[0], deviation[0]);
                var second = (1 - share).Log() + LogDensities.Normal(y, mean[1], deviation[1]);
                return LogDensities.Normal(mean, 0, 2).Sum() + LogDensities.HalfNormal(deviation, 2).Sum() + LogDensities.Beta(share, 5, 5)
                    + Expr.Stack(0, first, second).LogSumExp(0).Sum();
            }, new DensityOptions
            {
                Description = "A mixture of two normal laws, ordered means, as in posteriordb (low_dim_gauss_mix).",
                Support = [SupportTransform.Ordered(2), SupportTransform.Positive(2), SupportTransform.Interval(0, 1)],
                Names = names,
                Facts = PosteriorParts.PosteriorDbFacts("low_dim_gauss_mix-low_dim_gauss_mix", names),
            });
        },
        () => PosteriorParts.Shipped("posteriordb/low_dim_gauss_mix.json"),
        new ModelSimulation(
            (_, random) =>
            {
                double[] means = [2 * random.NextNormal(), 2 * random.NextNormal()];
                Array.Sort(means);
                return [.. means, 2 * Math.Abs(random.NextNormal()), 2 * Math.Abs(random.NextNormal()), Beta(random, 5, 5)];
            },
            (design, p, random) => design.With("y", [.. design.Vector("y").Select(_ =>
            {
                var k = random.NextDouble() < p[4] ? 0 : 1;
                return p[k] + (p[2 + k] * random.NextNormal());
            })])))
    { PosteriorDbName = "low_dim_gauss_mix-low_dim_gauss_mix" };

    /// <summary>
    /// Two hidden states with normal emissions of deviation 1 (posteriordb hmm_example): rows of the transition matrix uniform, 0 below mu_1 below mu_2,
    /// mu_1 ~ N(3, 1), mu_2 ~ N(10, 1); both states have weight 1 at the start. Coordinates theta1[1], theta2[1], mu_1, mu_2 - mu_1.
    /// </summary>
    public static PosteriorModel HiddenStates { get; } = new(
        "hidden-markov", "a hidden Markov chain with two states and normal emissions y",
        data =>
        {
            var seen = data.Vector("y");
            data.Stated("N", seen.Length, $"'y' holds {seen.Length} numbers");
            data.Stated("K", 2, "the model has two states");
            var y = PosteriorParts.Constant(seen);
            string[] names = ["theta1[1]", "theta1[2]", "theta2[1]", "theta2[2]", "mu[1]", "mu[2]"];
            return Density.Create("hidden-markov", 4, x =>
            {
                var (low, high) = (x[2], x[2] + x[3]);
                return LogDensities.Normal(low, 3, 1) + LogDensities.Normal(high, 10, 1)
                    + Forward(x[0], x[1], LogDensities.Normal(y, low, 1), LogDensities.Normal(y, high, 1));
            }, new DensityOptions
            {
                Description = "A hidden Markov chain with two states and normal emissions, as in posteriordb (hmm_example).",
                Support = [SupportTransform.Interval(0, 1, 2), SupportTransform.Positive(2)],
                Names = names,
                Report = x => Expr.Concat(0, Rows(x), Expr.Vector(x[2], x[2] + x[3])),
                Facts = PosteriorParts.PosteriorDbFacts("hmm_example-hmm_example", names),
            });
        },
        () => PosteriorParts.Shipped("posteriordb/hmm_example.json"),
        new ModelSimulation(
            (_, random) =>
            {
                var (first, second) = (random.NextDouble(), random.NextDouble());
                return [first, 1 - first, second, 1 - second, .. Ordered(3, 10, random)];
            },
            (design, p, random) => design.With(
                "y", [.. States(p[0], p[2], design.Vector("y").Length, random).Select(k => p[4 + k] + random.NextNormal())])))
    { PosteriorDbName = "hmm_example-hmm_example" };

    /// <summary>
    /// Two hidden states with two exponential emissions each, u of rates phi and v of rates lambda: rows of the transition matrix ~ Dirichlet (4.5, 1.5 for
    /// staying and leaving), phi_1 below phi_2 and lambda_1 below lambda_2, the first of each ~ N(0, 1), the second ~ N(3, 1), all positive.
    /// </summary>
    public static PosteriorModel TwoEmissions { get; } = new(
        "hidden-markov-2", "a hidden Markov chain with two states and two exponential emissions, u and v",
        data =>
        {
            var seen = data.Each("u", data.Vector("u"), v => v >= 0, "must be 0 or above");
            var other = data.Each("v", data.Vector("v", seen.Length, "as of 'u'"), v => v >= 0, "must be 0 or above");
            data.Stated("N", seen.Length, $"'u' holds {seen.Length} numbers");
            var (u, v) = (PosteriorParts.Constant(seen), PosteriorParts.Constant(other));
            return Density.Create("hidden-markov-2", 6, x =>
            {
                var (phi, lambda) = (Rates(x[2..4]), Rates(x[4..6]));
                Expr Emission(int k) => LogDensities.Exponential(u, phi[k]) + LogDensities.Exponential(v, lambda[k]);
                return LogDensities.Beta(x[0], 4.5, 1.5) + LogDensities.Beta(x[1], 1.5, 4.5) + LogDensities.Normal(phi, s_centres, 1).Sum()
                    + LogDensities.Normal(lambda, s_centres, 1).Sum() + Forward(x[0], x[1], Emission(0), Emission(1));
            }, new DensityOptions
            {
                Description = "A hidden Markov chain with two states and two exponential emissions.",
                Support = [SupportTransform.Interval(0, 1, 2), SupportTransform.Positive(4)],
                Names = ["theta1[1]", "theta1[2]", "theta2[1]", "theta2[2]", "phi[1]", "phi[2]", "lambda[1]", "lambda[2]"],
                Report = x => Expr.Concat(0, Rows(x), Rates(x[2..4]), Rates(x[4..6])),
            });
        },
        () => Emissions(0.8, 0.25, [0.8, 3], [0.6, 2.5], Drives, new RandomStream(DataSeed)),
        new ModelSimulation(
            (_, random) =>
            {
                var (first, second) = (Beta(random, 4.5, 1.5), Beta(random, 1.5, 4.5));
                return [first, 1 - first, second, 1 - second, .. Ordered(0, 3, random), .. Ordered(0, 3, random)];
            },
            (design, p, random) => Emissions(p[0], p[2], p[4..6], p[6..8], design.Vector("u").Length, random)));

    // The log likelihood of a chain with two states by the forward recursion, scaled at each step; what is exponential or logarithmic is outside of the loop.
    private static Expr Forward(Expr first, Expr second, Expr low, Expr high)
    {
        var largest = Expr.Max(low, high);
        var weights = Expr.Stack(1, (low - largest).Exp(), (high - largest).Exp());
        var start = weights[0];
        var sum = start.Sum();
        var (_, scales) = Expr.Scan(start / sum, weights[1..], (belief, weight) =>
        {
            var stay = (belief[0] * first) + (belief[1] * second);
            var leave = (belief[0] * (1 - first)) + (belief[1] * (1 - second));
            var next = Expr.Vector(stay, leave) * weight;
            var scale = next.Sum();
            return (next / scale, scale);
        });
        return largest.Sum() + sum.Log() + scales.Log().Sum();
    }

    private static Expr Rows(Expr x) => Expr.Vector(x[0], 1 - x[0], x[1], 1 - x[1]);

    private static Expr Rates(Expr pair) => Expr.Vector(pair[0], pair[0] + pair[1]);

    private static double Beta(RandomStream random, double a, double b)
    {
        var (x, y) = (random.NextGamma(a), random.NextGamma(b));
        return x / (x + y);
    }

    // Two normal numbers of deviation 1 of which both are positive and the second is larger.
    private static double[] Ordered(double first, double second, RandomStream random)
    {
        double[] pair = [0, 0];
        while (!(pair[0] > 0 && pair[1] > pair[0]))
        {
            pair = [first + random.NextNormal(), second + random.NextNormal()];
        }

        return pair;
    }

    private static int[] States(double first, double second, int n, RandomStream random)
    {
        var states = new int[n];
        states[0] = random.NextDouble() < 0.5 ? 0 : 1;
        for (var t = 1; t < n; t++)
        {
            states[t] = random.NextDouble() < (states[t - 1] == 0 ? first : second) ? 0 : 1;
        }

        return states;
    }

    private static ModelData Emissions(double first, double second, double[] phi, double[] lambda, int n, RandomStream random)
    {
        var states = States(first, second, n, random);
        return ModelData.Of(
            "simulated emissions", ("u", [.. states.Select(k => random.NextExponential() / phi[k])]),
            ("v", [.. states.Select(k => random.NextExponential() / lambda[k])]));
    }
}
