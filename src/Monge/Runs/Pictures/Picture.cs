namespace Monge.Runs;

/// <summary>
/// A picture as data: what is drawn, not how. Who draws it chooses colours, fonts and sizes; the same description becomes an interactive figure or an image.
/// Numbers that aren't finite are gaps.
/// </summary>
/// <param name="Name">A short word, unique in its run, by which pictures of several runs are put side by side.</param>
/// <param name="Title">What it shows, in a few words.</param>
public sealed record Picture(string Name, string Title)
{
    /// <summary>How to read it, in a sentence or two; may be empty.</summary>
    public string Caption { get; init; } = "";

    /// <summary>The horizontal axis.</summary>
    public PictureAxis X { get; init; } = new("");

    /// <summary>The vertical axis.</summary>
    public PictureAxis Y { get; init; } = new("");

    /// <summary>Whether a unit is as long on one axis as on the other.</summary>
    public bool EqualAxes { get; init; }

    /// <summary>Whether it belongs on the one image that stands for the run.</summary>
    public bool IsHeadline { get; init; }

    /// <summary>What is drawn, the first at the bottom.</summary>
    public IReadOnlyList<PictureLayer> Layers { get; init; } = [];

    /// <summary>Steps of a slider, each with layers of its own above <see cref="Layers"/>; empty for a picture that stands still.</summary>
    public IReadOnlyList<PictureFrame> Frames { get; init; } = [];

    /// <summary>Whether frames also stand side by side, in the file of the run's strip.</summary>
    public bool IsStrip { get; init; }

    /// <summary>Small pictures in a grid, row by row; then this one has no layers of its own. A panel without layers is an empty place.</summary>
    public IReadOnlyList<Picture> Panels { get; init; } = [];

    /// <summary>Panels in a row.</summary>
    public int Columns { get; init; } = 1;

    /// <summary>Whether the panels of a row share its upright axis, and those of a column its horizontal one; else each stands for itself.</summary>
    public bool IsMatrix { get; init; }

    /// <summary>At most so many of the frames, evenly spread, the first and the last among them; of one the last.</summary>
    /// <param name="most">Their number, at least 1.</param>
    public IReadOnlyList<PictureFrame> FewFrames(int most) => Spread(Frames, most);

    /// <summary>At most so many of a list, evenly spread, the first and the last among them; of one the last.</summary>
    internal static IReadOnlyList<T> Spread<T>(IReadOnlyList<T> all, int most)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        return all.Count <= most ? all
            : most == 1 ? [all[^1]]
            : [.. Enumerable.Range(0, most).Select(k => all[(int)Math.Round(k * (all.Count - 1.0) / (most - 1))])];
    }
}

/// <summary>An axis.</summary>
/// <param name="Label">What it measures, with its unit.</param>
public sealed record PictureAxis(string Label)
{
    /// <summary>Whether it is logarithmic.</summary>
    public bool IsLogarithmic { get; init; }

    /// <summary>Where it begins; null to fit what is drawn.</summary>
    public double? From { get; init; }

    /// <summary>Where it ends; null to fit what is drawn.</summary>
    public double? To { get; init; }

    /// <summary>Names of the places 0, 1, 2, ... instead of numbers; null for numbers.</summary>
    public IReadOnlyList<string>? Labels { get; init; }
}

/// <summary>A step of a picture's slider.</summary>
/// <param name="Label">Where the slider stands, such as "t = 0.5".</param>
/// <param name="Layers">What is drawn there.</param>
public sealed record PictureFrame(string Label, IReadOnlyList<PictureLayer> Layers);

/// <summary>What a layer stands for, by which it is coloured.</summary>
public enum PictureTone
{
    /// <summary>The run's own result.</summary>
    Ours,

    /// <summary>What is exact, a reference, or the data.</summary>
    Exact,

    /// <summary>A second result beside the first.</summary>
    Second,

    /// <summary>What stays in the background.</summary>
    Quiet,

    /// <summary>What is drawn over the rest, in the colour of words.</summary>
    Ink,
}
