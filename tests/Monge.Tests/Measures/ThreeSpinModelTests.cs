using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class ThreeSpinModelTests
{
    private static readonly StreamName s_stream = StreamName.Of("tests: three-spin model");

    [Fact]
    public void The_energy_is_a_cubic_whose_gradient_is_its_own()
    {
        const int d = 4;
        const double h = 1e-5;
        var model = new ThreeSpinModel(d, new RandomStream(1, s_stream));
        double[] point = [0.3, -1.2, 0.7, 2];
        var (value, gradient) = (new double[1], new double[d]);
        model.Values(point, value, gradient);

        // Euler: x . grad f = 3 f.
        Assert.Equal(3 * value[0], point.Zip(gradient, (x, g) => x * g).Sum(), 1e-12);
        for (var k = 0; k < d; k++)
        {
            var shifted = new double[2];
            var at = k;
            model.Values([.. point.Select((x, i) => x + (i == at ? h : 0)), .. point.Select((x, i) => x - (i == at ? h : 0))], shifted);
            Assert.Equal((shifted[0] - shifted[1]) / (2 * h), gradient[k], 1e-8);
        }
    }

    [Fact]
    public void Its_mean_square_and_its_linear_part_are_those_of_the_sphere()
    {
        const int d = 3, n = 200_000;
        var random = new RandomStream(2, s_stream);
        var model = new ThreeSpinModel(d, random);
        var (points, values) = (Sphere.Uniform(n, d, random, Math.Sqrt(d)), new double[n]);
        model.Values(points, values);
        AssertMean(model.MeanSquare, [.. values.Select(v => v * v)]);

        // f - f_1 is orthogonal to linear functions.
        AssertMean(0, [.. values.Select((v, a) => (v - model.LinearPart(points.AsSpan(a * d, d))) * points[a * d])]);

        static void AssertMean(double wanted, double[] found)
        {
            var mean = found.Average();
            Assert.Equal(wanted, mean, 4 * Math.Sqrt(found.Average(v => (v - mean) * (v - mean)) / found.Length));
        }
    }

    [Theory]
    [InlineData(0, 1e-3)]
    [InlineData(1, 0.7)]
    [InlineData(3, 5)]
    [InlineData(3, 900)]
    public void Averages_over_the_sphere_are_spherical_bessel_functions_in_three_dimensions(int degree, double s)
    {
        // exp(-s) times the mean over u in [-1, 1] of exp(s u) P_k(u), by Simpson's rule with u close to 1 resolved.
        const int n = 400_000;
        var sum = 0.0;
        for (var k = 0; k <= n; k++)
        {
            var u = -1 + (2.0 * k / n);
            var legendre = degree switch { 0 => 1, 1 => u, _ => 0.5 * u * ((5 * u * u) - 3) };
            sum += (k == 0 || k == n ? 1 : k % 2 == 1 ? 4 : 2) * Math.Exp(s * (u - 1)) * legendre / (3.0 * n);
        }

        Assert.Equal(sum, FunkHecke.ScaledCoefficient(degree, 3, s), 1e-9 * Math.Abs(sum));
    }
}
