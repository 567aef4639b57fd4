using System.CommandLine;
using System.Text.Json.Nodes;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Cli.Runs;

/// <summary><c>monge evolve PROBLEM</c>: follows the law of a diffusion in time.</summary>
internal static class EvolveCommand
{
    /// <summary>Makes the command.</summary>
    /// <param name="own">The evolution of the program that runs, if it brings one.</param>
    public static Command Create(EvolutionProblem? own)
    {
        var name = new Argument<string?>("problem")
        {
            Description = own is null ? "The evolution, or a target as a potential; `monge problems` lists them." : $"The evolution. [default: {own.Name}]",
            HelpName = "PROBLEM",
            Arity = own is null ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne,
        };
        name.CompletionSources.Add(_ => EvolutionLibrary.All.Select(e => e.Name));
        var until = new Option<double?>("--until") { Description = "The time up to which the law is followed. [default: the problem's]", HelpName = "T" };
        var times = CommandOptions.Integer("--times", "Times that are told and written, evenly spread, the first and the last among them.", 11, 2, 10_000);
        var samples = CommandOptions.Integer("--samples", "Samples that are carried, told and written.", 10_000, 3, 10_000_000);
        samples.Aliases.Add("-n");

        StatedProblem<EvolutionProblem> Problem(ParseResult parsed, int threads)
        {
            try
            {
                var asked = parsed.GetValue(name);
                var problem = own is not null && (asked is null || asked == own.Name) ? own : EvolutionLibrary.Get(asked!);
                problem.Check();
                return new StatedProblem<EvolutionProblem>(problem, problem.Name, problem.Identity());
            }
            catch (ArgumentException error)
            {
                throw CommandException.Usage(Failures.Explain(error).Message);
            }
        }

        JsonObject Flags(ParseResult parsed) => parsed.GetValue(until) is not { } time ? []
            : time > 0 && double.IsFinite(time) ? new JsonObject { ["until"] = time }
            : throw CommandException.Usage(FormattableString.Invariant($"--until takes a time above 0, not {time}."));

        return RunCommand<EvolutionProblem, IEvolution>.Create(new RunKind<EvolutionProblem, IEvolution>
        {
            Kind = MethodKind.Evolve,
            Description = "Follow the law of a diffusion in time: samples, densities, entropy, free energy, a bound on the error, and evolution.svg.",
            DefaultMethod = JkoFlow.Name,
            TakesWhatApplies = true,
            Methods = () => MethodRegistry.Evolutions,
            Symbols = [name, until, times, samples],
            Problem = Problem,
            Report = (parsed, method, _, evolution, run) => EvolutionResult.Of(evolution, method, parsed.GetValue(samples), parsed.GetValue(times), run),
            Comparison = runs => (EvolutionComparison.Summary(runs), EvolutionComparison.ToJson(runs)),
            Closing = "positions, log densities, scores, model and record",
            Flags = Flags,
            Settings = parsed => new JsonObject { ["samples"] = parsed.GetValue(samples), ["times"] = parsed.GetValue(times) },
            Examples =
            [
                ("monge evolve ou-2", "an Ornstein-Uhlenbeck process to t = 1, beside its exact law"),
                ("monge evolve mixture-2 --until 2 --times 21", "a diffusion into a Gaussian mixture"),
                ("monge evolve ou-12 --preset paper --seed 1", "with the network and steps of the paper"),
                ("monge evolve ou-4 --compare jko,sbtm --budget 1m", "two methods side by side, a minute each"),
                ("monge evolve banana --until 5", "down -log of a target's density"),
                ("monge evolve ou-2 --resume", "go on after Ctrl-C or a crash"),
            ],
        });
    }
}
