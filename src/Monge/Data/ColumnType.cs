using System.Globalization;

namespace Monge.Data;

/// <summary>What kind of values a column holds, and so how a model learns and draws them.</summary>
public enum ColumnKind
{
    /// <summary>Numbers with a density.</summary>
    Continuous,

    /// <summary>Whole numbers, such as counts or ages: each has a probability.</summary>
    Integer,

    /// <summary>Few numbers in their order, such as grades in halves.</summary>
    Ordinal,

    /// <summary>Words, or numbers that stand for classes.</summary>
    Categorical,

    /// <summary>Two values.</summary>
    Binary,

    /// <summary>Zero with a probability, other numbers with a density.</summary>
    ZeroInflated,
}

/// <summary>The type of a column of a table.</summary>
public sealed record ColumnType
{
    /// <summary>Most whole numbers between two bounds that are also learned one by one.</summary>
    public const int MostSingle = 32;

    /// <summary>The column's name.</summary>
    public required string Name { get; init; }

    /// <summary>Its kind.</summary>
    public required ColumnKind Kind { get; init; }

    /// <summary>Whether the column holds words.</summary>
    public bool IsWords { get; init; }

    /// <summary>Whether a model is conditioned on the column: it is given, not generated.</summary>
    public bool IsCondition { get; init; }

    /// <summary>The values of an ordinal, categorical or binary column, as text; numbers in their order.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];

    /// <summary>The least whole number; null where none is known.</summary>
    public double? Lower { get; init; }

    /// <summary>The greatest whole number; null where none is known.</summary>
    public double? Upper { get; init; }

    /// <summary>The mean of an integer column or of a continuous condition, by which networks see it.</summary>
    public double Centre { get; init; }

    /// <summary>Its standard deviation.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>Whether the numbers of a zero-inflated column other than zero are positive and learned by their logarithms.</summary>
    public bool IsLogarithmic { get; init; }

    /// <summary>Whether it has values of a probability: all of them, or zero.</summary>
    public bool IsDiscrete => Kind != ColumnKind.Continuous;

    /// <summary>Whether it has values of a density.</summary>
    public bool HasDensity => Kind is ColumnKind.Continuous or ColumnKind.ZeroInflated;

    /// <summary>Number of classes: the values, or zero and other; 0 for whole numbers and continuous columns.</summary>
    internal int Classes => Kind == ColumnKind.ZeroInflated ? 2 : Values.Count;

    /// <summary>How many whole numbers there are, where they are learned one by one too; else 0.</summary>
    internal int Singles => Kind == ColumnKind.Integer && Upper - Lower + 1 is { } count and <= MostSingle ? (int)count : 0;

    /// <summary>Numbers by which a network sees it: one of them 1 for classes, a number for whole numbers, followed by those one by one.</summary>
    internal int Features => Kind == ColumnKind.Integer ? 1 + Singles : Kind == ColumnKind.Continuous ? 1 : Classes;

    /// <summary>The kind in words, with what is known of the values.</summary>
    public override string ToString() => Kind switch
    {
        ColumnKind.Integer => $"integer ({Bound(Lower, "at least ", Upper)})",
        ColumnKind.Categorical or ColumnKind.Ordinal or ColumnKind.Binary => $"{Word(Kind)} ({Listed()})",
        ColumnKind.ZeroInflated => IsLogarithmic ? "zero-inflated (zero, or positive, learned in logarithms)" : "zero-inflated",
        _ => "continuous",
    };

    /// <summary>The word for a kind.</summary>
    /// <param name="kind">The kind.</param>
    public static string Word(ColumnKind kind) => kind == ColumnKind.ZeroInflated ? "zero-inflated" : kind.ToString().ToLowerInvariant();

    /// <summary>A number as a class is named.</summary>
    internal static string Text(double value) => (value + 0.0).ToString("R", CultureInfo.InvariantCulture);

    /// <summary>Writes the numbers by which a network sees a code.</summary>
    internal void Encode(double code, Span<float> features)
    {
        features[..Features].Clear();
        if (Kind is ColumnKind.Integer or ColumnKind.Continuous)
        {
            features[0] = (float)((code - Centre) / Scale);
            if (Singles > 0)
            {
                features[1 + (int)(code - Lower!.Value)] = 1;
            }
        }
        else
        {
            features[(int)code] = 1;
        }
    }

    private string Listed() => Values.Count <= 8 ? string.Join(", ", Values)
        : string.Create(CultureInfo.InvariantCulture, $"{Values.Count} values: {string.Join(", ", Values.Take(5))}, ...");

    private static string Bound(double? lower, string least, double? upper) => (lower, upper) switch
    {
        ({ } low, { } high) => $"{Text(low)} to {Text(high)}",
        ({ } low, null) => least + Text(low),
        (null, { } high) => $"at most {Text(high)}",
        _ => "without bounds",
    };
}
