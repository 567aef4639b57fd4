using System.Globalization;
using System.Text.RegularExpressions;

namespace Monge.Data;

/// <summary>Tells dates and times from other words.</summary>
internal static partial class DateWords
{
    private const int MostSeen = 100;

    /// <summary>Whether the words of a column are dates or times, as far as they aren't empty.</summary>
    public static bool Are(IEnumerable<string> words)
    {
        string[] seen = [.. words.Where(word => !string.IsNullOrWhiteSpace(word)).Take(MostSeen)];
        return seen.Length > 0 && Array.TrueForAll(seen, IsOne);
    }

    // The day stands before the month in one half of the world.
    private static bool IsOne(string word) => word.AsSpan().ContainsAnyInRange('0', '9') && word.AsSpan().ContainsAny("-/:. ")
        && (IsDate(word) || IsDate(DayFirst().Replace(word, "$4-$3-$1")));

    private static bool IsDate(string word) => DateTime.TryParse(word, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    [GeneratedRegex(@"^\s*(\d{1,2})([./-])(\d{1,2})\2(\d{4})")]
    private static partial Regex DayFirst();
}
