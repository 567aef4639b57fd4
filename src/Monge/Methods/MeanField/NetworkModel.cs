using System.Globalization;
using Monge.Data;
using Monge.Engine.LinearAlgebra;
using Monge.Measures;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>A trained network.</summary>
/// <param name="Neurons">The neurons, of the table's features or of the first layer's.</param>
/// <param name="FirstLayer">The frozen first layer of a network of three; null for a shallow one.</param>
public sealed record NetworkMember(NeuronEnsemble Neurons, RandomFirstLayer? FirstLayer);

/// <summary>What networks predict at rows, in the target's own units.</summary>
/// <param name="Mean">The mean of the networks [n].</param>
/// <param name="Deviation">How single networks differ from each other, their standard deviation [n]; empty for one network.</param>
/// <param name="Half">Half of the band's width [n]; empty for one network.</param>
public sealed record NetworkPrediction(double[] Mean, double[] Deviation, double[] Half)
{
    /// <summary>Whether there is a band.</summary>
    public bool HasBand => Half.Length > 0;
}

/// <summary>A scale and a penalty that were tried.</summary>
/// <param name="Exponent">g of the scale m^-g.</param>
/// <param name="Penalty">The penalty.</param>
/// <param name="Error">The root mean square error on held-out rows in the target's units.</param>
public sealed record NetworkTrial(double Exponent, double Penalty, double Error);

/// <summary>What was found in training and is not part of the model.</summary>
/// <param name="Certificate">What the tangent kernel says.</param>
/// <param name="StepTime">Mean-field time of a step of the flow; 1 for Adam.</param>
/// <param name="Penalty">The penalty of the networks that were kept.</param>
/// <param name="Seconds">Time of training.</param>
public sealed record NetworkCourse(NetworkCertificate Certificate, double StepTime, double Penalty, double Seconds)
{
    /// <summary>What was tried on held-out rows.</summary>
    public IReadOnlyList<NetworkTrial> Trials { get; init; } = [];

    /// <summary>The first network at steps of its training.</summary>
    public IReadOnlyList<(long Step, NeuronEnsemble Neurons)> Snapshots { get; init; } = [];

    /// <summary>The rows held out from the trials, from 0.</summary>
    public IReadOnlyList<int> HeldOutRows { get; init; } = [];

    /// <summary>The rows that trials learned from, from 0.</summary>
    public IReadOnlyList<int> LearnedRows { get; init; } = [];

    /// <summary>The best trial's predictions at the held-out rows, in the target's units.</summary>
    public IReadOnlyList<double> HeldOutPredictions { get; init; } = [];

    /// <summary>What depends on the width, and how; null where networks of one width were trained, or where <see cref="NoScaling"/> says why not.</summary>
    public NetworkScaling? Scaling { get; init; }

    /// <summary>Why no powers of the width were found though asked for; empty for no reason.</summary>
    public string NoScaling { get; init; } = "";
}

