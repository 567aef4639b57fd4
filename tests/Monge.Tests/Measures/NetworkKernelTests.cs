using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class NetworkKernelTests
{
    private static readonly StreamName s_stream = StreamName.Of("tests: network kernels");

    private static readonly double[] s_x = [0.8, -0.3, 1.1];
    private static readonly double[] s_y = [0.2, 0.9, 0.4];

    public static TheoryData<string> Names =>
        ["arc-cosine-0", "arc-cosine-1", "arc-cosine-2", "arc-cosine-3", "absolute-power-1", "absolute-power-2", "absolute-power-3", "arcsine"];

    // The mean over the plane of x and y, by a fine rule in the angle: units of power n are |z|^2n times a function of the angle alone.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Rectified_powers_have_their_moments(int order)
    {
        var (a, b) = (Length(s_x), Length(s_y));
        var angle = Math.Acos(Dot(s_x, s_y) / (a * b));
        const int cells = 200_000;
        double[] radial = [1, 2, 8, 48];
        double Mean(Func<double, double> unit) => radial[order] * Enumerable.Range(0, cells).Average(k =>
        {
            var t = 2 * Math.PI * (k + 0.5) / cells;
            return unit(a * Math.Cos(t)) * unit(b * Math.Cos(t - angle));
        });
        Assert.Equal(Mean(u => u > 0 ? Math.Pow(u, order) : 0), NetworkKernels.ArcCosine(order).Value(s_x, s_y), 1e-5);
        if (order > 0)
        {
            Assert.Equal(Mean(u => Math.Pow(Math.Abs(u), order)), NetworkKernels.AbsolutePower(order).Value(s_x, s_y), 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradients_are_those_of_values(string name)
    {
        CheckGradient(Named(name), s_x, s_y);
        CheckGradient(Named(name), s_x, [0.8, -0.3, -1.1]);
    }

    [Fact]
    public void Gradients_of_the_tangent_kernel_are_those_of_values()
    {
        CheckGradient(NetworkKernels.NeuralTangent(), s_x, s_y);
        CheckGradient(NetworkKernels.RandomFeature(), s_x, s_y);
    }

    [Fact]
    public void The_arcsine_kernel_is_the_moment_of_error_functions()
    {
        // Trapezoids in the plane of x and y, which are exact to rounding for entire functions under the normal law.
        const double v = 0.7, step = 0.1;
        var (a, b) = (Length(s_x), Length(s_y));
        var cosine = Dot(s_x, s_y) / (a * b);
        var sine = Math.Sqrt(1 - (cosine * cosine));
        var (sum, weight) = (0.0, 0.0);
        for (var s = -9.0; s <= 9; s += step)
        {
            for (var t = -9.0; t <= 9; t += step)
            {
                var w = Math.Exp(-0.5 * ((s * s) + (t * t)));
                weight += w;
                sum += w * Erf(Math.Sqrt(v) * a * s) * Erf(Math.Sqrt(v) * b * ((cosine * s) + (sine * t)));
            }
        }

        Assert.Equal(sum / weight, NetworkKernels.ArcSine(v).Value(s_x, s_y), 1e-9);
    }

    [Fact]
    public void The_tangent_kernel_is_that_of_a_wide_network()
    {
        const int d = 3, width = 200_000;
        var random = new RandomStream(3, s_stream);
        var z = new double[d];
        var (sum, squares) = (0.0, 0.0);
        for (var h = 0; h < width; h++)
        {
            foreach (ref var value in z.AsSpan())
            {
                value = random.NextNormal();
            }

            var (w, u, t) = (random.NextNormal(), Dot(z, s_x), Dot(z, s_y));
            var term = ((Math.Max(u, 0) * Math.Max(t, 0)) + (u > 0 && t > 0 ? w * w * Dot(s_x, s_y) : 0)) / d;
            (sum, squares) = (sum + term, squares + (term * term));
        }

        var mean = sum / width;
        Assert.Equal(mean, NetworkKernels.NeuralTangent().Value(s_x, s_y), 4 * Math.Sqrt(((squares / width) - (mean * mean)) / width));
        Assert.Equal(NetworkKernels.ArcCosine(1).Value(s_x, s_y) / d, NetworkKernels.RandomFeature().Value(s_x, s_y), 1e-15);
    }

    [Fact]
    public void Equal_and_opposite_points_have_exact_angles()
    {
        double[] away = [.. s_x.Select(v => -2 * v)];
        var square = Dot(s_x, s_x);
        Assert.Equal(0.5, NetworkKernels.ArcCosine(0).Value(s_x, s_x), 1e-15);
        Assert.Equal(0, NetworkKernels.ArcCosine(0).Value(s_x, away), 1e-15);
        Assert.Equal(square / 2, NetworkKernels.ArcCosine(1).Value(s_x, s_x), 1e-14);
        Assert.Equal(square / 3, NetworkKernels.NeuralTangent().Value(s_x, s_x), 1e-14);
        Assert.Equal(0, NetworkKernels.NeuralTangent().Value(s_x, away), 1e-14);

        // An angle of 1e-9 changes the step's kernel by itself over 2 pi, which the arc cosine of an inner product would lose.
        double[] x = [1, 0], y = [1, 1e-9];
        Assert.Equal(1e-9 / (2 * Math.PI), 0.5 - NetworkKernels.ArcCosine(0).Value(x, y), 1e-16);
    }

    [Fact]
    public void Points_at_zero_are_orthogonal_to_all()
    {
        double[] zero = [0, 0, 0];
        Assert.Equal(0.25, NetworkKernels.ArcCosine(0).Value(zero, s_y), 1e-15);
        Assert.Equal(0, NetworkKernels.NeuralTangent().Value(zero, s_y));
        Assert.All(NetworkKernels.ArcCosine(1).Gradient(zero, s_y).Zip(s_y), pair => Assert.Equal(pair.Second / 4, pair.First, 1e-15));
    }

    [Fact]
    public void Sums_and_matrices_agree_with_values()
    {
        const int d = 3;
        var random = new RandomStream(5, s_stream);
        double[] Points(int n) => [.. Enumerable.Range(0, n * d).Select(_ => random.NextNormal())];
        var (x, y, weights) = (Points(4), Points(5), Points(5)[..5]);
        foreach (var kernel in new[] { NetworkKernels.NeuralTangent(), NetworkKernels.ArcSine(), NetworkKernels.AbsolutePower(3) })
        {
            var (matrix, (values, gradients)) = (kernel.Matrix(x, y, d), kernel.SumsWithGradients(x, y, d, weights));
            for (var i = 0; i < 4; i++)
            {
                var at = x[(i * d)..((i + 1) * d)];
                var row = Enumerable.Range(0, 5).Select(j => kernel.Value(at, y[(j * d)..((j + 1) * d)])).ToArray();
                Assert.Equal(row, matrix[(i * 5)..((i + 1) * 5)]);
                Assert.Equal(row.Zip(weights, (k, w) => k * w).Sum(), values[i], 1e-12);
                for (var c = 0; c < d; c++)
                {
                    var wanted = Enumerable.Range(0, 5).Sum(j => weights[j] * kernel.Gradient(at, y[(j * d)..((j + 1) * d)])[c]);
                    Assert.Equal(wanted, gradients[(i * d) + c], 1e-12);
                }
            }

            Assert.All(kernel.Matrix(x, [.. x], d).Zip(kernel.Matrix(x, x, d)), pair => Assert.Equal(pair.First, pair.Second, 1e-14));
        }
    }

    [Fact]
    public void Unusable_numbers_are_refused()
    {
        Assert.Contains("from 0 to 3", Assert.Throws<ArgumentOutOfRangeException>(() => NetworkKernels.ArcCosine(4)).Message);
        Assert.Contains("from 1 to 3", Assert.Throws<ArgumentOutOfRangeException>(() => NetworkKernels.AbsolutePower(0)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => NetworkKernels.ArcSine(0));
        Assert.Contains("same dimension", Assert.Throws<ArgumentException>(() => NetworkKernels.ArcSine().Value([1], [1, 2])).Message);
        Assert.Contains("no points", Assert.Throws<ArgumentException>(() => NetworkKernels.ArcSine().Matrix([1, 2, 3], [1, 2], 2)).Message);
        Assert.Contains("2 weights", Assert.Throws<ArgumentException>(
            () => NetworkKernels.ArcSine().SumsWithGradients([1, 2], [1, 2], 2, [1, 1])).Message);
    }

    private static NetworkKernel Named(string name) => name switch
    {
        "arcsine" => NetworkKernels.ArcSine(0.7),
        _ when name.StartsWith("arc", StringComparison.Ordinal) => NetworkKernels.ArcCosine(name[^1] - '0'),
        _ => NetworkKernels.AbsolutePower(name[^1] - '0'),
    };

    private static void CheckGradient(NetworkKernel kernel, double[] x, double[] y)
    {
        const double h = 1e-5;
        var gradient = kernel.Gradient(x, y);
        for (var k = 0; k < x.Length; k++)
        {
            var (up, down) = (x.ToArray(), x.ToArray());
            (up[k], down[k]) = (up[k] + h, down[k] - h);
            Assert.Equal((kernel.Value(up, y) - kernel.Value(down, y)) / (2 * h), gradient[k], 1e-8);
        }
    }

    private static double Erf(double x)
    {
        // erf x = (2 / sqrt pi) exp(-x^2) sum 2^k x^(2k+1) / (2k+1)!!, all terms of one sign.
        if (Math.Abs(x) > 6)
        {
            return Math.Sign(x);
        }

        var (term, sum) = (x, x);
        for (var k = 1; k < 200; k++)
        {
            term *= 2 * x * x / ((2 * k) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    private static double Dot(double[] x, double[] y) => HostVectors.Dot(x, y);

    private static double Length(double[] x) => Math.Sqrt(Dot(x, x));
}
