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
