using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Training;

namespace Monge.Cli.Sampling;

/// <summary><c>monge sample TARGET</c>: learns a transport to a density and draws weighted samples along it.</summary>
internal sealed class SampleCommand
{
    private readonly Density? _own;
    private readonly Argument<string?> _target;
    private readonly Option<string> _method = new("--method", "-m") { Description = "The method; `monge methods` lists them.", HelpName = "METHOD", DefaultValueFactory = _ => "pinn" };
    private readonly Option<int> _samples = CommandOptions.Integer("--samples", "Samples to draw.", 10_000, 2, 100_000_000);
    private readonly Option<ulong> _seed = CommandOptions.Seed();
    private readonly Option<TimeSpan?> _budget = CommandOptions.Duration("--budget", "Training time, such as 90s, 2m or 1h. Not together with --iterations.");
    private readonly Option<int> _iterations = CommandOptions.Integer("--iterations", "Optimiser steps; runs with this are repeatable to the bit. [default: the method's, for the size of the target]", 0, 1);
    private readonly Option<int> _threads = CommandOptions.Threads();
    private readonly Option<string> _precision = CommandOptions.Word("--precision", "Precision of networks and particles. [default: the method's]", "", "f32", "f64");
    private readonly Option<string?> _preset = new("--preset") { Description = "A named set of the method's options; `monge methods` lists them.", HelpName = "NAME" };
    private readonly Option<FileInfo?> _options = new("--options") { Description = "A JSON file with options of the method; `monge methods --json` shows all with their defaults.", HelpName = "FILE" };
    private readonly Option<string?> _out = new("--out", "-o") { Description = "Folder for samples, model and record. [default: runs/TARGET-seedS]", HelpName = "DIR" };
    private readonly Option<bool> _resume = new("--resume") { Description = "Go on with the run that the folder holds." };
    private readonly Option<bool> _resample = new("--resample") { Description = "Resample to equal weights before writing samples.npy." };
    private readonly Option<int> _refine = CommandOptions.Integer("--refine", "Resample, then take N Metropolis-adjusted Langevin steps, which leave the target invariant, before writing samples.npy.", 0, 1);
    private readonly Option<bool> _noReport = RunReporting.Option();
    private readonly Option<bool> _json = CommandOptions.Json("one object with the results");

    private SampleCommand(Density? own)
    {
        _own = own;
        _target = new Argument<string?>("target")
        {
            Description = own is null ? "The density to sample; `monge targets` lists them." : $"The density to sample. [default: {own.Name}]",
            HelpName = "TARGET",
            Arity = own is null ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne,
        };
        _target.CompletionSources.Add(_ => TargetLibrary.All.Select(t => t.Name));
        _method.CompletionSources.Add(_ => MethodRegistry.All.Select(m => m.Name));
        _preset.CompletionSources.Add(_ => MethodRegistry.All.SelectMany(m => m.Presets.Keys).Distinct());

        // A default of 0 or "" stands for "not given", which help has no reason to show.
        (_iterations.DefaultValueFactory, _precision.DefaultValueFactory, _refine.DefaultValueFactory) = (null, null, null);
    }

