#!/usr/bin/env dotnet
// Networks of `monge train` beside ridge regression, kernel ridge regression with the neural tangent kernel, and LightGBM on tables with known splits
// (../shared/data/uci-regression): root mean square errors on the test rows, their mean and standard deviation over splits, and the share of test rows at
// which fresh networks lie in the 95% band of the central limit theorem.
//   dotnet run bench/regression-tables.cs -- [--only concrete,yacht] [--splits 0-9] [--iterations N] [--width M] [--band K] [--folder DIR]
// Each method chooses its settings on a part of the training rows: the ridges and the trees on the last fifth, the networks on their held-out rows. The ridges
// see no whole numbers as kinds, which networks do by default: the kernel's error on energy is 1.13 without and 1.68 with.
// LightGBM is native, so it stays here: no package of Monge needs it.
#:project ../src/Monge/Monge.csproj
#:package Microsoft.ML@5.0.1
#:package Microsoft.ML.LightGbm@5.0.1
#:property ManagePackageVersionsCentrally=false
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
#:property NoWarn=$(NoWarn);CS1591

using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers.LightGbm;
using Monge.Data;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
const int TrueRuns = 20;
string[] methods = ["ridge", "kernel ridge (NTK)", "LightGBM", "monge train"];
var folder = Value("--folder", "../shared/data/uci-regression");
int[] splits = [.. Value("--splits", "0-9").Split(',').SelectMany(Range)];
var options = new NetworkTrainingOptions { CertificateRows = 32 };
options = options with
{
    Iterations = long.Parse(Value("--iterations", $"{options.Iterations}")),
    Width = int.Parse(Value("--width", $"{options.Width}")),
    Runs = int.Parse(Value("--runs", $"{options.Runs}")),
};
var banded = int.Parse(Value("--band", "1"));
foreach (var name in Value("--only", "concrete,energy,yacht,power-plant").Split(','))
{
    var table = DataTable.Read(Path.Combine(folder, name, "data.txt"));
    var target = table.Names[^1];
    int[][] tests = [.. File.ReadLines(Path.Combine(folder, name, "index_test.csv")).Where(line => line.Length > 0)
        .Select(line => line.Split(',').Select(int.Parse).ToArray())];
    var errors = methods.Select(_ => new List<double>()).ToArray();
    foreach (var split in splits)
    {
        var random = new RandomStream((ulong)split + 1000);
        int[] train = [.. Enumerable.Range(0, table.Rows).Except(tests[split])];
        random.Shuffle<int>(train);
        var (learned, test) = (table.Take(train), table.Take(tests[split]));
        var measured = test.Column(target);
        double Error(double[] predicted) => Math.Sqrt(predicted.Zip(measured, (f, y) => (f - y) * (f - y)).Average());
        var columns = RegressionColumns.Of(learned, target, mostLevels: 0);
        var (inputs, targets, at) = (columns.Encode(learned), columns.Targets(learned), columns.Encode(test));
        var model = new NetworkTraining(new NetworkProblem(learned, target), options).Run(new Run { Seed = (ulong)split + 1, Threads = 1 });
        double[] found =
        [
            Error(columns.Undo(RidgeBaselines.Linear(inputs, targets, at, columns.Features).Predictions)),
            Error(columns.Undo(RidgeBaselines.Kernel(NetworkKernels.NeuralTangent(), inputs, targets, at, columns.Features).Predictions)),
            Error(Trees(learned, test, target)),
            Error(model.Predict(test, threads: 1).Mean),
        ];
        for (var k = 0; k < found.Length; k++)
        {
            errors[k].Add(found[k]);
        }

        var told = string.Join("  ", methods.Zip(found, (m, e) => $"{m} {e:F4}"));
        Console.WriteLine($"{name} {split}: {told}  (penalty {model.Options.Penalty:g2}, {model.Course!.Seconds:F0} s)");
        if (Array.IndexOf(splits, split) < banded)
        {
            Band(name, split, model, learned, test, target);
        }
    }

    var means = errors.Select(e => e.Average()).ToArray();
    foreach (var (method, list) in methods.Zip(errors))
    {
        var deviation = list.Count > 1 ? Math.Sqrt(list.Sum(e => Math.Pow(e - list.Average(), 2)) / (list.Count - 1)) : 0;
        Console.WriteLine($"{name,-12} {method,-20} {list.Average():F4} +- {deviation:F4}");
    }

    Console.WriteLine($"{name}: networks over the best of all: {means[^1] / means.Min():F3}");
}

