using System.Globalization;
using System.Text.Json.Nodes;
using Monge.Diagnostics;
using Monge.Runs;
using Spectre.Console;

namespace Monge.Cli.Output;

/// <summary>The two-sample table for people and for programs.</summary>
internal static class TwoSampleOutput
{
    private const int ShownColumns = 20;
    private const double ClassifierDoubt = 3;
    private const double CopiedShare = 0.01;
    private const double RepeatedShare = 0.05;

    /// <summary>Writes the table.</summary>
    public static void Write(
        TwoSampleTable table, string samples, string data, TwoSampleOptions options, IReadOnlyList<string> concerns, TextWriter output)
    {
        var console = SummaryWriter.Open(output);
        console.WriteLine(
            $"{samples} ({table.Samples} rows) against {data} ({table.DataRows} rows), "
            + $"{(options.Standardise ? "columns in standard deviations of the data" : "columns in their own units")}");
        SummaryWriter.WriteTable(console, Distances(table.Distances), Console.IsOutputRedirected);
        SummaryWriter.WriteTable(console, Columns(table.Columns), Console.IsOutputRedirected);
        if (table.Classifier is { } classifier)
        {
            console.WriteLine(classifier.ToString());
        }
        else if (options.Classifier is not null)
        {
            console.WriteLine("classifier test left out: it needs 100 rows of each kind");
        }

        console.WriteLine(table.Memorisation?.ToString() ?? "memorisation not checked: give the rows of the fit with --train");
        console.WriteLine(Unseen(table).ToString());
        foreach (var warning in concerns.Concat(Warnings(table)))
        {
            console.MarkupLineInterpolated($"[yellow]warning:[/] {warning}");
        }
    }

    /// <summary>The table as JSON.</summary>
    public static JsonObject Describe(TwoSampleTable table, string samples, string data, TwoSampleOptions options, IReadOnlyList<string> concerns) => new()
    {
        ["samples"] = samples,
        ["data"] = data,
        ["sample_rows"] = table.Samples,
        ["data_rows"] = table.DataRows,
        ["standardised"] = options.Standardise,
        ["seed"] = options.Seed,
        ["distances"] = new JsonArray([.. table.Distances.Select(d => new JsonObject
        {
            ["name"] = d.Cost,
            ["rows"] = d.Samples,
            ["value"] = ResultText.Json(d.Value),
            ["value_error"] = ResultText.Json(d.ValueError),
            ["floor"] = ResultText.Json(d.Floor),
            ["floor_spread"] = ResultText.Json(d.FloorSpread),
            ["ratio"] = ResultText.Json(d.Ratio),
        })]),
        ["largest_ratio"] = ResultText.Json(table.LargestRatio),
        ["columns"] = new JsonArray([.. table.Columns.Select(c => new JsonObject
        {
            ["name"] = c.Name,
            ["mean"] = ResultText.Json(c.Mean),
            ["data_mean"] = ResultText.Json(c.DataMean),
            ["sd"] = ResultText.Json(c.Deviation),
            ["data_sd"] = ResultText.Json(c.DataDeviation),
            ["kolmogorov"] = ResultText.Json(c.Kolmogorov),
            ["probability"] = ResultText.Json(c.Probability),
        })]),
        ["classifier"] = table.Classifier is not { } classifier ? null : new JsonObject
        {
            ["accuracy"] = ResultText.Json(classifier.Accuracy),
            ["error"] = ResultText.Json(classifier.Error),
            ["test_rows"] = classifier.TestRows,
            ["excess"] = ResultText.Json(classifier.Excess),
        },
        ["not_seen"] = new JsonObject
        {
            ["mean"] = ResultText.Json(Unseen(table).Mean),
            ["share"] = ResultText.Json(Unseen(table).Share),
            ["rarest_kind"] = ResultText.Json(Unseen(table).RarestKind),
            ["accuracy"] = ResultText.Json(Unseen(table).Accuracy),
            ["auc"] = ResultText.Json(Unseen(table).Auc),
        },
        ["copies_of_data"] = table.SampleCopies,
        ["repeated_data_rows"] = table.RepeatedRows,
        ["memorisation"] = table.Memorisation is not { } check ? null : new JsonObject
        {
            ["generated_median"] = ResultText.Json(check.GeneratedMedian),
            ["validation_median"] = ResultText.Json(check.ValidationMedian),
            ["nearer"] = ResultText.Json(check.Nearer),
            ["nearer_error"] = ResultText.Json(check.NearerError),
            ["share_below_5_percent"] = ResultText.Json(check.ShareBelow),
            ["copies"] = check.Copies,
            ["validation_copies"] = check.ValidationCopies,
            ["memorises"] = check.Memorises,
        },
        ["warnings"] = ResultText.Json(concerns.Concat(Warnings(table))),
    };

