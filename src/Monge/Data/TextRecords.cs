using System.Text;

namespace Monge.Data;

/// <summary>Where a record begins in a text.</summary>
/// <param name="Position">The index of its first character.</param>
/// <param name="Line">Its line, counted from 1.</param>
internal readonly record struct TextPlace(int Position, int Line)
{
    /// <summary>The beginning.</summary>
    public static TextPlace Start { get; } = new(0, 1);
}

/// <summary>A record of a text table.</summary>
/// <param name="Fields">Its fields.</param>
/// <param name="Line">The line on which it began, counted from 1.</param>
internal readonly record struct TextRecord(List<string> Fields, int Line);

/// <summary>
/// Splits a text into records of fields, quoted as in RFC 4180, and knows the line on which each record began. Lines end in a line feed, a carriage return or
/// both; blank lines and lines of comment are passed over.
/// </summary>
internal sealed class TextRecords(string path, string text, char? separator, TextPlace start)
{
    private int _position = start.Position;
    private int _nextLine = start.Line;

    /// <summary>The character around a field that may hold separators and ends of lines.</summary>
    public char Quote { get; init; } = '"';

    /// <summary>What a line of comment begins with.</summary>
    public IReadOnlyList<string> Comments { get; init; } = [];

    /// <summary>Where the last record began.</summary>
    public TextPlace Place { get; private set; }

    /// <summary>Where the text goes on after the last record.</summary>
    public TextPlace Next => new(_position, _nextLine);

    /// <summary>Whether each field of the last record was quoted.</summary>
    public List<bool> Quoted { get; } = [];

    /// <summary>The line that begins at a place, without its end.</summary>
    public static ReadOnlySpan<char> Line(string text, int position)
    {
        var rest = text.AsSpan(position);
        var end = rest.IndexOfAny('\r', '\n');
        return end < 0 ? rest : rest[..end];
    }

    /// <summary>The next record, or null at the end.</summary>
    public List<string>? Read()
    {
        while (_position < text.Length)
        {
            Place = Next;
            if (IsComment())
            {
                _position += Line(text, _position).Length;
                PassEnd();
                continue;
            }

            var fields = ReadRecord();
            if (fields.Count > 1 || (fields.Count == 1 && fields[0].AsSpan().Trim().Length > 0))
            {
                return fields;
            }
        }

        return null;
    }

    /// <summary>All records that are left.</summary>
    public IEnumerable<TextRecord> All()
    {
        while (Read() is { } fields)
        {
            yield return new TextRecord(fields, Place.Line);
        }
    }

    private bool IsComment()
    {
        if (Comments.Count == 0)
        {
            return false;
        }

        var line = Line(text, _position).TrimStart();
        foreach (var sign in Comments)
        {
            if (line.StartsWith(sign, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private List<string> ReadRecord()
    {
        List<string> fields = [];
        Quoted.Clear();
        while (true)
        {
            PassBlanks();
            if (separator is null && AtEndOfLine())
            {
                break;
            }

            Quoted.Add(_position < text.Length && text[_position] == Quote);
            fields.Add(Quoted[^1] ? QuotedField() : PlainField());
            if (separator is null)
            {
                continue;
            }

            if (AtEndOfLine())
            {
                break;
            }

            _position++;
        }

        PassEnd();
        return fields;
    }

    private void PassEnd()
    {
        if (_position < text.Length)
        {
            _position += text[_position] == '\r' && _position + 1 < text.Length && text[_position + 1] == '\n' ? 2 : 1;
        }

        _nextLine++;
    }

    private bool AtEndOfLine() => _position >= text.Length || text[_position] is '\n' or '\r';

    // Blanks separate fields where nothing else does, and may stand before a quote.
    private void PassBlanks()
    {
        var at = _position;
        while (at < text.Length && text[at] is ' ' or '\t' && text[at] != separator)
        {
            at++;
        }

        _position = separator is null || (at < text.Length && text[at] == Quote) ? at : _position;
    }

    private bool AtSeparator() => separator is { } symbol ? text[_position] == symbol : text[_position] is ' ' or '\t';

    private string PlainField()
    {
        var from = _position;
        while (!AtEndOfLine() && !AtSeparator())
        {
            _position++;
        }

        return text[from.._position];
    }

    private string QuotedField()
    {
        var field = new StringBuilder();
        for (_position++; ; _position++)
        {
            if (_position >= text.Length)
            {
                throw new DataFormatException(path, $"line {Place.Line} opens a quoted field that is never closed");
            }

            var symbol = text[_position];
            if (symbol == Quote && (_position + 1 == text.Length || text[_position + 1] != Quote))
            {
                break;
            }

            _position += symbol == Quote ? 1 : 0;
            _nextLine += symbol == '\n' || (symbol == '\r' && (_position + 1 == text.Length || text[_position + 1] != '\n')) ? 1 : 0;
            field.Append(symbol);
        }

        _position++;
        while (separator is not null && !AtEndOfLine() && !AtSeparator() && text[_position] is ' ' or '\t')
        {
            _position++;
        }

        if (!AtEndOfLine() && !AtSeparator())
        {
            throw new DataFormatException(path, $"line {_nextLine} has text after a closing quote");
        }

        return field.ToString();
    }
}
