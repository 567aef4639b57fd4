using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Data;
using Monge.Dynamics;
using Monge.Measures;
using Monge.Methods;
using Monge.OptimalTransport;
using Monge.Paths;
using Monge.Training;

namespace Monge.Cli.Generation;

/// <summary><c>monge fit DATA</c>: learns a transport from a base to data.</summary>
internal sealed class FitCommand
{
    private static readonly (string Word, CouplingKind Kind)[] s_couplings =
        [("independent", CouplingKind.Independent), ("ot", CouplingKind.OptimalTransport), ("sinkhorn", CouplingKind.Sinkhorn), ("paired", CouplingKind.Paired)];

    private static readonly (string Word, LearnedFields Fields)[] s_learned =
    [
        ("velocity", LearnedFields.Velocity), ("denoiser", LearnedFields.Denoiser), ("score", LearnedFields.Score), ("velocity+denoiser", LearnedFields.VelocityDenoiser),
        ("velocity+score", LearnedFields.VelocityScore), ("mean+denoiser", LearnedFields.InterpolantVelocityDenoiser), ("mean+score", LearnedFields.InterpolantVelocityScore),
    ];

    private readonly Argument<string> _data = GenerationFiles.Data("The rows to learn from");
    private readonly Option<string> _base = new("--base") { Description = "Where the transport starts: 'gaussian', 'mixture' (a Gaussian mixture that is fitted to the rows first), or a second table with the same columns.", HelpName = "gaussian|mixture|DATA2", DefaultValueFactory = _ => "gaussian" };
    private readonly Option<string[]> _condition = new("--condition") { Description = "A column to condition on (words or a few whole numbers are classes, other numbers continuous); repeat for several.", HelpName = "COLUMN" };
    private readonly Option<string[]> _drop = new("--drop") { Description = "A column to leave out; repeat for several.", HelpName = "COLUMN" };
    private readonly Option<string> _method = CommandOptions.Word("--method", "How the transport is learned.", "interpolant", "interpolant");
    private readonly Option<string?> _schedule = new("--schedule") { Description = $"The path: {string.Join(", ", InterpolantSchedules.Names)}. [default: linear; from a mixture trigonometric]", HelpName = "NAME" };
    private readonly Option<string> _coupling = CommandOptions.Word("--coupling", "How base and data are paired: each on its own, by mini-batch optimal transport, or row by row. [default: independent]", "", [.. s_couplings.Select(c => c.Word)]);
    private readonly Option<string> _learn = CommandOptions.Word("--learn", "The fields to learn; a second one gives the score that an SDE needs. [default: velocity]", "", [.. s_learned.Select(l => l.Word)]);
    private readonly Option<TimeSpan?> _budget = CommandOptions.Duration("--budget", "Training time, such as 90s, 2m or 1h. Not together with --iterations.");
    private readonly Option<int> _iterations = CommandOptions.Integer("--iterations", "Optimiser steps; fits with this are repeatable to the bit. [default: 10000]", 0, 1);
    private readonly Option<FileInfo?> _options = new("--options") { Description = "A JSON file with options of the fit; docs/generative.md lists them. Flags override it.", HelpName = "FILE" };
    private readonly Option<string> _out = new("--out", "-o") { Description = "The model's file.", HelpName = "FILE", DefaultValueFactory = _ => "model.safetensors" };
    private readonly Option<bool> _resume = new("--resume") { Description = "Go on with a fit to the same file that was stopped." };
    private readonly Option<ulong> _seed = CommandOptions.Seed();
    private readonly Option<int> _threads = CommandOptions.Threads();
    private readonly Option<bool> _noReport = RunReporting.Option();
    private readonly Option<bool> _json = CommandOptions.Json("one object with the result");

