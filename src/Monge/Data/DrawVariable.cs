using System.Globalization;

namespace Monge.Data;

/// <summary>Coordinates that belong together by their names: theta[0], theta[1], ... are one variable of shape [2], and mu is one without axes.</summary>
/// <param name="Name">The name without indices.</param>
/// <param name="Shape">Sizes of the axes; empty for a single coordinate.</param>
/// <param name="Columns">The coordinates in row-major order of the indices.</param>
internal sealed record DrawVariable(string Name, IReadOnlyList<int> Shape, IReadOnlyList<int> Columns)
{
    /// <summary>
    /// The variables of coordinates, in the order of their first ones. Indices count from 0 or from 1 and fill a block; coordinates that don't are variables of
    /// their own under their whole names.
    /// </summary>
    /// <param name="names">Names [d] of the coordinates, all different.</param>
    public static IReadOnlyList<DrawVariable> Of(IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        var parts = names.Select((name, column) => (Parts: Split(name), Column: column)).ToArray();
        var whole = names.ToHashSet(StringComparer.Ordinal);
        List<DrawVariable> variables = [];
        foreach (var group in parts.GroupBy(p => (p.Parts.Name, Axes: p.Parts.Indices.Length)))
        {
            var (name, axes) = group.Key;
            var clashes = whole.Contains(name) || parts.Any(p => p.Parts.Name == name && p.Parts.Indices.Length != axes);
            if (axes > 0 && !clashes && Block(name, [.. group.Select(p => (p.Parts.Indices, p.Column))]) is { } block)
            {
                variables.Add(block);
            }
            else
            {
                variables.AddRange(group.Select(p => new DrawVariable(names[p.Column], [], [p.Column])));
            }
        }

        return [.. variables.OrderBy(v => v.Columns.Min())];
    }

    /// <summary>The values [n, ...] of the variable.</summary>
    /// <param name="values">Values [n, d] of all coordinates, row-major.</param>
    /// <param name="dimension">The number d of coordinates.</param>
    public double[] Take(double[] values, int dimension)
    {
        ArgumentNullException.ThrowIfNull(values);
        var (rows, size) = (values.Length / dimension, Columns.Count);
        var taken = new double[rows * size];
        for (var i = 0; i < rows; i++)
        {
            for (var k = 0; k < size; k++)
            {
                taken[(i * size) + k] = values[(i * dimension) + Columns[k]];
            }
        }

        return taken;
    }

    private static (string Name, int[] Indices) Split(string name)
    {
        var open = name.IndexOf('[');
        if (open < 1 || !name.EndsWith(']'))
        {
            return (name, []);
        }

        var texts = name[(open + 1)..^1].Split(',');
        var indices = new int[texts.Length];
        for (var axis = 0; axis < texts.Length; axis++)
        {
            if (!int.TryParse(texts[axis], NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out indices[axis]))
            {
                return (name, []);
            }
        }

        return (name[..open], indices);
    }

    // The coordinates in row-major order when their indices fill a block that begins at 0 or at 1, each once.
    private static DrawVariable? Block(string name, (int[] Indices, int Column)[] members)
    {
        var axes = members[0].Indices.Length;
        var (first, shape) = (new int[axes], new int[axes]);
        for (var axis = 0; axis < axes; axis++)
        {
            first[axis] = members.Min(m => m.Indices[axis]);
            shape[axis] = members.Max(m => m.Indices[axis]) - first[axis] + 1;
        }

        var columns = new int[members.Length];
        System.Array.Fill(columns, -1);
        if (first.Any(f => f > 1) || shape.Aggregate(1L, (product, size) => product * size) != members.Length)
        {
            return null;
        }

        foreach (var (indices, column) in members)
        {
            var place = 0;
            for (var axis = 0; axis < axes; axis++)
            {
                place = (place * shape[axis]) + indices[axis] - first[axis];
            }

            columns[place] = column;
        }

        return columns.Contains(-1) ? null : new DrawVariable(name, shape, columns);
    }
}
