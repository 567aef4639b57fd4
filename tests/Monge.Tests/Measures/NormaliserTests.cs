using Monge.Engine.Random;

namespace Monge.Tests.Measures;

/// <summary>Stated log-normalisers and moments against integrals of the traced densities themselves and the published constants.</summary>
public sealed class NormaliserTests
{
    // Grids on which the trapezoidal rule has converged for each target: half-width and number of points along each axis.
    [Theory]
    [InlineData("gmm9", 9, 9, 121, 121)]
    [InlineData("gmm40", 50, 50, 161, 161)]
    [InlineData("gmm8-2", 13, 13, 201, 201)]
    [InlineData("shifted-gaussian-2@shift=2,scale=0.5", 6, 6, 201, 201)]
    [InlineData("phi4-chain-2", 4, 4, 161, 161)]
    [InlineData("rings", 8, 8, 241, 241)]
    [InlineData("banana", 65, 430, 66, 861)]
    [InlineData("gaussian-2", 10, 10, 101, 101)]
    [InlineData("many-well-2", 7, 9, 281, 61)]
    public void PlaneIntegralsGiveNormaliserAndMoments(string name, double halfWidth0, double halfWidth1, int points0, int points1)
    {
        var density = KnownTargets.Get(name);
        var (z, first, second) = (0.0, new double[2], new double[2]);
        var (step0, step1) = (2 * halfWidth0 / (points0 - 1), 2 * halfWidth1 / (points1 - 1));
        var row = new double[2 * points1];
        for (var i = 0; i < points0; i++)
        {
            for (var j = 0; j < points1; j++)
            {
                row[2 * j] = (i * step0) - halfWidth0;
                row[(2 * j) + 1] = (j * step1) - halfWidth1;
            }

            var values = density.LogDensityAt(row);
            for (var j = 0; j < points1; j++)
            {
                var weight = Math.Exp(values[j]) * step0 * step1;
                z += weight;
                for (var k = 0; k < 2; k++)
                {
                    first[k] += weight * row[(2 * j) + k];
                    second[k] += weight * row[(2 * j) + k] * row[(2 * j) + k];
                }
            }
        }

        Assert.Equal(density.Facts.LogZ!.Value, Math.Log(z), 1e-8);
        for (var k = 0; k < 2; k++)
        {
            var mean = first[k] / z;
            var sd = Math.Sqrt((second[k] / z) - (mean * mean));
            Assert.Equal(density.Facts.Mean![k], mean, 1e-7 * density.Facts.StandardDeviation![k]);
            Assert.Equal(density.Facts.StandardDeviation![k], sd, 1e-7 * sd);
        }
    }

    [Theory]
    [InlineData("double-well", 0.293002, 5e-7)]
    [InlineData("many-well-5", -0.541056, 2e-6)]
    [InlineData("many-well-50", 42.817243, 3e-6)]
    [InlineData("many-well-6", 30.88044, 5e-6)]
    [InlineData("many-well-16", 82.34784, 5e-6)]
    [InlineData("many-well-32", 164.6956753, 5e-7)]
    [InlineData("many-well-64", 329.39135, 5e-6)]
    [InlineData("many-well-128", 658.78270, 1e-5)]
    [InlineData("many-well-512", 2635.1308, 5e-5)]
    public void WellsHaveThePublishedNormalisers(string name, double logZ, double tolerance) =>
        Assert.Equal(logZ, KnownTargets.Get(name).Facts.LogZ!.Value, tolerance);

    [Fact]
    public void WellsHaveThePublishedMomentsAndWeights()
    {
        var pair = KnownTargets.Get("many-well-2").Facts;
        Assert.Equal(1.187961, pair.Mean![0], 5e-7);
        Assert.Equal(2.959806, Math.Pow(pair.Mean[0], 2) + Math.Pow(pair.StandardDeviation![0], 2), 5e-7);
        Assert.Equal(0.844307, pair.Modes!.Weights[1], 5e-7);
        Assert.Equal(1.983458, KnownTargets.Get("many-well-5").Facts.StandardDeviation![0], 5e-7);
        Assert.Equal(1.354748, KnownTargets.Get("many-well-50").Facts.StandardDeviation![0], 5e-7);
        Assert.All(KnownTargets.Get("many-well-5").Facts.Modes!.Weights, w => Assert.Equal(1.0 / 32, w, 1e-12));
    }

    [Fact]
    public void DoubleWellIntegratesToItsNormaliser()
    {
        var density = KnownTargets.Get("double-well");
        double[] grid = [.. Enumerable.Range(0, 2001).Select(i => -4.5 + (i * 0.006))];
        Assert.Equal(density.Facts.LogZ!.Value, Math.Log(density.LogDensityAt(grid).Sum(v => 0.006 * Math.Exp(v))), 1e-10);
    }

    [Theory]
    [InlineData("many-well-32")]
    [InlineData("many-well-50")]
    [InlineData("many-well-5")]
    public void ManyWellsAreProductsOfTheirFactors(string name)
    {
        var density = KnownTargets.Get(name);
        var d = density.Dimension;
        var draws = density.Facts.ExactSampler!(3, new RandomStream(5));
        var origin = density.LogDensityAt(new double[d])[0];
        for (var s = 0; s < 3; s++)
        {
            var x = draws.AsSpan(s * d, d).ToArray();
            double[] singles = [.. Enumerable.Range(0, d).SelectMany(i => Enumerable.Range(0, d).Select(j => i == j ? x[j] : 0))];
            var sum = density.LogDensityAt(singles).Sum(v => v - origin);
            Assert.Equal(density.LogDensityAt(x)[0], origin + sum, 1e-9);
        }
    }

    [Fact]
    public void FunnelIsTheProductOfItsConditionals()
    {
        var density = KnownTargets.Get("funnel-10");
        var draws = density.Facts.ExactSampler!(20, new RandomStream(2));
        var values = density.LogDensityAt(draws);
        for (var s = 0; s < 20; s++)
        {
            var x = draws.AsSpan(s * 10, 10);
            var expected = LogNormal(x[0], 3);
            foreach (var v in x[1..])
            {
                expected += LogNormal(v, Math.Exp(0.5 * x[0]));
            }

            Assert.Equal(expected, values[s], 1e-9 * Math.Abs(expected));
        }
    }

    [Fact]
    public void GaussianHasTheDensityOfItsCovariance()
    {
        // The inverse of the correlation matrix 0.5^|i - j| is tridiagonal: 4/3 at the ends, 5/3 inside, -2/3 beside.
        var density = KnownTargets.Get("gaussian-4");
        double[] x = [0.3, -1.2, 2.5, 0.7];
        double[] y = [.. x.Select(v => v - 1)];
        var form = (4 * ((y[0] * y[0]) + (y[3] * y[3]))) + (5 * ((y[1] * y[1]) + (y[2] * y[2]))) - (4 * ((y[0] * y[1]) + (y[1] * y[2]) + (y[2] * y[3])));
        Assert.Equal(-form / 6, density.LogDensityAt(x)[0], 1e-12);
        Assert.Equal((2 * Math.Log(2 * Math.PI)) + (1.5 * Math.Log(0.75)), density.Facts.LogZ!.Value, 1e-12);
    }

    private static double LogNormal(double x, double sd) => (-0.5 * x * x / (sd * sd)) - Math.Log(sd) - (0.5 * Math.Log(2 * Math.PI));
}
