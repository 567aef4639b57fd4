using System.CommandLine;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Cli.Commands;

/// <summary><c>monge methods</c>: lists the registry.</summary>
internal static class MethodsCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var json = CommandOptions.Json("an array of methods, each with its options and their defaults,");
        var command = new Command("methods", "List the methods, their maturity, presets and papers.") { json };
        HelpExamples.Add(command, ("monge methods", "names, titles, papers"), ("monge methods --json", "with all options and their defaults"));
        command.SetAction(result =>
        {
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(json))
            {
                output.WriteLine(JsonOutput.Line(new JsonArray([.. MethodRegistry.All.Select(Describe)])));
                return;
            }

            foreach (var method in MethodRegistry.All)
            {
                output.WriteLine($"{method.Name}  {method.Title} ({method.Maturity.ToString().ToLowerInvariant()})");
                output.WriteLine($"    {method.Description}");
                foreach (var (name, options) in method.Presets)
                {
                    output.WriteLine($"    preset {name}: {options}");
                }

                foreach (var reference in method.References)
                {
                    output.WriteLine($"    {reference}");
                }
            }
        });
        return command;
    }

    private static JsonObject Describe(MethodEntry method)
    {
        var presets = new JsonObject();
        foreach (var (name, options) in method.Presets)
        {
            presets[name] = JsonNode.Parse(options);
        }

        return new JsonObject
        {
            ["name"] = method.Name,
            ["title"] = method.Title,
            ["description"] = method.Description,
            ["maturity"] = method.Maturity.ToString().ToLowerInvariant(),
            ["references"] = JsonOutput.Texts(method.References),
            ["presets"] = presets,
            ["options"] = JsonNode.Parse(method.Create(TargetLibrary.Get("gmm9"), new MethodSettings()).Options),
        };
    }
}