/// <summary>Networks that predict a column of a table from the others: what <see cref="NetworkTraining"/> makes, and a file keeps.</summary>
/// <param name="Columns">How the table is read.</param>
/// <param name="Options">How the networks were trained; scale and penalty are those that were chosen.</param>
/// <param name="Members">The networks.</param>
/// <param name="Rows">Rows that they learned from.</param>
/// <param name="Seed">The seed.</param>
public sealed record NetworkModel(
    RegressionColumns Columns, NetworkTrainingOptions Options, IReadOnlyList<NetworkMember> Members, int Rows, ulong Seed)
{
    private const string KindWord = "monge network model";

    /// <summary>What was found in training; null for a model from a file.</summary>
    public NetworkCourse? Course { get; init; }

    /// <summary>The unit as a kernel of inner products.</summary>
    /// <param name="unit">The unit.</param>
    public static Kernel UnitOf(NetworkUnit unit) => unit == NetworkUnit.Tanh ? Kernel.Tanh() : Kernel.Relu();

    /// <summary>What each network predicts, in the target's own units.</summary>
    /// <param name="table">Rows with the input columns.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <returns>An array [n] for each network.</returns>
    /// <exception cref="ArgumentException">An input column is missing.</exception>
    /// <exception cref="DataFormatException">A word was not among the rows that were learned from.</exception>
    public IReadOnlyList<double[]> PredictEach(DataTable table, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(table);
        var (inputs, unit) = (Columns.Encode(table), UnitOf(Options.Unit));
        double[] Of(NeuronEnsemble neurons, double[] points) =>
            Columns.Undo(unit.Sums(points, neurons.Features, neurons.Dimension, neurons.Masses(Options.Exponent ?? 1), threads));
        return [.. Members.Select(m => Of(m.Neurons, m.FirstLayer?.Features(inputs, threads) ?? inputs))];
    }

    /// <summary>
    /// The mean prediction, with the band in which a further network, trained alike from a start of its own, lies with a probability: by the central
    /// limit theorem networks differ by Gaussian fluctuations, so that with K of them of deviation s the band is the mean +- t_(K-1) s sqrt(1 + 1/K).
    /// </summary>
    /// <param name="table">Rows with the input columns.</param>
    /// <param name="level">The probability, between 0 and 1.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <exception cref="ArgumentException">An input column is missing, or the level isn't between 0 and 1.</exception>
    /// <exception cref="DataFormatException">A word was not among the rows that were learned from.</exception>
    public NetworkPrediction Predict(DataTable table, double level = 0.95, int threads = 0)
    {
        if (!(level is > 0 and < 1))
        {
            throw new ArgumentException(FormattableString.Invariant($"The band's level is {level}; it must be between 0 and 1."), nameof(level));
        }

        var each = PredictEach(table, threads);
        var k = each.Count;
        var (mean, deviation) = (new double[table.Rows], new double[k > 1 ? table.Rows : 0]);
        for (var row = 0; row < mean.Length; row++)
        {
            mean[row] = each.Average(values => values[row]);
            if (k > 1)
            {
                deviation[row] = Math.Sqrt(each.Sum(values => Math.Pow(values[row] - mean[row], 2)) / (k - 1));
            }
        }

        var factor = k > 1 ? HostFunctions.StudentQuantile(0.5 * (1 + level), k - 1) * Math.Sqrt(1 + (1.0 / k)) : 0;
        return new NetworkPrediction(mean, deviation, Array.ConvertAll(deviation, s => factor * s));
    }

    /// <summary>Writes the model to a file; its bytes depend on data, options, seed and version only.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file can't be written.</exception>
    public void Save(string path)
    {
        List<KeyValuePair<string, NumericArray>> arrays = [];
        for (var k = 0; k < Members.Count; k++)
        {
            var (neurons, first) = (Members[k].Neurons, Members[k].FirstLayer);
            arrays.Add(new($"member{k}.outputs", NumericArray.Create(neurons.Outputs, neurons.Count)));
            arrays.Add(new($"member{k}.features", NumericArray.Create(neurons.Features, neurons.Count, neurons.Dimension)));
            if (first is not null)
            {
                arrays.Add(new($"member{k}.first", NumericArray.Create(first.Weights, first.Count, first.Dimension)));
            }
        }

        SafetensorsFile.Write(
            path, arrays,
            [
                new("kind", KindWord), new("version", RunIdentity.Version), new("method", NetworkTraining.Name), new("options", MethodOptions.Format(Options)),
                new("columns", MethodOptions.Format(Columns)), new("rows", Rows.ToString(CultureInfo.InvariantCulture)),
                new("seed", Seed.ToString(CultureInfo.InvariantCulture)), new("members", Members.Count.ToString(CultureInfo.InvariantCulture)),
            ]);
    }

    /// <summary>Reads a model.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataFormatException">The file holds something else, or is damaged.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    public static NetworkModel Load(string path)
    {
        var file = SafetensorsFile.Read(path);
        string Text(string name) => file.Metadata.TryGetValue(name, out var text) ? text
            : throw new DataFormatException(path, $"is no trained network: its metadata lack '{name}'");
        if (Text("kind") != KindWord)
        {
            throw new DataFormatException(path, $"holds a '{Text("kind")}', not a trained network; `monge train` makes those that `monge predict` reads");
        }

        try
        {
            var (options, columns) = (MethodOptions.Parse<NetworkTrainingOptions>(Text("options")), MethodOptions.Parse<RegressionColumns>(Text("columns")));
            var count = int.Parse(Text("members"), NumberStyles.None, CultureInfo.InvariantCulture);
            return new NetworkModel(
                columns, options, [.. Enumerable.Range(0, count).Select(k => Member(path, file, columns, options, k))],
                int.Parse(Text("rows"), NumberStyles.None, CultureInfo.InvariantCulture), ulong.Parse(Text("seed"), CultureInfo.InvariantCulture));
        }
        catch (Exception error) when (error is ArgumentException or FormatException or OverflowException)
        {
            throw new DataFormatException(path, $"has a configuration that can't be used: {error.Message}", error);
        }
    }

    private static NetworkMember Member(string path, SafetensorsFile file, RegressionColumns columns, NetworkTrainingOptions options, int k)
    {
        double[] Numbers(string name, int count) =>
            file.Tensors.TryGetValue($"member{k}.{name}", out var tensor) && tensor.Length == count && tensor.ToDoubles() is var numbers
            && Array.TrueForAll(numbers, double.IsFinite) ? numbers
            : throw new DataFormatException(path, FormattableString.Invariant($"lacks the array 'member{k}.{name}' of {count} finite numbers"));
        var (m, p) = (options.Width, columns.Features);
        var q = options.Layers == 3 ? options.FirstWidth : p;
        var first = options.Layers == 3 ? new RandomFirstLayer(Numbers("first", options.FirstWidth * p), p, UnitOf(options.Unit)) : null;
        return new NetworkMember(new NeuronEnsemble(Numbers("outputs", m), Numbers("features", m * q), q), first);
    }
}
