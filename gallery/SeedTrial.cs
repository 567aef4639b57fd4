using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Monge.Data;

namespace Monge.Gallery;

/// <summary>What an experiment gave at one seed, as a folder remembers it so that a long run over seeds goes on where it ended.</summary>
/// <param name="Version">The version that measured it.</param>
/// <param name="Figures">The figures' names.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Values">A value for each figure.</param>
/// <param name="Seconds">Wall time.</param>
/// <param name="Notes">The lines of the report.</param>
internal sealed record SeedTrial(
    string Version, IReadOnlyList<string> Figures, ulong Seed, IReadOnlyList<double> Values, double Seconds, IReadOnlyList<string> Notes)
{
    private static readonly JsonSerializerOptions s_options = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        WriteIndented = true,
    };

    /// <summary>Today's version, with its commit.</summary>
    public static string Today { get; } = typeof(SeedTrial).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    /// <summary>The file of a seed.</summary>
    public static string Path(string folder, string system, string experiment, ulong seed) =>
        System.IO.Path.Combine(folder, "seeds", FormattableString.Invariant($"{system}-{experiment}-seed{seed}.json"));

    /// <summary>What a file remembers of these figures, by this version; null where there is none such.</summary>
    public static SeedTrial? Read(string path, IReadOnlyList<string> figures)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var trial = JsonSerializer.Deserialize<SeedTrial>(File.ReadAllText(path), s_options);
            return trial is not null && trial.Version == Today && trial.Figures.SequenceEqual(figures) && trial.Values.Count == figures.Count ? trial : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes it; the file appears complete or not at all.</summary>
    public void Write(string path)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        AtomicFile.WriteText(path, JsonSerializer.Serialize(this, s_options));
    }
}
