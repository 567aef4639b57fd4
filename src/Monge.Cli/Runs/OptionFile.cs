using System.Text.Json;
using System.Text.Json.Nodes;
using Monge.Runs;

namespace Monge.Cli.Runs;

/// <summary>Options of methods as JSON, from files and elsewhere.</summary>
internal static class OptionFile
{
    /// <summary>Reads a file of options.</summary>
    /// <exception cref="CommandException">There is no such file, or it isn't a JSON object.</exception>
    public static JsonObject Read(FileInfo file)
    {
        if (!file.Exists)
        {
            throw CommandException.Usage($"There is no file '{file.FullName}' for --options.");
        }

        try
        {
            return JsonNode.Parse(File.ReadAllText(file.FullName)) as JsonObject
                ?? throw CommandException.Usage($"'{file.Name}' isn't a JSON object of options; write them in braces, as in {{ \"iterations\": 500 }}.");
        }
        catch (JsonException error)
        {
            throw CommandException.Usage(FormattableString.Invariant(
                $"'{file.Name}' isn't JSON: line {error.LineNumber + 1}, character {error.BytePositionInLine + 1} can't be read."));
        }
        catch (ArgumentException)
        {
            throw CommandException.Usage($"'{file.Name}' has an option twice.");
        }
    }

    /// <summary>Those of a method among the options of a file, which may hold an object for each of several methods that are compared.</summary>
    /// <param name="given">The file's options.</param>
    /// <param name="method">The method.</param>
    /// <param name="compared">The methods that are compared; empty for none.</param>
    /// <exception cref="CommandException">There are objects for methods, and something else beside them.</exception>
    public static JsonObject Of(JsonObject given, string method, IReadOnlyList<string> compared)
    {
        if (!given.Any(o => compared.Contains(o.Key)))
        {
            return given;
        }

        return given.Select(o => o.Key).FirstOrDefault(name => !compared.Contains(name) || given[name] is not JsonObject) is { } other
            ? throw CommandException.Usage(
                $"The options of a comparison are either those of all methods or an object for each ({string.Join(", ", compared)}); '{other}' is neither.")
            : given[method] as JsonObject ?? [];
    }

    /// <summary>Puts options over others.</summary>
    public static void Merge(JsonObject options, JsonObject over)
    {
        foreach (var (name, value) in over)
        {
            options[name] = value?.DeepClone();
        }
    }

    /// <summary>Refuses options that a method doesn't have.</summary>
    /// <exception cref="CommandException">It has no option of some name; the sentence says the nearest.</exception>
    public static void CheckNames(JsonObject options, IMethodEntry entry)
    {
        if (options.Select(o => o.Key).FirstOrDefault(name => !entry.DefaultOptions.ContainsKey(name)) is { } unknown)
        {
            throw CommandException.Usage(
                UnknownName.Sentence($"option of {entry.Facts.Name}", unknown, entry.DefaultOptions.Select(o => o.Key), $"monge methods {entry.Facts.Name}"));
        }
    }
}
