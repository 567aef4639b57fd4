using Monge.Diagnostics;
using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 46: Trainability and accuracy of neural networks as an interacting particle system (arXiv:1805.00915). The paper's figures are curves; closed forms of
/// the population loss, and the slopes that it proves, are what is measured.
/// </summary>
internal static class InteractingNeurons
{
    private const double AlphaTimesDimension = 5;
    private const int SeedBits = 32;

    private static readonly StreamName s_model = StreamName.Of("interacting neurons: model");
    private static readonly StreamName s_start = StreamName.Of("interacting neurons: start");
    private static readonly StreamName s_points = StreamName.Of("interacting neurons: points");

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "46",
        "Interacting neurons",
        "G. Rotskoff, E. Vanden-Eijnden: Trainability and Accuracy of Artificial Neural Networks: An Interacting Particle System Approach, arXiv:1805.00915",
        [
            new Experiment(
                "closed-forms",
                "Closed forms of the population loss beside a million points in d = 5, 10 and 25, its gradient beside differences, the error at the start.",
                Quick: false,
                [
                    FigureReference.AtMost("largest difference of E f^2 from points, in standard errors", 4, "closed form"),
                    FigureReference.AtMost("largest difference of F from points, in standard errors", 4, "closed form"),
                    FigureReference.AtMost("largest difference of K from points, in standard errors", 4, "closed form"),
                    FigureReference.AtMost("largest error of the gradient", 1e-6, "central differences"),
                    FigureReference.AtMost("difference of the mean of E f^2 over 200 models from d, in standard errors", 3, "E_a f^2 = d"),
                    FigureReference.AtMost("difference of n E f_n^2 at the start from one unit's variance, in standard errors", 4, "central limit theorem"),
                ],
                Experiment.InBackground(ClosedForms)),
            new Experiment(
                "population",
                "Gradient flow of 32 to 1,024 Gaussian neurons on the population loss of a 3-spin model, d = 5, to where the loss has fallen by 1e2 or more; "
                + "means over four networks.",
                Quick: false,
                [
                    FigureReference.Within("exponent of the last loss in n", -1.075, 0.225, "O(1/n)", 0.15),
                    FigureReference.AtMost("largest over least n times loss, n = 128 to 1,024, at every time after the transient", 2, "O(1/n)"),
                ],
                Experiment.InBackground(Population)),
            new Experiment(
                "law-of-large-numbers",
                "Mean losses of 256 networks of 64 neurons, 512 of 128 and 1,024 of 256 beside 16 of 4,096 on the way, d = 5.",
                Quick: false,
                [FigureReference.Within("exponent of the difference in n", -1, 0.3, "law of large numbers")],
                Experiment.InBackground(LargeNumbers)),
            new Experiment("descent-10", "Stochastic gradient descent of sigmoid neurons in d = 10, P = n / 5, ten repeats.", Quick: false, DescentFigures,
                DescentOf(new DescentSetting(10, [64, 128, 256, 512], 128, 12, 8_300, 3_300))),
            new Experiment("descent-25", "Stochastic gradient descent of sigmoid neurons in d = 25, P = n / 5, ten repeats.", Quick: false, DescentFigures,
                DescentOf(new DescentSetting(25, [512, 1024, 2048], 512, 8, 7_500, 500))),
        ]);

    private static FigureReference[] DescentFigures =>
    [
        FigureReference.Within("exponent of the long-time loss in n", -1, 0.2, "noise of SGD"),
        FigureReference.Within("loss over that with batches twice as large", 2, 0.4, "noise of SGD"),
        FigureReference.AtLeast("loss over that after a quench with P = (n / 5)^2", 2, "noise of SGD"),
    ];

    // With steps of 8 and less the noise is lost behind what so few neurons can't represent; with 16 the fewest explode.
    private sealed record DescentSetting(int Dimension, int[] Widths, int Quenched, double Step, int Steps, int QuenchSteps);

    private static PopulationLoss Loss(ThreeSpinModel model, int threads, double amplitude = 1)
    {
        var d = model.Dimension;
        var cubic = amplitude * FunkHecke.ScaledCoefficient(3, d, AlphaTimesDimension);
        var linear = amplitude * FunkHecke.ScaledCoefficient(1, d, AlphaTimesDimension);
        return new PopulationLoss(
            Kernel.SphericalGaussian(d, AlphaTimesDimension / d).Times(amplitude * amplitude), d,
            (z, values, slopes) =>
            {
                model.Values(z, values, slopes);
                var slope = new double[slopes.IsEmpty ? 0 : d];
                for (var i = 0; i < values.Length; i++)
                {
                    // lambda_3 f_3 + lambda_1 f_1 with f_3 = f - f_1.
                    values[i] = (cubic * values[i]) + ((linear - cubic) * model.LinearPart(z.Slice(i * d, d), slope));
                    for (var k = 0; k < slope.Length; k++)
                    {
                        slopes[(i * d) + k] = (cubic * slopes[(i * d) + k]) + ((linear - cubic) * slope[k]);
                    }
                }
            },
            0.5 * model.MeanSquare, new ExecutionOptions { Threads = threads });
    }

    private static NeuronEnsemble Neurons(int count, int d, RandomStream random, double outputScale) =>
        NeuronEnsemble.Spherical(count, d, random, r => outputScale * r.NextNormal(), Math.Sqrt(d));

    // The neurons' amplitude is such that E phi^2 = 1: output weights then move as fast as neurons do.
    private static PopulationLoss NormalisedLoss(ThreeSpinModel model)
    {
        var d = model.Dimension;
        double[] pole = [Math.Sqrt(d), .. new double[d - 1]];
        return Loss(model, 1, 1 / Math.Sqrt(Kernel.SphericalGaussian(d, AlphaTimesDimension / d).Value(pole, pole)));
    }

    // The limit's own loss must fall below the fluctuations for them to be seen. Weights of about 150 make it fall fast; their mean is taken off, as a constant
    // is what the neurons' moves can't change, so that it would outlive all else. Later still the loss is o(1 / n), as the paper proves.
    private static double[] Population(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int d = 5, repeats = 4, transient = 4;
        const double outputScale = 150, until = 0.0625;
        int[] widths = [32, 64, 128, 256, 512, 1024];
        double[] times = [.. Enumerable.Range(0, 9).Select(k => k == 0 ? 0 : until * Math.Pow(2, k - 8))];
        var model = new ThreeSpinModel(d, settings.Stream(s_model, d, SeedBits));
        var curves = new double[widths.Length * repeats][];
        Parallel.For(0, curves.Length, settings.Parallel(cancellation), run =>
        {
            var (n, curve) = (widths[run / repeats], new List<double>());
            var network = Neurons(n, d, settings.Stream(s_start, (n * 100) + (run % repeats), SeedBits), outputScale);
            var mean = network.Outputs.Average();
            network = network with { Outputs = [.. network.Outputs.Select(c => c - mean)] };
            new NeuronFlow(NormalisedLoss(model), new NeuronFlowOptions { IsSpherical = true }).RunAdaptive(
                network, times, 1e-3, (_, _, loss) => curve.Add(n * loss), cancellation);
            curves[run] = [.. curve];
        });
        double[][] scaled = [.. curves.Chunk(repeats).Select(runs => times.Select((_, k) => runs.Average(run => run[k])).ToArray())];
        for (var w = 0; w < widths.Length; w++)
        {
            settings.Remark($"{widths[w]} neurons: n loss {string.Join(" ", scaled[w].Select(value => FormattableString.Invariant($"{value:g3}")))}");
        }

        settings.Remark($"half the mean square of the target {model.MeanSquare / 2:g3}; times {string.Join(" ", times)}");
        var ratio = Enumerable.Range(transient, times.Length - transient).Max(k => scaled[2..].Max(curve => curve[k]) / scaled[2..].Min(curve => curve[k]));
        return [PowerLaw.Fit([.. widths.Select(n => (double)n)], [.. widths.Zip(scaled, (n, curve) => curve[^1] / n)]).Exponent, ratio];
    }

    private static double[] LargeNumbers(ExperimentSettings settings, CancellationToken cancellation)
    {
        // A loss differs from its mean by O(n^-1/2), the mean from its limit by O(1/n): only networks in proportion to n show the latter.
        const int d = 5, many = 4096, limits = 16;
        const double until = 12.5;
        int[] widths = [64, 128, 256];
        var model = new ThreeSpinModel(d, settings.Stream(s_model, d, SeedBits));
        var (limit, limitError) = Mean(many, limits);
        var differences = widths.Select(n =>
        {
            var (mean, error) = Mean(n, 4 * n);
            settings.Remark(
                $"{n} neurons: mean loss {mean:g6} +- {error:g2} over {4 * n} networks, {many} neurons {limit:g6} +- {limitError:g2} over {limits}");
            return Math.Abs(mean - limit);
        }).ToArray();
        return [PowerLaw.Fit([.. widths.Select(n => (double)n)], differences).Exponent];

        (double Mean, double Error) Mean(int n, int repeats)
        {
            var losses = new double[repeats];
            Parallel.For(0, repeats, settings.Parallel(cancellation), repeat => losses[repeat] = Last(n, repeat));
            return Measurements.Mean(losses);
        }

        double Last(int n, int repeat)
        {
            var last = 0.0;
            new NeuronFlow(NormalisedLoss(model), new NeuronFlowOptions { IsSpherical = true }).RunAdaptive(
                Neurons(n, d, settings.Stream(s_start, (n * many) + repeat, SeedBits), 1), [until], 1e-4, (_, _, loss) => last = loss, cancellation);
            return last;
        }
    }

    private static Func<ExperimentSettings, CancellationToken, Task<IReadOnlyList<double>>> DescentOf(DescentSetting setting) =>
        Experiment.InBackground((settings, cancellation) => Descent(settings, setting, cancellation));

    private static double[] Descent(ExperimentSettings settings, DescentSetting setting, CancellationToken cancellation)
    {
        const int repeats = 10, samples = 10, testPoints = 100_000;
        var d = setting.Dimension;
        var model = new ThreeSpinModel(d, settings.Stream(s_model, d, SeedBits));
        void Draw(RandomStream random, Span<double> inputs, Span<double> targets)
        {
            var points = Sphere.Uniform(targets.Length, d, random, Math.Sqrt(d));
            for (var a = 0; a < targets.Length; a++)
            {
                points.AsSpan(a * d, d).CopyTo(inputs[(a * (d + 1))..]);
                inputs[(a * (d + 1)) + d] = 1;
            }

            // In units of the root of d, which is the target's own.
            model.Values(points, targets);
            foreach (ref var value in targets)
            {
                value /= Math.Sqrt(d);
            }
        }

        var (test, targets) = (new double[testPoints * (d + 1)], new double[testPoints]);
        Draw(settings.Stream(s_points, 1, SeedBits), test, targets);
        var unit = 0.5 * model.MeanSquare / d;
        double[][] Runs(int n, int batch, bool isQuenched)
        {
            var losses = new double[repeats][];
            Parallel.For(0, repeats, settings.Parallel(cancellation), repeat =>
            {
                var execution = new ExecutionOptions { Threads = 1 };
                var loss = new RegressionLoss(test, targets, Kernel.Sigmoid(), execution);
                var descent = new NeuronDescent(Kernel.Sigmoid(), d + 1, Draw, execution);
                var random = settings.Stream(s_points, 100 + (n * 100) + (batch * 100_000) + repeat, SeedBits);
                var network = NeuronEnsemble.Draw(n, d + 1, settings.Stream(s_start, (n * 100) + repeat, SeedBits), r => r.NextNormal(), (r, z) =>
                {
                    for (var k = 0; k <= d; k++)
                    {
                        z[k] = (k < d ? 1 : 0.5 * Math.Sqrt(d)) * r.NextNormal();
                    }
                });
                double Loss() => loss.Evaluate(network.Features, network.Masses(), new double[n], default) / unit;
                network = descent.Run(network, setting.Steps, setting.Step, batch, random, null, cancellation);
                var sum = 0.0;
                for (var sample = 0; sample < samples; sample++)
                {
                    network = descent.Run(network, setting.Steps / 50, setting.Step, batch, random, null, cancellation);
                    sum += Loss() / samples;
                }

                if (isQuenched)
                {
                    network = descent.Run(network, setting.QuenchSteps, setting.Step, n / 5 * (n / 5), random, null, cancellation);
                }

                losses[repeat] = [sum, Loss()];
            });
            return losses;
        }

        double[][][] runs = [.. setting.Widths.Select(n => Runs(n, n / 5, n == setting.Quenched))];
        double[][] means = [.. runs.Select(r => r.Select(run => run[0]).ToArray())];
        var fit = PowerLaw.Fit([.. setting.Widths.Select(n => (double)n)], means, isGeometric: false);
        var line = string.Join(" ", means.Select(m => FormattableString.Invariant($"{m.Average():g4}")));
        settings.Remark($"loss over that of 0: {line}; exponent {fit.Exponent:g4} ({fit.Lower:g4} to {fit.Upper:g4})");
        var (chosen, n) = (Array.IndexOf(setting.Widths, setting.Quenched), setting.Quenched);
        var (mean, quenched) = (means[chosen].Average(), runs[chosen].Average(run => run[1]));
        var doubled = Runs(n, 2 * n / 5, isQuenched: false).Average(run => run[0]);

        // The points have no noise of their own, so that the noise of the gradient is in proportion to the loss: 1 / L is straight in 1 / P.
        settings.Remark($"{n} neurons: {mean:g4}, twice the batch {doubled:g4} (by 1 / L straight in 1 / P {2 / ((1 / mean) + (1 / quenched)):g4}), "
            + $"quenched {quenched:g4}");
        return [fit.Exponent, mean / doubled, mean / quenched];
    }

    private static double[] ClosedForms(ExperimentSettings settings, CancellationToken cancellation)
    {
        var (square, target, kernel, gradient) = (0.0, 0.0, 0.0, 0.0);
        foreach (var d in new[] { 5, 10, 25 })
        {
            cancellation.ThrowIfCancellationRequested();
            var model = new ThreeSpinModel(d, settings.Stream(s_model, d, SeedBits));
            var errors = PointErrors(settings, model);
            (square, target, kernel) = (Math.Max(square, errors.Square), Math.Max(target, errors.Target), Math.Max(kernel, errors.Kernel));
            gradient = Math.Max(gradient, GradientError(settings, model));
        }

        double[] squares = [.. Enumerable.Range(0, 200).Select(k => new ThreeSpinModel(5, settings.Stream(s_model, 100 + k, SeedBits)).MeanSquare)];
        var mean = squares.Average();
        var models = Math.Abs(mean - 5) / Math.Sqrt(squares.Average(v => (v - mean) * (v - mean)) / (squares.Length - 1));
        return [square, target, kernel, gradient, models, StartError(settings)];
    }

    // Averages over a million points of the sphere beside the closed forms at two neurons.
    private static (double Square, double Target, double Kernel) PointErrors(ExperimentSettings settings, ThreeSpinModel model)
    {
        const int n = 1_000_000, block = 10_000;
        var d = model.Dimension;
        var random = settings.Stream(s_points, d, SeedBits);
        var neurons = Neurons(2, d, random, 1).Features;
        var values = new double[block];
        var sums = new Moments[3];
        for (var from = 0; from < n; from += block)
        {
            var points = Sphere.Uniform(block, d, random, Math.Sqrt(d));
            model.Values(points, values);
            var units = Kernel.Gaussian(Math.Sqrt(d / AlphaTimesDimension)).Matrix(points, neurons, d, settings.Threads);
            for (var a = 0; a < block; a++)
            {
                sums[0].Add(values[a] * values[a]);
                sums[1].Add(values[a] * units[2 * a]);
                sums[2].Add(units[2 * a] * units[(2 * a) + 1]);
            }
        }

        var (target, own) = (new double[1], Kernel.SphericalGaussian(d, AlphaTimesDimension / d).Value(neurons[..d], neurons[d..]));
        Loss(model, 1).Evaluate(neurons.AsSpan(0, d), [0.0], target, default);
        return (sums[0].Errors(model.MeanSquare), sums[1].Errors(-target[0]), sums[2].Errors(own));
    }

    private static double GradientError(ExperimentSettings settings, ThreeSpinModel model)
    {
        const int m = 20;
        const double h = 1e-5;
        var d = model.Dimension;
        var loss = Loss(model, 1);
        var network = Neurons(m, d, settings.Stream(s_start, d, SeedBits), 3);
        var (masses, potential, slopes) = (network.Masses(), new double[m], new double[m * d]);
        var value = loss.Evaluate(network.Features, masses, potential, slopes);
        var largest = 0.0;
        for (var i = 0; i < m; i++)
        {
            // Along the sphere, as the closed forms hold on it alone.
            var z = network.Features.AsSpan(i * d, d).ToArray();
            var tangent = new double[d];
            Sphere.Uniform(settings.Stream(s_start, 1000 + i, SeedBits), tangent);
            Sphere.Project(z, tangent);
            var length = Math.Sqrt(HostVectors.Dot(tangent, tangent));
            var measured = (Turned(h) - Turned(-h)) / (2 * h);
            largest = Math.Max(largest, Math.Abs(measured - (masses[i] * HostVectors.Dot(tangent, slopes.AsSpan(i * d, d)) / length)));

            double Turned(double by)
            {
                var moved = network.Features.ToArray();
                for (var k = 0; k < d; k++)
                {
                    var angle = by / Math.Sqrt(d);
                    moved[(i * d) + k] = (z[k] * Math.Cos(angle)) + (Math.Sqrt(d) * tangent[k] / length * Math.Sin(angle));
                }

                return loss.Evaluate(moved, masses, new double[m], default);
            }
        }

        return largest / Math.Max(1, value);
    }

    // n E f_n^2 with c from N(0, 1) is K(z, z): 400 networks of 64 neurons.
    private static double StartError(ExperimentSettings settings)
    {
        const int d = 5, m = 64;
        var kernel = Kernel.SphericalGaussian(d, AlphaTimesDimension / d);
        var sum = default(Moments);
        for (var k = 0; k < 400; k++)
        {
            var network = Neurons(m, d, settings.Stream(s_start, 2000 + k, SeedBits), 1);
            sum.Add(m * HostVectors.Dot(network.Masses(), kernel.Sums(network.Features, network.Features, d, network.Masses(), 1)));
        }

        double[] z = [Math.Sqrt(d), 0, 0, 0, 0];
        return sum.Errors(kernel.Value(z, z));
    }

    private struct Moments
    {
        private double _sum;
        private double _squares;
        private int _count;

        public void Add(double value) => (_sum, _squares, _count) = (_sum + value, _squares + (value * value), _count + 1);

        public readonly double Errors(double exact)
        {
            var mean = _sum / _count;
            return Math.Abs(mean - exact) / Math.Sqrt(((_squares / _count) - (mean * mean)) / _count);
        }
    }
}
