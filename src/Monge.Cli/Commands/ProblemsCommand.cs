using System.CommandLine;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Cli.Commands;

/// <summary><c>monge problems</c>: lists the evolutions that can be followed by name.</summary>
internal static class ProblemsCommand
{
    /// <summary>Makes the command.</summary>
    /// <param name="own">The evolution of the program that runs, if it brings one.</param>
    public static Command Create(EvolutionProblem? own)
    {
        var json = CommandOptions.Json("an array of problems");
        var command = new Command("problems", "List the evolution problems by name, and what is exactly known of each.") { json };
        HelpExamples.Add(
            command,
            ("monge problems", "names, dimensions, what is exactly known, which methods apply, what they are"),
            ("monge problems --json", "the same for programs"));
        command.SetAction(result =>
        {
            var output = result.InvocationConfiguration.Output;
            EvolutionEntry[] entries =
                [.. own is null ? [] : new[] { new EvolutionEntry(own.Name, own.Description, own.Dimension, () => own) }, .. EvolutionLibrary.All];
            var problems = entries.Select(e => (Entry: e, Problem: e.Create())).ToArray();
            if (result.GetValue(json))
            {
                output.WriteLine(JsonOutput.Line(new JsonArray([.. problems.Select(p => Describe(p.Entry, p.Problem))])));
                return;
            }

            var width = problems.Max(p => p.Entry.Name.Length);
            foreach (var (entry, problem) in problems)
            {
                var methods = string.Join(", ", Methods(problem));
                output.WriteLine(
                    $"{entry.Name.PadRight(width)}  d = {entry.Dimension,-3}  exact: {Known(problem),-20}  {methods,-9}  {entry.Description}");
            }

            output.WriteLine();
            output.WriteLine("Any target of `monge targets` is a problem too, the descent to it: banana, many-well-5 (target-NAME where the name is taken).");
        });
        return command;
    }

    private static string Known(EvolutionProblem problem) => (problem.Facts.Law, problem.Facts.Stationary) switch
    {
        (not null, not null) => "law, invariant law",
        (not null, null) => "law",
        (null, not null) => "invariant law",
        _ => "nothing",
    };

    private static IEnumerable<string> Methods(EvolutionProblem problem) =>
        MethodRegistry.Evolutions.Where(m => m.AppliesTo(problem)).Select(m => m.Facts.Name);

    private static JsonObject Describe(EvolutionEntry entry, EvolutionProblem problem) => new()
    {
        ["name"] = entry.Name,
        ["dimension"] = entry.Dimension,
        ["description"] = entry.Description,
        ["domain"] = problem.Domain is WholeSpaceDomain ? "space" : problem.Domain is BoxDomain ? "box" : "torus",
        ["until"] = problem.Until,
        ["observations"] = problem.Observations.Count,
        ["gradient_flow"] = problem.Energy is not null,
        ["methods"] = ResultText.Json(Methods(problem)),
        ["exact_law"] = problem.Facts.Law is not null,
        ["exact_invariant_law"] = problem.Facts.Stationary is not null,
        ["source"] = problem.Facts.Source,
    };
}
