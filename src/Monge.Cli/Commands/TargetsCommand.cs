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
            List<TargetEntry> rows = [.. own is null ? [] : (TargetEntry[])[new(own.Name, own.Description, own.Dimension, () => own)], .. TargetLibrary.All];
            if (result.GetValue(json))
            {
                output.WriteLine(JsonOutput.Line(new JsonArray([.. rows.Select(Line)])));
                return;
            }

            var width = rows.Max(r => r.Name.Length);
            foreach (var row in rows)
            {
                output.WriteLine($"{row.Name.PadRight(width)}  d = {row.Dimension,-4}  {row.Description}");
            }
        });
        return command;
    }

    private static JsonObject Line(TargetEntry row)
    {
        var line = new JsonObject { ["name"] = row.Name, ["dimension"] = row.Dimension, ["description"] = row.Description };
        if (row.Model is { } model)
        {
            // What is known of lattices is computed at length, so references are told of models alone, which have them at hand.
            var facts = row.Create().Facts;
            line["posteriordb"] = model.PosteriorDbName;
            line["data"] = model.UsualData.Source;
            line["simulates"] = model.CanSimulate;
            line["observes"] = model.CanObserve;
            line["log_z"] = facts.LogZ;
            line["log_z_source"] = facts.LogZSource;
            line["moments_source"] = facts.Moments?.Source;
        }

        return line;
    }
}
