using Monge.Gallery;

namespace Monge.Cli.Tests;

/// <summary>Figures that compare trained runs: measured at several seeds, and judged by all of them.</summary>
public sealed class SeedVerdictTests
{
    private static readonly FigureReference s_ordering = FigureReference.AtMost("ratio", 1, "test", stretchBound: 0.8).OverSeeds();

    [Theory]
    [InlineData(new[] { 0.7, 0.75, 0.6, 0.79, 0.5 }, FigureVerdict.Holds, true)]
    [InlineData(new[] { 0.7, 0.75, 0.6, 0.99, 0.5 }, FigureVerdict.Holds, false)]
    [InlineData(new[] { 0.95, 0.9, 1.15, 0.97, 0.93 }, FigureVerdict.Tie, false)]
    [InlineData(new[] { 0.95, 0.9, double.NaN, 0.97, 0.93 }, FigureVerdict.Tie, false)]
    [InlineData(new[] { 1.2, 1.1, 1.15, 1.01, 1.3 }, FigureVerdict.FallsShort, false)]
    [InlineData(new[] { 0.9, 0.9, 0.9, 0.9 }, FigureVerdict.NotJudged, false)]
    public void An_ordering_holds_when_all_of_five_seeds_say_so(double[] values, FigureVerdict verdict, bool stretch)
    {
        var result = new FigureResult("99", "test", s_ordering, FigureVerdicts.Median(values), 1, 1) { Values = values };
        Assert.Equal(verdict, result.Verdict);
        Assert.Equal(verdict == FigureVerdict.Holds, result.Holds);
        Assert.Equal(stretch, result.StretchHolds);
    }

    [Fact]
    public void Other_figures_are_judged_by_their_value_and_medians_are_medians()
    {
        var bar = FigureReference.AtMost("bar", 1, "test");
        Assert.Equal(FigureVerdict.Holds, new FigureResult("99", "test", bar, 0.9, 1, 1).Verdict);
        Assert.Equal(FigureVerdict.FallsShort, new FigureResult("99", "test", bar, 1.1, 1, 1).Verdict);
        Assert.Equal(2, FigureVerdicts.Median([5, 1, 2]));
        Assert.Equal(3, FigureVerdicts.Median([5, 1, 2, 4]));
        Assert.True(double.IsNaN(FigureVerdicts.Median([5, double.NaN, 2])));
        Assert.Equal(5, FigureVerdicts.Seeds(7, 5).Distinct().Count());
        Assert.Equal(7ul, FigureVerdicts.Seeds(7, 5)[0]);
        Assert.Empty(FigureVerdicts.Seeds(1, 5).Intersect(FigureVerdicts.Seeds(2, 5)));
    }

    [Fact]
    public async Task The_work_is_done_at_each_seed_kept_and_gone_on_with()
    {
        using var folder = new ScratchFolder();
        var (ran, failing) = (new List<ulong>(), FigureVerdicts.Seeds(3, 5)[3]);
        var entry = new GalleryEntry("99", "test", "test",
        [
            new Experiment("compare", "test", false, [FigureReference.AtMost("bar", 4, "test"), s_ordering], (settings, _) =>
            {
                ran.Add(settings.Seed);
                settings.Note("a line");
                return settings.Seed == failing ? throw new OperationCanceledException()
                    : Task.FromResult<IReadOnlyList<double>>([settings.Seed, 0.5 + (settings.Seed % 10 * 0.01)]);
            }),
        ]);
        var settings = new ExperimentSettings { Seed = 3, Folder = folder.Path, Resume = true };
        await Assert.ThrowsAsync<OperationCanceledException>(() => Measure(entry, settings));
        failing = 0;
        var notes = new List<string>();
        var figures = await Measure(entry, settings with { Note = notes.Add });

        // Three seeds were done when the first run ended.
        Assert.Equal([.. FigureVerdicts.Seeds(3, 4), .. FigureVerdicts.Seeds(3, 5).Skip(3)], ran);
        Assert.Equal(3, notes.Count(note => note.Contains("remembers", StringComparison.Ordinal)));
        Assert.Equal(5, notes.Count(note => note.EndsWith(": a line", StringComparison.Ordinal)));

        // A bar is that of the run's own seed, an ordering that of all.
        Assert.Equal((3, FigureVerdict.Holds), (figures[0].Value, figures[0].Verdict));
        Assert.Equal([.. FigureVerdicts.Seeds(3, 5).Select(seed => 0.5 + (seed % 10 * 0.01))], figures[1].Values);
        Assert.Equal((FigureVerdicts.Median(figures[1].Values), FigureVerdict.Holds), (figures[1].Value, figures[1].Verdict));

        // Without --resume all is done anew.
        await Measure(entry, settings with { Resume = false });
        Assert.Equal(11, ran.Count);
    }

    [Fact]
    public void Comparisons_of_trained_runs_are_statements_over_seeds_and_none_is_quick()
    {
        var over = GalleryCatalogue.Entries.SelectMany(e => e.Experiments).Where(e => e.IsOverSeeds).ToArray();
        string[] names = ["gauss-newton", "learned-transfer", "gaussian-learned", "mixture-labels", "super-resolution", "learned-maps", "learned-checkerboard",
            "mixture-128-learned"];
        Assert.Superset(names.ToHashSet(), over.Select(e => e.Name).ToHashSet());
        Assert.All(over, experiment => Assert.False(experiment.Quick));
        Assert.All(over.Single(e => e.Name == "mixture-128-learned").Figures, figure => Assert.True(figure.IsOverSeeds));
    }

    private static async Task<IReadOnlyList<FigureResult>> Measure(GalleryEntry entry, ExperimentSettings settings)
    {
        List<FigureResult> all = [];
        await foreach (var figures in GalleryRunner.RunAsync(entry, settings))
        {
            all.AddRange(figures);
        }

        return all;
    }
}
