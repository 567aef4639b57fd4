using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Targets;

/// <summary>Gaussians with everything known in closed form.</summary>
internal static class Gaussians
{
    private const double Mean = 1;
    private const double Correlation = 0.5;
    private static readonly double s_innovation = Math.Sqrt(1 - (Correlation * Correlation));

    /// <summary>N(m, s^2 I), normalised, with m along (1, ..., 1) and |m| given: the transport from N(0, I) that any sampler must master.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="shift">|m|.</param>
    /// <param name="scale">s.</param>
    public static Density Shifted(int dimension, double shift, double scale)
    {
        var each = shift / Math.Sqrt(dimension);
        var constant = -dimension * (Math.Log(scale) + LogDensities.HalfLogTwoPi);
        double[] Sample(int samples, RandomStream random) => [.. Enumerable.Range(0, samples * dimension).Select(_ => each + (scale * random.NextNormal()))];
        return Density.Create(
            ShiftedName(dimension, shift, scale), dimension, x => (-0.5 / (scale * scale) * (x - each).SquaredNorm()) + constant, new DensityOptions
            {
                Description = FormattableString.Invariant($"N(m, {scale:g4}^2 I) with |m| = {shift:g4} along the diagonal."),
                Base = BaseSuggestion.Isotropic(dimension, 1, 4, "standard normal", false),
                Facts = new TargetFacts
                {
                    LogZ = 0,
                    LogZSource = "exact: a normalised density",
                    Moments = new ReferenceMoments([.. Enumerable.Repeat(each, dimension)], [.. Enumerable.Repeat(scale, dimension)], "exact"),
                    ExactSampler = Sample,
                },
            });
    }

    /// <summary>|m| and s where none are given.</summary>
    public static (double Shift, double Scale) ShiftedDefaults => (5, 1);

    /// <summary>|m| and s of a target's name.</summary>
    /// <exception cref="ArgumentException">They are impossible.</exception>
    public static (double Shift, double Scale) ShiftedSettings(TargetName name)
    {
        var values = name.Values(("shift", ShiftedDefaults.Shift), ("scale", ShiftedDefaults.Scale));
        return values[0] >= 0 && values[1] > 0
            ? (values[0], values[1])
            : throw new ArgumentException($"The target '{name.Proper}' needs a shift of at least 0 and a scale above 0.", nameof(name));
    }

    private static string ShiftedName(int dimension, double shift, double scale) =>
        TargetName.Write($"shifted-gaussian-{dimension}", ("shift", shift, ShiftedDefaults.Shift), ("scale", scale, ShiftedDefaults.Scale));

    /// <summary>An autoregressive Gaussian: mean 1, standard deviation 1, correlation 0.5^|i - j|; its density is left unnormalised, exp(-Q/2).</summary>
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
