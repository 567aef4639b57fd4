using System.Globalization;
using Monge.Dynamics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.OptimalTransport;
using Monge.Paths;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>
/// The learned experiments of entries 33 (arXiv:2303.08797) and 35 (arXiv:2209.15571): fits by <see cref="InterpolantFit"/>, judged by exact references.
/// </summary>
internal static class LearnedInterpolants
{
    private static readonly StreamName s_testStream = StreamName.Numbered("learned interpolants: test", 750);
    private static readonly StreamName s_lawStream = StreamName.Numbered("learned interpolants: law", 751);
    private static readonly StreamName s_startStream = StreamName.Numbered("learned interpolants: start", 752);
    private const int TestRows = 2000;
    private const int Samples = 20_000;
    private const int Sets = 20;
    private const string OwnBar = "bar of the project; the paper has plots only";

    /// <summary>Of entry 33.</summary>
    internal static IReadOnlyList<Experiment> Stochastic { get; } =
    [
        new Experiment(
            "learned-checkerboard",
            "Checkerboard from N(0, I): velocity and denoiser along the linear path with latent sqrt(t(1-t)), ODE and SDE, beside the velocity without a "
            + "latent.",
            Quick: false,
            [
                FigureReference.AtMost("ODE: cross-entropy in nats (the entropy is ln 32 = 3.4657)", 3.75, OwnBar, stretchBound: 3.60),
                FigureReference.AtMost("ODE: mass outside the squares", 0.08, OwnBar, stretchBound: 0.04),
                FigureReference.AtMost("best SDE: mass outside the squares over the ODE's", 1, "arXiv:2303.08797, section 7.1").OverSeeds(),
                FigureReference.AtMost("cross-entropy of the ODE less that without a latent", 0, "arXiv:2303.08797, section 7.1").OverSeeds(),
            ],
            Experiment.InBackground(Checkerboard)),
        new Experiment(
            "mixture-128-learned",
            "Five Gaussians in 128 dimensions from N(0, I): velocity or its part without the latent, with score or denoiser, ODE and SDEs; divergence of the "
            + "exact plane marginal from a kernel density of the samples.",
            Quick: false,
            [
                FigureReference.AtMost(
                    "least divergence of velocity and denoiser over that of interpolant velocity and score", 1, "arXiv:2303.08797, section 7.3")
                    .OverSeeds(),
                FigureReference.AtMost("the same over the least of the other three", 1, "arXiv:2303.08797, section 7.3")
                    .OverSeeds(),
                FigureReference.AtMost(
                    "least divergence over noises above 0 over that without noise, velocity and denoiser", 1, "arXiv:2303.08797, section 7.3")
                    .OverSeeds(),
                FigureReference.AtLeast("divergence at the largest noise over the least, velocity and denoiser", 1.02, "an optimum inside; equal at 1")
                    .OverSeeds(),
            ],
            Experiment.InBackground(LargeMixtureLearned)),
    ];

    /// <summary>Of entry 35.</summary>
    internal static IReadOnlyList<Experiment> Building { get; } =
    [
        new Experiment(
            "learned-densities",
            "Checkerboard and moons by the trigonometric path: test log-likelihood, the integral of the density over [-6, 6]^2 by 200 x 200 points, rows "
            + "carried to the base and back.",
            Quick: false,
            [
                FigureReference.AtMost("checkerboard: negative log-likelihood in nats", 3.80, OwnBar, stretchBound: 3.65),
                FigureReference.Within("checkerboard: integral of the density", 1, 0.01, "exact"),
                FigureReference.Within("moons: integral of the density", 1, 0.01, "exact"),
                FigureReference.AtMost("largest error of the round trip", 1e-4, "exact"),
            ],
            Experiment.InBackground(Densities)),
        new Experiment(
            "known-entropy",
            "Mixtures of five Gaussians with full covariances in 8 and 10 dimensions, fresh draws: what the negative log-likelihood of test draws exceeds "
            + "the exact one's by.",
            Quick: false,
            [
                FigureReference.AtMost("8 dimensions: excess in nats", 0.05, "0 if exact", stretchBound: 0.01),
                FigureReference.AtMost("10 dimensions: excess in nats", 0.05, "0 if exact", stretchBound: 0.01),
            ],
            Experiment.InBackground(KnownEntropy)),
        new Experiment(
            "transport-coupled",
            "N(0, I) and moons to eight Gaussians, pairs by mini-batch optimal transport: exact W2 of 1000 samples beside its floor (means of twenty sets "
            + "each), the normalised path energy, and W2 in 1, 2 and 4 Euler steps.",
            Quick: false,
            [
                FigureReference.AtMost("N to eight Gaussians: W2 over the floor", 1.15, "floor: exact samples", stretchBound: 1.05),
                FigureReference.AtMost("N to eight Gaussians: normalised path energy", 0.05, "arXiv:2302.00482: 0.018", stretchBound: 0.02),
                FigureReference.AtMost("moons to eight Gaussians: W2 over the floor", 1.15, "floor: exact samples", stretchBound: 1.05),
                FigureReference.AtMost("moons to eight Gaussians: normalised path energy", 0.053, "arXiv:2302.00482"),
            ],
            Experiment.InBackground(TransportCoupled)),
    ];

