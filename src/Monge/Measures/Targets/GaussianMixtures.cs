using System.Globalization;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Targets;

/// <summary>A mixture of equal weights of one shape at several means.</summary>
/// <param name="Means">The means [K][d].</param>
/// <param name="Deviation">The standard deviation (Gaussians) or scale of every component.</param>
internal sealed record MixtureDefinition(double[][] Means, double Deviation)
{
    /// <summary>d.</summary>
    public int Dimension => Means[0].Length;

    /// <summary>
    /// Means drawn uniformly from [-reach, reach]^d by this project's own stream: coordinate i of mean k is number i of the stream of seed k and number
    /// <see cref="MeanStream"/>, so a mixture in fewer dimensions has the first coordinates of the same means.
    /// </summary>
    public static double[][] UniformMeans(int components, int dimension, double reach)
    {
        var means = new double[components][];
        for (var k = 0; k < components; k++)
        {
            var random = new RandomStream((ulong)k, MeanStream);
            means[k] = [.. Enumerable.Range(0, dimension).Select(_ => reach * ((2 * random.NextDouble()) - 1))];
        }

        return means;
    }

    /// <summary>The stream number of the means, a part of the targets' definition: its seeds are the components, never the user's.</summary>
    public const uint MeanStream = 20;

    /// <summary>
    /// The squared distances [K] of a position to all means times a factor that may move with time, traced: one operation of
    /// the mixture's width for each coordinate.
    /// </summary>
    public Expr SquaredDistances(Expr x, Expr shift)
    {
        // Sums of sums: in single precision one long sum would lose digits that tell near components apart.
        const int Together = 8;
        Expr distance = 0;
        for (var from = 0; from < Dimension; from += Together)
        {
            Expr part = 0;
            for (var i = from; i < Math.Min(from + Together, Dimension); i++)
            {
                part += (x[i] - (shift * Coordinate(i))).Square();
            }

            distance += part;
        }

        return distance;
    }

    /// <summary>Coordinate i of all means [K].</summary>
    public Expr Coordinate(int i) => Expr.Constant([.. Means.Select(m => m[i])], Means.Length);

    /// <summary>The mean of the component of a number, in words.</summary>
    public string Name(int k) => Dimension <= 4
        ? $"({string.Join(", ", Means[k].Select(v => v.ToString("g4", CultureInfo.InvariantCulture)))})"
        : $"component {k + 1}";

    /// <summary>The means of the coordinates of the whole mixture.</summary>
    public double[] Mean() => [.. Enumerable.Range(0, Dimension).Select(i => Means.Average(m => m[i]))];
}

/// <summary>Mixtures of Gaussians with one spherical covariance and equal weights, normalised: log Z = 0.</summary>
internal static class GaussianMixtures
{
    // Above this total probability of a draw lying nearer to another mean than its own, the modes' weights aren't 1/K to all digits.
    private const double Negligible = 1e-12;

    /// <summary>Nine Gaussians of variance 0.3 at {-5, 0, 5}^2 (juliusberner/sde_sampler; arXiv 2307.01198).</summary>
    public static MixtureDefinition Nine()
    {
        double[] grid = [-5, 0, 5];
        return new MixtureDefinition([.. from a in grid from b in grid select new[] { a, b }], Math.Sqrt(0.3));
    }

    /// <summary>
    /// Forty Gaussians with standard deviation softplus(1) and the means of the FAB, DEM and NETS comparisons, drawn uniformly from [-40, 40]^2
    /// (lollcat/fab-torch).
    /// </summary>
    public static MixtureDefinition Forty() => new(ShippedData.Numbers("targets/gmm40_means.csv"), Math.Log(1 + Math.E));

    /// <summary>Forty Gaussians of standard deviation 1 in d dimensions (the version of arXiv 2406.07423, with means of our own).</summary>
    public static MixtureDefinition Forty(int dimension) => new(MixtureDefinition.UniformMeans(40, dimension, 40), 1);

    /// <summary>Eight Gaussians of standard deviation 1 in d dimensions, for growing d (after arXiv 2410.02711, with means of our own).</summary>
    public static MixtureDefinition Eight(int dimension) => new(MixtureDefinition.UniformMeans(8, dimension, 5), 1);

