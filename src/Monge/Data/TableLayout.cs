namespace Monge.Data;

/// <summary>What is known of the layout of text tables; the rest is seen from their rows.</summary>
public sealed record TableLayout
{
    private const char Blanks = ' ';

    private static readonly (string Word, Func<TableLayout, TableLayout> Apply)[] s_words =
    [
        ("header", layout => layout with { HasNames = true }), ("no-header", layout => layout with { HasNames = false }),
        ("comma", layout => layout with { Separator = ',' }), ("semicolon", layout => layout with { Separator = ';' }),
        ("tab", layout => layout with { Separator = '\t' }), ("bar", layout => layout with { Separator = '|' }),
        ("colon", layout => layout with { Separator = ':' }),
        ("blanks", layout => layout with { Separator = Blanks }),
        ("decimal-comma", layout => layout with { DecimalComma = true }), ("decimal-point", layout => layout with { DecimalComma = false }),
    ];

    /// <summary>The words that <see cref="Parse"/> knows.</summary>
    public static IReadOnlyList<string> Words { get; } = [.. s_words.Select(w => w.Word)];

    /// <summary>Whether the first line holds the columns' names.</summary>
    public bool? HasNames { get; init; }

    /// <summary>The character between two fields; a blank for any run of blanks and tabs.</summary>
    public char? Separator { get; init; }

    /// <summary>Whether numbers have a decimal comma instead of a point.</summary>
    public bool? DecimalComma { get; init; }

    /// <summary>Reads a layout such as "no-header,semicolon,decimal-comma".</summary>
    /// <param name="text">Words of <see cref="Words"/>, separated by commas.</param>
    /// <exception cref="ArgumentException">A word is not known; the message lists them.</exception>
    public static TableLayout Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var layout = new TableLayout();
        foreach (var word in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var apply = Array.Find(s_words, w => w.Word == word).Apply
                ?? throw new ArgumentException($"A layout has no word '{word}'; it knows {string.Join(", ", Words)}.");
            layout = apply(layout);
        }

        return layout;
    }
}
