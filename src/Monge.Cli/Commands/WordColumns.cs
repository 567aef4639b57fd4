using Monge.Data;

namespace Monge.Cli.Commands;

/// <summary>Columns of words as numbers by which tables are compared: one for each word of the data, 1 where a row holds it.</summary>
internal static class WordColumns
{
    private const int MostShown = 5;
    private const int MostWords = 64;

    /// <summary>Some of a table's columns.</summary>
    public static DataTable Chosen(DataTable table, IReadOnlyList<string> names, string source) => DataTable.Of(
        source, [.. names.Select(name => table.LabelNames.Contains(name) ? new TableColumn(name, null, [.. table.Labels(name)])
            : new TableColumn(name, table.Column(name), null))]);

    /// <summary>The table with its words as numbers, of two words of a column one.</summary>
    /// <param name="table">The table.</param>
    /// <param name="data">The data, whose words are told apart.</param>
    public static DataTable ToNumbers(DataTable table, DataTable data) => !data.LabelNames.Any() ? table
        : DataTable.Of(table.Source, [.. data.Order.SelectMany(name => Columns(table, data, name))]);

    /// <summary>What is said of words that the data don't hold.</summary>
    public static IEnumerable<string> Unknown(DataTable table, DataTable data)
    {
        foreach (var name in data.LabelNames)
        {
            var known = data.Labels(name).ToHashSet(StringComparer.Ordinal);
            string[] others = [.. table.Labels(name).Where(word => !known.Contains(word)).Distinct()];
            if (others.Length > 0)
            {
                yield return $"The samples hold words in '{name}' that the data lack: {string.Join(", ", others.Take(MostShown))}"
                    + $"{(others.Length > MostShown ? ", ..." : "")}.";
            }
        }
    }

    private static IEnumerable<TableColumn> Columns(DataTable table, DataTable data, string name)
    {
        if (!data.LabelNames.Contains(name))
        {
            return [new TableColumn(name, table.Column(name), null)];
        }

        string[] words = [.. data.Labels(name).Distinct().Order(StringComparer.Ordinal)];
        var labels = table.Labels(name);
        if (words.Length > MostWords)
        {
            throw CommandException.Failure(FormattableString.Invariant(
                $"The column '{name}' of {data.Source} holds {words.Length} kinds of words, too many to compare; leave it out (--drop {name})."));
        }

        return words.Length == 1
            ? throw CommandException.Failure($"The column '{name}' of {data.Source} holds '{words[0]}' in all rows; leave it out (--drop {name}).")
            : words.Skip(words.Length == 2 ? 1 : 0)
                .Select(word => new TableColumn($"{name}={word}", [.. labels.Select(label => label == word ? 1.0 : 0)], null));
    }
}
