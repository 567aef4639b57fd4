using Monge.Data;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Gallery.Entries;

/// <summary>The part of entry 36 on images: odd and even digits of 8 x 8 pixels, of which nothing is published.</summary>
internal static partial class SparseFeatures
{
    private const int Side = 8;
    private const int TrainingDigits = 512;
    private const int TestDigits = 1000;
    private const int DigitNeurons = 400;
    private const int DigitSteps = 3000;
    private const double Degrees = 10;
    private const int FieldCut = 3;
    private const double Displacement = 0.3;
    private const string FolderVariable = "MONGE_DATA";
    private const string DefaultFolder = "../shared/data";

    private static readonly double[] s_digitPenalties = [1e-3, 1e-5];

    private static readonly StreamName s_digits = StreamName.Of("sparse features: digits");
    private static readonly StreamName s_warps = StreamName.Of("sparse features: warps");

    private static Experiment Digits => new(
        "digits",
        "Odd from even digits of 8 x 8 pixels, 512 to learn from: the tangent kernel beside a sparse measure by conic descent, how each changes as images are "
        + "deformed or turned.",
        Quick: false,
        [
            FigureReference.AtMost("share of test digits that the tangent kernel takes for the wrong kind", 0.1, "own bar").OverSeeds(),
            FigureReference.AtLeast("test error of features over that of the tangent kernel", 1, "ordering of the paper").OverSeeds(),
            FigureReference.AtLeast("relative deformation stability R of features over that of the tangent kernel", 1, "ordering of the paper").OverSeeds(),
            FigureReference.AtLeast("change under a turn by 10 degrees, features over the tangent kernel", 1, "ordering of the paper").OverSeeds(),
        ],
        Experiment.InBackground(MeasureDigits));

    private static double[] MeasureDigits(ExperimentSettings settings, CancellationToken cancellation)
    {
        var (images, labels) = ReadDigits(settings.Stream(s_digits, 0));
        double[][] training = images[..TrainingDigits], test = images[TrainingDigits..];
        double[] targets = labels[..TrainingDigits], wanted = labels[TrainingDigits..];
        var encode = Encoding(training);
        var inputs = encode(training);
        var kernel = KernelInterpolation.Fit(NetworkKernels.NeuralTangent(), inputs, targets, (Side * Side) + 1);
        var network = Descend(inputs, targets, settings, cancellation);
        var lazy = Stability("tangent kernel", at => kernel.Predict(encode(at)), test, wanted, settings);
        var features = Stability(
            "features", at => Kernel.Relu().Sums(encode(at), network.Features, network.Dimension, network.Outputs, settings.Threads), test, wanted, settings);
        return [lazy.Error, features.Error / lazy.Error, features.Deformation / lazy.Deformation, features.Rotation / lazy.Rotation];
    }

    private static NeuronEnsemble Descend(double[] inputs, double[] targets, ExperimentSettings settings, CancellationToken cancellation)
    {
        var loss = new RegressionLoss(inputs, targets, Kernel.Relu(), settings.Execution);
        var next = 0;
        var network = NeuronEnsemble.Spherical(
            DigitNeurons, loss.Dimension, settings.Stream(s_neurons, 0), _ => (next++ % 2 == 0 ? 1 : -1) / (double)DigitNeurons);
        foreach (var penalty in s_digitPenalties)
        {
            (network, var objective) = new ConicDescent(loss, new() { Penalty = penalty, Steps = DigitSteps }).Run(network, null, cancellation);
            var atoms = NeuronAtoms.Of(network, inputs, least: 1e-6).Count;
            var training = loss.Residuals.ToArray().Average(r => r * r);
            settings.Remark($"features, penalty {penalty:g1}: objective {objective:g4}, training error {training:g3}, {atoms} atoms");
        }

        return network;
    }

    // The share of wrong signs, R = D / G with D the mean square change of f under small smooth deformations and G that under noise of the same norm, and
    // the mean square change under a turn, over twice the variance of f.
    private static (double Error, double Deformation, double Rotation) Stability(
        string name, Func<double[][], double[]> predict, double[][] test, double[] wanted, ExperimentSettings settings)
    {
        var random = settings.Stream(s_warps, 0);
        double[][] deformed = [.. test.Select(image => ImageWarp.Deform(image, Side, ImageWarp.SmoothField(Side, FieldCut, Displacement, random)))];
        var norm = test.Zip(deformed, (a, b) => HostVectors.SquaredDistance(a, b)).Average();
        double[][] noisy = [.. test.Select(image => Noisy(image, Math.Sqrt(norm), random))];
        double[][] turned = [.. test.Select(image => ImageWarp.Rotate(image, Side, Degrees))];
        var values = predict(test);
        var error = values.Zip(wanted, (v, y) => v * y > 0 ? 0.0 : 1).Average();
        var deformation = MeanSquare(predict(deformed), values) / MeanSquare(predict(noisy), values);
        var mean = values.Average();
        var rotation = MeanSquare(predict(turned), values) / (2 * values.Average(v => (v - mean) * (v - mean)));
        settings.Remark($"{name}: error {error:p1}, R {deformation:f3}, change under a turn {rotation:f3}");
        return (error, deformation, rotation);
    }

    private static double[] Noisy(double[] image, double norm, RandomStream random)
    {
        var noise = new double[image.Length];
        Sphere.Uniform(random, noise, norm);
        return [.. image.Zip(noise, (v, e) => v + e)];
    }

    // Pixels less their means, on the scale on which an image has length 1 on average, and a coordinate that is always 1.
    private static Func<double[][], double[]> Encoding(double[][] training)
    {
        double[] means = [.. Enumerable.Range(0, Side * Side).Select(k => training.Average(image => image[k]))];
        var scale = 1 / Math.Sqrt(training.Average(image => HostVectors.SquaredDistance(image, means)));
        return images => [.. images.SelectMany(image => image.Select((v, k) => scale * (v - means[k])).Append(1))];
    }

    private static (double[][] Images, double[] Labels) ReadDigits(RandomStream random)
    {
        var folder = Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } named ? named : DefaultFolder;
        var path = Path.Combine(folder, "images", "optdigits.tra");
        if (!File.Exists(path))
        {
            throw new ExperimentSkippedException($"there is no '{path}'; set {FolderVariable} to the folder that holds images/optdigits.tra.");
        }

        var table = DataTable.Read(path);
        int[] rows = random.Permutation(table.Rows)[..(TrainingDigits + TestDigits)];
        const int columns = (Side * Side) + 1;
        return (
            [.. rows.Select(r => table.Values[(r * columns)..((r * columns) + columns - 1)].Select(v => v / 16).ToArray())],
            [.. rows.Select(r => table.Values[(r * columns) + columns - 1] % 2 == 0 ? 1.0 : -1)]);
    }
}
