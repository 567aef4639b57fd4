using System.Text.Json;
using System.Text.Json.Nodes;

namespace Monge.Runs;

/// <summary>What is wrong with options in JSON, in words of whoever wrote them.</summary>
internal static class OptionErrors
{
    private const int MostShown = 40;

    /// <summary>The sentence for options that couldn't be read.</summary>
    /// <param name="error">What the reader said.</param>
    /// <param name="json">The options.</param>
    /// <param name="options">The type of the option record.</param>
    public static string Sentence(JsonException error, string json, Type options)
    {
        JsonNode? node;
        try
        {
            node = JsonNode.Parse(json);
        }
        catch (JsonException syntax)
        {
            return FormattableString.Invariant(
                $"The options aren't JSON: line {syntax.LineNumber + 1}, character {syntax.BytePositionInLine + 1} can't be read.");
        }

        if (node is not JsonObject written)
        {
            return $"The options are {Held(node)}; write an object, for example {{}}.";
        }

        var properties = MethodOptions.Properties(options);
        var name = error.Path is ['$', '.', .. var path] ? path.Split('.', '[')[0] : "";
        if (properties.FirstOrDefault(p => p.Name == name) is { } property && written.TryGetPropertyValue(name, out var value))
        {
            return $"The option '{name}' holds {Held(value)} where {Wanted(property.PropertyType)} belongs.";
        }

        return written.Select(o => o.Key).FirstOrDefault(key => properties.All(p => p.Name != key)) is { } unknown
            ? $"There is no option '{unknown}'; there are {string.Join(", ", properties.Select(p => p.Name))}."
            : $"The options can't be read: {error.Message}";
    }

    /// <summary>What a value in JSON is, in words.</summary>
    public static string Held(JsonNode? value)
    {
        var text = value?.ToJsonString() ?? "null";
        var shown = text.Length > MostShown ? text[..MostShown] + "..." : text;
        return value?.GetValueKind() switch
        {
            null or JsonValueKind.Null => "null",
            JsonValueKind.String => $"the text {shown}",
            JsonValueKind.Number => $"the number {shown}",
            JsonValueKind.True or JsonValueKind.False => shown,
            JsonValueKind.Array => $"the list {shown}",
            _ => $"the object {shown}",
        };
    }

    private static string Wanted(Type type)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        var word = plain.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(plain).Select(MethodOptions.NameOf))}"
            : plain == typeof(bool) ? "true or false"
            : plain == typeof(TimeSpan) ? "a time such as \"00:02:00\""
            : plain == typeof(string) ? "a text"
            : plain == typeof(double) || plain == typeof(float) ? "a number"
            : plain.IsPrimitive ? "a whole number"
            : typeof(System.Collections.IEnumerable).IsAssignableFrom(plain) ? "a list" : "an object";
        return plain == type ? word : $"{word} or null";
    }
}
