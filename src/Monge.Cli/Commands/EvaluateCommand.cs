using System.CommandLine;
using Monge.Cli.Generation;
using Monge.Cli.Output;
using Monge.Data;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Runs;

namespace Monge.Cli.Commands;

/// <summary>
/// <c>monge evaluate MODEL DATA</c> or <c>monge evaluate SAMPLES DATA</c>: how far generated rows are from rows of the data, each distance beside its floor.
/// </summary>
internal sealed class EvaluateCommand
{
    private const int LeastRows = 10;

    private const int LeastDrawn = 2000;
    private const int MostDrawn = 20_000;

    private readonly Argument<string> _samples =
        new("model")
        {
            Description = "A model that `monge fit` wrote (.safetensors), or generated rows: a .npy, .npz or text table.",
            HelpName = "MODEL|SAMPLES"
        };
    private readonly Argument<string> _data =
        new("data") { Description = "Rows of the data that the model was not fitted to; halves of them make the floors.", HelpName = "DATA" };
    private readonly Option<string?> _training =
        new("--train") { Description = "The rows that the model was fitted to, for the memorisation check.", HelpName = "FILE" };
    private readonly Option<string[]> _drop =
        new("--drop") { Description = "A column to leave out, whatever it holds; repeat for several.", HelpName = "COLUMN", DefaultValueFactory = _ => [] };
    private readonly Option<TableLayout> _layout = GenerationFiles.Layout();
    private readonly Option<int> _drawn = CommandOptions.Integer(
        "--samples", "Rows to draw from a model. [default: as many as DATA has, from 2000 to 20000]", 0, LeastRows, 10_000_000);
    private readonly Option<int> _steps = CommandOptions.Integer(
        "--steps", "Equal Runge-Kutta steps of a model's ODE. [default: chosen by a tolerance of 1e-5]", 0, 1, 1_000_000);
    private readonly Option<int> _rows = CommandOptions.Integer(
        "--rows", "Most rows of each set in a distance; the exact W2 takes time cubic in it.", 1000, LeastRows, 5000);
    private readonly Option<int> _repetitions = CommandOptions.Integer("--repetitions", "Repetitions of each distance with other rows.", 10, 2, 1000);
    private readonly Option<bool> _raw = new("--raw") { Description = "Measure in the columns' own units instead of the data's standard deviations." };
    private readonly Option<bool> _noClassifier = new("--no-classifier") { Description = "Leave out the classifier test." };
    private readonly Option<ulong> _seed = CommandOptions.Seed();
    private readonly Option<int> _threads = CommandOptions.Threads();
    private readonly Option<bool> _json = CommandOptions.Json("one object with the table");

