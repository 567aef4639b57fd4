using System.Globalization;
using Monge.Data;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Gallery.Entries;

/// <summary>
/// Real data: log-likelihood of held-out rows under a learned flow beside a Gaussian, a tuned kernel density and a tuned mixture, all made
/// of the same rows. Values on a grid are spread evenly over their cell first (the smallest gap between two values of a column), without
/// which any of them could be given any density.
/// </summary>
internal static class TabularData
{
    private static readonly StreamName s_splitStream = StreamName.Numbered("tabular data: split", 787);
    private static readonly StreamName s_spreadStream = StreamName.Numbered("tabular data: spread", 788);
    private const int SplitSeeds = 1000;
    private const double TestShare = 0.2;
    private const double ValidationShare = 0.125;
    private const string FolderVariable = "MONGE_DATA";
    private const string PartColumn = "dataset";
    private const string DefaultFolder = "../shared/data";

    private static readonly InterpolantOptions s_small = Options(64, 3, new() { Iterations = 4000, BatchSize = 512 });
    private static readonly InterpolantOptions s_medium = Options(128, 4, new() { Iterations = 10_000, BatchSize = 512 });
    private static readonly InterpolantOptions s_large = Options(320, 4, new() { Iterations = 15_000, BatchSize = 1024, LearningRate = 1e-3 });

    private static readonly DataSet[] s_plane =
    [
        new("faithful", "shapes-2d/faithful.txt", [], Options(64, 3, new() { Iterations = 1500, BatchSize = 512 })),
        new("banana", "shapes-2d/banana.csv", ["Y"], s_small),
    ];

    private static readonly DataSet s_datasaurus = new(
        "datasaurus", "shapes-2d/DatasaurusDozen-Long.tsv", [], Options(64, 3, new() { Iterations = 1500, BatchSize = 128 }))
    {
        Parts = ["away", "bullseye", "circle", "dino", "dots", "h_lines", "high_lines", "slant_down", "slant_up", "star", "v_lines", "wide_lines", "x_shape"],
        Candidates = [new(false, 0.05), new(false, 0.1), new(false, 0.2), new(true, 0.05), new(true, 0.1), new(true, 0.2)],
    };

    private static readonly DataSet[] s_tables =
    [
        new("power-plant", "uci-regression/power-plant/data.txt", [], s_large) { Candidates = [new(false, 0.05), new(false, 0.08)] },
        Regression("concrete", "concrete"), Regression("boston", "bostonHousing"), Regression("energy", "energy"), Regression("yacht", "yacht"),
    ];

    /// <summary>The experiments.</summary>
    internal static IReadOnlyList<Experiment> Experiments { get; } =
    [
        Table("real-data-plane", "Old Faithful and the banana benchmark in the plane.", s_plane, isPlane: true),
        Table("real-data-datasaurus", "The thirteen shapes of the Datasaurus dozen, 142 points each, with equal means, deviations and correlation; each "
            + "shape has models of its own.", [s_datasaurus], isPlane: true),
        .. s_tables.Select(s => Table($"real-data-{s.Name}", $"The table of measurements {s.Name}.", [s], isPlane: false)),
        Table(
            "real-data-digits",
            "Handwritten digits of 8 x 8 pixels, 64 columns.",
            [
                new("digits", "images/optdigits.tra", ["Class"], Options(256, 4, new() { BatchSize = 256, Iterations = 6000 }))
                { Test = "images/optdigits.tes", Candidates = [new(false, 0), new(false, 0.1)] },
            ],
            isPlane: false),
    ];

    private static DataSet Regression(string name, string folder) =>
        new(name, $"uci-regression/{folder}/data.txt", [], Options(128, 4, new() { Iterations = 4000, BatchSize = 512 }))
        {
            Candidates = [new(false, 0), new(false, 0.05), new(false, 0.1), new(true, 0.05), new(true, 0.1), new(true, 0.2)],
            Splits = 3,
            LeastBaseRidge = 1e-4,
        };

