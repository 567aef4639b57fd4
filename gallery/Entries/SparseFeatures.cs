using Monge.Diagnostics;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 36: Learning sparse features can lead to overfitting in neural networks (arXiv:2206.12314). The paper plots and has no tables; exponents are those of
/// its theory.
/// </summary>
internal static partial class SparseFeatures
{
    private const int TestPoints = 4000;
    private const int FieldPoints = 1000;
    private const int LazyRepeats = 10;
    private const int FeatureRepeats = 5;

    private static readonly int[] s_lazySizes = [64, 128, 256, 512, 1024];
    private static readonly int[] s_featureSizes = [32, 64, 128, 256];
    private static readonly (int Dimension, double Tolerance)[] s_lazyBars = [(2, 0.3), (3, 0.25), (5, 0.35)];

    private static readonly StreamName s_points = StreamName.Of("sparse features: points");
    private static readonly StreamName s_neurons = StreamName.Of("sparse features: neurons");
    private static readonly StreamName s_fields = StreamName.Of("sparse features: fields");
    private static readonly StreamName s_network = StreamName.Of("sparse features: wide network");

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "36",
        "Sparse features and overfitting",
        "L. Petrini, F. Cagnetta, E. Vanden-Eijnden, M. Wyart: Learning sparse features can lead to overfitting in neural networks, arXiv:2206.12314",
        [
            new Experiment(
                "exact",
                "The tangent kernel beside a network of a million units, interpolation at the points themselves, and the optimality of a sparse measure.",
                Quick: true,
                [
                    FigureReference.AtMost("root mean square difference of the tangent kernel from a network of 1e6 units", 1e-3, "closed form"),
                    FigureReference.AtMost("largest residual of kernel interpolation at 1024 points of the circle and of the sphere", 1e-8, "identity"),
                    FigureReference.AtMost("largest violation of optimality over the penalty", 1e-6, "identity"),
                ],
                Experiment.InBackground(Exact)),
            new Experiment(
                "lazy",
                "A constant target on the sphere learned by the tangent kernel without a ridge: the exponents of the error in the number of points.",
                Quick: false,
                [
                    .. s_lazyBars.Select(bar => FigureReference.Within(
                        FormattableString.Invariant($"exponent of the lazy regime, d = {bar.Dimension}, n = 64 to 1024"),
                        2 + (2.0 / (bar.Dimension - 1)), bar.Tolerance, "theory of the paper: 2 + 2/(d - 1)")),
                ],
                Experiment.InBackground(Lazy)),
            new Experiment(
                "features",
                "The same target learned by the measure of least total variation over neurons: exponents, and the error beside that of the tangent kernel.",
                Quick: false,
                [
                    FigureReference.Within("exponent of the feature regime, d = 3, n = 32 to 256", 2.5, 0.35, "theory of the paper: 1 + 3/(d - 1)"),
                    FigureReference.Within("exponent of the feature regime, d = 5, n = 32 to 256", 1.75, 0.35, "theory of the paper: 1 + 3/(d - 1)"),
                    FigureReference.AtLeast("error of features over that of the tangent kernel, d = 3, n = 128", 20, "ordering of the paper"),
                    FigureReference.AtMost("largest violation of optimality over the penalty", 1e-6, "identity"),
                    FigureReference.AtMost("largest training error over test error", 1e-3, "interpolation"),
                ],
                Experiment.InBackground(Features)),
            new Experiment(
                "fields",
                "Random even fields on the sphere of R^3, a rough one of |z.x| and a smooth one of |z.x|^3, drawn at all points at once: exponents of both "
                + "regimes.",
                Quick: false,
                [
                    FigureReference.Within("exponent of the lazy less that of the feature regime, rough field, n = 32 to 256", 0, 0.2, "theory of the paper"),
                    FigureReference.AtLeast("the same, smooth field", 0, "theory of the paper: 0.5"),
                    FigureReference.AtMost("largest training error over test error of the feature regime", 1e-3, "interpolation"),
                ],
                Experiment.InBackground(Fields)),
            Conic,
            Digits,
        ]);

    private static double[] Exact(ExperimentSettings settings, CancellationToken cancellation)
    {
        var kernel = MonteCarloError(settings, cancellation);
        var residual = new[] { 2, 3 }.Max(d =>
        {
            var points = Sphere.Uniform(1024, d, settings.Stream(s_points, d));
            return KernelInterpolation.Fit(NetworkKernels.NeuralTangent(), points, Constant(1024), d).LargestResidual;
        });
        const int n = 64;
        var inputs = Sphere.Uniform(n, 3, settings.Stream(s_points, 4));
        var neurons = SparseNeuronRegression.Fit(inputs, Constant(n), settings.Stream(s_neurons, 0), new() { Neurons = 2000 }, cancellation);
        return [kernel, residual, neurons.Violation];
    }

    // f(x) = H^(-1/2) sum_h w_h max(z_h.x / sqrt(d), 0): the inner products of its gradients at six points of any length.
    private static double MonteCarloError(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int d = 3, points = 6, units = 1_000_000;
        var random = settings.Stream(s_network, 0);
        double[] x = [.. Enumerable.Range(0, points * d).Select(_ => random.NextNormal() / Math.Sqrt(d))];
        double[] sums = new double[points * points], outputs = new double[points], z = new double[d];
        double[] products = HostMatrices.Product(x, HostMatrices.Transposed(x, points, d), points, d, points);
        for (var h = 0; h < units; h++)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (ref var value in z.AsSpan())
            {
                value = random.NextNormal();
            }

            var weight = random.NextNormal();
            for (var i = 0; i < points; i++)
            {
                outputs[i] = Math.Max(0, HostVectors.Dot(z, x.AsSpan(i * d, d)));
            }

            for (var k = 0; k < sums.Length; k++)
            {
                var (a, b) = (outputs[k / points], outputs[k % points]);
                sums[k] += a > 0 && b > 0 ? ((a * b) + (weight * weight * products[k])) / d : 0;
            }
        }

        var kernel = NetworkKernels.NeuralTangent().Matrix(x, x, d);
        return Math.Sqrt(sums.Zip(kernel, (sum, k) => ((sum / units) - k) * ((sum / units) - k)).Average());
    }

    private static double[] Lazy(ExperimentSettings settings, CancellationToken cancellation) =>
        [.. s_lazyBars.Select(bar => LazyExponent(bar.Dimension, settings, cancellation))];

    private static double LazyExponent(int d, ExperimentSettings settings, CancellationToken cancellation)
    {
        var errors = Errors(s_lazySizes, LazyRepeats, (n, repeat) =>
        {
            cancellation.ThrowIfCancellationRequested();
            return LazyError(n, d, settings.Stream(s_points, (d * 1000) + repeat));
        });
        return Exponent($"lazy, d = {d}", s_lazySizes, errors, settings);
    }

    private static double LazyError(int n, int d, RandomStream random)
    {
        var (inputs, test) = (Sphere.Uniform(n, d, random), Sphere.Uniform(TestPoints, d, random));
        return MeanSquare(KernelInterpolation.Fit(NetworkKernels.NeuralTangent(), inputs, Constant(n), d).Predict(test), Constant(TestPoints));
    }

    private static double[] Features(ExperimentSettings settings, CancellationToken cancellation)
    {
        var (violation, training, lazy) = (0.0, 0.0, new List<double>());
        double Exponents(int d, out double[][] errors)
        {
            errors = Errors(s_featureSizes, FeatureRepeats, (n, repeat) =>
            {
                var random = settings.Stream(s_points, (d * 1000) + repeat);
                var (inputs, test) = (Sphere.Uniform(n, d, random), Sphere.Uniform(TestPoints, d, random));
                var fit = SparseNeuronRegression.Fit(inputs, Constant(n), settings.Stream(s_neurons, (d * 1000) + repeat), FeatureOptions, cancellation);
                var error = MeanSquare(fit.Predict(test), Constant(TestPoints));
                var atoms = NeuronAtoms.Of(fit.Network, inputs, least: 1e-6).Count;
                settings.Remark($"d = {d}, n = {n}: error {error:g3}, training {fit.TrainingError:g3}, {fit.Network.Count} neurons, {atoms} atoms");
                (violation, training) = (Math.Max(violation, fit.Violation), Math.Max(training, fit.TrainingError / error));
                return error;
            });
            return Exponent($"features, d = {d}", s_featureSizes, errors, settings);
        }

        var (three, five) = (Exponents(3, out var errors), Exponents(5, out _));
        for (var repeat = 0; repeat < FeatureRepeats; repeat++)
        {
            lazy.Add(LazyError(128, 3, settings.Stream(s_points, 3000 + repeat)));
        }

        var ratio = Math.Exp(errors[Array.IndexOf(s_featureSizes, 128)].Average(Math.Log) - lazy.Average(Math.Log));
        return [three, five, ratio, violation, training];
    }

    private static double[] Fields(ExperimentSettings settings, CancellationToken cancellation)
    {
        var training = 0.0;
        double Difference(int power)
        {
            var repeats = s_featureSizes.Select(n => Enumerable.Range(0, FeatureRepeats).Select(repeat =>
            {
                cancellation.ThrowIfCancellationRequested();
                var random = settings.Stream(s_points, 3000 + repeat);
                var (inputs, test) = (Sphere.Uniform(n, 3, random), Sphere.Uniform(FieldPoints, 3, random));
                var (targets, wanted) = Field(NetworkKernels.AbsolutePower(power), inputs, test, settings.Stream(s_fields, (power * 1000) + repeat));
                var sparse = SparseNeuronRegression.Fit(inputs, targets, settings.Stream(s_neurons, 3000 + repeat), FieldOptions, cancellation);
                var features = MeanSquare(sparse.Predict(test), wanted);
                training = Math.Max(training, sparse.TrainingError / features);
                var kernel = KernelInterpolation.Fit(NetworkKernels.NeuralTangent(), inputs, targets, 3);
                return (Features: features, Lazy: MeanSquare(kernel.Predict(test), wanted));
            }).ToArray()).ToArray();
            return Exponent($"lazy, |z.x|^{power}", s_featureSizes, [.. repeats.Select(r => r.Select(e => e.Lazy).ToArray())], settings)
                - Exponent($"features, |z.x|^{power}", s_featureSizes, [.. repeats.Select(r => r.Select(e => e.Features).ToArray())], settings);
        }

        return [Difference(1), Difference(3), training];
    }

    // A draw from N(0, K) at all points at once. Rounding makes K of the smooth field singular: white noise of 1e-13 of the variance is added to the draw.
    private static (double[] Targets, double[] Wanted) Field(NetworkKernel kernel, double[] inputs, double[] test, RandomStream random)
    {
        double[] points = [.. inputs, .. test];
        var (n, count) = (points.Length / 3, inputs.Length / 3);
        var matrix = kernel.Matrix(points, points, 3);
        for (var i = 0; i < n; i++)
        {
            matrix[i * (n + 1)] *= 1 + 1e-13;
        }

        Cholesky.Factor(matrix, n);
        double[] normal = [.. Enumerable.Range(0, n).Select(_ => random.NextNormal())];
        double[] values = [.. Enumerable.Range(0, n).Select(i => HostVectors.Dot(matrix.AsSpan(i * n, i + 1), normal))];
        return (values[..count], values[count..]);
    }

    // A dictionary that is denser than the arrangement of the points' hyperplanes only where neurons are in use.
    private static SparseNeuronOptions FeatureOptions => new() { Refinements = 4 };

    // Targets that vary ask for a smaller penalty until the error at the points is far below that elsewhere.
    private static SparseNeuronOptions FieldOptions => FeatureOptions with { PenaltyShare = 1e-7 };

    // Errors at each size, repeats side by side.
    private static double[][] Errors(int[] sizes, int repeats, Func<int, int, double> error) =>
        [.. sizes.Select(n => Enumerable.Range(0, repeats).Select(repeat => error(n, repeat)).ToArray())];

    private static double Exponent(string name, int[] sizes, double[][] errors, ExperimentSettings settings)
    {
        var fit = PowerLaw.Fit([.. sizes.Select(n => (double)n)], errors);
        double[] means = [.. errors.Select(e => Math.Exp(e.Average(Math.Log)))];
        var table = string.Join(", ", sizes.Zip(means, (n, mean) => FormattableString.Invariant($"{n}: {mean:g3}")));
        settings.Remark($"{name}: exponent {-fit.Exponent:f2} ({-fit.Upper:f2} to {-fit.Lower:f2}); error at n: {table}");
        return -fit.Exponent;
    }

    private static double MeanSquare(double[] values, double[] targets) => values.Zip(targets, (v, y) => (v - y) * (v - y)).Average();

    private static double[] Constant(int n) => [.. Enumerable.Repeat(1.0, n)];
}
