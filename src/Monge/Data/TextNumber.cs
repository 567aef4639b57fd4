using System.Globalization;

namespace Monge.Data;

/// <summary>Numbers as text tables write them: with a decimal point or a decimal comma, and nan, inf and -inf in any case.</summary>
internal static class TextNumber
{
    private const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    /// <summary>Reads a number.</summary>
    /// <param name="field">The field; blanks around it don't matter.</param>
    /// <param name="decimalComma">Whether a comma, between digits, stands for the decimal point.</param>
    /// <param name="value">The number.</param>
    public static bool TryParse(ReadOnlySpan<char> field, bool decimalComma, out double value)
    {
        var text = field.Trim();
        if (decimalComma && text.IndexOf(',') is var at and >= 0)
        {
            value = 0;
            if (text.Contains('.') || at + 1 == text.Length || !char.IsAsciiDigit(text[at + 1]) || text.Length > 400)
            {
                return false;
            }

            Span<char> pointed = stackalloc char[text.Length];
            text.CopyTo(pointed);
            pointed[at] = '.';
            return double.TryParse(pointed, Style, CultureInfo.InvariantCulture, out value);
        }

        if (decimalComma && text.Contains('.'))
        {
            value = 0;
            return false;
        }

        if (double.TryParse(text, Style, CultureInfo.InvariantCulture, out value))
        {
            return true;
        }

        var word = text.TrimStart("+-");
        if (word.Equals("nan", StringComparison.OrdinalIgnoreCase))
        {
            value = double.NaN;
            return true;
        }

        value = text.StartsWith("-") ? double.NegativeInfinity : double.PositiveInfinity;
        return word.Equals("inf", StringComparison.OrdinalIgnoreCase) || word.Equals("infinity", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether a field says that a value is missing.</summary>
    public static bool IsMissing(ReadOnlySpan<char> field) => field.Trim() is var text && (text.Length == 0 || text.SequenceEqual("NA"));

    /// <summary>Whether a field is a whole number of digits alone.</summary>
    public static bool IsDigits(ReadOnlySpan<char> field) => field.Trim() is { Length: > 0 } text && !text.ContainsAnyExceptInRange('0', '9');

    /// <summary>Whether a field is a number with marks between groups of three digits, such as 1,234,567.8 or 1.234,5.</summary>
    public static bool HasThousands(ReadOnlySpan<char> field)
    {
        var text = field.Trim().TrimStart("+-");
        var last = text.LastIndexOfAny('.', ',');
        return last > 0 && (IsGrouped(text, text[last] == '.' ? '.' : ',')
            || (IsGrouped(text[..last], text[last] == '.' ? ',' : '.') && IsDigits(text[(last + 1)..])));
    }

    private static bool IsGrouped(ReadOnlySpan<char> text, char mark)
    {
        var (groups, isGrouped) = (0, true);
        foreach (var range in text.Split(mark))
        {
            var group = text[range];
            isGrouped &= IsDigits(group) && (groups++ == 0 ? group.Length <= 3 : group.Length == 3);
        }

        return isGrouped && groups > 1;
    }
}