    private static Experiment Table(string name, string description, DataSet[] sets, bool isPlane) => new(
        name,
        description + $" Log-likelihood of held-out rows beside three baselines. The files are looked for in {FolderVariable}, else in {DefaultFolder}.",
        Quick: false,
        [
            .. sets.Select(
                s => FigureReference.AtLeast($"{s.Name}: flow over the best baseline, nats per dimension", -0.02,
                    "bar of the project; Gaussian, kernel density and mixture of the same rows", stretchBound: 0).OverSeeds()),
            .. isPlane ? sets.Select(s => FigureReference.AtMost(
                $"{s.Name}: largest distance of the two-sample table over its floor", 1.5, "bar of the project; two halves of the held-out rows")) : [],
        ],
        Experiment.InBackground((settings, cancellation) =>
        {
            var results = sets.Select(s => Judge(s, isPlane, settings, cancellation)).ToArray();
            return [.. results.Select(r => r.Gain), .. isPlane ? results.Select(r => r.Ratio) : []];
        }));

    // The parts of a set each have densities of their own; their held-out rows are judged together.
    private static (double Gain, double Ratio) Judge(DataSet set, bool isPlane, ExperimentSettings settings, CancellationToken cancellation)
    {
        var parts = set.Parts.Length == 0 ? [Measure(set, isPlane, settings, cancellation)]
            : set.Parts.Select(p => Measure(set with { Name = $"{set.Name} {p}", Part = p }, isPlane, settings, cancellation)).ToArray();
        var flow = parts.SelectMany(p => p.Flow).Average();
        var baselines = Enumerable.Range(0, parts[0].Baselines.Length).Select(b => parts.SelectMany(p => p.Baselines[b]).Average()).ToArray();
        var best = Array.IndexOf(baselines, baselines.Max());
        var (gain, error) = Measurements.Mean([.. parts.SelectMany(p => p.Flow.Zip(p.Baselines[best], (f, b) => (f - b) / p.Columns))]);
        var ratios = parts[0].Ratios.Select((_, k) => parts.Average(p => p.Ratios[k])).ToArray();
        if (parts.Length > 1)
        {
            settings.Remark(
                $"{set.Name}: all {parts.Length} together: flow {flow:F4}; Gaussians {baselines[0]:F4}, kernel densities {baselines[1]:F4}, mixtures "
                + $"{baselines[2]:F4} nats");
        }

        var found = string.Join(", ", ratios.Select(r => r.ToString("F2", CultureInfo.InvariantCulture)));
        settings.Remark(
            $"{set.Name}: {gain:+0.0000;-0.0000} +- {error:F4} nats per dimension to the best baseline, row by "
            + $"row{(isPlane ? $"; mean ratios of the two-sample table {found}" : "")}");
        return (gain, ratios.DefaultIfEmpty(double.NaN).Max());
    }

    private static PartResult Measure(DataSet set, bool isPlane, ExperimentSettings settings, CancellationToken cancellation)
    {
        var (fitted, test) = Split(set, settings.Seed);
        var d = fitted.Columns;
        var rows = (int)((1 - ValidationShare) * fitted.Rows) * d;
        var (train, validation) = (fitted.Values[..rows], fitted.Values[rows..]);
        var kernel = KernelDensity.Tuned(train, validation, d, settings.Threads, cancellation).WithRows(fitted.Values);
        var how = Mixtures(d) with { Threads = settings.Threads };
        var mixture = GaussianMixtureFit.Tuned(train, validation, d, how, cancellation: cancellation);
        var final = GaussianMixtureFit.Fit(fitted.Values, d, mixture.Components, mixture.Ridge, how, cancellation: cancellation);
        IFittedDensity[] baselines = [GaussianMixtureFit.Gaussian(fitted.Values, d), kernel, final];
        var rivals = baselines.Select(b => b.LogDensity(test, settings.Threads)).ToArray();
        foreach (var (baseline, values) in baselines.Zip(rivals))
        {
            var (mean, error) = Measurements.Mean(values);
            settings.Remark($"{set.Name}: {baseline.Description}: {mean:F4} +- {error:F4} nats");
        }

        var density = new FlowSettings { Probes = d > 16 ? 4 : 0, Tolerance = 1e-4, Threads = settings.Threads, Seed = settings.Seed };
        var model = Tuned(set, fitted, density, mixture, settings, cancellation);
        var flow = model.LogDensity(test, density);
        var (flowMean, flowError) = Measurements.Mean(flow);
        settings.Remark(
            $"{set.Name}: flow: {flowMean:F4} +- {flowError:F4} nats; {fitted.Rows} rows, {test.Length / d} held out, {model.Report.Iterations} steps, noise "
            + $"{((InterpolantOptions)model.Options).RowNoise}, {Base(model)}");
        if (!isPlane)
        {
            return new PartResult(flow, rivals, [], d);
        }

        var samples = model.Generate(10_000, new FlowSettings { Seed = settings.Seed, Threads = settings.Threads });
        var comparison = new TwoSampleOptions
        {
            Repetitions = 20,
            Seed = settings.Seed,
            Classifier = new ClassifierTestOptions { Threads = settings.Threads },
            Threads = settings.Threads,
        };
        var table = TwoSampleTable.Compute(samples, test, d, comparison, fitted.Values, fitted.Names, cancellation);
        foreach (var distance in table.Distances)
        {
            settings.Note($"{set.Name}: {distance}");
        }

        settings.Note($"{set.Name}: {table.Classifier?.ToString() ?? "too few rows for the classifier test"}; {table.Memorisation}");
        return new PartResult(flow, rivals, [.. table.Distances.Select(t => t.Ratio)], d);
    }

