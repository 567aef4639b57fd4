using Monge.Diagnostics;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Gallery.Entries;

/// <summary>
/// Entry 38: On feature learning in neural networks with global convergence guarantees (arXiv:2204.10782). The paper's numbers are plots; what is judged here
/// are its identities, its bounds and the scaling laws of features. Inputs are divided by sqrt(d), so that k(x, x') = x.x' is the paper's K.
/// </summary>
internal static class FeatureLearning
{
    private const double MeanField = 1;
    private const double Tangent = 0.5;
    private const double Between = 0.75;
    private const int TestPoints = 1000;

    // The quantile of Student's law with 9 degrees of freedom that makes an interval of 95 %.
    private const int Repeats = 10;
    private const double Quantile = 2.262;

    private static readonly StreamName s_data = StreamName.Of("feature learning: data");
    private static readonly StreamName s_start = StreamName.Of("feature learning: start");
    private static readonly StreamName s_layer = StreamName.Of("feature learning: first layer");
    private static readonly int[] s_widths = [64, 256, 1024, 4096];

    // Tables of n points in d, and the scale of functions at the start.
    private static readonly (string Name, int Points, int Dimension, double Scale)[] s_starts =
        [("d = 20, b = 1/2", 500, 20, 1), ("d = 10, b = 1/2", 300, 10, 1), ("d = 10, b = 1", 300, 10, 0.1)];

    /// <summary>The entry.</summary>
    public static GalleryEntry Entry { get; } = new(
        "38",
        "Feature learning with global convergence",
        "Z. Chen, E. Vanden-Eijnden, J. Bruna: On Feature Learning in Neural Networks with Global Convergence Guarantees, arXiv:2204.10782",
        [
            new Experiment(
                "identities",
                "A shallow tanh network, 500 neurons, 30 points with labels +-1 in d = 50: the loss's rate by the tangent kernel, Schur's bound, and the flow "
                + "of weights beside that of functions.",
                Quick: true,
                [
                    FigureReference.AtMost("largest relative error of dL/dt = -e.(K o S + R) e / n^2", 1e-6, "identity, by central differences"),
                    FigureReference.AtMost("lambda_min(K) min S_aa above lambda_min(K o S) at most", 1e-10, "Schur's bound"),
                    FigureReference.AtMost("largest difference of a pre-activation, weights against functions", 1e-10, "the same flow"),
                ],
                Experiment.InBackground(Identities)),
            new Experiment(
                "rate",
                "The loss until it has lost ten decades: the shallow network in d = 50, above the number of points, and three layers in d = 10 with 2,000 "
                + "neurons in the first; and the shallow network in d = 10.",
                Quick: false,
                [
                    .. new[] { "shallow, d = 50", "three layers, d = 10" }.SelectMany(name => new[]
                    {
                        FigureReference.AtLeast($"R^2 of log L against t over its last 6 decades, {name}", 0.999, "linear rate"),
                        FigureReference.AtLeast($"measured rate over the certified one, {name}", 1, "theorem"),
                        FigureReference.AtMost($"log of L over its certified bound at most, {name}", 1e-9, "theorem"),
                        FigureReference.AtMost($"measured rate over 2 lambda_min(K o S + R) / n, {name}", 3, "certificate with R"),
                    }),
                    FigureReference.AtMost("log of L over the bound by the tangent kernel's eigenvalue at most, shallow, d = 10", 1e-9, "theorem"),
                ],
                Experiment.InBackground(Rate)),
            new Experiment(
                "widths",
                "Three-layer networks of 64 to 4,096 neurons in three scalings, 200 points in d = 10 of the target max(u.x, 0), at a hundredth of the first "
                + "loss: how far features move.",
                Quick: false,
                [
                    FigureReference.Within("exponent of feature movement in width, scale 1/sqrt(m)", -0.5, 0.1, "theory of the tangent kernel"),
                    FigureReference.Within("feature movement of 4,096 over that of 256 neurons, scale 1/m", 1, 0.2, "theory of the mean field"),
                    FigureReference.Within("exponent of feature movement in width, scale m^(-3/4)", -0.25, 0.1, "theory"),
                ],
                Experiment.InBackground(Widths)),
            new Experiment(
                "tests",
                "Test error of 512 neurons in both scalings from the same starts, at equal training loss, over ten tables of the target He_2(u.x): 500 points "
                + "in d = 20 and 300 in d = 10, for middle layers scaled by 1/sqrt(M) and, with M = 100, by 1/M.",
                Quick: false,
                [
                    .. s_starts.SelectMany(start => new[]
                    {
                        FigureReference.AtMost(
                            $"upper end of the 95 % interval of the test errors' difference, scale 1/m less 1/sqrt(m), {start.Name}", 0, "the paper's claim"),
                        FigureReference.AtMost($"mean test error in scale 1/m over that in 1/sqrt(m), {start.Name}", 1, "the paper's claim"),
                    }),
                ],
                Experiment.InBackground(Tests)),
            new Experiment(
                "kernel",
                "The widest network in the scale 1/sqrt(m), 4,096 neurons, beside the prediction of the tangent kernel at its start.",
                Quick: false,
                [
                    FigureReference.AtMost("relative difference of test predictions from the kernel's at equal loss", 0.05, "own kernel regression"),
                    FigureReference.AtMost("relative difference of test predictions from regression without a ridge", 0.05, "own kernel regression"),
                ],
                Experiment.InBackground(KernelRegression)),
        ]);

