namespace Monge.Data;

/// <summary>Whether numbers in the first line of a table are names.</summary>
internal enum NumberNames
{
    /// <summary>They are a row.</summary>
    None,

    /// <summary>They are a row as far as can be seen, and may be names.</summary>
    Possible,

    /// <summary>They are names as far as can be seen, and may be a row.</summary>
    Likely,

    /// <summary>They are names.</summary>
    Certain,
}

/// <summary>
/// Tells numbers that name columns, such as years, from a row: they are whole, grow from column to column, and differ from what stands under them, by size or
/// because that has fractions.
/// </summary>
internal static class NumberHeader
{
    // Fewer rows say nothing about how the first one differs from the others.
    private const int LeastRows = 3;
    private const double Apart = 3;
    private const double Fractional = 0.6;

    /// <summary>Judges the fields of the first line that are numbers.</summary>
    /// <param name="sample">The sample, which knows what is a number.</param>
    /// <param name="names">The fields.</param>
    /// <param name="columns">What stands under each.</param>
    /// <param name="isAnchored">Whether words stand beside them, as names do.</param>
    public static NumberNames Judge(TextSample sample, string[] names, string[][] columns, bool isAnchored)
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
}
