using System.Globalization;

namespace Monge.Measures;

/// <summary>
/// The name of a target as it is written: the name proper and, after an @, settings, as in phi4-4x4@m2=-4.75,lambda=5.1. Settings left at their defaults are no
/// part of a target's own name, so a target has one name however it was asked for.
/// </summary>
internal sealed record TargetName(string Proper, IReadOnlyDictionary<string, double> Settings, string Kind = "target")
{
    /// <summary>Reads a name.</summary>
    /// <exception cref="ArgumentException">The settings aren't of the form name=number, or one is given twice.</exception>
    public static TargetName Parse(string text, string kind = "target")
    {
        var at = text.IndexOf('@', StringComparison.Ordinal);
        if (at < 0)
        {
            return new TargetName(text, new Dictionary<string, double>(), kind);
        }

        var settings = new Dictionary<string, double>();
        foreach (var part in text[(at + 1)..].Split(','))
        {
            string[] sides = part.Split('=', 2, StringSplitOptions.TrimEntries);
            if (sides.Length != 2 || !double.TryParse(sides[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value)
                || !settings.TryAdd(sides[0], value))
            {
                throw new ArgumentException(
                    $"The settings of the {kind} '{text}' can't be read at '{part}'; after the @ come settings once each as name=number, separated by commas.",
                    nameof(text));
            }
        }

        return new TargetName(text[..at], settings, kind);
    }

    /// <summary>The size that a family's name ends in: 7 of gaussian-7; null if this isn't a name of the family or doesn't end in a whole number.</summary>
    public int? Size(string family) =>
        Ending(family) is { } ending && int.TryParse(ending, NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : null;

    /// <summary>What follows the family's name and a hyphen; null if this isn't a name of the family.</summary>
    public string? Ending(string family) => Proper.StartsWith(family + "-", StringComparison.Ordinal) ? Proper[(family.Length + 1)..] : null;

    /// <summary>The settings in an order, with their defaults.</summary>
    /// <exception cref="ArgumentException">A setting is given that the target doesn't have.</exception>
    public double[] Values(params (string Name, double Default)[] known)
    {
        foreach (var given in Settings.Keys.Where(k => known.All(n => n.Name != k)))
        {
            throw new ArgumentException(
                $"The {Kind} '{Proper}' has no setting '{given}'"
                + (known.Length == 0 ? "; it takes none." : $"; it has {string.Join(" and ", known.Select(n => n.Name))}."), nameof(known));
        }

        return [.. known.Select(k => Settings.TryGetValue(k.Name, out var value) ? value : k.Default)];
    }

    /// <summary>The name with those of the settings that differ from their defaults.</summary>
    public static string Write(string proper, params (string Name, double Value, double Default)[] settings)
    {
        string[] changed = [.. settings.Where(s => s.Value != s.Default).Select(s => s.Name + "=" + s.Value.ToString("R", CultureInfo.InvariantCulture))];
        return changed.Length == 0 ? proper : $"{proper}@{string.Join(',', changed)}";
    }
}
