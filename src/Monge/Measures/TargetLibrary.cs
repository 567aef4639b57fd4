using Monge.Measures.Targets;

namespace Monge.Measures;

/// <summary>The targets that come with the library, each with what is exactly known of it.</summary>
public static class TargetLibrary
{
    private static readonly TargetFamily[] s_families =
    [
        new("gaussian", 1, 10_000, d => Gaussians.Create(d)),
        new("many-well", 2, 1_024, d => Wells.ManyWell(d)),
        new("funnel", 2, 1_000, d => Curved.Funnel(d)),
    ];

    /// <summary>All targets by name; of a family with a size, the usual sizes.</summary>
    public static IReadOnlyList<TargetEntry> All { get; } =
    [
        new("gmm9", "nine Gaussians on the grid {-5, 0, 5}^2, variance 0.3", 2, GaussianMixtures.Gmm9),
        new("gmm40", "forty Gaussians with means in [-40, 40]^2", 2, GaussianMixtures.Gmm40),
        new("double-well", "one double well in one dimension, shifted", 1, Wells.DoubleWell),
        new("rings", "three concentric rings in the plane", 2, Rings.Create),
        new("banana", "a Gaussian bent along a parabola", 2, Curved.Banana),
        new("many-well-5", "five double wells (x^2 - 4)^2: 32 separated modes", 5, () => Wells.ManyWell(5)),
        new("many-well-32", "16 pairs of a double well and a Gaussian: 65536 modes; many-well-K for other even K", 32, () => Wells.ManyWell(32)),
        new("many-well-50", "five double wells (x^2 - 2)^2 and 45 Gaussians: 32 modes", 50, () => Wells.ManyWell(50)),
        new("funnel-10", "Neal's funnel; funnel-D for other dimensions", 10, () => Curved.Funnel(10)),
        new("gaussian-10", "a correlated Gaussian; gaussian-D for other dimensions", 10, () => Gaussians.Create(10)),
        new("eight-schools", "posterior: effects of coaching in eight schools", 10, EightSchools.Create),
        new("kidscore", "posterior: children's test scores, linear regression", 4, LinearRegression.KidScore),
        new("ionosphere", "posterior: logistic regression on radar returns, 351 rows", 35, LogisticRegression.Ionosphere),
        new("german-credit", "posterior: logistic regression on credit risk, 1000 rows", 25, LogisticRegression.GermanCredit),
    ];

    /// <summary>Makes a target by its name; names of families take any size, as in gaussian-7 or many-well-16.</summary>
    /// <exception cref="UnknownTargetException">There is no target of this name; the message suggests the nearest.</exception>
    public static Density Get(string name)
    {
        if (All.FirstOrDefault(e => e.Name == name) is { } entry)
        {
            return entry.Create();
        }

        return s_families.Select(f => f.TryCreate(name)).FirstOrDefault(d => d is not null) ?? throw new UnknownTargetException(name, [.. Nearest(name)]);
    }

    /// <summary>Names like an unknown one, nearest first by edit distance; empty if none is near.</summary>
    public static IEnumerable<string> Nearest(string unknown)
    {
        var limit = Math.Max(2, unknown.Length / 2);
        return All.Select(e => (e.Name, Distance: EditDistance(unknown.ToLowerInvariant(), e.Name)))
            .Where(p => p.Distance <= limit).OrderBy(p => p.Distance).Take(3).Select(p => p.Name);
    }

    // Levenshtein's distance: insertions, deletions and replacements, one row of the table at a time.
    private static int EditDistance(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, 1 + Math.Min(row[j], row[j - 1]));
            }
        }

        return row[^1];
    }
}

/// <summary>One target of the library.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">One line about it.</param>
/// <param name="Dimension">Number of unconstrained coordinates.</param>
/// <param name="Create">Makes it.</param>
public sealed record TargetEntry(string Name, string Description, int Dimension, Func<Density> Create);

/// <summary>Thrown for a target name that doesn't exist.</summary>
public sealed class UnknownTargetException : ArgumentException
{
    internal UnknownTargetException(string name, string[] nearest)
        : base($"There is no target '{name}'" + (nearest.Length == 0 ? "." : $"; did you mean {string.Join(" or ", nearest.Select(n => $"'{n}'"))}?"))
    {
        Nearest = nearest;
    }

    /// <summary>The nearest names that exist.</summary>
    public IReadOnlyList<string> Nearest { get; }
}

/// <summary>Targets whose name ends in their dimension.</summary>
internal sealed record TargetFamily(string Name, int Least, int Most, Func<int, Density> Create)
{
    public Density? TryCreate(string name)
    {
        if (!name.StartsWith(Name + "-", StringComparison.Ordinal) || !int.TryParse(name.AsSpan(Name.Length + 1), System.Globalization.NumberStyles.None, null, out var size))
        {
            return null;
        }

        return size >= Least && size <= Most
            ? Create(size)
            : throw new ArgumentException($"The target '{name}' doesn't exist: the size of {Name}-D must lie between {Least} and {Most}.", nameof(name));
    }
}
