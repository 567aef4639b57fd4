using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Targets;

/// <summary>Targets with curved or funnel-shaped dependence.</summary>
internal static class Curved
{
    /// <summary>A Gaussian bent along a parabola: x0 ~ N(0, 10^2), x1 | x0 ~ N(10 - x0^2 / 10, 1), not normalised.</summary>
    public static Density Banana() => Density.Create(
        "banana", 2, x => (-0.005 * x[0].Square()) - (0.5 * (x[1] + (0.1 * x[0].Square()) - 10).Square()), new DensityOptions
        {
            Description = "A Gaussian bent along a parabola: -0.005 x0^2 - 0.5 (x1 + 0.1 x0^2 - 10)^2.",
            Base = new BaseSuggestion([0, 0], [12, 15], "a little above the target's standard deviations") { BoxHalfWidths = [40, 100] },
            Facts = new TargetFacts
            {
                LogZ = Math.Log(20 * Math.PI),
                LogZSource = "exact: closed form",
                Moments = new ReferenceMoments([0, 0], [10, Math.Sqrt(201)], "exact"),
                ExactSampler = SampleBanana,
            },
        });

    /// <summary>The standard deviation of the funnel's neck coordinate.</summary>
    public const double NeckDeviation = 3;

    /// <summary>
    /// The log density of x0 ~ N(0, 3^2), the others N(0, exp(c x0)) with the coupling c from 0 (independent Gaussians) to 1 (the funnel), traced.
    /// </summary>
    public static Expr FunnelLogDensity(Expr x, Expr coupling)
    {
        var (d, logScale) = (x.Size, coupling * x[0]);
        return (-x[0].Square() / 18) - (0.5 * (d - 1) * logScale) - (0.5 * (-logScale).Exp() * x[1..].SquaredNorm()) - Math.Log(NeckDeviation)
            - (d * LogDensities.HalfLogTwoPi);
    }

    /// <summary>Neal's funnel: x0 ~ N(0, 3^2), the others N(0, exp(x0)), normalised (Neal, "Slice sampling", 2003).</summary>
    public static Density Funnel(int dimension)
    {
        var others = dimension - 1;
        double[] sd = [3, .. Enumerable.Repeat(Math.Exp(2.25), others)];
        return Density.Create(
            $"funnel-{dimension}", dimension,
            x => FunnelLogDensity(x, 1), new DensityOptions
            {
                Description = $"Neal's funnel: x0 ~ N(0, 3^2), {others} others ~ N(0, exp(x0)).",
                Base = BaseSuggestion.Isotropic(dimension, 3, 15, "the standard deviation of x0", false),
                Facts = new TargetFacts
                {
                    LogZ = 0,
                    LogZSource = "exact: a normalised density",
                    Moments = new ReferenceMoments(new double[dimension], sd, "exact; the tails of all but x0 are too heavy for tests on their sample moments"),
                    ExactSampler = (samples, random) => SampleFunnel(samples, dimension, random),
                },
            });
    }

    private static double[] SampleFunnel(int samples, int dimension, RandomStream random)
    {
        var positions = new double[samples * dimension];
        for (var k = 0; k < positions.Length; k++)
        {
            var neck = k % dimension;
            positions[k] = (neck == 0 ? 3 : Math.Exp(0.5 * positions[k - neck])) * random.NextNormal();
        }

        return positions;
    }

    private static double[] SampleBanana(int samples, RandomStream random)
    {
        var positions = new double[samples * 2];
        for (var s = 0; s < samples; s++)
        {
            var along = 10 * random.NextNormal();
            positions[2 * s] = along;
            positions[(2 * s) + 1] = 10 - (0.1 * along * along) + random.NextNormal();
        }

        return positions;
    }
}
