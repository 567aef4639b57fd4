using System.Globalization;
using System.Text.Json.Nodes;
using Monge.Data;
using Monge.Engine.Random;

namespace Monge.Cli.Tests;

/// <summary>Tables with types, and a model beside tables with more or other columns, through the real executable.</summary>
public sealed class TypedTableTests
{
    private const string Tiny = """{ "width": 16, "depth": 1, "batchSize": 128 }""";

    [Fact]
    public void Words_counts_and_zeros_are_learned_drawn_and_judged_as_they_are()
    {
        using var folder = new ScratchFolder();
        File.WriteAllText(folder["options.json"], Tiny);
        File.WriteAllText(folder["data.csv"], Table(300, 1));
        using var fit = Fit(folder, "data.csv", "--drop", "id", "--types", "grade=categorical", "--json");
        Assert.True(fit.ExitCode == 0, fit.Error);
        var result = JsonNode.Parse(fit.Output)!;
        var types = result["types"]!.AsArray().Select(t => $"{t!["name"]} {t["kind"]}");
        Assert.Equal("job categorical, children integer, income zero-inflated, grade categorical, height continuous", string.Join(", ", types));
        Assert.Equal((double)result["log_likelihood"]!, (double)result["log_probability"]! + (double)result["log_density"]!, 9);

        // A table in another order, with columns that the model doesn't use.
        File.WriteAllText(folder["test.csv"], Table(40, 2, "note,height,grade,job,income,children", "a note,{4},{3},{0},{2},{1}"));
        using var density = MongeProcess.Run(folder.Path, "density", "m.safetensors", "test.csv", "-o", "law.csv", "--json");
        Assert.True(density.ExitCode == 0, density.Error);
        Assert.Contains("the columns note were left out, as the model doesn't use them", density.Error, StringComparison.Ordinal);
        var law = DataTable.Read(folder["law.csv"]);
        Assert.Equal(["log_probability", "log_density", "log_likelihood"], law.Names);
        Assert.All(
            law.Column("log_likelihood").Zip(law.Column("log_probability"), law.Column("log_density")),
            row => Assert.Equal(row.First, row.Second + row.Third, 9));
        Assert.All(law.Column("log_probability"), value => Assert.True(value < 0));

        using var generate = MongeProcess.Run(folder.Path, "generate", "m.safetensors", "-n", "200", "--given", "job=nurse, night", "-o", "drawn.csv");
        Assert.True(generate.ExitCode == 0, generate.Error);
        var drawn = DataTable.Read(folder["drawn.csv"], new DataTableOptions { Words = true });
        Assert.Equal(["job", "children", "income", "grade", "height"], drawn.Order);
        Assert.All(drawn.Labels("job"), job => Assert.Equal("nurse, night", job));
        Assert.All(drawn.Column("children"), value => Assert.True(value is 0 or 1 or 2 or 3, $"{value}"));
        Assert.All(drawn.Column("grade"), value => Assert.True(value is 1 or 1.5 or 2, $"{value}"));
        Assert.Contains(drawn.Column("income"), value => value == 0);
        Assert.All(drawn.Column("income"), value => Assert.True(value >= 0, $"{value}"));

        using var map = MongeProcess.Run(folder.Path, "map", "m.safetensors", "drawn.csv", "-o", "latent.csv");
        Assert.True(map.ExitCode == 0, map.Error);
        using var back = MongeProcess.Run(folder.Path, "map", "m.safetensors", "latent.csv", "--to", "data", "-o", "back.csv");
        Assert.True(back.ExitCode == 0, back.Error);
        var returned = DataTable.Read(folder["back.csv"], new DataTableOptions { Words = true });
        Assert.Equal(drawn.Column("income").Select(v => v == 0), returned.Column("income").Select(v => v == 0));
        Assert.All(returned.Column("height").Zip(drawn.Column("height")), pair => Assert.Equal(pair.First, pair.Second, 2));

        using var evaluate = MongeProcess.Run(
            folder.Path, "evaluate", "m.safetensors", "test.csv", "--samples", "60", "--rows", "20", "--repetitions", "2", "--no-classifier", "--json");
        Assert.True(evaluate.ExitCode == 0, evaluate.Error);
        var columns = JsonNode.Parse(evaluate.Output)!["columns"]!.AsArray().Select(c => (string)c!["name"]!).ToArray();
        Assert.Contains("job=clerk", columns);
        Assert.Contains("children", columns);
    }

