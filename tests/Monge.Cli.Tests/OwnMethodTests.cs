using System.Text.Json.Nodes;

namespace Monge.Cli.Tests;

/// <summary>examples/own-method.cs: what a stranger's sampler gets for nothing.</summary>
public sealed class OwnMethodTests
{
    [Fact]
    public void It_stands_among_the_methods_with_its_options_explained()
    {
        using var folder = new ScratchFolder();
        using var run = MongeProcess.RunOwnMethod(folder.Path, "methods", "adaptive");
        Assert.Equal(0, run.ExitCode);
        string[] shown = ["Samplers", "adaptive", "preset patient: {\"iterations\":1000,\"rate\":0.02}", "batchSize", "1000", "above 0 and at most 1"];
        Assert.All(shown, text => Assert.Contains(text, run.Output, StringComparison.Ordinal));
    }

    [Fact]
    public void It_samples_and_tells_its_result_as_json()
    {
        using var folder = new ScratchFolder();
        using var run = MongeProcess.RunOwnMethod(folder.Path, "sample", "gaussian-3", "--method", "adaptive", "--samples", "4000", "--json");
        Assert.Equal(0, run.ExitCode);
        var result = JsonNode.Parse(run.Output)!.AsObject();
        Assert.Equal("adaptive", (string)result["method"]!);
        Assert.InRange((double)result["ess"]!, 0.2, 1);
        Assert.True(Math.Abs((double)result["log_z"]! - (double)result["exact_log_z"]!) < 5 * (double)result["log_z_error"]!);
        string[] files = ["checkpoint.safetensors", "log_weights.npy", "metrics.csv", "model.safetensors", "report.html", "run.json", "samples.npy"];
        Assert.All(files, file => Assert.True(File.Exists(folder[Path.Combine((string)result["out"]!, file)]), file));
        Assert.StartsWith("iteration,seconds,loss,ess\n", File.ReadAllText(folder["runs/gaussian-3-seed1/metrics.csv"]), StringComparison.Ordinal);
        using var show = MongeProcess.RunOwnMethod(folder.Path, "show", "runs/gaussian-3-seed1");
        Assert.Contains("log Z", show.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Killed_it_goes_on_to_the_same_bytes()
    {
        using var folder = new ScratchFolder();
        File.WriteAllText(folder["often.json"], """{ "iterations": 1500, "checkpointSeconds": 0.02 }""");
        string[] Arguments(string place) =>
            ["sample", "gaussian-3", "--method", "adaptive", "--samples", "200", "--options", "often.json", "--no-report", "--out", place];
        MongeProcess.KillAtCheckpoint(() => MongeProcess.StartOwnMethod(folder.Path, Arguments("killed")), folder["killed"]);
        using var resumed = MongeProcess.RunOwnMethod(folder.Path, [.. Arguments("killed"), "--resume"]);
        using var whole = MongeProcess.RunOwnMethod(folder.Path, Arguments("whole"));
        Assert.Equal((0, 0), (resumed.ExitCode, whole.ExitCode));
        foreach (var file in (string[])["model.safetensors", "samples.npy", "log_weights.npy"])
        {
            Assert.Equal(File.ReadAllBytes(folder[$"whole/{file}"]), File.ReadAllBytes(folder[$"killed/{file}"]));
        }
    }

    [Fact]
    public void What_it_lacks_is_said_in_words()
    {
        using var folder = new ScratchFolder();
        using var run = MongeProcess.RunOwnMethod(folder.Path, "sample", "gaussian-3", "--method", "adaptive", "--budget", "2s");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("There is no option of adaptive 'budget'", run.Sentence, StringComparison.Ordinal);
    }
}
