using System.Text.Json.Nodes;
using Monge.Gallery;

namespace Monge.Cli.Tests;

/// <summary>Gallery entries of laws and generation as far as they take seconds, and experiments whose data are not there.</summary>
public sealed class GenerationGalleryTests
{
    [Theory]
    [InlineData("11")]
    [InlineData("27")]
    public void The_quick_experiments_of_an_entry_hold(string entry)
    {
        using var folder = new ScratchFolder();
        using var run = MongeProcess.Run(folder.Path, "reproduce", entry, "--quick", "--threads", "1", "--json", "--out", "records");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.All(JsonNode.Parse(run.Output)!.AsArray(), f => Assert.True((bool)f!["holds"]!));
    }

    [Fact]
    public async Task An_experiment_without_its_data_is_skipped_in_words()
    {
        var notes = new List<string>();
        var entry = new GalleryEntry("99", "test", "test",
        [
            new Experiment(
                "absent", "test", true, [FigureReference.AtMost("a", 1, "test")], (_, _) => throw new ExperimentSkippedException("there is no 'rows.csv'")),
            new Experiment("present", "test", true, [FigureReference.AtMost("a", 1, "test")], (_, _) => Task.FromResult<IReadOnlyList<double>>([0.5])),
        ]);
        var measured = new List<string>();
        await foreach (var figures in GalleryRunner.RunAsync(entry, new ExperimentSettings { Note = notes.Add }))
        {
            measured.Add(figures[0].Experiment);
        }

        Assert.Equal(["present"], measured);
        Assert.Equal(["skipped: there is no 'rows.csv'"], notes);
    }
}
