using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Data;
using Monge.Diagnostics;
using Monge.Runs;
using Monge.Training;

namespace Monge.Cli.Runs;

/// <summary>The command of a kind of problem: it reads options, runs a method of the registry, keeps the run's folder, and tells the result.</summary>
internal sealed class RunCommand<TProblem, TResult>
{
    private const string ModelEnding = ".safetensors";

    private readonly RunKind<TProblem, TResult> _kind;
    private readonly Option<string> _method;
    private readonly Option<string?>? _compare;
    private readonly Option<ulong> _seed = CommandOptions.Seed();
    private readonly Option<TimeSpan?> _budget = CommandOptions.Duration("--budget", "Training time, such as 90s, 2m or 1h. Not together with --iterations.");
    private readonly Option<int> _iterations = CommandOptions.Integer(
        "--iterations", "Steps of the method; runs with this are repeatable to the bit. [default: the method's, for the size of the problem]", 0, 1);
    private readonly Option<int> _threads = CommandOptions.Threads();
    private readonly Option<string?> _preset =
        new("--preset") { Description = "A named set of the method's options; `monge methods` lists them.", HelpName = "NAME" };
    private readonly Option<FileInfo?> _options =
        new("--options") { Description = "A JSON file with options of the method; `monge methods NAME` explains all.", HelpName = "FILE" };
    private readonly Option<string?> _out;
    private readonly Option<bool> _resume = new("--resume") { Description = "Go on with the run that the folder holds." };
    private readonly Option<bool> _noReport = RunReporting.Option();
    private readonly Option<bool> _json = CommandOptions.Json("one object with the results");

    private RunCommand(RunKind<TProblem, TResult> kind)
    {
        _kind = kind;
        _method = new Option<string>(
            "--method", "-m")
        {
            Description = "The method; `monge methods` lists them."
                + (kind.TakesWhatApplies ? $" [default: {kind.DefaultMethod}, or the first that applies to the problem]" : ""),
            HelpName = "METHOD",
            DefaultValueFactory = kind.TakesWhatApplies ? null : _ => kind.DefaultMethod,
        };
        _method.CompletionSources.Add(_ => kind.Methods().Select(m => m.Facts.Name));
        _preset.CompletionSources.Add(_ => kind.Methods().SelectMany(m => m.Presets.Keys).Distinct());
        _out = new Option<string?>(
            "--out", "-o")
        {
            Description = "Folder for results, model and record; a name that ends in .safetensors is the model's, and the rest stands in "
            + "NAME.run. [default: runs/NAME-seedS]",
            HelpName = "DIR"
        };

        _compare = kind.Comparison is null ? null : new Option<string?>("--compare")
        {
            Description = "Methods to run one after the other on the same problem, seed and budget, and to set side by side. Not together with --method.",
            HelpName = "M1,M2",
        };

        // A default of 0 stands for "not given", which help has no reason to show.
        _iterations.DefaultValueFactory = null;
    }

