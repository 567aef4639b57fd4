namespace Monge.Data;

/// <summary>A text table of which neither layout nor columns are known: numbers, columns of words where they may be, and what was decided.</summary>
/// <param name="Names">Names of the columns of numbers [d].</param>
/// <param name="Rows">Number of rows n.</param>
/// <param name="Values">The numbers [n, d], row-major.</param>
/// <param name="Labels">The columns of words.</param>
/// <param name="Dropped">The columns that were left out.</param>
/// <param name="Notes">What was decided though it could be otherwise.</param>
internal sealed record TextTable(
    string[] Names, int Rows, double[] Values, Dictionary<string, string[]> Labels, IReadOnlyList<string> Dropped, IReadOnlyList<string> Notes)
{
    /// <summary>Reads a table.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">What columns may hold words, what is left out, and what is known of the layout.</param>
    /// <exception cref="DataFormatException">The file can't be used; the message names line and column.</exception>
    public static TextTable Read(string path, DataTableOptions options)
    {
        var text = CsvTable.ReadText(path);
        var plan = TextTableLayout.Detect(path, text, options.Layout);
        var names = CsvTable.Named(plan.Names);
        CsvTable.CheckNames(path, plan.NamesLine, names);
        int[] dropped = [.. Enumerable.Range(0, names.Length).Where(column => options.Drop.Contains(names[column]))];
        bool IsUnnamed(int column) => plan.Options.HasHeader && names.Length > 1
            && (plan.Names[column].Length == 0 || plan.Names[column].StartsWith("Unnamed: ", StringComparison.Ordinal))
            && !options.LabelColumns.Contains(names[column]) && !dropped.Contains(column);
        int[] unnamed = [.. Enumerable.Range(0, names.Length).Where(IsUnnamed)];
        ColumnContent[] contents =
        [
            .. names.Select((name, column) => dropped.Contains(column) ? ColumnContent.Ignored
                : unnamed.Contains(column) || options.LabelColumns.Contains(name) ? ColumnContent.Either : ColumnContent.Numbers),
        ];
        var records = new TextRecords(path, text, plan.Options.Separator, plan.Rows) { Quote = plan.Quote, Comments = plan.Options.Comments };
        var rows = TextRows.Read(path, records, names, contents, plan.Options, spare: true);
        List<string> notes = [.. plan.Notes];
        foreach (var column in unnamed)
        {
            var isLabels = RowNumbers.AreLabels(rows.Fields(column), isFirst: column == 0);
            rows.Decide(column, isLabels || rows.Fields(column).All(field => field.Trim().Length == 0) ? ColumnContent.Ignored : ColumnContent.Numbers);
            if (isLabels)
            {
                notes.Add(FormattableString.Invariant($"column {column + 1} was left out, as it has no name and numbers or names the rows"));
            }
        }

        rows.Settle();
        return new TextTable(rows.NumberNames, rows.Rows, rows.Values, rows.Words, [.. dropped.Select(column => names[column])], notes);
    }
}
