using Monge.Measures;

namespace Monge.Runs;

/// <summary>The exact density of a target on a grid, as pictures lay it under samples.</summary>
internal static class DensityContours
{
    private const int Side = 101;
    private static readonly double[] s_shares = [0.95, 0.8, 0.6, 0.4, 0.2];

    /// <summary>Contours of a density in the plane: each holds a share of the mass on the grid, the highest places first.</summary>
    /// <param name="target">A density with two unconstrained coordinates.</param>
    /// <param name="x">The range across.</param>
    /// <param name="y">The range up.</param>
    /// <returns>The contours of exp(log density - its largest value); null where the density is nowhere positive.</returns>
    public static ContoursLayer? Plane(Density target, (double Low, double High) x, (double Low, double High) y)
    {
        double[] across = Grid(x), up = Grid(y);
        var positions = new double[2 * Side * Side];
        for (var i = 0; i < Side * Side; i++)
        {
            (positions[2 * i], positions[(2 * i) + 1]) = (across[i % Side], up[i / Side]);
        }

        var values = target.LogDensityAt(positions);
        var largest = values.Where(double.IsFinite).DefaultIfEmpty(double.NaN).Max();
        if (double.IsNaN(largest))
        {
            return null;
        }

        double[] heights = Array.ConvertAll(values, v => double.IsNaN(v) ? 0 : Math.Min(1, Math.Exp(v - largest)));
        double[] sorted = [.. heights.OrderDescending()];
        var total = sorted.Sum();
        var (levels, sum, at) = (new List<double>(), 0.0, 0);
        foreach (var share in s_shares.Order())
        {
            while (at < sorted.Length - 1 && sum + sorted[at] < share * total)
            {
                sum += sorted[at++];
            }

            levels.Add(sorted[at]);
        }

        return new ContoursLayer(across, up, heights, [.. levels.Distinct().Order()])
        {
            Name = "exact density: 20, 40, 60, 80, 95 % of the mass",
            Tone = PictureTone.Exact,
        };
    }

    /// <summary>The density of one coordinate, normalised by its exact normaliser, or by quadrature over the range where that isn't known.</summary>
    public static LineLayer Line(Density target, (double Low, double High) x)
    {
        double[] across = [.. Enumerable.Range(0, 4 * Side).Select(i => x.Low + (i * (x.High - x.Low) / ((4 * Side) - 1)))];
        var values = target.LogDensityAt(across);
        var logZ = target.Facts.LogZ ?? Math.Log(values.Sum(v => Math.Exp(v - values.Max())) * (across[1] - across[0])) + values.Max();
        return new LineLayer(across, Array.ConvertAll(values, v => Math.Exp(v - logZ))) { Name = "exact density", Tone = PictureTone.Exact };
    }

    private static double[] Grid((double Low, double High) range) =>
        [.. Enumerable.Range(0, Side).Select(i => range.Low + (i * (range.High - range.Low) / (Side - 1)))];
}
