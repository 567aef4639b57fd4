using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Monge.Cli.Output;

/// <summary>JSON as the command line prints and writes it.</summary>
internal static class JsonOutput
{
    private static readonly JsonSerializerOptions s_line = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One line.</summary>
    public static string Line(JsonNode node) => node.ToJsonString(s_line);

    /// <summary>Many lines, for a file that people read.</summary>
    public static string Indented(JsonNode node) => node.ToJsonString(s_indented) + "\n";
}
