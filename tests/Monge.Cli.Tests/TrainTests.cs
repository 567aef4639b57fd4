using System.Text.Json.Nodes;
using Monge.Data;
using Monge.Engine.Random;

namespace Monge.Cli.Tests;

/// <summary><c>monge train</c> and <c>predict</c> through the real executable, with tiny networks.</summary>
public sealed class TrainTests
{
    private const string Tiny = """{ "penalty": 1e-6, "certificateRows": 20 }""";

    [Fact]
    public void A_table_becomes_networks_that_predict_with_a_band()
    {
        using var folder = Folder();
        using var train = Train(folder, "800", "--runs", "3", "--json");
        Assert.True(train.ExitCode == 0, train.Error);
        var result = JsonNode.Parse(train.Output)!;
        Assert.Equal((80, 3, 12), ((int)result["rows"]!, (int)result["networks"]!, (int)result["held_out_rows"]!));
        Assert.True((double)result["held_out_rmse"]!["network"]! < (double)result["held_out_rmse"]!["ridge"]!);
        Assert.False((bool)result["certificate"]!["holds"]!);
        Assert.True((double)result["deviation_of_runs"]! > 0);
        Assert.Equal(12, DataTable.Read(folder["m.run/held_out.csv"]).Rows);

        using var predict = MongeProcess.Run(folder.Path, "predict", "m.safetensors", "data.csv", "-o", "p.csv", "--threads", "1", "--json");
        Assert.True(predict.ExitCode == 0, predict.Error);
        var table = DataTable.Read(folder["p.csv"]);
        Assert.Equal(["y", "deviation", "lower", "upper"], table.Names);
        Assert.Equal(80, table.Rows);
        Assert.All(table.Column("lower").Zip(table.Column("upper")), ends => Assert.True(ends.First < ends.Second));
        Assert.True((double)JsonNode.Parse(predict.Output)!["rmse"]! < (double)result["held_out_rmse"]!["ridge"]!);

        using var narrow = MongeProcess.Run(folder.Path, "predict", "m.run", "inputs.csv", "--level", "0.5", "-o", "q.npy", "--threads", "1");
        Assert.True(narrow.ExitCode == 0, narrow.Error);
        Assert.Equal("80 predictions are in q.npy\n", narrow.Output);
        var half = NumpyFile.Read(folder["q.npy"]).ToDoubles().Chunk(4).Select(r => r[3] - r[0]).ToArray();
        Assert.All(half.Zip(table.Column("upper").Zip(table.Column("y"), (u, y) => u - y)), h => Assert.True(h.First < h.Second));

        using var show = MongeProcess.Run(folder.Path, "show", "m.run");
        Assert.Contains("kernel ridge (NTK)", show.Output, StringComparison.Ordinal);
        Assert.Contains("smallest eigenvalue", show.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Gradient_flow_is_told_beside_its_bound_and_drawn()
    {
        using var folder = Folder();
        using var train = MongeProcess.Run(
            folder.Path, "train", "few.csv", "--target", "y", "--width", "64", "--optimiser", "flow", "--layers", "3", "--runs", "1", "--iterations", "100",
            "--threads", "1", "--out", "run");
        Assert.True(train.ExitCode == 0, train.Error);
        Assert.Contains("certified bound", train.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("no certified bound", train.Output, StringComparison.Ordinal);
        var pictures = File.ReadAllText(folder["run/pictures.json"]);
        Assert.All((string[])["loss-and-bound", "movement", "neurons"], name => Assert.Contains(name, pictures, StringComparison.Ordinal));
        using var predict = MongeProcess.Run(folder.Path, "predict", "run", "few.csv");
        Assert.StartsWith("y\n", predict.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Narrower_networks_tell_the_powers_of_the_width_within_a_budget()
    {
        using var folder = Folder();
        using var train = MongeProcess.Run(
            folder.Path, "train", "few.csv", "--target", "y", "--width", "64", "--halvings", "2", "--budget", "12s", "--threads", "1", "--out", "run",
            "--json");
        Assert.True(train.ExitCode == 0, train.Error);
        var scaling = JsonNode.Parse(train.Output)!["scaling"]!;
        Assert.Equal([16, 32, 64], scaling["widths"]!.AsArray().Select(w => (int)w!["neurons"]!));
        var power = scaling["variance_exponent"]!;
        Assert.True((double)power["lower"]! < (double)power["value"]! && (double)power["value"]! < (double)power["upper"]!);
        Assert.Contains("What depends on the width m", File.ReadAllText(folder["run/pictures.json"]), StringComparison.Ordinal);
        using var show = MongeProcess.Run(folder.Path, "show", "run");
        Assert.Contains("networks differ by", show.Output, StringComparison.Ordinal);
        Assert.Contains("power of m", show.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_reads_the_columns_by_name()
    {
        using var folder = Folder();
        using var train = Train(folder, "5", "--no-report");
        Assert.True(train.ExitCode == 0, train.Error);
        using var turned = MongeProcess.Run(folder.Path, "predict", "m.safetensors", "turned.csv", "-o", "turned-p.csv");
        using var straight = MongeProcess.Run(folder.Path, "predict", "m.safetensors", "inputs.csv", "-o", "p.csv");
        Assert.True(turned.ExitCode == 0, turned.Error);
        Assert.Equal(File.ReadAllText(folder["p.csv"]), File.ReadAllText(folder["turned-p.csv"]));
        using var lacking = MongeProcess.Run(folder.Path, "predict", "m.safetensors", "lacking.csv", "-o", "none.csv");
        Assert.Equal(1, lacking.ExitCode);
        Assert.Contains("lacking.csv: lacks the column 'b'", lacking.Sentence, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["none.csv"]));
        using var wrong = MongeProcess.Run(folder.Path, "generate", "m.safetensors", "-n", "3");
        Assert.Contains("`monge predict` reads trained networks", wrong.Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "has no column 'price' to predict; it has a, b, y", "train", "data.csv", "--target", "price")]
    [InlineData(2, "--target", "train", "data.csv")]
    [InlineData(1, "column 'y' holds 7 in all 12 rows, so there is nothing to learn", "train", "flat.csv", "--target", "y")]
    [InlineData(2, "--scaling takes mean-field, ntk or an exponent from 0.5 to 1, not '2'.", "train", "data.csv", "--target", "y", "--scaling", "2")]
    [InlineData(2, "--layers takes a whole number from 2 to 3, not '4'.", "train", "data.csv", "--target", "y", "--layers", "4")]
    [InlineData(1, "is beyond 2 / lambda_max", "train", "data.csv", "--target", "y", "--optimiser", "flow", "--options", "long.json")]
    [InlineData(2, "--birth-death goes with the optimiser flow", "train", "data.csv", "--target", "y", "--birth-death", "--optimiser", "adam")]
    [InlineData(2, "those of 8 are too small for the fit of an exponent", "train", "data.csv", "--target", "y", "--width", "64", "--halvings", "3")]
    [InlineData(2, "The option 'runs' is 2; it must be 3 or more", "train", "data.csv", "--target", "y", "--runs", "2", "--halvings", "2")]
    [InlineData(2, "There is no model 'm.safetensors'; `monge train", "predict", "m.safetensors", "data.csv")]
    [InlineData(2, "--level takes a probability between 0 and 1, not '2'.", "predict", "m.safetensors", "data.csv", "--level", "2")]
    public void What_cannot_be_done_is_one_sentence(int code, string words, params string[] arguments)
    {
        using var folder = Folder();
        File.WriteAllText(folder["flat.csv"], "x,y\n" + string.Concat(Enumerable.Range(0, 12).Select(i => $"{i},7\n")));
        File.WriteAllText(folder["long.json"], """{ "step": 1000, "width": 32 }""");
        using var run = MongeProcess.Run(folder.Path, arguments);
        Assert.True(code == run.ExitCode, $"{run.ExitCode}: {run.Error}");
        Assert.Contains(words, run.Sentence, StringComparison.Ordinal);
        Assert.Empty(run.Output);

        // Nothing is left that stands in the way of the command as it should have been.
        Assert.Empty(Directory.EnumerateDirectories(folder.Path, "*-seed*", SearchOption.AllDirectories));
    }

    private static MongeProcess Train(ScratchFolder folder, string iterations, params string[] further) => MongeProcess.Run(
        folder.Path,
        ["train", "data.csv", "--target", "y", "--width", "64", "--options", "options.json", "--iterations", iterations, "--threads", "1",
            "--out", "m.safetensors", .. further]);

    private static ScratchFolder Folder()
    {
        var folder = new ScratchFolder();
        var random = new RandomStream(4);
        double[] rows = [.. Enumerable.Range(0, 80).SelectMany(_ => (random.NextNormal(), random.NextNormal()) is var (a, b) ? (double[])[a, b, a * b] : [])];
        DataTable.Write(folder["data.csv"], ["a", "b", "y"], rows);
        DataTable.Write(folder["few.csv"], ["a", "b", "y"], rows[..60]);
        DataTable.Write(folder["inputs.csv"], ["a", "b"], [.. rows.Chunk(3).SelectMany(r => r[..2])]);
        DataTable.Write(folder["turned.csv"], ["b", "a"], [.. rows.Chunk(3).SelectMany(r => (double[])[r[1], r[0]])]);
        DataTable.Write(folder["lacking.csv"], ["a", "c"], [.. rows.Chunk(3).SelectMany(r => r[..2])]);
        File.WriteAllText(folder["options.json"], Tiny);
        return folder;
    }
}
