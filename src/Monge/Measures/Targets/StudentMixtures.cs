using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Targets;

/// <summary>
/// Mixtures of ten products of Student's t with two degrees of freedom, (2 + y^2)^(-3/2) in each coordinate about a mean drawn uniformly from [-10, 10]^d, of
/// equal weights (after arXiv 2406.07423, with means of our own); normalised. Their variance is infinite.
/// </summary>
internal static class StudentMixtures
{
    private const int Components = 10;
    private const double Reach = 10;
    private const double Negligible = 1e-12;

    /// <summary>The means; the scale is 1.</summary>
    public static MixtureDefinition Definition(int dimension) => new(MixtureDefinition.UniformMeans(Components, dimension, Reach), 1);

    /// <summary>The log densities [K] of the components at a position, their means times a factor that may move with time; traced.</summary>
    public static Expr LogComponents(MixtureDefinition mixture, Expr x, Expr shift)
    {
        // One logarithm for several coordinates: products of two factors stay far from overflow, also in single precision.
        const int Together = 2;
        Expr sum = 0;
        for (var from = 0; from < mixture.Dimension; from += Together)
        {
            Expr product = 1;
            for (var i = from; i < Math.Min(from + Together, mixture.Dimension); i++)
            {
                product *= 2 + (x[i] - (shift * mixture.Coordinate(i))).Square();
            }

            sum += product.Log();
        }

        return -1.5 * sum;
    }

    /// <summary>The quantile of the t law with two degrees of freedom: (2u - 1) / sqrt(2 u (1 - u)).</summary>
    public static double Quantile(double u) => ((2 * u) - 1) / Math.Sqrt(2 * u * (1 - u));

    public static Density Create(int dimension)
    {
        var mixture = Definition(dimension);
        double[] Sample(int samples, RandomStream random)
        {
            var positions = new double[samples * dimension];
            for (var s = 0; s < samples; s++)
            {
                var mean = mixture.Means[random.NextInt(Components)];
                for (var i = 0; i < dimension; i++)
                {
                    positions[(s * dimension) + i] = mean[i] + Quantile(random.NextDouble());
                }
            }

            return positions;
        }

        double[] infinite = [.. Enumerable.Repeat(double.PositiveInfinity, dimension)];
        return Density.Create(
            $"student-t-mixture-{dimension}", dimension, x => LogComponents(mixture, x, 1).LogSumExp() - Math.Log(Components), new DensityOptions
            {
                Description = $"Ten equal products of Student's t with 2 degrees of freedom, about means drawn from [-10, 10]^{dimension}.",
                Base = BaseSuggestion.Isotropic(dimension, 8, 25, "about the spread of the means", true),
                Facts = new TargetFacts
                {
                    LogZ = 0,
                    LogZSource = "exact: a normalised mixture",
                    Moments = new ReferenceMoments(mixture.Mean(), infinite, "exact; the variance is infinite: compare medians and quartiles"),
                    Modes = Modes(mixture),
                    ExactSampler = Sample,
                },
            });
    }

    // A point belongs to the component whose density is largest there.
    private static ModeSet? Modes(MixtureDefinition mixture)
    {
        int Label(double[] x)
        {
            var (best, at) = (double.NegativeInfinity, 0);
            for (var k = 0; k < Components; k++)
            {
                var log = 0.0;
                for (var i = 0; i < x.Length; i++)
                {
                    var y = x[i] - mixture.Means[k][i];
                    log -= Math.Log(2 + (y * y));
                }

                (best, at) = log > best ? (log, k) : (best, at);
            }

            return at;
        }

        double[]? weights = mixture.Dimension == 2 ? PlaneMasses(mixture)
            : Strays(mixture) < Negligible ? [.. Enumerable.Repeat(1.0 / Components, Components)]
            : null;
        return weights is null ? null : new ModeSet(weights, Label, mixture.Name, k => mixture.Means[k]);
    }

    // A bound on the probability that a draw is labelled as another component than its own: the Bhattacharyya coefficients, products over
    // the coordinates, summed over the others.
    private static double Strays(MixtureDefinition mixture)
    {
        double Overlap(double shift) => Quadrature.Segment(
            u => shift == 0 ? 1 : Math.Pow((2 + Square(Quantile(u))) / (2 + Square(Quantile(u) - shift)), 0.75), 1e-9, 1 - 1e-9, 2000);
        var worst = 0.0;
        foreach (var one in mixture.Means)
        {
            var sum = mixture.Means.Where(other => !ReferenceEquals(one, other)).Sum(
                other => Math.Exp(one.Zip(other, (a, b) => Math.Log(Overlap(Math.Abs(a - b)))).Sum()));
            worst = Math.Max(worst, sum);
        }

        return worst;
    }

    // Along a vertical line two components are equally dense where a quadratic in y vanishes; between neighbouring roots one component leads, and the mass
    // there is a sum of distribution functions. Across the lines the integral runs over the quantile of a wide t law, in which the integrand is bounded.
    private static double[] PlaneMasses(MixtureDefinition mixture)
    {
        const int Lines = 4000;
        const double Wide = 8;
        var means = mixture.Means;
        var masses = new double[Components];
        for (var line = 0; line < Lines; line++)
        {
            var u = (line + 0.5) / Lines;
            var x = Wide * Quantile(u);
            var area = Wide / (Math.Pow(2 * u * (1 - u), 1.5) * Lines);
            double[] across = [.. means.Select(m => 2 + Square(x - m[0]))];
            double Below(double y) => Enumerable.Range(0, Components).Sum(k => Math.Pow(across[k], -1.5) * Lower(y - means[k][1])) / Components;
            List<double> cuts = [];
            for (var k = 0; k < Components; k++)
            {
                for (var j = 0; j < k; j++)
                {
                    cuts.AddRange(EquallyDense(across[k], means[k][1], across[j], means[j][1]));
                }
            }

            cuts.Sort();
            var (below, previous) = (0.0, double.NegativeInfinity);
            foreach (var cut in cuts.Append(double.PositiveInfinity))
            {
                var inside = double.IsNegativeInfinity(previous) ? cut - 1 : double.IsPositiveInfinity(cut) ? previous + 1 : 0.5 * (previous + cut);
                var leader = Enumerable.Range(0, Components).MinBy(k => across[k] * (2 + Square(inside - means[k][1])));
                var reached = Below(cut);
                masses[leader] += area * (reached - below);
                (below, previous) = (reached, cut);
            }
        }

        var total = masses.Sum();
        return [.. masses.Select(m => m / total)];
    }

    // Where a (2 + (y - b)^2) = c (2 + (y - e)^2).
    private static IEnumerable<double> EquallyDense(double a, double b, double c, double e)
    {
        var (square, half, constant) = (a - c, (c * e) - (a * b), (a * (2 + (b * b))) - (c * (2 + (e * e))));
        var inner = (half * half) - (square * constant);
        if (square != 0 && inner >= 0)
        {
            yield return (-half - Math.Sqrt(inner)) / square;
            yield return (-half + Math.Sqrt(inner)) / square;
        }
    }

    private static double Lower(double y) => double.IsPositiveInfinity(y) ? 1 : 0.5 * (1 + (y / Math.Sqrt(2 + (y * y))));

    private static double Square(double v) => v * v;
}
