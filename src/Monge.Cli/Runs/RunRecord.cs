using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Monge.Cli.Runs;

/// <summary>What a run is: everything needed to repeat it.</summary>
/// <param name="Kind">The kind of problem, which is the command's name.</param>
/// <param name="Problem">What names the problem, such as its target: to be equal when the run is resumed.</param>
/// <param name="Method">Name of the method.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Options">The method's options as given, as JSON.</param>
/// <param name="CommandLine">The arguments.</param>
/// <param name="Settings">What else was asked for and doesn't touch the training, such as the number of samples.</param>
internal sealed record RunRecord(
    string Kind, IReadOnlyList<(string Name, string Value)> Problem, string Method, ulong Seed, JsonObject Options, string CommandLine, JsonObject Settings)
{
#pragma warning disable RS0030 // The record of a run says when it began.
    private readonly DateTimeOffset _started = DateTimeOffset.UtcNow;
#pragma warning restore RS0030

    /// <summary>What must be equal for a run to be the same.</summary>
    public IEnumerable<(string Name, JsonNode Value)> Identity() =>
    [
        ("version", MongeCommand.Version),
        ("kind", Kind),
        .. Problem.Select(p => (p.Name, (JsonNode)p.Value)),
        ("method", Method),
        ("seed", Seed),
        ("options", Options.DeepClone()),
    ];

    /// <summary>The record without its results.</summary>
    public JsonObject ToJson()
    {
        var node = new JsonObject { ["program"] = "monge" };
        foreach (var (name, value) in Identity())
        {
            node[name] = value;
        }

        foreach (var (name, value) in Settings)
        {
            node[name] = value?.DeepClone();
        }

        node["command"] = CommandLine;
        node["started"] = _started.ToString("O");
        node["machine"] = new JsonObject
        {
            ["processors"] = Environment.ProcessorCount,
            ["architecture"] = RuntimeInformation.ProcessArchitecture.ToString(),
            ["system"] = RuntimeInformation.OSDescription,
            ["runtime"] = RuntimeInformation.FrameworkDescription,
        };
        return node;
    }
}
