using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Monge.Runs;

/// <summary>
/// How option records of all methods are read from JSON and written back: camel-case names, unknown names refused, times as "00:02:00", the properties of an
/// <see cref="IOptionGroup"/> among those of the record that has it.
/// </summary>
public static class MethodOptions
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { Flatten } },
    };

    /// <summary>Reads an option record and checks it.</summary>
    /// <param name="json">An object; options that it lacks have their defaults.</param>
    /// <exception cref="ArgumentException">The text is not JSON, or has an unknown name, a value of the wrong kind or one out of range.</exception>
    public static TOptions Parse<TOptions>(string json)
        where TOptions : class
    {
        try
        {
            var options = JsonSerializer.Deserialize<TOptions>(json, s_json)
                ?? throw new ArgumentException("The options are 'null'; write an object, for example {}.", nameof(json));
            (options as IMethodOptions)?.Check();
            return options;
        }
        catch (JsonException error)
        {
            throw new ArgumentException(OptionErrors.Sentence(error, json, typeof(TOptions)), nameof(json), error);
        }
    }

    /// <summary>Writes an option record, every value included.</summary>
    public static string Format(object options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return JsonSerializer.Serialize(options, options.GetType(), s_json);
    }

    /// <summary>An option record as a JSON object, every value included.</summary>
    public static JsonObject ToJson(IMethodOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return JsonSerializer.SerializeToNode(options, options.GetType(), s_json)!.AsObject();
    }

    /// <summary>The options by which a record differs from its defaults, as a JSON object: what a preset says.</summary>
    /// <typeparam name="TOptions">The method's options.</typeparam>
    public static JsonObject Changes<TOptions>(TOptions options)
        where TOptions : class, IMethodOptions, new()
    {
        var (mine, defaults) = (ToJson(options), ToJson(new TOptions()));
        return new JsonObject(mine.Where(o => !JsonNode.DeepEquals(o.Value, defaults[o.Key])).Select(o => KeyValuePair.Create(o.Key, o.Value?.DeepClone())));
    }

    /// <summary>The name of a property in JSON.</summary>
    public static string NameOf(string property) => JsonNamingPolicy.CamelCase.ConvertName(property);

    /// <summary>The properties of an option record as JSON has them, those of its groups included, by their names there.</summary>
    internal static IReadOnlyList<JsonPropertyInfo> Properties(Type options) => [.. s_json.GetTypeInfo(options).Properties];

    private static void Flatten(JsonTypeInfo info)
    {
        for (var at = info.Properties.Count - 1; at >= 0; at--)
        {
            var group = info.Properties[at];
            if (!typeof(IOptionGroup).IsAssignableFrom(group.PropertyType))
            {
                continue;
            }

            info.Properties.RemoveAt(at);
            var inner = s_json.GetTypeInfo(group.PropertyType).Properties;
            for (var k = 0; k < inner.Count; k++)
            {
                var (property, place) = (inner[k], info.CreateJsonPropertyInfo(inner[k].PropertyType, inner[k].Name));
                place.Get = record => property.Get!(group.Get!(record)!);

                // The group is the one that the record made for itself, so no other record sees the change.
                place.Set = (record, value) => property.Set!(group.Get!(record)!, value);
                place.AttributeProvider = property.AttributeProvider;
                info.Properties.Insert(at + k, place);
            }
        }
    }
}
