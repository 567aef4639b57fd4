namespace Monge.Gallery;

/// <summary>How a figure is held against its reference.</summary>
public enum FigureTest
{
    /// <summary>The value lies within the tolerance of the reference on either side.</summary>
    Within,

    /// <summary>The value is at most the reference plus the tolerance.</summary>
    AtMost,

    /// <summary>The value is at least the reference minus the tolerance.</summary>
    AtLeast,
}

/// <summary>One figure of an experiment, declared before anything runs: what it must be, how near, and who says so.</summary>
/// <param name="Name">What is measured, in the field's words.</param>
/// <param name="Test">How the value is held against the reference.</param>
/// <param name="Reference">The paper's value or the exact one.</param>
/// <param name="Tolerance">How far from the reference the value may lie; not negative.</param>
/// <param name="Source">Where the reference comes from: a table of a paper, a closed form, quadrature.</param>
/// <param name="Stretch">A harder bar: the tolerance for <see cref="FigureTest.Within"/>, otherwise the bound itself; null for none.</param>
public sealed record FigureReference(string Name, FigureTest Test, double Reference, double Tolerance, string Source, double? Stretch = null)
{
    /// <summary>A figure that lies within a tolerance of an exact or published value.</summary>
    public static FigureReference Within(string name, double reference, double tolerance, string source, double? stretchTolerance = null) =>
        new(name, FigureTest.Within, reference, tolerance, source, stretchTolerance);

    /// <summary>A figure that may not be larger than a bound.</summary>
    public static FigureReference AtMost(string name, double bound, string source, double? stretchBound = null) =>
        new(name, FigureTest.AtMost, bound, 0, source, stretchBound);

    /// <summary>A figure that may not be smaller than a bound.</summary>
    public static FigureReference AtLeast(string name, double bound, string source, double? stretchBound = null) =>
        new(name, FigureTest.AtLeast, bound, 0, source, stretchBound);

    /// <summary>
    /// Whether the figure orders or compares trained runs: a statement over seeds, which one seed can neither show nor refute. It is measured at several, and
    /// <see cref="FigureResult.Verdict"/> says whether they agree.
    /// </summary>
    public bool IsOverSeeds { get; init; }

    /// <summary>The same figure as a statement over seeds.</summary>
    public FigureReference OverSeeds() => this with { IsOverSeeds = true };

    /// <summary>The bound that a value may not cross: the reference with its tolerance; not a number where there is one on either side.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public double Bound => Test switch { FigureTest.AtMost => Reference + Tolerance, FigureTest.AtLeast => Reference - Tolerance, _ => double.NaN };

    /// <summary>Whether a measured value meets the reference; a value that is not finite never does.</summary>
    public bool Holds(double value) => double.IsFinite(value) && Test switch
    {
        FigureTest.Within => Math.Abs(value - Reference) <= Tolerance,
        FigureTest.AtMost => value <= Reference + Tolerance,
        _ => value >= Reference - Tolerance,
    };

    /// <summary>Whether a measured value meets the harder bar; null when there is none.</summary>
    public bool? StretchHolds(double value) => Stretch is not { } bar ? null : double.IsFinite(value) && Test switch
    {
        FigureTest.Within => Math.Abs(value - Reference) <= bar,
        FigureTest.AtMost => value <= bar,
        _ => value >= bar,
    };

    /// <summary>The bar in words, such as "-0.5411 +- 0.05" or "at most 0.02".</summary>
    public string Describe() => Test switch
    {
        FigureTest.Within => FormattableString.Invariant($"{Reference:G6} +- {Tolerance:G3}"),
        FigureTest.AtMost => FormattableString.Invariant($"at most {Reference + Tolerance:G4}"),
        _ => FormattableString.Invariant($"at least {Reference - Tolerance:G4}"),
    };
}