    [Theory]
    [InlineData("job,children,incme,grade,height", "no column 'income' (is 'incme' meant?)")]
    [InlineData("job,children,income,grade,height", "holds 'pilot', which has no probability")]
    public void Rows_that_a_model_can_not_judge_are_refused_in_a_sentence(string head, string sentence)
    {
        using var folder = new ScratchFolder();
        File.WriteAllText(folder["options.json"], Tiny);
        File.WriteAllText(folder["data.csv"], Table(120, 3));
        using var fit = Fit(folder, "data.csv", "--drop", "id");
        Assert.True(fit.ExitCode == 0, fit.Error);
        File.WriteAllText(folder["test.csv"], Table(20, 4, head, "{0},{1},{2},{3},{4}").Replace("clerk", "pilot", StringComparison.Ordinal));
        using var density = MongeProcess.Run(folder.Path, "density", "m.safetensors", "test.csv");
        Assert.Equal(1, density.ExitCode);
        Assert.Contains(sentence, density.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_reads_from_a_table_by_name_what_it_needs_and_columns_can_be_left_out_wherever_a_table_is_read()
    {
        using var folder = new ScratchFolder();
        File.WriteAllText(folder["options.json"], Tiny);
        var random = new RandomStream(6);
        string[] lines = [.. Enumerable.Range(0, 60).Select(i => string.Create(
            CultureInfo.InvariantCulture, $"{i},{random.NextNormal():F5},{random.NextNormal():F5},{(i % 2 == 0 ? "low" : "high")}"))];
        File.WriteAllLines(folder["data.csv"], ["id,x,y,level", .. lines]);
        using var fit = Fit(folder, "data.csv", "--drop", "id", "--condition", "level");
        Assert.True(fit.ExitCode == 0, fit.Error);
        using var same = MongeProcess.Run(folder.Path, "density", "m.safetensors", "data.csv", "--json");
        Assert.True(same.ExitCode == 0, same.Error);
        Assert.Contains("the columns id were left out", same.Error, StringComparison.Ordinal);
        File.WriteAllLines(folder["swapped.csv"], ["level,y,x", .. lines.Select(l => l.Split(',')).Select(f => $"{f[3]},{f[2]},{f[1]}")]);
        using var swapped = MongeProcess.Run(folder.Path, "density", "m.safetensors", "swapped.csv", "--json");
        Assert.Equal(same.Output, swapped.Output);
        File.WriteAllLines(folder["none.csv"], lines.Select(l => string.Join(',', l.Split(',')[..3])));
        using var dropped = MongeProcess.Run(
            folder.Path, "map", "m.safetensors", "none.csv", "--drop", "column1", "--given", "level=low", "-o", "z.csv");
        Assert.True(dropped.ExitCode == 0, dropped.Error);
        Assert.Equal(60, DataTable.Read(folder["z.csv"]).Rows);
        File.WriteAllLines(folder["foreign.csv"], ["a,y", .. lines.Select(l => string.Join(',', l.Split(',')[1..3]))]);
        using var foreign = MongeProcess.Run(folder.Path, "density", "m.safetensors", "foreign.csv");
        Assert.Contains("no column 'x'", foreign.Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--types", "childen=integer", 2, "no column 'childen' (is 'children' meant?)")]
    [InlineData("--types", "children=whole", 2, "There is no type 'whole'")]
    [InlineData("--coupling", "ot", 1, "a number belongs")]
    public void Types_that_are_not_known_are_refused_before_anything_is_learned(string option, string value, int code, string sentence)
    {
        using var folder = new ScratchFolder();
        File.WriteAllText(folder["options.json"], Tiny);
        File.WriteAllText(folder["data.csv"], Table(60, 5));
        using var fit = Fit(folder, "data.csv", "--drop", "id", option, value);
        Assert.Equal(code, fit.ExitCode);
        Assert.Contains(sentence, fit.Sentence, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["m.run"]));
    }

    private static MongeProcess Fit(ScratchFolder folder, string data, params string[] further) => MongeProcess.Run(
        folder.Path, ["fit", data, "--options", "options.json", "--iterations", "20", "--out", "m.safetensors", "--no-report", "--threads", "1", .. further]);

    private static string Table(int rows, ulong seed, string head = "id,job,children,income,grade,height", string row = "{5},{0},{1},{2},{3},{4}")
    {
        var random = new RandomStream(seed);
        string[] jobs = ["clerk", "\"nurse, night\"", "farmer"];
        string Line(int i) => string.Format(
            CultureInfo.InvariantCulture, row, jobs[random.NextInt(3)], random.NextInt(4), random.NextInt(3) == 0 ? 0 : Math.Exp(random.NextNormal()),
            1 + (0.5 * random.NextInt(3)), 170 + (10 * random.NextNormal()), $"{i}-{i * 7919 % 1000}");
        return head + "\n" + string.Join('\n', Enumerable.Range(0, rows).Select(Line)) + "\n";
    }
}
