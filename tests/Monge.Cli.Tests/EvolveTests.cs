using System.Text.Json.Nodes;
using Monge.Data;

namespace Monge.Cli.Tests;

/// <summary>Runs of <c>monge evolve</c> through the real executable, with tiny networks.</summary>
public sealed class EvolveTests
{
    private const string Tiny = """{ "width": 8, "batchSize": 128, "pool": 1024, "step": 0.1, "checkpointSeconds": 0.01 }""";

    [Fact]
    public void The_files_hold_what_the_table_tells()
    {
        using var folder = Folder();
        using var run = MongeProcess.Run(folder.Path, Arguments("ou-2", 60, "--until", "0.3", "--times", "2", "--samples", "2000", "--json"));
        Assert.Equal(0, run.ExitCode);
        var result = JsonNode.Parse(run.Output)!;
        var table = result["table"]!.AsArray();
        Assert.Equal([0, 0.1, 0.2, 0.3], table.Select(row => Math.Round((double)row!["time"]!, 12)));
        var path = folder[(string)result["out"]!];
        var positions = NumpyFile.Read(Path.Combine(path, "positions.npy"));
        Assert.Equal([2, 2000, 2], positions.Shape.ToArray());
        Assert.Equal([0, 0.3], NumpyFile.Read(Path.Combine(path, "times.npy")).ToDoubles());
        var logs = NumpyFile.Read(Path.Combine(path, "log_density.npy")).ToDoubles();
        Assert.Equal(-logs[2000..].Average(), (double)table[3]!["entropy"]!, 1e-9);
        Assert.Equal(positions.ToDoubles()[4000..].Where((_, i) => i % 2 == 0).Average(), (double)table[3]!["mean"]![0]!, 1e-9);
        Assert.Equal([2, 2000, 2], NumpyFile.Read(Path.Combine(path, "score.npy")).Shape.ToArray());

        // Of N(0, I) all is known.
        Assert.Equal(Math.Log(2 * Math.PI * Math.E), (double)table[0]!["entropy"]!, 5 * (double)table[0]!["entropy_error"]!);
        Assert.Equal(0, (double)table[0]!["divergence"]!, 1e-12);
        Assert.InRange((double)table[3]!["divergence"]!, -0.01, (double)table[3]!["divergence_bound"]! + 0.05);
        Assert.Equal(3, SafetensorsFile.Read(Path.Combine(path, "model.safetensors")).Tensors.Keys.Count(k => k.StartsWith("map.", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_person_sees_the_table_over_time()
    {
        using var folder = Folder();
        using var run = MongeProcess.Run(folder.Path, Arguments("heat-2", 20, "--until", "0.2", "--times", "3", "--samples", "500"));
        Assert.Equal(0, run.ExitCode);
        foreach (var head in (string[])["entropy", "free energy", "production", "KL bound", "true KL"])
        {
            Assert.Contains(head, run.Output, StringComparison.Ordinal);
        }

        using var shown = MongeProcess.Run(folder.Path, "show", "runs/heat-2-seed1");
        Assert.Contains("entropy", shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_was_killed_ends_in_the_same_bytes()
    {
        using var whole = Folder();
        using var part = Folder();
        var arguments = Arguments("ou-2", 120, "--until", "0.4", "--samples", "500", "--no-report");
        using (var run = MongeProcess.Run(whole.Path, arguments))
        {
            Assert.Equal(0, run.ExitCode);
        }

        MongeProcess.KillAtCheckpoint(() => MongeProcess.Start(part.Path, arguments), part["runs/ou-2-seed1"]);
        using var resumed = MongeProcess.Run(part.Path, [.. arguments, "--resume", "--threads", "1"]);
        Assert.Equal(0, resumed.ExitCode);
        foreach (var file in (string[])["model.safetensors", "positions.npy", "log_density.npy", "score.npy"])
        {
            Assert.Equal(File.ReadAllBytes(whole[$"runs/ou-2-seed1/{file}"]), File.ReadAllBytes(part[$"runs/ou-2-seed1/{file}"]));
        }
    }

    [Theory]
    [InlineData("did you mean 'swimmer'", "evolve", "swimer")]
    [InlineData("is no gradient: d b_", "evolve", "swirling-wells-2")]
    [InlineData("--until takes a time above 0, not -1.", "evolve", "ou-2", "--until", "-1")]
    [InlineData("--until takes a time above 0, not NaN.", "evolve", "ou-2", "--until", "nan")]
    public void What_cannot_be_followed_is_told_in_a_sentence(string expected, params string[] arguments)
    {
        using var folder = new ScratchFolder();
        using var run = MongeProcess.Run(folder.Path, arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Problems_are_listed_with_what_is_known_of_them()
    {
        using var folder = new ScratchFolder();
        using var run = MongeProcess.Run(folder.Path, "problems", "--json");
        var problem = JsonNode.Parse(run.Output)!.AsArray().Single(p => (string?)p!["name"] == "ou-12")!;
        Assert.True((bool)problem["exact_law"]! && (bool)problem["gradient_flow"]! && (int)problem["dimension"]! == 12);
        using var lines = MongeProcess.Run(folder.Path, "problems");
        Assert.Contains("swimmer", lines.Output, StringComparison.Ordinal);
    }

    private static ScratchFolder Folder()
    {
        var folder = new ScratchFolder();
        File.WriteAllText(folder["tiny.json"], Tiny);
        return folder;
    }

    private static string[] Arguments(string problem, int iterations, params string[] more) =>
        ["evolve", problem, "--iterations", $"{iterations}", "--options", "tiny.json", "--seed", "1", .. more];
}
