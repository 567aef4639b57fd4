using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Monge.Cli.Generation;
using Monge.Data;
using Monge.Measures;
using Monge.Methods;
using Monge.OptimalTransport;
using Monge.Paths;
using Monge.Runs;

namespace Monge.Cli.Runs;

/// <summary><c>monge fit DATA</c>: learns a transport from a base to data.</summary>
internal sealed partial class FitCommand
{
    private static readonly (string Word, CouplingKind Kind)[] s_couplings =
        [("independent", CouplingKind.Independent), ("ot", CouplingKind.OptimalTransport), ("sinkhorn", CouplingKind.Sinkhorn),
            ("paired", CouplingKind.Paired)];

    private static readonly (string Word, LearnedFields Fields)[] s_learned =
    [
        ("velocity", LearnedFields.Velocity), ("denoiser", LearnedFields.Denoiser), ("score", LearnedFields.Score),
        ("velocity+denoiser", LearnedFields.VelocityDenoiser),
        ("velocity+score", LearnedFields.VelocityScore), ("mean+denoiser", LearnedFields.InterpolantVelocityDenoiser),
        ("mean+score", LearnedFields.InterpolantVelocityScore),
    ];

    private readonly Argument<string> _data = GenerationFiles.Data("The rows to learn from");
    private readonly Option<string> _base = new("--base")
    {
        Description =
            "Where the transport starts: 'gaussian', 'mixture' (a Gaussian mixture that is fitted to the rows first), or a second table with the same columns.",
        HelpName = "gaussian|mixture|DATA2",
        DefaultValueFactory = _ => "gaussian",
    };

    private readonly Option<string[]> _condition = new("--condition")
    {
        Description = "A column to condition on (words or a few whole numbers are classes, other numbers continuous); repeat for several.",
        HelpName = "COLUMN",
    };

    private readonly Option<string[]> _drop = GenerationFiles.Drop();
    private readonly Option<string[]> _types = new("--types")
    {
        Description = "Types of columns, where the rule finds others: NAME=KIND,... with "
            + $"{string.Join(", ", Enum.GetValues<ColumnKind>().Select(ColumnType.Word))}; integer:0..7 has bounds. Repeat for several.",
        HelpName = "NAME=KIND",
    };

    private readonly Option<TableLayout> _layout = GenerationFiles.Layout();
    private readonly Option<string?> _schedule = new("--schedule")
    {
        Description = $"The path: {string.Join(", ", InterpolantSchedules.Names)}. [default: linear; from a mixture trigonometric]",
        HelpName = "NAME",
    };

    private readonly Option<string?> _network = new("--network")
    {
        Description = "A network that the program has added by FlowNetworks.Add. [default: a perceptron]",
        HelpName = "NAME",
    };

    private readonly Option<string> _coupling = CommandOptions.Word(
        "--coupling", "How base and data are paired: each on its own, by mini-batch optimal transport, or row by row. [default: independent]", "",
        [.. s_couplings.Select(c => c.Word)]);

    private readonly Option<string> _learn = CommandOptions.Word(
        "--learn", "The fields to learn; a second one gives the score that an SDE needs. [default: velocity]", "", [.. s_learned.Select(l => l.Word)]);

    private readonly Option<bool> _force = new("--force") { Description = "Replace the model and the run that are there already." };

