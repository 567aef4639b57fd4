using System.CommandLine;
using System.Globalization;

namespace Monge.Cli;

/// <summary>Options whose values are checked while parsing, with a sentence that says what is accepted.</summary>
internal static class CommandOptions
{
    /// <summary>A whole number in a range.</summary>
    public static Option<int> Integer(
        string name, string description, int defaultValue, int minimum, int maximum = int.MaxValue, string helpName = "N") => new(name)
        {
            Description = description,
            HelpName = helpName,
            DefaultValueFactory = _ => defaultValue,
            CustomParser = result =>
            {
                var text = result.Tokens[^1].Value;
                if (int.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
                    && value >= minimum && value <= maximum)
                {
                    return value;
                }

                var range = maximum == int.MaxValue ? $"of at least {minimum}" : $"from {minimum} to {maximum}";
                result.AddError($"{name} takes a whole number {range}, not '{text}'.");
                return defaultValue;
            },
        };

    /// <summary>A seed of the random streams.</summary>
    public static Option<ulong> Seed() => new("--seed", "-s")
    {
        Description = "Seed of all random numbers: equal seeds give equal results, whatever the number of threads.",
        HelpName = "S",
        DefaultValueFactory = _ => 1UL,
        CustomParser = result =>
        {
            var text = result.Tokens[^1].Value;
            if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value))
            {
                return value;
            }

            result.AddError($"--seed takes a whole number from 0 to {ulong.MaxValue}, not '{text}'.");
            return 1;
        },
    };

    /// <summary>Threads; 0 is one for each processor.</summary>
    public static Option<int> Threads() => Integer(
        "--threads", "Threads; 0 is one for each processor. Results are the same to the bit for any number.", 0, 0, 1024, "T");

    /// <summary>A length of time such as 90s, 2m, 1.5h; null when not given.</summary>
    public static Option<TimeSpan?> Duration(string name, string description) => new(name, "-b")
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = result =>
        {
            var text = result.Tokens[^1].Value;
            if (ParseDuration(text) is not { } time)
            {
                result.AddError($"{name} takes a length of time such as 90s, 2m or 1.5h, not '{text}'.");
                return null;
            }

            if (time <= TimeSpan.Zero)
            {
                result.AddError($"{name} must be longer than zero; give a time such as 90s or 2m.");
            }

            return time;
        },
    };

    /// <summary>One of a few words.</summary>
    public static Option<string> Word(string name, string description, string defaultValue, params string[] words)
    {
        var option = new Option<string>(name)
        {
            Description = description,
            HelpName = string.Join('|', words),
            DefaultValueFactory = _ => defaultValue,
            CustomParser = result =>
            {
                var text = result.Tokens[^1].Value;
                if (!words.Contains(text))
                {
                    result.AddError($"{name} takes {string.Join(" or ", words)}, not '{text}'.");
                }

                return text;
            },
        };
        option.CompletionSources.Add(words);
        return option;
    }

    /// <summary>Whether to print JSON.</summary>
    public static Option<bool> Json(string what) => new("--json") { Description = $"Print {what} as JSON on standard output, and nothing else there." };

    /// <summary>A length of time written as a number and a unit (s, m, h; seconds when no unit is given), or null.</summary>
    internal static TimeSpan? ParseDuration(string text)
    {
        var (number, scale) = text switch
        {
            [.. var n, 's'] => (n, 1.0),
            [.. var n, 'm'] => (n, 60.0),
            [.. var n, 'h'] => (n, 3600.0),
            _ => (text, 1.0),
        };
        return double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value * scale < 1e8
            ? TimeSpan.FromSeconds(value * scale)
            : null;
    }
}