    /// <summary>Makes the command.</summary>
    public static Command Create(RunKind<TProblem, TResult> kind)
    {
        var run = new RunCommand<TProblem, TResult>(kind);
        var command = new Command(kind.Kind.Name, kind.Description);
        foreach (var symbol in (Symbol[])
            [.. kind.Symbols, run._method, .. run._compare is { } compare ? new Symbol[] { compare } : [], run._seed, run._budget, run._iterations,
                run._threads, run._preset, run._options, run._out, run._resume,
                run._noReport, run._json])
        {
            if (symbol is Argument argument)
            {
                command.Add(argument);
            }
            else
            {
                command.Add((Option)symbol);
            }
        }

        HelpExamples.Add(command, [.. kind.Examples]);
        command.SetAction(run.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var json = parsed.GetValue(_json) ? parsed.InvocationConfiguration.Output : null;
        if (_compare is not null && parsed.GetValue(_compare) is { } compared)
        {
            return await CompareAsync(parsed, compared.Split(',', StringSplitOptions.TrimEntries), json, cancellation);
        }

        var entry = Method(parsed.GetValue(_method) ?? _kind.DefaultMethod);
        if (_kind.TakesWhatApplies && parsed.GetResult(_method) is null)
        {
            var problem = _kind.Problem(parsed, parsed.GetValue(_threads)).Problem;
            entry = _kind.Methods().Prepend(entry).FirstOrDefault(m => m.AppliesTo(problem), entry);
        }

        var options = Options(parsed, entry, []);
        var stated = _kind.Problem(parsed, parsed.GetValue(_threads));
        var method = Bind(entry, stated.Problem, options);
        var (resume, replaces) = (parsed.GetValue(_resume), _kind.Replaces(parsed));
        var (place, model) = Place(parsed.GetValue(_out) ?? Path.Combine("runs", $"{stated.Name}-seed{parsed.GetValue(_seed)}"), replaces || resume);
        var (result, told, _) = await RunAsync(parsed, (entry, method, stated), (place, model, resume), json, cancellation);
        var code = Code(result);
        if (json is not null)
        {
            json.WriteLine(JsonOutput.Line(told));
            return code;
        }

        var output = parsed.InvocationConfiguration.Output;
        SummaryWriter.Write(result.Summary(), result.Warnings, output);
        output.WriteLine();
        output.WriteLine(model is null ? $"{_kind.Closing} are in {place}" : $"the model is {model}; {_kind.Closing} are in {place}");
        return code;
    }

    // Runs a method in its folder, and writes there what comes out.
    private async Task<(IRunResult Result, JsonObject Told, TimeSpan Elapsed)> RunAsync(
        ParseResult parsed, (MethodEntry<TProblem, TResult> Entry, IMethod<TResult> Method, StatedProblem<TProblem> Stated) bound,
        (string Folder, string? Model, bool Resume) place, TextWriter? json, CancellationToken cancellation)
    {
        var (name, seed, replaces) = (bound.Entry.Facts.Name, parsed.GetValue(_seed), _kind.Replaces(parsed));
        var record = new RunRecord(
            _kind.Kind.Name, bound.Stated.Identity, name, seed, MethodOptions.ToJson(bound.Method.Options), RunReporting.Command(parsed),
            _kind.Settings(parsed));
        using var folder = RunFolder.Open(place.Folder, record, place.Resume, replaces && !place.Resume);
        var run = new Run { Seed = seed, Threads = parsed.GetValue(_threads), Folder = folder.Path, Resume = place.Resume, Cancellation = cancellation };
        var (made, elapsed) = await RunAsync(bound.Method, run, folder, $"{bound.Stated.Name} by {name}, seed {seed}", json);
        var result = _kind.Report(parsed, name, bound.Stated.Problem, made, run);
        var told = result.ToJson();
        told["out"] = folder.Path;
        if (place.Model is { } model)
        {
            told["model"] = model;
            AtomicFile.Write(model, stream => stream.Write(File.ReadAllBytes(Path.Combine(folder.Path, RunSession.ModelName))));
        }

        if (_kind.Draws(parsed, result, folder.Path) is { } draws)
        {
            told["draws"] = draws;
        }

        // The run may have chosen what its options left open.
        folder.Write(result, told, MethodOptions.ToJson(bound.Method.Options));
        RunReporting.Write(parsed, _noReport, folder.Path, () => result.Draw(RunReporting.Command(parsed), folder.Metrics));
        return (result, told, elapsed);
    }

    // All methods are bound before the first one runs, so that one that doesn't apply is told at once.
    private async Task<int> CompareAsync(ParseResult parsed, string[] names, TextWriter? json, CancellationToken cancellation)
    {
        if (parsed.GetResult(_method) is { Implicit: false })
        {
            throw CommandException.Usage("--method and --compare exclude each other; give one of them.");
        }

        if (names.Length < 2 || names.Distinct().Count() < names.Length)
        {
            throw CommandException.Usage("--compare takes two or more different methods, separated by commas; `monge methods` lists them.");
        }

        MethodEntry<TProblem, TResult>[] entries = [.. names.Select(Method)];
        JsonObject[] options = [.. entries.Select(e => Options(parsed, e, names))];
        var stated = _kind.Problem(parsed, parsed.GetValue(_threads));
        var methods = entries.Zip(options, (e, o) => (Entry: e, Method: Bind(e, stated.Problem, o), Stated: stated)).ToArray();
        var folder = Place(parsed, stated.Name);
        string[] places = [.. names.Select(n => Path.Combine(folder, n))];
        var resume = parsed.GetValue(_resume);
        bool IsBegun(string place) => File.Exists(Path.Combine(place, "run.json"));
        if (resume && !places.Any(IsBegun))
        {
            throw CommandException.Failure($"The folder '{folder}' holds no comparison to resume; leave --resume away to start one.");
        }

        List<ComparedRun> runs = [];
        JsonObject told = [];
        foreach (var (method, place) in methods.Zip(places))
        {
            var name = method.Entry.Facts.Name;
            try
            {
                // Of a comparison that was stopped some methods never began.
                var (result, made, elapsed) = await RunAsync(parsed, method, (place, null, resume && IsBegun(place)), null, cancellation);
                runs.Add(new ComparedRun(name, result, elapsed));
                told[name] = made;
            }
            catch (ArithmeticException error)
            {
                runs.Add(new ComparedRun(name, null, TimeSpan.Zero) { Failure = Failures.Sentence(error) });
                told[name] = new JsonObject { ["status"] = $"failed: {Failures.Sentence(error)}" };
            }
        }

        return Tell(parsed, runs, new JsonObject { ["problem"] = stated.Name, ["seed"] = parsed.GetValue(_seed), ["methods"] = told }, folder, json);
    }

    private int Tell(ParseResult parsed, List<ComparedRun> runs, JsonObject told, string folder, TextWriter? json)
    {
        var (blocks, rows) = _kind.Comparison!(runs);
        told["comparison"] = rows;
        told["out"] = folder;
        Status[] warnings = [.. runs.SelectMany(r =>
            (r.Result?.Warnings ?? [Status.Fail(r.Failure!, "")]).Select(w => w with { Cause = $"{r.Method}: {w.Cause}" }))];
        AtomicFile.WriteText(Path.Combine(folder, "comparison.json"), JsonOutput.Indented(told));
        AtomicFile.WriteText(Path.Combine(folder, "comparison.txt"), SummaryWriter.Text(blocks, warnings));
        string[] drawn = [.. runs.Where(r => r.Result is not null).Select(r => Path.Combine(folder, r.Method))];
        RunReporting.Compare(parsed, _noReport, drawn, Path.Combine(folder, "comparison.html"));
        var code = runs.Max(r => r.Result is { } result ? Code(result) : ExitCodes.Failure);
        if (json is not null)
        {
            json.WriteLine(JsonOutput.Line(told));
            return code;
        }

        var output = parsed.InvocationConfiguration.Output;
        SummaryWriter.Write(blocks, warnings, output);
        output.WriteLine();
        output.WriteLine($"comparison.json and each method's {_kind.Closing} are in {folder}");
        return code;
    }

    private string Place(ParseResult parsed, string name)
    {
        var path = parsed.GetValue(_out) ?? Path.Combine("runs", $"{name}-seed{parsed.GetValue(_seed)}-compare");
        return path.EndsWith(ModelEnding, StringComparison.OrdinalIgnoreCase)
            ? throw CommandException.Usage("--compare writes a folder of several runs; name a folder by --out, not a model.") : path;
    }

    private static int Code(IRunResult result) => result.Warnings.Any(w => w.Code == StatusCode.Failed) ? ExitCodes.Useless : ExitCodes.Success;

    // A file for the model may be named instead of a folder: the rest of the run then stands beside it.
    private static (string Folder, string? Model) Place(string path, bool mayExist)
    {
        if (!path.EndsWith(ModelEnding, StringComparison.OrdinalIgnoreCase))
        {
            return (path, null);
        }

        if (File.Exists(path) && !mayExist)
        {
            throw CommandException.Failure($"The file '{path}' exists already; replace it by --force, or choose another with --out.");
        }

        var parent = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return Directory.Exists(parent)
            ? (path[..^ModelEnding.Length] + ".run", path)
            : throw CommandException.Usage($"The folder '{parent}' for --out doesn't exist.");
    }

    // What the method makes, and the time it took over all resumed parts.
    private static async Task<(TResult Made, TimeSpan Elapsed)> RunAsync(IMethod<TResult> method, Run run, RunFolder folder, string title, TextWriter? json)
    {
        var last = default(TrainingProgress);
        var metrics = new MetricsFile(folder.Metrics);
        if (run.Resume)
        {
            metrics.Load();
        }

        using var display = ITrainingDisplay.Create(title);
        var progress = new ProgressFan(display.Report, metrics.Report, p => last = p.IsCourse ? p : last);
        try
        {
            var result = await Task.Run(() => method.Run(run with { Progress = progress }), CancellationToken.None);
            metrics.Save();
            return (result, last.Elapsed);
        }
        catch (OperationCanceledException)
        {
            display.Dispose();
            if (File.Exists(Path.Combine(folder.Path, RunSession.CheckpointName)))
            {
                metrics.Save();
                folder.Write("interrupted");
                Console.Error.WriteLine(
                    $"monge: stopped after step {last.Iteration} of {last.TotalIterations}; the state is saved in '{folder.Path}'. To go on, repeat the "
                    + "command with --resume.");
            }
            else
            {
                // What another run left in a folder that was to be gone on with is not this one's to take away.
                if (!run.Resume)
                {
                    folder.Discard();
                }

                Console.Error.WriteLine("monge: stopped before the first step; nothing was kept.");
            }

            throw new InterruptedException();
        }
        catch (Exception error)
        {
            // What is refused before the first step leaves no folder in the way of the command as it should have been.
            if (error is ArgumentException && !run.Resume && !File.Exists(Path.Combine(folder.Path, RunSession.CheckpointName)))
            {
                folder.Discard();
            }
            else
            {
                folder.Write("failed: " + Failures.Sentence(error));
            }

            JsonFailure.Write(json, folder.Record.Problem, error, Failures.Sentence(error));
            throw;
        }
    }

    private MethodEntry<TProblem, TResult> Method(string name) => _kind.Methods().FirstOrDefault(m => m.Facts.Name == name)
        ?? throw CommandException.Usage(UnknownName.Sentence("method", name, _kind.Methods().Select(m => m.Facts.Name), "monge methods"));

    private static IMethod<TResult> Bind(MethodEntry<TProblem, TResult> entry, TProblem problem, JsonObject options)
    {
        try
        {
            return entry.Bind(problem, options);
        }
        catch (ArgumentException error)
        {
            throw CommandException.Usage(Failures.Explain(error).Message);
        }
    }

    // A later source overrides an earlier one: those of the kind's defaults that the method has, a preset, a file, flags.
    // In a comparison of methods, a file may hold the options of each under its name.
    private JsonObject Options(ParseResult parsed, MethodEntry<TProblem, TResult> entry, IReadOnlyList<string> compared)
    {
        var options = new JsonObject(
            _kind.Defaults(parsed).Where(o => entry.DefaultOptions.ContainsKey(o.Key)).Select(o => KeyValuePair.Create(o.Key, o.Value?.DeepClone())));
        if (parsed.GetValue(_preset) is { } preset)
        {
            OptionFile.Merge(options, entry.Presets.TryGetValue(preset, out var named)
                ? named
                : throw CommandException.Usage(UnknownName.Sentence($"preset of {entry.Facts.Name}", preset, entry.Presets.Keys, "monge methods")));
        }

        if (parsed.GetValue(_options) is { } file)
        {
            OptionFile.Merge(options, OptionFile.Of(OptionFile.Read(file), entry.Facts.Name, compared));
        }

        OptionFile.Merge(options, _kind.Flags(parsed));
        var (iterations, budget) = (parsed.GetValue(_iterations), parsed.GetValue(_budget));
        if (iterations > 0 && budget is not null)
        {
            throw CommandException.Usage("--iterations and --budget exclude each other; give one of them.");
        }

        if (iterations > 0 || budget is not null)
        {
            options.Remove("iterations");
            options.Remove("budget");
            options[iterations > 0 ? "iterations" : "budget"] = iterations > 0 ? iterations : JsonSerializer.SerializeToNode(budget);
        }

        OptionFile.CheckNames(options, entry);
        return options;
    }
}
