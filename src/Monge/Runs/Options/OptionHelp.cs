using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Monge.Runs;

/// <summary>What an option means, from the doc comment of its property.</summary>
/// <param name="Name">The option's name in JSON.</param>
/// <param name="Values">What it takes, such as "whole number" or the words of a choice.</param>
/// <param name="Help">The doc comment's summary; empty where the assembly's documentation file is not beside it.</param>
public sealed partial record OptionHelp(string Name, string Values, string Help)
{
    private static readonly Dictionary<Assembly, IReadOnlyDictionary<string, XElement>> s_documents = [];

    /// <summary>The help of all options of a record, those of its groups included.</summary>
    /// <param name="options">The record's type.</param>
    public static IReadOnlyList<OptionHelp> Of(Type options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return [.. MethodOptions.Properties(options).Select(p => new OptionHelp(p.Name, Words(p.PropertyType), Summary(p.AttributeProvider as MemberInfo)))];
    }

    private static string Words(Type type)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain.IsEnum ? string.Join(", ", Enum.GetNames(plain).Select(MethodOptions.NameOf))
            : plain == typeof(bool) ? "true, false"
            : plain == typeof(TimeSpan) ? "time as 00:02:00"
            : plain == typeof(string) ? "word"
            : plain == typeof(double) ? "number"
            : "whole number";
    }

    private static string Summary(MemberInfo? property)
    {
        if (property?.DeclaringType is not { } type || !Document(type.Assembly).TryGetValue($"P:{type.FullName}.{property.Name}", out var member))
        {
            return "";
        }

        foreach (var reference in member.Descendants("see").ToList())
        {
            var name = ((string?)reference.Attribute("cref") ?? "").Split('.', ':')[^1];
            reference.ReplaceWith(MethodOptions.NameOf(name));
        }

        return Spaces().Replace(member.Element("summary")?.Value ?? "", " ").Trim();
    }

    private static IReadOnlyDictionary<string, XElement> Document(Assembly assembly)
    {
        lock (s_documents)
        {
            if (!s_documents.TryGetValue(assembly, out var members))
            {
                var file = Path.ChangeExtension(assembly.Location, ".xml");
                members = File.Exists(file) ? XDocument.Load(file).Descendants("member").ToDictionary(
                    m => (string)m.Attribute("name")!) : new Dictionary<string, XElement>();
                s_documents.Add(assembly, members);
            }

            return members;
        }
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
