using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Targets;

/// <summary>
/// An autoregressive Gaussian: mean 1, standard deviation 1, correlation 0.5^|i - j|; its density is left unnormalised, exp(-Q/2).
/// </summary>
internal static class Gaussians
{
    private const double Mean = 1;
    private const double Correlation = 0.5;
    private static readonly double s_innovation = Math.Sqrt(1 - (Correlation * Correlation));

    public static Density Create(int dimension)
    {
        Expr LogDensity(Expr x)
        {
            var y = x - Mean;
            var first = y[0].Square();
            return -0.5 * (dimension == 1 ? first : first + ((y[1..] - (Correlation * y[..^1])) / s_innovation).SquaredNorm());
        }

        double[] Sample(int samples, RandomStream random)
        {
            var positions = new double[samples * dimension];
            for (var k = 0; k < positions.Length; k++)
            {
                positions[k] = k % dimension == 0
                    ? Mean + random.NextNormal()
                    : Mean + (Correlation * (positions[k - 1] - Mean)) + (s_innovation * random.NextNormal());
            }

            return positions;
        }

        double[] ones = [.. Enumerable.Repeat(1.0, dimension)];
        return Density.Create($"gaussian-{dimension}", dimension, LogDensity, new DensityOptions
        {
            Description = "A Gaussian with mean 1, standard deviation 1 and correlation 0.5^|i - j|, not normalised.",
            Base = BaseSuggestion.Isotropic(dimension, 2, 6, "twice the target's standard deviation, around the origin", false),
            Facts = new TargetFacts
            {
                LogZ = (0.5 * dimension * Math.Log(2 * Math.PI)) + ((dimension - 1) * Math.Log(s_innovation)),
                LogZSource = "exact: closed form",
                Moments = new ReferenceMoments(ones, ones, "exact"),
                ExactSampler = Sample,
            },
        });
    }
}
