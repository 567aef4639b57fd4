using System.Collections.Concurrent;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Paths;

namespace Monge.Gallery.Entries;

/// <summary>
/// The mixture of five Gaussians in 128 dimensions of arXiv:2303.08797, section 7.3: means drawn from N(0, 7.5^2 I), covariances W^T W / d + I with W standard
/// normal. The authors' draws can't be had, so these are the project's own.
/// </summary>
internal static class LargeMixture
{
    private const int Dimension = 128;
    private const int Components = 5;
    private const int Samples = 50_000;
    private const int EvaluationSamples = 4000;

    /// <summary>Draws along the path, of the schedules' experiments too.</summary>
    internal static readonly StreamName NoiseStream = StreamName.Numbered("large mixture: noise", 705);

    private static readonly StreamName s_lawStream = StreamName.Numbered("large mixture: law", 704);
    private static readonly StreamName s_startStream = StreamName.Numbered("large mixture: start", 706);
    private static readonly StreamName s_drawStream = StreamName.Numbered("large mixture: draw", 707);

    private static readonly StreamName s_kernelStream = StreamName.Numbered("large mixture: kernel", 708);

    private static readonly Lazy<GaussianMixtureLaw> s_law = new(Draw);
    private static readonly ConcurrentDictionary<int, Lazy<KernelDensity>> s_kernels = new();

    /// <summary>The target.</summary>
    internal static GaussianMixtureLaw Law => s_law.Value;

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        new Experiment(
            "mixture-128-exact",
            "Five Gaussians with full covariances in 128 dimensions from N(0, I), exact fields, by the ODE and the SDE: divergence of the exact plane "
            + "marginal from a kernel density of the samples, beside that of exact samples.",
            Quick: false,
            [
                FigureReference.AtMost("ODE: divergence over the largest of three floors", 1.1, "exact samples of the same size"),
                FigureReference.AtMost("SDE with noise 1: divergence over the largest of three floors", 1.1, "exact samples of the same size"),
                FigureReference.AtMost("largest error of a mode's mass", 0.01, "a fifth each, of 50,000"),
            ],
            Experiment.InBackground(Measure)),
    ];

    /// <summary>
    /// The Kullback-Leibler divergence of the exact marginal in the first two coordinates from a kernel density of samples, at exact draws, by the estimate
    /// log(p/q) + q/p - 1, which is never negative. The kernel is the one that suits as many exact samples best: Scott's rule, made for one mode, is wider than
    /// the modes here (exact samples are .21 off at 50,000, .33 at 10,000), and takes samples that are too narrow for better than exact ones.
    /// </summary>
    /// <param name="samples">Samples [n, 128].</param>
    /// <param name="seed">Of the exact draws.</param>
    /// <param name="threads">Threads of the sums; 0 is one for each processor.</param>
    internal static double MarginalDivergence(double[] samples, ulong seed, int threads)
    {
        var marginal = Law.Marginal(0, 1);
        var n = samples.Length / Dimension;
        double[] plane = [.. Enumerable.Range(0, n).SelectMany(i => (double[])[samples[i * Dimension], samples[(i * Dimension) + 1]])];
        var draws = marginal.Sample(EvaluationSamples, new RandomStream(seed, s_drawStream));
        var kernel = s_kernels.GetOrAdd(n, count => new Lazy<KernelDensity>(() => KernelDensity.Tuned(
            marginal.Sample(count, new RandomStream(0, s_kernelStream)),
            marginal.Sample(EvaluationSamples, new RandomStream(1, s_kernelStream)), 2, threads))).Value;
        var logs = kernel.WithRows(plane).LogDensity(draws, threads);
        return Enumerable.Range(0, EvaluationSamples).Average(i =>
        {
            var ratio = marginal.LogDensity(draws.AsSpan(2 * i, 2)) - logs[i];
            return ratio + double.ExpM1(-ratio);
        });
    }

    private static GaussianMixtureLaw Draw()
    {
        var random = new RandomStream(1, s_lawStream);
        double[][] means =
            [.. Enumerable.Range(0, Components).Select(_ => (double[])[.. Enumerable.Range(0, Dimension).Select(_ => 7.5 * random.NextNormal())])];
        var covariances = new double[Components][,];
        for (var k = 0; k < Components; k++)
        {
            var w = Measurements.Normal(random, Dimension * Dimension);
            var covariance = covariances[k] = new double[Dimension, Dimension];
            for (var i = 0; i < Dimension; i++)
            {
                for (var j = 0; j <= i; j++)
                {
                    var sum = i == j ? (double)Dimension : 0;
                    for (var l = 0; l < Dimension; l++)
                    {
                        sum += w[(l * Dimension) + i] * w[(l * Dimension) + j];
                    }

                    covariance[i, j] = covariance[j, i] = sum / Dimension;
                }
            }
        }

        return new GaussianMixtureLaw([.. Enumerable.Repeat(1.0 / Components, Components)], means, covariances);
    }

    private static double[] Measure(ExperimentSettings settings, CancellationToken cancellation)
    {
        var execution = settings.Execution;
        var law = new MixtureInterpolant(new Interpolant(InterpolantSchedules.LinearWithLatent()), null, Law);
        var start = NdArray<float>.From(
            Numbers.Singles(law.Start.Sample(Samples, new RandomStream(settings.Seed, s_startStream))), Samples, Dimension);
        double[] floors = [.. Enumerable.Range(0, 3).Select(k => MarginalDivergence(
            Law.Sample(Samples, new RandomStream(settings.Seed, s_drawStream.Member(1 + k))), settings.Seed, settings.Threads))];
        var (results, mass) = (new List<double>(), 0.0);
        foreach (var (diffusion, steps) in ((double, int)[])[(0, 100), (1, 100)])
        {
            cancellation.ThrowIfCancellationRequested();
            using var sde = FieldSde.Walk<float>(
                null, diffusion == 0 ? law.Velocity : law.Drift(_ => diffusion), SdeScheme.Heun, NoiseStream, false, execution);
            var end = sde.Carry(null, start, new TimeGrid(TimeGrid.EqualTimes(0, 1, steps), (_, _) => diffusion), new DrawKey(settings.Seed));
            var samples = Numbers.Doubles(end.Span);
            var divergence = MarginalDivergence(samples, settings.Seed, settings.Threads);
            var masses = Masses(samples);
            mass = Math.Max(mass, masses.Max(m => Math.Abs(m - (1.0 / Components))));
            results.Add(divergence / floors.Max());
            settings.Remark(
                $"noise {diffusion}, {steps} steps of Heun: divergence {divergence:f5}, floors "
                + $"{string.Join(", ", floors.Select(f => f.ToString("f5", System.Globalization.CultureInfo.InvariantCulture)))}; masses "
                + $"{string.Join(" ", masses.Select(m => m.ToString("f4", System.Globalization.CultureInfo.InvariantCulture)))}");
        }

        return [.. results, mass];
    }

    // The modes are some 120 apart and 16 wide, so the nearest mean is the mode.
    private static IReadOnlyList<double> Masses(double[] samples) => ModeWeights.Compute(
        samples, Dimension, Components, ModeWeights.NearestMode([.. Law.Means.SelectMany(m => m)], Dimension)).Weights;
}
