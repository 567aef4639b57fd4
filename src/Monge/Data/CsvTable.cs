using System.Globalization;
using System.Text;

namespace Monge.Data;

/// <summary>How a text table is laid out.</summary>
public sealed record CsvOptions
{
    /// <summary>The first line holds the column names (default); otherwise, and where a name is empty, the columns are called column1, column2, ...</summary>
    public bool HasHeader { get; init; } = true;

    /// <summary>The character between two fields, comma by default; null for any run of blanks and tabs.</summary>
    public char? Separator { get; init; } = ',';

    /// <summary>Names of the columns that hold text, such as a class label; all others must be numbers.</summary>
    public IReadOnlyList<string> TextColumns { get; init; } = [];

    /// <summary>Whether numbers have a decimal comma instead of a point.</summary>
    public bool DecimalComma { get; init; }

    /// <summary>What a line of comment begins with; nothing by default.</summary>
    public IReadOnlyList<string> Comments { get; init; } = [];

    /// <summary>Reads an empty field or NA as a missing value, NaN; by default it is an error.</summary>
    public bool MissingAsNaN { get; init; }
}

/// <summary>A table of numbers with named columns, and text columns where they were asked for.</summary>
/// <remarks>Fields may be quoted as in RFC 4180; nan, inf and -inf are read in any case.</remarks>
public sealed class CsvTable
{
    private readonly Dictionary<string, string[]> textColumns;

    private CsvTable(string[] names, int rows, double[] values, Dictionary<string, string[]> textColumns)
    {
        Names = names;
        Rows = rows;
        Values = values;
        this.textColumns = textColumns;
    }

    /// <summary>Names of the numeric columns, d of them.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Number of rows n.</summary>
    public int Rows { get; }

    /// <summary>Number of numeric columns d.</summary>
    public int Columns => Names.Count;

    /// <summary>The numbers, [n, d] row-major.</summary>
    public double[] Values { get; }

    /// <summary>One numeric column, n values.</summary>
    /// <param name="name">A name in <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">There is no numeric column of that name.</exception>
    public double[] Column(string name)
    {
        int column = ((IList<string>)Names).IndexOf(name);
        if (column < 0)
            throw new ArgumentException($"The table has no numeric column '{name}'; it has {string.Join(", ", Names)}.", nameof(name));
        var result = new double[Rows];
        for (int row = 0; row < Rows; row++)
            result[row] = Values[row * Columns + column];
        return result;
    }

    /// <summary>One text column, n values.</summary>
    /// <param name="name">A name that was listed in <see cref="CsvOptions.TextColumns"/>.</param>
    /// <exception cref="ArgumentException">There is no text column of that name.</exception>
    public IReadOnlyList<string> TextColumn(string name) =>
        textColumns.TryGetValue(name, out string[]? column) ? column : throw new ArgumentException($"The table has no text column '{name}'.", nameof(name));

    /// <summary>Reads a comma-separated table, or one laid out as <paramref name="options"/> say.</summary>
    /// <param name="path">The file, UTF-8.</param>
    /// <param name="options">The layout; null for a comma-separated table with a header.</param>
    /// <exception cref="DataFormatException">A row has a wrong number of fields or a field is not a number; the message
    /// names the line and the column.</exception>
    /// <exception cref="IOException">The file does not exist or can't be opened.</exception>
    public static CsvTable Read(string path, CsvOptions? options = null)
    {
        options ??= new CsvOptions();
        string text = ReadText(path);
        var records = new TextRecords(path, text, options.Separator, TextPlace.Start) { Comments = options.Comments };
        List<string> first = records.Read()
            ?? throw new DataFormatException(path, "is empty: line 1 should hold " + (options.HasHeader ? "the column names" : "numbers"));
        string[] names = Named(options.HasHeader ? [.. first.Select(static name => name.Trim())] : [.. first.Select(static _ => "")]);
        CheckNames(path, records.Place.Line, names);
        foreach (string name in options.TextColumns.Except(names))
            throw new DataFormatException(path, $"line {records.Place.Line} lacks the text column '{name}'");
        ColumnContent[] contents = [.. names.Select(name => options.TextColumns.Contains(name) ? ColumnContent.Words : ColumnContent.Numbers)];
        if (!options.HasHeader)
            records = new TextRecords(path, text, options.Separator, TextPlace.Start) { Comments = options.Comments };
        var rows = TextRows.Read(path, records.All(), names, contents, options);
        return new CsvTable(rows.NumberNames, rows.Rows, rows.Values, rows.Words);
    }

