namespace Monge.Data;

/// <summary>A text table of which neither layout nor columns are known: numbers, columns of words where they may be, and what was decided.</summary>
/// <param name="Names">Names of the columns of numbers [d].</param>
/// <param name="Rows">Number of rows n.</param>
/// <param name="Values">The numbers [n, d], row-major.</param>
/// <param name="Labels">The columns of words.</param>
/// <param name="Dropped">The columns that were left out.</param>
/// <param name="Notes">What was decided though it could be otherwise.</param>
/// <param name="Order">The names of all columns of the file.</param>
internal sealed record TextTable(
    string[] Names, int Rows, double[] Values, Dictionary<string, string[]> Labels, IReadOnlyList<string> Dropped, IReadOnlyList<string> Notes,
    IReadOnlyList<string> Order)
{
    private const int MostShown = 5;

    /// <summary>The columns of numbers that the file says to be classes.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>Reads a table.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">What columns may hold words, what is left out, and what is known of the layout.</param>
    /// <exception cref="DataFormatException">The file can't be used; the message names line and column.</exception>
    public static TextTable Read(string path, DataTableOptions options)
    {
        var text = CsvTable.ReadText(path);
        if (ArffFile.Is(text))
        {
            return Read(path, ArffFile.Read(path, text), options);
        }

        if (!options.Words)
        {
            return Read(path, text, options);
        }

        // Tables of numbers only are read at once, as without columns of words.
        try
        {
            return Read(path, text, options with { Words = false });
        }
        catch (DataFormatException)
        {
            return Read(path, text, options);
        }
    }

    private static TextTable Read(string path, string text, DataTableOptions options)
    {
        var plan = TextTableLayout.Detect(path, text, options.Layout);
        var names = CsvTable.Named(plan.Names);
        CsvTable.CheckNames(path, plan.NamesLine, names);
        int[] dropped = [.. Enumerable.Range(0, names.Length).Where(column => options.Drop.Contains(names[column]))];
        bool IsUnnamed(int column) => plan.Options.HasHeader && names.Length > 1
            && (plan.Names[column].Length == 0 || plan.Names[column].StartsWith("Unnamed: ", StringComparison.Ordinal))
            && !options.LabelColumns.Contains(names[column]) && !dropped.Contains(column);
        var needed = Needed(path, names, options);
        var used = options.Only.Concat(options.LabelColumns).ToHashSet(StringComparer.Ordinal);
        bool IsExtra(int column) => needed && !used.Contains(names[column]);
        int[] unnamed = [.. Enumerable.Range(0, names.Length).Where(IsUnnamed)];
        ColumnContent[] contents =
        [
            .. names.Select((name, column) => dropped.Contains(column) || IsExtra(column) ? ColumnContent.Ignored
                : unnamed.Contains(column) || options.LabelColumns.Contains(name) || options.Words ? ColumnContent.Either : ColumnContent.Numbers),
        ];
        var records = new TextRecords(path, text, plan.Options.Separator, plan.Rows) { Quote = plan.Quote, Comments = plan.Options.Comments };
        var rows = TextRows.Read(path, records.All(), names, contents, plan.Options, spare: true);
        List<string> notes = [.. plan.Notes, .. Extra(names, column => !dropped.Contains(column) && IsExtra(column))];
        foreach (var column in unnamed.Where(column => !IsExtra(column)))
        {
            var isLabels = RowNumbers.AreLabels(rows.Fields(column), isFirst: column == 0);
            rows.Decide(column, isLabels || rows.Fields(column).All(field => field.Trim().Length == 0) ? ColumnContent.Ignored : ColumnContent.Numbers);
            if (isLabels)
            {
                notes.Add(FormattableString.Invariant($"column {column + 1} was left out, as it has no name and numbers or names the rows"));
            }
        }

        for (var column = 0; column < names.Length && options.Words; column++)
        {
            // A few words among numbers are mistakes, which are told with their place.
            if (contents[column] == ColumnContent.Either && !unnamed.Contains(column) && !options.LabelColumns.Contains(names[column])
                && rows.WordsAmong(column) * 2 <= rows.Rows)
            {
                rows.Decide(column, ColumnContent.Numbers);
            }
        }

        rows.Settle();
        return new TextTable(rows.NumberNames, rows.Rows, rows.Values, rows.Words, [.. dropped.Select(column => names[column])], notes, names);
    }

    // What each column holds is said; nominal attributes whose classes are numbers are read as numbers, and said to be classes.
    private static TextTable Read(string path, ArffFile file, DataTableOptions options)
    {
        string[] names = [.. file.Attributes.Select(attribute => attribute.Name)];
        CsvTable.CheckNames(path, 1, names);
        var needed = Needed(path, names, options);
        var used = options.Only.Concat(options.LabelColumns).ToHashSet(StringComparer.Ordinal);
        string[] dropped = [.. names.Where(options.Drop.Contains)];
        bool IsExtra(int column) => needed && !used.Contains(names[column]) && !dropped.Contains(names[column]);
        ColumnContent[] contents =
        [
            .. file.Attributes.Select((attribute, column) => dropped.Contains(attribute.Name) || IsExtra(column) ? ColumnContent.Ignored
                : attribute.HoldsNumbers || !(options.Words || options.LabelColumns.Contains(attribute.Name)) ? ColumnContent.Numbers : ColumnContent.Words),
        ];
        var rows = TextRows.Read(path, file.Rows(), names, contents, new CsvOptions());
        return new TextTable(rows.NumberNames, rows.Rows, rows.Values, rows.Words, dropped, Extra(names, IsExtra), names)
        {
            Classes = [.. file.Attributes.Where(attribute => attribute.Classes is not null && attribute.HoldsNumbers).Select(attribute => attribute.Name)],
        };
    }

    private static string[] Extra(string[] names, Func<int, bool> isExtra)
    {
        string[] extra = [.. names.Where((_, column) => isExtra(column))];
        var shown = string.Join(", ", extra.Take(MostShown)) + (extra.Length > MostShown ? ", ..." : "");
        return extra.Length == 0 ? [] : [$"the columns {shown} were left out, as the model doesn't use them"];
    }

    // Whether the columns are known by name; names of other columns are refused, where both have names.
    private static bool Needed(string path, string[] names, DataTableOptions options)
    {
        var known = names.ToHashSet(StringComparer.Ordinal);
        if (options.Only.Count == 0 || options.Only.FirstOrDefault(name => !known.Contains(name)) is not { } missing)
        {
            return options.Only.Count > 0;
        }

        if (DataTable.AreMadeUp(names) || DataTable.AreMadeUp(options.Only))
        {
            return false;
        }

        var near = NearestName.Find(missing, names);
        throw new DataFormatException(
            path, $"has no column '{missing}'{(near is null ? "" : $" (is '{near}' meant?)")}: it has the columns {string.Join(", ", names)}; the model needs "
            + string.Join(", ", options.Only));
    }
}
