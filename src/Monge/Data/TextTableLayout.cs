using System.Globalization;

namespace Monge.Data;

/// <summary>How a text table is laid out.</summary>
/// <param name="Options">Separator, numbers and comments.</param>
/// <param name="Quote">The character around quoted fields.</param>
/// <param name="Names">The name of each column, empty where it has none.</param>
/// <param name="NamesLine">The line of the names.</param>
/// <param name="Rows">Where the rows begin.</param>
/// <param name="Notes">What was decided though it could be otherwise.</param>
internal sealed record TextTablePlan(CsvOptions Options, char Quote, string[] Names, int NamesLine, TextPlace Rows, IReadOnlyList<string> Notes);

/// <summary>
/// Finds out how a text table is laid out from many of its lines: the separator and the decimal mark under which most fields are numbers and most lines have as
/// many fields, then whether the first line differs from the others as names do.
/// </summary>
internal sealed class TextTableLayout
{
    private const int MostLeadingLines = 50;


    private static readonly char?[] s_separators = [',', ';', '\t', '|', null, ':'];

    private readonly string _path;
    private readonly string _text;
    private readonly TableLayout _known;
    private readonly TextPlace _start = TextPlace.Start;
    private readonly List<string> _notes = [];

    private TextTableLayout(string path, string text, TableLayout known)
    {
        (_path, _text, _known) = (path, text, known);

        // Spreadsheets say on a line of its own what separates.
        var line = TextRecords.Line(text, 0).Trim().Trim('"');
        if (line.Length == 5 && line.StartsWith("sep=", StringComparison.OrdinalIgnoreCase))
        {
            var first = new TextRecords(path, text, null, TextPlace.Start);
            first.Read();
            (_start, _known) = (first.Next, known.Separator is null ? known with { Separator = line[4] } : known);
        }
    }

    /// <summary>The layout of a file.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="text">Its text.</param>
    /// <param name="known">What is known.</param>
    /// <exception cref="DataFormatException">The file holds no record, or nothing says whether its first line holds names.</exception>
    public static TextTablePlan Detect(string path, string text, TableLayout known) => new TextTableLayout(path, text, known).Detect();

    private TextTablePlan Detect()
    {
        var lines = new TextComments(_path, _text, _start);
        var signs = lines.Signs();
        var sample = Choose(signs);

        // Rows whose first field is a word such as #ff0000 are no comments.
        string[] comments = [.. signs.Where(sign => !lines.AreRows(sign, sample))];
        sample = comments.Length == signs.Length ? sample : Choose(comments);
        if (sample.Records.Count == 0)
        {
            // A quote that never closes is told with its place.
            new TextRecords(_path, _text, sample.Separator, _start) { Quote = sample.Quote, Comments = comments }.Read();
            throw new DataFormatException(_path, "is empty: line 1 should hold the column names or numbers");
        }

        var first = Leading(sample);
        if (first > 0)
        {
            _notes.Add(FormattableString.Invariant($"lines before line {sample.Places[first].Line} were left out, as they have other fields than the table"));
        }

        var names = Names(sample, first);
        var units = names is null ? 0 : UnitLines.After(sample, first);
        var (line, rows) = (sample.Places[first].Line, names is null ? sample.Places[first] : sample.Ends[first + units]);
        foreach (var at in Enumerable.Range(first + 1, units))
        {
            var words = Shown([.. sample.Records[at].Select(field => field.Trim())]);
            _notes.Add(FormattableString.Invariant($"line {sample.Places[at].Line} ({words}) was left out, as it holds units or other words above numbers"));
        }

        if (names is null && _known.HasNames is null && lines.Names(sample, rows.Position, comments) is { } commented)
        {
            names = commented;
            _notes.Add(FormattableString.Invariant($"the names {Shown(names)} are those of the comment before line {line}"));
        }

        if (sample.Separator == ':' && _known.Separator is null)
        {
            _notes.Add("colons were read as separators (the layout 'comma' reads them as parts of a field)");
        }

        if (sample.DecimalComma && _known.DecimalComma is null)
        {
            _notes.Add("numbers were read with decimal commas (the layout 'decimal-point' reads points)");
        }

        var options = new CsvOptions
        {
            HasHeader = names is not null,
            Separator = sample.Separator,
            DecimalComma = sample.DecimalComma,
            Comments = comments,
        };
        return new TextTablePlan(options, sample.Quote, names ?? new string[sample.Width].Select(_ => "").ToArray(), line, rows, _notes);
    }