    /// <summary>Rate and R^2 of the line through log L against time over the last decades of a loss curve.</summary>
    internal static (double Rate, double Determination) LastDecades(IReadOnlyList<TangentKernelRecord> records, double decades)
    {
        var last = records[^1].Loss;
        var kept = records.Where(record => record.Loss <= last * Math.Pow(10, decades)).ToArray();
        double[] t = [.. kept.Select(record => record.Time)], y = [.. kept.Select(record => Math.Log(record.Loss))];
        var (meanT, meanY) = (t.Average(), y.Average());
        var (tt, yy) = (t.Sum(v => (v - meanT) * (v - meanT)), y.Sum(v => (v - meanY) * (v - meanY)));
        var ty = t.Zip(y, (a, b) => (a - meanT) * (b - meanY)).Sum();
        return (-ty / tt, ty * ty / (tt * yy));
    }

    /// <summary>
    /// A run until the loss has come down by so many decades, recorded at times that are dense at first and equal later; its time is found by a run before.
    /// With a step it goes in equal steps instead, for twice that time: units with a kink let no error control take long steps.
    /// </summary>
    internal static TangentKernelRecorder Watch(
        FunctionalFlow flow, TangentKernelRecorder recorder, FunctionEnsemble start, double decades, double longest, CancellationToken cancellation,
        double step = 0)
    {
        var end = (step > 0 ? 2 : 1) * flow.RunToLoss(start, flow.At(start).Loss * Math.Pow(10, -decades), longest, cancellation).Time;
        double[] times =
        [
            0, .. Enumerable.Range(0, 60).Select(k => end / 300 * Math.Pow(10, -3 + (3 * k / 60.0))), .. Enumerable.Range(1, 300).Select(k => end * k / 300),
        ];
        if (step > 0)
        {
            flow.RunInSteps(start, times, step, Take, cancellation);
        }
        else
        {
            flow.Run(start, times, Take, cancellation);
        }

        return recorder;

        void Take(FunctionalState state) => recorder.Record(state.Time, state.Neurons, state.Residuals);
    }

    /// <summary>The largest logarithm of the loss over a bound.</summary>
    internal static double Excess(IEnumerable<TangentKernelRecord> records, Func<TangentKernelRecord, double> bound) =>
        records.Max(record => Math.Log(record.Loss / bound(record)));

    /// <summary>-1 or 1.</summary>
    internal static double Sign(RandomStream random) => random.NextInt(2) == 0 ? -1 : 1;

