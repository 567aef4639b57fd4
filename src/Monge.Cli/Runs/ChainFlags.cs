using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Cli.Runs;

/// <summary>The flags of methods that make chains, each an option of the method under another name.</summary>
internal sealed class ChainFlags
{
    private readonly (Option Flag, string Name, Func<ParseResult, JsonNode> Value)[] _flags;

    /// <summary>Makes the flags.</summary>
    public ChainFlags()
    {
        var chains = Given(CommandOptions.Integer("--chains", "Chains: how many, side by side.", 0, 1, 100_000));
        var warmUp = Given(CommandOptions.Integer("--warmup", "Chains: transitions that are thrown away while they adapt.", 0, 20, 1_000_000));
        var draws = Given(CommandOptions.Integer("--draws", "Chains: draws of each. [default: so many that all have --samples together]", 0, 4, 10_000_000));
        var depth = Given(CommandOptions.Integer("--max-depth", "Chains: a trajectory has 2 to this power steps at most.", 0, 1, 20));
        var metric = Given(CommandOptions.Word("--metric", "Chains: the covariance that momenta are fitted to.", "", "diag", "dense", "unit"));
        var acceptance = new Option<double>("--target-accept")
        {
            Description = "Chains: the mean acceptance to which the step size is adapted, between 0 and 1.",
            HelpName = "P",
            CustomParser = result =>
            {
                var text = result.Tokens[^1].Value;
                if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value is > 0 and < 1)
                {
                    return value;
                }

                result.AddError($"--target-accept takes a number between 0 and 1, not '{text}'.");
                return 0;
            },
        };
        _flags =
        [
            (chains, "chains", p => p.GetValue(chains)),
            (warmUp, "warmUp", p => p.GetValue(warmUp)),
            (draws, "draws", p => p.GetValue(draws)),
            (acceptance, "targetAcceptance", p => p.GetValue(acceptance)),
            (depth, "maximumDepth", p => p.GetValue(depth)),
            (metric, "metric", p => p.GetValue(metric) is "diag" ? "diagonal" : p.GetValue(metric)!),
        ];
    }

    /// <summary>The flags, to be added to a command.</summary>
    public IEnumerable<Option> Symbols => _flags.Select(f => f.Flag);

    /// <summary>Adds the options of the flags that were given.</summary>
    public void AddTo(JsonObject options, ParseResult parsed)
    {
        foreach (var (_, name, value) in _flags.Where(f => parsed.GetResult(f.Flag) is not null))
        {
            options[name] = value(parsed);
        }
    }

    /// <summary>Refuses flags of chains for methods that make none.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="methods">The methods that will run.</param>
    public void Check(ParseResult parsed, IEnumerable<MethodFacts> methods)
    {
        if (_flags.FirstOrDefault(f => parsed.GetResult(f.Flag) is not null).Flag is { } flag && methods.FirstOrDefault(m => !MakesChains(m)) is { } other)
        {
            var names = string.Join(", ", MethodRegistry.Samplers.Where(m => MakesChains(m.Facts)).Select(m => m.Facts.Name));
            throw CommandException.Usage($"{flag.Name} is for methods that make chains ({names}); {other.Name} makes none.");
        }

        foreach (var method in MethodRegistry.Samplers.Where(m => methods.Any(f => f.Name == m.Facts.Name)))
        {
            if (_flags.FirstOrDefault(f => parsed.GetResult(f.Flag) is not null && !method.DefaultOptions.ContainsKey(f.Name)).Flag is { } without)
            {
                throw CommandException.Usage($"{without.Name} isn't for {method.Facts.Name}; `monge methods {method.Facts.Name}` lists its options.");
            }
        }
    }

    /// <summary>Whether a method makes chains.</summary>
    public static bool MakesChains(MethodFacts facts) => facts.Gives.HasFlag(MethodGives.Chains);

    private static Option<T> Given<T>(Option<T> option)
    {
        option.DefaultValueFactory = null;
        return option;
    }
}
