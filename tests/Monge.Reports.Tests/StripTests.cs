using System.Xml.Linq;
using Monge.Reports.Drawing;
using Monge.Runs;
using SkiaSharp;

namespace Monge.Reports.Tests;

public sealed class StripTests : IDisposable
{
    private static readonly double[] s_grid = [.. Enumerable.Range(0, 41).Select(i => -2 + (0.1 * i))];

    private readonly string _folder = Directory.CreateTempSubdirectory("monge-strip").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_strip_has_a_panel_for_each_of_at_most_six_times_in_each_row()
    {
        var run = new RunPictures("A law", "monge evolve") { Pictures = [Law("law", 9), Law("law-2", 9)] };
        RunReport.Write(_folder, run);
        var svg = XDocument.Load(Path.Combine(_folder, RunReport.StripName));
        string[] texts = [.. svg.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value.Trim())];
        Assert.Equal(["t = 0", "t = 2", "t = 3", "t = 5", "t = 6", "t = 8"], texts.Where(t => t.StartsWith("t = ", StringComparison.Ordinal)).Take(6));
        Assert.Equal(12, texts.Count(t => t.StartsWith("t = ", StringComparison.Ordinal)));
        Assert.Equal((12, 2), (texts.Count(t => t == "x[0]"), texts.Count(t => t == "x[1]")));
        Assert.Equal("1200", svg.Root!.Attribute("width")!.Value);

        // Texts lie within the image.
        var height = double.Parse(svg.Root!.Attribute("height")!.Value, System.Globalization.CultureInfo.InvariantCulture);
        double[] Places(XElement text, string name) => [.. (text.Attribute(name)?.Value ?? "0").Split(',', StringSplitOptions.TrimEntries)
            .Where(v => v.Length > 0).Select(v => double.Parse(v, System.Globalization.CultureInfo.InvariantCulture))];
        foreach (var text in svg.Descendants().Where(e => e.Name.LocalName == "text" && e.Attribute("transform") is null))
        {
            Assert.All(Places(text, "x"), x => Assert.InRange(x, 0, 1190));
            Assert.All(Places(text, "y"), y => Assert.InRange(y, 8, height - 4));
        }
    }

    [Fact]
    public void Runs_without_a_law_in_time_have_no_strip()
    {
        RunReport.Write(_folder, ExampleRuns.Whole);
        Assert.False(File.Exists(Path.Combine(_folder, RunReport.StripName)));
    }

    [Fact]
    public void A_law_comes_back_from_its_description()
    {
        var json = new RunPictures("A law", "monge evolve") { Pictures = [Law("law", 2)] }.ToJson();
        Assert.Equal(json, RunPictures.Parse(json, "test").ToJson());
        Assert.IsType<ArrowsLayer>(RunPictures.Parse(json, "test").Pictures[0].Frames[1].Layers[1]);
    }

    [Fact]
    public void Arrows_have_a_shaft_and_two_barbs_of_one_length_at_their_tips()
    {
        var picture = new Picture("p", "") { EqualAxes = true };
        var shape = Assert.Single(LayerShapes.Of(picture, [new ArrowsLayer([1], [2], [3], [4])]));
        Assert.Equal([1, 4, double.NaN], shape.X[..3]);
        Assert.Equal([2, 6, double.NaN], shape.Y[..3]);
        double Barb(int at) => double.Hypot(shape.X[at] - 4, shape.Y[at] - 6);
        Assert.Equal((4, 6), (shape.X[4], shape.Y[4]));
        Assert.Equal(Barb(3), Barb(5), 1e-12);
        Assert.All((int[])[3, 5], at => Assert.True(((shape.X[at] - 4) * 3) + ((shape.Y[at] - 6) * 4) < 0));
        Assert.InRange(Barb(3), 0.5, 2.5);
    }

    [Fact]
    public void What_a_ring_encloses_is_not_filled()
    {
        double[] ring = [.. s_grid.SelectMany(y => s_grid.Select(x => Math.Exp(-8 * Math.Pow(double.Hypot(x, y) - 1.2, 2))))];
        var picture = new Picture("ring", "") { X = new PictureAxis("") { From = -2, To = 2 }, Y = new PictureAxis("") { From = -2, To = 2 } };
        using var plot = PlotDrawing.Make(picture, [new ContoursLayer(s_grid, s_grid, ring, [0.5]) { IsFilled = true }], isPanel: true);
        plot.HideGrid();
        plot.Layout.Frameless();
        using var image = SKBitmap.Decode(plot.GetImage(200, 200).GetImageBytes());
        Assert.Equal(SKColors.White, image.GetPixel(100, 100));
        Assert.NotEqual(SKColors.White, image.GetPixel(160, 100));
        Assert.Equal(SKColors.White, image.GetPixel(196, 100));
    }

    private static Picture Law(string name, int times) => new(name, "The law in time")
    {
        X = new PictureAxis("x[0]") { From = -2, To = 2 },
        Y = new PictureAxis("x[1]") { From = -2, To = 2 },
        EqualAxes = true,
        IsStrip = true,
        Frames = [.. Enumerable.Range(0, times).Select(k => new PictureFrame($"t = {k}",
        [
            new ContoursLayer(s_grid, s_grid, [.. s_grid.SelectMany(y => s_grid.Select(x => Math.Exp(-(x * x) - (y * y))))], [0.2, 0.6]) { IsFilled = true },
            new ArrowsLayer([0], [0], [0.5], [0.1 * k]) { Tone = PictureTone.Ink },
        ]))],
    };
}