    private static double[] Checkerboard(ExperimentSettings settings, CancellationToken cancellation)
    {
        var law = DataSetLibrary.Get("checkerboard");
        var options = new InterpolantOptions
        {
            Form = InterpolantKind.TwoSided,
            Schedule = "linear-latent",
            Learn = LearnedFields.VelocityDenoiser,
            Size = new() { Width = 128, Depth = 4 },
            Frequencies = 8,
            Training = new() { BatchSize = 1024, Iterations = 7000 },
            Standardisation = Data.StandardisationKind.None,
        };
        var withLatent = Fit(law, options, settings, cancellation);
        var without = Fit(law, options with { Schedule = "linear", Learn = LearnedFields.Velocity }, settings, cancellation);
        var test = law.Sampler(TestRows, new RandomStream(settings.Seed, s_testStream));
        var (entropy, entropyWithout) = (CrossEntropy(withLatent, test, settings), CrossEntropy(without, test, settings));
        var ode = Outside(law, withLatent.Generate(Samples, new FlowSettings { Seed = settings.Seed, Threads = settings.Threads }));
        var odeWithout = Outside(law, without.Generate(Samples, new FlowSettings { Seed = settings.Seed, Threads = settings.Threads }));
        settings.Remark($"with latent: cross-entropy {entropy:F4}, outside {ode:F4}; without: {entropyWithout:F4}, {odeWithout:F4}");
        var best = double.PositiveInfinity;
        foreach (var noise in new[] { 0.25, 0.5, 1, 2.5 })
        {
            cancellation.ThrowIfCancellationRequested();
            var outside = Outside(
                law, withLatent.Generate(Samples, new FlowSettings { Diffusion = noise, Steps = 400, Seed = settings.Seed, Threads = settings.Threads }));
            settings.Remark($"SDE with noise {noise}, 400 steps: outside {outside:F4}");
            best = Math.Min(best, outside);
        }

        return [entropy, ode, best / ode, entropy - entropyWithout];
    }

    private static double[] LargeMixtureLearned(ExperimentSettings settings, CancellationToken cancellation)
    {
        double[] noises = [0, 1, 5, 20, 50];
        var table = new Dictionary<LearnedFields, double[]>();
        var data = FlowData.From(128, (count, random) => LargeMixture.Law.Sample(count, random));
        foreach (var learn in new[] { LearnedFields.VelocityDenoiser, LearnedFields.VelocityScore, LearnedFields.InterpolantVelocityDenoiser,
            LearnedFields.InterpolantVelocityScore })
        {
            var options = new InterpolantOptions
            {
                Form = InterpolantKind.TwoSided,
                Schedule = "linear-latent",
                Learn = learn,
                SharedNetwork = false,
                Size = new() { Width = 256, Depth = 3 },
                Training = new() { BatchSize = 512, Iterations = 6000 },
                TimeMargin = 1e-4,
                Standardisation = Data.StandardisationKind.None,
                Validations = 1,
            };
            var model = new InterpolantFit(data, options).Run(Run(settings, cancellation));
            table[learn] = [.. noises.Select(noise =>
            {
                cancellation.ThrowIfCancellationRequested();
                var samples = model.Generate(10_000, new FlowSettings { Diffusion = noise, Steps = 200, Seed = settings.Seed, Threads = settings.Threads });
                return LargeMixture.MarginalDivergence(samples, settings.Seed, settings.Threads);
            })];
            var values = noises.Zip(table[learn], (n, v) => string.Create(CultureInfo.InvariantCulture, $"{v:F5} at noise {n}"));
            settings.Note($"{learn}: divergence {string.Join(", ", values)}");
        }

        var own = table[LearnedFields.VelocityDenoiser];
        var others = table.Where(t => t.Key != LearnedFields.VelocityDenoiser).Min(t => t.Value.Min());
        return [own.Min() / table[LearnedFields.InterpolantVelocityScore].Min(), own.Min() / others, own.Skip(1).Min() / own[0], own[^1] / own.Min()];
    }

