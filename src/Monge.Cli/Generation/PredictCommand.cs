using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Cli.Runs;
using Monge.Data;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Cli.Generation;

/// <summary><c>monge predict MODEL DATA</c>: predicts the target of trained networks at rows, with the band of the central limit theorem.</summary>
internal sealed class PredictCommand
{
    private readonly Argument<string> _model = new("model") { Description = "A model that `monge train` wrote, or the folder of its run.", HelpName = "MODEL" };
    private readonly Argument<string> _data = GenerationFiles.Data("The rows");
    private readonly Option<string?> _out = GenerationFiles.Out("the predictions");
    private readonly Option<double> _level = new("--level")
    {
        Description = "The probability with which a further network lies in the band.",
        HelpName = "P",
        DefaultValueFactory = _ => 0.95,
        CustomParser = result =>
        {
            var text = result.Tokens[^1].Value;
            if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var level) && level is > 0 and < 1)
            {
                return level;
            }

            result.AddError($"--level takes a probability between 0 and 1, not '{text}'.");
            return 0.95;
        },
    };

    private readonly Option<string[]> _drop = GenerationFiles.Drop();
    private readonly Option<TableLayout> _layout = GenerationFiles.Layout();
    private readonly Option<int> _threads = CommandOptions.Threads();
    private readonly Option<bool> _json = CommandOptions.Json("one object with what was done");

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var predict = new PredictCommand();
        var command = new Command("predict", "Predict a column at the rows of a table by trained networks, with the band in which a further network lies.")
        {
            predict._model, predict._data, predict._out, predict._level, predict._drop, predict._layout, predict._threads, predict._json,
        };
        HelpExamples.Add(
            command,
            ("monge predict m.safetensors new.csv -o predictions.csv", "prediction, deviation of networks, and the band's ends for each row"),
            ("monge predict runs/data-seed1 new.csv --level 0.9 -o p.npy", "a band of 90%, from a run's folder"));
        command.SetWork((parsed, _) => predict.Run(parsed));
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var model = Load(parsed.GetRequiredValue(_model));
        var (table, target) = Rows(parsed, model);
        var prediction = model.Predict(table, parsed.GetValue(_level), parsed.GetValue(_threads));
        var isTable = prediction.HasBand;
        string[] columns = [model.Columns.Target, .. isTable ? (string[])["deviation", "lower", "upper"] : []];
        double[] rows = !isTable ? prediction.Mean : [.. prediction.Mean.SelectMany((mean, i) =>
            (double[])[mean, prediction.Deviation[i], mean - prediction.Half[i], mean + prediction.Half[i]])];
        double? error = target is null ? null : Math.Sqrt(target.Zip(prediction.Mean, (y, f) => (y - f) * (y - f)).Average());
        Write(parsed, columns, rows, table.Rows, error);
        return ExitCodes.Success;
    }

    private void Write(ParseResult parsed, string[] columns, double[] rows, int count, double? error)
    {
        var (path, output) = (parsed.GetValue(_out), parsed.InvocationConfiguration.Output);
        if (path is null)
        {
            if (parsed.GetValue(_json))
            {
                throw CommandException.Usage("With --json the predictions need a file; give one with --out.");
            }

            DataTable.From(rows, columns.Length, columns, "the predictions").WriteText(output);
            return;
        }

        DrawOutput.WriteRows(path, null, columns, rows);
        if (parsed.GetValue(_json))
        {
            output.WriteLine(JsonOutput.Line(new JsonObject
            {
                ["rows"] = count,
                ["columns"] = ResultText.Json(columns),
                ["rmse"] = ResultText.Json(error),
                ["out"] = path,
            }));
            return;
        }

        output.WriteLine(FormattableString.Invariant($"{count} predictions are in {path}"));
        if (error is { } found)
        {
            output.WriteLine(FormattableString.Invariant($"root mean square error against column '{columns[0]}': {found:g5}"));
        }
    }

    private static NetworkModel Load(string path) => Directory.Exists(path) && File.Exists(Path.Combine(path, RunSession.ModelName))
        ? NetworkModel.Load(Path.Combine(path, RunSession.ModelName))
        : File.Exists(path) ? NetworkModel.Load(path)
        : throw CommandException.Usage($"There is no model '{path}'; `monge train DATA --target COLUMN --out {path}` makes one.");

    // The input columns by name, or all columns by place where their number is right and none has a name of its own; the target too where it is there.
    private (DataTable Table, double[]? Target) Rows(ParseResult parsed, NetworkModel model)
    {
        var (path, columns) = (parsed.GetRequiredValue(_data), model.Columns);
        var options = new DataTableOptions { LabelColumns = columns.Words, Drop = parsed.GetValue(_drop) ?? [], Words = true };
        var table = GenerationFiles.Read(path, parsed.GetValue(_layout), options);
        if (columns.Names.FirstOrDefault(name => !table.Order.Contains(name)) is not { } missing)
        {
            return (table, table.Has(columns.Target) ? table.Column(columns.Target) : null);
        }

        return columns.Words.Count == 0 && table.Columns == columns.Names.Count && !table.LabelNames.Any()
            && (DataTable.AreMadeUp(table.Names) || DataTable.AreMadeUp(columns.Names))
            ? (DataTable.From(table.Values, table.Columns, columns.Names, table.Source), null)
            : throw new DataFormatException(
                table.Source, $"lacks the column '{missing}' ({string.Join(", ", table.Order)} are there); the model needs {string.Join(", ", columns.Names)}");
    }
}