    private TextSample Choose(string[] comments)
    {
        TextSample? best = null;
        TextSample? broken = null;
        char?[] separators = _known.Separator is { } told ? [told == ' ' ? null : told] : s_separators;
        bool[] decimals = _known.DecimalComma is { } comma ? [comma] : [false, true];
        char[] quotes = _text.AsSpan(_start.Position).TrimStart().StartsWith("'") && !_text.Contains('"') ? ['\'', '"'] : ['"'];
        foreach (var decimalComma in decimals)
        {
            foreach (var separator in separators)
            {
                foreach (var quote in quotes)
                {
                    var sample = TextSample.Of(_text, _start, separator, decimalComma, quote, comments);
                    if (sample.IsBroken)
                    {
                        broken ??= sample.Width > 1 ? sample : null;
                    }
                    else if ((best is null || sample.Score > best.Score + 1e-9) && IsPossible(sample))
                    {
                        best = sample;
                    }
                }
            }
        }

        // Where no reading without broken quotes finds numbers, one with them tells the place.
        return (best?.Score > 0 ? best : broken ?? best) ?? TextSample.Of(_text, _start, separators[0], decimals[0], quotes[0], comments);
    }

    // The colons of times are none that separate. One column of decimal commas looks like two columns of whole numbers; a name above it that has no comma
    // says which it is.
    private bool IsPossible(TextSample sample)
    {
        if (sample.Separator == ':' && _known.Separator is null && (sample.Width == 1 || sample.HasClockTimes()))
        {
            return false;
        }

        if (!sample.DecimalComma || _known.DecimalComma is not null || sample.Width > 1)
        {
            return !sample.DecimalComma || _known.DecimalComma is not null || sample.Separator != ',' || !IsThousands(sample);
        }

        return sample.Records[0] is [var name] && !sample.IsNumber(name) && !name.Contains(',');
    }

    // In quotes between commas, 1,234 is a thousand as likely as a little more than one.
    private static bool IsThousands(TextSample sample) => sample.Records.Skip(1).SelectMany(r => r)
        .Where(field => field.Contains(',') && sample.IsNumber(field))
        .All(field => TextNumber.HasThousands(field) && field.Trim().TrimStart('-', '+')[0] != '0');

    // The record with which the table begins: lines of one field before it, or such without numbers before a line of names, are no part of it.
    private static int Leading(TextSample sample)
    {
        var first = sample.Records.FindIndex(r => r.Length == sample.Width && (sample.Width == 1 || Filled(r) > 1));
        if (first is < 1 or > MostLeadingLines || (first == 1 && Math.Abs(sample.Records[0].Length - sample.Width) == 1 && Filled(sample.Records[0]) > 1))
        {
            return 0;
        }

        var before = sample.Records.Take(first).ToArray();
        var isNames = Array.TrueForAll(sample.Records[first], field => !sample.IsNumber(field) && !TextNumber.IsMissing(field));
        return Array.TrueForAll(before, r => !r.Any(sample.IsNumber)) && (isNames || Array.TrueForAll(before, r => Filled(r) == 1))
            && !(sample.Width == 2 && !isNames) ? first : 0;
    }

    // A title may be filled up with empty fields.
    private static int Filled(string[] record) => Array.FindLastIndex(record, field => field.AsSpan().Trim().Length > 0) + 1;

