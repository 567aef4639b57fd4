using System.Numerics;
using Monge.Engine.Execution;
using Monge.Engine.Pairwise;
using Monge.Engine.Random;
using Monge.Testing;

namespace Monge.Engine.Tests.Pairwise;

public sealed class PairwiseSumsTests
{
    private static double[] Normal(int count, ulong seed, double shift = 0, double scale = 1)
    {
        var random = new RandomStream(seed);
        return [.. Enumerable.Range(0, count).Select(_ => shift + (scale * random.NextNormal()))];
    }

    private static T[] As<T>(double[] values)
        where T : unmanaged, IFloatingPointIeee754<T> => Array.ConvertAll(values, T.CreateTruncating);

    private static double Number<TKernel>(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
        where TKernel : struct, IPairKernel<double>
    {
        var q = 0.0;
        for (var k = 0; k < x.Length; k++)
        {
            q += TKernel.OfInnerProduct ? x[k] * y[k] : (x[k] - y[k]) * (x[k] - y[k]);
        }

        return q;
    }

    // Sums and, by central differences of the formula, gradients in float64, pair by pair.
    private static (double[] Values, double[] Gradients) Plain<TKernel>(Func<double, double> f, double[] x, double[] y, int d, double[] weights)
        where TKernel : struct, IPairKernel<double>
    {
        const double step = 1e-5;
        var (values, gradients) = (new double[x.Length / d], new double[x.Length]);
        for (var i = 0; i < values.Length; i++)
        {
            for (var j = 0; j < weights.Length; j++)
            {
                var (point, other) = (x[(i * d)..((i + 1) * d)], y[(j * d)..((j + 1) * d)]);
                values[i] += weights[j] * f(Number<TKernel>(point, other));
                for (var k = 0; k < d; k++)
                {
                    var at = point[k];
                    point[k] = at + step;
                    var up = f(Number<TKernel>(point, other));
                    point[k] = at - step;
                    gradients[(i * d) + k] += weights[j] * (up - f(Number<TKernel>(point, other))) / (2 * step);
                    point[k] = at;
                }
            }
        }

        return (values, gradients);
    }

    private static void Near<T>(double[] wanted, T[] found, double tolerance)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var size = 1 + wanted.Max(Math.Abs);
        Assert.All(wanted.Zip(found), p => Assert.Equal(p.First, double.CreateTruncating(p.Second), tolerance * size));
    }