    /// <summary>gmm9.</summary>
    public static Density Gmm9() =>
        Create("gmm9", "Nine equal Gaussians of variance 0.3 at {-5, 0, 5}^2.", Nine(),
            BaseSuggestion.Isotropic(2, 5, 8, "about the spread of the means", true));

    /// <summary>gmm40.</summary>
    public static Density Gmm40() =>
        Create("gmm40", "Forty equal Gaussians with standard deviation softplus(1) and means in [-40, 40]^2.", Forty(),
            BaseSuggestion.Isotropic(2, 25, 47, "about the spread of the means", true));

    /// <summary>gmm40-D.</summary>
    public static Density Gmm40(int dimension) => Create(
        $"gmm40-{dimension}", $"Forty equal Gaussians of standard deviation 1 with means drawn from [-40, 40]^{dimension}.", Forty(dimension),
        BaseSuggestion.Isotropic(dimension, 24, 45, "about the spread of the means", true));

    /// <summary>gmm8-D.</summary>
    public static Density Gmm8(int dimension) => Create(
        $"gmm8-{dimension}", $"Eight equal Gaussians of standard deviation 1 with means drawn from [-5, 5]^{dimension}.", Eight(dimension),
        BaseSuggestion.Isotropic(dimension, 3.1, 10, "about the spread of the means", true));

    private static Density Create(string name, string description, MixtureDefinition mixture, BaseSuggestion suggestion)
    {
        var (means, deviation, d) = (mixture.Means, mixture.Deviation, mixture.Dimension);
        var constant = -Math.Log(means.Length) - (d * (Math.Log(deviation) + LogDensities.HalfLogTwoPi));
        double[] Sample(int samples, RandomStream random)
        {
            var positions = new double[samples * d];
            for (var s = 0; s < samples; s++)
            {
                var mean = means[random.NextInt(means.Length)];
                for (var i = 0; i < d; i++)
                {
                    positions[(s * d) + i] = mean[i] + (deviation * random.NextNormal());
                }
            }

            return positions;
        }

        var center = mixture.Mean();
        double[] sd = [.. center.Select((c, i) => Math.Sqrt((deviation * deviation) + means.Average(m => (m[i] - c) * (m[i] - c))))];
        return Density.Create(name, d, x => (mixture.SquaredDistances(x, 1) * (-0.5 / (deviation * deviation))).LogSumExp() + constant, new DensityOptions
        {
            Description = description,
            Base = suggestion,
            Facts = new TargetFacts
            {
                LogZ = 0,
                LogZSource = "exact: a normalised mixture",
                Moments = new ReferenceMoments(center, sd, "exact"),
                Modes = Modes(mixture),
                ExactSampler = Sample,
            },
        });
    }

    // In the plane the masses of the cells of the means are integrated; above it they are 1/K where the means are so far
    // apart that no digit can tell, else unknown.
    private static ModeSet? Modes(MixtureDefinition mixture)
    {
        var means = mixture.Means;
        int Nearest(double[] x)
        {
            var (best, at) = (double.PositiveInfinity, 0);
            for (var k = 0; k < means.Length; k++)
            {
                var distance = HostVectors.SquaredDistance(x, means[k]);
                (best, at) = distance < best ? (distance, k) : (best, at);
            }

            return at;
        }

        double[]? weights = mixture.Dimension == 2 ? CellMasses(means, mixture.Deviation)
            : Strays(mixture) < Negligible ? [.. Enumerable.Repeat(1.0 / means.Length, means.Length)]
            : null;
        return weights is null ? null : new ModeSet(weights, Nearest, mixture.Name, k => means[k]);
    }

    // A bound on the probability that a draw lies nearer to another mean than to that of its component: the sum over all others.
    private static double Strays(MixtureDefinition mixture) =>
        mixture.Means.Max(one => mixture.Means.Where(other => !ReferenceEquals(one, other)).Sum(
            other => Lower(-0.5 * Math.Sqrt(HostVectors.SquaredDistance(one, other)) / mixture.Deviation)));

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

    private static double Lower(double z) => double.IsPositiveInfinity(z) ? 1 : 0.5 * HostFunctions.Erfc(-z / Math.Sqrt(2));
}
