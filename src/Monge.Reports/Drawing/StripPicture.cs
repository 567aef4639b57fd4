using Monge.Runs;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Monge.Reports.Drawing;

/// <summary>The image of a law in time: a row of small panels for each picture of it, a panel for each of at most six times, all on the same axes.</summary>
internal static class StripPicture
{
    private const int Width = 1200;
    private const int MostPanels = 6;
    private const int LargestPanel = 300;
    private const int Left = 64;
    private const int Right = 16;
    private const int Gap = 18;
    private const int TitleHeight = 44;
    private const int KeyHeight = 34;
    private const int Above = 26;
    private const int Below = 52;
    private const float LineHeight = 0.8f;
    private const int Ticks = 5;

    /// <summary>Writes the image as vector graphics.</summary>
    public static void WriteSvg(RunPictures run, Stream stream)
    {
        var strip = Arrange(run);
        using var canvas = SKSvgCanvas.Create(new SKRect(0, 0, strip.Width, strip.Height), stream);
        Draw(run.Title, strip, canvas);
    }

    private static Strip Arrange(RunPictures run)
    {
        Picture[] pictures = [.. run.Pictures.Where(p => p.IsStrip && p.Frames.Count > 0)];
        var panels = pictures.Select(p => p.FewFrames(MostPanels).Count).DefaultIfEmpty(1).Max();
        var side = Math.Min(LargestPanel, (Width - Left - Right - (Gap * (panels - 1))) / (float)panels);
        List<Row> rows = [];
        var top = (float)TitleHeight;
        foreach (var picture in pictures)
        {
            var height = side * Aspect(picture);
            rows.Add(new Row(picture, top, height));
            top += Above + height + Below;
        }

        return new Strip((int)(Left + (panels * (side + Gap)) - Gap + Right), (int)top + KeyHeight, side, rows);
    }

    // Height over width of a panel: with equal units that of the axes.
    private static float Aspect(Picture picture) =>
        picture is { EqualAxes: true, X: { From: { } left, To: { } right }, Y: { From: { } bottom, To: { } top } }
            ? (float)Math.Clamp((top - bottom) / (right - left), 0.6, 1.4)
            : picture.Frames[0].Layers.OfType<ContoursLayer>().Any() ? 1 : LineHeight;

    private static void Draw(string title, Strip strip, SKCanvas canvas)
    {
        canvas.Clear(SKColors.White);
        using var bold = new SKFont(SKTypeface.FromFamilyName(PlotDrawing.FontName, SKFontStyle.Bold), 17);
        using var usual = new SKFont(SKTypeface.FromFamilyName(PlotDrawing.FontName), 13);
        using var ink = new SKPaint { Color = SKColor.Parse(Palette.Ink), IsAntialias = true };
        canvas.DrawText(title, 16, 27, SKTextAlign.Left, bold, ink);
        foreach (var row in strip.Rows)
        {
            var frames = row.Picture.FewFrames(MostPanels);
            for (var k = 0; k < frames.Count; k++)
            {
                var left = Left + (k * (strip.Side + Gap));
                var bottom = row.Top + Above + row.Height;
                canvas.DrawText(frames[k].Label, left + (strip.Side / 2), row.Top + Above - 8, SKTextAlign.Center, usual, ink);

                // Numbers and names of the upright axis stand before the first panel only.
                var panel = k == 0 ? row.Picture : row.Picture with { Y = row.Picture.Y with { Label = "" } };
                var before = k == 0 ? Left : 0;
                using var plot = PlotDrawing.Make(panel, [.. panel.Layers, .. frames[k].Layers], isPanel: true);
                plot.Axes.Bottom.TickGenerator = new NumericAutomatic { TargetTickCount = Ticks };
                plot.Axes.Left.TickGenerator = new NumericAutomatic { TargetTickCount = Ticks };
                plot.Layout.Fixed(new PixelPadding(before, 0, Below, 0));
                PlotDrawing.Render(plot, canvas, new PixelRect(left - before, left + strip.Side, bottom + Below, row.Top + Above));
            }
        }

        DrawKey(strip, canvas, usual, ink);
    }

    private static void DrawKey(Strip strip, SKCanvas canvas, SKFont font, SKPaint ink)
    {
        var shapes = strip.Rows.Take(1).SelectMany(r => LayerShapes.Of(r.Picture, [.. r.Picture.Layers, .. r.Picture.Frames.SelectMany(f => f.Layers)]));
        var (x, y) = ((float)Left, strip.Height - 14);
        foreach (var (name, tone) in shapes.Where(s => s.Name.Length > 0).Select(s => (s.Name, s.Tone)).Distinct())
        {
            using var colour = new SKPaint { Color = SKColor.Parse(Palette.Of(tone)), IsAntialias = true };
            canvas.DrawRect(x, y - 8, 16, 6, colour);
            canvas.DrawText(name, x + 22, y, SKTextAlign.Left, font, ink);
            x += 22 + font.MeasureText(name) + 24;
        }
    }

    private sealed record Strip(int Width, int Height, float Side, IReadOnlyList<Row> Rows);

    private sealed record Row(Picture Picture, float Top, float Height);
}
