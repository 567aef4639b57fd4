namespace Monge.Reports.Tests.Page;

public sealed class BrowserTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("monge-browser").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [ChromiumTheory]
    [InlineData(400)]
    [InlineData(1400)]
    public void Page_shows_every_figure_and_its_sliders_move(int width)
    {
        RunReport.Write(_folder, ExampleRuns.Whole);
        var seen = Chromium.Look(Path.Combine(_folder, RunReport.PageName), width);
        Assert.Empty(seen["problems"]!.AsArray());
        Assert.Equal(width, (int)seen["width"]!);
        Assert.True((int)seen["overflow"]! <= 0, $"The page is {seen["overflow"]} pixels wider than its window of {width}.");
        var figures = seen["figures"]!.AsArray();
        string[] drawn = [.. ExampleRuns.Whole.Pictures.Where(p => p.Name != "table").Select(p => p.Name)];
        Assert.Equal(drawn, figures.Select(f => (string)f!["name"]!).Distinct());
        Assert.All(figures, f => Assert.True((int)f!["marks"]! > 0 && (int)f["width"]! > 100 && (int)f["height"]! > 100, f!.ToJsonString()));
        var slider = Assert.Single(seen["sliders"]!.AsArray())!;
        Assert.True((bool)slider["moved"]! && (bool)slider["told"]!);
    }

    [ChromiumTheory]
    [InlineData(400)]
    public void Page_without_anything_finite_and_comparison_open_without_errors(int width)
    {
        string[] folders = [Path.Combine(_folder, "a"), Path.Combine(_folder, "b")];
        Directory.CreateDirectory(folders[0]);
        Directory.CreateDirectory(folders[1]);
        RunReport.Write(folders[0], ExampleRuns.Hollow);
        ExampleRuns.Whole.Write(folders[1]);
        RunReport.Compare(folders, Path.Combine(_folder, "both.html"));
        foreach (var page in (string[])[Path.Combine(folders[0], RunReport.PageName), Path.Combine(_folder, "both.html")])
        {
            var seen = Chromium.Look(page, width);
            Assert.Empty(seen["problems"]!.AsArray());
            Assert.True((int)seen["overflow"]! <= 0);
        }
    }
}
