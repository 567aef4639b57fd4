using System.Text.Json.Nodes;

namespace Monge.Cli.Tests;

/// <summary>What is told before any work begins, through the real executable.</summary>
public sealed class UsageTests
{
    [Theory]
    [InlineData("There is no command 'sampel'; did you mean 'sample'?", "sampel")]
    [InlineData("There is no target 'gmm99'; did you mean 'gmm9'", "sample", "gmm99")]
    [InlineData("There is no target 'nosuch'; `monge targets` lists them all.", "sample", "nosuch")]
    [InlineData("There is no method 'pin'; did you mean 'pinn'?", "sample", "gmm9", "--method", "pin")]
    [InlineData("There is no option '--sampels'; did you mean '--samples'?", "sample", "gmm9", "--sampels", "5")]
    [InlineData("--budget must be longer than zero", "sample", "gmm9", "--budget", "0s")]
    [InlineData("--budget takes a length of time such as 90s, 2m or 1.5h, not 'soon'", "sample", "gmm9", "--budget", "soon")]
    [InlineData("--iterations and --budget exclude each other", "sample", "gmm9", "--budget", "1m", "--iterations", "5")]
    [InlineData("--iterations takes a whole number of at least 1, not '0'", "sample", "gmm9", "--iterations", "0")]
    [InlineData("--samples takes a whole number from 2 to 100000000, not 'many'", "sample", "gmm9", "--samples", "many")]
    [InlineData("--precision takes f32 or f64, not 'f16'", "sample", "gmm9", "--precision", "f16")]
    [InlineData("There is no bench case 'gem'; did you mean 'gemm'?", "bench", "gem")]
    [InlineData("There is no gallery entry '99'", "reproduce", "99")]
    [InlineData("A command is missing")]
    [InlineData("There is no preset of pinn 'quik'; did you mean 'quick'?", "sample", "gmm9", "--preset", "quik")]
    public void A_command_line_that_cannot_be_followed_gets_one_sentence_and_exit_code_2(string sentence, params string[] arguments)
    {
        using var folder = new ScratchFolder();
        using var run = MongeProcess.Run(folder.Path, arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("monge: " + sentence, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        Assert.Empty(run.Output);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData(2, "target", "gmm99", "There is no target 'gmm99'; did you mean 'gmm9'", "sample", "gmm99", "--json")]
    [InlineData(2, "target", "gmm9", "There is no method 'pin'; did you mean 'pinn'?", "sample", "gmm9", "--method", "pin", "--json")]
    [InlineData(2, "target", "gmm9", "There is no option '--sampels'; did you mean '--samples'?", "sample", "gmm9", "--json", "--sampels", "5")]
    [InlineData(2, "target", "gmm9", "The option 'width' holds the text \"wide\" where a whole ", "sample", "gmm9", "--options", "o.json", "--json")]
    [InlineData(2, "data", "none.csv", "There is no file", "fit", "none.csv", "--json")]
    [InlineData(1, "dir", "nowhere", "The folder 'nowhere' holds no run", "draw", "nowhere", "--json")]
    public void Who_asks_for_json_is_told_errors_in_json_too(int code, string argument, string value, string sentence, params string[] arguments)
    {
        using var folder = new ScratchFolder();
        File.WriteAllText(folder["o.json"], """{ "width": "wide" }""");
        using var run = MongeProcess.Run(folder.Path, arguments);
        Assert.Equal(code, run.ExitCode);
        var told = JsonNode.Parse(run.Output)!;
        Assert.Equal(value, (string)told[argument]!);
        Assert.StartsWith(sentence, (string)told["status"]!, StringComparison.Ordinal);
        Assert.Equal($"monge: {told["status"]}", run.Sentence);
    }

    [Theory]
    [InlineData("monge sample gmm9 --seed 1", "--help")]
    [InlineData("monge sample many-well-5", "sample", "--help")]
    [InlineData("monge targets --json", "targets", "--help")]
    [InlineData("monge methods --json", "methods", "--help")]
    [InlineData("monge reproduce 01 --quick", "reproduce", "--help")]
    [InlineData("monge bench gemm", "bench", "--help")]
    [InlineData("source <(monge completion bash)", "completion", "--help")]
    public void Help_has_examples(string example, params string[] arguments)
    {
        using var folder = new ScratchFolder();
        using var run = MongeProcess.Run(folder.Path, arguments);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Examples:", run.Output, StringComparison.Ordinal);
        Assert.Contains(example, run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bash", "complete -o default -F")]
    [InlineData("zsh", "compdef _monge monge")]
    [InlineData("fish", "complete -c monge")]
    [InlineData("pwsh", "Register-ArgumentCompleter")]
    public void Completion_scripts_ask_the_program_itself(string shell, string registration)
    {
        using var folder = new ScratchFolder();
        using var script = MongeProcess.Run(folder.Path, "completion", shell);
        Assert.Equal(0, script.ExitCode);
        Assert.Contains(registration, script.Output, StringComparison.Ordinal);
        Assert.Contains("[suggest:", script.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Suggestions_name_targets()
    {
        using var folder = new ScratchFolder();
        using var run = MongeProcess.Run(folder.Path, "[suggest:16]", "monge sample man");
        Assert.Contains("many-well-5", run.Output.Split('\n'));
    }

    [Fact]
    public void Lists_are_also_json()
    {
        using var folder = new ScratchFolder();
        using var targets = MongeProcess.Run(folder.Path, "targets", "--json");
        using var methods = MongeProcess.Run(folder.Path, "methods", "--json");
        using var gallery = MongeProcess.Run(folder.Path, "reproduce", "--list", "--json");
        Assert.Contains(JsonNode.Parse(targets.Output)!.AsArray(), t => (string?)t!["name"] == "gmm9" && (int?)t["dimension"] == 2);
        Assert.Contains(JsonNode.Parse(methods.Output)!.AsArray(), m => (string?)m!["name"] == "pinn" && m["options"]!["batchSize"] is not null);
        Assert.Contains(JsonNode.Parse(gallery.Output)!.AsArray(), e => (string?)e!["system"] == "01");
    }

    [Fact]
    public void Bench_prints_one_object_a_line_for_each_case()
    {
        using var folder = new ScratchFolder();
        using var run = MongeProcess.Run(folder.Path, "bench", "all", "--batch", "32", "--width", "8", "--depth", "2", "--dim", "3", "--steps", "2",
            "--repeats", "1", "--threads", "1", "--json");
        Assert.Equal(0, run.ExitCode);
        var cases = run.Output.TrimEnd().Split('\n').Select(line => JsonNode.Parse(line)!).ToArray();
        Assert.Equal(
            ["gemm", "regression", "fit", "fit-ot", "laplacian", "jko", "score", "ode", "langevin", "pairwise", "pairwise-plain",
                "neurons", "neurons-population", "neuron-runs", "neuron-runs-plain"],
            cases.Select(c => (string)c["case"]!));
        Assert.All(cases, c => Assert.True((double)c["median_ms"]! > 0 && (int)c["threads"]! == 1));
        Assert.All(cases, c => Assert.Equal(((string)c["case"]!).StartsWith("neuron", StringComparison.Ordinal) ? "f64" : "f32", (string)c["precision"]!));
        Assert.All(cases.Where(c => (string)c["case"]! is "gemm" or "regression" or "laplacian" or "score" or "ode"),
            c => Assert.True((double)c["gflops"]! > 0 && (double)c["peak_gflops"]! > (double)c["gflops"]!));
    }

    [Fact]
    public void The_gate_of_speed_reads_back_what_it_wrote_and_fails_when_the_file_asks_for_more()
    {
        using var folder = new ScratchFolder();
        using var missing = MongeProcess.Run(folder.Path, "bench", "--gate", "gate.json");
        Assert.Equal(1, missing.ExitCode);
        using var update = MongeProcess.Run(folder.Path, "bench", "--gate", "gate.json", "--update");
        Assert.Equal(0, update.ExitCode);

        // The machine that runs the tests is not quiet: what is asked for is far below or far above what was just measured.
        var path = Path.Combine(folder.Path, "gate.json");
        var file = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        foreach (var (expected, factor) in new[] { (0, 0.01), (1, 100) })
        {
            var asked = file.DeepClone();
            foreach (var (_, ratio) in asked.AsObject().Single().Value!.AsObject())
            {
                Assert.True((double)ratio!["ratio"]! > 0);
                ratio["ratio"] = (double)ratio["ratio"]! * factor;
            }

            File.WriteAllText(path, asked.ToJsonString());
            using var run = MongeProcess.Run(folder.Path, "bench", "--gate", "gate.json");
            Assert.Equal(expected, run.ExitCode);
        }
    }
}
