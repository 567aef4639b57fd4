using System.Globalization;
using Monge.Runs;

namespace Monge.Cli.Output;

/// <summary>Frames of pictures side by side in text: curves as bars, densities in the plane as shades.</summary>
internal static class TerminalStrip
{
    private const int MostPanels = 6;
    private const int LeastColumns = 18;
    private const int MostColumns = 24;
    private const int LeastRows = 4;
    private const int CurveRows = 5;
    private const int Indent = 2;
    private const int Gap = 2;

    // A character is about twice as high as it is wide, and looked at so many places across and up.
    private const double Tall = 2;
    private const int Looks = 3;

    /// <summary>The strip that fits a number of characters, a row of panels for each picture.</summary>
    /// <param name="width">Characters in a line.</param>
    /// <param name="pictures">Pictures with frames and given axes.</param>
    public static string Fitting(int width, IReadOnlyList<Picture> pictures) => string.Join("\n", pictures.Select(p => Row(width, p)));

    private static string Row(int width, Picture picture)
    {
        var room = width - Indent + Gap;
        var frames = picture.FewFrames(Math.Clamp(room / (LeastColumns + Gap), 1, MostPanels));
        var columns = Math.Clamp((room / frames.Count) - Gap, 1, MostColumns);
        ContoursLayer[] densities = [.. frames.SelectMany(f => f.Layers.OfType<ContoursLayer>())];
        string[][] panels = densities.Length == frames.Count ? Shades(picture, densities, columns) : [.. frames.Select(f => Bars(picture, f, columns))];
        List<string> lines = [Line(frames.Select(f => Centred(f.Label, columns)))];
        lines.AddRange(Enumerable.Range(0, panels[0].Length).Select(r => Line(panels.Select(p => p[r]))));
        lines.Add(Line([Axes(picture)]));
        return string.Concat(lines.Select(l => (l.Length > width ? l[..width] : l) + "\n"));
    }

    private static string[] Bars(Picture picture, PictureFrame frame, int columns)
    {
        var curve = frame.Layers.First(l => l.Tone == PictureTone.Ours);
        var (low, high, top) = (picture.X.From ?? 0, picture.X.To ?? 1, picture.Y.To ?? 1);
        double[] heights = [.. Enumerable.Range(0, columns).Select(c => Enumerable.Range(0, Looks)
            .Max(k => Height(curve, low + ((c + ((k + 0.5) / Looks)) * (high - low) / columns))))];
        return [.. Enumerable.Range(1, CurveRows).Select(r => string.Concat(heights.Select(h => TerminalPicture.Eighth(h / top, CurveRows, CurveRows - r))))];
    }

    private static double Height(PictureLayer curve, double x)
    {
        var (edges, values) = curve is StepsLayer steps ? (steps.Edges, steps.Heights) : (((LineLayer)curve).X, ((LineLayer)curve).Y);
        var share = (x - edges[0]) / (edges[^1] - edges[0]);
        var place = curve is StepsLayer ? Math.Floor(share * values.Count) : Math.Round(share * (values.Count - 1));
        return values[(int)Math.Clamp(place, 0, values.Count - 1)] is var value && double.IsFinite(value) ? value : 0;
    }

    // One scale for all panels.
    private static string[][] Shades(Picture picture, ContoursLayer[] densities, int columns)
    {
        var aspect = picture is { EqualAxes: true, X: { From: { } left, To: { } right }, Y: { From: { } bottom, To: { } top } }
            ? (top - bottom) / (right - left)
            : 1;
        var rows = (int)Math.Clamp(Math.Round(columns * aspect / Tall), LeastRows, columns);
        double[][] means = [.. densities.Select(density =>
            Enumerable.Range(0, rows * columns).Select(cell => Mean(density, (cell / columns, cell % columns), rows, columns)).ToArray())];
        var highest = Math.Max(double.Epsilon, means.Max(panel => panel.Max()));

        // Below a hundredth of the highest there is nothing; the square root shows flanks as well as tops.
        char Shade(double mean) => TerminalPicture.Shades[(int)Math.Round(Math.Sqrt(mean / highest) * (TerminalPicture.Shades.Length - 1))];
        return [.. means.Select(panel => panel.Select(Shade).Chunk(columns).Select(row => new string(row)).ToArray())];
    }

    private static double Mean(ContoursLayer density, (int Row, int Column) cell, int rows, int columns)
    {
        var sum = 0.0;
        for (var look = 0; look < Looks * Looks; look++)
        {
            var across = (cell.Column + (((look % Looks) + 0.5) / Looks)) / columns;
            var up = (rows - 1 - cell.Row + (((look / Looks) + 0.5) / Looks)) / rows;
            var (i, j) = ((int)Math.Round(across * (density.X.Count - 1)), (int)Math.Round(up * (density.Y.Count - 1)));
            sum += density.Values[(j * density.X.Count) + i] / (Looks * Looks);
        }

        return sum;
    }

    private static string Axes(Picture picture)
    {
        static string Axis(PictureAxis axis) => string.Create(CultureInfo.InvariantCulture, $"{axis.Label} from {axis.From:G3} to {axis.To:G3}");
        return $"{Axis(picture.X)}, {Axis(picture.Y)}";
    }

    private static string Line(IEnumerable<string> parts) => (new string(' ', Indent) + string.Join(new string(' ', Gap), parts)).TrimEnd();

    private static string Centred(string text, int columns)
    {
        text = text.Length > columns ? text[..columns] : text;
        return text.PadLeft(text.Length + ((columns - text.Length) / 2)).PadRight(columns);
    }
}
