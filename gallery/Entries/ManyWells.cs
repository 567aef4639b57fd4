using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>
/// The many-well targets with the neural PDE transport (arXiv:2407.07873). Nothing is told of the wells' independence: above
/// <see cref="PinnOptions.ExactDivergenceLimit"/> coordinates short trainings choose between a drift of all coordinates and a separable one. A separable drift
/// is a structural assumption that validation found to fit; it is no knowledge of the modes.
/// </summary>
internal static class ManyWells
{
    private const int Samples = 10_000;
    private const double RightWell = 0.844307;
    private const string Quadrature = "one-dimensional quadrature";
    private const string Published = "arXiv:2407.07873 and arXiv:2307.01198: best trajectory-based sampler";

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "many-well-5",
            "Five double wells (x^2 - 4)^2, 32 separated modes.",
            Quick: false,
            [
                FigureReference.Within("log Z", -0.541056, 0.02, $"{Quadrature}; {Published} off by 0.214", stretchTolerance: 0.005),
                FigureReference.AtLeast("ESS", 0.9, $"{Published} 0.6744"),
                FigureReference.AtMost("largest error of a mode weight", 0.01, "the target's definition"),
            ],
            async (settings, cancellation) =>
            {
                var (target, draws) = await Sample("many-well-5", settings, cancellation);
                return [draws.LogZ, draws.EffectiveSampleSize, Measurements.LargestModeError(target, draws)];
            }),
        new Experiment(
            "many-well-50",
            "Five double wells (x^2 - 2)^2 and 45 standard Gaussians.",
            Quick: false,
            [
                FigureReference.Within("log Z", 42.817243, 0.1, $"{Quadrature}; {Published} off by 0.087", stretchTolerance: 0.02),
                FigureReference.AtLeast("ESS", 0.85, $"{Published} 0.8453"),
                FigureReference.AtMost("largest error of a mode weight", 0.01, "the target's definition"),
            ],
            async (settings, cancellation) =>
            {
                var (target, draws) = await Sample("many-well-50", settings, cancellation);
                return [draws.LogZ, draws.EffectiveSampleSize, Measurements.LargestModeError(target, draws)];
            }),
        Pairs(32, 164.69568, 0.1, 2.5, "best published gap 2.93 with 290 million calls", 1.0),
        Pairs(64, 329.39135, 0.2, 16.3, "best published gap", 3),
        Pairs(128, 658.78270, 0.5, 70.4, "best published gap", 10),
    ];

    private static Experiment Pairs(int dimension, double logZ, double tolerance, double gap, string source, double stretch) => new(
        $"many-well-{dimension}",
        $"{dimension / 2} pairs of a double well exp(-x^4 + 6 x^2 + x/2) and a standard Gaussian, 2^{dimension / 2} modes of unequal weight.",
        Quick: false,
        [
            FigureReference.Within("log Z", logZ, tolerance, Quadrature, stretchTolerance: 0.3 * tolerance),
            FigureReference.AtMost("EUBO - ELBO", gap, source, stretchBound: stretch),
            FigureReference.AtMost("largest error of a pair's right-well frequency", 0.02, $"{Quadrature}: {RightWell}"),
        ],
        async (settings, cancellation) =>
        {
            var (_, draws) = await Sample($"many-well-{dimension}", settings, cancellation);
            return [draws.LogZ, (draws.Eubo ?? double.NaN) - draws.Elbo, LargestPairError(draws, dimension)];
        });

    private static async Task<(Density Target, SampleSet Draws)> Sample(string name, ExperimentSettings settings, CancellationToken cancellation)
    {
        var target = TargetLibrary.Get(name);
        var options = new PinnOptions { Preparation = Measurements.WholeTraining };
        var draws = await new PinnTransport(target, options).SampleAsync(Samples, settings.Seed, null, cancellation, settings.Threads);
        settings.Remark(
            $"{name}, seed {settings.Seed}: log Z {draws.LogZ:f4} +- {draws.LogZError:f4} (exact {target.Facts.LogZ:f4}), ELBO {draws.Elbo:f3}, EUBO "
            + $"{draws.Eubo:f3}, ESS {draws.EffectiveSampleSize:p1}, forward ESS {draws.ForwardEffectiveSampleSize:p1}");
        settings.Remark(
            $"{name}: {draws.TargetCalls:n0} target calls, preparation and choices included; {draws.TrainSeconds:f0} s of training, {draws.SampleSeconds:f0} s "
            + $"of sampling");
        settings.Note($"{name}: {draws.Sampler}; {draws.Preparation}");
        return (target, draws);
    }

    private static double LargestPairError(SampleSet draws, int dimension)
    {
        var right = new double[dimension / 2];
        var weights = draws.NormalizedWeights();
        for (var i = 0; i < weights.Length; i++)
        {
            for (var pair = 0; pair < right.Length; pair++)
            {
                right[pair] += draws.UnconstrainedPositions[(i * dimension) + (2 * pair)] > 0 ? weights[i] : 0;
            }
        }

        return right.Max(frequency => Math.Abs(frequency - RightWell));
    }
}