    // The names that the first record holds, as many as the table has columns; null where it is a row.
    private string[]? Names(TextSample sample, int first)
    {
        string[] fields = [.. sample.Records[first].Select(field => field.Trim())];
        var width = sample.Width;
        if (_known.HasNames == false)
        {
            return null;
        }

        var words = fields.Count(field => !sample.IsNumber(field) && field.Length > 0);
        var hasMostlyWords = 2 * words >= fields.Length;
        if (fields.Length == width - 1 && hasMostlyWords && sample.Records.Count > first + 1)
        {
            var (last, leading) = (sample.Column(width - 1, first + 1), sample.Column(0, first + 1));
            return Array.TrueForAll(last, field => field.Length == 0) ? [.. fields, ""] : IsRowLabels(leading) ? ["", .. fields] : fields;
        }

        if (fields.Length == width + 1 && hasMostlyWords && fields[^1].Length == 0)
        {
            return fields[..^1];
        }

        return fields.Length != width ? hasMostlyWords ? fields : null : IsHeader(sample, first, fields) ? fields : null;
    }

    private static bool IsRowLabels(string[] column) => column.Distinct().Count() == column.Length
        && (Array.TrueForAll(column, field => !TextNumber.TryParse(field, false, out _)) || RowNumbers.AreConsecutive(column));

    private bool IsHeader(TextSample sample, int first, string[] fields)
    {
        if (_known.HasNames is { } known)
        {
            return known;
        }

        string[][] columns = [.. Enumerable.Range(0, fields.Length).Select(k => sample.Column(k, first + 1))];
        int[] numeric = [.. Enumerable.Range(0, fields.Length).Where(k => sample.IsNumeric(columns[k]))];
        int[] judged = numeric.Length > 0
            ? [.. Enumerable.Range(0, fields.Length).Where(k => numeric.Contains(k) || Array.TrueForAll(columns[k], field => TextNumber.IsMissing(field)))]
            : [.. Enumerable.Range(0, fields.Length)];
        bool IsWord(int k) => !sample.IsNumber(fields[k]) && (!TextNumber.IsMissing(fields[k]) || fields.Length == 1);
        var (words, empty) = (judged.Count(IsWord), judged.Count(k => fields[k].Length == 0));

        // One word among numbers is a mistake in the data, to be told with its place, and no header.
        if (words > 0 && 2 * (words + empty) >= judged.Length)
        {
            return true;
        }

        int[] numbers = [.. numeric.Where(k => sample.IsNumber(fields[k]))];
        if (numbers.Length == 0)
        {
            return false;
        }

        var isQuoted = numbers.All(k => sample.IsQuoted(first, k)) && sample.Records.Count > first + 1 && sample.Records[first + 1].Length == fields.Length
            && numbers.All(k => !sample.IsQuoted(first + 1, k));
        var kind = isQuoted ? NumberNames.Certain
            : NumberHeader.Judge(sample, [.. numbers.Select(k => fields[k])], [.. numbers.Select(k => columns[k])], isAnchored: words + empty > 0);
        var place = FormattableString.Invariant($"line {sample.Places[first].Line} ({Shown(fields)})");
        switch (kind)
        {
            case NumberNames.Certain:
                _notes.Add($"{place} was read as names, not as a row (the layout 'no-header' reads it as one)");
                break;
            case NumberNames.Likely:
                throw new DataFormatException(
                    _path, $"{place} may hold names or the numbers of a row; say which with the layout 'header' or 'no-header'");
            case NumberNames.Possible:
                _notes.Add($"{place} was read as a row, not as names (the layout 'header' reads it as names)");
                break;
        }

        return kind == NumberNames.Certain;
    }

    private static string Shown(string[] fields)
    {
        var text = string.Join(", ", fields.Take(5).Select(f => f.Length > 20 ? f[..20] + "..." : f));
        return fields.Length > 5 ? string.Create(CultureInfo.InvariantCulture, $"{text}, ... {fields.Length} in all") : text;
    }
}
