namespace Monge.Data;

/// <summary>
/// Finds the lines between the names and the rows of a table that say the units of its columns (m,kg,s or [m],[kg]) or their types: under them every column of
/// numbers holds numbers, and in them none does.
/// </summary>
internal static class UnitLines
{
    private const int MostLines = 2;

    // Fewer rows don't show what a column holds.
    private const int LeastRows = 3;
    private static readonly string[] s_missing = ["", "?", "-", "--", ".", "*", "na", "n/a", "nan", "nil", "null", "none", "missing", "unknown", "undefined"];

    /// <summary>The number of such lines after the line of names.</summary>
    /// <param name="sample">The sample.</param>
    /// <param name="names">The record of the names.</param>
    public static int After(TextSample sample, int names)
    {
        for (var lines = 0; lines < MostLines; lines++)
        {
            if (!IsOne(sample, names + 1 + lines))
            {
                return lines;
            }
        }

        return MostLines;
    }

    private static bool IsOne(TextSample sample, int place)
    {
        if (place >= sample.Records.Count - LeastRows || sample.Records[place].Length != sample.Width)
        {
            return false;
        }

        var fields = sample.Records[place];
        int[] numeric = [.. Enumerable.Range(0, sample.Width).Where(k => sample.IsNumeric(sample.Column(k, place + 1)))];
        string[] units = [.. numeric.Select(k => fields[k].Trim())];

        // One word alone is a mistake to be told with its place, unless brackets say what it is; so are words for what is missing.
        var said = units.Count(unit => !s_missing.Contains(unit, StringComparer.OrdinalIgnoreCase));
        return !Array.Exists(units, sample.IsNumber) && (said > 1 || (said == 1 && Array.Exists(units, IsBracketed)));
    }

    private static bool IsBracketed(string field) => field is ['[', .., ']'] or ['(', .., ')'] or ['{', .., '}'];
}
