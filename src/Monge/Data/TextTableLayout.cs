using System.Globalization;

namespace Monge.Data;

/// <summary>Finds out how a text table is laid out from its first lines.</summary>
internal static class TextTableLayout
{
    private static readonly char[] s_separators = [',', ';', '\t'];

    /// <summary>The layout of a file: its separator, and whether the first line holds names.</summary>
    /// <param name="path">The file.</param>
    /// <param name="labelColumns">The columns that may hold words; they do if their first field is no number.</param>
    public static CsvOptions Detect(string path, IReadOnlyList<string> labelColumns)
    {
        string[] lines = [.. File.ReadLines(path).Take(2)];
        var first = lines.Length > 0 ? lines[0].TrimStart('\uFEFF') : "";
        char? separator = s_separators.Where(first.Contains).Select(c => (char?)c).FirstOrDefault();
        if (separator is null && !first.Trim().Contains(' '))
        {
            separator = ',';
        }

        string[] Fields(string line) =>
            [.. (separator is { } c ? line.Split(c) : line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Select(f => f.Trim().Trim('"'))];
        var names = Fields(first);

        // One word among numbers is a mistake in the data, to be told with its place, and no header.
        var hasHeader = 2 * names.Count(field => !IsNumber(field)) >= names.Length;
        if (!hasHeader)
        {
            names = [.. Enumerable.Range(1, names.Length).Select(k => string.Create(CultureInfo.InvariantCulture, $"column{k}"))];
        }

        // Whether a label column holds words is seen in the whole column: labels such as 1, 2, x begin like numbers.
        var words = new List<string>();
        foreach (var name in labelColumns)
        {
            var at = Array.IndexOf(names, name);
            if (at >= 0 && File.ReadLines(path).Skip(hasHeader ? 1 : 0).Any(line => Fields(line) is var fields && at < fields.Length && !IsNumber(fields[at])))
            {
                words.Add(name);
            }
        }

        return new CsvOptions { HasHeader = hasHeader, Separator = separator, TextColumns = words };
    }

    private static bool IsNumber(string field) =>
        double.TryParse(field, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out _)
        || field.TrimStart('+', '-').ToLowerInvariant() is "nan" or "inf" or "infinity";
}
