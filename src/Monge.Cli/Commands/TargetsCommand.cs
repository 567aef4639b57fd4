using System.CommandLine;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Measures;

namespace Monge.Cli.Commands;

/// <summary><c>monge targets</c>: lists the densities that can be sampled by name.</summary>
internal static class TargetsCommand
{
    /// <summary>Makes the command.</summary>
    /// <param name="own">The density of the program that runs, if it brings one.</param>
    public static Command Create(Density? own)
    {
        var json = CommandOptions.Json("an array of targets");
        var command = new Command("targets", "List the densities that can be sampled by name.") { json };
        HelpExamples.Add(command, ("monge targets", "names, dimensions and what they are"), ("monge targets --json", "the same for programs"));
        command.SetAction(result =>
        {
            var output = result.InvocationConfiguration.Output;
            List<(string Name, int Dimension, string Description)> rows = own is null ? [] : [(own.Name, own.Dimension, own.Description)];
            rows.AddRange(TargetLibrary.All.Select(t => (t.Name, t.Dimension, t.Description)));
            if (result.GetValue(json))
            {
                output.WriteLine(JsonOutput.Line(new JsonArray(
                    [.. rows.Select(r => new JsonObject { ["name"] = r.Name, ["dimension"] = r.Dimension, ["description"] = r.Description })])));
                return;
            }

            var width = rows.Max(r => r.Name.Length);
            foreach (var (name, dimension, description) in rows)
            {
                output.WriteLine($"{name.PadRight(width)}  d = {dimension,-4}  {description}");
            }
        });
        return command;
    }
}
