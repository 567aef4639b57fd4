using System.Text.Json.Nodes;
using Monge.Gallery;
using Monge.Reports;
using Monge.Runs;

namespace Monge.Cli.Tests;

/// <summary>Reports at the end of runs, and <c>monge report</c>, through the real executable.</summary>
public sealed class ReportTests
{
    private static readonly string[] s_files = ["picture.png", "picture.svg", "pictures.json", "report.html"];

    [Fact]
    public void A_run_ends_with_its_report_and_runs_are_set_side_by_side()
    {
        using var folder = new ScratchFolder();
        foreach (var seed in (string[])["1", "2"])
        {
            using var run = Sample(folder, "--seed", seed, "--out", "seed" + seed);
            Assert.Equal(0, run.ExitCode);
            Assert.All(s_files, f => Assert.True(File.Exists(folder[$"seed{seed}/{f}"]), f));
        }

        var described = RunPictures.Read(folder["seed1"]);
        Assert.Equal("gmm9 by pinn, seed 1", described.Title);
        Assert.StartsWith("monge sample gmm9", described.Command, StringComparison.Ordinal);
        string[] pictures = ["samples", "mode weights", "log Z", "deviations", "weights", "distances"];
        Assert.Equal(pictures, described.Pictures.Select(p => p.Name).Take(pictures.Length));
        Assert.Contains(described.Pictures[0].Layers, l => l is ContoursLayer { Levels.Count: 5 });
        Assert.Equal(0, described.Figures.Single(f => f.Name == "log Z").Reference);

        File.Delete(folder["seed1/report.html"]);
        using var again = MongeProcess.Run(folder.Path, "report", "seed1", "--json");
        Assert.Equal(0, again.ExitCode);
        Assert.Equal(3, JsonNode.Parse(again.Output)!["written"]!.AsArray().Count);
        Assert.True(File.Exists(folder["seed1/report.html"]));
        using var both = MongeProcess.Run(folder.Path, "report", "seed1", "seed2", "--out", "both.html");
        Assert.Equal("both.html", both.Output.Trim());
        Assert.Contains("<th>seed1</th><th>seed2</th>", File.ReadAllText(folder["both.html"]), StringComparison.Ordinal);
        using var none = MongeProcess.Run(folder.Path, "report", ".");
        Assert.Equal(1, none.ExitCode);
        Assert.Contains("holds no pictures.json", none.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_that_can_not_be_made_is_told_and_loses_nothing()
    {
        using var folder = new ScratchFolder();
        Directory.CreateDirectory(folder["here/report.html"]);
        using var run = Sample(folder, "--out", "here");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("the run is saved, but its report couldn't be made", run.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(folder["here/samples.npy"]));

        using var without = Sample(folder, "--out", "bare", "--no-report");
        Assert.Equal(0, without.ExitCode);
        Assert.All(s_files, f => Assert.False(File.Exists(folder["bare/" + f]), f));
    }

    [Fact]
    public void A_fit_draws_rows_beside_generated_ones_and_their_way()
    {
        using var folder = new ScratchFolder();
        var random = new Random(1);
        var rows = Enumerable.Range(0, 400).Select(_ => FormattableString.Invariant($"{random.NextDouble()},{random.NextDouble()}\n"));
        File.WriteAllText(folder["data.csv"], "x,y\n" + string.Concat(rows));
        File.WriteAllText(folder["options.json"], """{ "width": 8, "depth": 1, "batchSize": 32 }""");
        using var run = MongeProcess.Run(folder.Path, "fit", "data.csv", "--options", "options.json", "--iterations", "50", "--out", "m.safetensors");
        Assert.Equal(0, run.ExitCode);
        Assert.All(s_files, f => Assert.True(File.Exists(folder["m.run/" + f]), f));
        var described = RunPictures.Read(folder["m.run"]);
        Assert.Equal(["rows", "marginals", "transport", "likelihood", "loss over t", "loss", "validation_loss"], described.Pictures.Select(p => p.Name));
        Assert.Equal(11, described.Pictures[2].Frames.Count);
    }

    [Fact]
    public void Reruns_of_figures_are_remembered_over_commits()
    {
        using var folder = new ScratchFolder();
        FigureResult[] Results(double value) =>
        [
            new("01", "e", FigureReference.Within("distance", 1, 0.1, "closed form"), value, 1, 1),
            new("01", "e", FigureReference.AtMost("bound", 2, "a table"), 1.5, 1, 1),
        ];
        _ = GalleryPictures.Describe(folder.Path, Results(1.2), "0.1.0+aaaaaaaaaa", "monge reproduce 01");
        var described = GalleryPictures.Describe(folder.Path, Results(1.05), "0.1.0+bbbbbbbbbb", "monge reproduce 01");
        Assert.Equal(4, File.ReadAllLines(folder[GalleryPictures.HistoryName]).Length);
        Assert.Empty(described.Warnings);
        var table = Assert.IsType<TableLayer>(described.Pictures.Single(p => p.Name == "figures of 01").Layers[0]);
        Assert.Equal([true, true], table.Holds!);
        Assert.Contains("held in 1 of 2", table.Rows[0]);
        var course = described.Pictures.Single(p => p.Name == "course").Panels[0];
        Assert.Equal(["aaaaaaa", "bbbbbbb"], course.X.Labels!);
        Assert.Equal([1.2, 1.05], course.Layers.OfType<PointsLayer>().Single().Y);

        var missed = GalleryPictures.Describe(folder.Path, Results(double.NaN), "0.1.0+bbbbbbbbbb", "monge reproduce 01");
        Assert.Contains("distance", Assert.Single(missed.Warnings), StringComparison.Ordinal);
        RunReport.Write(folder.Path, missed);
    }

    private static MongeProcess Sample(ScratchFolder folder, params string[] further)
    {
        File.WriteAllText(folder["options.json"], """
            { "width": 8, "depth": 1, "batchSize": 32, "walkers": 32, "walkerSteps": 8, "refreshInterval": 10,
              "base": "isotropic", "targetExponent": 1, "baseExponent": 1,
              "sampler": "ode", "samplerSteps": 16 }
            """);
        return MongeProcess.Run(folder.Path, ["sample", "gmm9", "--iterations", "30", "--samples", "400", "--options", "options.json", .. further]);
    }
}
