namespace Monge.Data;

/// <summary>The first records of a text table under one reading of its separators, quotes and decimal marks, and how well that reading fits.</summary>
internal sealed class TextSample
{
    private const int MostRecords = 400;
    private const int LeastRecords = 12;
    private const int Length = 200_000;
    private const double Numeric = 0.8;
    private const double Clocks = 0.9;

    // A number with marks of thousands is not read, but it is one.
    private const double MarkedNumber = 0.75;
    private static readonly char[] s_separators = [',', ';', '\t', '|'];

    private readonly List<bool[]> _quoted = [];

    private TextSample(char? separator, bool decimalComma, char quote) => (Separator, DecimalComma, Quote) = (separator, decimalComma, quote);

    /// <summary>The character between fields; null for blanks.</summary>
    public char? Separator { get; }

    /// <summary>Whether numbers have decimal commas.</summary>
    public bool DecimalComma { get; }

    /// <summary>The character around quoted fields.</summary>
    public char Quote { get; }

    /// <summary>The records.</summary>
    public List<string[]> Records { get; } = [];

    /// <summary>Where each begins.</summary>
    public List<TextPlace> Places { get; } = [];

    /// <summary>Where the text goes on after each.</summary>
    public List<TextPlace> Ends { get; } = [];

    /// <summary>How many fields most records have.</summary>
    public int Width { get; private set; }

    /// <summary>How well the reading fits: the share of records of that width, times the mean over their fields of 1 for a number, 0 for a word and -1 for a
    /// word with another separator in it.</summary>
    public double Score { get; private set; }

    /// <summary>Whether a quote that doesn't close as it should ended it.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Reads a sample.</summary>
    public static TextSample Of(string text, TextPlace start, char? separator, bool decimalComma, char quote, IReadOnlyList<string> comments)
    {
        var sample = new TextSample(separator, decimalComma, quote);
        var records = new TextRecords("", text, separator, start) { Quote = quote, Comments = comments };
        try
        {
            while (sample.Records.Count < MostRecords
                && (sample.Records.Count < LeastRecords || records.Next.Position < start.Position + Length) && records.Read() is { } record)
            {
                sample.Records.Add([.. record]);
                sample._quoted.Add([.. records.Quoted]);
                sample.Places.Add(records.Place);
                sample.Ends.Add(records.Next);
            }
        }
        catch (DataFormatException)
        {
            sample.IsBroken = true;
        }

        sample.Judge();
        return sample;
    }

    /// <summary>Whether a field is a number.</summary>
    public bool IsNumber(string field) => TextNumber.TryParse(field, DecimalComma, out _);

    /// <summary>Whether a field of a record was quoted.</summary>
    public bool IsQuoted(int record, int field) => _quoted[record][field];

    /// <summary>The fields of a column in the records from one on that have the width.</summary>
    public string[] Column(int column, int from) => [.. Records.Skip(from).Where(r => r.Length == Width).Select(r => r[column].Trim())];

    /// <summary>Whether most of the fields that aren't missing are numbers, and there are some.</summary>
    public bool IsNumeric(string[] column)
    {
        string[] there = [.. column.Where(field => !TextNumber.IsMissing(field))];
        return there.Length > 0 && there.Count(IsNumber) >= Numeric * there.Length;
    }

    /// <summary>Whether nearly all records hold a time such as 12:30 where colons separate.</summary>
    public bool HasClockTimes() => Records.Count(r => Enumerable.Range(1, r.Length - 1).Any(k => IsClock(r[k - 1], r[k]))) >= Clocks * (Records.Count - 1);

    // Whole hours, then minutes of two digits.
    private static bool IsClock(ReadOnlySpan<char> before, ReadOnlySpan<char> after)
    {
        var hours = before[(before.LastIndexOfAnyExceptInRange('0', '9') + 1)..];
        return hours.Length > 0 && !before[..^hours.Length].EndsWith(".") && after.Length > 1 && after[0] is >= '0' and <= '5' && char.IsAsciiDigit(after[1])
            && (after.Length == 2 || !char.IsAsciiDigit(after[2]));
    }

    private void Judge()
    {
        if (Records.Count == 0)
        {
            (Width, Score) = (0, -10);
            return;
        }

        // The earliest of widths that are equally frequent: a line of names is right more often than what follows it.
        Width = Records.GroupBy(r => r.Length).MaxBy(group => group.Count())!.Key;
        var (fields, sum, like) = (0, 0.0, 0);
        for (var k = 0; k < Records.Count; k++)
        {
            if (Records[k].Length != Width)
            {
                continue;
            }

            like++;
            for (var at = 0; at < Width && (k > 0 || Records.Count == 1); at++)
            {
                var field = Records[k][at];
                if (TextNumber.IsMissing(field))
                {
                    continue;
                }

                fields++;
                sum += IsNumber(field) ? 1 : TextNumber.HasThousands(field) ? MarkedNumber : !_quoted[k][at] && HasSeparator(field.Trim()) ? -1 : 0;
            }
        }

        Score = (fields == 0 ? 0 : sum / fields) * like / Records.Count;
    }

    private bool HasSeparator(string field) => Array.Exists(s_separators, s => s != Separator && field.Contains(s));
}
