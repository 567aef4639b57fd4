using Monge.Diagnostics;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 34: A functional-space mean-field theory of partially-trained three-layer neural networks (arXiv:2210.16286). The paper's numbers are plots; what is
/// judged here are its identities, bounds and scaling laws. The first layer has rectified units where nothing else is said, and inputs lie on the unit sphere.
/// </summary>
internal static class ThreeLayerNetworks
{
    private const int Dimension = 5;

    private static readonly StreamName s_data = StreamName.Of("three-layer networks: data");
    private static readonly StreamName s_start = StreamName.Of("three-layer networks: start");
    private static readonly StreamName s_layer = StreamName.Of("three-layer networks: first layer");

    // A frozen top of tanh units must be able to reach beyond the labels; a rectified unit at 0 stands still without a bias.
    private static readonly Variant[] s_variants =
    [
        new("tanh, top frozen at +-3", Kernel.Tanh(), false, 3, false, 0), new("softplus, both", Kernel.Softplus(), true, 1, false, 0),
        new("relu, both", Kernel.Relu(), true, 1, true, 0.1), new("relu, top frozen", Kernel.Relu(), false, 1, true, 4),
    ];

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "34",
        "Three-layer networks in function space",
        "Z. Chen, E. Vanden-Eijnden, J. Bruna: A Functional-Space Mean-Field Theory of Partially-Trained Three-Layer Neural Networks, arXiv:2210.16286",
        [
            new Experiment(
                "identities",
                "Twenty points on the sphere of d = 5, 2,000 and 500 neurons: the rate of f by the tangent kernel beside finite differences of the flow of "
                + "weights, and that flow beside the one of functions.",
                Quick: true,
                [
                    FigureReference.AtMost("relative error of df/dt by the tangent kernel", 1e-4, "identity, by central differences"),
                    FigureReference.AtMost("largest difference of a pre-activation in a step, weights against functions", 1e-10, "the same flow"),
                ],
                Experiment.InBackground(Identities)),
            new Experiment(
                "kernels",
                "The kernel of 100,000 rectified neurons beside its closed form, at 50 points of any length in d = 5.",
                Quick: true,
                [FigureReference.AtMost("relative difference in Frobenius norm", 0.01, "closed form")],
                Experiment.InBackground(ClosedForm)),
            new Experiment(
                "rate",
                "Thirty points with random labels until the loss has lost ten decades: dissipation, the bound by the kernel's eigenvalue, a linear rate.",
                Quick: false,
                [
                    FigureReference.AtMost("largest ratio of a loss to that before", 1, "dissipation"),
                    FigureReference.AtMost("largest relative error of dL/dt = -e.K_t e / n^2", 1e-3, "identity, by central differences"),
                    FigureReference.AtMost("log of L over its bound at most", 1e-9, "theorem"),
                    FigureReference.AtLeast("smallest lambda_min(K_t) over that of K_0", 1e-3, "positive"),
                    FigureReference.AtLeast("R^2 of log L against t over its last 6 decades", 0.999, "linear rate"),
                ],
                Experiment.InBackground((settings, cancellation) => Rate(settings, 30, 6, cancellation))),
            new Experiment(
                "decades",
                "The same of a hundred points and fourteen decades.",
                Quick: false,
                [
                    FigureReference.AtMost("largest ratio of a loss to that before", 1, "dissipation"),
                    FigureReference.AtMost("largest relative error of dL/dt = -e.K_t e / n^2", 1e-3, "identity, by central differences"),
                    FigureReference.AtMost("log of L over its bound at most", 1e-9, "theorem"),
                    FigureReference.AtLeast("smallest lambda_min(K_t) over that of K_0", 1e-3, "positive"),
                    FigureReference.AtLeast("R^2 of log L against t over its last 10 decades", 0.999, "linear rate"),
                ],
                Experiment.InBackground((settings, cancellation) => Rate(settings, 100, 10, cancellation))),
            new Experiment(
                "variants",
                "Other activations, a frozen top, biased rectified units from functions 0: the loss after six decades, and its bound. A "
                + "rectified unit may slide along its kink, where its slope is neither 0 nor 1 and the kernel at an instant doesn't tell the loss's rate.",
                Quick: false,
                [
                    .. s_variants.Select(variant => FigureReference.AtMost($"L over its start, {variant.Name}", 1.01e-6, "global convergence")),
                    FigureReference.AtMost("log of L over its bound at most, smooth units", 1e-6, "theorem"),
                    FigureReference.AtMost("log of L over its bound at most, rectified units", 1e-6, "theorem for smooth units"),
                ],
                Experiment.InBackground(Variants)),
            new Experiment(
                "lazy",
                "250, 1,000 and 4,000 neurons at a tenth of the first loss in both scalings: how far features and the tangent kernel move. In the scale "
                + "1/sqrt(m) a kernel's change is of order m^(-1/2) where output weights have a mean, such as all 1 with the start's output taken off, and of "
                + "order 1/m where (a, h) and (-a, h) are as likely.",
                Quick: false,
                [
                    FigureReference.AtLeast("least change of the kernel in mean-field scale", 0.2, "feature learning"),
                    FigureReference.Within("exponent of its change in width, mean-field scale", 0, 0.1, "theory"),
                    FigureReference.Within("exponent of features' movement in width, mean-field scale", 0, 0.1, "theory"),
                    FigureReference.Within("exponent of the kernel's change, scale 1/sqrt(m), softplus, outputs 1", -0.5, 0.15, "theory"),
                    FigureReference.Within("exponent of features' movement, scale 1/sqrt(m), softplus, outputs 1", -0.5, 0.15, "theory"),
                    FigureReference.AtMost("exponent of the kernel's change, scale 1/sqrt(m), tanh, outputs +-1", -0.35, "at least as fast as m^(-1/2)"),
                    FigureReference.Within("exponent of features' movement, scale 1/sqrt(m), tanh, outputs +-1", -0.5, 0.15, "theory"),
                ],
                Experiment.InBackground(Lazy)),
            new Experiment(
                "scalings",
                "Middle layers scaled by M^(-1/2) and by 1/M for M = 1,000, 2,000 and 4,000, their starts, their losses, and the "
                + "kernels' trajectories, averaged over four draws of the first layer, which differ by a multiple of M^(-1/2).",
                Quick: false,
                [
                    FigureReference.Within("deviation of h at the start over its kernel's root, times sqrt(M), b = 1", 1, 0.05, "closed form"),
                    FigureReference.AtMost("largest loss at the end", 1e-6, "global convergence"),
                    .. new[] { "b = 1/2", "b = 1" }.Select(b => FigureReference.AtMost(
                        $"largest difference of a kernel's change on its way between two M, over the change at the end, {b}", 0.05, "the same limit")),
                ],
                Experiment.InBackground(Scalings)),
            new Experiment(
                "fluctuations",
                "100 to 3,200 neurons, 100 starts each: the variance of f at 20 other points and a fixed time.",
                Quick: false,
                [FigureReference.Within("exponent of the variance in width", -1, 0.15, "theory")],
                Experiment.InBackground(Fluctuations)),
            new Experiment(
                "depth",
                "A radial target in d = 10 from 500 points, softplus units: three layers beside two of as many trained parameters, at equal training loss.",
                Quick: false,
                [FigureReference.AtMost("test error of three layers over that of two", 1, "expected; no published number")],
                Experiment.InBackground(Depth)),
        ]);

    /// <summary>A network: the second layer's units, what its top is, whether neurons start at random constants, and its steps; 0 for error control.</summary>
    private sealed record Variant(string Name, Kernel Unit, bool TrainsOutputs, double Top, bool IsBiased, double Step);

    private static double[] Identities(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int n = 20, m = 500, layers = 2000;
        const double step = 1e-4, stride = 0.1;
        var (points, labels) = Data(n, settings, 0);
        var layer = RandomFirstLayer.Normal(layers, Dimension, Kernel.Relu(), settings.Stream(s_layer, 0));
        var (features, kernel) = (layer.Features(points, settings.Threads), layer.KernelMatrix(points, settings.Threads));
        var tangent = new TangentKernel(kernel, n, Kernel.Tanh()) { Threads = settings.Threads };
        var (error, difference) = (0.0, 0.0);
        foreach (var b in new[] { 0.5, 1 })
        {
            var draws = settings.Stream(s_start, (int)(2 * b));
            var start = NeuronEnsemble.Normal(m, layers, draws, featureScale: Math.Pow(layers, 0.5 - b));
            var loss = new RegressionLoss(features, labels, Kernel.Tanh(), settings.Execution);
            double[] times = [stride - step, stride, stride + step, .. Enumerable.Range(2, 4).Select(k => k * stride)];
            var weights = new List<FunctionEnsemble>();
            double[] residuals = [];
            new NeuronFlow(loss).Run(start, times, stride, (t, network, _) =>
            {
                residuals = weights.Count == 1 ? [.. loss.Residuals] : residuals;
                weights.Add(FunctionEnsemble.OfNeurons(network, features, settings.Threads));
            }, cancellation);
            double[] measured =
            [
                .. weights[2].Predict(Kernel.Tanh()).Zip(weights[0].Predict(Kernel.Tanh()), (late, early) => (late - early) / (2 * step)),
            ];
            double[] predicted = [.. HostMatrices.Product(residuals, tangent.Of(weights[1]).Square(), 1, n, n).Select(v => -v / n)];
            error = Math.Max(error, FeatureLearning.Difference(measured, predicted));
            var place = 0;
            new FunctionalFlow(kernel, labels, Kernel.Tanh(), new FunctionalFlowOptions { Threads = settings.Threads }).RunInSteps(
                FunctionEnsemble.OfNeurons(start, features, settings.Threads), times, stride,
                state => difference = Math.Max(difference, state.Neurons.Values.Zip(weights[place++].Values, (u, v) => Math.Abs(u - v)).Max()), cancellation);
        }

        return [error, difference];
    }

    private static double[] ClosedForm(ExperimentSettings settings, CancellationToken cancellation)
    {
        var points = FeatureLearning.Inputs(50, Dimension, settings.Stream(s_data, 50));
        var layer = RandomFirstLayer.Normal(100_000, Dimension, Kernel.Relu(), settings.Stream(s_layer, 50));
        return [FeatureLearning.Difference(layer.KernelMatrix(points, settings.Threads), NetworkKernels.ArcCosine(1).Matrix(points, points, Dimension))];
    }

    private static double[] Rate(ExperimentSettings settings, int n, double decades, CancellationToken cancellation)
    {
        const int m = 500;
        const double step = 1e-3;
        var (points, labels) = Data(n, settings, n);
        var kernel = NetworkKernels.ArcCosine(1).Matrix(points, points, Dimension);
        var start = FunctionEnsemble.Gaussian(m, kernel, n, settings.Stream(s_start, n), FeatureLearning.Sign, threads: settings.Threads);
        var flow = new FunctionalFlow(
            kernel, labels, Kernel.Tanh(), new FunctionalFlowOptions { Tolerance = decades > 6 ? 1e-9 : 1e-8, Threads = settings.Threads });
        var recorder = new TangentKernelRecorder(kernel, labels, Kernel.Tanh(), threads: settings.Threads);
        var records = FeatureLearning.Watch(flow, recorder, start, decades + 4, 1e9, cancellation).Records;
        var (rate, line) = FeatureLearning.LastDecades(records, decades);

        // The rate of the loss in the first steps of descent, where it falls fastest.
        double[] centres = [0.5, 1, 2, 4, 8], times = [.. centres.SelectMany(t => new[] { t - step, t, t + step })];
        var losses = new List<double>();
        var identity = new TangentKernelRecorder(kernel, labels, Kernel.Tanh(), threads: settings.Threads);
        flow.RunInSteps(start, times, 0.1, state =>
        {
            losses.Add(state.Loss);
            identity.Record(state.Time, state.Neurons, state.Residuals);
        }, cancellation);
        var gap = Enumerable.Range(0, centres.Length).Max(
            k => Math.Abs(((losses[(3 * k) + 2] - losses[3 * k]) / (2 * step * identity.Records[(3 * k) + 1].LossRate)) - 1));
        var last = records[^1];
        settings.Remark(
            $"L {records[0].Loss:g3} -> {last.Loss:g3} at t = {last.Time:g5}; rate {rate:g4}, by the tangent kernel {2 * last.SmallestEigenvalue / n:g4}, "
            + $"certified {2 * last.SchurBound / n:g4}; lambda_min {records[0].SmallestEigenvalue:g3} -> {last.SmallestEigenvalue:g3}; the kernel changed by "
            + $"{last.KernelDrift:f3}");
        return
        [
            records.Skip(1).Zip(records, (now, before) => now.Loss / before.Loss).Max(), gap,
            FeatureLearning.Excess(records, record => record.EigenvalueBound),
            records.Min(record => record.SmallestEigenvalue) / records[0].SmallestEigenvalue, line,
        ];
    }

    private static double[] Variants(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int n = 30, m = 500;
        var (points, labels) = Data(n, settings, 31);
        var kernel = NetworkKernels.ArcCosine(1).Matrix(points, points, Dimension);
        var (values, smooth, rectified) = (new List<double>(), double.NegativeInfinity, double.NegativeInfinity);
        foreach (var variant in s_variants)
        {
            var start = FunctionEnsemble.Gaussian(
                m / 2, kernel, n, settings.Stream(s_start, 31 + (2 * values.Count)), r => variant.Top * FeatureLearning.Sign(r), variant.IsBiased ? 0 : 1,
                variant.IsBiased ? r => r.NextNormal() : null, settings.Threads).Symmetric();
            var flow = new FunctionalFlow(
                kernel, labels, variant.Unit,
                new FunctionalFlowOptions { TrainsOutputs = variant.TrainsOutputs, Tolerance = variant.Step > 0 ? 1e-3 : 1e-7, Threads = settings.Threads });
            var recorder = new TangentKernelRecorder(kernel, labels, variant.Unit, variant.TrainsOutputs, settings.Threads);
            var records = FeatureLearning.Watch(flow, recorder, start, 6, 1e6, cancellation, variant.Step).Records;
            var (rate, line) = FeatureLearning.LastDecades(records, 3);
            var over = FeatureLearning.Excess(records, record => record.EigenvalueBound);
            settings.Remark(
                $"{variant.Name}: t = {records[^1].Time:g4}, rate {rate:g4}, R^2 {line:f4}, the kernel changed by {records[^1].KernelDrift:f3}; log of L over "
                + $"its bound at most {over:g3}");
            values.Add(records[^1].Loss / records[0].Loss);
            (smooth, rectified) = variant.Step > 0 ? (smooth, Math.Max(rectified, over)) : (Math.Max(smooth, over), rectified);
        }

        return [.. values, smooth, rectified];
    }

    private static double[] Lazy(ExperimentSettings settings, CancellationToken cancellation)
    {
        double[] widths = [250, 1000, 4000];
        var values = new List<double>();
        foreach (var (name, unit, exponent, isSymmetric) in new[]
        {
            ("mean field", Kernel.Tanh(), 1, true), ("1/sqrt(m), outputs 1", Kernel.Softplus(), 0.5, false),
            ("1/sqrt(m), outputs +-1", Kernel.Tanh(), 0.5, true),
        })
        {
            var moved = widths.Select(m => Movement((int)m, unit, exponent, isSymmetric, settings, cancellation)).ToArray();
            double[] kernels = [.. moved.Select(change => change.Kernel)], features = [.. moved.Select(change => change.Features)];
            settings.Remark(
                $"{name}: the kernel changed by {kernels[0]:g3}, {kernels[1]:g3}, {kernels[2]:g3}, "
                + $"features by {features[0]:g3}, {features[1]:g3}, {features[2]:g3}");
            values.AddRange(values.Count == 0 ? [kernels.Min()] : []);
            values.AddRange([PowerLaw.Fit(widths, kernels).Exponent, PowerLaw.Fit(widths, features).Exponent]);
        }

        return [.. values];
    }

    // Outputs are 0 at the start: by pairs of neurons, or by taking the start's output off, which is to add it to the targets.
    private static (double Kernel, double Features) Movement(
        int m, Kernel unit, double exponent, bool isSymmetric, ExperimentSettings settings, CancellationToken cancellation)
    {
        const int n = 30;
        var (points, labels) = Data(n, settings, 32);
        var kernel = NetworkKernels.ArcCosine(1).Matrix(points, points, Dimension);
        var draws = settings.Stream(s_start, m);
        var start = isSymmetric
            ? FunctionEnsemble.Gaussian(m / 2, kernel, n, draws, FeatureLearning.Sign, threads: settings.Threads).Symmetric()
            : FunctionEnsemble.Gaussian(m, kernel, n, draws, _ => 1, threads: settings.Threads);
        double[] targets = [.. labels.Zip(start.Predict(unit, exponent), (y, f) => y + f)];
        var flow = new FunctionalFlow(
            kernel, targets, unit, new FunctionalFlowOptions { Exponent = exponent, Tolerance = 1e-6, Threads = settings.Threads });
        var end = flow.RunToLoss(start, 0.1 * flow.At(start).Loss, 1e6, cancellation).Neurons;
        var tangent = new TangentKernel(kernel, n, unit) { Threads = settings.Threads };
        return (FeatureLearning.Difference(tangent.Of(end).Square(), tangent.Of(start).Square()), FeatureLearning.Difference(end.Values, start.Values));
    }

    private static double[] Scalings(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int n = 30, m = 2000, draws = 4;
        var (points, labels) = Data(n, settings, 33);
        var (deviation, loss) = (1.0, 0.0);
        var spreads = new List<double>();
        foreach (var b in new[] { 0.5, 1 })
        {
            var paths = new List<double[]>();
            double[] times = [];
            foreach (var layers in new[] { 1000, 2000, 4000 })
            {
                var path = new double[42];
                for (var draw = 0; draw < draws; draw++)
                {
                    var layer = RandomFirstLayer.Normal(layers, Dimension, Kernel.Relu(), settings.Stream(s_layer, layers + draw));
                    var kernel = layer.KernelMatrix(points, settings.Threads);
                    var start = FunctionEnsemble.Gaussian(
                        m, kernel, n, settings.Stream(s_start, 33), FeatureLearning.Sign, Math.Pow(layers, 0.5 - b), threads: settings.Threads);
                    var flow = new FunctionalFlow(kernel, labels, Kernel.Tanh(), new FunctionalFlowOptions { Threads = settings.Threads });
                    if (times.Length == 0)
                    {
                        var end = flow.RunToLoss(start, 1e-7, 1e6, cancellation).Time;
                        times = [.. Enumerable.Range(0, path.Length - 1).Select(k => 2 * end * Math.Pow(10, -4 + (k / 10.0)))];
                    }

                    var recorder = new TangentKernelRecorder(kernel, labels, Kernel.Tanh(), threads: settings.Threads);
                    flow.Run(start, [0, .. times], state => recorder.Record(state.Time, state.Neurons, state.Residuals), cancellation);
                    path = [.. path.Zip(recorder.Records, (sum, record) => sum + (record.KernelDrift / draws))];
                    loss = Math.Max(loss, recorder.Records[^1].Loss);
                    var scaled = Math.Sqrt(start.Values.Select((h, k) => h * h / kernel[k % n * (n + 1)]).Average() * layers);
                    deviation = b == 1 && Math.Abs(scaled - 1) >= Math.Abs(deviation - 1) ? scaled : deviation;
                }

                paths.Add(path);
                settings.Remark($"b = {b}, M = {layers}: the kernel changed by {path[^1]:f3} at t = {times[^1]:g4}");
            }

            spreads.Add(paths.Max(p => paths.Max(q => p.Zip(q, (u, v) => Math.Abs(u - v)).Max())) / paths[^1][^1]);
        }

        return [deviation, loss, .. spreads];
    }

    private static double[] Fluctuations(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int n = 20, others = 20, repeats = 100;
        const double time = 20;
        double[] widths = [100, 200, 400, 800, 1600, 3200];
        var (points, labels) = Data(n + others, settings, 34);
        var kernel = NetworkKernels.ArcCosine(1).Matrix(points, points, Dimension);
        var flow = new FunctionalFlow(
            kernel[..(n * (n + others))], labels[..n], Kernel.Tanh(), new FunctionalFlowOptions { Tolerance = 1e-6, Threads = settings.Threads });
        double[] variances =
        [
            .. widths.Select(m =>
            {
                var random = settings.Stream(s_start, 34 + (int)m);
                var (sums, squares) = (new double[others], new double[others]);
                for (var r = 0; r < repeats; r++)
                {
                    var start = FunctionEnsemble.Gaussian((int)m, kernel, n + others, random, FeatureLearning.Sign, threads: settings.Threads);
                    flow.Run(start, [time], state =>
                    {
                        var f = state.Neurons.Predict(Kernel.Tanh());
                        for (var k = 0; k < others; k++)
                        {
                            (sums[k], squares[k]) = (sums[k] + f[n + k], squares[k] + (f[n + k] * f[n + k]));
                        }
                    }, cancellation);
                }

                return sums.Zip(squares, (s, q) => (q - (s * s / repeats)) / (repeats - 1)).Average();
            }),
        ];
        settings.Remark($"m times the variance: {string.Join(", ", variances.Zip(widths, (v, m) => FormattableString.Invariant($"{v * m:g3}")))}");
        return [PowerLaw.Fit(widths, variances).Exponent];
    }

    // The three-layer network trains m M weights and m outputs, the two-layer one d + 2 numbers a neuron.
    private static double[] Depth(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int n = 500, others = 1000, d = 10, m = 64, layers = 500, shallow = m * (layers + 1) / (d + 2);
        const double level = 0.1;
        var inputs = FeatureLearning.Inputs(n + others, d, settings.Stream(s_data, 35));
        double[] targets = [.. Enumerable.Range(0, n + others).Select(a => Radial(inputs.AsSpan(a * d, d), d))];
        double[] biased = [.. Enumerable.Range(0, n + others).SelectMany(a => inputs.AsSpan(a * d, d).ToArray().Append(1))];
        var features = RandomFirstLayer.Normal(layers, d + 1, Kernel.Relu(), settings.Stream(s_layer, 35)).Features(biased, settings.Threads);
        var draws = settings.Stream(s_start, 35);
        var errors = new[] { ("three layers", m, features, layers), ("two layers", shallow, biased, d + 1) }.Select(net =>
        {
            var (name, width, lifted, size) = net;
            var kernel = HostMatrices.Product(
                lifted.AsSpan(0, n * size), HostMatrices.Transposed(lifted, n + others, size), n, size, n + others);
            var neurons = NeuronEnsemble.Draw(width / 2, size, draws, FeatureLearning.Sign, (r, z) =>
            {
                foreach (ref var value in z)
                {
                    value = r.NextNormal();
                }
            });
            var start = FunctionEnsemble.OfNeurons(neurons, lifted, settings.Threads).Symmetric();
            var flow = new FunctionalFlow(kernel, targets[..n], Kernel.Softplus(), new FunctionalFlowOptions { Tolerance = 1e-4, Threads = settings.Threads });
            var end = flow.RunToLoss(start, level * flow.At(start).Loss, 3000, cancellation);
            var found = end.Neurons.Predict(Kernel.Softplus())[n..];
            var error = HostVectors.SquaredDistance(found, targets[n..]) / HostVectors.Dot(targets[n..], targets[n..]);
            settings.Remark($"{name}, {width} neurons: t = {end.Time:g4}, training loss {end.Loss:g3}, test error {error:f4} of the target's square");
            return error;
        }).ToArray();
        return [errors[0] / errors[1]];
    }

    private static double Radial(ReadOnlySpan<double> input, int d) => Math.Sin(2 * Math.Sqrt(d) * (Math.Sqrt(HostVectors.Dot(input, input)) - 1));

    // Points on the unit sphere with labels +-1.
    private static (double[] Points, double[] Labels) Data(int n, ExperimentSettings settings, int number)
    {
        var random = settings.Stream(s_data, number);
        return (Sphere.Uniform(n, Dimension, random), [.. Enumerable.Range(0, n).Select(_ => FeatureLearning.Sign(random))]);
    }
}
