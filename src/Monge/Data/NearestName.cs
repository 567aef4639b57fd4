namespace Monge.Data;

/// <summary>Finds the name that was probably meant.</summary>
public static class NearestName
{
    /// <summary>The known name at the smallest edit distance, in either case of letters.</summary>
    /// <param name="name">The name as given.</param>
    /// <param name="known">All names.</param>
    /// <returns>The nearest within half the name's length; otherwise one that begins like it; null when there is none.</returns>
    public static string? Find(string name, IEnumerable<string> known)
    {
        var (best, distance) = ((string?)null, int.MaxValue);
        foreach (var candidate in known)
        {
            var d = EditDistance(name.ToLowerInvariant(), candidate.ToLowerInvariant());
            if (d < distance)
            {
                (best, distance) = (candidate, d);
            }
        }

        var allowed = Math.Max(2, name.Length / 2);
        return distance <= allowed ? best : known.FirstOrDefault(k => k.StartsWith(name, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Insertions, deletions, substitutions and swaps of neighbours that turn one text into the other (optimal string alignment).</summary>
    /// <param name="a">A text.</param>
    /// <param name="b">Another.</param>
    public static int EditDistance(string a, string b)
    {
        var table = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            table[i, 0] = i;
        }

        for (var j = 0; j <= b.Length; j++)
        {
            table[0, j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var substitution = table[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                var value = Math.Min(substitution, 1 + Math.Min(table[i - 1, j], table[i, j - 1]));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    value = Math.Min(value, table[i - 2, j - 2] + 1);
                }

                table[i, j] = value;
            }
        }

        return table[a.Length, b.Length];
    }
}
