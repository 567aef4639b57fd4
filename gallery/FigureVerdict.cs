namespace Monge.Gallery;

/// <summary>What a measurement says of a figure.</summary>
public enum FigureVerdict
{
    /// <summary>The value meets the reference; of a statement over seeds, that of every seed does.</summary>
    Holds,

    /// <summary>Of a statement over seeds: some seeds meet the reference and some don't, so that it lies within their spread.</summary>
    Tie,

    /// <summary>A statement over seeds was measured at too few of them.</summary>
    NotJudged,

    /// <summary>The value misses the reference; of a statement over seeds, that of every seed does.</summary>
    FallsShort,
}

/// <summary>
/// The rule by which figures are judged. A statement over seeds holds when all of at least five seeds meet it and falls short when none does: were either side
/// as likely, five seeds would agree by chance once in sixteen times. Else it ties.
/// </summary>
public static class FigureVerdicts
{
    /// <summary>The least number of seeds that a statement over seeds is judged at.</summary>
    public const int LeastSeeds = 5;

    // Derived seeds are so far apart that runs of neighbouring seeds share none.
    private const ulong SeedStep = 1_000_003;

    /// <summary>The seeds of a statement over seeds: that of the run, and others that follow from it.</summary>
    /// <param name="seed">That of the run.</param>
    /// <param name="count">How many.</param>
    public static IReadOnlyList<ulong> Seeds(ulong seed, int count) => [.. Enumerable.Range(0, count).Select(k => unchecked(seed + ((ulong)k * SeedStep)))];

    /// <summary>Judges a figure.</summary>
    /// <param name="figure">The figure.</param>
    /// <param name="value">Its value; of a statement over seeds not looked at.</param>
    /// <param name="values">Of a statement over seeds the value of each.</param>
    public static FigureVerdict Of(FigureReference figure, double value, IReadOnlyList<double> values)
    {
        ArgumentNullException.ThrowIfNull(figure);
        ArgumentNullException.ThrowIfNull(values);
        if (!figure.IsOverSeeds)
        {
            return figure.Holds(value) ? FigureVerdict.Holds : FigureVerdict.FallsShort;
        }

        var meeting = values.Count(figure.Holds);
        return values.Count < LeastSeeds ? FigureVerdict.NotJudged
            : meeting == values.Count ? FigureVerdict.Holds : meeting == 0 ? FigureVerdict.FallsShort : FigureVerdict.Tie;
    }

    /// <summary>The median of values: the mean of the two in the middle where they are even in number; not a number where one is.</summary>
    public static double Median(IReadOnlyList<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        double[] sorted = [.. values.Order()];
        return sorted.Any(double.IsNaN) ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
