using System.CommandLine;
using System.Globalization;
using Monge.Measures;
using Monge.Runs;

namespace Monge.Cli.Generation;

/// <summary>What the commands around models share of evolutions: the option of the time, and finding and reading them.</summary>
internal static class EvolutionFiles
{
    private const string AtName = "--at";

    /// <summary>The time of an evolution's law; null when not given.</summary>
    public static Option<double?> At() => new(AtName)
    {
        Description = "Of an evolution that `monge evolve` followed: the time of the law, also between its steps. [default: the last]",
        HelpName = "T",
        CustomParser = result =>
        {
            var text = result.Tokens[^1].Value;
            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value))
            {
                return value;
            }

            result.AddError($"{AtName} takes a time, not '{text}'.");
            return null;
        },
    };

    /// <summary>Reads the evolution of a model's file or its run's folder; null where that holds something else, or nothing.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="own">The evolution of the program that runs, if it brings one.</param>
    /// <param name="at">The time that was asked for.</param>
    /// <exception cref="CommandException">The evolution's problem is not known here, or a time was asked of a model that has none.</exception>
    public static IEvolution? TryLoad(string path, EvolutionProblem? own, double? at)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, RunSession.ModelName) : path;
        if (!File.Exists(file))
        {
            return null;
        }

        return EvolutionModel.TryLoad(file, name => Problem(name, path, own))
            ?? (at is null ? null : throw CommandException.Usage($"{AtName} is the time of an evolution's law, but '{path}' is no evolution; leave it out."));
    }

    /// <summary>The time to look at, which is told where it wasn't asked for.</summary>
    public static double Time(IEvolution evolution, double? at)
    {
        if (at is { } time)
        {
            return time;
        }

        Console.Error.WriteLine(FormattableString.Invariant($"monge: note: the law at the last time, t = {evolution.Times[^1]:g6}; {AtName} T takes another."));
        return evolution.Times[^1];
    }

    /// <summary>Asks an evolution about a time, which the user has to give otherwise where it is outside the run.</summary>
    /// <exception cref="CommandException">It is.</exception>
    public static T Within<T>(Func<T> answer)
    {
        try
        {
            return answer();
        }
        catch (ArgumentOutOfRangeException error)
        {
            throw CommandException.Usage(Failures.Explain(error).Message);
        }
    }

    /// <summary>The names of an evolution's coordinates.</summary>
    public static string[] Columns(IEvolution evolution) => [.. Enumerable.Range(0, evolution.Problem.Dimension).Select(i => $"x[{i}]")];

    /// <summary>Refuses options that say how a fitted transport carries rows.</summary>
    public static void Refuse(ParseResult parsed, params IEnumerable<Option> options)
    {
        if (options.FirstOrDefault(o => parsed.GetResult(o) is { Implicit: false }) is { } given)
        {
            throw CommandException.Usage($"{given.Name} is of models of `monge fit`; of an evolution the law stands at each time, which {AtName} takes.");
        }
    }

    private static EvolutionProblem Problem(string name, string path, EvolutionProblem? own)
    {
        if (own?.Name == name)
        {
            return own;
        }

        try
        {
            return EvolutionLibrary.Get(name);
        }
        catch (ArgumentException)
        {
            throw CommandException.Usage(
                $"'{path}' holds an evolution of '{name}', which is none of `monge problems`; read it by the program that brings it.");
        }
    }
}
