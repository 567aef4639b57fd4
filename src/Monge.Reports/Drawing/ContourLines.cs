using Monge.Runs;

namespace Monge.Reports.Drawing;

/// <summary>
/// Lines of equal height on a grid, as closed rings (marching squares): where a height goes on beyond the grid, the ring follows the grid's border.
/// </summary>
internal static class ContourLines
{
    // For each pattern of corners above the level (1, 2, 4, 8: lower left, lower right, upper right, upper left) the crossed edges (0 to 3: below, right,
    // above, left), from where to where, with the heights on the left.
    private static readonly (int From, int To)[][] s_crossings =
    [
        [], [(0, 3)], [(1, 0)], [(1, 3)], [(2, 1)], [(0, 3), (2, 1)], [(2, 0)], [(2, 3)],
        [(3, 2)], [(0, 2)], [(1, 0), (3, 2)], [(1, 2)], [(3, 1)], [(0, 1)], [(3, 0)], [],
    ];

    /// <summary>The rings at a level, divided by NaN; empty when the grid is nowhere above it.</summary>
    public static (double[] X, double[] Y) Rings(ContoursLayer layer, double level)
    {
        var (m, n) = (layer.X.Count, layer.Y.Count);
        if (m < 2 || n < 2 || layer.Values.Count != m * n)
        {
            return ([], []);
        }

        // A border below the level closes every ring.
        var width = m + 2;
        double Value(int i, int j) => i < 1 || j < 1 || i > m || j > n ? double.NegativeInfinity : layer.Values[((j - 1) * m) + i - 1];
        bool IsAbove(int i, int j) => Value(i, j) >= level;
        var next = new Dictionary<int, int>();
        for (var j = 0; j < n + 1; j++)
        {
            for (var i = 0; i < m + 1; i++)
            {
                var pattern = (IsAbove(i, j) ? 1 : 0) | (IsAbove(i + 1, j) ? 2 : 0) | (IsAbove(i + 1, j + 1) ? 4 : 0) | (IsAbove(i, j + 1) ? 8 : 0);
                int[] edges = [2 * ((j * width) + i), (2 * ((j * width) + i + 1)) + 1, 2 * (((j + 1) * width) + i), (2 * ((j * width) + i)) + 1];
                foreach (var (from, to) in s_crossings[pattern])
                {
                    next[edges[from]] = edges[to];
                }
            }
        }

        double At(IReadOnlyList<double> axis, int i) => axis[Math.Clamp(i - 1, 0, axis.Count - 1)];
        (double, double) Point(int edge)
        {
            var (i, j, upright) = (edge / 2 % width, edge / 2 / width, edge % 2);
            var (a, b) = (Value(i, j), Value(i + 1 - upright, j + upright));
            var share = double.IsFinite(a) && double.IsFinite(b) && a != b ? Math.Clamp((level - a) / (b - a), 0, 1) : 0.5;
            var (x, y) = (At(layer.X, i), At(layer.Y, j));
            return (x + (share * (At(layer.X, i + 1 - upright) - x)), y + (share * (At(layer.Y, j + upright) - y)));
        }

        var (xs, ys) = (new List<double>(), new List<double>());
        while (next.Count > 0)
        {
            var start = next.Keys.First();
            var edge = start;
            do
            {
                var (x, y) = Point(edge);
                xs.Add(x);
                ys.Add(y);
                next.Remove(edge, out edge);
            }
            while (edge != start);

            var (closingX, closingY) = Point(start);
            xs.AddRange([closingX, double.NaN]);
            ys.AddRange([closingY, double.NaN]);
        }

        return ([.. xs], [.. ys]);
    }
}