    private FitCommand()
    {
        (_coupling.DefaultValueFactory, _learn.DefaultValueFactory, _iterations.DefaultValueFactory) = (null, null, null);
        _schedule.CompletionSources.Add([.. InterpolantSchedules.Names]);
    }

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var fit = new FitCommand();
        var command = new Command("fit", "Learn a transport from a base to data, for generate, density and map.")
        {
            fit._data, fit._base, fit._condition, fit._drop, fit._method, fit._schedule, fit._coupling, fit._learn, fit._budget, fit._iterations, fit._options, fit._out,
            fit._resume, fit._seed, fit._threads, fit._noReport, fit._json,
        };
        HelpExamples.Add(
            command,
            ("monge fit data.csv --out m.safetensors", "learn the rows of a table"),
            ("monge fit data.csv --budget 2m --coupling ot", "two minutes, base and data paired by optimal transport"),
            ("monge fit digits.npz:train --condition label", "one model for all classes"),
            ("monge fit data.csv --base mixture", "from a mixture of the rows: for clusters and columns of few values"),
            ("monge fit after.npy --base before.npy --coupling ot", "a map from one table to another"),
            ("monge fit data.csv --schedule linear-latent --learn velocity+denoiser", "with a latent and the score, for SDEs"));
        command.SetAction(fit.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var options = Options(parsed);
        var data = Data(parsed);
        var path = parsed.GetRequiredValue(_out);
        CheckPlace(path);
        var checkpoint = path + ".checkpoint";
        var last = default(TrainingProgress);
        using var display = ITrainingDisplay.Create($"{Path.GetFileName(parsed.GetRequiredValue(_data))} ({data.Dimension} columns, {data.Table!.Rows} rows), seed {parsed.GetValue(_seed)}");
        var settings = new FitSettings
        {
            Seed = parsed.GetValue(_seed),
            Threads = parsed.GetValue(_threads),
            Budget = parsed.GetValue(_budget),
            Checkpoint = checkpoint,
            Resume = parsed.GetValue(_resume),
            Progress = new Sampling.ProgressFan(display.Report, p => last = p.Iteration > 0 ? p : last),
        };
        FlowModel model;
        try
        {
            model = await Task.Run(() => InterpolantFit.Run(data, options, settings, cancellation), CancellationToken.None);
        }
        catch (OperationCanceledException)
        {
            display.Dispose();
            Console.Error.WriteLine(File.Exists(checkpoint)
                ? $"monge: stopped after step {last.Iteration} of {last.TotalIterations}; the state is saved in '{checkpoint}'. To go on, repeat the command with --resume."
                : "monge: stopped before the first step; there is nothing to go on from.");
            throw new InterruptedException();
        }

        model.Save(path);
        InterpolantFit.RemoveCheckpoint(checkpoint);
        display.Dispose();
        var result = FitResult.Describe(model, path, last.Elapsed, parsed.GetValue(_threads));
        var drawing = new FlowSettings { Seed = parsed.GetValue(_seed), Threads = parsed.GetValue(_threads) };
        RunReporting.Write(parsed, _noReport, RunReporting.FolderOf(path), () => FlowPictures.Describe(model, data, RunReporting.Command(parsed), last.Elapsed.TotalSeconds, drawing));
        parsed.InvocationConfiguration.Output.WriteLine(parsed.GetValue(_json) ? JsonOutput.Line(result) : FitResult.Sentences(result));
        return ExitCodes.Success;
    }

    private FlowData Data(ParseResult parsed)
    {
        string[] conditions = parsed.GetValue(_condition) ?? [];
        var options = new DataTableOptions { LabelColumns = conditions, Drop = parsed.GetValue(_drop) ?? [], MinimumRows = 10 };
        var table = GenerationFiles.Read(parsed.GetRequiredValue(_data), options);
        try
        {
            var data = FlowData.From(table, conditions);
            return parsed.GetRequiredValue(_base) is "gaussian" ? data
                : parsed.GetRequiredValue(_base) is "mixture" ? data.FromMixture()
                : data.FromBase(GenerationFiles.Read(parsed.GetRequiredValue(_base), new DataTableOptions { MinimumRows = 10 }));
        }
        catch (ArgumentException error)
        {
            throw CommandException.Usage(Failures.Explain(error).Message);
        }
    }

    private InterpolantOptions Options(ParseResult parsed)
    {
        var (iterations, budget) = (parsed.GetValue(_iterations), parsed.GetValue(_budget));
        if (iterations > 0 && budget is not null)
        {
            throw CommandException.Usage("--iterations and --budget exclude each other; give one of them.");
        }

        try
        {
            // Within the components of a mixture the trigonometric path keeps the law as it is, and leaves little to learn.
            var options = new InterpolantOptions();
            options = FromFile(parsed.GetValue(_options), parsed.GetRequiredValue(_base) is "mixture" ? options with { Schedule = "trigonometric" } : options);
            options = parsed.GetValue(_schedule) is { } schedule ? options with { Schedule = schedule } : options;
            options = parsed.GetValue(_coupling) is { Length: > 0 } coupling ? options with { Coupling = s_couplings.First(c => c.Word == coupling).Kind } : options;
            options = parsed.GetValue(_learn) is { Length: > 0 } learn ? options with { Learn = s_learned.First(l => l.Word == learn).Fields } : options;
            return (iterations > 0 ? options with { Iterations = iterations } : options).Checked();
        }
        catch (ArgumentException error)
        {
            throw CommandException.Usage(Failures.Explain(error).Message);
        }
    }

    private static InterpolantOptions FromFile(FileInfo? file, InterpolantOptions defaults)
    {
        if (file is null)
        {
            return defaults;
        }

        if (!file.Exists)
        {
            throw CommandException.Usage($"There is no file '{file.FullName}' for --options.");
        }

        var text = File.ReadAllText(file.FullName);
        JsonObject given;
        try
        {
            given = JsonNode.Parse(text)!.AsObject();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or NullReferenceException)
        {
            throw CommandException.Usage($"'{file.Name}' isn't a JSON object of options.");
        }

        var merged = JsonNode.Parse(MethodOptions.Format(defaults))!.AsObject();
        string[] known = [.. merged.Select(o => o.Key)];
        if (given.Select(o => o.Key).FirstOrDefault(name => !known.Contains(name)) is { } unknown)
        {
            throw CommandException.Usage(UnknownName.Sentence("option of fit", unknown, known, "docs/generative.md"));
        }

        foreach (var (name, value) in given)
        {
            merged[name] = value?.DeepClone();
        }

        return MethodOptions.Parse<InterpolantOptions>(merged.ToJsonString());
    }

    // What can't be written at the end is told before the training.
    private static void CheckPlace(string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder))
        {
            throw CommandException.Usage(string.Create(CultureInfo.InvariantCulture, $"The folder '{folder}' for --out doesn't exist."));
        }
    }
}
