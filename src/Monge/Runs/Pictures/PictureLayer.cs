using System.Text.Json.Serialization;

namespace Monge.Runs;

/// <summary>One thing that is drawn in a picture.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "layer")]
[JsonDerivedType(typeof(PointsLayer), "points")]
[JsonDerivedType(typeof(LineLayer), "line")]
[JsonDerivedType(typeof(StepsLayer), "steps")]
[JsonDerivedType(typeof(BarsLayer), "bars")]
[JsonDerivedType(typeof(ContoursLayer), "contours")]
[JsonDerivedType(typeof(ArrowsLayer), "arrows")]
[JsonDerivedType(typeof(MarkLayer), "mark")]
[JsonDerivedType(typeof(TableLayer), "table")]
public abstract record PictureLayer
{
    /// <summary>What it is, for the legend; may be empty.</summary>
    public string Name { get; init; } = "";

    /// <summary>What it stands for.</summary>
    public PictureTone Tone { get; init; }
}

/// <summary>Points.</summary>
/// <param name="X">Abscissae [n].</param>
/// <param name="Y">Ordinates [n].</param>
public sealed record PointsLayer(IReadOnlyList<double> X, IReadOnlyList<double> Y) : PictureLayer
{
    /// <summary>Weights [n] that become areas, 1 for a usual point; null for equal ones.</summary>
    public IReadOnlyList<double>? Weights { get; init; }
}

/// <summary>A line through points, with a band around it.</summary>
/// <param name="X">Abscissae [n], ascending.</param>
/// <param name="Y">Ordinates [n].</param>
public sealed record LineLayer(IReadOnlyList<double> X, IReadOnlyList<double> Y) : PictureLayer
{
    /// <summary>The lower edge [n] of the band; null for no band.</summary>
    public IReadOnlyList<double>? Low { get; init; }

    /// <summary>The upper edge [n] of the band; null for no band.</summary>
    public IReadOnlyList<double>? High { get; init; }

    /// <summary>Whether the points themselves are marked.</summary>
    public bool HasMarkers { get; init; }

    /// <summary>Whether it is thin and dashed, as what stands beside the matter itself.</summary>
    public bool IsDashed { get; init; }
}

/// <summary>A function that is constant between edges, such as a histogram.</summary>
/// <param name="Edges">Edges [n + 1], ascending.</param>
/// <param name="Heights">Heights [n].</param>
public sealed record StepsLayer(IReadOnlyList<double> Edges, IReadOnlyList<double> Heights) : PictureLayer
{
    /// <summary>Whether the area below is filled.</summary>
    public bool IsFilled { get; init; }
}

/// <summary>Named values, each with its error and its reference.</summary>
/// <param name="Labels">Names [n].</param>
/// <param name="Values">Values [n].</param>
public sealed record BarsLayer(IReadOnlyList<string> Labels, IReadOnlyList<double> Values) : PictureLayer
{
    /// <summary>Half-widths [n] of the values' bars; null for none.</summary>
    public IReadOnlyList<double>? Errors { get; init; }

    /// <summary>What each value should be [n]; null when it isn't known.</summary>
    public IReadOnlyList<double>? References { get; init; }

    /// <summary>Half-widths [n] around the references; null for none.</summary>
    public IReadOnlyList<double>? ReferenceErrors { get; init; }

    /// <summary>What the references are, for the legend.</summary>
    public string ReferenceName { get; init; } = "exact";

    /// <summary>Whether values are points, since their distance from zero says nothing.</summary>
    public bool IsDots { get; init; }

    /// <summary>Whether names stand below each other and values run to the right.</summary>
    public bool IsHorizontal { get; init; }
}

/// <summary>Lines of equal height of a function on a grid.</summary>
/// <param name="X">Abscissae [m] of the grid.</param>
/// <param name="Y">Ordinates [n] of the grid.</param>
/// <param name="Values">Values [n, m], row by row from the first ordinate.</param>
/// <param name="Levels">The heights.</param>
public sealed record ContoursLayer(IReadOnlyList<double> X, IReadOnlyList<double> Y, IReadOnlyList<double> Values, IReadOnlyList<double> Levels) : PictureLayer
{
    /// <summary>Whether areas above the heights are shaded, the darker the higher, instead of lines drawn.</summary>
    public bool IsFilled { get; init; }
}

/// <summary>Arrows.</summary>
/// <param name="X">Where they begin [n], across.</param>
/// <param name="Y">Where they begin [n], up.</param>
/// <param name="Across">How far they reach across [n], in units of the axis.</param>
/// <param name="Up">How far they reach up [n], in units of the axis.</param>
public sealed record ArrowsLayer(IReadOnlyList<double> X, IReadOnlyList<double> Y, IReadOnlyList<double> Across, IReadOnlyList<double> Up) : PictureLayer;

/// <summary>A straight line across the picture at a value, with a band.</summary>
/// <param name="Value">The value.</param>
public sealed record MarkLayer(double Value) : PictureLayer
{
    /// <summary>Whether it is a value of the horizontal axis, so that the line is upright.</summary>
    public bool IsUpright { get; init; }

    /// <summary>Half-width of the band; 0 for none.</summary>
    public double Width { get; init; }
}

/// <summary>A table.</summary>
/// <param name="Columns">Heads of the columns.</param>
/// <param name="Rows">Cells of each row, one for each column.</param>
public sealed record TableLayer(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows) : PictureLayer
{
    /// <summary>For each row whether what it says holds; null for a table that judges nothing.</summary>
    public IReadOnlyList<bool>? Holds { get; init; }

    /// <summary>The column that <see cref="Holds"/> colours.</summary>
    public int VerdictColumn { get; init; }
}
