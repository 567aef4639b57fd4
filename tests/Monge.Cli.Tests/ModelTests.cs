using System.Text.Json.Nodes;

namespace Monge.Cli.Tests;

/// <summary>Models with a user's own data, and flags of chains, through the real executable.</summary>
public sealed class ModelTests
{
    private static readonly string[] s_quick = ["--method", "nuts", "--chains", "8", "--warmup", "100", "--draws", "60", "--no-report"];

    [Fact]
    public void A_model_takes_a_table_or_an_object_and_gives_the_same_draws()
    {
        using var folder = new ScratchFolder();
        double[] y = [.. Enumerable.Range(0, 40).Select(t => Math.Round(Math.Sin(t) + (0.1 * (t % 7)), 4))];
        File.WriteAllText(folder["series.csv"], "y\n" + string.Join('\n', y.Select(v => FormattableString.Invariant($"{v}"))) + "\n");
        File.WriteAllText(folder["series.json"], new JsonObject { ["T"] = 40, ["y"] = new JsonArray([.. y.Select(v => (JsonNode)v)]) }.ToJsonString());
        using var table = MongeProcess.Run(folder.Path, ["sample", "arma", "--data", "series.csv", .. s_quick, "--out", "a", "--json"]);
        Assert.Equal(0, table.ExitCode);
        using var json = MongeProcess.Run(folder.Path, ["sample", "arma-arma11", "--data", "series.json", .. s_quick, "--out", "b"]);
        Assert.Equal(0, json.ExitCode);
        Assert.Equal(File.ReadAllBytes(folder["a/samples.npy"]), File.ReadAllBytes(folder["b/samples.npy"]));
        var told = JsonNode.Parse(table.Output)!;
        Assert.Equal(480, (int)told["samples"]!);
        Assert.Equal("arma", (string)told["target"]!);

        // The run of one file can't be gone on with by another.
        File.WriteAllText(folder["series.csv"], "y\n1\n2\n4\n3\n5\n");
        using var other = MongeProcess.Run(folder.Path, ["sample", "arma", "--data", "series.csv", .. s_quick, "--out", "a", "--resume"]);
        Assert.Equal(1, other.ExitCode);
    }

    [Theory]
    [InlineData(1, "gap.csv: line 5, column 'y' holds", "sample", "arma", "--data", "gap.csv", "--method", "nuts")]
    [InlineData(1, "there is no 'y'; there is 'x'", "sample", "arma", "--data", "other.csv", "--method", "nuts")]
    [InlineData(1, "There is no file 'none.csv'.", "sample", "arma", "--data", "none.csv", "--method", "nuts")]
    [InlineData(1, "There is no file 'none.json'.", "sample", "arma", "--data", "none.json", "--method", "nuts")]
    [InlineData(2, "There is no model 'amra'; did you mean 'arma'?", "sample", "amra", "--data", "other.csv", "--method", "nuts")]
    [InlineData(2, "'gmm9' takes no data; models that do are eight-schools", "sample", "gmm9", "--data", "other.csv", "--method", "nuts")]
    [InlineData(2, "--chains is for methods that make chains (nuts, hmc, mala, random-walk, pt); pinn makes none", "sample", "gmm9", "--chains", "4")]
    [InlineData(2, "--format stan is for methods that make chains; the samples of smc are none",
        "sample", "gmm9", "-n", "64", "--method", "smc", "--no-report", "--format", "stan")]
    [InlineData(2, "--max-depth isn't for pt; `monge methods pt` lists its options.", "sample", "gmm9", "--method", "pt", "--max-depth", "4")]
    [InlineData(2, "--target-accept takes a number between 0 and 1, not '2'", "sample", "gmm9", "--method", "nuts", "--target-accept", "2")]
    [InlineData(2, "--metric takes diag or dense or unit, not 'round'", "sample", "gmm9", "--method", "nuts", "--metric", "round")]
    [InlineData(2, "'kidscore' has a flat or very wide prior, from which nothing is simulated; models that can are eight-schools", "calibrate", "kidscore")]
    [InlineData(2, "There is no model 'eight-school'; did you mean 'eight-schools'", "calibrate", "eight-school")]
    [InlineData(2, "--simulations takes a whole number from 10 to 1000000, not '3'", "calibrate", "eight-schools", "--simulations", "3")]
    [InlineData(1, "there is no 'y'; there is 'x'", "check", "arma", "--data", "other.csv")]
    public void What_does_not_fit_is_told(int code, string sentence, params string[] arguments)
    {
        using var folder = new ScratchFolder();
        File.WriteAllText(folder["gap.csv"], "y\n1\n\n3\nNA\n5\n");
        File.WriteAllText(folder["other.csv"], "x\n1\n2\n");
        using var run = MongeProcess.Run(folder.Path, arguments);
        Assert.Equal(code, run.ExitCode);
        Assert.Contains(sentence, run.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }

    [Fact]
    public void Targets_tell_programs_what_is_known_of_models()
    {
        using var run = MongeProcess.Run(".", "targets", "--json");
        var arma = JsonNode.Parse(run.Output)!.AsArray().Single(t => (string)t!["name"]! == "arma")!;
        Assert.Equal(4, (int)arma["dimension"]!);
        Assert.Equal("arma-arma11", (string)arma["posteriordb"]!);
        Assert.Equal(57.25, (double)arma["log_z"]!);
        Assert.True((bool)JsonNode.Parse(run.Output)!.AsArray().Single(t => (string)t!["name"]! == "garch")!["simulates"]!);
    }

    [Fact]
    public void Calibrations_and_checks_leave_their_figures()
    {
        using var folder = new ScratchFolder();
        File.WriteAllText(folder["quick.json"], """{ "chains": 8, "warmUp": 50 }""");
        string[] quick = ["--options", "quick.json", "--seed", "11", "--no-report"];
        using var calibrated = MongeProcess.Run(folder.Path, ["calibrate", "eight-schools", "--simulations", "16", .. quick, "--out", "c", "--json"]);
        Assert.Equal(0, calibrated.ExitCode);
        var told = JsonNode.Parse(calibrated.Output)!;
        Assert.Equal(16, (int)told["simulations"]!);
        Assert.Equal(10, told["parameters"]!.AsArray().Count);
        Assert.All(told["parameters"]!.AsArray(), p => Assert.Equal(16, p!["histogram"]!.AsArray().Sum(c => (int)c!)));
        Assert.True(File.Exists(folder["c/ranks.npy"]));
        using var shown = MongeProcess.Run(folder.Path, "show", "c");
        Assert.Contains("mean rank", shown.Output, StringComparison.Ordinal);

        using var check = MongeProcess.Run(folder.Path, ["check", "eight-schools", "--replicates", "40", .. quick, "--out", "p", "--json"]);
        Assert.Equal(0, check.ExitCode);
        var mean = JsonNode.Parse(check.Output)!["statistics"]!.AsArray().Single(s => (string)s!["statistic"]! == "mean")!;
        Assert.Equal(8.75, (double)mean["observed"]!);
        Assert.InRange((double)mean["posterior"]!["above"]!, 0.01, 0.99);
        Assert.True(File.Exists(folder["p/prior_statistics.npy"]));
    }
}
