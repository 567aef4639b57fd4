using Monge.Runs;

namespace Monge.Reports.Drawing;

/// <summary>
/// Colours that people with any colour vision tell apart (after M. Okabe and K. Ito, "Color Universal Design", 2008), on a light ground; report.css has them
/// for a dark one too.
/// </summary>
internal static class Palette
{
    /// <summary>What is said in words, axes included.</summary>
    public const string Ink = "#1f2328";

    /// <summary>Lines of the grid.</summary>
    public const string Grid = "#e4e7eb";

    /// <summary>Frames and ticks.</summary>
    public const string Axis = "#8a929b";

    /// <summary>A tone's colour.</summary>
    public static string Of(PictureTone tone) => tone switch
    {
        PictureTone.Ours => "#0072b2",
        PictureTone.Exact => "#d55e00",
        PictureTone.Second => "#009e73",
        PictureTone.Ink => Ink,
        _ => "#9aa2ab",
    };

    /// <summary>A tone's word, in style sheets and figures.</summary>
    public static string Word(PictureTone tone) => tone.ToString().ToLowerInvariant();
}
