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

    /// <summary>
    /// Forty Gaussians with standard deviation softplus(1) and the means of the FAB, DEM and NETS comparisons, drawn uniformly from [-40, 40]^2
    /// (lollcat/fab-torch).
    /// </summary>
    public static Density Gmm40() => Create(
        "gmm40", "Forty equal Gaussians with standard deviation softplus(1) and means in [-40, 40]^2.", ShippedData.Numbers("targets/gmm40_means.csv"),
        Math.Log(1 + Math.E), BaseSuggestion.Isotropic(2, 25, 47, "about the spread of the means", true));

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
                Modes = Modes(means, deviation),
                ExactSampler = Sample,
            },
        });
    }

    private static ModeSet Modes(double[][] means, double deviation)
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

        return new ModeSet(CellMasses(means, deviation), Nearest, k => FormattableString.Invariant($"({string.Join(", ", means[k].Select(v => v.ToString("g4", System.Globalization.CultureInfo.InvariantCulture)))})"), k => means[k]);
    }

    // The mixture's mass in the cell of each mean (the plane points nearest to it). Along a vertical line squared distances less y^2 are straight lines
    // in y, so the cells are the segments of their lower envelope and the mass on each is a sum of normal distribution functions.
    private static double[] CellMasses(double[][] means, double deviation)
    {
        var masses = new double[means.Length];
        var (from, to) = (means.Min(m => m[0]) - (9 * deviation), means.Max(m => m[0]) + (9 * deviation));
        var step = deviation / 50;
        for (var x = from; x <= to; x += step)
        {
            double[] offset = [.. means.Select(m => ((x - m[0]) * (x - m[0])) + (m[1] * m[1]))];
            double[][] near = [.. means.Where(m => Math.Abs(x - m[0]) < 9 * deviation)];
            double Below(double y) => near.Sum(m => NormalDensity(x, m[0], deviation) * Lower((y - m[1]) / deviation)) / means.Length;
            int? cell = Enumerable.Range(0, means.Length).MinBy(k => (means[k][1], offset[k]));
            var below = 0.0;
            while (cell is { } k)
            {
                var (edge, next) = (double.PositiveInfinity, (int?)null);
                for (var j = 0; j < means.Length; j++)
                {
                    var crossing = (offset[j] - offset[k]) / (2 * (means[j][1] - means[k][1]));
                    (edge, next) = means[j][1] > means[k][1] && crossing < edge ? (crossing, j) : (edge, next);
                }

                var reached = Below(edge);
                masses[k] += step * (reached - below);
                (cell, below) = (next, reached);
            }
        }

        return masses;
    }

    private static double NormalDensity(double x, double mean, double deviation) =>
        Math.Exp(-0.5 * (x - mean) * (x - mean) / (deviation * deviation)) / (deviation * Math.Sqrt(2 * Math.PI));

    private static double Lower(double z) => double.IsPositiveInfinity(z) ? 1 : 0.5 * MathNet.Numerics.SpecialFunctions.Erfc(-z / Math.Sqrt(2));
}
