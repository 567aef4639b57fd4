using System.Globalization;

namespace Monge.Data;

/// <summary>A kind that is said of a column, with bounds of whole numbers.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Lower">The least whole number; null finds it.</param>
/// <param name="Upper">The greatest whole number; null finds it.</param>
public sealed record StatedKind(ColumnKind Kind, double? Lower = null, double? Upper = null)
{
    /// <summary>Reads statements such as age=integer,children=integer:0..7.</summary>
    /// <param name="text">The statements, separated by commas.</param>
    /// <exception cref="ArgumentException">A statement can't be read, or the kind is not known.</exception>
    public static IReadOnlyList<KeyValuePair<string, StatedKind>> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(One)];
    }

    private static KeyValuePair<string, StatedKind> One(string statement)
    {
        var at = statement.LastIndexOf('=');
        if (at < 1 || at == statement.Length - 1)
        {
            throw new ArgumentException($"A type is said as NAME=KIND, not '{statement}'.");
        }

        var (name, parts) = (statement[..at].Trim(), statement[(at + 1)..].Split(':', 2));
        var words = Enum.GetValues<ColumnKind>().ToDictionary(ColumnType.Word, kind => kind);
        if (!words.TryGetValue(parts[0].Trim(), out var kind))
        {
            var near = NearestName.Find(parts[0], words.Keys);
            throw new ArgumentException(
                $"There is no type '{parts[0]}'{(near is null ? "" : $" (is '{near}' meant?)")}; the types are {string.Join(", ", words.Keys)}.");
        }

        if (parts.Length == 1)
        {
            return new(name, new StatedKind(kind));
        }

        var ends = parts[1].Split("..");
        double? End(string end) => end.Length == 0 ? null
            : double.TryParse(end, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number == Math.Floor(number) ? number
            : throw new ArgumentException($"Bounds are whole numbers as in integer:0..7, not '{parts[1]}'.");
        return kind == ColumnKind.Integer && ends.Length == 2 && !(End(ends[0]) >= End(ends[1]))
            ? new(name, new StatedKind(kind, End(ends[0]), End(ends[1])))
            : throw new ArgumentException($"Bounds go with integer, as in {name}=integer:0..7, not '{statement}'.");
    }
}
