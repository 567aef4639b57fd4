using System.Numerics;
using Monge.Engine.Pairwise;

namespace Monge.Engine.Tests.Pairwise;

public sealed class NeuronKernelsTests
{
    private static readonly double[] s_products = [.. Enumerable.Range(0, 401).Select(k => (k - 200) / 200.0)];

    [Fact]
    public void The_arc_cosine_is_exact_to_a_few_ulps()
    {
        double[] more = [.. s_products, 1 - 1e-9, 1 - 1e-15, -1 + 1e-12, 0.5, Math.BitIncrement(0.5), 1e-9, -1e-300, 1.5, -2];
        foreach (var x in more)
        {
            var wanted = Math.Acos(Math.Clamp(x, -1, 1));
            Assert.Equal(wanted, VectorFunctions.Acos(new Vector<double>(x))[0], 4e-16 * Math.Max(wanted, 1e-8));
            var single = (float)x;
            Assert.Equal(Math.Acos(Math.Clamp((double)single, -1, 1)), VectorFunctions.Acos(new Vector<float>(single))[0], 6e-7);
        }

        Assert.True(double.IsNaN(VectorFunctions.Acos(new Vector<double>(double.NaN))[0]));
    }

    [Fact]
    public void Units_are_their_functions_with_their_slopes()
    {
        foreach (var q in new[] { -800, -30, -1.3, -1e-3, 1e-9, 0.4, 2.2, 45, 800 })
        {
            Check(default(ReluKernel<double>), q, Math.Max(q, 0), q > 0 ? 1 : 0);
            Check(default(TanhKernel<double>), q, Math.Tanh(q), 1 - Math.Pow(Math.Tanh(q), 2));
            var logistic = 1 / (1 + Math.Exp(-q));
            Check(default(SigmoidKernel<double>), q, logistic, logistic * (1 - logistic));
        }

        static void Check<TKernel>(TKernel kernel, double q, double value, double slope)
            where TKernel : struct, IPairKernel<double>
        {
            Assert.Equal(value, kernel.Value(new Vector<double>(q))[0], 1e-15);
            Assert.Equal(value, kernel.ValueAndSlope(new Vector<double>(q), out var found)[0], 1e-15);
            Assert.Equal(slope, found[0], 1e-15);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    public void The_arc_cosine_kernel_is_the_average_over_the_sphere(int d)
    {
        // By symmetry d times the average over directions is that in the plane of z and z', with E r^2 = 2 / d.
        var kernel = new ArcCosineKernel<double>(d);
        foreach (var q in s_products)
        {
            var angle = Math.Acos(q);
            var wanted = (Math.Sin(angle) + ((Math.PI - angle) * q)) / (2 * Math.PI * d);
            Assert.Equal(wanted, kernel.ValueAndSlope(new Vector<double>(q), out var slope)[0], 1e-15);
            Assert.Equal((Math.PI - angle) / (2 * Math.PI * d), slope[0], 1e-15);
        }

        const int n = 20000;
        var average = Enumerable.Range(0, n).Average(k => Math.Max(Math.Cos(2 * Math.PI * k / n), 0) * Math.Max(Math.Cos((2 * Math.PI * k / n) - 0.7), 0));
        Assert.Equal(average * 2 / d, kernel.Value(new Vector<double>(Math.Cos(0.7)))[0], 1e-8);
    }

    [Theory]
    [InlineData(2, 2.5)]
    [InlineData(5, 1)]
    [InlineData(25, 0.2)]
    [InlineData(3, 400)]
    public void The_spherical_gaussian_kernel_is_the_average_over_the_sphere(int d, double alpha)
    {
        // With s = alpha sqrt(d) |z + z'| the average of exp(s u - 2 alpha d), where u has the density (1 - u^2)^((d - 3) / 2): by u = cos a.
        const int n = 200_000;
        foreach (var cosine in new[] { -1, -0.4, 0, 0.8, 1 })
        {
            var s = alpha * d * Math.Sqrt(2 + (2 * cosine));
            var (sum, norm) = (0.0, 0.0);
            for (var k = 0; k < n; k++)
            {
                var a = Math.PI * (k + 0.5) / n;
                var weight = Math.Pow(Math.Sin(a), d - 2);
                sum += weight * Math.Exp((s * Math.Cos(a)) - (2 * alpha * d));
                norm += weight;
            }

            // In three dimensions u is uniform.
            var wanted = d == 3 && s > 0 ? Math.Exp(s - (2 * alpha * d)) * (1 - Math.Exp(-2 * s)) / (2 * s) : sum / norm;
            var kernel = new SphericalGaussianKernel<double>(d, alpha);
            var value = kernel.ValueAndSlope(new Vector<double>(d * cosine), out var slope)[0];
            Assert.Equal(wanted, value, (1e-9 * wanted) + 1e-300);
            if (cosine is > -1 and < 1)
            {
                var h = 1e-5 * d;
                var ahead = kernel.Value(new Vector<double>((d * cosine) + h))[0];
                var behind = kernel.Value(new Vector<double>((d * cosine) - h))[0];
                Assert.Equal((ahead - behind) / (2 * h), slope[0], (1e-4 * Math.Abs(slope[0])) + 1e-300);
            }
        }
    }
}
