namespace Monge.Data;

/// <summary>The lines of comment of a text table.</summary>
internal sealed class TextComments(string path, string text, TextPlace start)
{
    // Fewer lines say nothing about what most of them are.
    private const int LeastRows = 3;
    private static readonly string[] s_marks = [",", ";", "\t", "|"];
    private static readonly string[] s_signs = ["#", "%", "//", "!", "@"];

    /// <summary>What lines of comment may begin with.</summary>
    public string[] Signs() => [.. s_signs.Where(IsSign)];

    // A sign is one of comments when lines begin with it and others are left, which hold the table.
    private bool IsSign(string sign)
    {
        var (with, without) = (0, 0);
        for (var at = start.Position; at < text.Length && (with == 0 || without < 2);)
        {
            var line = TextRecords.Line(text, at);
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

    /// <summary>Whether most lines that begin with a sign are rows.</summary>
    public bool AreRows(string sign, TextSample sample)
    {
        var (alike, all) = (0, 0);
        for (var at = start.Position; at < text.Length;)
        {
            var line = TextRecords.Line(text, at);
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
            var fields = new TextRecords(path, line, sample.Separator, TextPlace.Start) { Quote = sample.Quote }.Read();
            return fields is { Count: > 1 } && fields.Count == sample.Width && !sample.IsNumber(fields[0].Trim()[sign.Length..])
                && fields.Skip(1).Any(sample.IsNumber);
        }
        catch (DataFormatException)
        {
            return false;
        }
    }

    /// <summary>Names in the last comment before the rows: programs that write # before them mean names, if they are as many as the columns.</summary>
    public string[]? Names(TextSample sample, int rows, string[] comments)
    {
        string[] lines = text[start.Position..rows].Split('\n', '\r');
        var last = Array.FindLast(lines, line => line.Trim().Length > 0)?.Trim();
        if (last is null || Array.Find(comments, sign => last.StartsWith(sign, StringComparison.Ordinal)) is not { } sign)
        {
            return null;
        }

        try
        {
            var names = new TextRecords(path, last[sign.Length..].Trim(), sample.Separator, TextPlace.Start) { Quote = sample.Quote }.Read()?
                .Select(name => name.Trim()).ToArray();
            return names?.Length == sample.Width && Array.TrueForAll(names, name => name.Length > 0 && !sample.IsNumber(name))
                && names.Distinct().Count() == names.Length ? names : null;
        }
        catch (DataFormatException)
        {
            return null;
        }
    }
}
