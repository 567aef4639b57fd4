using System.CommandLine;
using System.Reflection;
using Monge.Cli.Bench;
using Monge.Cli.Commands;
using Monge.Cli.Generation;
using Monge.Cli.Output;
using Monge.Cli.Runs;
using Monge.Measures;

namespace Monge.Cli;

/// <summary>The command line of Monge, for its own executable and for programs that bring a density of their own.</summary>
public static class MongeCommand
{
    /// <summary>Runs the command line.</summary>
    /// <param name="args">The arguments, without the name of the program.</param>
    /// <returns>The exit code: 0 for success, 1 for a failure, 2 for a command line that can't be followed, 130 after Ctrl-C, 143 after SIGTERM.</returns>
    public static Task<int> RunAsync(string[] args) => RunWithAsync(args, null);

    /// <summary>
    /// Runs the command line of a program with a density of its own: <c>sample</c> draws from it unless another target is
    /// named, and all other commands are there too.
    /// </summary>
    /// <param name="args">The arguments, without the name of the program.</param>
    /// <param name="target">The density.</param>
    /// <returns>The exit code, as for <see cref="RunAsync(string[])"/>.</returns>
    public static Task<int> RunAsync(string[] args, Density target)
    {
        ArgumentNullException.ThrowIfNull(target);
        return RunWithAsync(args, target);
    }

    /// <summary>
    /// Runs the command line of a program with an evolution of its own: <c>evolve</c> follows it unless another problem is named, and all other commands are
    /// there too.
    /// </summary>
    /// <param name="args">The arguments, without the name of the program.</param>
    /// <param name="evolution">The evolution.</param>
    /// <returns>The exit code, as for <see cref="RunAsync(string[])"/>.</returns>
    public static Task<int> RunAsync(string[] args, EvolutionProblem evolution)
    {
        ArgumentNullException.ThrowIfNull(evolution);
        return RunWithAsync(args, null, evolution);
    }

    private static async Task<int> RunWithAsync(string[] args, Density? target, EvolutionProblem? evolution = null)
    {
        ArgumentNullException.ThrowIfNull(args);
        using var interruption = new Interruption();
        ParseResult? parsed = null;
        try
        {
            var root = CreateRoot(target, evolution);
            parsed = root.Parse(args);
            if (parsed.Errors.Count > 0 && !IsHelpAsked(parsed))
            {
                throw CommandException.Usage(UsageSentence(parsed));
            }

            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(configuration, interruption.Token);
        }
        catch (InterruptedException) when (interruption.ExitCode is { } code)
        {
            return code;
        }
        catch (OperationCanceledException) when (interruption.ExitCode is { } code)
        {
            Console.Error.WriteLine("monge: stopped; nothing was left half-written.");
            return code;
        }
        catch (Exception error)
        {
            var told = error as CommandException ?? Failures.Explain(error);
            JsonFailure.Write(parsed, args, error, told.Message);
            return Tell(told);
        }
    }

    /// <summary>The version that files and run records carry.</summary>
    internal static string Version { get; } =
        typeof(MongeCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    private static RootCommand CreateRoot(Density? own, EvolutionProblem? evolution)
    {
        var root = new RootCommand(own is not null ? $"Monge's command line for the density '{own.Name}'."
            : evolution is not null ? $"Monge's command line for the evolution '{evolution.Name}'."
            : "Monge moves probability measures: weighted samples, normalisers and densities along learned transports.")
        {
            SampleCommand.Create(own),
            DrawCommand.Create(own),
            CalibrateCommand.Create(),
            CheckCommand.Create(),
            FitCommand.Create(),
            TrainCommand.Create(),
            PredictCommand.Create(),
            GenerateCommand.Create(evolution),
            DensityCommand.Create(evolution),
            MapCommand.Create(),
            EvolveCommand.Create(evolution),
            TargetsCommand.Create(own),
            ProblemsCommand.Create(evolution),
            MethodsCommand.Create(),
            ShowCommand.Create(),
            ReportCommand.Create(),
            EvaluateCommand.Create(),
            ReproduceCommand.Create(),
            BenchCommand.Create(),
            CompletionCommand.Create(),
        };
        HelpExamples.Add(
            root,
            ("monge sample gmm9 --seed 1", "draw from nine Gaussians by learned transport"),
            ("monge sample eight-schools --out runs/schools", "a posterior on real data, kept in a folder of its own"),
            ("monge fit data.csv --out m.safetensors", "learn to generate the rows of a table"),
            ("monge evolve ou-2", "follow the law of a diffusion in time"),
            ("monge targets", "what can be sampled"),
            ("monge reproduce 01 --quick", "rerun published figures"),
            ("monge bench regression --batch 4096 --width 256", "time the engine"));
        HelpExamples.Install(root);
        return root;
    }

    private static bool IsHelpAsked(ParseResult parsed) => parsed.Action is { ClearsParseErrors: true } and not null
        && parsed.Tokens.Any(t => t.Value is "--help" or "-h" or "-?");

    private static string UsageSentence(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var help = command is RootCommand ? "monge --help" : $"monge {command.Name} --help";
        if (parsed.UnmatchedTokens is [var unknown, ..])
        {
            if (unknown.StartsWith('-'))
            {
                return UnknownName.Sentence("option", unknown, command.Options.Select(o => o.Name), help);
            }

            return command.Subcommands.Count > 0
                ? UnknownName.Sentence("command", unknown, command.Subcommands.Select(c => c.Name), help)
                : $"There is one argument too many, '{unknown}'; `{help}` shows what is accepted.";
        }

        var message = parsed.Errors[0].Message;
        return command.Subcommands.Count > 0 && parsed.Tokens.Count == 0
            ? $"A command is missing; `{help}` lists them."
            : message + (message.Contains('`') ? "" : $" `{help}` shows what is accepted.");
    }

    private static int Tell(CommandException told)
    {
        Console.Error.WriteLine($"monge: {told.Message}");
        return told.ExitCode;
    }
}
