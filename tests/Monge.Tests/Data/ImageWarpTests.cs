using Monge.Data;
using Monge.Engine.Random;

namespace Monge.Tests.Data;

public sealed class ImageWarpTests
{
    private static readonly StreamName s_stream = StreamName.Of("tests: image warps");

    [Fact]
    public void A_quarter_turn_permutes_pixels()
    {
        double[] image = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        double[] wanted = [3, 6, 9, 2, 5, 8, 1, 4, 7];
        Assert.All(ImageWarp.Rotate(image, 3, -90).Zip(wanted), pair => Assert.Equal(pair.Second, pair.First, 1e-12));
        Assert.All(ImageWarp.Rotate(ImageWarp.Rotate(image, 3, 90), 3, -90).Zip(image), pair => Assert.Equal(pair.Second, pair.First, 1e-12));
        Assert.Equal(image, ImageWarp.Rotate(image, 3, 0));
    }

    [Fact]
    public void A_linear_image_is_displaced_exactly_inside()
    {
        const int side = 5;
        double[] image = [.. Enumerable.Range(0, side * side).Select(k => (2.0 * (k / side)) - (k % side))];
        double[] field = [.. Enumerable.Range(0, side * side).SelectMany(_ => new[] { 0.25, -0.5 })];
        var moved = ImageWarp.Deform(image, side, field);
        Assert.Equal(image[12] + 0.5 + 0.5, moved[12], 1e-12);
        Assert.Contains("aren't of 4 x 4", Assert.Throws<ArgumentException>(() => ImageWarp.Deform(image, 4, field)).Message);
    }

    [Fact]
    public void Smooth_fields_have_the_size_that_was_asked()
    {
        const int side = 8, draws = 4000;
        var random = new RandomStream(1, s_stream);
        double[] squares = [.. Enumerable.Range(0, draws).Select(_ => 2 * ImageWarp.SmoothField(side, 3, 0.4, random).Average(v => v * v))];
        var mean = squares.Average();
        Assert.Equal(0.16, mean, 4 * Math.Sqrt(squares.Average(s => (s - mean) * (s - mean)) / draws));
    }
}
