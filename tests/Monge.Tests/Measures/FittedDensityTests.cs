using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

/// <summary>The fitted densities: closed forms, normalisation, and that tuning finds what made the data.</summary>
public sealed class FittedDensityTests
{
    private static double[] Mixture(int count, ulong seed) => DataSetLibrary.EightGaussians("eight", 4, 0.5).Draw(count, seed);

    [Fact]
    public void TheGaussianHasTheMomentsAndTheDensityOfItsFormula()
    {
        double[] rows = [1, 2, 3, 1, -1, 0.5, 2, 2, 0, -1];
        var fit = GaussianMixtureFit.Gaussian(rows, 2);
        double[] mean = [1.0, 0.9];
        var (a, b, c) = (0.0, 0.0, 0.0);
        for (var i = 0; i < 5; i++)
        {
            var (u, v) = (rows[2 * i] - mean[0], rows[(2 * i) + 1] - mean[1]);
            (a, b, c) = (a + (u * u / 5), b + (u * v / 5), c + (v * v / 5));
        }

        var determinant = (a * c) - (b * b);
        var (x, y) = (0.3 - mean[0], -0.7 - mean[1]);
        var square = ((c * x * x) - (2 * b * x * y) + (a * y * y)) / determinant;
        Assert.Equal((-0.5 * square) - (0.5 * Math.Log(determinant)) - Math.Log(2 * Math.PI), fit.LogDensity([0.3, -0.7])[0], 12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void TheTunedMixtureFindsEightGaussians(ulong seed)
    {
        var law = DataSetLibrary.EightGaussians("eight", 4, 0.5);
        var fit = GaussianMixtureFit.Tuned(
            Mixture(2000, seed), Mixture(1000, seed + 10), 2, new GaussianMixtureOptions { Components = [1, 4, 8], Ridges = [1e-6], Starts = 3, Seed = seed });
        Assert.Equal(8, fit.Components);
        var loss = -fit.LogDensity(Mixture(20_000, seed + 20)).Average();
        Assert.InRange(loss, law.Entropy!.Value - 0.02, law.Entropy.Value + 0.05);
    }

    [Fact]
    public void MixtureAndKernelDrawsHaveTheirOwnDensity()
    {
        IFittedDensity[] fits = [GaussianMixtureFit.Fit(Mixture(800, 1), 2, 8, 1e-4), KernelDensity.Scott(Mixture(800, 1), 2)];
        foreach (var fit in fits)
        {
            // E 1 / p over draws of p inside a box is the box's area where p has mass everywhere: here the share of
            // mass in a box against its integral on a grid.
            var draws = fit.Sample(20_000, new RandomStream(3));
            var inside = draws.Chunk(2).Count(p => p[0] is > 1 and < 6 && Math.Abs(p[1]) < 2.5) / 20_000.0;
            const int side = 120;
            double[] grid = [.. from i in Enumerable.Range(0, side) from j in Enumerable.Range(
                0, side) from v in new[] { 1 + (5.0 * (i + 0.5) / side), -2.5 + (5.0 * (j + 0.5) / side) } select v];
            var mass = fit.LogDensity(grid).Sum(Math.Exp) * 25.0 / (side * side);
            Assert.InRange(inside, mass - 0.015, mass + 0.015);
        }
    }

    [Fact]
    public void TheKernelDensityIsItsDefinitionAndIntegratesToOne()
    {
        double[] rows = [0, 0.5, 2];
        var density = new KernelDensity(rows, 1, [0.4]);
        double Normal(double z) => Math.Exp(-0.5 * z * z / 0.16) / Math.Sqrt(2 * Math.PI * 0.16);
        Assert.Equal(Math.Log(rows.Average(r => Normal(0.9 - r))), density.LogDensity([0.9])[0], 12);
        double[] grid = [.. Enumerable.Range(0, 4001).Select(i => -6 + (i * 0.004))];
        Assert.Equal(1, density.LogDensity(grid).Sum(Math.Exp) * 0.004, 1e-9);
    }

    [Fact]
    public void ScottsRuleScalesTheCovariance()
    {
        var rows = DataSetLibrary.Normal(2).Draw(1000, 1);
        var scott = KernelDensity.Scott(rows, 2);
        Assert.Contains("0.316", scott.Description, StringComparison.Ordinal);

        // The estimate's variance is the rows' plus the kernel's.
        var draws = scott.Sample(40_000, new RandomStream(1));
        double Variance(double[] of) => of.Where((_, i) => i % 2 == 0).Average(v => v * v) - Math.Pow(of.Where((_, i) => i % 2 == 0).Average(), 2);
        Assert.Equal(1.1, Variance(draws) / Variance(rows), 0.04);
    }

    [Fact]
    public void TheTunedBandwidthIsBetterThanTwiceAndHalf()
    {
        var (train, validation) = (Mixture(600, 1), Mixture(600, 2));
        var tuned = KernelDensity.Tuned(train, validation, 2);
        var best = tuned.LogDensity(validation).Average();
        Assert.True(best > KernelDensity.Scott(train, 2).LogDensity(validation).Average());
        var width = double.Parse(tuned.Description.Split("bandwidth ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        foreach (var factor in (double[])[0.5, 2])
        {
            var deviation = Math.Sqrt(train.Where((_, i) => i % 2 == 0).Average(v => v * v));
            Assert.True(new KernelDensity(train, 2, [factor * width * deviation, 0, 0, factor * width * deviation]).LogDensity(validation).Average() < best);
        }
    }

    [Fact]
    public void SingularRowsAreToldWithAdvice()
    {
        double[] rows = [1, 2, 2, 4, 3, 6, 4, 8];
        Assert.Contains("combination", Assert.Throws<ArgumentException>(() => GaussianMixtureFit.Gaussian(rows, 2)).Message, StringComparison.Ordinal);
        Assert.Contains("Row 1", Assert.Throws<ArgumentException>(() => GaussianMixtureFit.Gaussian([1, 2, double.NaN, 4, 3, 6, 4, 8], 2)).Message,
            StringComparison.Ordinal);
    }
}
