using System.Text.Json;
using System.Text.Json.Serialization;

namespace Monge.Methods;

/// <summary>How option records of all methods are read from JSON and written back: camel-case names, unknown names refused, times as "00:02:00".</summary>
public static class MethodOptions
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    /// <summary>Reads an option record.</summary>
    /// <exception cref="ArgumentException">The text is not JSON, or has an unknown name or a value of the wrong kind.</exception>
    public static TOptions Parse<TOptions>(string json)
        where TOptions : class
    {
        try
        {
            return JsonSerializer.Deserialize<TOptions>(json, s_json) ?? throw new ArgumentException("The options are 'null'; write an object, for example {}.", nameof(json));
        }
        catch (JsonException error)
        {
            throw new ArgumentException($"The options can't be read: {error.Message}", nameof(json), error);
        }
    }

    /// <summary>Writes an option record, every value included.</summary>
    public static string Format<TOptions>(TOptions options)
        where TOptions : class => JsonSerializer.Serialize(options, s_json);
}
