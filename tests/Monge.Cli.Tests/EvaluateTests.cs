using System.Text.Json.Nodes;
using Monge.Data;
using Monge.Measures;

namespace Monge.Cli.Tests;

/// <summary><c>monge evaluate</c> through the real executable.</summary>
public sealed class EvaluateTests
{
    private static void Write(ScratchFolder folder, string name, double[] rows) => DataTable.Write(folder[name], ["a", "b"], rows);

    [Fact]
    public void Samples_of_the_data_are_at_the_floor_and_copies_are_told()
    {
        using var folder = new ScratchFolder();
        var law = DataSetLibrary.Get("moons");
        Write(folder, "test.csv", law.Draw(600, 1));
        Write(folder, "train.npy", law.Draw(600, 2));
        Write(folder, "samples.csv", law.Draw(600, 2));
        using var run = MongeProcess.Run(
            folder.Path, "evaluate", "samples.csv", "test.csv", "--train", "train.npy", "--rows", "200", "--threads", "1", "--json");
        Assert.Equal(0, run.ExitCode);
        var table = JsonNode.Parse(run.Output)!;
        Assert.Equal(6, table["distances"]!.AsArray().Count);
        Assert.All(table["distances"]!.AsArray(), d => Assert.InRange((double)d!["ratio"]!, 0.2, 2.2));
        Assert.InRange((double)table["classifier"]!["accuracy"]!, 0.35, 0.65);
        Assert.Equal(600, (int)table["memorisation"]!["copies"]!);
        Assert.Contains("repeats its data", table["warnings"]!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void People_get_a_table_and_a_wrong_law_is_told()
    {
        using var folder = new ScratchFolder();
        Write(folder, "test.csv", DataSetLibrary.Get("moons").Draw(600, 1));
        Write(folder, "samples.npy", DataSetLibrary.Get("circles").Draw(600, 2));
        using var run = MongeProcess.Run(folder.Path, "evaluate", "samples.npy", "test.csv", "--rows", "100", "--raw", "--threads", "1");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("energy distance", run.Output, StringComparison.Ordinal);
        Assert.Contains("A classifier tells the samples from the data", run.Output, StringComparison.Ordinal);
        Assert.Contains("give the rows of the fit with --train", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_is_judged_by_its_draws()
    {
        using var folder = new ScratchFolder();
        var law = DataSetLibrary.EightGaussians("wide", 1, 0.5);
        Write(folder, "train.csv", law.Draw(500, 1));
        Write(folder, "test.csv", law.Draw(400, 2));
        File.WriteAllText(folder["options.json"], """{ "width": 16, "depth": 2, "batchSize": 256, "validations": 2 }""");
        using var fit = MongeProcess.Run(
            folder.Path, "fit", "train.csv", "--iterations", "200", "--options", "options.json", "--threads", "1", "--out", "m.safetensors");
        Assert.True(fit.ExitCode == 0, fit.Error);
        using var run = MongeProcess.Run(folder.Path, "evaluate", "m.safetensors", "test.csv", "--train", "train.csv", "--rows", "100", "--samples", "300",
            "--steps", "10", "--threads", "1", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        var table = JsonNode.Parse(run.Output)!;
        Assert.Equal(300, (int)table["sample_rows"]!);
        Assert.InRange((double)table["distances"]![3]!["ratio"]!, 0.5, 2);
        Assert.False((bool)table["memorisation"]!["memorises"]!);
    }

    [Fact]
    public void Unusable_tables_are_told_in_one_sentence()
    {
        using var folder = new ScratchFolder();
        Write(folder, "test.csv", DataSetLibrary.Get("moons").Draw(100, 1));
        DataTable.Write(folder["wide.csv"], ["a", "c", "d"], new double[300].Select((_, i) => (double)i).ToArray());
        DataTable.Write(folder["flat.csv"], ["a", "b"], [.. Enumerable.Range(0, 200).Select(i => i % 2 == 0 ? i : 1.0)]);
        File.WriteAllText(folder["words.csv"], "a,b\n1,2\n3,four\n");
        (string Samples, string Data, string Words)[] cases =
        [
            ("wide.csv", "test.csv", "wide.csv has 3 columns (a, c, d), test.csv has 2 (a, b)"),
            ("test.csv", "flat.csv", "column 'b' holds 1 in all 100 rows"),
            ("words.csv", "test.csv", "line 3, column 'b' holds 'four'"),
            ("none.csv", "test.csv", "There is no file 'none.csv'"),
        ];
        foreach (var (samples, data, words) in cases)
        {
            using var run = MongeProcess.Run(folder.Path, "evaluate", samples, data);
            Assert.Equal(samples == "none.csv" ? 2 : 1, run.ExitCode);
            Assert.Contains(words, run.Sentence, StringComparison.Ordinal);
            Assert.Empty(run.Output);
        }
    }
}
