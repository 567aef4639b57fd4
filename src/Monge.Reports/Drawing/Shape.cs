using Monge.Runs;

namespace Monge.Reports.Drawing;

/// <summary>How a shape is drawn.</summary>
internal enum ShapeKind
{
    /// <summary>Discs.</summary>
    Dots,

    /// <summary>A line through the points, interrupted where one isn't finite.</summary>
    Line,

    /// <summary>Polygons, divided by points that aren't finite.</summary>
    Area,

    /// <summary>Bars from zero to the ordinates.</summary>
    Bars,

    /// <summary>Short level strokes.</summary>
    LevelTicks,

    /// <summary>Short upright strokes.</summary>
    UprightTicks,
}

/// <summary>A layer taken apart into what every drawing library knows.</summary>
/// <param name="Kind">How it is drawn.</param>
/// <param name="Tone">What it stands for.</param>
/// <param name="X">Abscissae.</param>
/// <param name="Y">Ordinates.</param>
internal sealed record Shape(ShapeKind Kind, PictureTone Tone, double[] X, double[] Y)
{
    /// <summary>What it is.</summary>
    public string Name { get; init; } = "";

    /// <summary>Weights of dots, which become areas; null for equal ones.</summary>
    public double[]? Weights { get; init; }

    /// <summary>Half-widths of bars across; null for none.</summary>
    public double[]? ErrorsX { get; init; }

    /// <summary>Half-widths of bars up; null for none.</summary>
    public double[]? ErrorsY { get; init; }

    /// <summary>What is told of each point; null for its coordinates.</summary>
    public string[]? Texts { get; init; }

    /// <summary>Opacity of the colour.</summary>
    public double Opacity { get; init; } = 1;

    /// <summary>Width of lines in pixels.</summary>
    public double Width { get; init; } = 1.8;

    /// <summary>Whether lines are dashed.</summary>
    public bool IsDashed { get; init; }

    /// <summary>Whether the line belongs to the background, such as a reference or a contour, and isn't told of when pointed at.</summary>
    public bool IsSilent { get; init; }
}
