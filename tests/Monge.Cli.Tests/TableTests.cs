using System.Globalization;
using System.Text.Json.Nodes;
using Monge.Data;
using Monge.Engine.Random;

namespace Monge.Cli.Tests;

/// <summary>Tables as people have them, through the real executable: what is read, what is told and what is refused.</summary>
public sealed class TableTests
{
    private const string Tiny = """{ "width": 16, "depth": 1, "batchSize": 128 }""";

    [Theory]
    [InlineData("id,2010,2020\n", "{2},{0},{1}\n", "--drop", "id", "2010,2020", "")]
    [InlineData(",x,y\n", "{2},{0},{1}\n", "--seed", "1", "x,y", "column 1 was left out")]
    [InlineData("x;y;;\n", "{0};{1};;\n", "--drop", "column3", "x,y", "")]
    [InlineData("", "setosa,{0},{1}\n", "--drop", "column1", "column2,column3", "")]
    [InlineData("x\ty\n", "{3}\t{4}\n", "--layout", "tab,decimal-comma", "x,y", "")]
    [InlineData("id,x\n", "{2},{0}\n", "--seed", "1", "id,x", "")]
    public void Columns_are_those_that_people_mean(string head, string row, string option, string value, string columns, string note)
    {
        using var folder = new ScratchFolder();
        File.WriteAllText(folder["data.csv"], head + string.Concat(Rows(row)));
        using var fit = Fit(folder, "data.csv", "3", option, value, "--json");
        Assert.True(fit.ExitCode == 0, fit.Error);
        var result = JsonNode.Parse(fit.Output)!;
        Assert.Equal(columns.Split(','), result["columns"]!.AsArray().Select(name => (string)name!));
        Assert.Contains(note, fit.Error, StringComparison.Ordinal);
        Assert.Equal(columns == "id,x", result["warnings"]!.ToString().Contains("counts the rows", StringComparison.Ordinal));
    }

