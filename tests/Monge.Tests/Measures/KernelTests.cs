using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public class KernelTests
{
    private static readonly Kernel[] s_kernels =
    [
        Kernel.Gaussian(1.3), Kernel.InverseMultiquadric(0.8), Kernel.Laplace(2), Kernel.Matern32(1.5), Kernel.Matern52(1.5),
        Kernel.Distance(), Kernel.Polynomial(2, 1),
    ];

    private static double[] Normal(int count, ulong seed)
    {
        var random = new RandomStream(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextNormal())];
    }

    [Fact]
    public void ValuesAreTheirFormulas()
    {
        double[] x = [1, 2], y = [4, 6];
        double[] wanted =
        [
            Math.Exp(-25 / (2 * 1.69)), 1 / Math.Sqrt(25.64), Math.Exp(-2.5), (1 + (Math.Sqrt(3) / 0.3)) * Math.Exp(-Math.Sqrt(3) / 0.3),
            (1 + (Math.Sqrt(5) / 0.3) + (5 / 0.27)) * Math.Exp(-Math.Sqrt(5) / 0.3), 5, 289,
        ];
        Assert.All(s_kernels.Zip(wanted), k => Assert.Equal(k.Second, k.First.Value(x, y), 1e-13 * (1 + k.Second)));
        Assert.Equal(s_kernels.Length, s_kernels.Select(k => k.Name).Distinct().Count());
    }

    [Fact]
    public void GradientsSumsAndMatricesAgreeWithValues()
    {
        const int d = 3;
        var (x, y, weights) = (Normal(5 * d, 1), Normal(7 * d, 2), Normal(7, 3));
        double[] Row(double[] points, int i) => points[(i * d)..((i + 1) * d)];
        foreach (var kernel in s_kernels)
        {
            var (sums, (values, gradients), matrix) = (kernel.Sums(x, y, d, weights), kernel.SumsWithGradients(x, y, d, weights), kernel.Matrix(x, y, d));
            for (var i = 0; i < 5; i++)
            {
                var wanted = Enumerable.Range(0, 7).Sum(j => weights[j] * kernel.Value(Row(x, i), Row(y, j)));
                Assert.Equal(wanted, sums[i], 12);
                Assert.Equal(wanted, values[i], 12);
                Assert.Equal(kernel.Value(Row(x, i), Row(y, 4)), matrix[(i * 7) + 4], 13);
                for (var k = 0; k < d; k++)
                {
                    Assert.Equal(Enumerable.Range(0, 7).Sum(j => weights[j] * kernel.Gradient(Row(x, i), Row(y, j))[k]), gradients[(i * d) + k], 12);
                    var (up, down) = (Row(x, i), Row(x, i));
                    (up[k], down[k]) = (up[k] + 1e-5, down[k] - 1e-5);
                    Assert.Equal((kernel.Value(up, Row(y, 0)) - kernel.Value(down, Row(y, 0))) / 2e-5, kernel.Gradient(Row(x, i), Row(y, 0))[k], 8);
                }
            }
        }
    }

    // Stein's identity: under the density whose score is given, u(x, .) has mean zero for every x.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void SteinSumsHaveMeanZeroUnderTheDensity(ulong seed)
    {
        const int n = 20_000;
        const int d = 2;
        var x = Normal(n * d, seed);
        (x[0], x[1]) = (0.7, -0.4);
        foreach (var kernel in s_kernels.Where(k => k.HasSteinKernel))
        {
            var mean = kernel.SteinSums(x, Array.ConvertAll(x, v => -v), d)[0] / (n - 1);
            Assert.InRange(mean, -0.05, 0.05);
        }

        Assert.Equal(["gaussian", "inverse-multiquadric"], s_kernels.Where(k => k.HasSteinKernel).Select(k => k.Name));
        Assert.Contains("no Stein kernel", Assert.Throws<InvalidOperationException>(() => Kernel.Laplace(1).SteinSums(x, x, d)).Message);
    }

    [Fact]
    public void UnusableLengthsAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Kernel.Gaussian(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Kernel.Matern32(double.PositiveInfinity));
        Assert.Throws<ArgumentOutOfRangeException>(() => Kernel.Polynomial(0, 1));
        Assert.Throws<ArgumentException>(() => Kernel.Gaussian(1).Sums([1, 2], [1, 2, 3], 2));
    }
}