    /// <summary>Normal points over sqrt(d).</summary>
    internal static double[] Inputs(int count, int d, RandomStream random)
    {
        var inputs = new double[count * d];
        foreach (ref var value in inputs.AsSpan())
        {
            value = random.NextNormal() / Math.Sqrt(d);
        }

        return inputs;
    }

    /// <summary>|a - b| / |b|.</summary>
    internal static double Difference(double[] a, double[] b) => Math.Sqrt(HostVectors.SquaredDistance(a, b) / HostVectors.Dot(b, b));

    private static double[] Identities(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int n = 30, d = 50, m = 500;
        const double step = 1e-4;
        var random = settings.Stream(s_data, 0);
        var inputs = Inputs(n, d, random);
        double[] labels = [.. Enumerable.Range(0, n).Select(_ => Sign(random))];
        var drawn = NeuronEnsemble.Normal(m, d, settings.Stream(s_start, 0));
        var start = drawn with { Outputs = [.. drawn.Outputs.Select(_ => Sign(random))] };
        var loss = new RegressionLoss(inputs, labels, Kernel.Tanh(), settings.Execution);
        var kernel = InnerProducts(inputs, d);
        var recorder = new TangentKernelRecorder(kernel, labels, Kernel.Tanh(), threads: settings.Threads);
        double[] centres = [.. Enumerable.Range(0, 12).Select(_ => 0.1 + (30 * random.NextDouble())).Order()];
        double[] times = [.. centres.SelectMany(t => new[] { t - step, t, t + step })];
        var (before, rate, gap, shortfall, difference) = (0.0, 0.0, 0.0, 0.0, 0.0);
        var (place, after) = (0, new List<FunctionEnsemble>());
        new NeuronFlow(loss).Run(start, times, 0.05, (t, network, value) =>
        {
            switch (place++ % 3)
            {
                case 0:
                    before = value;
                    break;
                case 1:
                    var functions = FunctionEnsemble.OfNeurons(network, inputs, settings.Threads);
                    var record = recorder.Record(t, functions, loss.Residuals);
                    rate = record.LossRate;
                    shortfall = Math.Max(shortfall, record.SchurBound - record.SmallestSchurEigenvalue);
                    after.Add(functions);
                    break;
                default:
                    gap = Math.Max(gap, Math.Abs(((value - before) / (2 * step * rate)) - 1));
                    break;
            }
        }, cancellation);
        place = 0;
        new FunctionalFlow(kernel, labels, Kernel.Tanh(), new FunctionalFlowOptions { Threads = settings.Threads }).RunInSteps(
            FunctionEnsemble.OfNeurons(start, inputs, settings.Threads), times, 0.05, state =>
            {
                if (place++ % 3 == 1)
                {
                    var other = after[place / 3].Values;
                    difference = Math.Max(difference, state.Neurons.Values.Zip(other, (a, b) => Math.Abs(a - b)).Max());
                }
            }, cancellation);
        settings.Remark($"steps of gradient descent at the start must be below {recorder.Records[0].LongestStep:g4}");
        return [gap, shortfall, difference];
    }

