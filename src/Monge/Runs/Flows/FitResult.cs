using System.Text.Json.Nodes;
using Monge.Data;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>A finished fit: the model, its training, and its likelihood on held-out rows.</summary>
/// <param name="Model">The model.</param>
/// <param name="LogLikelihood">
/// The mean log density of held-out rows in nats (of a table with types the sum of log-probability and log density), its error (not a number for one row, or
/// copies of one), and their number; null without such rows or a density.
/// </param>
/// <param name="Data">What it was fitted to.</param>
/// <param name="Run">The run that made it.</param>
public sealed record FitResult(FlowModel Model, (double Mean, double Error, int Rows, bool IsExact)? LogLikelihood, FlowData Data, Run Run) : IRunResult
{
    private const int MostRows = 1000;
    private const int LargestExactDimension = 16;
    private const int Probes = 8;
    private const int LeastChecked = 10;

    /// <inheritdoc/>
    public IReadOnlyList<Status> Warnings { get; } = Check(Data);

    /// <summary>The two parts of the likelihood of a table with types, means in nats; null for other tables, and without held-out rows.</summary>
    public (double LogProbability, double LogDensity)? Parts { get; init; }

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, NumericArray Values)> Arrays => [];

    /// <summary>Saves the model in the run's folder and judges it on the rows that were held out.</summary>
    /// <param name="model">The model.</param>
    /// <param name="data">What it was fitted to.</param>
    /// <param name="run">The run that made it.</param>
    public static FitResult Of(FlowModel model, FlowData data, Run run)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(run);
        if (run.Folder is { } folder)
        {
            model.Save(Path.Combine(folder, RunSession.ModelName));
        }

        if (model is { Table: not null, HeldOutTable: { } table })
        {
            return OfTable(model, table, data, run);
        }

        var judged = model.HeldOutRows is { Length: > 0 } held && model.HasBaseDensity && !model.IsMirror
            ? Judge(model, held, run.Threads) : default;
        return new FitResult(model, judged, data, run);
    }

    /// <inheritdoc/>
    public JsonObject ToJson()
    {
        var report = Model.Report;
        var result = new JsonObject
        {
            ["model"] = Run.Folder is null ? null : Path.Combine(Run.Folder, RunSession.ModelName),
            ["columns"] = ResultText.Json(Columns),
            ["conditions"] = ResultText.Json(Model.Table?.Types.All.Where(t => t.IsCondition).Select(t => t.Name) ?? Model.Conditions.Select(c => c.Name)),
            ["rows"] = report.Rows,
            ["validation_rows"] = report.ValidationRows,
            ["iterations"] = report.Iterations,
            ["best_iteration"] = report.BestIteration,
            ["validation_loss"] = ResultText.Json(report.ValidationLoss),
            ["parameters"] = Model.ParameterValues.Length,
            ["train_seconds"] = Math.Round(Model.TrainSeconds, 3),
            ["seed"] = report.Seed,
        };
        if (Model.LossByTime is { } loss)
        {
            result["loss_by_time"] = new JsonArray([.. loss.Select(l => new JsonObject
            {
                ["from"] = l.From,
                ["to"] = l.To,
                ["mean"] = ResultText.Json(l.Mean),
                ["deviation"] = ResultText.Json(l.Deviation),
            })]);
        }

        if (Model.Standardisation.Transforms is { Count: > 0 } transforms)
        {
            result["long_tails"] = new JsonObject(
                Model.Columns.Zip(transforms).Where(c => c.Second is not null).Select(c => KeyValuePair.Create(c.First, (JsonNode?)c.Second!.ToString())));
        }

        if (Model.Table is { } law)
        {
            result["types"] = new JsonArray([.. law.Types.All.Select(Describe)]);
        }

        if (LogLikelihood is { } likelihood)
        {
            result["log_likelihood"] = ResultText.Json(likelihood.Mean);
            result["log_likelihood_error"] = ResultText.Json(likelihood.Error);
            result["likelihood_rows"] = likelihood.Rows;
            if (Parts is var (probability, density))
            {
                result["log_probability"] = ResultText.Json(probability);
                result["log_density"] = ResultText.Json(density);
            }

            result["divergence"] = likelihood.IsExact ? "exact" : "estimated";
        }

        result["warnings"] = ResultText.Json(Warnings.Select(w => w.Message));
        result["status"] = "success";
        return result;
    }

    /// <inheritdoc/>
    public IReadOnlyList<SummaryBlock> Summary()
    {
        var (report, parameters) = (Model.Report, Model.ParameterValues.Length);
        List<(string Name, string Text)> lines =
        [
            ("rows", $"{report.Rows} to learn from, {report.ValidationRows} held out; {Columns.Count} columns"),
            ("training", ResultText.Of(
                $"{report.Iterations} steps in {Model.TrainSeconds:F1} s, {parameters} parameters; kept those of step {report.BestIteration}")),
        ];
        if (Model.Table is { } law)
        {
            lines.Insert(1, ("types", string.Join("; ", law.Types.All.Select(Told))));
        }

        if (Model.Standardisation.Transforms is { Count: > 0 } transforms)
        {
            var curves = Model.Columns.Zip(transforms).Where(c => c.Second is not null).GroupBy(c => c.Second!.ToString(), c => c.First);
            lines.Add(("long tails", $"{string.Join("; ", curves.Select(g => $"{string.Join(", ", g)} by {g.Key}"))}: few rows set the standard deviation"));
        }

        if (Model.LossByTime is { } loss && Model.Table?.Types.Continuous.Count != 0)
        {
            var means = string.Join(", ", loss.Select(l => ResultText.Of($"{l.Mean:G3} ({l.Deviation:G2})")));
            lines.Add(("loss over time", $"{means}: mean (deviation) on held-out rows in {loss.Count} equal parts of [0, 1]"));
        }

        if (LogLikelihood is { } likelihood)
        {
            var rows = likelihood.Rows == 1 ? "row" : "rows";
            var estimated = likelihood.IsExact ? "" : " (estimated divergence)";
            lines.Add(
                ("log-likelihood", $"{MeanOfRows.Text(likelihood.Mean, likelihood.Error, "nats")} on {likelihood.Rows} held-out {rows}{estimated}"));
            if (Parts is var (probability, density))
            {
                var words = ResultText.Of($"{probability:F4} log-probability of words, whole numbers and zeros");
                lines.Add(("", words + ResultText.Of($", {density:F4} log density of the rest given them")));
            }
        }

        return [new SummaryLines(lines)];
    }

    /// <inheritdoc/>
    public RunPictures Draw(string command, string? metrics) =>
        FlowPictures.Describe(Model, Data, command, Model.TrainSeconds, new FlowSettings { Seed = Run.Seed, Threads = Run.Threads }, metrics);

    private IReadOnlyList<string> Columns => Model.Table is { } law ? [.. law.Types.Generated.Select(t => t.Name)] : Model.Columns;

    private static string Told(ColumnType type) => $"{type.Name} {type}{(type.IsCondition ? ", given" : "")}";

    private static JsonObject Describe(ColumnType type)
    {
        var result = new JsonObject { ["name"] = type.Name, ["kind"] = ColumnType.Word(type.Kind) };
        if (type.IsCondition)
        {
            result["condition"] = true;
        }

        if (type.Values.Count > 0)
        {
            result["values"] = ResultText.Json(type.Values);
        }
        else if (type.Kind == ColumnKind.Integer)
        {
            (result["least"], result["greatest"]) = (ResultText.Json(type.Lower), ResultText.Json(type.Upper));
        }

        return result;
    }

    // Of a table with types the coordinates with a density, in the rows in which all are there.
    private static IReadOnlyList<Status> Check(FlowData data)
    {
        if (data.Table is not { } table)
        {
            return [];
        }

        if (data.Types is not { } types)
        {
            return TableCheck.Of(table.Select([.. data.Names]).Values, data.Names);
        }

        var (d, (values, isThere)) = (types.Continuous.Count, types.Coordinates(data.Typed!));
        int[] whole = [.. Enumerable.Range(0, d == 0 ? 0 : data.Typed!.Rows).Where(row => isThere.AsSpan(row * d, d).IndexOf(false) < 0)];
        if (whole.Length < LeastChecked)
        {
            return [];
        }

        // Sums of whole numbers and others are found in the table's own units.
        double[] coordinates = [.. whole.SelectMany(row => values[(row * d)..((row + 1) * d)])];
        string[] counts = [.. types.Generated.Where(t => t.Kind == ColumnKind.Integer).Select(t => t.Name)];
        string[] names = [.. counts, .. data.Names];
        var found = TableCheck.Of(coordinates, data.Names);
        var mixed = TableCheck.Combinations(data.Typed!.Take(whole).Select(names).Values, names, counts.Length);
        return [.. found, .. mixed.Where(status => found.All(known => known.Message.Split(" is ")[0] != status.Message.Split(" is ")[0]))];
    }

    private static FitResult OfTable(FlowModel model, DataTable table, FlowData data, Run run)
    {
        var rows = table.Take([.. Enumerable.Range(0, Math.Min(MostRows, table.Rows))]);
        var isExact = model.Dimension <= LargestExactDimension;
        var law = new TableModel(model).LogDensity(rows, new FlowSettings { Threads = run.Threads, Probes = isExact ? 0 : Probes });
        var (mean, error) = MeanOfRows.Of(law.Sum);
        return new FitResult(model, (mean, error, rows.Rows, isExact), data, run) { Parts = (law.LogProbability.Average(), law.LogDensity.Average()) };
    }

    private static (double Mean, double Error, int Rows, bool IsExact) Judge(FlowModel model, double[] held, int threads)
    {
        var d = model.Dimension;
        var rows = Math.Min(MostRows, held.Length / d);
        var isExact = d <= LargestExactDimension;
        var given = model.HeldOutGiven?.First(rows, model.Ends.Inputs);
        var values = model.LogDensity(held[..(rows * d)], new FlowSettings { Threads = threads, Probes = isExact ? 0 : Probes, Given = given });
        var (mean, error) = MeanOfRows.Of(values, held, d);
        return (mean, error, rows, isExact);
    }
}