    [Fact]
    public void What_may_be_names_or_numbers_is_refused_and_a_layout_that_is_not_known_too()
    {
        using var folder = new ScratchFolder();
        File.WriteAllText(folder["data.csv"], "0,1\n" + string.Concat(Rows("{0},{1}\n")));
        using var fit = Fit(folder, "data.csv", "3");
        Assert.Equal(1, fit.ExitCode);
        Assert.Contains("line 1 (0, 1) may hold names or the numbers of a row", fit.Sentence, StringComparison.Ordinal);
        using var other = Fit(folder, "data.csv", "3", "--layout", "slash");
        Assert.Equal(2, other.ExitCode);
        Assert.Contains("no word 'slash'", other.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Tables_are_matched_by_name_and_by_place_only_without_names()
    {
        using var folder = new ScratchFolder();
        double[] rows = [.. Values().SelectMany(v => new[] { v.X, v.Y })];
        DataTable.Write(folder["ab.csv"], ["a", "b"], rows);
        DataTable.Write(folder["ba.csv"], ["b", "a"], [.. Values().SelectMany(v => new[] { v.Y, v.X })]);
        DataTable.Write(folder["bc.csv"], ["b", "c"], rows);
        DataTable.Write(folder["cd.csv"], ["c", "d"], rows);
        DataTable.Write(folder["none.npy"], ["a", "b"], rows);
        foreach (var (samples, isRight) in new[] { ("ba.csv", true), ("none.npy", true), ("bc.csv", false), ("cd.csv", false) })
        {
            using var run = MongeProcess.Run(
                folder.Path, "evaluate", samples, "ab.csv", "--no-classifier", "--rows", "20", "--repetitions", "2", "--threads", "1", "--json");
            Assert.Equal(isRight ? 0 : 1, run.ExitCode);
            Assert.Contains(isRight ? "\"kolmogorov\":0," : "both need the same columns", isRight ? run.Output : run.Sentence, StringComparison.Ordinal);
        }

        using var fit = Fit(folder, "ab.csv", "3", "--base", "none.npy");
        Assert.True(fit.ExitCode == 0, fit.Error);
        using var refused = Fit(folder, "ab.csv", "3", "--base", "bc.csv");
        Assert.Contains("no column 'a'", refused.Sentence, StringComparison.Ordinal);
        using var density = MongeProcess.Run(folder.Path, "map", "m.safetensors", "cd.csv");
        Assert.Contains("the model needs a, b", density.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_of_the_fit_among_the_data_are_told()
    {
        using var folder = new ScratchFolder();
        double[] rows = [.. Values(400).SelectMany(v => new[] { v.X, v.Y })];
        DataTable.Write(folder["train.csv"], ["x", "y"], rows[..400]);
        DataTable.Write(folder["data.csv"], ["x", "y"], [.. rows[400..600], .. rows[..20]]);
        DataTable.Write(folder["samples.csv"], ["x", "y"], rows[600..]);
        using var some = MongeProcess.Run(folder.Path, "evaluate", "samples.csv", "data.csv", "--train", "train.csv", "--no-classifier", "--rows", "50",
            "--repetitions", "2", "--json");
        Assert.Contains("10 of the 110 rows of the data are rows of the fit", JsonNode.Parse(some.Output)!["warnings"]!.ToString(), StringComparison.Ordinal);
        using var fit = Fit(folder, "train.csv", "3");
        using var own = MongeProcess.Run(folder.Path, "evaluate", "m.safetensors", "train.csv", "--no-classifier", "--rows", "50", "--repetitions", "2",
            "--samples", "100", "--steps", "4", "--json");
        Assert.Contains("the file that the model was fitted to", JsonNode.Parse(own.Output)!["warnings"]!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_fit_tells_what_its_rows_lack_and_the_error_of_one_row_is_unknown()
    {
        using var folder = new ScratchFolder();
        File.WriteAllText(folder["ten.csv"], "x,y,sum\n" + string.Concat(Rows("{0},{1},{5}\n", 14)));
        using var fit = Fit(folder, "ten.csv", "3", "--json");
        Assert.True(fit.ExitCode == 0, fit.Error);
        var result = JsonNode.Parse(fit.Output)!;
        Assert.Equal(1, (int)result["likelihood_rows"]!);
        Assert.Null(result["log_likelihood_error"]);
        Assert.StartsWith("column 'sum' is a combination of the columns 'x', 'y'", (string)result["warnings"]![0]!, StringComparison.Ordinal);
        File.WriteAllLines(folder["one.csv"], File.ReadLines(folder["ten.csv"]).Take(2));
        using var density = MongeProcess.Run(folder.Path, "density", "m.safetensors", "one.csv");
        Assert.Contains("of unknown error", density.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", density.Output, StringComparison.Ordinal);
    }

    private static MongeProcess Fit(ScratchFolder folder, string data, string iterations, params string[] further)
    {
        File.WriteAllText(folder["options.json"], Tiny);
        if (Directory.Exists(folder["m.run"]))
        {
            Directory.Delete(folder["m.run"], recursive: true);
        }

        return MongeProcess.Run(folder.Path, ["fit", data, "--options", "options.json", "--iterations", iterations, "--out", "m.safetensors", "--no-report",
            "--threads", "1", .. further]);
    }

    private static IEnumerable<(double X, double Y)> Values(int count = 40)
    {
        var random = new RandomStream(5);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextNormal() + 3, random.NextNormal()))];
    }

    private static IEnumerable<string> Rows(string row, int count = 40) => Values(count).Select((v, i) =>
    {
        string Text(double value) => value.ToString("F4", CultureInfo.InvariantCulture);
        var (x, y) = (Text(v.X), Text(v.Y));
        var sum = (decimal.Parse(x, CultureInfo.InvariantCulture) + decimal.Parse(y, CultureInfo.InvariantCulture)).ToString(CultureInfo.InvariantCulture);
        return string.Format(CultureInfo.InvariantCulture, row, x, y, i, x.Replace('.', ','), y.Replace('.', ','), sum);
    });
}
