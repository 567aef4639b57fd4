namespace Monge.Data;

/// <summary>What a column of a text table may hold.</summary>
internal enum ColumnContent
{
    /// <summary>Numbers; all else is refused.</summary>
    Numbers,

    /// <summary>Words, whatever they look like.</summary>
    Words,

    /// <summary>Numbers if all fields are numbers, else words.</summary>
    Either,

    /// <summary>Nothing that is wanted.</summary>
    Ignored,
}

/// <summary>The rows of a text table, read under a layout that is known.</summary>
internal sealed class TextRows
{
    private readonly string _path;
    private readonly CsvOptions _options;
    private readonly ColumnContent[] _contents;
    private readonly List<string>?[] _words;
    private readonly double[]?[] _numbers;
    private readonly List<int> _lines = [];
    private List<double> _values = [];

    private TextRows(string path, string[] names, ColumnContent[] contents, CsvOptions options)
    {
        (_path, Names, _contents, _options, _numbers) = (path, names, contents, options, new double[names.Length][]);
        _words = [.. contents.Select(content => content is ColumnContent.Words or ColumnContent.Either ? new List<string>() : null)];
    }

    /// <summary>The names of all columns of the file.</summary>
    public string[] Names { get; }

    /// <summary>Number of rows n.</summary>
    public int Rows { get; private set; }

    /// <summary>The names of the columns of numbers [d].</summary>
    public string[] NumberNames => [.. Names.Where((_, column) => _contents[column] == ColumnContent.Numbers)];

    /// <summary>The numbers [n, d], row-major.</summary>
    public double[] Values => [.. _values];

    /// <summary>The columns of words by name.</summary>
    public Dictionary<string, string[]> Words => Enumerable.Range(0, Names.Length).Where(column => _contents[column] == ColumnContent.Words)
        .ToDictionary(column => Names[column], column => _words[column]!.ToArray(), StringComparer.Ordinal);

    /// <summary>Reads all records that are left; <see cref="Settle"/> follows.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="records">The records, after the line of names.</param>
    /// <param name="names">The names of all columns.</param>
    /// <param name="contents">What each column may hold.</param>
    /// <param name="options">How numbers are written.</param>
    /// <param name="spare">Whether a record may end in one empty field too many.</param>
    /// <exception cref="DataFormatException">A row has a wrong number of fields, or a field is not a number.</exception>
    public static TextRows Read(
        string path, IEnumerable<TextRecord> records, string[] names, ColumnContent[] contents, CsvOptions options, bool spare = false)
    {
        var rows = new TextRows(path, names, contents, options);
        foreach (var (record, line) in records)
        {
            var isSpare = spare && record.Count == names.Length + 1 && record[^1].AsSpan().Trim().Length == 0;
            if (record.Count != names.Length && !isSpare)
            {
                throw new DataFormatException(path, $"line {line} has {record.Count} fields, but the table has {names.Length} columns");
            }

            rows.Add(record, line);
        }

        return rows;
    }

    /// <summary>The fields of a column that may hold either.</summary>
    public IReadOnlyList<string> Fields(int column) => _words[column]!;

    /// <summary>How many fields of a column that may hold either are no numbers.</summary>
    public int WordsAmong(int column) => _words[column]!.Count(field => !TextNumber.TryParse(field, _options.DecimalComma, out _));

    /// <summary>Says what a column that may hold either holds, before <see cref="Settle"/> looks.</summary>
    public void Decide(int column, ColumnContent content)
    {
        _contents[column] = content;
        if (content == ColumnContent.Numbers)
        {
            _numbers[column] = [.. _words[column]!.Select((field, row) => Number(field, _lines[row], Names[column]))];
        }
    }

    /// <summary>Makes columns of numbers of those that may hold either and hold nothing else, and of words of the others.</summary>
    public TextRows Settle()
    {
        for (var column = 0; column < Names.Length; column++)
        {
            if (_contents[column] != ColumnContent.Either)
            {
                continue;
            }

            var (fields, numbers, isNumber) = (_words[column]!, new double[Rows], true);
            for (var row = 0; row < Rows && isNumber; row++)
            {
                isNumber = TextNumber.TryParse(fields[row], _options.DecimalComma, out numbers[row]);
            }

            (_contents[column], _numbers[column]) = isNumber ? (ColumnContent.Numbers, numbers) : (ColumnContent.Words, null);
        }

        if (Array.TrueForAll(_numbers, column => column is null))
        {
            return this;
        }

        int[] kept = [.. Enumerable.Range(0, Names.Length).Where(column => _contents[column] == ColumnContent.Numbers)];
        var values = new List<double>(kept.Length * Rows);
        var from = 0;
        for (var row = 0; row < Rows; row++)
        {
            foreach (var column in kept)
            {
                values.Add(_numbers[column] is { } numbers ? numbers[row] : _values[from++]);
            }
        }

        _values = values;
        return this;
    }

    private void Add(List<string> record, int line)
    {
        for (var column = 0; column < Names.Length; column++)
        {
            switch (_contents[column])
            {
                case ColumnContent.Numbers:
                    _values.Add(Number(record[column], line, Names[column]));
                    break;
                case ColumnContent.Words or ColumnContent.Either:
                    _words[column]!.Add(record[column]);
                    break;
            }
        }

        _lines.Add(line);
        Rows++;
    }

    private double Number(string field, int line, string column)
    {
        if (TextNumber.TryParse(field, _options.DecimalComma, out var value))
        {
            return value;
        }

        if (_options.MissingAsNaN && TextNumber.IsMissing(field))
        {
            return double.NaN;
        }

        var text = field.AsSpan().Trim();
        var shown = text.Length == 0 ? "an empty field" : $"'{(text.Length > 40 ? string.Concat(text[..40], "...") : text.ToString())}'";
        throw new DataFormatException(_path, $"line {line}, column '{column}' holds {shown} where a number belongs{Advice(text, _options.DecimalComma)}");
    }

    // A mark that stands between digits is told, as it can mean two things.
    private static string Advice(ReadOnlySpan<char> text, bool decimalComma)
    {
        var (commas, points) = (text.Count(','), text.Count('.'));
        if (commas + points == 0 || !text.ContainsAnyInRange('0', '9') || text.ContainsAnyExcept("0123456789+-.,eE"))
        {
            return "";
        }

        return decimalComma ? "; numbers are read with decimal commas here, and marks of thousands are not read"
            : commas == 1 && points == 0 ? "; the layout 'decimal-comma' reads a comma as the decimal point, and marks of thousands are not read"
            : commas > 0 ? "; marks of thousands are not read" : "";
    }
}
