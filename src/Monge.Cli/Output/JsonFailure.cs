using System.CommandLine;
using System.Text.Json.Nodes;

namespace Monge.Cli.Output;

/// <summary>A failure as JSON: who reads JSON finds on standard output what is told on standard error.</summary>
internal static class JsonFailure
{
    private const string Told = "told as JSON";

    /// <summary>Writes the object of a failure, once.</summary>
    /// <param name="output">Where to; null for nowhere.</param>
    /// <param name="problem">What names the problem.</param>
    /// <param name="error">The failure.</param>
    /// <param name="sentence">It in words.</param>
    public static void Write(TextWriter? output, IEnumerable<(string Name, string Value)> problem, Exception error, string sentence)
    {
        if (output is null || error.Data.Contains(Told))
        {
            return;
        }

        error.Data[Told] = true;
        output.WriteLine(JsonOutput.Line(new JsonObject(problem.Select(p => KeyValuePair.Create(p.Name, (JsonNode?)p.Value))) { ["status"] = sentence }));
    }

    /// <summary>Writes the object of a failure of a command line that asks for JSON, with the command's arguments by their names.</summary>
    /// <param name="parsed">The command line; null if it wasn't read.</param>
    /// <param name="args">Its words.</param>
    /// <param name="error">The failure.</param>
    /// <param name="sentence">It in words.</param>
    public static void Write(ParseResult? parsed, string[] args, Exception error, string sentence)
    {
        if (parsed is not null && args.Contains("--json"))
        {
            var arguments = parsed.CommandResult.Command.Arguments.Where(argument => parsed.GetResult(argument) is { Tokens.Count: 1 });
            Write(parsed.InvocationConfiguration.Output, arguments.Select(a => (a.Name, parsed.GetResult(a)!.Tokens[0].Value)), error, sentence);
        }
    }
}
