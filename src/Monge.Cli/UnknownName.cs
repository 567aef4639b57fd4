using Monge.Data;

namespace Monge.Cli;

/// <summary>Sentences for names that are not known.</summary>
internal static class UnknownName
{
    /// <summary>The sentence for a name that is not known: what was asked for, the nearest known name if one is near, and where to see them all.</summary>
    /// <param name="kind">What the name names: "target", "method", ...</param>
    /// <param name="name">The name as given.</param>
    /// <param name="known">All names.</param>
    /// <param name="listing">The command that lists them.</param>
    public static string Sentence(string kind, string name, IEnumerable<string> known, string listing) =>
        NearestName.Find(name, known) is { } nearest
            ? $"There is no {kind} '{name}'; did you mean '{nearest}'? `{listing}` lists them all."
            : $"There is no {kind} '{name}'; `{listing}` lists them all.";
}
