using System.Text.Json.Nodes;
using Monge.Gallery;

namespace Monge.Cli.Tests;

/// <summary>The gallery: how figures are held against references, and the quick part of entry 01 through the real executable.</summary>
public sealed class ReproduceTests
{
    [Fact]
    public void The_quick_experiments_of_entry_01_hold_and_leave_a_record()
    {
        using var folder = new ScratchFolder();
        using var run = MongeProcess.Run(folder.Path, "reproduce", "01", "--quick", "--seed", "2", "--json", "--out", "records");
        Assert.Equal(0, run.ExitCode);
        var figures = JsonNode.Parse(run.Output)!.AsArray();
        string[] experiments = [.. figures.Select(f => (string)f!["experiment"]!)];
        Assert.Contains("gaussian-losses", experiments);
        string[] keys = ["system", "experiment", "figure", "value", "reference", "tolerance", "source", "holds", "stretch_holds", "seconds", "seed", "notes"];
        Assert.All(figures, f => Assert.All(keys, key => Assert.True(f!.AsObject().ContainsKey(key), $"'{key}' is missing")));
        Assert.True((double)figures[0]!["value"]! < 1e-8);
        Assert.True((double)figures[Array.LastIndexOf(experiments, "gaussian-losses")]!["value"]! < 2e-2);
        Assert.All(figures, f => Assert.True((bool)f!["holds"]! && (long)f["seed"]! == 2));
        Assert.True(JsonNode.DeepEquals(figures, JsonNode.Parse(File.ReadAllText(folder["records/01-quick-seed2.json"]))));
    }

    [Fact]
    public void One_experiment_runs_by_its_name_and_an_unknown_one_is_told()
    {
        using var folder = new ScratchFolder();
        using var run = MongeProcess.Run(folder.Path, "reproduce", "01", "--experiment", "residual-operators", "--json", "--out", "records");
        Assert.Equal(0, run.ExitCode);
        Assert.All(JsonNode.Parse(run.Output)!.AsArray(), f => Assert.Equal("residual-operators", (string)f!["experiment"]!));
        Assert.True(File.Exists(folder["records/01-residual-operators-seed1.json"]));
        using var unknown = MongeProcess.Run(folder.Path, "reproduce", "01", "--experiment", "residual-operator");
        Assert.Equal(2, unknown.ExitCode);
        Assert.Contains("did you mean 'residual-operators'?", unknown.Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1.05, true)]
    [InlineData(0.95, true)]
    [InlineData(1.11, false)]
    [InlineData(double.NaN, false)]
    [InlineData(double.PositiveInfinity, false)]
    public void A_figure_within_its_tolerance_holds(double value, bool holds) =>
        Assert.Equal(holds, FigureReference.Within("x", 1, 0.1, "test").Holds(value));

    [Fact]
    public void Bounds_hold_on_their_own_side_and_so_do_stretches()
    {
        var most = FigureReference.AtMost("x", 2, "test", stretchBound: 1);
        var least = FigureReference.AtLeast("x", 2, "test", stretchBound: 3);
        Assert.True(most.Holds(1.5) && !most.Holds(2.5) && most.StretchHolds(0.5) == true && most.StretchHolds(1.5) == false);
        Assert.True(least.Holds(2.5) && !least.Holds(1.5) && least.StretchHolds(3.5) == true && least.StretchHolds(2.5) == false);
        Assert.False(least.Holds(double.NaN));
        Assert.Null(FigureReference.AtMost("x", 2, "test").StretchHolds(0));
    }

    [Fact]
    public async Task An_experiment_that_measures_too_few_figures_is_refused()
    {
        var entry = new GalleryEntry("99", "test", "test",
        [
            new Experiment("short", "test", true, [FigureReference.AtMost("a", 1, "test"), FigureReference.AtMost("b", 1, "test")],
                (_, _) => Task.FromResult<IReadOnlyList<double>>([0.5])),
        ]);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await foreach (var _ in GalleryRunner.RunAsync(entry, new ExperimentSettings()))
            {
            }
        });
        Assert.Contains("declares 2 figures but measured 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Entries_have_two_digits_and_every_figure_names_its_source()
    {
        Assert.All(GalleryCatalogue.Entries, entry => Assert.Matches("^[0-9]{2}$", entry.Number));
        Assert.Equal(GalleryCatalogue.Entries.Count, GalleryCatalogue.Entries.Select(e => e.Number).Distinct().Count());
        Assert.All(GalleryCatalogue.Entries.SelectMany(e => e.Experiments), e => Assert.NotEmpty(e.Figures));
        Assert.All(GalleryCatalogue.Entries.SelectMany(e => e.Experiments).SelectMany(e => e.Figures), f => Assert.False(string.IsNullOrWhiteSpace(f.Source)));
    }
}
