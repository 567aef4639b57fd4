using Monge.Cli.Output;
using Monge.Runs;

namespace Monge.Cli.Tests;

public sealed class TerminalStripTests
{
    private static readonly double[] s_grid = [.. Enumerable.Range(0, 41).Select(i => -2 + (0.1 * i))];

    [Theory]
    [InlineData(20)]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(300)]
    public void Strips_fit_a_line_whatever_coordinates_are_called(int width)
    {
        var lines = TerminalStrip.Fitting(width, [Curves(9), Planes(9)]).Split('\n');
        Assert.All(lines, line => Assert.True(line.Length <= width, line));
        Assert.Equal(2 * Math.Clamp(width / 20, 1, 6), lines.Sum(l => l.Split("t = ").Length - 1));
    }

    [Fact]
    public void Panels_show_where_the_law_is_at_each_time()
    {
        // It moves from the left to the right, in the plane also from below to above.
        var curve = TerminalStrip.Fitting(80, [Curves(2)]).Split('\n');
        Assert.Equal(["t = 0", "t = 1"], curve[0].Split("  ", StringSplitOptions.RemoveEmptyEntries).Select(t => t.Trim()));
        var panel = (curve[0].IndexOf("t = 1", StringComparison.Ordinal) + curve[0].IndexOf("t = 0", StringComparison.Ordinal) + 5) / 2;
        var first = curve[1].IndexOf('█');
        var last = curve[1].LastIndexOf('█');
        Assert.True(first >= 0 && first < panel / 2 && last > 3 * panel / 2, string.Join('\n', curve));

        var plane = TerminalStrip.Fitting(80, [Planes(2)]).Split('\n');
        var low = Array.FindIndex(plane, l => l[..Math.Min(panel, l.Length)].Contains('█'));
        var high = Array.FindIndex(plane, l => l.Length > panel && l[panel..].Contains('█'));
        Assert.True(low > high && high > 0, string.Join('\n', plane));
    }

    private static Picture Curves(int times) => new("law", "")
    {
        X = new PictureAxis("x[0]") { From = -2, To = 2 },
        Y = new PictureAxis("probability density") { From = 0, To = 1 },
        Frames = [.. Enumerable.Range(0, times).Select(k => new PictureFrame(
            $"t = {k}", [new LineLayer(s_grid, [.. s_grid.Select(x => Bump(x, k, times))])]))],
    };

    private static Picture Planes(int times) => new("law", "")
    {
        X = new PictureAxis("a coordinate with a very long name that fits no line of a narrow terminal") { From = -2, To = 2 },
        Y = new PictureAxis("another of them") { From = -2, To = 2 },
        EqualAxes = true,
        Frames = [.. Enumerable.Range(0, times).Select(k => new PictureFrame(
            $"t = {k}", [new ContoursLayer(s_grid, s_grid, [.. s_grid.SelectMany(y => s_grid.Select(x => Bump(x, k, times) * Bump(y, k, times)))], [0.5])]))],
    };

    private static double Bump(double x, int k, int times) => Math.Exp(-4 * Math.Pow(x + 1 - (2.0 * k / (times - 1)), 2));
}
