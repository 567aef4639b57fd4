using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Monge.Cli.Output;

/// <summary>JSON as the command line prints and writes it: numbers that are not finite become null, never text that a reader would choke on.</summary>
internal static class JsonOutput
{
    private static readonly JsonSerializerOptions s_line = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A number, or null when it is missing or not finite.</summary>
    public static JsonNode? Number(double? value) => value is { } v && double.IsFinite(v) ? JsonValue.Create(v) : null;

    /// <summary>An array of numbers.</summary>
    public static JsonArray? Numbers(IEnumerable<double>? values) => values is null ? null : new JsonArray([.. values.Select(v => Number(v))]);

    /// <summary>An array of texts.</summary>
    public static JsonArray Texts(IEnumerable<string> values) => new([.. values.Select(v => (JsonNode?)JsonValue.Create(v))]);

    /// <summary>One line.</summary>
    public static string Line(JsonNode node) => node.ToJsonString(s_line);

    /// <summary>Many lines, for a file that people read.</summary>
    public static string Indented(JsonNode node) => node.ToJsonString(s_indented) + "\n";
}
