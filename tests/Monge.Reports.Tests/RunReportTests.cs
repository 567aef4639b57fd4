using System.Text.RegularExpressions;
using System.Xml.Linq;
using Monge.Data;
using Monge.Runs;
using SkiaSharp;

namespace Monge.Reports.Tests;

public sealed partial class RunReportTests : IDisposable
{
    private const long LargestPage = 5 << 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("monge-report").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Description_comes_back_as_it_was()
    {
        var json = ExampleRuns.Whole.ToJson();
        var back = RunPictures.Parse(json, "test");
        Assert.Equal(json, back.ToJson());
        Assert.Equal(ExampleRuns.Whole.Pictures.Select(p => p.Name), back.Pictures.Select(p => p.Name));
        static IEnumerable<Type> Layers(RunPictures run) => run.Pictures.SelectMany(p => p.Layers).Select(l => l.GetType());
        Assert.Equal(Layers(ExampleRuns.Whole), Layers(back));
        var loss = Assert.IsType<LineLayer>(back.Pictures.Single(p => p.Name == "loss").Layers[0]);
        Assert.True(double.IsNaN(loss.Y[1]) && double.IsNaN(loss.High![2]));
        Assert.Equal(0.5, loss.Low![2]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"title":"t","command":"c","pictures":[{"name":"n"}]}""")]
    [InlineData("""{"title":"t","command":"c","pictures":[{"name":"n","title":"t","layers":[{"layer":"cake"}]}]}""")]
    public void What_is_no_description_is_refused_with_its_file(string json)
    {
        var error = Assert.Throws<DataFormatException>(() => RunPictures.Parse(json, "here.json"));
        Assert.Contains("here.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Page_is_one_file_that_fetches_nothing()
    {
        RunReport.Write(_folder, ExampleRuns.Whole);
        var page = File.ReadAllText(Path.Combine(_folder, RunReport.PageName));
        Assert.True(page.Length < LargestPage);
        var own = Scripts().Replace(page, "");
        Assert.DoesNotMatch("https?://|src=|url\\(|<link", own);
        Assert.Contains("default-src 'none'", own, StringComparison.Ordinal);
        string[] files = [RunReport.PngName, RunReport.SvgName, RunPictures.FileName, RunReport.PageName];
        Assert.Equal(files, Directory.GetFiles(_folder).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Page_has_every_picture_warning_figure_and_the_command()
    {
        RunReport.Write(_folder, ExampleRuns.Whole);
        var page = File.ReadAllText(Path.Combine(_folder, RunReport.PageName));
        Assert.All(ExampleRuns.Whole.Pictures, p => Assert.Contains($"data-name=\"{p.Name}\"", page, StringComparison.Ordinal));
        Assert.Contains("widen the base", page, StringComparison.Ordinal);
        Assert.Contains("monge sample gmm9 --out &#39;a b&#39;", page, StringComparison.Ordinal);
        Assert.Contains("-0.00071 ± 0.00041", System.Net.WebUtility.HtmlDecode(page), StringComparison.Ordinal);
        Assert.Contains("Example &lt;b&gt;by&lt;/b&gt; &amp;", page, StringComparison.Ordinal);
        Assert.Equal(3, page.Split("</script>").Length - 1);
    }

    [Fact]
    public void Images_are_drawn()
    {
        RunReport.Write(_folder, ExampleRuns.Whole);
        using var image = SKBitmap.Decode(Path.Combine(_folder, RunReport.PngName));
        var colours = image.Pixels.Distinct().Count();
        Assert.True(image.Width > 600 && image.Height > 300 && colours > 50, $"{image.Width} x {image.Height}, {colours} colours");
        Assert.Contains(image.Pixels, p => p == SKColor.Parse("#0072b2") || (p.Blue > 150 && p.Red < 60));
        var svg = XDocument.Load(Path.Combine(_folder, RunReport.SvgName));
        Assert.Equal("svg", svg.Root!.Name.LocalName);
        Assert.True(svg.Descendants().Count(e => e.Name.LocalName is "path" or "circle" or "ellipse" or "rect" or "line") > 20);
    }

    [Fact]
    public void What_has_nothing_to_draw_says_so()
    {
        RunReport.Write(_folder, ExampleRuns.Hollow);
        var page = File.ReadAllText(Path.Combine(_folder, RunReport.PageName));
        Assert.All(ExampleRuns.Hollow.Pictures, p => Assert.Contains($"data-name=\"{p.Name}\"", page, StringComparison.Ordinal));
        Assert.Contains("There is nothing to draw", page, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_folder, RunReport.PngName)));
    }

    [Fact]
    public void Several_runs_stand_side_by_side()
    {
        string[] folders = [Path.Combine(_folder, "one"), Path.Combine(_folder, "two")];
        foreach (var folder in folders)
        {
            Directory.CreateDirectory(folder);
            (ExampleRuns.Whole with { Title = Path.GetFileName(folder)! }).Write(folder);
        }

        var path = Path.Combine(_folder, "both.html");
        RunReport.Compare(folders, path);
        var page = File.ReadAllText(path);
        Assert.All(ExampleRuns.Whole.Pictures, p => Assert.Equal(2, page.Split($"data-name=\"{p.Name}\"").Length - 1));
        Assert.Contains("<th>one</th><th>two</th>", page, StringComparison.Ordinal);
    }

    [GeneratedRegex("<script>.*?</script>", RegexOptions.Singleline)]
    private static partial Regex Scripts();
}
