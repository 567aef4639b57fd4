using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.OptimalTransport;

namespace Monge.Tests.Diagnostics;

public class DistanceTests
{
    private const int Samples = 2000;

    private static double[] Normal(int n, int d, ulong seed, double shift = 0, double scale = 1)
    {
        var random = new RandomStream(seed);
        return [.. Enumerable.Range(0, n * d).Select(_ => shift + (scale * random.NextNormal()))];
    }

    private static double[] LogWeights(int n, ulong seed)
    {
        var random = new RandomStream(seed, 4);
        return [.. Enumerable.Range(0, n).Select(_ => random.NextNormal())];
    }

    // The mean of f over pairs of different points, straight from its definition.
    private static double Pairs(double[] x, double[] a, double[] y, double[] b, int d, bool same, Func<double, double> f)
    {
        var (sum, mass) = (0.0, 0.0);
        for (var i = 0; i < a.Length; i++)
        {
            for (var j = 0; j < b.Length; j++)
            {
                if (!same || i != j)
                {
                    var square = Enumerable.Range(0, d).Sum(k => Math.Pow(x[(i * d) + k] - y[(j * d) + k], 2));
                    sum += a[i] * b[j] * f(square);
                    mass += a[i] * b[j];
                }
            }
        }

        return sum / mass;
    }

    [Theory]
    [InlineData(1, 17)]
    [InlineData(3, 20)]
    public void BlockedSumsAreTheirDefinition(int d, int n)
    {
        var (x, y, la, lb) = (Normal(n, d, 1), Normal(n + 3, d, 2, 0.4), LogWeights(n, 1), LogWeights(n + 3, 2));
        double[] a = [.. ImportanceWeights.FromLogWeights(la).Normalised];
        double[] b = [.. ImportanceWeights.FromLogWeights(lb).Normalised];
        var energy = (2 * Pairs(x, a, y, b, d, false, Math.Sqrt)) - Pairs(x, a, x, a, d, true, Math.Sqrt) - Pairs(y, b, y, b, d, true, Math.Sqrt);
        Assert.Equal(energy, EnergyDistance.Compute(x, y, d, la, lb), 12);
        double Kernel(double square) => new[] { 0.25, 0.5, 1, 2, 4 }.Average(s => Math.Exp(-square / (2 * Math.Pow(1.3 * s, 2))));
        var discrepancy = Pairs(x, a, x, a, d, true, Kernel) + Pairs(y, b, y, b, d, true, Kernel) - (2 * Pairs(x, a, y, b, d, false, Kernel));
        Assert.Equal(discrepancy, MaximumMeanDiscrepancy.Compute(x, y, d, 1.3, la, lb), 12);
    }

    [Fact]
    public void ThreadsDontChangeABit()
    {
        const int d = 3;
        var (x, y, weights) = (Normal(301, d, 1), Normal(257, d, 2, 0.4), LogWeights(301, 3));
        double[] Measures(int threads) =>
        [
            EnergyDistance.Compute(x, y, d, weights, threads: threads),
            MaximumMeanDiscrepancy.Compute(x, y, d, null, weights, threads: threads),
            KernelSteinDiscrepancy.Compute(x, Array.ConvertAll(x, v => -v), d, weights, threads: threads),
            SlicedWasserstein.Compute(x, y, d, 20, logWeightsX: weights, threads: threads),
            MemorisationCheck.Compute(x, y, y[..(100 * d)], d, threads).GeneratedMedian,
            Wasserstein.Exact(x[..(200 * d)], y[..(200 * d)], d, threads: threads).Distance,
            Sinkhorn.Solve(x, y, d, new SinkhornOptions { Epsilon = 0.1, Threads = threads }).EntropicCost,
            Sinkhorn.Solve(x, y, d, new SinkhornOptions { Epsilon = 0.1, Threads = threads, StoredCostLimit = 0 }).TransportCost,
            KernelDensity.Scott(x, d).LogDensity(y, threads).Sum(),
            GaussianMixtureFit.Fit(x, d, 3, 1e-3, new GaussianMixtureOptions { Threads = threads }).LogDensity(y, threads).Sum(),
            LatticeReference.Compute(new LatticeField([3, 3], -1, 0.8), 6, 20, threads).MagnetisationSquare,
        ];
        var alone = Measures(1);
        Assert.All(alone, v => Assert.True(double.IsFinite(v)));
        Assert.Equal(alone, Measures(2));
        Assert.Equal(alone, Measures(3));
        Assert.Equal(alone, Measures(0));
    }