    /// <summary>Makes the command.</summary>
    /// <param name="own">The density of the program that runs, if it brings one.</param>
    public static Command Create(Density? own)
    {
        var sample = new SampleCommand(own);
        var command = new Command("sample", "Learn a transport to a density and draw weighted samples, with log Z and its error.")
        {
            sample._target, sample._method, sample._samples, sample._seed, sample._budget, sample._iterations, sample._threads,
            sample._precision, sample._preset, sample._options, sample._out, sample._resume, sample._resample, sample._refine, sample._noReport, sample._json,
        };
        HelpExamples.Add(
            command,
            ("monge sample gmm9 --seed 1", "nine separated Gaussians, a few minutes"),
            ("monge sample many-well-5 --budget 2m --out runs/wells", "train for two minutes"),
            ("monge sample eight-schools --samples 100000 --json", "a posterior; results as one JSON object"),
            ("monge sample gmm9 --refine 50", "samples.npy equally weighted, after 50 Metropolis steps"),
            ("monge sample gmm9 --seed 1 --resume", "go on after Ctrl-C or a crash"));
        command.SetAction(sample.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var target = Target(parsed.GetValue(_target), parsed.GetValue(_threads));
        var entry = Method(parsed.GetRequiredValue(_method));
        var settings = Settings(parsed, entry);
        Told(parsed, target, () => target.Check());
        var method = Bind(entry, target, settings);
        var (seed, samples) = (parsed.GetValue(_seed), parsed.GetValue(_samples));
        var path = parsed.GetValue(_out) ?? Path.Combine("runs", $"{target.Name}-seed{seed}");
        var command = string.Join(' ', ["monge", .. parsed.Tokens.Select(t => t.Value)]);
        var request = new RunRequest(target.Name, entry.Name, seed, samples, method.Options, command);
        var resume = parsed.GetValue(_resume);
        var folder = RunFolder.Open(path, request, resume);
        var metrics = new MetricsFile(folder.Metrics);
        if (resume)
        {
            metrics.Load();
        }

        var json = parsed.GetValue(_json) ? parsed.InvocationConfiguration.Output : null;
        var draws = await TrainAndDrawAsync(method, new SamplingRequest(samples, seed) { Folder = path, Resume = resume }, folder, metrics, json, cancellation);
        var diagnostics = SampleDiagnostics.Compute(draws, target, parsed.GetValue(_threads));
        var kept = Correct(parsed, draws, target);
        var result = SampleResult.Describe(draws with { Correction = kept.Correction, TargetCalls = kept.TargetCalls }, diagnostics, target, path);
        folder.Write(kept);
        folder.Write(draws.Status.IsSuccess ? "complete" : "complete with warnings", result, draws.Options);
        RunReporting.Write(parsed, _noReport, path, () => SamplePictures.Describe(draws with { Correction = kept.Correction, TargetCalls = kept.TargetCalls }, diagnostics, target, command, folder.Metrics));
        Print(parsed, draws with { Correction = kept.Correction, TargetCalls = kept.TargetCalls }, diagnostics, target, result);
        return ExitCodes.Success;
    }

    // Estimates are always those of the weighted samples; only the positions that are written change.
    private SampleSet Correct(ParseResult parsed, SampleSet draws, Density target)
    {
        if (parsed.GetValue(_refine) is > 0 and var steps)
        {
            return draws.Refine(target, steps, threads: parsed.GetValue(_threads));
        }

        return parsed.GetValue(_resample) ? draws.Resample() : draws;
    }

    // A failure is told on standard error by the caller; who reads JSON finds the same words there.
    private void Told(ParseResult parsed, Density target, Action action)
    {
        try
        {
            action();
        }
        catch (Exception error)
        {
            WriteFailure(parsed.GetValue(_json) ? parsed.InvocationConfiguration.Output : null, target.Name, error);
            throw;
        }
    }

    private static void WriteFailure(TextWriter? json, string target, Exception error) =>
        json?.WriteLine(JsonOutput.Line(new JsonObject { ["target"] = target, ["status"] = Failures.Sentence(error) }));

    private static async Task<SampleSet> TrainAndDrawAsync(ISamplingMethod method, SamplingRequest request, RunFolder folder, MetricsFile metrics, TextWriter? json, CancellationToken cancellation)
    {
        var last = default(TrainingProgress);
        using var display = ITrainingDisplay.Create($"{folder.Request.Target} by {folder.Request.Method}, seed {request.Seed}");
        var progress = new ProgressFan(display.Report, metrics.Report, p => last = p.Iteration > 0 ? p : last);
        try
        {
            var draws = await Task.Run(() => method.Run(request with { Progress = progress }, cancellation), CancellationToken.None);
            metrics.Save();
            return draws;
        }
        catch (OperationCanceledException)
        {
            display.Dispose();
            metrics.Save();
            folder.Write("interrupted", null, null);
            Console.Error.WriteLine($"monge: stopped after step {last.Iteration} of {last.TotalIterations}; the state is saved in '{folder.Path}'. To go on, repeat the command with --resume.");
            throw new InterruptedException();
        }
        catch (Exception error)
        {
            folder.Write("failed: " + Failures.Sentence(error), null, null);
            WriteFailure(json, folder.Request.Target, error);
            throw;
        }
    }

    private void Print(ParseResult parsed, SampleSet draws, SampleDiagnostics diagnostics, Density target, JsonObject result)
    {
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(_json))
        {
            output.WriteLine(JsonOutput.Line(result));
            return;
        }

        SampleSummary.Write(draws, diagnostics, target, output);
        output.WriteLine();
        output.WriteLine($"samples, weights, model and record are in {result["out"]}");
    }