    private static DetectableDifference Unseen(TwoSampleTable table) =>
        DetectableDifference.Of(table.Samples, table.DataRows, table.Classifier?.TestRows);

    private static IEnumerable<string> Warnings(TwoSampleTable table)
    {
        // Far below means more than four spreads; the two distances here have a floor well above zero.
        foreach (var below in table.Distances.Where(d => d.Cost is "W2" or "sliced W2" && d.Value < d.Floor - (4 * d.FloorSpread)).Take(1))
        {
            yield return $"{below.Cost} lies far below its floor: the samples are under-dispersed, or rows of the data are among them.";
        }

        if (table.SampleCopies >= LeastCopied(table.Samples))
        {
            yield return ResultText.Of($"{table.SampleCopies} of the {table.Samples} rows of the samples are rows of the data, ")
                + "so the distances are too small: take data that no sample has.";
        }

        if (table.RepeatedRows > RepeatedShare * table.DataRows)
        {
            yield return ResultText.Of(
                $"{table.RepeatedRows} of the {table.DataRows} rows of the data are copies of others, so the floors, of halves that share rows, are too low.");
        }

        if (table.Memorisation is { } seen && seen.ValidationCopies >= LeastCopied(table.DataRows))
        {
            yield return ResultText.Of($"{seen.ValidationCopies} of the {table.DataRows} rows of the data are rows of the fit, so ")
                + "neither the floors nor the memorisation check mean what they say: give rows that the fit has not seen.";
        }

        if (table.Classifier is { } classifier && classifier.Excess > ClassifierDoubt)
        {
            yield return string.Create(CultureInfo.InvariantCulture,
                $"A classifier tells the samples from the data ({100 * classifier.Accuracy:F1} % right); train longer or with more data.");
        }

        if (table.Memorisation is { Memorises: true } check)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"The samples lie nearer to the training rows than fresh data do (probability {check.Nearer:F2}, {check.Copies} copies): the model repeats "
                + $"its data; stop earlier or take a smaller one.");
        }
    }

    // A few equal rows are no wonder where numbers are rounded.
    private static int LeastCopied(int rows) => Math.Max(1, (int)Math.Ceiling(CopiedShare * rows));

    private static Table Distances(IReadOnlyList<DistanceWithFloor> distances)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("distance from the data");
        AddNumbers(table, "n", "value", "floor: data from data", "ratio");
        foreach (var d in distances)
        {
            table.AddRow([.. Texts(
                d.Cost, d.Samples.ToString(CultureInfo.InvariantCulture), ResultText.WithError(d.Value, d.ValueError ?? double.NaN),
                ResultText.WithError(d.Floor, d.FloorSpread),
                d.Ratio.ToString("0.00", CultureInfo.InvariantCulture))]);
        }

        return table;
    }

    private static Table Columns(IReadOnlyList<ColumnComparison> columns)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("column");
        AddNumbers(table, "mean", "data", "sd", "data", "Kolmogorov", "probability");
        foreach (var c in columns.OrderBy(c => c.Probability).Take(ShownColumns))
        {
            table.AddRow([.. Texts(
                c.Name, ResultText.Number(c.Mean), ResultText.Number(c.DataMean), ResultText.Number(c.Deviation), ResultText.Number(c.DataDeviation),
                c.Kolmogorov.ToString("0.000", CultureInfo.InvariantCulture), c.Probability.ToString("G2", CultureInfo.InvariantCulture))]);
        }

        return columns.Count > ShownColumns ? table.Caption($"the {ShownColumns} of {columns.Count} columns that differ most; --json holds all") : table;
    }

    private static void AddNumbers(Table table, params string[] heads)
    {
        foreach (var head in heads)
        {
            table.AddColumn(new TableColumn(head) { Alignment = Justify.Right, NoWrap = true });
        }
    }

    private static IEnumerable<Text> Texts(params string[] cells) => cells.Select(cell => new Text(cell));
}
