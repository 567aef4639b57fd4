using System.Globalization;

namespace Monge.Cli.Generation;

/// <summary>Rows as comma-separated text on standard output.</summary>
internal static class RowText
{
    /// <summary>Writes a header and the rows [n, d].</summary>
    public static void Write(TextWriter output, IReadOnlyList<string> names, double[] rows)
    {
        output.WriteLine(string.Join(',', names));
        for (var at = 0; at < rows.Length; at += names.Count)
        {
            output.WriteLine(string.Join(',', rows.Skip(at).Take(names.Count).Select(v => v.ToString("R", CultureInfo.InvariantCulture))));
        }
    }
}