    private static double[] Rate(ExperimentSettings settings, CancellationToken cancellation)
    {
        var values = new List<double>();
        foreach (var (name, d, layer) in new[] { ("shallow", 50, 0), ("three layers", 10, 2000), ("shallow", 10, 0) })
        {
            const int n = 30, m = 500;
            var random = settings.Stream(s_data, d);
            var inputs = Inputs(n, d, random);
            double[] labels = [.. Enumerable.Range(0, n).Select(_ => Sign(random))];
            var kernel = layer == 0
                ? InnerProducts(inputs, d)
                : RandomFirstLayer.Normal(layer, d, Kernel.Relu(), settings.Stream(s_layer, d)).KernelMatrix(inputs, settings.Threads);
            var draws = settings.Stream(s_start, d);
            var start = layer == 0
                ? FunctionEnsemble.OfNeurons(NeuronEnsemble.Normal(m, d, draws), inputs, settings.Threads)
                : FunctionEnsemble.Gaussian(m, kernel, n, draws, Sign, threads: settings.Threads);
            start = start with { Outputs = [.. start.Outputs.Select(_ => Sign(draws))] };
            var flow = new FunctionalFlow(kernel, labels, Kernel.Tanh(), new FunctionalFlowOptions { Tolerance = 1e-8, Threads = settings.Threads });
            var recorder = Watch(
                flow, new TangentKernelRecorder(kernel, labels, Kernel.Tanh(), threads: settings.Threads), start, 10, 1e6, cancellation);
            var records = recorder.Records;
            var (rate, line) = LastDecades(records, 6);
            var last = records[^1];
            settings.Remark(
                $"{name}, d = {d}: L {records[0].Loss:g3} -> {last.Loss:g3} at t = {last.Time:g4}; rate {rate:g4}, R^2 {line:f5}, certified "
                + $"{2 * last.SchurBound / n:g4}, by the tangent kernel {2 * last.SmallestEigenvalue / n:g4}; features moved {last.FeatureMovement:f3}, the "
                + $"kernel {last.KernelDrift:f3}; alignment {records[0].Alignment:f3} -> {last.Alignment:f3}. {recorder.Advice}");
            if (recorder.HasCertificate)
            {
                var certified = records.Where(record => record.Loss <= last.Loss * 1e6).Max(record => 2 * record.SchurBound / n);
                values.AddRange(
                    [line, rate / certified, Excess(records, record => record.CertifiedBound), rate / (2 * last.SmallestEigenvalue / n)]);
            }
            else
            {
                values.Add(Excess(records, record => record.EigenvalueBound));
            }
        }

        return [.. values];
    }

    private static double[] Widths(ExperimentSettings settings, CancellationToken cancellation)
    {
        var table = SingleIndex(200, 10, 0, u => Math.Max(u, 0), settings.Stream(s_data, 100));
        var moved = new Dictionary<double, double[]>();
        foreach (var exponent in new[] { Tangent, Between, MeanField })
        {
            moved[exponent] =
            [
                .. s_widths.Select(m =>
                {
                    var start = Start(table, m, settings.Stream(s_start, m), settings);
                    var end = Train(table, start, exponent, 0.01, settings, cancellation);
                    return Difference(end.Neurons.First(table.Targets.Length), start.First(table.Targets.Length));
                }),
            ];
            settings.Remark(
                $"scale m^-{exponent}: features moved {string.Join(", ", moved[exponent].Select(v => v.ToString("g3", Invariant)))} at m = 64 to 4096");
        }

        double[] widths = [.. s_widths.Select(m => (double)m)];
        return
        [
            PowerLaw.Fit(widths, moved[Tangent]).Exponent, moved[MeanField][3] / moved[MeanField][1], PowerLaw.Fit(widths, moved[Between]).Exponent,
        ];
    }

    private static double[] Tests(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int m = 512;
        var values = new List<double>();
        foreach (var (name, n, d, scale) in s_starts)
        {
            var errors = new List<(double MeanField, double Tangent)>();
            for (var k = 0; k < Repeats; k++)
            {
                var table = SingleIndex(n, d, TestPoints, HermiteTwo, settings.Stream(s_data, 200 + k));
                var start = Start(table, m, settings.Stream(s_start, 200 + k), settings, scale);
                double[] pair =
                [
                    .. new[] { MeanField, Tangent }.Select(exponent =>
                    {
                        var end = Train(table, start, exponent, 0.01, settings, cancellation);
                        return Error(end.Neurons.Predict(Kernel.Tanh(), exponent)[table.Targets.Length..], table.Beside);
                    }),
                ];
                errors.Add((pair[0], pair[1]));
            }

            double[] differences = [.. errors.Select(e => e.MeanField - e.Tangent)];
            var mean = differences.Average();
            var half = Quantile * Math.Sqrt(differences.Sum(v => (v - mean) * (v - mean)) / (Repeats - 1) / Repeats);
            var (meanField, tangent) = (errors.Average(e => e.MeanField), errors.Average(e => e.Tangent));
            settings.Remark(
                $"{name}: test error {meanField:f4} in scale 1/m, {tangent:f4} in 1/sqrt(m), over the target's square; difference {mean:f4} +- {half:f4}");
            values.AddRange([mean + half, meanField / tangent]);
        }

        return [.. values];
    }