    private FitCommand()
    {
        (_coupling.DefaultValueFactory, _learn.DefaultValueFactory) = (null, null);
        _schedule.CompletionSources.Add([.. InterpolantSchedules.Names]);
        _network.CompletionSources.Add([.. FlowNetworks.Names]);
    }

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var fit = new FitCommand();
        return RunCommand<FitProblem, FlowModel>.Create(new RunKind<FitProblem, FlowModel>
        {
            Kind = MethodKind.Fit,
            Description = "Learn a transport from a base to data, for generate, density and map.",
            DefaultMethod = "interpolant",
            Methods = () => MethodRegistry.Fits,
            Symbols = [fit._data, fit._base, fit._condition, fit._drop, fit._types, fit._layout, fit._schedule, fit._network,
                fit._coupling, fit._learn, fit._force],
            Replaces = parsed => parsed.GetValue(fit._force),
            Problem = fit.Problem,
            Report = Report,
            Closing = "model, record and course",
            Flags = fit.Flags,

            // Within the components of a mixture the trigonometric path keeps the law as it is, and leaves little to learn.
            Defaults = parsed => parsed.GetRequiredValue(fit._base) is "mixture" ? new JsonObject { ["schedule"] = "trigonometric" } : [],
            Examples =
            [
                ("monge fit data.csv --out m.safetensors", "learn the rows of a table"),
                ("monge fit data.csv --budget 2m --coupling ot", "two minutes, base and data paired by optimal transport"),
                ("monge fit digits.npz:train --condition label", "one model for all classes"),
                ("monge fit data.csv --base mixture", "from a mixture of the rows: for clusters and columns of few values"),
                ("monge fit after.npy --base before.npy --coupling ot", "a map from one table to another"),
                ("monge fit data.csv --schedule linear-latent --learn velocity+denoiser", "with a latent and the score, for SDEs"),
            ],
        });
    }

    private static FitResult Report(ParseResult parsed, string method, FitProblem problem, FlowModel model, Run run) => FitResult.Of(model, problem.Data, run);

    private StatedProblem<FitProblem> Problem(ParseResult parsed, int threads)
    {
        string[] conditions = parsed.GetValue(_condition) ?? [];
        var (file, start) = (parsed.GetRequiredValue(_data), parsed.GetRequiredValue(_base));
        var layout = parsed.GetValue(_layout);
        try
        {
            var stated = Stated(parsed.GetValue(_types) ?? []);
            var isTyped = CanHaveTypes(parsed, stated);
            var options = new DataTableOptions { LabelColumns = conditions, Drop = parsed.GetValue(_drop) ?? [], MinimumRows = 10, Words = isTyped };
            var table = GenerationFiles.Read(file, layout, options);
            var types = isTyped ? ColumnTypeRule.Find(table, stated, conditions) : null;
            if (types is { AnyDiscrete: true })
            {
                CheckConditions(table, conditions);
                (string, string)[] said = stated.Count == 0 ? [] : [("types", string.Join(',', parsed.GetValue(_types)!))];
                return new StatedProblem<FitProblem>(
                    new FitProblem(FlowData.From(table, types)), Path.GetFileNameWithoutExtension(file.Split(':')[0]),
                    [("data", file), ("base", start), .. said]);
            }

            var data = FlowData.From(table, conditions);
            data = start is "gaussian" ? data
                : start is "mixture" ? data.FromMixture()
                : data.FromBase(GenerationFiles.Read(start, layout, new DataTableOptions { MinimumRows = 10 }));
            return new StatedProblem<FitProblem>(new FitProblem(data), Path.GetFileNameWithoutExtension(file.Split(':')[0]), [("data", file), ("base", start)]);
        }
        catch (DataFormatException error) when (!error.Message.Contains("--drop", StringComparison.Ordinal)
            && ColumnNamed().Match(error.Message) is { Success: true } match)
        {
            var column = match.Groups[1].Value;
            throw CommandException.Failure(
                $"{error.Message.TrimEnd('.')}. (--drop '{column}' leaves the column out, --condition '{column}' learns the other columns given it, "
                + "--layout decimal-comma reads decimal commas.)");
        }
        catch (ArgumentException error)
        {
            throw CommandException.Usage(Failures.Explain(error).Message);
        }
    }

    private static Dictionary<string, StatedKind> Stated(IEnumerable<string> texts)
    {
        var stated = new Dictionary<string, StatedKind>(StringComparer.Ordinal);
        foreach (var (name, kind) in texts.SelectMany(StatedKind.Parse))
        {
            stated[name] = kind;
        }

        return stated;
    }

    // Types go with a Gaussian base and pairs drawn independently, and with the method that learns them; other fits take all columns as continuous.
    private bool CanHaveTypes(ParseResult parsed, Dictionary<string, StatedKind> stated)
    {
        var method = parsed.GetValue<string>("--method");
        var problem = parsed.GetRequiredValue(_base) != "gaussian" ? "from the base 'gaussian'"
            : parsed.GetValue(_coupling) is { Length: > 0 } and not "independent" ? "with the coupling 'independent'"
            : method != MethodRegistry.TypedFit ? $"by the method '{MethodRegistry.TypedFit}'" : null;
        return problem is null || (stated.Values.All(s => s.Kind == ColumnKind.Continuous) ? false
            : throw new ArgumentException($"Types of columns other than continuous are learned {problem}; leave --types out, or fit so."));
    }

    private static void CheckConditions(DataTable table, string[] conditions)
    {
        if (conditions.FirstOrDefault(name => !table.Order.Contains(name)) is { } missing)
        {
            throw new ArgumentException($"{table.Source} has no column '{missing}' to condition on; it has {string.Join(", ", table.Order)}.");
        }
    }

    private JsonObject Flags(ParseResult parsed)
    {
        JsonObject flags = [];
        if (parsed.GetValue(_schedule) is { } schedule)
        {
            flags["schedule"] = schedule;
        }

        if (parsed.GetValue(_network) is { } network)
        {
            flags["network"] = network;
        }

        if (parsed.GetValue(_coupling) is { Length: > 0 } coupling)
        {
            flags["coupling"] = Word(s_couplings.First(c => c.Word == coupling).Kind);
        }

        if (parsed.GetValue(_learn) is { Length: > 0 } learn)
        {
            flags["learn"] = Word(s_learned.First(l => l.Word == learn).Fields);
        }

        return flags;
    }

    [GeneratedRegex("column '(.+?)' (?:holds|is)")]
    private static partial Regex ColumnNamed();

    private static string Word<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}
