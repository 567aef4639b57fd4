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

    /// <summary>Reads an empty field or NA as a missing value, NaN; by default it is an error.</summary>
    public bool MissingAsNaN { get; init; }
}

/// <summary>A table of numbers with named columns, and text columns where they were asked for.</summary>
/// <remarks>Fields may be quoted as in RFC 4180; numbers use a decimal point; nan, inf and -inf are read in any case.</remarks>
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
        var records = new RecordReader(path, text, options.Separator);
        List<string>? record = records.Next();
        if (record is null)
            throw new DataFormatException(path, "is empty: line 1 should hold " + (options.HasHeader ? "the column names" : "numbers"));
        string[] names = options.HasHeader ? [.. record.Select(static (name, column) => NameOrNumber(name.Trim(), column))]
            : [.. record.Select(static (_, column) => NameOrNumber("", column))];
        CheckNames(path, names, options);
        bool[] isText = [.. names.Select(options.TextColumns.Contains)];
        var texts = names.Where((_, column) => isText[column]).ToDictionary(static name => name, static _ => new List<string>(), StringComparer.Ordinal);
        var values = new List<double>();
        int rows = 0;
        if (options.HasHeader)
            record = records.Next();
        for (; record is not null; record = records.Next(), rows++)
        {
            if (record.Count != names.Length)
                throw new DataFormatException(path, $"line {records.Line} has {record.Count} fields, but the table has {names.Length} columns");
            for (int column = 0; column < names.Length; column++)
            {
                if (isText[column])
                    texts[names[column]].Add(record[column]);
                else
                    values.Add(ParseNumber(record[column], path, records.Line, names[column], options.MissingAsNaN));
            }
        }
        return new CsvTable([.. names.Where((_, column) => !isText[column])], rows, [.. values],
            texts.ToDictionary(static pair => pair.Key, static pair => pair.Value.ToArray(), StringComparer.Ordinal));
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

    private static string Quote(string field) =>
        field.AsSpan().IndexOfAny(",\"\r\n") < 0 ? field : $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string ReadText(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
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

    private static string NameOrNumber(string name, int column) => name.Length > 0 ? name : $"column{(column + 1).ToString(CultureInfo.InvariantCulture)}";

    private static void CheckNames(string path, string[] names, CsvOptions options)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (!seen.Add(name))
                throw new DataFormatException(path, $"line 1 has the column name '{name}' twice; if it holds numbers, read the table without a header");
        }
        foreach (string name in options.TextColumns)
        {
            if (!seen.Contains(name))
                throw new DataFormatException(path, $"line 1 lacks the text column '{name}'");
        }
    }

    private static double ParseNumber(string field, string path, int line, string column, bool missingAsNaN)
    {
        ReadOnlySpan<char> text = field.AsSpan().Trim();
        if (double.TryParse(
            text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out double value))
            return value;
        if (missingAsNaN && (text.Length == 0 || text.SequenceEqual("NA")))
            return double.NaN;
        bool negative = text.StartsWith("-");
        ReadOnlySpan<char> word = text.TrimStart("+-");
        if (word.Equals("nan", StringComparison.OrdinalIgnoreCase))
            return double.NaN;
        if (word.Equals("inf", StringComparison.OrdinalIgnoreCase) || word.Equals("infinity", StringComparison.OrdinalIgnoreCase))
            return negative ? double.NegativeInfinity : double.PositiveInfinity;
        string shown = text.Length == 0 ? "an empty field" : $"'{(text.Length > 40 ? string.Concat(text[..40], "...") : text.ToString())}'";
        throw new DataFormatException(path, $"line {line}, column '{column}' holds {shown} where a number belongs");
    }

    /// <summary>Splits a text into records of fields and knows the line on which each record began.</summary>
    private sealed class RecordReader(string path, string text, char? separator)
    {
        private int position;
        private int nextLine = 1;

        public int Line { get; private set; }

        /// <summary>The next record that is not a blank line, or null at the end.</summary>
        public List<string>? Next()
        {
            while (position < text.Length)
            {
                Line = nextLine;
                List<string> fields = ReadRecord();
                if (fields.Count > 1 || (fields.Count == 1 && fields[0].Trim().Length > 0))
                    return fields;
            }
            return null;
        }

        private List<string> ReadRecord()
        {
            var fields = new List<string>();
            while (true)
            {
                if (separator is null)
                    SkipBlanks();
                if (separator is null && AtEndOfLine())
                    break;
                fields.Add(position < text.Length && text[position] == '"' ? QuotedField() : PlainField());
                if (separator is null)
                    continue;
                if (AtEndOfLine())
                    break;
                position++;
            }
            if (position < text.Length && text[position] == '\r')
                position++;
            if (position < text.Length && text[position] == '\n')
                position++;
            nextLine++;
            return fields;
        }

        private bool AtEndOfLine() => position >= text.Length || text[position] == '\n'
            || (text[position] == '\r' && (position + 1 == text.Length || text[position + 1] == '\n'));

        private void SkipBlanks()
        {
            while (position < text.Length && text[position] is ' ' or '\t')
                position++;
        }

        private bool AtSeparator() => separator is { } symbol ? text[position] == symbol : text[position] is ' ' or '\t';

        private string PlainField()
        {
            int start = position;
            while (!AtEndOfLine() && !AtSeparator())
                position++;
            return text[start..position];
        }

        private string QuotedField()
        {
            var field = new StringBuilder();
            for (position++; ; position++)
            {
                if (position >= text.Length)
                    throw new DataFormatException(path, $"line {Line} opens a quoted field that is never closed");
                char symbol = text[position];
                if (symbol == '"' && (position + 1 == text.Length || text[position + 1] != '"'))
                    break;
                if (symbol == '"')
                    position++;
                nextLine += symbol == '\n' ? 1 : 0;
                field.Append(symbol);
            }
            position++;
            if (!AtEndOfLine() && !AtSeparator())
                throw new DataFormatException(path, $"line {nextLine} has text after a closing quote");
            return field.ToString();
        }
    }
}
