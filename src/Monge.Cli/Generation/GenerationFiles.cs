using System.CommandLine;
using System.Globalization;
using Monge.Data;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Cli.Generation;

/// <summary>What the commands around flow models share: arguments, files and conditions.</summary>
internal static class GenerationFiles
{
    /// <summary>The argument for a model.</summary>
    public static Argument<string> Model() => new("model") { Description = "A model that `monge fit` wrote, or the folder of its run.", HelpName = "MODEL" };

    /// <summary>The argument for a model or an evolution.</summary>
    public static Argument<string> ModelOrEvolution() => new("model")
    {
        Description = "A model that `monge fit` or `monge evolve` wrote, or the folder of its run.",
        HelpName = "MODEL",
    };

    /// <summary>The argument for a table.</summary>
    public static Argument<string> Data(string description) => new("data") { Description = description + " (.npy, .npz or a text table)", HelpName = "DATA" };

    /// <summary>The output of rows.</summary>
    public static Option<string?> Out(string what) =>
        new("--out", "-o")
        {
            Description = $"The file for {what}: .npy, .npz, .json for ArviZ, or comma-separated text with any other ending.",
            HelpName = "FILE",
        };

    /// <summary>A tolerance or another positive number; null when not given.</summary>
    public static Option<double?> Positive(string name, string description, string helpName, bool zeroToo = false) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = result =>
        {
            var text = result.Tokens[^1].Value;
            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                && double.IsFinite(value) && (value > 0 || (zeroToo && value == 0)))
            {
                return value;
            }

            result.AddError($"{name} takes a number {(zeroToo ? "of at least" : "above")} 0, not '{text}'.");
            return null;
        },
    };

    /// <summary>The layout of text tables.</summary>
    public static Option<TableLayout> Layout() => new("--layout")
    {
        Description = $"How text tables are laid out, where their rows don't show it: words of {string.Join(", ", TableLayout.Words)}, separated by commas.",
        HelpName = "WORDS",
        CustomParser = result =>
        {
            try
            {
                return TableLayout.Parse(result.Tokens[^1].Value);
            }
            catch (ArgumentException error)
            {
                result.AddError(error.Message);
                return null;
            }
        },
    };

    /// <summary>Columns to leave out.</summary>
    public static Option<string[]> Drop() =>
        new("--drop") { Description = "A column to leave out, whatever it holds; repeat for several.", HelpName = "COLUMN" };

    /// <summary>Conditions as COLUMN=VALUE.</summary>
    public static Option<string[]> Given() => new("--given")
    {
        Description = "What a condition is, or of a model with types any column that has probabilities, as COLUMN=VALUE; repeat for several columns. "
            + "What is not given is drawn.",
        HelpName = "COLUMN=VALUE",
    };

    /// <summary>Reads a model; a missing file is told like every other failure.</summary>
    public static FlowModel Load(string path) => Directory.Exists(path) && File.Exists(Path.Combine(path, RunSession.ModelName))
        ? FlowModel.Load(Path.Combine(path, RunSession.ModelName), MethodRegistry.Fits)
        : File.Exists(path)
        ? FlowModel.Load(path, MethodRegistry.Fits)
        : throw CommandException.Usage($"There is no model '{path}'; `monge fit DATA --out {path}` makes one.");

    /// <summary>Reads a table, refusing what a command can't use, and tells on standard error what was decided that could be otherwise.</summary>
    public static DataTable Read(string path, TableLayout? layout, DataTableOptions? options = null)
    {
        try
        {
            options ??= new DataTableOptions();
            var table = DataTable.Read(path, options with { Layout = layout ?? options.Layout });
            foreach (var note in table.Notes)
            {
                Console.Error.WriteLine($"monge: note: {path}: {note}");
            }

            return table;
        }
        catch (FileNotFoundException error)
        {
            throw CommandException.Usage(error.Message);
        }
    }

    /// <summary>
    /// Reads a table, and the rows that belong to a model: its columns by name, whatever else there is, or all columns by place if their number is right
    /// and the table or the model has no names. Condition columns may hold words.
    /// </summary>
    public static (DataTable Table, double[] Rows) Rows(string path, FlowModel model, TableLayout? layout, string[]? drop)
    {
        string[] conditions = [.. model.Conditions.Select(c => c.Name)];
        var table = Read(path, layout, new DataTableOptions { LabelColumns = conditions, Only = model.Columns, Drop = drop ?? [] });
        return (table, Match(table, model.Columns, conditions));
    }

    /// <summary>Reads a table, and of it the columns of an evolution's coordinates, or all by place as of a model.</summary>
    public static double[] Rows(string path, IReadOnlyList<string> columns, TableLayout? layout, string[]? drop) =>
        Match(Read(path, layout, new DataTableOptions { Only = columns, Drop = drop ?? [] }), columns, []);

    /// <summary>Reads the rows of a table whose columns have types.</summary>
    public static DataTable Rows(string path, TableModel model, TableLayout? layout, string[]? drop)
    {
        var words = model.Types.All.Where(t => t.IsWords || t.IsCondition).Select(t => t.Name).ToArray();
        var numbers = model.Types.Generated.Where(t => !t.IsWords).Select(t => t.Name).ToArray();
        var table = Read(path, layout, new DataTableOptions { LabelColumns = words, Only = [.. model.Columns], Drop = drop ?? [], Words = true });
        if (model.Types.Generated.All(t => table.Order.Contains(t.Name)))
        {
            return table;
        }

        if (words.Length == 0)
        {
            return DataTable.From(Match(table, numbers, model.Conditions), numbers.Length, numbers, table.Source);
        }

        throw new DataFormatException(
            table.Source, $"has the columns {string.Join(", ", table.Order)}; the model needs {string.Join(", ", model.Columns)}");
    }

    /// <summary>The values of --given by column.</summary>
    public static IReadOnlyDictionary<string, string> Given(string[]? given) => Parse(given ?? []);

    /// <summary>The conditions of rows: those of --given, else those of the table's columns, else none.</summary>
    public static ConditionValues? Conditions(FlowModel model, string[]? given, DataTable? table)
    {
        if (given is { Length: > 0 })
        {
            return ConditionValues.Values(Parse(given));
        }

        return table is not null && model.Conditions.Count > 0 && model.Conditions.All(c => table.Has(c.Name) || table.LabelNames.Contains(c.Name))
            ? ConditionValues.Rows(table) : null;
    }

    private static Dictionary<string, string> Parse(string[] given)
    {
        var values = new Dictionary<string, string>();
        foreach (var text in given)
        {
            var at = text.IndexOf('=');
            if (at < 1 || at == text.Length - 1)
            {
                throw CommandException.Usage($"--given takes COLUMN=VALUE, not '{text}'.");
            }

            values[text[..at]] = text[(at + 1)..];
        }

        return values;
    }

    private static double[] Match(DataTable table, IReadOnlyList<string> columns, IReadOnlyList<string> conditions)
    {
        if (columns.All(table.Has))
        {
            return table.Select([.. columns]).Values;
        }

        string[] names = [.. table.Names.Where(n => !conditions.Contains(n))];
        return names.Length == columns.Count && (DataTable.AreMadeUp(names) || DataTable.AreMadeUp(columns))
            ? table.Select(names).Values
            : throw new DataFormatException(
                table.Source, $"has the columns {string.Join(", ", table.Names)}; the model needs {string.Join(", ", columns)}");
    }
}