    private static double[] KernelRegression(ExperimentSettings settings, CancellationToken cancellation)
    {
        const int m = 4096, n = 300;
        const double level = 1e-4;
        var table = SingleIndex(n, 10, TestPoints, HermiteTwo, settings.Stream(s_data, 300));
        var start = Start(table, m, settings.Stream(s_start, 300), settings);
        var kernel = new TangentKernel(table.Kernel[..(n * table.Points)], n, Kernel.Tanh()) { Threads = settings.Threads }.Of(start);
        var linear = new LinearisedFlow(kernel, [.. table.Targets.Select(y => -y)]);
        var end = Train(table, start, Tangent, level, settings, cancellation);
        var found = end.Neurons.Predict(Kernel.Tanh(), Tangent)[n..];
        var time = linear.TimeOfLoss(end.Loss);
        var (stopped, ridgeless) = (linear.Gain(time), linear.Gain(double.PositiveInfinity));
        settings.Remark(
            $"t = {end.Time:g4}, the kernel's {time:g4}; test error {Error(found, table.Beside):f4}, of the kernel stopped at the same loss "
            + $"{Error(stopped, table.Beside):f4}, without a ridge {Error(ridgeless, table.Beside):f4}");
        return [Difference(found, stopped), Difference(found, ridgeless)];
    }

    /// <summary>A table of a target at normal points, with the kernel of an infinite first layer of rectified units.</summary>
    /// <param name="Kernel">k0 at the data and test points [N, N].</param>
    /// <param name="Targets">y at the data [n].</param>
    /// <param name="Beside">y at the test points.</param>
    private sealed record Table(double[] Kernel, double[] Targets, double[] Beside)
    {
        public int Points => Targets.Length + Beside.Length;
    }

    // He_2 / sqrt(2), of variance 1.
    private static double HermiteTwo(double u) => ((u * u) - 1) / Math.Sqrt(2);

    // y is a function of u.x, u of length 1 and x normal.
    private static Table SingleIndex(int n, int d, int beside, Func<double, double> link, RandomStream random)
    {
        var direction = new double[d];
        Sphere.Uniform(random, direction);
        var inputs = Inputs(n + beside, d, random);
        double[] targets = [.. Enumerable.Range(0, n + beside).Select(a => link(Math.Sqrt(d) * HostVectors.Dot(direction, inputs.AsSpan(a * d, d))))];
        return new Table(NetworkKernels.ArcCosine(1).Matrix(inputs, inputs, d), targets[..n], targets[n..]);
    }

    private static FunctionEnsemble Start(Table table, int m, RandomStream random, ExperimentSettings settings, double scale = 1) =>
        FunctionEnsemble.Gaussian(m / 2, table.Kernel, table.Points, random, Sign, scale, threads: settings.Threads).Symmetric();

    private static FunctionalState Train(
        Table table, FunctionEnsemble start, double exponent, double level, ExperimentSettings settings, CancellationToken cancellation)
    {
        var flow = new FunctionalFlow(
            table.Kernel[..(table.Targets.Length * table.Points)], table.Targets, Kernel.Tanh(),
            new FunctionalFlowOptions { Exponent = exponent, Tolerance = 1e-5, Threads = settings.Threads });
        return flow.RunToLoss(start, level * flow.At(start).Loss, 1e6, cancellation);
    }

    private static double Error(double[] found, double[] wanted) => HostVectors.SquaredDistance(found, wanted) / HostVectors.Dot(wanted, wanted);

    private static double[] InnerProducts(double[] inputs, int d) =>
        HostMatrices.Product(inputs, HostMatrices.Transposed(inputs, inputs.Length / d, d), inputs.Length / d, d, inputs.Length / d);

    private static System.Globalization.CultureInfo Invariant => System.Globalization.CultureInfo.InvariantCulture;
}
