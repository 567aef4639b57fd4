using System.Globalization;

namespace Monge.Data;

/// <summary>Columns that count or name the rows and are no data.</summary>
internal static class RowNumbers
{
    /// <summary>Whether fields are whole numbers of which each is one more than the one before.</summary>
    public static bool AreConsecutive(IReadOnlyList<string> fields)
    {
        for (var row = 0; row < fields.Count; row++)
        {
            if (!Parse(fields[row], out var value) || (row > 0 && (!Parse(fields[row - 1], out var before) || value != before + 1)))
            {
                return false;
            }
        }

        return fields.Count > 1;
    }

    /// <summary>Whether numbers are whole and each is one more than the one before.</summary>
    public static bool AreConsecutive(ReadOnlySpan<double> values)
    {
        for (var row = 0; row < values.Length; row++)
        {
            if (values[row] != Math.Floor(values[row]) || (row > 0 && values[row] != values[row - 1] + 1))
            {
                return false;
            }
        }

        return values.Length > 1;
    }

    /// <summary>Whether an unnamed column holds what tells rows apart: each field once, all of them whole numbers or all of them words.</summary>
    /// <param name="fields">The column.</param>
    /// <param name="isFirst">Whether it is the first one, where labels stand; further on numbers must count.</param>
    public static bool AreLabels(IReadOnlyList<string> fields, bool isFirst) => AreConsecutive(fields) || (isFirst && fields.Count > 1
        && fields.Distinct().Count() == fields.Count
        && (fields.All(field => Parse(field, out _)) || fields.All(field => field.Trim().Length > 0 && !TextNumber.TryParse(field, false, out _))));

    private static bool Parse(string field, out long value) =>
        long.TryParse(field.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out value);
}