    /// <summary>Reads a table whose fields are separated by runs of blanks or tabs.</summary>
    /// <param name="path">The file, UTF-8.</param>
    /// <param name="hasHeader">Whether the first line holds the column names.</param>
    /// <exception cref="DataFormatException">A row has a wrong number of fields or a field is not a number; the message
    /// names the line and the column.</exception>
    /// <exception cref="IOException">The file does not exist or can't be opened.</exception>
    public static CsvTable ReadWhitespaceSeparated(string path, bool hasHeader = true) =>
        Read(path, new CsvOptions { Separator = null, HasHeader = hasHeader });

    /// <summary>Writes a comma-separated table with a header; numbers are written so that reading gives the same bits back.</summary>
    /// <param name="path">The file; replaced only when the new one is complete.</param>
    /// <param name="names">The d column names.</param>
    /// <param name="values">The numbers, [n, d] row-major.</param>
    /// <exception cref="ArgumentException">There are no names, or the values do not fill whole rows.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Write(string path, IReadOnlyList<string> names, ReadOnlySpan<double> values)
    {
        ArgumentNullException.ThrowIfNull(names);
        if (names.Count == 0 || values.Length % names.Count != 0)
            throw new ArgumentException($"{values.Length} values do not fill whole rows of {names.Count} columns.", nameof(values));
        var text = new StringBuilder();
        text.AppendJoin(',', names.Select(Quote)).Append('\n');
        for (int index = 0; index < values.Length; index++)
        {
            text.Append(values[index].ToString("R", CultureInfo.InvariantCulture));
            text.Append((index + 1) % names.Count == 0 ? '\n' : ',');
        }
        AtomicFile.WriteText(path, text.ToString());
    }

    /// <summary>A field, in quotes where it needs them.</summary>
    internal static string Quote(string field) =>
        field.AsSpan().IndexOfAny(",\"\r\n") < 0 ? field : $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>The text of a file in UTF-8, or in UTF-16 if it begins with that encoding's mark.</summary>
    /// <exception cref="DataFormatException">It is no text.</exception>
    internal static string ReadText(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        foreach (Encoding encoding in new[] { new UnicodeEncoding(bigEndian: false, byteOrderMark: true), new UnicodeEncoding(true, true) })
        {
            if (bytes.AsSpan().StartsWith(encoding.Preamble) && bytes.Length % 2 == 0)
                return encoding.GetString(bytes, 2, bytes.Length - 2);
        }
        ReadOnlySpan<byte> content = bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes.AsSpan(3) : bytes;
        int zero = content.IndexOf((byte)0);
        if (zero >= 0)
            throw new DataFormatException(path, $"is not a text table: byte {bytes.Length - content.Length + zero} is zero");
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(content);
        }
        catch (DecoderFallbackException error)
        {
            throw new DataFormatException(path, $"is not a text in UTF-8: byte {bytes.Length - content.Length + error.Index} is invalid", error);
        }
    }

    /// <summary>Names with column1, column2, ... where there is none.</summary>
    internal static string[] Named(IReadOnlyList<string> names) =>
        [.. names.Select(static (name, column) => name.Length > 0 ? name : string.Create(CultureInfo.InvariantCulture, $"column{column + 1}"))];

    /// <summary>Refuses names that stand twice.</summary>
    internal static void CheckNames(string path, int line, IReadOnlyList<string> names)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (!seen.Add(name))
                throw new DataFormatException(path, $"line {line} has the column name '{name}' twice; if it holds numbers, read the table without a header");
        }
    }
}
