using System.CommandLine;
using Monge.Cli.Output;
using Monge.Data;
using Monge.Diagnostics;

namespace Monge.Cli.Commands;

/// <summary><c>monge evaluate SAMPLES DATA</c>: how far generated rows are from rows of the data, each distance beside its floor.</summary>
internal sealed class EvaluateCommand
{
    private const int LeastRows = 10;

    private readonly Argument<string> _samples = new("samples") { Description = "Generated rows: a .npy, .npz or text table.", HelpName = "SAMPLES" };
    private readonly Argument<string> _data = new("data") { Description = "Rows of the data that the model was not fitted to; halves of them make the floors.", HelpName = "DATA" };
    private readonly Option<string?> _training = new("--train") { Description = "The rows that the model was fitted to, for the memorisation check.", HelpName = "FILE" };
    private readonly Option<string[]> _drop = new("--drop") { Description = "Columns of DATA and --train to leave out; may be repeated.", HelpName = "COLUMN", DefaultValueFactory = _ => [] };
    private readonly Option<int> _rows = CommandOptions.Integer("--rows", "Most rows of each set in a distance; the exact W2 takes time cubic in it.", 1000, LeastRows, 5000);
    private readonly Option<int> _repetitions = CommandOptions.Integer("--repetitions", "Repetitions of each distance with other rows.", 10, 2, 1000);
    private readonly Option<bool> _raw = new("--raw") { Description = "Measure in the columns' own units instead of the data's standard deviations." };
    private readonly Option<bool> _noClassifier = new("--no-classifier") { Description = "Leave out the classifier test." };
    private readonly Option<ulong> _seed = CommandOptions.Seed();
    private readonly Option<int> _threads = CommandOptions.Threads();
    private readonly Option<bool> _json = CommandOptions.Json("one object with the table");

    private EvaluateCommand()
    {
    }

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var evaluate = new EvaluateCommand();
        var command = new Command("evaluate", "Compare generated rows with held-out rows of the data: distances beside their floors, columns, a classifier, memorisation.")
        {
            evaluate._samples, evaluate._data, evaluate._training, evaluate._drop, evaluate._rows, evaluate._repetitions, evaluate._raw, evaluate._noClassifier, evaluate._seed,
            evaluate._threads, evaluate._json,
        };
        HelpExamples.Add(
            command,
            ("monge evaluate samples.npy test.csv", "the two-sample table"),
            ("monge evaluate samples.npy test.csv --train train.csv", "with the check for repeated training rows"),
            ("monge evaluate samples.csv test.csv --raw --rows 2000 --json", "in the columns' own units, as JSON"));
        command.SetAction((parsed, cancellation) => Task.Run(() => evaluate.Run(parsed, cancellation), cancellation));
        return command;
    }

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        var drop = parsed.GetRequiredValue(_drop);
        var data = DataTable.Read(parsed.GetRequiredValue(_data), new DataTableOptions { Drop = drop, MinimumRows = LeastRows, RefuseConstantColumns = true });
        var samples = Matched(DataTable.Read(parsed.GetRequiredValue(_samples), new DataTableOptions { MinimumRows = LeastRows }), data);
        var training = parsed.GetValue(_training) is { } file ? Matched(DataTable.Read(file, new DataTableOptions { Drop = drop, MinimumRows = 1 }), data) : null;
        var (seed, threads) = (parsed.GetValue(_seed), parsed.GetValue(_threads));
        var options = new TwoSampleOptions
        {
            DistanceRows = parsed.GetValue(_rows),
            Repetitions = parsed.GetValue(_repetitions),
            Standardise = !parsed.GetValue(_raw),
            Classifier = parsed.GetValue(_noClassifier) ? null : new ClassifierTestOptions { Seed = seed, Threads = threads },
            Seed = seed,
        };
        var table = TwoSampleTable.Compute(samples.Values, data.Values, data.Columns, options, training?.Values, data.Names, cancellation);
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(_json))
        {
            output.WriteLine(JsonOutput.Line(TwoSampleOutput.Describe(table, samples.Source, data.Source, options)));
        }
        else
        {
            TwoSampleOutput.Write(table, samples.Source, data.Source, options, output);
        }

        return ExitCodes.Success;
    }

    // The columns in the data's order when both name them, else as they stand.
    private static DataTable Matched(DataTable table, DataTable data) =>
        data.Names.All(table.Has) && table.Columns >= data.Columns ? table.Select(data.Names)
        : table.Columns == data.Columns ? table
        : throw CommandException.Failure($"{table.Source} has {table.Columns} columns ({string.Join(", ", table.Names.Take(8))}), {data.Source} has {data.Columns} ({string.Join(", ", data.Names.Take(8))}); both need the same columns (--drop leaves some of the data's out).");
}
