using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Data;
using Monge.Gallery;
using Monge.Runs;

namespace Monge.Cli.Commands;

/// <summary><c>monge reproduce NN</c>: reruns published figures and holds each against its reference.</summary>
internal static class ReproduceCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var number = new Argument<string?>(
            "entry")
        { Description = "Number of a gallery entry, such as 01. [default: all]", HelpName = "NN", Arity = ArgumentArity.ZeroOrOne };
        number.CompletionSources.Add(_ => GalleryCatalogue.Entries.Select(e => e.Number));
        var list = new Option<bool>("--list") { Description = "List entries, experiments and figures without running anything." };
        var only = new Option<string?>("--experiment", "-e") { Description = "Run only the experiment of this name; --list shows them.", HelpName = "NAME" };
        only.CompletionSources.Add(_ => GalleryCatalogue.Entries.SelectMany(e => e.Experiments).Select(e => e.Name));
        var quick = new Option<bool>(
            "--quick")
        { Description = "Run only the experiments that take seconds; what runs, runs at full size against the same references." };
        var seed = CommandOptions.Seed();
        var seeds = CommandOptions.Integer(
            "--seeds",
            $"Seeds at which figures that compare trained runs are measured; fewer than {FigureVerdicts.LeastSeeds} judge none of them.",
            FigureVerdicts.LeastSeeds, 1, 1000, "N");
        var resume = new Option<bool>("--resume") { Description = "Take the seeds that the folder of records remembers of this version, and go on." };
        var threads = CommandOptions.Threads();
        var output = new Option<string>(
            "--out", "-o")
        { Description = "Folder for the records.", HelpName = "DIR", DefaultValueFactory = _ => Path.Combine("runs", "gallery") };
        var noReport = RunReporting.Option();
        var json = CommandOptions.Json("an array of figures");
        var command = new Command("reproduce", "Rerun published figures, each beside its reference; exit code 1 when one falls short.") { number, list, only,
            quick, seed, seeds, resume, threads, output, noReport, json };
        HelpExamples.Add(
            command,
            ("monge reproduce --list", "what can be rerun"),
            ("monge reproduce 01 --quick", "the checks of entry 01 that take seconds"),
            ("monge reproduce 01 --experiment gmm9", "one experiment of entry 01"),
            ("monge reproduce 33 --experiment mixture-128-learned --resume", "go on with a comparison over five seeds"),
            ("monge reproduce 01 --seed 2 --json", "all of entry 01, as JSON"));
        command.SetAction((result, cancellation) =>
        {
            var entries = Only(Select(result.GetValue(number)), result.GetValue(only));
            if (result.GetValue(list))
            {
                List(entries, result.GetValue(json), result.InvocationConfiguration.Output);
                return Task.FromResult(ExitCodes.Success);
            }

            var folder = result.GetRequiredValue(output);
            var settings = new ExperimentSettings
            {
                Seed = result.GetValue(seed),
                Quick = result.GetValue(quick),
                Threads = result.GetValue(threads),
                Seeds = result.GetValue(seeds),
                Folder = folder,
                Resume = result.GetValue(resume),
            };
            void Report(IReadOnlyList<FigureResult> measured) =>
                RunReporting.Write(
                    result, noReport, folder, () => GalleryPictures.Describe(folder, measured, MongeCommand.Version, RunReporting.Command(result)));
            return RunAsync(
                entries, result.GetValue(only), settings, folder, result.GetValue(json), result.InvocationConfiguration.Output, Report, cancellation);
        });
        return command;
    }

    private static IReadOnlyList<GalleryEntry> Only(IReadOnlyList<GalleryEntry> entries, string? experiment)
    {
        if (experiment is null)
        {
            return entries;
        }

        GalleryEntry[] found =
            [.. entries.Select(e => e with { Experiments = [.. e.Experiments.Where(x => x.Name == experiment)] }).Where(e => e.Experiments.Count > 0)];
        return found.Length > 0
            ? found
            : throw CommandException.Usage(
                UnknownName.Sentence("experiment", experiment, entries.SelectMany(e => e.Experiments).Select(e => e.Name), "monge reproduce --list"));
    }

    private static IReadOnlyList<GalleryEntry> Select(string? number)
    {
        if (number is null)
        {
            return GalleryCatalogue.Entries;
        }

        var wanted = int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n.ToString("00", CultureInfo.InvariantCulture) : number;
        return GalleryCatalogue.Entries.FirstOrDefault(e => e.Number == wanted) is { } entry
            ? [entry]
            : throw CommandException.Usage($"There is no gallery entry '{number}'; `monge reproduce --list` lists them all.");
    }

    private static async Task<int> RunAsync(IReadOnlyList<GalleryEntry> entries, string? experiment, ExperimentSettings settings, string folder, bool json,
        TextWriter output, Action<IReadOnlyList<FigureResult>> report, CancellationToken cancellation)
    {
        PrepareFolder(folder);
        var log = json ? Console.Error : output;
        var all = new JsonArray();
        var measured = new List<FigureResult>();
        foreach (var entry in entries)
        {
            log.WriteLine($"{entry.Number}  {entry.Title}");
            log.WriteLine($"    {entry.Paper}");
            var (results, notes) = (new JsonArray(), new List<string>());
            void Note(string line)
            {
                notes.Add(line);
                log.WriteLine($"    {line}");
            }

            await foreach (var figures in GalleryRunner.RunAsync(
                entry, settings with { Note = Note }, e => log.WriteLine($"  {e.Name}: {e.Description}"), cancellation))
            {
                foreach (var figure in figures)
                {
                    // The notes belong to the experiment and stand with its first figure.
                    results.Add(Describe(figure, ReferenceEquals(figure, figures[0]) ? notes : []));
                }

                measured.AddRange(figures);
                notes.Clear();
                foreach (var figure in figures)
                {
                    log.WriteLine($"    {Sentence(figure)}");
                }

                log.WriteLine($"    {figures[0].Seconds.ToString("F1", CultureInfo.InvariantCulture)} s");
            }

            var record = Path.Combine(
                folder, $"{entry.Number}{(experiment is null ? "" : $"-{experiment}")}{(settings.Quick ? "-quick" : "")}-seed{settings.Seed}.json");
            AtomicFile.WriteText(record, JsonOutput.Indented(results));
            log.WriteLine($"  record: {record}");
            foreach (var result in results)
            {
                all.Add(result!.DeepClone());
            }
        }

        if (json)
        {
            output.WriteLine(JsonOutput.Line(all));
        }

        report(measured);
        var missed = measured.Count(f => f.Verdict == FigureVerdict.FallsShort);
        var open = measured.Count(f => f.Verdict is FigureVerdict.Tie or FigureVerdict.NotJudged);
        log.WriteLine(missed > 0 ? $"{missed} of {measured.Count} figures fall short"
            : open > 0 ? $"{measured.Count - open} of {measured.Count} figures hold, none falls short; the others tie or were not judged"
            : $"all {measured.Count} figures hold");
        return missed == 0 ? ExitCodes.Success : ExitCodes.Failure;
    }

    private static void PrepareFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Failure($"The folder '{folder}' can't be written ({error.Message.TrimEnd('.')}); choose another with --out.");
        }
    }

    private static void List(IReadOnlyList<GalleryEntry> entries, bool json, TextWriter output)
    {
        if (json)
        {
            output.WriteLine(JsonOutput.Line(new JsonArray([.. entries.SelectMany(e => e.Experiments, DescribeExperiment)])));
            return;
        }

        foreach (var entry in entries)
        {
            output.WriteLine($"{entry.Number}  {entry.Title}");
            output.WriteLine($"    {entry.Paper}");
            foreach (var experiment in entry.Experiments)
            {
                output.WriteLine($"  {experiment.Name}{(experiment.Quick ? " (quick)" : "")}: {experiment.Description}");
                foreach (var figure in experiment.Figures)
                {
                    output.WriteLine($"    {figure.Name}: {figure.Describe()}   [{figure.Source}]");
                }
            }
        }
    }

    private static JsonObject DescribeExperiment(GalleryEntry entry, Experiment experiment) => new()
    {
        ["system"] = entry.Number,
        ["title"] = entry.Title,
        ["paper"] = entry.Paper,
        ["experiment"] = experiment.Name,
        ["description"] = experiment.Description,
        ["quick"] = experiment.Quick,
        ["figures"] = ResultText.Json(experiment.Figures.Select(f => f.Name)),
    };

    private static JsonObject Describe(FigureResult r, IEnumerable<string> notes) => new()
    {
        ["system"] = r.System,
        ["experiment"] = r.Experiment,
        ["figure"] = r.Figure.Name,
        ["value"] = ResultText.Json(r.Value),
        ["reference"] = ResultText.Json(r.Figure.Reference),
        ["tolerance"] = ResultText.Json(r.Figure.Tolerance),
        ["test"] = r.Figure.Describe(),
        ["source"] = r.Figure.Source,
        ["holds"] = r.Holds,
        ["verdict"] = JsonNamingPolicy.CamelCase.ConvertName(r.Verdict.ToString()),
        ["values"] = ResultText.Json(r.Values.Select(value => value)),
        ["stretch_holds"] = r.StretchHolds,
        ["seconds"] = ResultText.Json(Math.Round(r.Seconds, 3)),
        ["seed"] = r.Seed,
        ["notes"] = ResultText.Json(notes),
    };

    private static string Sentence(FigureResult r)
    {
        var stretch = r.StretchHolds switch { true => ", and the stretch", false => ", not the stretch", null => "" };
        var seeds = r.Values.Count;
        var verdict = r.Verdict switch
        {
            FigureVerdict.Holds => (r.Figure.IsOverSeeds ? $"holds at all {seeds} seeds" : "holds") + stretch,
            FigureVerdict.Tie => $"TIE: {r.Values.Count(r.Figure.Holds)} of {seeds} seeds meet it",
            FigureVerdict.NotJudged => $"not judged: it compares trained runs, which takes at least {FigureVerdicts.LeastSeeds} seeds (--seeds)",
            _ => "FALLS SHORT" + (r.Figure.IsOverSeeds ? $" at all {seeds} seeds" : ""),
        };
        var spread = !r.Figure.IsOverSeeds ? ""
            : string.Create(CultureInfo.InvariantCulture, $", the median of {seeds} seeds, {r.Values.Min():G5} to {r.Values.Max():G5}");
        return string.Create(CultureInfo.InvariantCulture, $"{r.Figure.Name}: {r.Value:G5}{spread}   ({r.Figure.Describe()}; {r.Figure.Source})   {verdict}");
    }
}