    // Means of |N(m, 2)| and of a Gaussian kernel against N(m, 2 + s^2), both closed.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void ShiftedGaussiansHaveTheirClosedForms(ulong seed)
    {
        const double shift = 0.7;
        var (x, y) = (Normal(Samples, 1, 2 * seed, shift), Normal(Samples, 1, (2 * seed) + 1));
        double FoldedMean(double m) =>
            (2 / Math.Sqrt(Math.PI) * Math.Exp(-m * m / 4)) + (m * (1 - (2 * MathNet.Numerics.Distributions.Normal.CDF(0, 1, -m / Math.Sqrt(2)))));
        var energy = 2 * (FoldedMean(shift) - FoldedMean(0));
        Assert.Equal(energy, EnergyDistance.Compute(x, y, 1), 0.05);

        double Kernel(double m) => new[] { 0.25, 0.5, 1.0, 2, 4 }.Average(s => s / Math.Sqrt((s * s) + 2) * Math.Exp(-m * m / (2 * ((s * s) + 2))));
        Assert.Equal(2 * (Kernel(0) - Kernel(shift)), MaximumMeanDiscrepancy.Compute(x, y, 1, 1), 0.02);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void UnbiasedDistancesScatterAboutZeroForOneLaw(ulong seed)
    {
        var (x, y) = (Normal(Samples, 2, 2 * seed), Normal(Samples, 2, (2 * seed) + 1));
        Assert.InRange(EnergyDistance.Compute(x, y, 2), -2e-3, 4e-3);
        Assert.InRange(MaximumMeanDiscrepancy.Compute(x, y, 2), -1e-3, 2e-3);
    }

    [Fact]
    public void WeightsCorrectTheLaw()
    {
        // N(0.5, 1) weighted by exp(-x / 2) is N(0, 1).
        var (x, y) = (Normal(Samples, 1, 1, 0.5), Normal(Samples, 1, 2));
        double[] weights = Array.ConvertAll(x, v => -0.5 * v);
        Assert.InRange(EnergyDistance.Compute(x, y, 1, weights), -5e-3, 1e-2);
        Assert.InRange(MaximumMeanDiscrepancy.Compute(x, y, 1, 1, weights), -2e-3, 4e-3);
        Assert.True(SlicedWasserstein.Compute(x, y, 1, 1, 1, weights) < 0.4 * SlicedWasserstein.Compute(x, y, 1));
    }

    // For samples of q the squared discrepancy is E delta(x).delta(y) k(x, y) with delta the difference of both scores: for N(m, 1) and N(0, 1) it is m^2 E
    // (c^2 + r^2)^-1/2, r of N(0, 2).
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void TheSteinDiscrepancyOfAShiftedGaussianIsItsClosedForm(ulong seed)
    {
        const double shift = 0.8;
        var expected = shift * shift * Quadrature.Line(r => Math.Exp(-r * r / 4) / Math.Sqrt(4 * Math.PI * (1 + (r * r))), -14, 14);
        var x = Normal(Samples, 1, seed, shift);
        double[] scores = Array.ConvertAll(x, v => -v);
        Assert.Equal(expected, KernelSteinDiscrepancy.Compute(x, scores, 1, scale: 1), 0.04);
        Assert.InRange(KernelSteinDiscrepancy.Compute(x, scores, 1, Array.ConvertAll(x, v => -shift * v), 1), -0.01, 0.02);
    }

    [Fact]
    public void TheSteinDiscrepancyTakesTheScoreOfADensity()
    {
        var target = Density.Create("pair", 2, x => -0.5 * x.SquaredNorm());
        var x = Normal(101, 2, 3, 0.4);
        Assert.Equal(KernelSteinDiscrepancy.Compute(x, Array.ConvertAll(x, v => -v), 2, null, 0.9), KernelSteinDiscrepancy.Compute(x, target, null, 0.9), 12);
    }

    [Fact]
    public void TheSteinDiscrepancyIsItsDefinition()
    {
        // k = (c^2 + r^2)^-1/2 by finite differences, for three points in two dimensions.
        double[] x = [0.1, -0.4, 0.8, 0.3, -0.5, 0.9];
        double[] s = [0.2, 0.5, -0.7, 0.1, 0.4, -0.3];
        const double c = 0.7;
        const double h = 1e-4;
        double K(double[] a, double[] b) => 1 / Math.Sqrt((c * c) + Math.Pow(a[0] - b[0], 2) + Math.Pow(a[1] - b[1], 2));
        static double[] Move(double[] a, int k, double by) => [.. a.Select((v, i) => i == k ? v + by : v)];
        var sum = 0.0;
        for (var i = 0; i < 3; i++)
        {
            for (var j = 0; j < 3; j++)
            {
                if (i == j)
                {
                    continue;
                }

                var (a, b) = (x[(2 * i)..((2 * i) + 2)], x[(2 * j)..((2 * j) + 2)]);
                for (var k = 0; k < 2; k++)
                {
                    var slopeA = (K(Move(a, k, h), b) - K(Move(a, k, -h), b)) / (2 * h);
                    var slopeB = (K(a, Move(b, k, h)) - K(a, Move(b, k, -h))) / (2 * h);
                    var mixed = (K(Move(a, k, h), Move(b, k, h)) - K(Move(a, k, h), Move(b, k, -h)) - K(Move(a, k, -h), Move(b, k, h)) + K(
                        Move(a, k, -h), Move(b, k, -h))) / (4 * h * h);
                    sum += (s[(2 * i) + k] * s[(2 * j) + k] * K(a, b)) + (s[(2 * i) + k] * slopeB) + (s[(2 * j) + k] * slopeA) + mixed;
                }
            }
        }

        Assert.Equal(sum / 6, KernelSteinDiscrepancy.Compute(x, s, 2, null, c), 1e-5);
    }

    [Fact]
    public void TheSlicedDistanceOfATranslationIsItsLengthOverTheRootOfTheDimension()
    {
        var x = Normal(100, 3, 5);
        double[] y = [.. x.Select((v, k) => v + (k % 3 == 0 ? 2.0 : 0))];
        Assert.Equal(2 / Math.Sqrt(3), SlicedWasserstein.Compute(x, y, 3, 1000), 0.06);
        Assert.Equal(0, SlicedWasserstein.Compute(x, x, 3), 12);
    }

    [Fact]
    public void OnTheLineTheSlicedDistanceIsW2WithWeights()
    {
        var (x, y, weights) = (Normal(200, 1, 1), Normal(150, 1, 2, 1), LogWeights(200, 3));
        Assert.Equal(Wasserstein.OneDimensional(x, y, 2, weights), SlicedWasserstein.Compute(x, y, 1, 50, 1, weights), 12);
    }

    [Fact]
    public void ACollapsedSamplerStandsFarAboveTheFloorAndExactSamplesDoNot()
    {
        double[] Exact(int n, int seed) => [.. Normal(n, 1, (ulong)seed, 0, 0.3).Select((v, i) => v + (i % 2 == 0 ? 2 : -2))];
        double[] Collapsed(int n, int seed) => Normal(n, 1, (ulong)(seed + 1000), 2, 0.3);
        double[] Good(int n, int seed) => Exact(n, seed + 1000);
        static double Energy(double[] a, double[] b) => EnergyDistance.Compute(a, b, 1);
        var good = DistanceWithFloor.Compute(Good, 400, 1, Exact, Energy, "energy distance");
        var collapsed = DistanceWithFloor.Compute(Collapsed, 400, 1, Exact, Energy, "energy distance");
        Assert.InRange(good.Excess, -5, 5);
        Assert.True(collapsed.Excess > 50 && !collapsed.IsAtFloor, collapsed.ToString());
        Assert.InRange(collapsed.ValueError!.Value, 1e-6, 0.2);
    }
}