// Fresh networks, trained alike from other seeds with the scale and the penalty that were chosen: how often they lie in the band.
void Band(string name, int split, NetworkModel model, DataTable learned, DataTable test, string target)
{
    var band = model.Predict(test, threads: 1);
    var fresh = new NetworkTraining(
        new NetworkProblem(learned, target), model.Options with { Runs = TrueRuns, HeldOut = 0 })
        .Run(new Run { Seed = (ulong)split + 501, Threads = 1 }).PredictEach(test, 1);
    double[] inside = [.. fresh.Select(f => f.Zip(band.Mean.Zip(band.Half), (v, b) => Math.Abs(v - b.First) <= b.Second ? 1.0 : 0).Average())];
    Console.WriteLine(
        $"{name} {split}: {inside.Average():P1} of {test.Rows} test rows of {TrueRuns} fresh networks lie in the 95% band of {model.Members.Count}");
}

double[] Trees(DataTable learned, DataTable test, string target)
{
    string[] inputs = [.. learned.Names.Where(n => n != target)];
    var (d, context) = (inputs.Length, new MLContext(1));
    var schema = SchemaDefinition.Create(typeof(TreeRow));
    schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, d);
    TreeRow[] Rows(DataTable from)
    {
        var (values, y) = (from.Select(inputs).Values, from.Column(target));
        return [.. y.Select((label, i) => new TreeRow { Features = [.. values[(i * d)..((i + 1) * d)].Select(v => (float)v)], Label = (float)label })];
    }

    double[] Fit(TreeRow[] from, TreeRow[] at, (int Leaves, int Least, int Trees) size)
    {
        var trainer = context.Regression.Trainers.LightGbm(new LightGbmRegressionTrainer.Options
        {
            NumberOfLeaves = size.Leaves,
            MinimumExampleCountPerLeaf = size.Least,
            NumberOfIterations = size.Trees,
            LearningRate = 0.05,
            NumberOfThreads = 1,
            Seed = 1,
            Booster = new GradientBooster.Options { SubsampleFraction = 0.8, SubsampleFrequency = 1 },
        });
        var fitted = trainer.Fit(context.Data.LoadFromEnumerable(from, schema)).Transform(context.Data.LoadFromEnumerable(at, schema));
        return [.. context.Data.CreateEnumerable<TreeScore>(fitted, false).Select(s => (double)s.Score)];
    }

    var (rows, held) = (Rows(learned), Rows(test));
    var known = rows.Length - (rows.Length / 5);
    var isLarge = rows.Length > 5000;
    var sizes = (isLarge ? (int[])[31, 127] : [6, 12, 24]).SelectMany(leaves => (int[])[3, 10], (leaves, least) => (leaves, least))
        .SelectMany(_ => (int[])[500, 2000], (s, trees) => (s.leaves, s.least, trees));
    var best = sizes.MinBy(size => Fit(rows[..known], rows[known..], size).Zip(rows[known..], (f, r) => (f - r.Label) * (f - r.Label)).Average());
    return Fit(rows, held, best);
}

string Value(string option, string otherwise) => Array.IndexOf(args, option) is >= 0 and var at ? args[at + 1] : otherwise;

static IEnumerable<int> Range(string text) => text.Split('-') is [var from, var to]
    ? Enumerable.Range(int.Parse(from), int.Parse(to) - int.Parse(from) + 1) : [int.Parse(text)];

internal sealed class TreeRow
{
    public float[] Features { get; set; } = [];

    public float Label { get; set; }
}

internal sealed class TreeScore
{
    public float Score { get; set; }
}
