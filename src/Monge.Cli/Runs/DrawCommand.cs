using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Cli.Runs;

/// <summary><c>monge draw DIR</c>: draws further samples with the sampler that a finished run trained.</summary>
internal sealed class DrawCommand
{
    private readonly Density? _own;
    private readonly Argument<string> _folder = new("dir") { Description = "The folder of a finished run of `monge sample`.", HelpName = "DIR" };
    private readonly Option<int> _samples = CommandOptions.Integer("--samples", "Samples to draw.", 10_000, 2, 100_000_000);
    private readonly Option<ulong?> _seed = new("--seed", "-s")
    {
        Description = "Seed of the draws: other seeds give independent samples. [default: the run's and one more]",
        HelpName = "S",
    };
    private readonly Option<string?> _out = new("--out", "-o") { Description = "Folder for results and record. [default: DIR-drawS]", HelpName = "DIR" };
    private readonly Option<int> _threads = CommandOptions.Threads();
    private readonly Option<string?> _format = DrawOutput.Format();
    private readonly Option<bool> _force = SampleCommand.Force();
    private readonly Option<bool> _noReport = RunReporting.Option();
    private readonly Option<bool> _json = CommandOptions.Json("one object with the results");

    private DrawCommand(Density? own)
    {
        _own = own;
        _samples.Aliases.Add("-n");
    }

    /// <summary>Makes the command.</summary>
    /// <param name="own">The density of the program that runs, if it brings one.</param>
    public static Command Create(Density? own)
    {
        var draw = new DrawCommand(own);
        var command = new Command("draw", "Draw further weighted samples with the sampler that a run trained, without training again.")
        {
            draw._folder, draw._samples, draw._seed, draw._out, draw._threads, draw._format, draw._force, draw._noReport, draw._json,
        };
        HelpExamples.Add(
            command, ("monge draw runs/gmm9-seed1 -n 100000", "a hundred thousand further samples"),
            ("monge draw runs/gmm9-seed1 --seed 7 --out runs/more", "of a seed, in a folder"));
        command.SetAction(draw.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var from = parsed.GetRequiredValue(_folder);
        var threads = parsed.GetValue(_threads);
        var (record, seed) = Read(from);
        var drawSeed = parsed.GetValue(_seed) ?? (seed + 1);
        if (drawSeed == seed)
        {
            throw CommandException.Usage($"Seed {seed} is that of the run in '{from}', whose samples are there; choose another with --seed.");
        }

        var target = SampleCommand.Target((string)record["target"]!, _own, threads);
        var name = (string)record["method"]!;
        var entry = MethodRegistry.Samplers.FirstOrDefault(m => m.Facts.Name == name)
            ?? throw CommandException.Usage(UnknownName.Sentence("method", name, MethodRegistry.Samplers.Select(m => m.Facts.Name), "monge methods"));
        var (samples, options) = (parsed.GetValue(_samples), record["options"]!.AsObject());
        var settings = new JsonObject { ["samples"] = samples, ["draw_seed"] = drawSeed, ["drawn_from"] = from };
        var place = parsed.GetValue(_out) ?? string.Create(CultureInfo.InvariantCulture, $"{Path.TrimEndingDirectorySeparator(from)}-draw{drawSeed}");
        var folder = RunFolder.Open(
            place, new RunRecord("sample", [("target", target.Name)], name, seed, options, RunReporting.Command(parsed), settings), resume: false);
        var run = new Run { Seed = seed, DrawSeed = drawSeed, Threads = threads, Folder = folder.Path, Resume = true, Cancellation = cancellation };
        SampleReport result;
        try
        {
            File.Copy(Path.Combine(from, RunSession.CheckpointName), Path.Combine(folder.Path, RunSession.CheckpointName));
            var draws = await Draw(entry.Bind(new SamplingProblem(target, samples), options), run, $"{target.Name} by {name}, draws of seed {drawSeed}");
            result = SampleReport.Of(draws, target, threads: threads, forced: parsed.GetValue(_force));
        }
        catch
        {
            folder.Discard();
            throw;
        }

        var told = result.ToJson();
        told["out"] = folder.Path;
        if (DrawOutput.Write(parsed.GetValue(_format), result, folder.Path) is { } written)
        {
            told["draws"] = written;
        }

        folder.Write(result, told, options);
        RunReporting.Write(parsed, _noReport, folder.Path, () => result.Draw(RunReporting.Command(parsed), null));
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(_json))
        {
            output.WriteLine(JsonOutput.Line(told));
        }
        else
        {
            SummaryWriter.Write(result.Summary(), result.Warnings, output);
            output.WriteLine();
            output.WriteLine($"samples, weights and record are in {folder.Path}");
        }

        return result.Draws.IsFailed ? ExitCodes.Useless : ExitCodes.Success;
    }

    private static (JsonObject Record, ulong Seed) Read(string folder)
    {
        var record = RunFolder.ReadFinished(folder);
        return (string?)record["kind"] != "sample"
            ? throw CommandException.Usage($"The run in '{folder}' is one of `monge {record["kind"]}`; `monge generate` draws rows from its model.")
            : File.Exists(Path.Combine(folder, RunSession.CheckpointName)) ? (record, (ulong)record["seed"]!)
            : throw CommandException.Failure($"The folder '{folder}' holds no {RunSession.CheckpointName} to draw from; repeat the run.");
    }

    private static async Task<SampleSet> Draw(IMethod<SampleSet> method, Run run, string title)
    {
        using var display = ITrainingDisplay.Create(title);
        try
        {
            var draws = await Task.Run(() => method.Run(run with { Progress = new ProgressFan(display.Report) }), CancellationToken.None);
            return draws.Seed == run.DrawSeed ? draws
                : throw CommandException.Failure($"The method '{draws.Method}' can't draw anew from a finished run; run it with another seed instead.");
        }
        catch (OperationCanceledException)
        {
            display.Dispose();
            Console.Error.WriteLine("monge: stopped; nothing was drawn.");
            throw new InterruptedException();
        }
    }
}
