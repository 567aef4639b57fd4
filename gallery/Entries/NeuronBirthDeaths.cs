using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 45: Global convergence of neuron birth-death dynamics (arXiv:1902.01843). Gaussian units in one dimension with every integral in closed form, and a
/// rectified linear student of a teacher by its population loss. The paper's figures are curves; those of its public notebook are read off in the sheet.
/// </summary>
internal static class NeuronBirthDeaths
{
    private const int Neurons = 200, Repeats = 20;
    private const double Step = 0.01;

    private static readonly double[] s_masses = [1.0 / 3, -2.0 / 3, 1.0 / 3];
    private static readonly double[] s_centres = [-2, 0, 2];
    private static readonly double[] s_variances = [0.5, 1, 0.5];
    private static readonly StreamName s_start = StreamName.Of("birth-death: start");
    private static readonly StreamName s_run = StreamName.Of("birth-death: run");
    private static readonly StreamName s_teacher = StreamName.Of("birth-death: teacher");

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "45",
        "Neuron birth-death",
        "G. Rotskoff, S. Jelassi, J. Bruna, E. Vanden-Eijnden: Global Convergence of Neuron Birth-Death Dynamics, arXiv:1902.01843",
        [
            new Experiment(
                "identities",
                "Gaussian units in one dimension: the closed form of the loss beside quadrature, and the dissipation of energy with weighted neurons.",
                Quick: true,
                [
                    FigureReference.AtMost("difference of the loss from quadrature", 1e-10, "the same integral"),
                    FigureReference.AtMost("error of dE/dt relative to E, 2,000 weighted neurons", 1e-4, "identity, by central differences"),
                ],
                Experiment.InBackground(Identities)),
            new Experiment(
                "dissipation",
                "The dissipation of energy with 100,000 weighted neurons.",
                Quick: false,
                [FigureReference.AtMost("error of dE/dt relative to E, 100,000 weighted neurons", 1e-4, "identity, by central differences")],
                Experiment.InBackground((settings, cancellation) => [Dissipation(settings, 100_000, cancellation)])),
            new Experiment(
                "spread-start",
                "200 neurons spread over [-2, 2], 3,000 steps, 20 repeats: gradient descent, killing and cloning, and birth from a background.",
                Quick: false,
                [
                    FigureReference.AtMost("median loss at step 1000 over that of gradient descent, kill and clone", 0.25, "bar of the project"),
                    FigureReference.AtMost("median loss at step 1000 over that of gradient descent, with background", 0.25, "bar of the project"),
                    FigureReference.AtLeast(
                        "time of gradient descent to a loss of 1e-3 over that of kill and clone, lower end of the 95 % interval", 1, "bar of the project", 3),
                    FigureReference.AtLeast(
                        "time of gradient descent to a loss of 1e-3 over that with background, lower end of the 95 % interval", 1, "bar of the project", 3),
                ],
                Experiment.InBackground(SpreadStart)),
            new Experiment(
                "bad-start",
                "200 neurons at -2, 10,000 steps, 20 repeats: where nothing is injected the loss stays where the neurons can't reach.",
                Quick: false,
                [
                    FigureReference.Within("median loss of gradient descent at the end", 1.372e-2, 0.02 * 1.372e-2, "independent implementation"),
                    FigureReference.Within("median loss of kill and clone at the end", 1.372e-2, 0.02 * 1.372e-2, "independent implementation"),
                    FigureReference.AtLeast("share of runs with background below 1e-3 at step 5000", 0.9, "bar of the project"),
                    FigureReference.AtMost("median loss with background at the end", 1e-3, "bar of the project", 5e-5),
                ],
                Experiment.InBackground(BadStart)),
            new Experiment(
                "stuck-level",
                "The least loss of neurons that stay below 0.3, positive ones around -2 and negative ones around 0: a convex problem on a grid.",
                Quick: true,
                [FigureReference.Within("least loss", 1.372e-2, 0.03 * 1.372e-2, "where gradient descent stands")],
                Experiment.InBackground(StuckLevel)),
            new Experiment(
                "weighted-limit",
                "200 runs of kill and clone with 200, 800 and 3,200 neurons from the same grid of neurons, beside the weighted flow that is their limit.",
                Quick: false,
                [FigureReference.Within("exponent of the error of the mean loss in the number of neurons", -1, 0.3, "law of large numbers")],
                Experiment.InBackground(WeightedLimit)),
            new Experiment(
                "student",
                "A student of 50 rectified linear neurons and a teacher of 10 in 50 coordinates by the population loss, 10 repeats from the same starts.",
                Quick: false,
                [
                    FigureReference.AtMost("median steps to a loss of 2e-3 with background over those of gradient descent", 1, "bar of the project"),
                ],
                Experiment.InBackground(Student)),
        ]);

    private enum Rule
    {
        Descent,
        Clone,
        Background,
    }

    // The unit at y is the density N(y, 1/2), the target a mixture with the masses above: Gaussians' integrals are Gaussian.
    private static PopulationLoss GaussianLoss(int threads = 1)
    {
        var constant = 0.0;
        for (var k = 0; k < 3; k++)
        {
            for (var l = 0; l < 3; l++)
            {
                constant += 0.5 * s_masses[k] * s_masses[l] * Normal(s_centres[k] - s_centres[l], s_variances[k] + s_variances[l]);
            }
        }

        return new PopulationLoss(
            Kernel.Gaussian(1).Times(1 / Math.Sqrt(2 * Math.PI)), 1,
            (y, values, slopes) =>
            {
                for (var i = 0; i < y.Length; i++)
                {
                    var (value, slope) = (0.0, 0.0);
                    for (var k = 0; k < 3; k++)
                    {
                        var variance = s_variances[k] + 0.5;
                        var term = s_masses[k] * Normal(y[i] - s_centres[k], variance);
                        (value, slope) = (value + term, slope - ((y[i] - s_centres[k]) / variance * term));
                    }

                    values[i] = value;
                    if (!slopes.IsEmpty)
                    {
                        slopes[i] = slope;
                    }
                }
            },
            constant, new ExecutionOptions { Threads = threads });
    }

    private static double Normal(double x, double variance) => Math.Exp(-x * x / (2 * variance)) / Math.Sqrt(2 * Math.PI * variance);

    private static NeuronEnsemble Spread(int count, RandomStream random) =>
        NeuronEnsemble.Draw(count, 1, random, r => r.NextNormal(), (r, y) => y[0] = (4 * r.NextDouble()) - 2);

    private static NeuronEnsemble Bad(int count, RandomStream random) =>
        NeuronEnsemble.Draw(count, 1, random, r => r.NextNormal(), (r, y) => y[0] = -2 + (0.1 * r.NextNormal()));

    private static NeuronBirthDeathOptions Options(Rule rule, int quietSteps) => new()
    {
        Rate = rule == Rule.Descent ? 0 : 5,
        Step = Step,
        QuietSteps = quietSteps,
        Background = rule == Rule.Background ? (random, y) => y[0] = random.NextNormal() : null,
    };

    private static double[] Identities(ExperimentSettings settings, CancellationToken cancellation)
    {
        var network = Spread(Neurons, settings.Stream(s_start, 0));
        var masses = network.Masses();
        var closed = GaussianLoss().Evaluate(network.Features, masses, new double[Neurons], default);

        // The trapezoid rule is exact to rounding for a function that is smooth and vanishes at both ends.
        const double h = 0.01;
        var sum = 0.0;
        for (var x = -14.0; x <= 14; x += h)
        {
            var difference = 0.0;
            for (var k = 0; k < 3; k++)
            {
                difference += s_masses[k] * Normal(x - s_centres[k], s_variances[k]);
            }

            for (var i = 0; i < Neurons; i++)
            {
                difference -= masses[i] * Normal(x - network.Features[i], 0.5);
            }

            sum += 0.5 * h * difference * difference;
        }

        return [Math.Abs(closed - sum), Dissipation(settings, 2000, cancellation)];
    }

    private static double Dissipation(ExperimentSettings settings, int count, CancellationToken cancellation)
    {
        const double h = 1e-3;
        var (losses, rates) = (new List<double>(), new List<double>());
        var flow = new NeuronBirthDeath(GaussianLoss(settings.Threads), new NeuronBirthDeathOptions { Rate = 0.05, Step = h });
        flow.FollowWeighted(Spread(count, settings.Stream(s_start, count / 1000)), [0, h, 2 * h], (_, _, _, loss) =>
        {
            losses.Add(loss.Value);
            rates.Add(loss.Rate);
        }, cancellation);
        return Math.Abs(((losses[2] - losses[0]) / (2 * h)) - rates[1]) / losses[1];
    }

    private static double[] SpreadStart(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int steps = 3000;
        var runs = AllRules(settings, Spread, steps, cancellation);
        var median = runs.Select(curves => FigureVerdicts.Median([.. curves.Select(curve => curve[1000])])).ToArray();
        settings.Remark($"{Line("spread start", runs, 500, 1000, steps)}");
        return
        [
            median[1] / median[0], median[2] / median[0], RatioOfTimes(settings, runs[0], runs[1]), RatioOfTimes(settings, runs[0], runs[2]),
        ];
    }

    // The lower end of the bootstrap's interval of the ratio of geometric means. A run that doesn't get there counts with its length.
    private static double RatioOfTimes(ExperimentSettings settings, double[][] slow, double[][] fast)
    {
        const double level = 1e-3;
        var random = settings.Stream(s_run, 9999);
        double[] ratios = [.. slow.Zip(fast, (a, b) => Math.Log((double)First(a) / First(b)))];
        double[] means = [.. Enumerable.Range(0, 1000).Select(_ => ratios.Average(_ => ratios[random.NextInt(ratios.Length)])).Order()];
        return Math.Exp(means[25]);

        static int First(double[] curve) => Array.FindIndex(curve, loss => loss <= level) is var at and >= 0 ? at : curve.Length;
    }

    private static double[] BadStart(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int steps = 10_000;
        var runs = AllRules(settings, Bad, steps, cancellation);
        settings.Remark($"{Line("start at -2", runs, 1000, 3000, steps)}");
        return
        [
            .. runs[..2].Select(curves => FigureVerdicts.Median([.. curves.Select(curve => curve[^1])])),
            runs[2].Count(curve => curve[5000] <= 1e-3) / (double)Repeats,
            FigureVerdicts.Median([.. runs[2].Select(curve => curve[^1])]),
        ];
    }

    private static string Line(string what, double[][][] runs, params int[] steps) => what + ": " + string.Join("; ", Enum.GetValues<Rule>().Select(rule =>
        $"{rule} " + string.Join(" / ", steps.Select(step => FormattableString.Invariant(
            $"{FigureVerdicts.Median([.. runs[(int)rule].Select(curve => curve[step])]):g3}")))));

    // The losses after each step, by rule and repeat: every rule starts from the same neurons.
    private static double[][][] AllRules(
        ExperimentSettings settings, Func<int, RandomStream, NeuronEnsemble> start, int steps, CancellationToken cancellation)
    {
        var loss = GaussianLoss();
        return [.. Enum.GetValues<Rule>().Select(rule => Enumerable.Range(0, Repeats).Select(repeat =>
        {
            var curve = new double[steps + 1];
            new NeuronBirthDeath(loss, Options(rule, 1000)).Run(
                start(Neurons, settings.Stream(s_start, repeat)), steps, settings.Stream(s_run, repeat), (step, value) => curve[step] = value, cancellation);
            return curve;
        }).ToArray())];
    }

    // min over masses of C - F.s + s.K s / 2 by coordinate descent, on a grid where each place has its sign.
    private static double[] StuckLevel(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int n = 166;
        double[] places = [.. Enumerable.Range(0, n).Select(k => -3 + (0.02 * k))];
        double[] signs = [.. places.Select(y => y < -1 ? 1.0 : -1)];
        var loss = GaussianLoss();
        var (masses, potential) = (new double[n], new double[n]);
        var matrix = Kernel.Gaussian(1).Times(1 / Math.Sqrt(2 * Math.PI)).Matrix(places, places, 1);
        loss.Evaluate(places, masses, potential, default);
        for (var sweep = 0; sweep < 20_000; sweep++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (var i = 0; i < n; i++)
            {
                var free = masses[i] - (potential[i] / matrix[i * (n + 1)]);
                var change = (signs[i] * free > 0 ? free : 0) - masses[i];
                masses[i] += change;
                HostVectors.AddScaled(change, matrix.AsSpan(i * n, n), potential);
            }
        }

        settings.Remark($"total variation {masses.Sum(Math.Abs):g4}");
        return [loss.Evaluate(places, masses, potential, default)];
    }

    private static double[] WeightedLimit(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int steps = 200, repeats = 200;
        int[] counts = [200, 800, 3200];
        var (loss, limit) = (GaussianLoss(), 0.0);
        new NeuronBirthDeath(loss, new NeuronBirthDeathOptions { Rate = 5, Step = Step })
            .FollowWeighted(Grid(3200), [steps * Step], (_, _, _, at) => limit = at.Value, cancellation);
        var errors = counts.Select((count, place) =>
        {
            var first = 10_000 + (place * repeats);
            var losses = Enumerable.Range(0, repeats).Select(repeat =>
            {
                var end = 0.0;
                new NeuronBirthDeath(loss, Options(Rule.Clone, 0))
                    .Run(Grid(count), steps, settings.Stream(s_run, first + repeat), (_, value) => end = value, cancellation);
                return end;
            }).ToArray();
            var mean = losses.Average();
            var deviation = Math.Sqrt(losses.Average(v => (v - mean) * (v - mean)) / repeats);
            settings.Remark($"{count} neurons: mean loss {mean:g5} +- {deviation:g2}, limit {limit:g5}");
            return mean - limit;
        }).ToArray();
        return [Diagnostics.PowerLaw.Fit([.. counts.Select(n => (double)n)], errors).Exponent];
    }

    // Neurons at the points of Hammersley: c at the normal quantiles, y evenly over [-2, 2] in the order of reversed bits.
    private static NeuronEnsemble Grid(int count)
    {
        double[] outputs = [.. Enumerable.Range(0, count).Select(k => HostFunctions.NormalQuantile((k + 0.5) / count))];
        double[] features = [.. Enumerable.Range(0, count).Select(k => -2 + (4 * (Reversed(k) + (0.5 / count))))];
        return new NeuronEnsemble(outputs, features, 1);

        static double Reversed(int k)
        {
            var (value, digit) = (0.0, 0.5);
            for (; k > 0; k /= 2, digit /= 2)
            {
                value += digit * (k % 2);
            }

            return value;
        }
    }

    private static double[] Student(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int d = 50, teachers = 10, students = 50, steps = 100_000, repeats = 10;
        const double level = 2e-3;
        var curves = new List<int>[3];
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            var teacher = NeuronEnsemble.Normal(teachers, d, settings.Stream(s_teacher, repeat));
            double[] lengths = [.. Enumerable.Range(0, teachers).Select(k => Length(teacher.Features.AsSpan(k * d, d)))];
            double[] directions = [.. teacher.Features.Select((v, k) => v / lengths[k / d])];
            double[] masses = [.. teacher.Outputs.Select((c, k) => c * lengths[k] / teachers)];
            var loss = new HomogeneousLoss(PopulationLoss.OfTeacher(Kernel.ArcCosine(d), d, directions, masses, new ExecutionOptions { Threads = 1 }));
            var start = NeuronEnsemble.Normal(students, d, settings.Stream(s_start, repeat));
            foreach (var rule in Enum.GetValues<Rule>())
            {
                var first = steps;
                var (last, begin) = (0.0, 0.0);
                var options = new NeuronBirthDeathOptions
                {
                    Rate = rule switch { Rule.Descent => 0, Rule.Clone => 1, _ => 0.01 },
                    Step = 0.02,
                    QuietSteps = 1000,
                    Background = rule == Rule.Background ? SmallRows : null,
                };
                new NeuronBirthDeath(loss, options).Run(start, steps, settings.Stream(s_run, repeat), (step, value) =>
                {
                    (begin, last) = (step == 0 ? value : begin, value);
                    first = value <= level ? Math.Min(first, step) : first;
                }, cancellation);
                (curves[(int)rule] ??= []).Add(first);
                settings.Remark($"repeat {repeat + 1}, {rule}: {begin:g3} to {last:g3}, {level} after {first} steps");
            }
        }

        return [FigureVerdicts.Median([.. curves[2].Zip(curves[0], (a, b) => (double)a / b)])];
    }

    private static void SmallRows(RandomStream random, Span<double> z)
    {
        foreach (ref var value in z)
        {
            value = random.NextNormal() / z.Length;
        }
    }

    private static double Length(ReadOnlySpan<double> z) => Math.Sqrt(HostVectors.Dot(z, z));
}
