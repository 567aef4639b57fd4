using Monge.Reports.Drawing;
using Monge.Runs;

namespace Monge.Reports.Tests.Drawing;

public sealed class ContourLinesTests
{
    [Fact]
    public void Rings_of_a_cone_are_circles_of_their_radius()
    {
        var (x, y) = ContourLines.Rings(Grid((x, y) => 2 - double.Hypot(x, y)), 1.25);
        double[] radii = [.. x.Zip(y).Where(p => double.IsFinite(p.First)).Select(p => double.Hypot(p.First, p.Second))];
        Assert.True(radii.Length > 30);
        Assert.All(radii, r => Assert.Equal(0.75, r, 2e-2));
        Assert.Single(x, double.IsNaN);
        Assert.Equal(Math.PI * 0.75 * 0.75, Area(x, y), 2e-2);
    }

    [Fact]
    public void Two_hills_have_two_rings_and_a_hill_beyond_the_grid_is_closed_along_its_border()
    {
        Assert.Equal(2, ContourLines.Rings(Grid((x, y) => Math.Exp(-4 * (((Math.Abs(x) - 1) * (Math.Abs(x) - 1)) + (y * y)))), 0.5).X.Count(double.IsNaN));
        var (left, up) = ContourLines.Rings(Grid((x, _) => x), 0);
        Assert.Equal(8, Area(left, up), 1e-9);
        Assert.Empty(ContourLines.Rings(Grid((_, _) => 0), 1).X);
        Assert.Empty(ContourLines.Rings(Grid((_, _) => double.NaN), 1).X);
    }

    // The grid is [-2, 2] in both directions.
    private static ContoursLayer Grid(Func<double, double, double> height)
    {
        double[] axis = [.. Enumerable.Range(0, 41).Select(i => (i - 20) / 10.0)];
        return new ContoursLayer(axis, axis, [.. axis.SelectMany(y => axis.Select(x => height(x, y)))], []);
    }

    // The shoelace formula over rings; positive where heights lie on the left.
    private static double Area(double[] x, double[] y) =>
        Enumerable.Range(0, x.Length - 1).Where(i => double.IsFinite(x[i] + x[i + 1])).Sum(i => 0.5 * ((x[i] * y[i + 1]) - (x[i + 1] * y[i])));
}
