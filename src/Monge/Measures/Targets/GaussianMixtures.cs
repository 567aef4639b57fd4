using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Targets;

/// <summary>Mixtures of Gaussians with one spherical covariance and equal weights, normalised: log Z = 0.</summary>
internal static class GaussianMixtures
{
    /// <summary>Nine Gaussians of variance 0.3 at {-5, 0, 5}^2 (juliusberner/sde_sampler; arXiv 2307.01198).</summary>
    public static Density Gmm9()
    {
        double[] grid = [-5, 0, 5];
        double[][] means = [.. from a in grid from b in grid select new[] { a, b }];
        return Create("gmm9", "Nine equal Gaussians of variance 0.3 at {-5, 0, 5}^2.", means, Math.Sqrt(0.3), BaseSuggestion.Isotropic(2, 5, 8, "about the spread of the means", true));
    }

    private static Density Create(string name, string description, double[][] means, double deviation, BaseSuggestion suggestion)
    {
        var (count, d) = (means.Length, means[0].Length);
        var constant = -Math.Log(count) - (d * (Math.Log(deviation) + (0.5 * Math.Log(2 * Math.PI))));
        Expr LogDensity(Expr x)
        {
            // One row of [components] for each coordinate, so that every operation is as wide as the mixture.
            Expr distance = 0;
            for (var i = 0; i < d; i++)
            {
                distance += (x[i] - Expr.Constant([.. means.Select(m => m[i])], count)).Square();
            }

            return (distance * (-0.5 / (deviation * deviation))).LogSumExp() + constant;
        }

        double[] Sample(int samples, RandomStream random)
        {
            var positions = new double[samples * d];
            for (var s = 0; s < samples; s++)
            {
                var mean = means[random.NextInt(count)];
                for (var i = 0; i < d; i++)
                {
                    positions[(s * d) + i] = mean[i] + (deviation * random.NextNormal());
                }
            }

            return positions;
        }

        double[] mean = [.. Enumerable.Range(0, d).Select(i => means.Average(m => m[i]))];
        double[] sd = [.. Enumerable.Range(0, d).Select(i => Math.Sqrt((deviation * deviation) + means.Average(m => (m[i] - mean[i]) * (m[i] - mean[i]))))];
        return Density.Create(name, d, LogDensity, new DensityOptions
        {
            Description = description,
            Base = suggestion,
            Facts = new TargetFacts
            {
                LogZ = 0,
                LogZSource = "exact: a normalised mixture",
                Moments = new ReferenceMoments(mean, sd, "exact"),
                Modes = Modes(means),
                ExactSampler = Sample,
            },
        });
    }

    private static ModeSet Modes(double[][] means)
    {
        int Nearest(double[] x)
        {
            var (best, at) = (double.PositiveInfinity, 0);
            for (var k = 0; k < means.Length; k++)
            {
                var distance = 0.0;
                for (var i = 0; i < x.Length; i++)
                {
                    distance += (x[i] - means[k][i]) * (x[i] - means[k][i]);
                }

                (best, at) = distance < best ? (distance, k) : (best, at);
            }

            return at;
        }

        var weights = new double[means.Length];
        Array.Fill(weights, 1.0 / means.Length);
        return new ModeSet(weights, Nearest, k => FormattableString.Invariant($"({string.Join(", ", means[k].Select(v => v.ToString("g4", System.Globalization.CultureInfo.InvariantCulture)))})"), k => means[k]);
    }
}
