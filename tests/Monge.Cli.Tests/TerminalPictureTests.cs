using Monge.Cli.Output;

namespace Monge.Cli.Tests;

public sealed class TerminalPictureTests
{
    [Fact]
    public void A_histogram_is_highest_where_the_weight_is()
    {
        // Two points; the right one has three times the weight, so only its column reaches the top row.
        var lines = TerminalPicture.Draw([-1.0, 1.0], [0.25, 0.75], ["x"], columns: 24, rows: 4)!.Split('\n');
        Assert.Single(lines[0].Trim());
        var right = lines[0].IndexOf('█');
        Assert.True(right > 12);
        var left = lines[3].IndexOf('█');
        Assert.InRange(left, 2, 12);
        Assert.Equal('█', lines[3][right]);
    }

    [Fact]
    public void Shades_of_density_keep_the_orientation_of_the_plane()
    {
        // One heavy point at the upper left and a light one at the lower right.
        var lines = TerminalPicture.Draw([-1.0, 2.0, 1.0, -2.0], [0.9, 0.1], ["a", "b"], columns: 20, rows: 8)!.Split('\n');
        var heavy = Array.FindIndex(lines, l => l.Contains('█'));
        var light = Array.FindLastIndex(lines, l => l.IndexOfAny(['░', '▒', '·']) >= 0);
        Assert.True(heavy < light);
        Assert.True(lines[heavy].IndexOf('█') < lines[light].IndexOfAny(['░', '▒', '·']));
    }

    [Theory]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(100)]
    [InlineData(300)]
    public void Pictures_fit_a_line_whatever_coordinates_are_called(int width)
    {
        double[] plane = [-1.0, 2.0, 1.0, -2.0, 0.0, 0.0];
        var names = new[] { "a coordinate with a very long name that fits no line of a narrow terminal", "another of them" };
        var pictures = TerminalPicture.Fitting(width, plane, [0.5, 0.25, 0.25], names) + TerminalPicture.Fitting(width, [1, 2], [0.5, 0.5], names[..1]);
        var lines = pictures.Split('\n');
        Assert.All(lines, line => Assert.True(line.Length <= width, line));
        Assert.True(lines.Max(line => line.Length) > width / 4);
    }

    [Fact]
    public void A_single_value_is_drawn_without_dividing_by_zero() =>
        Assert.Contains('█', TerminalPicture.Draw([3.0, 3.0], [0.5, 0.5], ["x"])!);

    [Fact]
    public void More_than_two_dimensions_have_no_picture() =>
        Assert.Null(TerminalPicture.Draw([1.0, 2.0, 3.0], [1.0], ["a", "b", "c"]));
}
