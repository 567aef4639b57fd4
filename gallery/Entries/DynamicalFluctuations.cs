using Monge.Diagnostics;
using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 43: A dynamical central limit theorem for shallow neural networks (arXiv:2008.09623). The paper's figures are curves; what is measured are the limit's
/// own predictions, in closed form, by the Volterra equation and by population losses without sampling.
/// </summary>
internal static class DynamicalFluctuations
{
    private const int SeedBits = 20;

    private static readonly StreamName s_data = StreamName.Of("dynamical fluctuations: data");
    private static readonly StreamName s_start = StreamName.Of("dynamical fluctuations: start");
    private static readonly StreamName s_limit = StreamName.Of("dynamical fluctuations: limit");

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "43",
        "Dynamical fluctuations",
        "Z. Chen, G. Rotskoff, J. Bruna, E. Vanden-Eijnden: A Dynamical Central Limit Theorem for Shallow Neural Networks, arXiv:2008.09623",
        [
            new Experiment(
                "fixed-features",
                "Fixed tanh features on 20 points in d = 5 with random labels, 64 to 4,096 neurons, 200 runs each, beside the limit in closed form.",
                Quick: false,
                [
                    FigureReference.AtMost("largest difference of m E |f_m - f|^2 from the limit at 20 times, in standard errors, m = 4096", 3, "closed form"),
                    FigureReference.AtMost("fluctuation over that of the start when the loss is 1e-8", 1e-3, "the limit's decay"),
                    FigureReference.Within("exponent of E |f_m - f|^2 in m at the start", -1, 0.03, "central limit theorem"),
                    FigureReference.Within("exponent of E |f_m - f|^2 in m midway", -1, 0.03, "central limit theorem"),
                ],
                Experiment.InBackground(FixedFeatures)),
            new Experiment(
                "student",
                "Rectified linear neurons on the sphere in d = 10 and a teacher of two by the population loss: 192 runs of 1,024 neurons, 384 of 512 and so on "
                + "to 3,072 of 64.",
                Quick: false,
                [
                    FigureReference.AtMost("largest difference of m times the variance, 256 to 1,024 neurons, relative", 0.15, "collapse"),
                    FigureReference.AtMost("largest excess of the fluctuation over the resampling error, in standard errors", 3, "bound of the limit"),
                    FigureReference.AtLeast("fall of the fluctuation from its maximum, no penalty, 1,024 neurons", 10, "interpolation"),
                    FigureReference.AtMost("2-norm at the end with the penalty 0.01 over that without", 1, "regularisation"),
                ],
                Experiment.InBackground(Student)),
            new Experiment(
                "volterra",
                "All of a tanh neuron trained on 30 points in the plane: the Volterra equation of 4,096 neurons beside 500 runs of 256.",
                Quick: false,
                [
                    FigureReference.AtMost("largest relative difference of the fluctuation over 20 times", 0.1, "Volterra equation"),
                ],
                Experiment.InBackground(Volterra)),
            new Experiment(
                "resampling",
                "A trained network's resampling error beside 2,000 networks whose neurons are drawn from its own.",
                Quick: true,
                [FigureReference.AtMost("difference in standard errors", 4, "identity")],
                Experiment.InBackground(Resampling)),
        ]);

    private static double[] Normal(int count, RandomStream random) => [.. Enumerable.Range(0, count).Select(_ => random.NextNormal())];

    private static double[] FixedFeatures(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int n = 20, d = 5, repeats = 200, many = 200_000;
        int[] widths = [64, 256, 1024, 4096];
        var data = settings.Stream(s_data, 0, SeedBits);
        double[] inputs = Normal(n * d, data), targets = Normal(n, data);
        double[] Features(NeuronEnsemble network) => [.. Kernel.Tanh().Matrix(network.Features, inputs, d, settings.Threads)];

        var population = NeuronEnsemble.Normal(many, d, settings.Stream(s_limit, 0, SeedBits));
        var features = Features(population);
        var until = TimeOfLoss(features, population.Outputs, targets, 1e-8);
        double[] times = [0, .. Enumerable.Range(0, 19).Select(k => 0.1 * Math.Pow(until / 0.1, k / 18.0))];
        var limit = FluctuationLimit.OfFixedFeatures(features, population.Outputs, targets, times);
        var mean = MeanField(features, population.Outputs, targets, times);
        var errors = widths.Select(m => Enumerable.Range(0, repeats).Select(repeat =>
        {
            cancellation.ThrowIfCancellationRequested();
            var network = NeuronEnsemble.Normal(m, d, settings.Stream(s_start, (m * repeats) + repeat, SeedBits));
            return MeanField(Features(network), network.Outputs, targets, times)
                .Zip(mean, (f, g) => f.Zip(g, (a, b) => (a - b) * (a - b)).Average()).ToArray();
        }).ToArray()).ToArray();
        var worst = 0.0;
        for (var k = 0; k < times.Length; k++)
        {
            double[] values = [.. errors[^1].Select(run => widths[^1] * run[k])];
            var average = values.Average();
            var error = Math.Sqrt(values.Average(v => (v - average) * (v - average)) / (repeats - 1));
            worst = Math.Max(worst, Math.Abs(average - limit.Fluctuation[k]) / error);
            settings.Remark(
                $"t = {times[k]:g3}: loss {limit.Loss[k]:g3}, limit {limit.Fluctuation[k]:g4}, {widths[^1]} neurons {average:g4} +- {error:g2}, "
                + $"resampling {limit.Resampling[k]:g4}");
        }

        double Exponent(int k) => PowerLaw.Fit([.. widths.Select(m => (double)m)], [.. errors.Select(runs => runs.Average(run => run[k]))]).Exponent;
        return [worst, limit.Fluctuation[^1] / limit.Fluctuation[0], Exponent(0), Exponent(9)];
    }

    // The first of times that grow by a hundredth at which the loss is below a level.
    private static double TimeOfLoss(double[] features, double[] outputs, double[] targets, double level)
    {
        double[] times = [.. Enumerable.Range(0, 3000).Select(k => 0.1 * Math.Pow(1.01, k))];
        var path = MeanField(features, outputs, targets, times);
        return times[Array.FindIndex(path, f => f.Zip(targets, (a, y) => (a - y) * (a - y)).Average() / 2 <= level)];
    }

    private static SymmetricEigenResult Eigen(double[] features, int count, int n)
    {
        var kernel = new double[n * n];
        HostProduct.Multiply(features, features, kernel, n, count, n, isLeftTransposed: true);
        return SymmetricEigen.Decompose([.. kernel.Select(v => v / count / n)], n);
    }

    // f_t = y + exp(-K t) (f_0 - y) at each time: training of the output weights is linear.
    private static double[][] MeanField(double[] features, double[] outputs, double[] targets, double[] times)
    {
        var (count, n) = (outputs.Length, targets.Length);
        var eigen = Eigen(features, count, n);
        var start = targets.Select(y => -y).ToArray();
        for (var j = 0; j < count; j++)
        {
            HostVectors.AddScaled(outputs[j] / count, features.AsSpan(j * n, n), start);
        }

        var turned = HostMatrices.Product(HostMatrices.Transposed(eigen.Vectors, n, n), start, n, n, 1);
        return [.. times.Select(t =>
        {
            double[] decayed = [.. turned.Zip(eigen.Values, (r, l) => r * Math.Exp(-l * t))];
            return HostMatrices.Product(eigen.Vectors, decayed, n, n, 1).Zip(targets, (r, y) => r + y).ToArray();
        })];
    }

    private static double[] Student(ExperimentSettings settings, CancellationToken cancellation)
    {
        // Early on the fluctuation lies in two or three directions, so that of R runs a variance is off by about R^-1/2. Networks of half the width start as
        // the halves of the wider ones: there are twice as many, and their variance has part of the same error.
        const int d = 10, widest = 1024, repeats = 192, group = 16;
        const double until = 50, tolerance = 1e-5;
        int[] widths = [64, 128, 256, 512, widest];
        double[] times = [.. Enumerable.Range(0, 13).Select(k => k == 0 ? 0 : until * Math.Pow(2, (k - 12) / 2.0))];
        var kernel = Kernel.ArcCosine(d).Times(d);
        var teacher = NeuronEnsemble.Spherical(2, d, settings.Stream(s_data, 1, SeedBits), _ => 1);
        var variances = new MeanWithError[widths.Length][];
        var (resampling, norm) = (new double[times.Length], 0.0);
        for (var w = 0; w < widths.Length; w++)
        {
            var runs = Runs(widths[w], 0, repeats * widest / widths[w]);
            variances[w] = [.. runs.Select(Between)];
            if (w == widths.Length - 1)
            {
                resampling = [.. runs.Select(networks => networks.Average(network => NeuronFluctuations.ResamplingError(kernel, network, settings.Threads)))];
                norm = runs[^1].Average(network => network.TwoNorm);
            }

            var told = variances[w].Select(v => FormattableString.Invariant($"{v.Value:g3}+-{v.StandardError:g1}"));
            settings.Remark($"{widths[w]} neurons: m var {string.Join(" ", told)}");
        }

        settings.Remark($"resampling error {string.Join(" ", resampling.Select(v => FormattableString.Invariant($"{v:g3}")))}");
        var (collapse, excess) = (0.0, double.NegativeInfinity);
        for (var k = 1; k < times.Length; k++)
        {
            var values = variances[2..].Select(v => v[k].Value).ToArray();
            collapse = Math.Max(collapse, (values.Max() - values.Min()) / values.Average());
            excess = Math.Max(excess, (variances[^1][k].Value - resampling[k]) / variances[^1][k].StandardError);
        }

        var largest = variances[^1].Max(v => v.Value);
        var penalised = Runs(256, 0.01, repeats)[^1].Average(network => network.TwoNorm);
        settings.Remark($"2-norm {norm:g4}, with the penalty {penalised:g4}");
        return [collapse, excess, largest / variances[^1][^1].Value, penalised / norm];

        // The mean over groups, as inner products of all pairs of networks would take hours.
        MeanWithError Between(NeuronEnsemble[] networks)
        {
            var groups = networks.Chunk(group).Select(g => NeuronFluctuations.BetweenRuns(kernel, g, settings.Threads)).ToArray();
            return new MeanWithError(groups.Average(g => g.Value), Math.Sqrt(groups.Sum(g => g.StandardError * g.StandardError)) / groups.Length);
        }

        // Networks of all runs at each time.
        NeuronEnsemble[][] Runs(int m, double penalty, int count)
        {
            var paths = new List<NeuronEnsemble>[count];
            var losses = new double[count];
            Parallel.For(0, count, settings.Parallel(cancellation), run =>
            {
                var loss = PopulationLoss.OfTeacher(kernel, d, teacher.Features, teacher.Outputs, new ExecutionOptions { Threads = 1 });
                var (wide, part) = Math.DivRem(run, widest / m);
                var all = NeuronEnsemble.Spherical(widest, d, settings.Stream(s_start, wide, SeedBits), r => r.NextNormal());
                var start = new NeuronEnsemble(
                    all.Outputs[(part * m)..((part + 1) * m)], all.Features[(part * m * d)..((part + 1) * m * d)], d);
                paths[run] = [];
                var flow = new NeuronFlow(loss, new NeuronFlowOptions { IsSpherical = true, Penalty = penalty });
                flow.RunAdaptive(start, times, tolerance, (_, network, value) =>
                {
                    paths[run].Add(network);
                    losses[run] = value;
                }, cancellation);
            });
            settings.Remark($"{m} neurons, penalty {penalty}, {count} runs: mean loss at the end {losses.Average():g3}");
            return [.. times.Select((_, k) => paths.Select(path => path[k]).ToArray())];
        }
    }

    private static double[] Volterra(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int n = 30, d = 3, many = 4096, m = 256, repeats = 500, points = 100;
        const double until = 10;
        var data = settings.Stream(s_data, 2, SeedBits);
        double[] inputs = [.. Enumerable.Range(0, n).SelectMany(_ => new[] { data.NextNormal(), data.NextNormal(), 1 })];
        double[] targets = [.. Enumerable.Range(0, n).Select(a => Math.Sin(2 * inputs[a * d]) * Math.Cos(inputs[(a * d) + 1]))];
        var limit = FluctuationLimit.Follow(
            NeuronEnsemble.Normal(many, d, settings.Stream(s_limit, 2, SeedBits)), inputs, targets, SmoothUnit.Tanh, until, points, 4, settings.Threads,
            cancellation);
        double[] times = [.. Enumerable.Range(1, 20).Select(k => k * until / 20)];
        var (outputs, loss) = (new double[times.Length][][], new RegressionLoss(inputs, targets, Kernel.Tanh(), settings.Execution));
        var index = 0;
        new NeuronRuns(inputs, targets, x => x.Tanh(), null, settings.Execution).Run(
            [.. Enumerable.Range(0, repeats).Select(repeat => NeuronEnsemble.Normal(m, d, settings.Stream(s_start, repeat, SeedBits)))],
            times, until / points / 2,
            (_, networks) => outputs[index++] = [.. networks.Select(network => loss.Predict(inputs, network.Features, network.Masses()))], cancellation);
        var worst = 0.0;
        for (var k = 0; k < times.Length; k++)
        {
            var found = NeuronFluctuations.BetweenRuns(outputs[k], m);
            var at = (k + 1) * points / 20;
            worst = Math.Max(worst, Math.Abs((found.Value / limit.Fluctuation[at]) - 1));
            settings.Remark(
                $"t = {times[k]:g3}: loss {limit.Loss[at]:g3}, limit {limit.Fluctuation[at]:g4}, {repeats} runs {found.Value:g4} "
                + $"+- {found.StandardError:g2}, resampling {limit.Resampling[at]:g4}");
        }

        return [worst];
    }

    private static double[] Resampling(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int d = 10, m = 128, repeats = 2000;
        var kernel = Kernel.ArcCosine(d).Times(d);
        var teacher = NeuronEnsemble.Spherical(2, d, settings.Stream(s_data, 1, SeedBits), _ => 1);
        var loss = PopulationLoss.OfTeacher(kernel, d, teacher.Features, teacher.Outputs, new ExecutionOptions { Threads = 1 });
        var trained = NeuronEnsemble.Spherical(m, d, settings.Stream(s_start, 0, SeedBits), r => r.NextNormal());
        new NeuronFlow(loss, new NeuronFlowOptions { IsSpherical = true }).Run(trained, [5], 0.05, (_, network, _) => trained = network, cancellation);
        var own = PopulationLoss.OfTeacher(kernel, d, trained.Features, trained.Masses(), new ExecutionOptions { Threads = 1 });
        var random = settings.Stream(s_limit, 3, SeedBits);

        // Twice the loss against the trained network itself is the squared distance.
        double[] squares =
        [
            .. Enumerable.Range(0, repeats).Select(_ =>
            {
                var drawn = trained.Resample(m, random);
                return 2 * m * own.Evaluate(drawn.Features, drawn.Masses(), new double[m], default);
            }),
        ];
        var mean = squares.Average();
        var error = Math.Sqrt(squares.Average(v => (v - mean) * (v - mean)) / (repeats - 1));
        return [Math.Abs(mean - NeuronFluctuations.ResamplingError(kernel, trained, 1)) / error];
    }
}