    private static double[] Densities(ExperimentSettings settings, CancellationToken cancellation)
    {
        var options = new InterpolantOptions
        {
            Schedule = "trigonometric",
            Frequencies = 8,
            Size = new() { Width = 128, Depth = 4 },
            Training = new() { BatchSize = 1024, Iterations = 6000 },
        };
        const int side = 200;
        const double cell = 12.0 / side;
        var grid = new double[side * side * 2];
        for (var i = 0; i < side * side; i++)
        {
            (grid[2 * i], grid[(2 * i) + 1]) = (-6 + (((i / side) + 0.5) * cell), -6 + (((i % side) + 0.5) * cell));
        }

        var (likelihood, worst, integrals) = (double.NaN, 0.0, new List<double>());
        foreach (var name in new[] { "checkerboard", "moons" })
        {
            var law = DataSetLibrary.Get(name);
            var model = Fit(law, options, settings, cancellation);
            var test = law.Sampler(TestRows, new RandomStream(settings.Seed, s_testStream));
            var entropy = CrossEntropy(model, test, settings);
            likelihood = name == "checkerboard" ? entropy : likelihood;
            var carry = new FlowSettings { Tolerance = 1e-8, Threads = settings.Threads };
            integrals.Add(model.LogDensity(grid, new FlowSettings { Tolerance = 1e-4, Threads = settings.Threads }).Sum(Math.Exp) * cell * cell);
            var trip = model.ToData(model.ToBase(test, carry), carry).Zip(test, (a, b) => Math.Abs(a - b)).Max();
            worst = Math.Max(worst, trip);
            settings.Remark($"{name}: negative log-likelihood {entropy:F4}, integral {integrals[^1]:F5}, round trip {trip:G3}");
        }

        return [likelihood, .. integrals, worst];
    }

    private static double[] KnownEntropy(ExperimentSettings settings, CancellationToken cancellation)
    {
        var excess = new List<double>();
        foreach (var d in new[] { 8, 10 })
        {
            var law = Mixture(d);
            var options = new InterpolantOptions
            {
                Schedule = "trigonometric",
                Standardisation = Data.StandardisationKind.Whitened,
                Size = new() { Width = 256, Depth = 4 },
                Training = new() { BatchSize = 2048, Iterations = 8000 },
            };
            var model = new InterpolantFit(FlowData.From(d, law.Sample), options).Run(Run(settings, cancellation));
            var test = law.Sample(TestRows, new RandomStream(settings.Seed, s_testStream));
            var logs = model.LogDensity(test, new FlowSettings { Tolerance = 1e-5, Threads = settings.Threads });
            double[] differences = [.. logs.Select((log, i) => law.LogDensity(test.AsSpan(i * d, d)) - log)];
            var (mean, error) = Measurements.Mean(differences);
            excess.Add(mean);
            settings.Remark(
                $"d = {d}: negative log-likelihood {-logs.Average():F4}, exact {logs.Select((_, i) => -law.LogDensity(test.AsSpan(i * d, d))).Average():F4}, "
                + $"excess {mean:F4} +- {error:F4}");
        }

        return [.. excess];
    }

    private static double[] TransportCoupled(ExperimentSettings settings, CancellationToken cancellation)
    {
        var results = new List<double>();
        (SampledLaw From, SampledLaw To)[] pairs =
        [
            (DataSetLibrary.Normal(2), DataSetLibrary.Get("eight-gaussians")),
            (DataSetLibrary.Get("moons-notebook"), DataSetLibrary.Get("eight-gaussians")),
        ];
        foreach (var (from, to) in pairs)
        {
            var options = new InterpolantOptions
            {
                Form = InterpolantKind.TwoSided,
                Coupling = CouplingKind.OptimalTransport,
                Size = new() { Width = 128, Depth = 4 },
                Training = new() { BatchSize = 1024, Iterations = 6000 },
                Standardisation = Data.StandardisationKind.None,
            };
            var data = FlowData.From(2, (count, random) => to.Sampler(count, random)).FromBase((count, random) => from.Sampler(count, random));
            var model = new InterpolantFit(data, options).Run(Run(settings, cancellation));
            // The counts of the modes make one W2 of 1000 points scatter by a quarter.
            var random = new RandomStream(settings.Seed, s_startStream);
            var sets = Enumerable.Range(0, Sets).Select(
                _ => (Start: from.Sampler(1000, random), Test: to.Sampler(1000, random), Other: to.Sampler(1000, random))).ToArray();
            double Distance(double[] x, double[] y) => Wasserstein.Exact(x, y, 2, threads: settings.Threads, cancellation: cancellation).Distance;
            double[] floors = [.. sets.Select(s => Distance(s.Other, s.Test))];
            double[] Distances(FlowSettings how) =>
                [.. sets.Select(s => Distance(model.Generate(1000, how with { Threads = settings.Threads }, s.Start), s.Test))];
            var distances = Distances(new FlowSettings());
            var (distance, floor) = (distances.Average(), floors.Average());
            var steps = string.Join(
                ", ", new[] { 1, 2, 4 }.Select(
                    n => string.Create(CultureInfo.InvariantCulture,
                        $"{Distances(new FlowSettings { Steps = n, Tableau = RungeKuttaTableau.Euler }).Average() / floor:F3} in {n}")));
            var energy = (PathEnergy(model, from.Sampler(4000, new RandomStream(settings.Seed, s_startStream.Member(1))), settings) / SquaredDistance(
                from, to, settings, cancellation)) - 1;
            settings.Remark(
                $"{from.Name} to {to.Name}: W2 {distance:F4} ({distances.Min():F4} to {distances.Max():F4}), floor {floor:F4} ({floors.Min():F4} to "
                + $"{floors.Max():F4}), normalised path energy {energy:F4}; W2 over the floor in Euler steps: {steps}");
            results.Add(distance / floor);
            results.Add(Math.Abs(energy));
        }

        return [.. results];
    }

