using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class SphereTests
{
    private static readonly StreamName s_stream = StreamName.Of("tests: spheres");

    [Fact]
    public void Points_lie_on_the_sphere_with_the_moments_of_the_uniform_law()
    {
        const int n = 100_000, d = 4;
        var points = Sphere.Uniform(n, d, new RandomStream(1, s_stream), 3);
        double[] first = [.. Enumerable.Range(0, n).Select(a => points[a * d])];
        for (var a = 0; a < 100; a++)
        {
            Assert.Equal(3, Math.Sqrt(HostVectors.Dot(points.AsSpan(a * d, d), points.AsSpan(a * d, d))), 1e-14);
        }

        // E x^2 = r^2 / d and E x^4 = 3 r^4 / (d (d + 2)).
        Assert.Equal(0, first.Average(), 4 * Math.Sqrt(9.0 / d / n));
        Assert.Equal(9.0 / d, first.Average(x => x * x), 4 * Math.Sqrt(((3.0 * 81 / (d * (d + 2))) - (81.0 / (d * d))) / n));
    }

    [Fact]
    public void A_projection_is_a_tangent()
    {
        double[] point = [0.3, -2, 1], vector = [1, 2, 3];
        Sphere.Project(point, vector);
        Assert.Equal(0, HostVectors.Dot(point, vector), 1e-14);
        Assert.Throws<ArgumentOutOfRangeException>(() => Sphere.Uniform(new RandomStream(1, s_stream), new double[2], 0));
    }
}
