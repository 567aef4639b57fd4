using System.Text.Json.Nodes;
using Monge.Data;

namespace Monge.Cli.Tests;

/// <summary>Runs of <c>monge sample</c> through the real executable, with tiny networks.</summary>
public sealed class SampleTests
{
    private const string Tiny = """
        { "width": 8, "depth": 1, "batchSize": 32, "walkers": 32, "walkerSteps": 8, "refreshInterval": 10, "base": "isotropic",
          "targetExponent": 1, "baseExponent": 1, "sampler": "ode", "samplerSteps": 16, "checkpointSeconds": 0.05 }
        """;

    [Fact]
    public void Json_alone_stands_on_standard_output_and_the_files_agree_with_it()
    {
        using var folder = Folder();
        using var run = MongeProcess.Run(folder.Path, Arguments("gmm9", 30, "--samples", "500", "--json"));
        Assert.Equal(0, run.ExitCode);
        var result = JsonNode.Parse(run.Output)!.AsObject();
        string[] keys =
        [
            "target", "method", "seed", "samples", "names", "iterations", "train_seconds", "sample_seconds", "log_z", "log_z_error", "ess", "exact_log_z",
            "elbo_error", "eubo", "eubo_error", "gap", "gap_error", "ess_error", "forward_ess", "forward_ess_error", "pareto_k", "pareto_k_error",
            "target_calls", "uses_mode_knowledge",
            "mode_weight_errors", "mode_coverage", "mode_coverage_error", "exact_mode_coverage", "exact_mode_coverage_spread", "distances",
            "free_energy", "correction",
            "mode_weights", "mean", "sd", "out", "status",
        ];
        Assert.All(keys, key => Assert.True(result.ContainsKey(key), $"'{key}' is missing"));
        Assert.True((double)result["eubo"]! > (double)result["elbo"]!);
        Assert.InRange((double)result["forward_ess"]!, 0, 1);
        Assert.True((long)result["target_calls"]! > 100_000);
        Assert.Equal(
            ["energy distance", "MMD^2", "sliced W2", "W2", "Stein discrepancy^2"], result["distances"]!.AsArray().Select(d => (string)d!["distance"]!));
        Assert.All(result["distances"]!.AsArray(), d => Assert.True((double)d!["floor_spread"]! > 0 && (double)d["value_error"]! > 0));
        var path = folder[(string)result["out"]!];
        var samples = NumpyFile.Read(Path.Combine(path, "samples.npy"));
        var logWeights = NumpyFile.Read(Path.Combine(path, "log_weights.npy")).ToDoubles();
        Assert.Equal([500, 2], samples.Shape.ToArray());
        Assert.Equal(500, logWeights.Length);
        var top = logWeights.Max();
        var weights = logWeights.Select(w => Math.Exp(w - top)).ToArray();
        var (sum, squares) = (weights.Sum(), weights.Sum(w => w * w));
        Assert.Equal(top + Math.Log(sum / 500), (double)result["log_z"]!, 9);
        Assert.Equal(sum * sum / squares / 500, (double)result["ess"]!, 9);
        Assert.Equal(1, result["mode_weights"]!.AsArray().Sum(w => (double)w!), 9);
        var positions = samples.ToDoubles();
        Assert.Equal(weights.Select((w, i) => w * positions[2 * i]).Sum() / sum, (double)result["mean"]![0]!, 6);
        var record = JsonNode.Parse(File.ReadAllText(Path.Combine(path, "run.json")))!;
        Assert.Equal(30, (long)record["options"]!["iterations"]!);
        Assert.Equal((double)result["log_z"]!, (double)record["result"]!["log_z"]!);
        Assert.True(SafetensorsFile.Read(Path.Combine(path, "model.safetensors")).Tensors.Count > 0);
        Assert.StartsWith("iteration,seconds,loss,validation_ess\n", File.ReadAllText(Path.Combine(path, "metrics.csv")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_person_sees_the_table_the_modes_log_Z_and_a_picture_and_may_see_them_again()
    {
        using var folder = Folder();
        using var run = MongeProcess.Run(folder.Path, Arguments("gmm9", 30, "--samples", "500", "--out", "here"));
        Assert.Equal(0, run.ExitCode);
        string[] shown = ["mean", "median", "(-5, 5)", "log Z", "known: 0.0000", "ESS", "EUBO", "forward ESS", "mode coverage", "target calls",
            "floor: exact from exact", "energy distance", "training (30 steps)", "█"];
        Assert.All(shown, text => Assert.Contains(text, run.Output, StringComparison.Ordinal));
        Assert.DoesNotContain('\u001b', run.Output);
        Assert.Contains("step 30 of 30", run.Error, StringComparison.Ordinal);

        using var again = MongeProcess.Run(folder.Path, "show", "here");
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("█", again.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_number_of_threads_changes_no_byte()
    {
        using var folder = Folder();
        using var one = MongeProcess.Run(folder.Path, Arguments("gmm9", 30, "--samples", "300", "--threads", "1", "--out", "one"));
        using var two = MongeProcess.Run(folder.Path, Arguments("gmm9", 30, "--samples", "300", "--threads", "2", "--out", "two"));
        Assert.Equal((0, 0), (one.ExitCode, two.ExitCode));
        foreach (var file in (string[])["model.safetensors", "samples.npy", "log_weights.npy"])
        {
            Assert.Equal(File.ReadAllBytes(folder[$"one/{file}"]), File.ReadAllBytes(folder[$"two/{file}"]));
        }
    }

    [Fact]
    public void A_run_that_was_killed_goes_on_to_the_same_bytes()
    {
        const int iterations = 4000;
        using var folder = Folder();
        MongeProcess.KillAtCheckpoint(
            () => MongeProcess.Start(folder.Path, Arguments("gmm9", iterations, "--samples", "300", "--out", "killed")), folder["killed"]);
        using var resumed = MongeProcess.Run(folder.Path, Arguments("gmm9", iterations, "--samples", "300", "--out", "killed", "--resume"));
        using var whole = MongeProcess.Run(folder.Path, Arguments("gmm9", iterations, "--samples", "300", "--out", "whole"));
        Assert.Equal((0, 0), (resumed.ExitCode, whole.ExitCode));
        foreach (var file in (string[])["model.safetensors", "samples.npy", "log_weights.npy"])
        {
            Assert.Equal(File.ReadAllBytes(folder[$"whole/{file}"]), File.ReadAllBytes(folder[$"killed/{file}"]));
        }
    }

    [Fact]
    public void Control_C_saves_the_state_and_says_how_to_go_on()
    {
        using var folder = Folder();
        using var run = MongeProcess.Start(folder.Path, Arguments("gmm9", 1_000_000, "--out", "here"));
        run.WaitUntil(() => File.Exists(folder["here/checkpoint.safetensors"]));
        run.Signal("INT");
        run.Wait();
        Assert.Equal(130, run.ExitCode);
        Assert.StartsWith("monge: stopped after step ", run.Sentence, StringComparison.Ordinal);
        Assert.EndsWith("the state is saved in 'here'. To go on, repeat the command with --resume.", run.Sentence, StringComparison.Ordinal);
        Assert.Equal("interrupted", (string)JsonNode.Parse(File.ReadAllText(folder["here/run.json"]))!["status"]!);
        Assert.Equal(["checkpoint.safetensors", "metrics.csv", "run.json"], Directory.GetFiles(folder["here"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Control_C_before_the_first_step_leaves_nothing_in_the_way_of_the_same_command()
    {
        using var folder = Folder();
        using var run = MongeProcess.Start(folder.Path, Arguments("many-well-32", 1_000_000, "--out", "here"));
        run.WaitUntil(() => File.Exists(folder["here/run.json"]));
        run.Signal("INT");
        run.Wait();
        Assert.Equal(130, run.ExitCode);
        Assert.Equal("monge: stopped before the first step; nothing was kept.", run.Sentence);
        Assert.False(Directory.Exists(folder["here"]));
    }

    [Theory]
    [InlineData("nan", "The log density of 'own' is NaN at x[0] = ")]
    [InlineData("vector", "The log density of 'own' has shape [2]; it must be a scalar")]
    [InlineData("mismatch", "The log density of 'own' can't be traced: ")]
    public void A_density_that_is_wrong_at_the_first_call_is_told_before_anything_is_written(string density, string sentence)
    {
        using var folder = Folder();
        using var run = MongeProcess.RunOwnDensity(folder.Path, density, "sample", "--iterations", "5", "--options", "tiny.json");
        AssertFailure(run, sentence);
        Assert.Equal(["tiny.json"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("growing", "The log density of 'own' is unbounded above: along unconstrained coordinate 0 it grows without end")]
    [InlineData("nowhere", "The log density of 'own' is minus infinity at the centre of its base and at all 16 draws from it; suggest a base")]
    public void A_density_that_cannot_be_sampled_is_told_in_words_and_in_json(string density, string sentence)
    {
        using var folder = Folder();
        using var run = MongeProcess.RunOwnDensity(folder.Path, density, "sample", "--iterations", "5", "--options", "tiny.json", "--json");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(sentence, run.Sentence, StringComparison.Ordinal);
        Assert.Contains(sentence, (string)JsonNode.Parse(run.Output)!["status"]!, StringComparison.Ordinal);
    }

    [Fact]
    public void A_step_size_that_is_unstable_for_the_diffusion_is_told()
    {
        using var folder = Folder();
        File.WriteAllText(folder["tiny.json"], Tiny.Replace("\"sampler\": \"ode\"", "\"sampler\": \"sde\", \"diffusion\": 10000", StringComparison.Ordinal));
        using var run = MongeProcess.Run(folder.Path, Arguments("gmm9", 5, "--samples", "50", "--out", "here", "--json"));
        var status = (string)JsonNode.Parse(run.Output)!["status"]!;
        Assert.Contains("the step size 1/16 is unstable for the diffusion 1e+04", status, StringComparison.Ordinal);
        Assert.Contains("lower the option diffusion to at most", status, StringComparison.Ordinal);
        Assert.Contains("is unstable for the diffusion", File.ReadAllText(folder["here/run.json"]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_collapsed_sampler_is_told_though_its_weights_are_even()
    {
        using var folder = Folder();
        File.WriteAllText(folder["tiny.json"], Tiny.Replace("\"targetExponent\"", "\"baseScale\": 0.6, \"targetExponent\"", StringComparison.Ordinal));
        using var run = MongeProcess.Run(folder.Path, Arguments("gmm9", 100, "--samples", "1000", "--json"));
        Assert.Equal(0, run.ExitCode);
        var result = JsonNode.Parse(run.Output)!;
        Assert.Contains("the draws miss part of the target", (string)result["status"]!, StringComparison.Ordinal);
        Assert.True((double)result["ess"]! > 0.5, $"ESS {result["ess"]}");
        Assert.True((double)result["forward_ess"]! < 0.01, $"forward ESS {result["forward_ess"]}");
        Assert.True((double)result["mode_coverage"]! < 0.3, $"mode coverage {result["mode_coverage"]}");
        Assert.True((double)result["distances"]![0]!["excess"]! > 10, $"{result["distances"]![0]}");
    }

    [Fact]
    public void A_trained_sampler_draws_more_without_training()
    {
        using var folder = Folder();
        string[] options = ["-n", "400", "--solver", "heun", "--no-report", "--format", "npz", "--out", "run"];
        using (var run = MongeProcess.Run(folder.Path, [.. Arguments("gmm9", 60, options)]))
        {
            Assert.Equal(0, run.ExitCode);
            Assert.Contains("ODE, Heun, ", run.Output, StringComparison.Ordinal);
            Assert.Contains(" evaluations of the field", run.Output, StringComparison.Ordinal);
            var arrays = NumpyFile.ReadArchive(folder["run/draws.npz"]);
            Assert.Equal(NumpyFile.Read(folder["run/samples.npy"]).ToDoubles(), arrays["x"].ToDoubles());
            Assert.Equal(NumpyFile.Read(folder["run/log_weights.npy"]).ToDoubles(), arrays[".log_weight"].ToDoubles());
        }

        using (var more = MongeProcess.Run(folder.Path, ["draw", "run", "-n", "600", "--json", "--no-report", "--threads", "1", "--format", "arviz"]))
        {
            Assert.Equal(0, more.ExitCode);
            var result = JsonNode.Parse(more.Output)!;
            Assert.Equal("run-draw2/draws.json", (string)result["draws"]!);
            var rows = NumpyFile.Read(folder["run-draw2/samples.npy"]).ToDoubles().ToHashSet();
            var resampled = DrawFile.ReadArviz(folder["run-draw2/draws.json"])["x"];
            Assert.Equal([1, 600, 2], resampled.Shape.ToArray());
            Assert.All(resampled.ToDoubles(), value => Assert.Contains(value, rows));
            Assert.Equal(60, (long)result["iterations"]!);
            Assert.Equal(2, (int)result["seed"]!);
            Assert.True(Math.Abs((double)result["log_z"]!) < 5 * (double)result["log_z_error"]!);
        }

        Assert.Equal([600, 2], NumpyFile.Read(folder["run-draw2/samples.npy"]).Shape.ToArray());
        using (var again = MongeProcess.Run(folder.Path, ["draw", "run-draw2", "-n", "600", "--seed", "2", "--out", "again", "--no-report"]))
        {
            Assert.Equal(0, again.ExitCode);
        }

        Assert.Equal(File.ReadAllBytes(folder["run-draw2/samples.npy"]), File.ReadAllBytes(folder["again/samples.npy"]));
        Assert.NotEqual(
            NumpyFile.Read(folder["run/samples.npy"]).ToDoubles().Take(100), NumpyFile.Read(folder["again/samples.npy"]).ToDoubles().Take(100));
        using (var own = MongeProcess.Run(folder.Path, ["draw", "run", "--seed", "1"]))
        {
            Assert.Equal(2, own.ExitCode);
            Assert.Contains("choose another with --seed", own.Error, StringComparison.Ordinal);
        }

        using var generate = MongeProcess.Run(folder.Path, ["generate", "run", "-n", "5"]);
        Assert.Equal(1, generate.ExitCode);
        Assert.Contains("`monge draw` draws from a sampler's run", generate.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Draws_of_no_use_fail_with_code_3_and_tell_no_moments_unless_forced()
    {
        using var folder = Folder();
        string[] arguments = ["sample", "many-well-20", "--method", "dis", "--iterations", "1", "--samples", "1000", "--no-report"];
        using (var run = MongeProcess.Run(folder.Path, [.. arguments, "--out", "useless"]))
        {
            Assert.Equal(3, run.ExitCode);
            Assert.Contains("withheld", run.Output, StringComparison.Ordinal);
            Assert.Contains("a lower bound", run.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("median", run.Output, StringComparison.Ordinal);
        }

        Assert.True(File.Exists(folder["useless/samples.npy"]));
        Assert.StartsWith("failed: ", (string)JsonNode.Parse(File.ReadAllText(folder["useless/run.json"]))!["status"]!, StringComparison.Ordinal);
        using (var show = MongeProcess.Run(folder.Path, ["show", "useless"]))
        {
            Assert.Contains("warning: the draws are of no use", show.Output, StringComparison.Ordinal);
        }

        using var forced = MongeProcess.Run(folder.Path, [.. arguments, "--out", "forced", "--force", "--json"]);
        Assert.Equal(3, forced.ExitCode);
        var result = JsonNode.Parse(forced.Output)!;
        Assert.StartsWith("failed: the draws", (string)result["status"]!, StringComparison.Ordinal);
        Assert.True((bool)result["log_z_is_lower_bound"]!);
        Assert.Null(result["log_z_error"]);
        Assert.Equal(20, result["mean"]!.AsArray().Count);
    }

    [Fact]
    public void Refined_samples_weigh_equally_and_the_record_says_so()
    {
        using var folder = Folder();
        using var run = MongeProcess.Run(folder.Path, Arguments("gmm9", 30, "--samples", "300", "--refine", "5", "--out", "here", "--json"));
        Assert.Equal(0, run.ExitCode);
        var result = JsonNode.Parse(run.Output)!;
        Assert.Contains("resampled systematically to equal weights", (string)result["correction"]!, StringComparison.Ordinal);
        Assert.Contains("5 Metropolis-adjusted Langevin steps", (string)result["correction"]!, StringComparison.Ordinal);
        Assert.True((double)result["ess"]! < 1, "the estimates are those of the weighted samples");
        Assert.All(NumpyFile.Read(folder["here/log_weights.npy"]).ToDoubles(), w => Assert.Equal((double)result["log_z"]!, w, 12));
        using var show = MongeProcess.Run(folder.Path, "show", "here");
        Assert.Contains("resampled systematically to equal weights", show.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_with_its_own_density_has_the_whole_command_line()
    {
        using var folder = Folder();
        using var run = MongeProcess.RunOwnDensity(
            folder.Path, "gaussian", "sample", "--iterations", "20", "--samples", "200", "--options", "tiny.json", "--json");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal("own", (string)JsonNode.Parse(run.Output)!["target"]!);
        using var targets = MongeProcess.RunOwnDensity(folder.Path, "gaussian", "targets");
        Assert.StartsWith("own ", targets.Output, StringComparison.Ordinal);
        Assert.Contains("gmm9", targets.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_with_another_run_is_left_alone()
    {
        using var folder = Folder();
        using var first = MongeProcess.Run(folder.Path, Arguments("gmm9", 5, "--samples", "50", "--out", "here"));
        Assert.Equal(0, first.ExitCode);
        var before = Directory.GetFiles(folder["here"]).ToDictionary(f => f, File.ReadAllBytes);
        using var second = MongeProcess.Run(folder.Path, Arguments("gmm9", 5, "--samples", "50", "--out", "here"));
        AssertFailure(second, "The folder 'here' holds another run");
        using var other = MongeProcess.Run(folder.Path, Arguments("gmm9", 6, "--samples", "50", "--out", "here", "--resume"));
        AssertFailure(other, "The folder 'here' holds another run: its options differ in iterations (5, not 6)");
        using var target = MongeProcess.Run(folder.Path, Arguments("banana", 5, "--samples", "50", "--out", "here", "--resume"));
        AssertFailure(target, "The folder 'here' holds another run: its target is gmm9, not banana");
        Assert.All(before, file => Assert.Equal(file.Value, File.ReadAllBytes(file.Key)));
        Assert.Equal(before.Count, Directory.GetFiles(folder["here"]).Length);
        using (new FileStream(folder["here/run.lock"], FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose))
        {
            using var busy = MongeProcess.Run(folder.Path, Arguments("gmm9", 5, "--samples", "50", "--out", "here", "--resume"));
            AssertFailure(busy, "Another run is writing to the folder 'here'");
        }
    }

    [Fact]
    public void A_run_is_not_resumed_from_nothing_nor_from_what_is_no_checkpoint_nor_by_another_version()
    {
        using var folder = Folder();
        using var nothing = MongeProcess.Run(folder.Path, Arguments("gmm9", 5, "--out", "nowhere", "--resume"));
        AssertFailure(nothing, "The folder 'nowhere' holds no run to resume");
        Assert.False(Directory.Exists(folder["nowhere"]));

        using var first = MongeProcess.Run(folder.Path, Arguments("gmm9", 5, "--samples", "50", "--out", "here"));
        Assert.Equal(0, first.ExitCode);
        var checkpoint = folder["here/checkpoint.safetensors"];
        var bytes = File.ReadAllBytes(checkpoint);
        File.WriteAllBytes(checkpoint, bytes[..^100]);
        using var truncated = MongeProcess.Run(folder.Path, Arguments("gmm9", 5, "--samples", "50", "--out", "here", "--resume"));
        AssertFailure(truncated, "here/checkpoint.safetensors");
        File.WriteAllText(checkpoint, "this is a letter, not a checkpoint");
        using var foreign = MongeProcess.Run(folder.Path, Arguments("gmm9", 5, "--samples", "50", "--out", "here", "--resume"));
        AssertFailure(foreign, "here/checkpoint.safetensors");

        File.WriteAllBytes(checkpoint, bytes);
        var record = File.ReadAllText(folder["here/run.json"]);
        File.WriteAllText(folder["here/run.json"], record.Replace("\"version\": \"0.", "\"version\": \"9.", StringComparison.Ordinal));
        using var version = MongeProcess.Run(folder.Path, Arguments("gmm9", 5, "--samples", "50", "--out", "here", "--resume"));
        AssertFailure(version, "The folder 'here' holds another run: its version is 9.");
    }

    [Fact]
    public void Arrays_that_are_truncated_or_foreign_are_told_with_their_name()
    {
        using var folder = Folder();
        using var first = MongeProcess.Run(folder.Path, Arguments("gmm9", 5, "--samples", "50", "--out", "here"));
        Assert.Equal(0, first.ExitCode);
        var bytes = File.ReadAllBytes(folder["here/samples.npy"]);
        File.WriteAllBytes(folder["here/samples.npy"], bytes[..^8]);
        using var truncated = MongeProcess.Run(folder.Path, "show", "here");
        AssertFailure(truncated, "here/samples.npy: is truncated");
        File.WriteAllText(folder["here/samples.npy"], "x,y\n1,2\n");
        using var foreign = MongeProcess.Run(folder.Path, "show", "here");
        AssertFailure(foreign, "here/samples.npy: is not a NumPy array");
        NumpyFile.Write(folder["here/samples.npy"], new double[6], 2, 3);
        using var other = MongeProcess.Run(folder.Path, "show", "here");
        AssertFailure(other, "The files in 'here' don't belong together");
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_told()
    {
        using var folder = Folder();
        File.WriteAllText(folder["file"], "");
        using var run = MongeProcess.Run(folder.Path, Arguments("gmm9", 5, "--out", "file/run"));
        AssertFailure(run, "The folder 'file/run' can't be written");
    }

    [Theory]
    [InlineData("{ \"widht\": 8 }", "There is no option of pinn 'widht'; did you mean 'width'?")]
    [InlineData("{ \"width\": -1 }", "The option 'width' is -1; it must be 1 to 8192.")]
    [InlineData("[1, 2]", "isn't a JSON object of options")]
    public void Options_that_the_method_does_not_know_are_told(string json, string sentence)
    {
        using var folder = Folder();
        File.WriteAllText(folder["wrong.json"], json);
        using var run = MongeProcess.Run(folder.Path, "sample", "gmm9", "--options", "wrong.json");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        Assert.False(Directory.Exists(folder["runs"]));
    }

    private static ScratchFolder Folder()
    {
        var folder = new ScratchFolder();
        File.WriteAllText(folder["tiny.json"], Tiny);
        return folder;
    }

    private static string[] Arguments(string target, int iterations, params string[] more) =>
        ["sample", target, "--seed", "1", "--iterations", iterations.ToString(System.Globalization.CultureInfo.InvariantCulture),
            "--options", "tiny.json", .. more];

    private static void AssertFailure(MongeProcess run, string sentence)
    {
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(sentence, run.Sentence, StringComparison.Ordinal);
        Assert.StartsWith("monge: ", run.Sentence, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }
}
