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

    // Fewer rows say nothing about how the first one differs from the others.
    private const int LeastRows = 3;
    private const double Apart = 3;
    private const double Fractional = 0.6;

    private static readonly char?[] s_separators = [',', ';', '\t', '|', null];
    private static readonly string[] s_marks = [",", ";", "\t", "|"];
    private static readonly string[] s_signs = ["#", "%", "//", "!", "@"];

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
        string[] signs = [.. s_signs.Where(IsCommentSign)];
        var sample = Choose(signs);

        // Rows whose first field is a word such as #ff0000 are no comments.
        string[] comments = [.. signs.Where(sign => !AreRows(sign, sample))];
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
        var (line, rows) = (sample.Places[first].Line, names is null ? sample.Places[first] : sample.Ends[first]);
        if (names is null && _known.HasNames is null && CommentedNames(sample, rows.Position, comments) is { } commented)
        {
            names = commented;
            _notes.Add(FormattableString.Invariant($"the names {Shown(names)} are those of the comment before line {line}"));
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

    // A sign is one of comments when lines begin with it and others are left, which hold the table.
    private bool IsCommentSign(string sign)
    {
        var (with, without) = (0, 0);
        for (var at = _start.Position; at < _text.Length && (with == 0 || without < 2);)
        {
            var line = TextRecords.Line(_text, at);
            at += line.Length + 1;
            line = line.TrimStart();

            var isComment = line.StartsWith(sign, StringComparison.Ordinal) && !IsName(line.ToString(), sign);
            with += isComment ? 1 : 0;
            without += line.Length > 0 && !isComment ? 1 : 0;
        }

        return with > 0 && without > 1;
    }

    // Names such as %fat,%water are no comment.
    private static bool IsName(string line, string sign) => Array.Exists(s_marks, mark => line.Contains(mark + sign, StringComparison.Ordinal));

    private bool AreRows(string sign, TextSample sample)
    {
        var (alike, all) = (0, 0);
        for (var at = _start.Position; at < _text.Length;)
        {
            var line = TextRecords.Line(_text, at);
            at += line.Length + 1;
            if (line.TrimStart().StartsWith(sign, StringComparison.Ordinal))
            {
                all++;
                alike += IsRow(line.ToString(), sign, sample) ? 1 : 0;
            }
        }

        return alike >= LeastRows && 2 * alike > all;
    }

    // A row that was commented out begins with a number after the sign.
    private bool IsRow(string line, string sign, TextSample sample)
    {
        try
        {
            var fields = new TextRecords(_path, line, sample.Separator, TextPlace.Start) { Quote = sample.Quote }.Read();
            return fields is { Count: > 1 } && fields.Count == sample.Width && !sample.IsNumber(fields[0].Trim()[sign.Length..])
                && fields.Skip(1).Any(sample.IsNumber);
        }
        catch (DataFormatException)
        {
            return false;
        }
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

    // One column of decimal commas looks like two columns of whole numbers; a name above it that has no comma says which it is.
    private bool IsPossible(TextSample sample)
    {
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
            : Judge(sample, [.. numbers.Select(k => fields[k])], [.. numbers.Select(k => columns[k])], isAnchored: words + empty > 0);
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

    // Numbers that name columns are whole, grow from column to column, and differ from what stands under them, by size or because that has fractions.
    private static NumberNames Judge(TextSample sample, string[] names, string[][] columns, bool isAnchored)
    {
        if (columns[0].Length < LeastRows)
        {
            return NumberNames.None;
        }

        double[] values = [.. names.Select(name => Number(sample, name))];
        var steps = values.Zip(values.Skip(1), (a, b) => b - a).ToArray();
        var isGrowing = Array.TrueForAll(steps, step => step > 0);
        var isEven = isGrowing && steps.Length > 0 && Array.TrueForAll(steps, step => Math.Abs(step - steps[0]) < 1e-9 * Math.Abs(values[^1]));
        var areWhole = Array.TrueForAll(names, name => TextNumber.IsDigits(name)) && values.Distinct().Count() == values.Length;
        var areYears = areWhole && Array.TrueForAll(values, v => v is >= 1500 and < 2200);
        var areCounted = areWhole && isEven && steps[0] == 1 && values[0] is 0 or 1;
        var areApart = Enumerable.Range(0, values.Length).All(k => IsApart(sample, values[k], columns[k], Apart));
        var areOutside = Enumerable.Range(0, values.Length).All(k => IsApart(sample, values[k], columns[k], 0));
        var areFractional = columns.All(column => column.Count(f => f.AsSpan().ContainsAny(".,eE")) >= Fractional * column.Length);
        if (isAnchored)
        {
            return areYears || (areWhole && (areFractional || areApart)) || (areApart && isEven) ? NumberNames.Certain : NumberNames.None;
        }

        if ((areWhole && isGrowing && (areApart || (areYears && (areFractional || areOutside)) || (areCounted && areFractional && values.Length > 2)))
            || (areApart && isEven))
        {
            return NumberNames.Certain;
        }

        return (areCounted && areFractional) || (areYears && isEven && values.Length > 2) ? NumberNames.Likely
            : areWhole && isGrowing && values.Length > 1 && (areYears || areFractional || areCounted) ? NumberNames.Possible : NumberNames.None;
    }

    private static bool IsApart(TextSample sample, double value, string[] column, double times)
    {
        double[] others = [.. column.Select(field => Number(sample, field)).Where(double.IsFinite)];
        if (others.Length < LeastRows)
        {
            return false;
        }

        var (low, high) = (others.Min(), others.Max());
        return value < low - (times * (high - low)) || value > high + (times * (high - low));
    }

    private static double Number(TextSample sample, string field) =>
        TextNumber.TryParse(field, sample.DecimalComma, out var value) ? value : double.NaN;

    // Programs that write # before the line of names mean names, if they are as many as the columns.
    private string[]? CommentedNames(TextSample sample, int rows, string[] comments)
    {
        string[] lines = _text[_start.Position..rows].Split('\n', '\r');
        var last = Array.FindLast(lines, line => line.Trim().Length > 0)?.Trim();
        if (last is null || Array.Find(comments, sign => last.StartsWith(sign, StringComparison.Ordinal)) is not { } sign)
        {
            return null;
        }

        try
        {
            var names = new TextRecords(_path, last[sign.Length..].Trim(), sample.Separator, TextPlace.Start) { Quote = sample.Quote }.Read()?
                .Select(name => name.Trim()).ToArray();
            return names?.Length == sample.Width && Array.TrueForAll(names, name => name.Length > 0 && !sample.IsNumber(name))
                && names.Distinct().Count() == names.Length ? names : null;
        }
        catch (DataFormatException)
        {
            return null;
        }
    }

    private static string Shown(string[] fields)
    {
        var text = string.Join(", ", fields.Take(5).Select(f => f.Length > 20 ? f[..20] + "..." : f));
        return fields.Length > 5 ? string.Create(CultureInfo.InvariantCulture, $"{text}, ... {fields.Length} in all") : text;
    }

    private enum NumberNames
    {
        None,
        Possible,
        Likely,
        Certain,
    }
}
