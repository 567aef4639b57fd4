using System.Text;

namespace Monge.Data;

/// <summary>A column of an attribute-relation file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Classes">What a nominal attribute may hold; null for numbers, words and dates.</param>
/// <param name="IsNumber">Whether it holds numbers.</param>
internal sealed record ArffAttribute(string Name, IReadOnlyList<string>? Classes, bool IsNumber)
{
    /// <summary>Whether all it may hold are numbers.</summary>
    public bool HoldsNumbers { get; } = IsNumber || Classes?.All(word => TextNumber.TryParse(word, false, out _)) == true;
}

/// <summary>
/// An attribute-relation file (ARFF, of Weka): lines of comment after %, @relation, one @attribute line a column, and after @data one row a line. Names and
/// words stand in single or double quotes where they hold blanks or commas, with a backslash before what stands for itself. Sparse rows, weights of rows and
/// tables within tables are refused.
/// </summary>
internal sealed class ArffFile
{
    private static readonly string[] s_numbers = ["numeric", "real", "integer"];

    private readonly string _path;
    private readonly string _text;
    private readonly TextPlace _data;

    private ArffFile(string path, string text)
    {
        (_path, _text) = (path, text);
        List<ArffAttribute> attributes = [];
        foreach (var (line, number, next) in Lines(TextPlace.Start))
        {
            if (StartsWith(line, "@attribute"))
            {
                attributes.Add(Attribute(line["@attribute".Length..], number));
            }
            else if (StartsWith(line, "@data"))
            {
                _data = next;
                break;
            }
            else if (!StartsWith(line, "@relation"))
            {
                throw new DataFormatException(path, $"line {number} holds '{Shown(line)}' before @data, where @attribute NAME TYPE belongs");
            }
        }

        Attributes = attributes.Count == 0 ? throw new DataFormatException(path, "has no line @attribute NAME TYPE")
            : _data.Position > 0 ? attributes : throw new DataFormatException(path, "has no line @data after its attributes");
    }

    /// <summary>The columns.</summary>
    public IReadOnlyList<ArffAttribute> Attributes { get; }

    /// <summary>Whether a text is such a file: its first line but comments says @relation.</summary>
    public static bool Is(string text)
    {
        for (var at = 0; at < text.Length;)
        {
            var line = TextRecords.Line(text, at);
            at += line.Length + 1;
            line = line.Trim();
            if (line.Length > 0 && line[0] != '%')
            {
                return StartsWith(line.ToString(), "@relation");
            }
        }

        return false;
    }

    /// <summary>Reads the attributes.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="text">Its text.</param>
    /// <exception cref="DataFormatException">A line can't be read; the message names it.</exception>
    public static ArffFile Read(string path, string text) => new(path, text);

    /// <summary>The rows with their lines.</summary>
    /// <exception cref="DataFormatException">A row is sparse or weighted, or a nominal attribute holds what it doesn't declare.</exception>
    public IEnumerable<TextRecord> Rows()
    {
        var classes = Attributes.Select(a => a.Classes?.ToHashSet(StringComparer.Ordinal)).ToArray();
        foreach (var (line, number, _) in Lines(_data))
        {
            if (line[0] == '{')
            {
                throw new DataFormatException(_path, $"line {number} is a sparse row, {{PLACE VALUE, ...}}, which is not read; write all values of each row, "
                    + "separated by commas");
            }

            var fields = Fields(line, number);
            if (fields.Count == Attributes.Count + 1 && fields[^1] is ['{', .., '}'])
            {
                throw new DataFormatException(_path, $"line {number} ends in a weight of its row, {fields[^1]}, which is not read; leave the weights out");
            }

            for (var column = 0; column < Math.Min(fields.Count, classes.Length); column++)
            {
                if (classes[column]?.Contains(fields[column]) == false)
                {
                    throw new DataFormatException(_path, $"line {number}, column '{Attributes[column].Name}' holds '{Shown(fields[column])}', "
                        + (fields[column] == "?" ? "a missing value; remove the row or write a class there"
                        : $"which its @attribute line doesn't list ({Shown(string.Join(", ", Attributes[column].Classes!))})"));
                }
            }

            yield return new TextRecord(fields, number);
        }
    }

    private ArffAttribute Attribute(string rest, int line)
    {
        var at = 0;
        var name = Word(rest, ref at, line, " \t{");
        var type = rest[at..].Trim();
        if (name.Length == 0 || type.Length == 0)
        {
            throw new DataFormatException(_path, $"line {line} should say @attribute NAME TYPE");
        }

        if (type[0] == '{')
        {
            return type[^1] == '}' ? new ArffAttribute(name, Fields(type[1..^1], line), IsNumber: false)
                : throw new DataFormatException(_path, $"line {line} opens a list of classes for '{name}' that is never closed");
        }

        var word = type.Split(' ', '\t')[0].ToLowerInvariant();
        return s_numbers.Contains(word) || word is "string" or "date" ? new ArffAttribute(name, null, s_numbers.Contains(word))
            : throw new DataFormatException(_path, $"line {line} gives '{name}' the type '{Shown(type)}', which is not read; there are numeric, real, integer, "
                + "{classes, ...}, string and date");
    }

    // Lines that are neither blank nor of comment.
    private IEnumerable<(string Line, int Number, TextPlace Next)> Lines(TextPlace from)
    {
        for (var (at, number) = from; at < _text.Length; number++)
        {
            var line = TextRecords.Line(_text, at);
            at += line.Length;
            at += at + 1 < _text.Length && _text[at] == '\r' && _text[at + 1] == '\n' ? 2 : 1;
            var trimmed = line.Trim();
            if (trimmed.Length > 0 && trimmed[0] != '%')
            {
                yield return (trimmed.ToString(), number, new TextPlace(at, number + 1));
            }
        }
    }

    private List<string> Fields(string line, int number)
    {
        List<string> fields = [];
        for (var at = 0; ;)
        {
            fields.Add(Word(line, ref at, number, ",\t"));
            if (at == line.Length)
            {
                return fields;
            }

            at++;
        }
    }

    // The word from a place up to one of the marks, and blanks around it; the place moves to the mark.
    private string Word(string line, ref int at, int number, string marks)
    {
        while (at < line.Length && line[at] is ' ' or '\t')
        {
            at++;
        }

        if (at == line.Length || line[at] is not ('\'' or '"'))
        {
            var end = line.AsSpan(at).IndexOfAny(marks);
            var word = end < 0 ? line[at..] : line.Substring(at, end);
            at += word.Length;
            return word.Trim();
        }

        var (quote, text) = (line[at++], new StringBuilder());
        for (; at < line.Length && line[at] != quote; at++)
        {
            at += line[at] == '\\' && at + 1 < line.Length ? 1 : 0;
            text.Append(line[at]);
        }

        if (at++ >= line.Length)
        {
            throw new DataFormatException(_path, $"line {number} opens a quoted word that is never closed");
        }

        while (at < line.Length && line[at] == ' ' && !marks.Contains(' ', StringComparison.Ordinal))
        {
            at++;
        }

        return at == line.Length || marks.Contains(line[at], StringComparison.Ordinal) ? text.ToString()
            : throw new DataFormatException(_path, $"line {number} has text after a closing quote");
    }

    private static bool StartsWith(string line, string word) => line.StartsWith(word, StringComparison.OrdinalIgnoreCase)
        && (line.Length == word.Length || line[word.Length] is ' ' or '\t');

    private static string Shown(string text) => text.Length > 60 ? text[..60] + "..." : text;
}
