using System.Globalization;
using System.Text.Json.Nodes;
using Monge.Data;
using Monge.Engine.Random;

namespace Monge.Cli.Tests;

/// <summary><c>monge fit</c>, <c>generate</c>, <c>density</c> and <c>map</c> through the real executable, with tiny networks.</summary>
public sealed class FitTests
{
    private const string Tiny = """{ "width": 16, "depth": 1, "batchSize": 128, "checkpointSeconds": 0.02 }""";

    [Fact]
    public void A_table_becomes_a_model_that_generates_scores_and_maps()
    {
        using var folder = Folder();
        using var fit = Fit(folder, "data.csv", "m.safetensors", "60", "--json");
        Assert.Equal(0, fit.ExitCode);
        var result = JsonNode.Parse(fit.Output)!;
        Assert.Equal(180, (int)result["rows"]!);
        Assert.Equal(20, (int)result["validation_rows"]!);
        Assert.InRange((double)result["log_likelihood"]!, -10, 0);
        Assert.Equal(["data.csv", "m.safetensors", "options.json", "pairs.csv"], Files(folder));

        using var generate = MongeProcess.Run(folder.Path, "generate", "m.safetensors", "-n", "50", "-o", "s.csv", "--threads", "1");
        Assert.Equal(0, generate.ExitCode);
        var samples = DataTable.Read(folder["s.csv"]);
        Assert.Equal((50, "x", "y"), (samples.Rows, samples.Names[0], samples.Names[1]));

        using var density = MongeProcess.Run(folder.Path, "density", "m.safetensors", "s.csv", "-o", "logp.npy", "--unit", "bits", "--json");
        Assert.Equal(0, density.ExitCode);
        var logs = NumpyFile.Read(folder["logp.npy"]).ToDoubles();
        Assert.Equal(logs.Average(), (double)JsonNode.Parse(density.Output)!["log_density"]!, 9);
        Assert.Equal(-logs.Average() / 2, (double)JsonNode.Parse(density.Output)!["negative_log_density_per_dimension"]!, 9);

        using var there = MongeProcess.Run(folder.Path, "map", "m.safetensors", "s.csv", "-o", "z.npy", "--tolerance", "1e-8");
        using var back = MongeProcess.Run(folder.Path, "map", "m.safetensors", "z.npy", "--to", "data", "--tolerance", "1e-8", "-o", "b.csv");
        Assert.Equal(0, back.ExitCode);
        Assert.All(DataTable.Read(folder["b.csv"]).Values.Zip(samples.Values), pair => Assert.Equal(pair.Second, pair.First, 1e-5));

        using var sde = MongeProcess.Run(folder.Path, "generate", "m.safetensors", "-n", "3", "--sde", "0.3", "--steps", "20");
        Assert.Equal(4, sde.Output.TrimEnd().Split('\n').Length);
        Assert.StartsWith("x,y\n", sde.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fit_from_a_mixture_of_the_rows_generates_and_scores()
    {
        using var folder = Folder();
        using var fit = Fit(folder, "data.csv", "m.safetensors", "40", "--base", "mixture", "--json");
        Assert.Equal(0, fit.ExitCode);
        Assert.InRange((double)JsonNode.Parse(fit.Output)!["log_likelihood"]!, -10, 0);
        using var evaluate = MongeProcess.Run(folder.Path, "evaluate", "m.safetensors", "data.csv", "--json");
        Assert.Equal(0, evaluate.ExitCode);
        using var generate = MongeProcess.Run(folder.Path, "generate", "m.safetensors", "-n", "50", "-o", "s.csv");
        using var density = MongeProcess.Run(folder.Path, "density", "m.safetensors", "s.csv", "-o", "logp.npy");
        Assert.Equal((0, 0), (generate.ExitCode, density.ExitCode));
        Assert.All(NumpyFile.Read(folder["logp.npy"]).ToDoubles(), v => Assert.InRange(v, -30, 5));
    }

    [Theory]
    [InlineData("generate", "m.safetensors", "-n", "5000000", "--steps", "2000", "-o", "out.csv")]
    [InlineData("density", "m.safetensors", "rows.npy", "--steps", "20000", "-o", "out.npy")]
    [InlineData("map", "m.safetensors", "rows.npy", "--steps", "20000", "-o", "out.npy")]
    public void Control_C_ends_work_that_has_nothing_to_save(params string[] arguments)
    {
        using var folder = Folder();
        using var fit = Fit(folder, "data.csv", "m.safetensors", "20");
        NumpyFile.Write(folder["rows.npy"], NumericArray.Create(new double[200_000], 100_000, 2));
        string[] before = [.. Directory.GetFileSystemEntries(folder.Path).Order()];
        using var run = MongeProcess.Start(folder.Path, arguments);
        run.WaitUntil(() => run.ProcessorTime > TimeSpan.FromSeconds(2));
        run.Signal("INT");
        run.Wait();
        Assert.Equal(130, run.ExitCode);
        Assert.Equal(before, Directory.GetFileSystemEntries(folder.Path).Order());
    }

    [Fact]
    public void A_killed_fit_goes_on_to_the_same_bytes_whatever_the_threads()
    {
        using var folder = Folder();
        using var whole = Fit(folder, "data.csv", "whole.safetensors", "3000", "--threads", "1");
        Assert.Equal(0, whole.ExitCode);
        MongeProcess.KillAtCheckpoint(
            () => MongeProcess.Start(
                folder.Path, "fit", "data.csv", "--options", "options.json", "--iterations", "3000", "--out", "part.safetensors", "--threads", "2"),
            folder["part.run"]);
        Assert.False(File.Exists(folder["part.safetensors"]));
        using var other = Fit(folder, "data.csv", "part.safetensors", "3000", "--resume", "--seed", "2");
        Assert.Equal(1, other.ExitCode);
        Assert.Contains("seed", other.Sentence, StringComparison.Ordinal);
        using var resumed = Fit(folder, "data.csv", "part.safetensors", "3000", "--resume", "--threads", "2");
        Assert.Equal(0, resumed.ExitCode);
        Assert.Equal(File.ReadAllBytes(folder["whole.safetensors"]), File.ReadAllBytes(folder["part.safetensors"]));
    }

    [Fact]
    public void Classes_in_words_are_conditions()
    {
        using var folder = Folder();
        using var fit = Fit(folder, "pairs.csv", "m.safetensors", "300", "--condition", "kind");
        Assert.Equal(0, fit.ExitCode);
        foreach (var (kind, centre) in new[] { ("low", -3.0), ("high", 3.0) })
        {
            using var generate = MongeProcess.Run(folder.Path, "generate", "m.safetensors", "-n", "200", "-o", "s.npy", "--given", $"kind={kind}");
            Assert.Equal(0, generate.ExitCode);
            Assert.InRange(DataTable.Read(folder["s.npy"]).Values.Average(), centre - 1, centre + 1);
        }

        using var density = MongeProcess.Run(folder.Path, "density", "m.safetensors", "pairs.csv", "--steps", "20");
        Assert.Equal(0, density.ExitCode);
        using var unknown = MongeProcess.Run(folder.Path, "generate", "m.safetensors", "--given", "kind=middle");
        Assert.Equal("monge: The model knows no class 'middle' of 'kind' (the request); it knows high, low.", unknown.Sentence);
    }

    [Theory]
    [InlineData(2, "There is no file 'absent.csv'.", "fit", "absent.csv")]
    [InlineData(1, "bad.csv: line 3, column 'b' holds 'x' where a number belongs", "fit", "bad.csv")]
    [InlineData(1, "short.csv: has 2 rows; at least 10 are needed", "fit", "short.csv")]
    [InlineData(1, "flat.csv: column 'b' holds 7 in all 12 rows", "fit", "flat.csv")]
    [InlineData(2, "has no column 'k'; it has x, y", "fit", "data.csv", "--condition", "k")]
    [InlineData(2, "There is no schedule 'bent'; choose one of linear", "fit", "data.csv", "--schedule", "bent")]
    [InlineData(1, "With a mixture base rows are paired within its components", "fit", "data.csv", "--base", "mixture", "--coupling", "ot")]
    [InlineData(2, "exclude each other", "fit", "data.csv", "--iterations", "5", "--budget", "5s")]
    [InlineData(2, "--coupling takes independent or ot or sinkhorn or paired, not 'close'.", "fit", "data.csv", "--coupling", "close")]
    [InlineData(2, "The folder '", "fit", "data.csv", "--out", "nowhere/m.safetensors")]
    [InlineData(2, "There is no model 'm.safetensors'; `monge fit DATA --out m.safetensors` makes one.", "generate", "m.safetensors")]
    [InlineData(1, "data.csv: ", "generate", "data.csv")]
    [InlineData(2, "--tolerance takes a number above 0, not '-1'.", "density", "m.safetensors", "data.csv", "--tolerance", "-1")]
    public void What_cannot_be_done_is_one_sentence(int code, string words, params string[] arguments)
    {
        using var folder = Folder();
        File.WriteAllText(folder["bad.csv"], "a,b\n1,2\n3,x\n");
        File.WriteAllText(folder["short.csv"], "a,b\n1,2\n3,4\n");
        File.WriteAllText(folder["flat.csv"], "a,b\n" + string.Concat(Enumerable.Range(0, 12).Select(i => $"{i},7\n")));
        using var run = MongeProcess.Run(folder.Path, arguments);
        Assert.Equal(code, run.ExitCode);
        Assert.Contains(words, run.Sentence, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    private static MongeProcess Fit(ScratchFolder folder, string data, string model, string iterations, params string[] further) =>
        MongeProcess.Run(folder.Path, ["fit", data, "--options", "options.json", "--iterations", iterations, "--out", model, .. further]);

    private static string[] Files(ScratchFolder folder) => [.. Directory.GetFiles(folder.Path).Select(f => Path.GetFileName(f)!).Order()];

    private static ScratchFolder Folder()
    {
        var folder = new ScratchFolder();
        var random = new RandomStream(3);
        var rows = new double[400];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = random.NextNormal() + (i % 4 < 2 ? 2 : -2);
        }

        DataTable.Write(folder["data.csv"], ["x", "y"], rows);
        File.WriteAllText(folder["pairs.csv"], "x,kind\n" + string.Concat(Enumerable.Range(0, 400).Select(
            i => string.Create(CultureInfo.InvariantCulture, $"{(i % 2 == 0 ? -3 : 3) + (0.3 * random.NextNormal())},{(i % 2 == 0 ? "low" : "high")}\n"))));
        File.WriteAllText(folder["options.json"], Tiny);
        return folder;
    }
}