    private Density Target(string? name, int threads)
    {
        if (_own is not null && (name is null || name == _own.Name))
        {
            return _own;
        }

        try
        {
            return TargetLibrary.Get(name!, threads);
        }
        catch (UnknownTargetException error)
        {
            var known = error.Message.EndsWith('.') ? $"{error.Message[..^1]};" : error.Message;
            throw CommandException.Usage($"{known} `monge targets` lists them all.");
        }
        catch (ArgumentException error)
        {
            throw CommandException.Usage(Failures.Explain(error).Message);
        }
    }

    private static MethodEntry Method(string name) => MethodRegistry.Find(name)
        ?? throw CommandException.Usage(UnknownName.Sentence("method", name, MethodRegistry.All.Select(m => m.Name), "monge methods"));

    private static ISamplingMethod Bind(MethodEntry entry, Density target, MethodSettings settings)
    {
        try
        {
            return entry.Create(target, settings);
        }
        catch (ArgumentException error)
        {
            throw CommandException.Usage(Failures.Explain(error).Message);
        }
    }

    private MethodSettings Settings(ParseResult parsed, MethodEntry entry)
    {
        var (iterations, budget) = (parsed.GetValue(_iterations), parsed.GetValue(_budget));
        if (iterations > 0 && budget is not null)
        {
            throw CommandException.Usage("--iterations and --budget exclude each other; give one of them.");
        }

        var settings = new MethodSettings
        {
            Options = Options(parsed, entry),
            Iterations = iterations > 0 ? iterations : null,
            Budget = budget,
            Threads = parsed.GetValue(_threads),
            Precision = parsed.GetValue(_precision) switch { "f64" => Precision.Float64, "f32" => Precision.Float32, _ => null },
        };
        return settings;
    }

    private string? Options(ParseResult parsed, MethodEntry entry)
    {
        var preset = parsed.GetValue(_preset);
        if (preset is not null && !entry.Presets.ContainsKey(preset))
        {
            throw CommandException.Usage(UnknownName.Sentence($"preset of {entry.Name}", preset, entry.Presets.Keys, "monge methods"));
        }

        if (parsed.GetValue(_options) is not { } file)
        {
            return preset is null ? null : entry.Presets[preset];
        }

        if (!file.Exists)
        {
            throw CommandException.Usage($"There is no file '{file.FullName}' for --options.");
        }

        var options = preset is null ? [] : JsonNode.Parse(entry.Presets[preset])!.AsObject();
        try
        {
            foreach (var (name, value) in JsonNode.Parse(File.ReadAllText(file.FullName))!.AsObject())
            {
                options[name] = value?.DeepClone();
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or NullReferenceException)
        {
            throw CommandException.Usage($"'{file.Name}' isn't a JSON object of options.");
        }

        var known = JsonNode.Parse(entry.Create(TargetLibrary.Get("gmm9"), new MethodSettings()).Options)!.AsObject().Select(o => o.Key);
        return options.Select(o => o.Key).FirstOrDefault(name => !known.Contains(name)) is { } unknown
            ? throw CommandException.Usage(UnknownName.Sentence($"option of {entry.Name}", unknown, known, "monge methods --json"))
            : options.ToJsonString();
    }
}