    private static void Check<T, TKernel, TPlain>(TKernel kernel, TPlain plain, Func<double, double> f, int n, int m, int d, double tolerance)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TKernel : struct, IPairKernel<T>
        where TPlain : struct, IPairKernel<double>
    {
        var (x, y, weights) = (Normal(n * d, 1), Normal(m * d, 2, 0.3), Normal(m, 3));
        var (values, gradients) = Plain<TPlain>(f, x, y, d, weights);
        Assert.Equal(f(1.3), plain.Value(new Vector<double>(1.3))[0], 1e-13 * (1 + Math.Abs(f(1.3))));
        var (found, slopes, matrix, ones) = (new T[n], new T[n * d], new T[n * m], new T[n]);
        var sums = new PairwiseSums<T>();
        sums.Values(kernel, As<T>(x), As<T>(y), d, As<T>(weights), found);
        Near(values, found, tolerance);
        sums.ValuesAndGradients(kernel, As<T>(x), As<T>(y), d, As<T>(weights), found, slopes);
        Near(values, found, tolerance);
        Near(gradients, slopes, Math.Max(tolerance, 1e-8));
        sums.ValuesAndGradients(kernel, As<T>(x), As<T>(y), d, As<T>(weights), default, slopes);
        Near(gradients, slopes, Math.Max(tolerance, 1e-8));
        sums.Matrix(kernel, As<T>(x), As<T>(y), d, matrix);
        Near([.. Enumerable.Range(0, n * m).Select(p => f(Number<TPlain>(x.AsSpan(p / m * d, d), y.AsSpan(p % m * d, d))))], matrix, tolerance);
        sums.Values(kernel, As<T>(x), As<T>(y), d, default, ones);
        Near(Plain<TPlain>(f, x, y, d, [.. Enumerable.Repeat(1.0, m)]).Values, ones, tolerance);
        var total = sums.Total(kernel, As<T>(x), ones, As<T>(y), As<T>(weights), d);
        Assert.Equal(found.Zip(ones, (a, b) => a * b).Aggregate(T.Zero, (a, b) => a + b), total);
        var row = new T[m];
        new PointColumns<T>(As<T>(y), d).Values(kernel, As<T>(x[..d]), row);
        Near([.. matrix[..m].Select(v => double.CreateTruncating(v))], row, tolerance);
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 5, 2)]
    [InlineData(65, 97, 3)]
    [InlineData(64, 4, 7)]
    [InlineData(70, 193, 8)]
    [InlineData(2, 130, 13)]
    [InlineData(129, 31, 50)]
    public void EveryKernelIsItsFormulaInBothPrecisions(int n, int m, int d)
    {
        const double single = 3e-5;
        const double wide = 1e-12;
        Func<double, double> gaussian = q => Math.Exp(-q / (2 * 1.7 * 1.7));
        Check<double, GaussianKernel<double>, GaussianKernel<double>>(new(1.7), new(1.7), gaussian, n, m, d, wide);
        Check<float, GaussianKernel<float>, GaussianKernel<double>>(new(1.7), new(1.7), gaussian, n, m, d, single);
        Func<double, double> multiquadric = q => 1 / Math.Sqrt(1.21 + q);
        Check<double, InverseMultiquadricKernel<double>, InverseMultiquadricKernel<double>>(new(1.1), new(1.1), multiquadric, n, m, d, wide);
        Check<float, InverseMultiquadricKernel<float>, InverseMultiquadricKernel<double>>(new(1.1), new(1.1), multiquadric, n, m, d, single);
        Func<double, double> laplace = q => Math.Exp(-Math.Sqrt(q) / 2.5);
        Check<double, LaplaceKernel<double>, LaplaceKernel<double>>(new(2.5), new(2.5), laplace, n, m, d, wide);
        Check<float, LaplaceKernel<float>, LaplaceKernel<double>>(new(2.5), new(2.5), laplace, n, m, d, single);
        Func<double, double> rough = q => (1 + Math.Sqrt(3 * q / 4)) * Math.Exp(-Math.Sqrt(3 * q / 4));
        Check<double, Matern32Kernel<double>, Matern32Kernel<double>>(new(2), new(2), rough, n, m, d, wide);
        Check<float, Matern32Kernel<float>, Matern32Kernel<double>>(new(2), new(2), rough, n, m, d, single);
        Func<double, double> smooth = q => (1 + Math.Sqrt(5 * q / 4) + (5 * q / 12)) * Math.Exp(-Math.Sqrt(5 * q / 4));
        Check<double, Matern52Kernel<double>, Matern52Kernel<double>>(new(2), new(2), smooth, n, m, d, wide);
        Check<float, Matern52Kernel<float>, Matern52Kernel<double>>(new(2), new(2), smooth, n, m, d, single);
        Check<double, DistanceKernel<double>, DistanceKernel<double>>(default, default, Math.Sqrt, n, m, d, wide);
        Check<float, DistanceKernel<float>, DistanceKernel<double>>(default, default, Math.Sqrt, n, m, d, single);
        Check<double, SquaredDistanceKernel<double>, SquaredDistanceKernel<double>>(default, default, q => q, n, m, d, wide);
        Func<double, double> cubic = q => Math.Pow((0.1 * q) + 0.1, 3) * 1000;
        Check<double, PolynomialKernel<double>, PolynomialKernel<double>>(new(3, 1), new(3, 1), cubic, n, m, d, wide);
        Check<float, PolynomialKernel<float>, PolynomialKernel<double>>(new(3, 1), new(3, 1), cubic, n, m, d, single);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(67, 99)]
    public void LogSumsAndNearestPointsAreTheirDefinition(int n, int m)
    {
        const int d = 9;

        // Far enough apart that every term underflows.
        var (x, y, logWeights) = (Normal(n * d, 1), Normal(m * d, 2, 80), Normal(m, 3));
        var (logs, squares, sums) = (new double[n], new double[n], new PairwiseSums<double>());
        sums.LogSums(new GaussianKernel<double>(0.5), x, y, d, logWeights, logs);
        sums.Nearest(x, y, d, squares);
        for (var i = 0; i < n; i++)
        {
            double[] terms =
                [.. Enumerable.Range(0, m).Select(j => logWeights[j] - (2 * Number<GaussianKernel<double>>(x.AsSpan(i * d, d), y.AsSpan(j * d, d))))];
            Assert.Equal(terms.Max() + Math.Log(terms.Sum(t => Math.Exp(t - terms.Max()))), logs[i], 1e-9 * Math.Abs(logs[i]));
            Assert.Equal(
                Enumerable.Range(0, m).Min(j => Number<GaussianKernel<double>>(x.AsSpan(i * d, d), y.AsSpan(j * d, d))), squares[i], 1e-12 * squares[i]);
        }

        sums.LogSums(new GaussianKernel<double>(0.5), x, y, d, [.. Enumerable.Repeat(double.NegativeInfinity, m)], logs);
        Assert.All(logs, v => Assert.Equal(double.NegativeInfinity, v));
    }

    // u by central differences of the kernel, whatever it says of its own derivatives.
    private static double Stein(Func<double, double> f, double[] x, double[] y, double[] sx, double[] sy)
    {
        const double h = 1e-3;
        var d = x.Length;
        double Kernel(int axisX, double a, int axisY, double b)
        {
            var q = 0.0;
            for (var k = 0; k < d; k++)
            {
                var r = x[k] + (k == axisX ? a : 0) - y[k] - (k == axisY ? b : 0);
                q += r * r;
            }

            return f(q);
        }

        var u = Enumerable.Range(0, d).Sum(k => sx[k] * sy[k]) * Kernel(0, 0, 0, 0);
        for (var k = 0; k < d; k++)
        {
            u += sx[k] * (Kernel(k, 0, k, h) - Kernel(k, 0, k, -h)) / (2 * h);
            u += sy[k] * (Kernel(k, h, k, 0) - Kernel(k, -h, k, 0)) / (2 * h);
            u += (Kernel(k, h, k, h) - Kernel(k, h, k, -h) - Kernel(k, -h, k, h) + Kernel(k, -h, k, -h)) / (4 * h * h);
        }

        return u;
    }

    private static void CheckStein<TKernel>(TKernel kernel, Func<double, double> f, int n, int d)
        where TKernel : struct, ISteinKernel<double>
    {
        var (x, scores, weights, values) = (Normal(n * d, 1), Normal(n * d, 2), Normal(n, 3), new double[n]);
        new PairwiseSums<double>().SteinSums(kernel, x, scores, d, weights, values);
        for (var i = 0; i < n; i++)
        {
            double[] Row(double[] of, int row) => of[(row * d)..((row + 1) * d)];
            var sum = Enumerable.Range(0, n).Where(j => j != i).Sum(j => weights[j] * Stein(f, Row(x, i), Row(x, j), Row(scores, i), Row(scores, j)));
            Assert.Equal(sum, values[i], 2e-5 * (1 + Math.Abs(sum)));
        }
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(5, 1)]
    [InlineData(67, 4)]
    [InlineData(130, 2)]
    public void SteinSumsAreTheirDefinitionWithoutOwnPairs(int n, int d)
    {
        CheckStein(new GaussianKernel<double>(1.4), q => Math.Exp(-q / (2 * 1.4 * 1.4)), n, d);
        CheckStein(new InverseMultiquadricKernel<double>(1.2), q => 1 / Math.Sqrt(1.44 + q), n, d);
    }

    // Clusters of width 1e-2 at 1000 from the origin: products about the origin would lose all digits, centred ones those of the clusters' distances.
    [Theory]
    [InlineData(8)]
    [InlineData(50)]
    public void PointsInClustersFarFromTheOriginKeepTheirDigits(int d)
    {
        const int n = 200;
        var (centres, noise) = (Normal(4 * d, 1, 1000, 10), Normal(n * d, 2, 0, 1e-2));
        var x = Array.ConvertAll([.. Enumerable.Range(0, n * d).Select(p => centres[(p / d % 4 * d) + (p % d)] + noise[p])], v => (float)v);
        var wide = Array.ConvertAll(x, v => (double)v);
        foreach (var bandwidth in (double[])[0.05, 1, 100])
        {
            var (values, gradients, exact, slopes) = (new float[n], new float[n * d], new double[n], new double[n * d]);
            new PairwiseSums<float>().ValuesAndGradients(new GaussianKernel<float>(bandwidth), x, x, d, default, values, gradients);
            new PairwiseSums<double> { UsesProducts = false }.ValuesAndGradients(new GaussianKernel<double>(bandwidth), wide, wide, d, default, exact, slopes);
            Near(exact, values, 1e-5);
            Near(slopes, gradients, 1e-4);
            var products = new double[n];
            new PairwiseSums<double>().Values(new GaussianKernel<double>(bandwidth), wide, wide, d, default, products);
            Near(exact, products, 1e-11);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(20)]
    public void ThreadsDontChangeABitAndNothingIsAllocated(int d)
    {
        const int n = 333;
        var (x, y, weights) = (Normal(n * d, 1), Normal(n * d, 2), Normal(n, 3));
        (double[] Sums, double[] Gradients, double[] Stein, double[] Logs)[] found = [.. new[] { 1, 2, 3 }.Select(threads =>
        {
            using var team = new ThreadTeam(threads);
            var sums = new PairwiseSums<double>(new ExecutionOptions { Team = team });
            var result = (Sums: new double[n], Gradients: new double[n * d], Stein: new double[n], Logs: new double[n]);
            void All()
            {
                sums.ValuesAndGradients(new GaussianKernel<double>(2), x, y, d, weights, result.Sums, result.Gradients);
            }

            Assert.Equal(0, Allocation.Least(All));
            sums.SteinSums(new InverseMultiquadricKernel<double>(1), x, y, d, weights, result.Stein);
            sums.LogSums(new LaplaceKernel<double>(1), x, y, d, weights, result.Logs);
            return result;
        })];
        Assert.All(found, r => Assert.Equal(found[0].Sums, r.Sums));
        Assert.All(found, r => Assert.Equal(found[0].Gradients, r.Gradients));
        Assert.All(found, r => Assert.Equal(found[0].Stein, r.Stein));
        Assert.All(found, r => Assert.Equal(found[0].Logs, r.Logs));
    }

    [Fact]
    public void EqualPointsAddNothingToAGradientAndNoPointsNothingAtAll()
    {
        double[] x = [1, 2, 1, 2];
        var (values, gradients) = (new double[2], new double[4]);
        var sums = new PairwiseSums<double>();
        sums.ValuesAndGradients(new LaplaceKernel<double>(1), x, x, 2, default, values, gradients);
        Assert.Equal([2, 2], values);
        Assert.Equal([0, 0, 0, 0], gradients);
        sums.ValuesAndGradients(new GaussianKernel<double>(1), x, [], 2, default, values, gradients);
        Assert.Equal([0, 0], values);
        Assert.Equal([0, 0, 0, 0], gradients);
        sums.Values(new GaussianKernel<double>(1), [], x, 2, default, []);
    }

    [Fact]
    public void LengthsThatDontFitAreRefused()
    {
        var sums = new PairwiseSums<float>();
        var kernel = new GaussianKernel<float>(1);
        Assert.Contains(
            "'x' has 5 values", Assert.Throws<ArgumentException>(() => sums.Values(kernel, new float[5], new float[4], 2, default, new float[2])).Message);
        Assert.Contains(
            "'values' has 3", Assert.Throws<ArgumentException>(() => sums.Values(kernel, new float[4], new float[4], 2, default, new float[3])).Message);
        Assert.Contains(
            "'weights'", Assert.Throws<ArgumentException>(() => sums.Values(kernel, new float[4], new float[4], 2, new float[3], new float[2])).Message);
        Assert.Contains("'gradients'",
            Assert.Throws<ArgumentException>(() => sums.ValuesAndGradients(kernel, new float[4], new float[4], 2, default, default, new float[3])).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => sums.Values(kernel, new float[4], new float[4], 0, default, new float[2]));
    }

    [Fact]
    public void TheSinglePrecisionExponentialIsWithinTwoUlps()
    {
        for (var x = -87f; x < 88; x += 0.0137f)
        {
            Assert.Equal(1, VectorFunctions.Exp(new Vector<float>(x))[0] / Math.Exp(x), 2.5e-7);
        }

        Assert.Equal(1, VectorFunctions.Exp(Vector<float>.Zero)[0]);
        Assert.Equal(0, VectorFunctions.Exp(new Vector<float>(-100))[0]);
        Assert.Equal(0, VectorFunctions.Exp(new Vector<float>(float.NegativeInfinity))[0]);
        Assert.Equal(float.PositiveInfinity, VectorFunctions.Exp(new Vector<float>(100))[0]);
        Assert.True(float.IsNaN(VectorFunctions.Exp(new Vector<float>(float.NaN))[0]));
    }
}