    // The base, the noise on the rows and the number of steps are chosen on the rows that the fit holds out, as bandwidths and numbers of
    // components are; all rows make the final fit.
    private static FlowModel Tuned(
        DataSet set, DataTable fitted, FlowSettings density, GaussianMixtureFit mixture, ExperimentSettings settings, CancellationToken cancellation)
    {
        Run Split(int split) => new() { Seed = settings.Seed + (ulong)(SplitSeeds * split), Threads = settings.Threads, Cancellation = cancellation };
        FlowData Data(bool fromMixture, double? broadShare = null) => !fromMixture ? FlowData.From(fitted)
            : FlowData.From(fitted).FromMixture(
                Mixtures(fitted.Columns) with { Components = [mixture.Components], Ridges = [Math.Max(set.LeastBaseRidge, mixture.Ridge)] }, broadShare);
        var (best, chosen) = (double.NegativeInfinity, Array.Empty<FlowModel>());
        foreach (var (fromMixture, noise) in set.Candidates)
        {
            var options = set.Options with { RowNoise = noise, Schedule = fromMixture ? "trigonometric" : set.Options.Schedule };
            var models = Enumerable.Range(0, set.Splits).Select(s => new InterpolantFit(Data(fromMixture), options).Run(Split(s))).ToArray();
            var (held, error) = Measurements.Mean([.. models.SelectMany(m => m.LogDensity(m.HeldOutRows!, density))]);
            settings.Remark(
                $"{set.Name}: flow from a {Base(models[0])} with noise {noise} on its rows, {string.Join(", ", models.Select(m => m.Report.BestIteration))} "
                + $"steps: {held:F4} +- {error:F4} nats on the rows to tune by");
            (best, chosen) = chosen.Length == 0 || held > best ? (held, models) : (best, chosen);
        }

        var tuned = (InterpolantOptions)chosen[0].Options;
        var training = tuned.Training with { Iterations = Math.Max(1, (long)chosen.Average(m => m.Report.BestIteration)) };
        var final = tuned with { ValidationShare = 0, Training = training };
        return new InterpolantFit(Data(chosen[0].BaseMixture is not null, chosen.Average(m => m.BaseMixture?.Weights[^1])), final).Run(Split(0));
    }

    private static InterpolantOptions Options(int width, int depth, TrainingOptions training) =>
        new() { ValidationShare = ValidationShare, Size = new() { Width = width, Depth = depth }, Training = training };

    private static string Base(FlowModel model) => model.BaseMixture?.Description ?? "Gaussian";

