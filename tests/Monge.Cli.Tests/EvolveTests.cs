using System.Globalization;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Monge.Data;
using Monge.Runs;

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
        string[] lines = File.ReadAllLines(Path.Combine(path, "table.csv"));
        Assert.Equal(5, lines.Length);
        double InTable(string column) => double.Parse(lines[^1].Split(',')[Array.IndexOf(lines[0].Split(','), column)], CultureInfo.InvariantCulture);
        Assert.Equal((double)table[3]!["time"]!, InTable("t"));
        Assert.Equal((double)table[3]!["sd"]![1]!, InTable("sd[1]"));
        Assert.Equal((double)table[3]!["entropy_error"]!, InTable("entropy_error"));
        Assert.Equal((double)table[3]!["mean_speed"]!, InTable("mean_speed"));
        Assert.Equal((double)table[3]!["divergence_bound"]!, InTable("divergence_bound"));
        Assert.Equal((double)table[3]!["divergence"]!, InTable("divergence"));

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
        foreach (var head in (string[])["entropy", "free energy", "production", "speed", "KL bound", "true KL"])
        {
            Assert.Contains(head, run.Output, StringComparison.Ordinal);
        }

        using var shown = MongeProcess.Run(folder.Path, "show", "runs/heat-2-seed1");
        Assert.Contains("entropy", shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_method_named_one_that_applies_is_taken()
    {
        using var folder = Folder();
        File.WriteAllText(folder["sbtm.json"], """{ "particles": 256, "batchSize": 64, "iterations": 5, "step": 0.05, "width": 8, "depth": 1 }""");
        using var run = MongeProcess.Run(
            folder.Path, "evolve", "swirling-wells-2", "--options", "sbtm.json", "--until", "0.1", "--samples", "100", "--json", "--no-report");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal("sbtm", (string)JsonNode.Parse(run.Output)!["method"]!);

        using var listed = MongeProcess.Run(folder.Path, "problems", "--json");
        var methods = JsonNode.Parse(listed.Output)!.AsArray().ToDictionary(p => (string)p!["name"]!, p => p!["methods"]!.AsArray().Select(m => (string)m!));
        Assert.Equal(["jko", "sbtm"], methods["double-well"]);
        Assert.Equal(["sbtm"], methods["swimmer"]);
        Assert.Equal(["jko"], methods["porous-medium"]);
    }

    [Theory]
    [InlineData("ou-1", 1)]
    [InlineData("ou-2", 1)]
    [InlineData("ou-4", 2)]
    public void The_law_is_drawn_in_the_folder_and_in_the_terminal(string problem, int rows)
    {
        using var folder = Folder();
        using var run = MongeProcess.Run(folder.Path, Arguments(problem, 20, "--until", "0.8", "--times", "9", "--samples", "1000"));
        Assert.True(run.ExitCode == 0, run.Error);
        string[] titles = [.. XDocument.Load(folder[$"runs/{problem}-seed1/evolution.svg"]).Descendants()
            .Where(e => e.Name.LocalName == "text").Select(e => e.Value.Trim()).Where(t => t.StartsWith("t = ", StringComparison.Ordinal))];
        Assert.Equal(6 * rows, titles.Length);
        Assert.Equal(["t = 0", "t = 0.8"], titles[..6].Where(t => t is "t = 0" or "t = 0.8"));
        Assert.Equal(9, RunPictures.Read(folder[$"runs/{problem}-seed1"]).Pictures.First(p => p.IsStrip).Frames.Count);

        // The strip stands below the table, and again in what `monge show` tells.
        foreach (var text in (string[])[run.Output, File.ReadAllText(folder[$"runs/{problem}-seed1/summary.txt"])])
        {
            string[] lines = [.. text.Split('\n').SkipWhile(l => !l.Trim().StartsWith("t = 0 ", StringComparison.Ordinal))];
            Assert.Equal(rows, lines.Count(l => l.Contains("t = 0.8", StringComparison.Ordinal)));
            Assert.Equal(rows, lines.Count(l => l.Contains("] from -", StringComparison.Ordinal)));
            Assert.All(lines, line => Assert.True(line.TrimEnd().Length <= 80, line));
            Assert.Contains(lines, line => line.Contains('█'));
        }
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

    [Fact]
    public void The_law_at_a_time_is_drawn_and_its_density_told()
    {
        using var folder = Folder();
        using var run = MongeProcess.Run(folder.Path, Arguments("ou-2", 60, "--until", "0.3", "--times", "2", "--samples", "300", "--no-report"));
        Assert.Equal(0, run.ExitCode);
        const string made = "runs/ou-2-seed1";

        // What the run tells of its samples stands again, to the precision of the inverse maps.
        var last = NumpyFile.Read(folder[$"{made}/positions.npy"]).ToDoubles()[600..];
        NumpyFile.Write(folder["last.npy"], NumericArray.Create(last, 300, 2));
        using var density = MongeProcess.Run(folder.Path, "density", made, "last.npy", "--at", "0.3", "-o", "logs.npy", "--json");
        Assert.Equal(0, density.ExitCode);
        var logs = NumpyFile.Read(folder["logs.npy"]).ToDoubles();
        Assert.All(logs.Zip(NumpyFile.Read(folder[$"{made}/log_density.npy"]).ToDoubles()[300..]), pair => Assert.Equal(pair.Second, pair.First, 1e-6));
        Assert.Equal((0.3, logs.Average()), ((double)JsonNode.Parse(density.Output)!["at"]!, (double)JsonNode.Parse(density.Output)!["log_density"]!), (a, b) =>
            a.Item1 == b.Item1 && Math.Abs(a.Item2 - b.Item2) < 1e-9);

        // New samples, also between two steps, as a table that density reads by its names; the last time is told where none is given.
        using (var drawn = MongeProcess.Run(folder.Path, "generate", $"{made}/model.safetensors", "-n", "50", "--at", "0.15", "-o", "s.csv"))
        {
            Assert.Equal(0, drawn.ExitCode);
            Assert.DoesNotContain("note", drawn.Error, StringComparison.Ordinal);
        }

        Assert.StartsWith("x[0],x[1]\n", File.ReadAllText(folder["s.csv"]), StringComparison.Ordinal);
        using (var told = MongeProcess.Run(folder.Path, "density", made, "s.csv", "--at", "0.15"))
        {
            Assert.Equal(0, told.ExitCode);
            Assert.Contains("mean of 50 rows", told.Output, StringComparison.Ordinal);
        }

        using (var ended = MongeProcess.Run(folder.Path, "generate", made, "-n", "300", "-o", "e.npy"))
        {
            Assert.Equal("monge: note: the law at the last time, t = 0.3; --at T takes another.", ended.Sentence);
            Assert.NotEqual(last, NumpyFile.Read(folder["e.npy"]).ToDoubles());
        }

        Refused("The law of 'ou-2' was followed from t = 0 to t = 0.3, in 3 steps; t = 0.5 is outside.", "generate", made, "--at", "0.5");
        Refused("The law of 'ou-2' was followed from t = 0 to t = 0.3, in 3 steps; t = -1 is outside.", "density", made, "s.csv", "--at", "-1");
        Refused("--at takes a time, not 'noon'.", "generate", made, "--at", "noon");
        Refused("--sde is of models of `monge fit`", "generate", made, "--sde", "0.1");
        Refused("--paths is of models of `monge fit`", "density", made, "s.csv", "--paths", "10");
        using (var map = MongeProcess.Run(folder.Path, "map", made, "s.csv"))
        {
            Assert.Equal(1, map.ExitCode);
            Assert.Contains("`monge generate` and `monge density` read an evolution", map.Sentence, StringComparison.Ordinal);
        }

        using (var fit = MongeProcess.Run(folder.Path, "fit", "s.csv", "--iterations", "5", "--no-report", "--out", "m.safetensors"))
        {
            Assert.Equal(0, fit.ExitCode);
        }

        Refused("--at is the time of an evolution's law, but 'm.safetensors' is no evolution; leave it out.", "generate", "m.safetensors", "--at", "0.5");
        Refused("--at is the time of an evolution's law", "density", "m.safetensors", "s.csv", "--at", "0.5");

        void Refused(string sentence, params string[] arguments)
        {
            using var refused = MongeProcess.Run(folder.Path, arguments);
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains(sentence, refused.Sentence, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_evolution_of_ones_own_is_read_by_the_program_that_brings_it()
    {
        using var folder = Folder();
        string[] evolve = ["evolve", "--method", "sbtm", "--until", "0.1", "--options", "scores.json", "--samples", "100", "--no-report"];
        File.WriteAllText(folder["scores.json"], """{ "width": 8, "particles": 512, "heldOut": 128, "batchSize": 128, "step": 0.05, "iterations": 5 }""");
        using (var run = MongeProcess.RunOwnDensity(folder.Path, "well", evolve))
        {
            Assert.True(run.ExitCode == 0, run.Error);
        }

        const string made = "runs/own-well-seed1";
        using (var drawn = MongeProcess.RunOwnDensity(folder.Path, "well", "generate", made, "-n", "20", "--at", "0.07", "-o", "s.csv"))
        {
            Assert.True(drawn.ExitCode == 0, drawn.Error);
        }

        using (var told = MongeProcess.RunOwnDensity(folder.Path, "well", "density", made, "s.csv", "--at", "0.07"))
        {
            Assert.Equal(0, told.ExitCode);
        }

        using (var changed = MongeProcess.RunOwnDensity(folder.Path, "tilted", "generate", made))
        {
            Assert.Equal(1, changed.ExitCode);
            Assert.Contains("was made with another evolution of the name 'own-well'", changed.Sentence, StringComparison.Ordinal);
        }

        using var other = MongeProcess.Run(folder.Path, "generate", made);
        Assert.Equal(2, other.ExitCode);
        Assert.Equal(
            $"monge: '{made}' holds an evolution of 'own-well', which is none of `monge problems`; read it by the program that brings it.", other.Sentence);
    }

    [Fact]
    public void Methods_are_compared_on_one_problem_each_in_a_folder_that_goes_on()
    {
        using var folder = Folder();
        File.WriteAllText(folder["both.json"], """
            { "jko": { "width": 8, "batchSize": 128, "pool": 1024, "step": 0.1 },
              "sbtm": { "width": 8, "particles": 512, "batchSize": 128, "step": 0.05 } }
            """);
        string[] arguments =
            ["evolve", "ou-2", "--compare", "jko,sbtm", "--iterations", "20", "--until", "0.2", "--times", "3", "--samples", "2000", "--options", "both.json"];
        using (var run = MongeProcess.Run(folder.Path, [.. arguments, "--no-report"]))
        {
            Assert.Equal(0, run.ExitCode);
            foreach (var text in (string[])["entropy, jko", "true KL, sbtm", "production", "the time is the method's own", "comparison.json"])
            {
                Assert.Contains(text, run.Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
            }
        }

        const string made = "runs/ou-2-seed1-compare";
        Assert.Empty(Directory.GetFiles(folder[made], "*.svg", SearchOption.AllDirectories));
        var comparison = JsonNode.Parse(File.ReadAllText(folder[$"{made}/comparison.json"]))!["comparison"]!.AsArray();
        Assert.Equal(["jko", "sbtm"], comparison.Select(row => (string)row!["method"]!));
        Assert.All(comparison, row => Assert.True((double)row!["seconds"]! > 0 && (double)row["divergence_bound"]! > 0 && (double)row["time"]! == 0.2));
        var record = JsonNode.Parse(File.ReadAllText(folder[$"{made}/sbtm/run.json"]))!;
        Assert.Equal(512, (int)record["options"]!["particles"]!);
        using (var drawn = MongeProcess.Run(folder.Path, "generate", $"{made}/jko", "-n", "10", "--at", "0.2", "-o", "s.csv"))
        {
            Assert.Equal(0, drawn.ExitCode);
        }

        // A comparison goes on where it was: here the second method never began.
        Directory.Delete(folder[$"{made}/sbtm"], recursive: true);
        using (var resumed = MongeProcess.Run(folder.Path, [.. arguments, "--resume", "--json"]))
        {
            Assert.Equal(0, resumed.ExitCode);
            var again = JsonNode.Parse(resumed.Output)!["comparison"]!.AsArray();
            foreach (var (row, before) in again.Zip(comparison))
            {
                Assert.Equal((double)before!["entropy"]!, (double)row!["entropy"]!);
            }
        }

        Assert.True(File.Exists(folder[$"{made}/comparison.html"]));
        Assert.True(File.Exists(folder[$"{made}/jko/evolution.svg"]) && File.Exists(folder[$"{made}/sbtm/evolution.svg"]));
    }

    [Theory]
    [InlineData("but the drift of 'swirling-wells-2' is no gradient", "swirling-wells-2", "--compare", "sbtm,jko")]
    [InlineData("--compare takes two or more different methods", "ou-2", "--compare", "jko")]
    [InlineData("--compare takes two or more different methods", "ou-2", "--compare", "jko,jko")]
    [InlineData("--method and --compare exclude each other", "ou-2", "--compare", "jko,sbtm", "--method", "jko")]
    [InlineData("did you mean 'sbtm'", "ou-2", "--compare", "jko,sbtmm")]
    [InlineData("There is no option of sbtm 'pool'", "ou-2", "--compare", "jko,sbtm", "--options", "tiny.json")]
    [InlineData("name a folder by --out, not a model", "ou-2", "--compare", "jko,sbtm", "--out", "m.safetensors")]
    [InlineData("The target 'gmm9' has no setting 'width'", "gmm9@width=3")]
    public void What_cannot_be_compared_is_told_before_anything_runs(string expected, params string[] arguments)
    {
        using var folder = Folder();
        using var run = MongeProcess.Run(folder.Path, ["evolve", .. arguments]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Sentence, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["runs"]));
    }

    [Fact]
    public void A_budget_is_kept_with_the_iterations_that_it_found()
    {
        using var folder = Folder();
        string[] arguments = ["evolve", "ou-2", "--until", "0.2", "--samples", "500", "--options", "tiny.json", "--no-report"];
        using (var run = MongeProcess.Run(folder.Path, [.. arguments, "--budget", "4s"]))
        {
            Assert.Equal(0, run.ExitCode);
        }

        var record = JsonNode.Parse(File.ReadAllText(folder["runs/ou-2-seed1/run.json"]))!;
        Assert.Equal("00:00:04", (string)record["resolved_options"]!["budget"]!);
        var found = (int)record["resolved_options"]!["iterations"]!;
        using (var run = MongeProcess.Run(folder.Path, [.. arguments, "--iterations", $"{found}", "--out", "counted"]))
        {
            Assert.Equal(0, run.ExitCode);
        }

        foreach (var file in (string[])["positions.npy", "log_density.npy", "score.npy"])
        {
            Assert.Equal(File.ReadAllBytes(folder[$"runs/ou-2-seed1/{file}"]), File.ReadAllBytes(folder[$"counted/{file}"]));
        }
    }

    [Fact]
    public void A_target_is_a_potential_whose_law_is_read_again()
    {
        using var folder = Folder();
        using (var run = MongeProcess.Run(
            folder.Path, Arguments("shifted-gaussian-2@shift=1", 60, "--until", "0.2", "--times", "2", "--samples", "500", "--no-report")))
        {
            Assert.Equal(0, run.ExitCode);
            Assert.Contains("KL to invariant", run.Output, StringComparison.Ordinal);
        }

        using (var drawn = MongeProcess.Run(folder.Path, "generate", "runs/shifted-gaussian-2@shift=1-seed1", "-n", "20", "--at", "0.1", "-o", "s.csv"))
        {
            Assert.Equal(0, drawn.ExitCode);
        }

        using var listed = MongeProcess.Run(folder.Path, "problems");
        Assert.Contains("Any target of `monge targets` is a problem too", listed.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("did you mean 'swimmer'", "evolve", "swimer")]
    [InlineData("is no gradient: d b_", "evolve", "swirling-wells-2", "--method", "jko")]
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