    // A default of 0 stands for "not given", which help has no reason to show.
    private EvaluateCommand()
    {
        (_drawn.DefaultValueFactory, _steps.DefaultValueFactory) = (null, null);
        _drawn.Aliases.Add("-n");
    }

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var evaluate = new EvaluateCommand();
        var command = new Command(
            "evaluate", "Compare generated rows with held-out rows of the data: distances beside their floors, columns, a classifier, memorisation.")
        {
            evaluate._samples, evaluate._data, evaluate._training, evaluate._drop, evaluate._layout, evaluate._drawn, evaluate._steps, evaluate._rows,
                evaluate._repetitions, evaluate._raw, evaluate._noClassifier, evaluate._seed,
            evaluate._threads, evaluate._json,
        };
        HelpExamples.Add(
            command,
            ("monge evaluate model.safetensors test.csv --train train.csv", "draw from a model and compare, with the check for repeated training rows"),
            ("monge evaluate samples.npy test.csv", "rows that any program has made"),
            ("monge evaluate samples.csv test.csv --raw --rows 2000 --json", "in the columns' own units, as JSON"));
        command.SetWork(evaluate.Run);
        return command;
    }

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        var (first, file, train) = (parsed.GetRequiredValue(_samples), parsed.GetRequiredValue(_data), parsed.GetValue(_training));
        var (samples, data, training, isOwn) = first.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)
            ? FromModel(parsed, first, file, train) : FromFiles(parsed, first, file, train);
        var (seed, threads) = (parsed.GetValue(_seed), parsed.GetValue(_threads));
        var options = new TwoSampleOptions
        {
            DistanceRows = parsed.GetValue(_rows),
            Repetitions = parsed.GetValue(_repetitions),
            Standardise = !parsed.GetValue(_raw),
            Classifier = parsed.GetValue(_noClassifier) ? null : new ClassifierTestOptions { Seed = seed, Threads = threads },
            Seed = seed,
            Threads = threads,
        };
        var (numbers, unknown) = (WordColumns.ToNumbers(data, data), WordColumns.Unknown(samples, data));
        var sampled = WordColumns.ToNumbers(samples, data);
        var trained = training is null ? null : WordColumns.ToNumbers(training, data);
        (samples, data, training) = (sampled, numbers, trained);
        var table = TwoSampleTable.Compute(samples.Values, data.Values, data.Columns, options, training?.Values, data.Names, cancellation);
        string[] concerns =
        [
            .. unknown,
            .. TableCheck.WildRows(data.Values, data.Names).Select(status => $"In {data.Source} {status.Message}."),
            .. isOwn ? (string[])[$"{file} has the name of the file that the model was fitted to: rows that it has seen make floors and check too good."] : [],
        ];
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(_json))
        {
            output.WriteLine(JsonOutput.Line(TwoSampleOutput.Describe(table, samples.Source, data.Source, options, concerns)));
        }
        else
        {
            TwoSampleOutput.Write(table, samples.Source, data.Source, options, concerns, output);
        }

        return ExitCodes.Success;
    }

    private (DataTable Samples, DataTable Data, DataTable? Training, bool IsOwn) FromFiles(ParseResult parsed, string samples, string file, string? train)
    {
        var (drop, layout) = (parsed.GetRequiredValue(_drop), parsed.GetValue(_layout));
        DataTable Read(string path, int rows, bool isData) => GenerationFiles.Read(
            path, layout, new DataTableOptions { Drop = drop, DropIfThere = true, MinimumRows = rows, RefuseConstantColumns = isData, Words = true });
        var data = Read(file, LeastRows, isData: true);
        DataTable[] others = [Read(samples, LeastRows, isData: false), .. train is null ? [] : (DataTable[])[Read(train, 1, isData: false)]];
        if (drop.FirstOrDefault(name => !data.LeftOut.Contains(name) && !others.Any(t => t.LeftOut.Contains(name))) is { } missing)
        {
            throw CommandException.Failure($"{file} has no column '{missing}' to leave out; it has {string.Join(", ", data.Names)}.");
        }

        return (Matched(others[0], data), data, train is null ? null : Matched(others[1], data), false);
    }

    // A conditional model draws one row for each row of the data, under that row's conditions, when the data have them.
    private (DataTable Samples, DataTable Data, DataTable? Training, bool IsOwn) FromModel(ParseResult parsed, string path, string file, string? train)
    {
        var model = GenerationFiles.Load(path);
        if (!model.HasBaseDensity)
        {
            throw CommandException.Failure($"The base of '{path}' is a table; map its rows with `monge map` and give evaluate the result.");
        }

        var (layout, drop) = (parsed.GetValue(_layout), parsed.GetRequiredValue(_drop));
        var isOwn = train is null && Path.GetFileName(file) == model.Report.Source;
        var settings = new FlowSettings
        {
            Seed = parsed.GetValue(_seed),
            Threads = parsed.GetValue(_threads),
            Steps = parsed.GetValue(_steps) is > 0 and var steps ? steps : null,
        };
        int Count(int rows) => parsed.GetValue(_drawn) is > 0 and var asked ? asked : Math.Clamp(rows, LeastDrawn, MostDrawn);
        if (model.Table is not null)
        {
            var typed = new TableModel(model);
            return FromTyped(typed, path, settings, Count, isOwn, name => GenerationFiles.Rows(name, typed, layout, drop), file, train);
        }

        var (table, rows) = GenerationFiles.Rows(file, model, layout, drop);
        var data = DataTable.From(rows, model.Dimension, model.Columns, file, new DataTableOptions { MinimumRows = LeastRows, RefuseConstantColumns = true });
        var given = GenerationFiles.Conditions(model, null, table);
        var count = given is not null ? table.Rows : Count(table.Rows);
        settings = settings with { Given = given };
        DataTable Named(double[] values, string source) => DataTable.From(values, model.Dimension, model.Columns, source);
        var training = train is null ? null : Named(GenerationFiles.Rows(train, model, layout, drop).Rows, train);
        return (Named(model.Generate(count, settings), path), data, training, isOwn);
    }

    private static (DataTable Samples, DataTable Data, DataTable? Training, bool IsOwn) FromTyped(
        TableModel model, string path, FlowSettings settings, Func<int, int> count, bool isOwn, Func<string, DataTable> read, string file, string? train)
    {
        var data = read(file);
        if (data.Rows < LeastRows)
        {
            throw CommandException.Failure(FormattableString.Invariant($"{file} has {data.Rows} rows; at least {LeastRows} are needed."));
        }

        var hasConditions = model.Conditions.Count > 0;
        var drawn = model.Generate(hasConditions ? data.Rows : count(data.Rows), settings, conditions: hasConditions ? data : null);
        DataTable Only(DataTable table, string source) => WordColumns.Chosen(table, model.Columns, source);
        return (Only(drawn, path), Only(data, file), train is null ? null : Only(read(train), train), isOwn);
    }

    // The columns in the data's order when both name them; by place where a table has no names.
    private static DataTable Matched(DataTable table, DataTable data)
    {
        if (data.Names.All(table.Has) && data.LabelNames.All(table.LabelNames.Contains))
        {
            return table.Select(data.Names);
        }

        if (table.Columns == data.Columns && !(table.HasNames && data.HasNames) && !data.LabelNames.Any())
        {
            return table;
        }

        string Described(DataTable one, string word) =>
            $"{one.Order.Count}{word} ({string.Join(", ", one.Order.Take(8))}{(one.Order.Count > 8 ? ", ..." : "")})";
        throw CommandException.Failure(
            $"{table.Source} has {Described(table, " columns")}, {data.Source} has {Described(data, "")}; both need the same columns "
            + "(--drop leaves some of the data's out, and a table without names is matched by place).");
    }
}