    // Large mixtures of full covariances in 64 dimensions have more numbers than the rows can tell.
    private static GaussianMixtureOptions Mixtures(int d) => d > 16
        ? new GaussianMixtureOptions { Components = [1, 5, 10, 20, 30], Ridges = [1e-2, 5e-2], Starts = 1, MostIterations = 40, Tolerance = 1e-2 }
        : new GaussianMixtureOptions();

    // Rows in a random order; those of a file of its own, or the last fifth, are held out.
    private static (DataTable Fitted, double[] Test) Split(DataSet set, ulong seed)
    {
        var table = Read(set);
        var random = new RandomStream(seed, s_splitStream);
        if (set.Test is { } file)
        {
            var own = Read(set with { File = file });
            var gaps = Gaps([.. table.Values, .. own.Values], table.Columns);
            return (Shuffled(table, gaps, random, seed), Shuffled(own, gaps, random, seed + 1).Values);
        }

        var cell = Gaps(table.Values, table.Columns);
        var order = random.Permutation(table.Rows);
        var held = (int)(TestShare * table.Rows);
        var spread = Spread(table.Values, table.Columns, cell, new RandomStream(seed, s_spreadStream));
        double[] Rows(int from, int to) => [.. order[from..to].SelectMany(r => spread[(r * table.Columns)..((r + 1) * table.Columns)])];
        return (DataTable.From(Rows(held, table.Rows), table.Columns, table.Names, set.Name), Rows(0, held));
    }

    private static DataTable Shuffled(DataTable table, double[] cell, RandomStream random, ulong seed)
    {
        var spread = Spread(table.Values, table.Columns, cell, new RandomStream(seed, s_spreadStream));
        return DataTable.From([.. random.Permutation(table.Rows).SelectMany(r => spread[(r * table.Columns)..((r + 1) * table.Columns)])], table.Columns,
            table.Names, table.Source);
    }

    private static DataTable Read(DataSet set)
    {
        var file = set.File;
        var folder = Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } named ? named : DefaultFolder;
        var path = Path.Combine(folder, file);
        if (!File.Exists(path))
        {
            throw new ExperimentSkippedException($"there is no '{path}'; set {FolderVariable} to the folder that holds {file}.");
        }

        if (set.Part is not { } part)
        {
            return DataTable.Read(path, new DataTableOptions { Drop = set.Drop });
        }

        var all = DataTable.Read(path, new DataTableOptions { LabelColumns = [PartColumn] });
        var labels = all.Labels(PartColumn);
        var numbers = all.Select([.. all.Names.Where(n => n != PartColumn)]);
        double[] rows = [.. Enumerable.Range(0, all.Rows).Where(r => labels[r] == part).SelectMany(
            r => numbers.Values[(r * numbers.Columns)..((r + 1) * numbers.Columns)])];
        return DataTable.From(rows, numbers.Columns, numbers.Names, set.Name);
    }

    private static double[] Gaps(double[] values, int d) => [.. Enumerable.Range(0, d).Select(i =>
    {
        double[] sorted = [.. Enumerable.Range(0, values.Length / d).Select(r => values[(r * d) + i]).Distinct().Order()];
        return sorted.Length < 2 ? 1 : Enumerable.Range(1, sorted.Length - 1).Min(k => sorted[k] - sorted[k - 1]);
    })];

    private static double[] Spread(double[] values, int d, double[] cell, RandomStream random) =>
        [.. values.Select((v, i) => v + (cell[i % d] * (random.NextDouble() - 0.5)))];

    private readonly record struct Candidate(bool FromMixture, double RowNoise);

    private sealed record PartResult(double[] Flow, double[][] Baselines, double[] Ratios, int Columns);

    private sealed record DataSet(string Name, string File, string[] Drop, InterpolantOptions Options)
    {
        public string? Test { get; init; }

        // Labels of parts that are fitted each on its own, and the one that this is.
        public string[] Parts { get; init; } = [];

        public string? Part { get; init; }

        public Candidate[] Candidates { get; init; } = [new(false, 0)];

        // In many columns narrower components leave rows beside them without a density; in the plane lines may be as narrow as they are.
        public double LeastBaseRidge { get; init; }

        // Splits into rows to learn from and rows to tune by that a candidate is judged on: few rows judge badly.
        public int Splits { get; init; } = 1;
    }
}
