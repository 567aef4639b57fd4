using System.CommandLine;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Cli.Commands;

/// <summary><c>monge methods [NAME]</c>: lists the registry by kind of problem, or explains the options of one method.</summary>
internal static class MethodsCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var name = new Argument<string?>("name") { Description = "A method whose options are explained.", HelpName = "NAME", Arity = ArgumentArity.ZeroOrOne };
        name.CompletionSources.Add(_ => MethodRegistry.All.Select(m => m.Facts.Name));
        var json = CommandOptions.Json("an array of methods, each with its options and their defaults,");
        var command = new Command("methods",
            "List the methods by kind of problem: maturity, what they need and give, presets, papers; or explain one method's options.") { name, json };
        HelpExamples.Add(
            command, ("monge methods", "names, titles, papers"), ("monge methods pinn", "every option of one, with its default"),
            ("monge methods --json", "all of it for programs"));
        command.SetAction(parsed =>
        {
            var output = parsed.InvocationConfiguration.Output;
            var methods = Methods(parsed.GetValue(name));
            if (parsed.GetValue(json))
            {
                output.WriteLine(JsonOutput.Line(new JsonArray([.. methods.Select(Describe)])));
                return;
            }

            foreach (var kind in methods.GroupBy(m => m.Facts.Kind))
            {
                output.WriteLine($"{kind.Key.Title} (monge {kind.Key.Name})");
                foreach (var method in kind)
                {
                    Write(method, output);
                    if (parsed.GetValue(name) is not null)
                    {
                        WriteOptions(method, output);
                    }
                }
            }
        });
        return command;
    }

    private static IReadOnlyList<IMethodEntry> Methods(string? name)
    {
        IReadOnlyList<IMethodEntry> methods = name is null ? MethodRegistry.All : [.. MethodRegistry.All.Where(m => m.Facts.Name == name)];
        return methods.Count > 0 ? methods : throw CommandException.Usage(
            UnknownName.Sentence("method", name!, MethodRegistry.All.Select(m => m.Facts.Name), "monge methods"));
    }

    private static void Write(IMethodEntry method, TextWriter output)
    {
        var facts = method.Facts;
        output.WriteLine($"  {facts.Name}  {facts.Title} ({Words(facts.Maturity)})");
        output.WriteLine($"    {facts.Description}");
        output.WriteLine($"    needs: {Words(facts.Needs)}; gives: {Words(facts.Gives)}{(facts.Trains ? "" : "; nothing is trained")}");
        foreach (var (name, options) in method.Presets)
        {
            output.WriteLine($"    preset {name}: {options.ToJsonString()}");
        }

        foreach (var reference in facts.References)
        {
            output.WriteLine($"    {reference}");
        }
    }

    private static void WriteOptions(IMethodEntry method, TextWriter output)
    {
        var defaults = Defaults(method);
        output.WriteLine("    options:");
        foreach (var option in OptionHelp.Of(method.OptionsType))
        {
            output.WriteLine($"      {option.Name} ({option.Values}; default {defaults[option.Name]?.ToJsonString() ?? "null"})");
            output.WriteLine($"        {option.Help}");
        }
    }

    private static JsonObject Describe(IMethodEntry method)
    {
        var facts = method.Facts;
        return new JsonObject
        {
            ["kind"] = facts.Kind.Name,
            ["name"] = facts.Name,
            ["title"] = facts.Title,
            ["description"] = facts.Description,
            ["maturity"] = Words(facts.Maturity),
            ["needs"] = Words(facts.Needs),
            ["gives"] = Words(facts.Gives),
            ["trains"] = facts.Trains,
            ["references"] = ResultText.Json(facts.References),
            ["presets"] = new JsonObject(method.Presets.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value.DeepClone()))),
            ["options"] = Defaults(method),
            ["help"] = new JsonObject(OptionHelp.Of(method.OptionsType).Select(o => KeyValuePair.Create(o.Name, (JsonNode?)o.Help))),
        };
    }

    // Samplers resolve what depends on the target: shown for one of two dimensions.
    private static JsonObject Defaults(IMethodEntry method) => method is MethodEntry<SamplingProblem, SampleSet> sampler
        ? MethodOptions.ToJson(sampler.Bind(new SamplingProblem(TargetLibrary.Get("gmm9"), 2)).Options)
        : method.DefaultOptions.DeepClone().AsObject();

    private static string Words<T>(T value)
        where T : struct, Enum => string.Join(", ", value.ToString().Split(", ").Select(MethodOptions.NameOf));
}