    // int E|v|^2 dt along the learned paths, by the differences of 100 fine steps.
    private static double PathEnergy(FlowModel model, double[] start, ExperimentSettings settings)
    {
        using var ode = new TransportOde<double>(
            model.Parameters, model.Velocity(), RungeKuttaTableau.RungeKutta4,
            settings.Execution, DivergenceMode.None);
        var parameters = Engine.Arrays.NdArray<double>.From(
            Engine.Arrays.Numbers.Doubles(model.ParameterValues.Span), model.ParameterValues.Length);
        var x = Engine.Arrays.NdArray<double>.From(start, start.Length / 2, 2);
        var energy = 0.0;
        const int pieces = 100;
        for (var k = 0; k < pieces; k++)
        {
            var (next, _) = ode.Run(parameters, x, k / (double)pieces, (k + 1) / (double)pieces, 1);
            for (var i = 0; i < start.Length; i++)
            {
                energy += (next[i] - x[i]) * (next[i] - x[i]) * pieces / x.Rows;
            }

            x = next;
        }

        return energy;
    }

    private static double SquaredDistance(SampledLaw from, SampledLaw to, ExperimentSettings settings, CancellationToken cancellation)
    {
        const int count = 4000;
        var (x, y) =
            (from.Sampler(count, new RandomStream(settings.Seed, s_lawStream)), to.Sampler(count, new RandomStream(settings.Seed, s_lawStream.Member(1))));
        return Wasserstein.Exact(x, y, 2, threads: settings.Threads, cancellation: cancellation).MeanCost;
    }

    private static FlowModel Fit(SampledLaw law, InterpolantOptions options, ExperimentSettings settings, CancellationToken cancellation) =>
        new InterpolantFit(FlowData.From(law.Dimension, (count, random) => law.Sampler(count, random)), options).Run(Run(settings, cancellation));

    private static Run Run(ExperimentSettings settings, CancellationToken cancellation) =>
        new() { Seed = settings.Seed, Threads = settings.Threads, Cancellation = cancellation };

    private static double CrossEntropy(FlowModel model, double[] test, ExperimentSettings settings) =>
        -model.LogDensity(test, new FlowSettings { Tolerance = 1e-5, Threads = settings.Threads }).Average();

    private static double Outside(SampledLaw law, double[] samples)
    {
        var outside = 0;
        for (var i = 0; i < samples.Length; i += 2)
        {
            outside += law.Contains!(samples.AsSpan(i, 2)) ? 0 : 1;
        }

        return 2.0 * outside / samples.Length;
    }

    // Five components of equal weight, means N(0, 3^2 I), covariances W^T W / d + I / 4.
    private static GaussianMixtureLaw Mixture(int d)
    {
        var random = new RandomStream(1, s_lawStream.Member(d));
        double[][] means = [.. Enumerable.Range(0, 5).Select(_ => (double[])[.. Enumerable.Range(0, d).Select(_ => 3 * random.NextNormal())])];
        double[][,] covariances = [.. Enumerable.Range(0, 5).Select(_ =>
        {
            var w = Measurements.Normal(random, d * d);
            var covariance = new double[d, d];
            for (var i = 0; i < d * d; i++)
            {
                covariance[i / d, i % d] = (i / d == i % d ? 0.25 : 0) + (Enumerable.Range(0, d).Sum(l => w[(l * d) + (i / d)] * w[(l * d) + (i % d)]) / d);
            }

            return covariance;
        })];
        return new GaussianMixtureLaw([.. Enumerable.Repeat(0.2, 5)], means, covariances);
    }
}
