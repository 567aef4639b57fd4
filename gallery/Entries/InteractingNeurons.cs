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
                "The closed forms of the population loss beside a million points in d = 5, 10 and 25, its gradient beside differences, and the error at the start.",
                Quick: true,
                [
                    FigureReference.AtMost("largest difference of E f^2 from points, in standard errors", 4, "closed form"),
                    FigureReference.AtMost("largest difference of F from points, in standard errors", 4, "closed form"),
                    FigureReference.AtMost("largest difference of K from points, in standard errors", 4, "closed form"),
                    FigureReference.AtMost("largest error of the gradient", 1e-6, "central differences"),
                    FigureReference.AtMost("difference of the mean of E f^2 over 200 models from d, in standard errors", 3, "E_a f^2 = d"),
                    FigureReference.AtMost("difference of n E f_n^2 at the start from one unit's variance, in standard errors", 4, "central limit theorem"),
                ],
                Experiment.InBackground(ClosedForms)),
        ]);

    private static RandomStream Stream(StreamName name, ExperimentSettings settings, int number) =>
        new((settings.Seed << 16) + (ulong)number, name);

    private static PopulationLoss Loss(ThreeSpinModel model, int threads)
    {
        var d = model.Dimension;
        var (cubic, linear) = (FunkHecke.ScaledCoefficient(3, d, AlphaTimesDimension), FunkHecke.ScaledCoefficient(1, d, AlphaTimesDimension));
        return new PopulationLoss(
            Kernel.SphericalGaussian(d, AlphaTimesDimension / d), d,
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

    private static double[] ClosedForms(ExperimentSettings settings, CancellationToken cancellation)
    {
        var (square, target, kernel, gradient) = (0.0, 0.0, 0.0, 0.0);
        foreach (var d in new[] { 5, 10, 25 })
        {
            cancellation.ThrowIfCancellationRequested();
            var model = new ThreeSpinModel(d, Stream(s_model, settings, d));
            var errors = PointErrors(settings, model);
            (square, target, kernel) = (Math.Max(square, errors.Square), Math.Max(target, errors.Target), Math.Max(kernel, errors.Kernel));
            gradient = Math.Max(gradient, GradientError(settings, model));
        }

        double[] squares = [.. Enumerable.Range(0, 200).Select(k => new ThreeSpinModel(5, Stream(s_model, settings, 100 + k)).MeanSquare)];
        var mean = squares.Average();
        var models = Math.Abs(mean - 5) / Math.Sqrt(squares.Average(v => (v - mean) * (v - mean)) / (squares.Length - 1));
        return [square, target, kernel, gradient, models, StartError(settings)];
    }

    // Averages over a million points of the sphere beside the closed forms at two neurons.
    private static (double Square, double Target, double Kernel) PointErrors(ExperimentSettings settings, ThreeSpinModel model)
    {
        const int n = 1_000_000, block = 10_000;
        var d = model.Dimension;
        var random = Stream(s_points, settings, d);
        var neurons = Neurons(2, d, random, 1).Features;
        var (points, values, units) = (new double[block * d], new double[block], new double[2 * block]);
        var sums = new Moments[3];
        for (var from = 0; from < n; from += block)
        {
            for (var a = 0; a < block; a++)
            {
                NeuronEnsemble.UniformOnSphere(random, points.AsSpan(a * d, d), Math.Sqrt(d));
            }

            model.Values(points, values);
            units = Kernel.Gaussian(Math.Sqrt(d / AlphaTimesDimension)).Matrix(points, neurons, d, settings.Threads);
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
        var network = Neurons(m, d, Stream(s_start, settings, d), 3);
        var (masses, potential, slopes) = (network.Masses(), new double[m], new double[m * d]);
        var value = loss.Evaluate(network.Features, masses, potential, slopes);
        var largest = 0.0;
        for (var i = 0; i < m; i++)
        {
            // Along the sphere, as the closed forms hold on it alone.
            var z = network.Features.AsSpan(i * d, d).ToArray();
            var tangent = new double[d];
            NeuronEnsemble.UniformOnSphere(Stream(s_start, settings, 1000 + i), tangent);
            HostVectors.AddScaled(-HostVectors.Dot(tangent, z) / d, z, tangent);
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
            var network = Neurons(m, d, Stream(s_start, settings, 2000 + k), 1);
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
