using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Monge.Cli.Sampling;

/// <summary>What a run is: everything needed to repeat it.</summary>
/// <param name="Target">Name of the density.</param>
/// <param name="Method">Name of the method.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Samples">Number of samples to draw at the end.</param>
/// <param name="Options">The method's options as given, as JSON.</param>
/// <param name="CommandLine">The arguments.</param>
internal sealed record RunRequest(string Target, string Method, ulong Seed, int Samples, string Options, string CommandLine)
{
#pragma warning disable RS0030 // The record of a run says when it began.
    private readonly DateTimeOffset _started = DateTimeOffset.UtcNow;
#pragma warning restore RS0030

    /// <summary>What must be equal for a run to be the same: the number of samples may differ, since it doesn't touch training.</summary>
    public IEnumerable<(string Name, JsonNode Value)> Identity() =>
    [
        ("version", MongeCommand.Version),
        ("target", Target),
        ("method", Method),
        ("seed", Seed),
        ("options", IdentifyingOptions()),
    ];

    /// <summary>The record without its results.</summary>
    public JsonObject ToJson()
    {
        var node = new JsonObject { ["program"] = "monge" };
        foreach (var (name, value) in Identity())
        {
            node[name] = value;
        }

        node["samples"] = Samples;
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

    /// <summary>The options without the number of threads, on which no result depends.</summary>
    private JsonNode IdentifyingOptions()
    {
        var options = JsonNode.Parse(Options)!.AsObject();
        options.Remove("threads");
        return options;
    }
}
