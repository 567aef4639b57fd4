using Monge.Diagnostics;
using Monge.Tests.OptimalTransport;

namespace Monge.Tests.Diagnostics;

public sealed class ChainDiagnosticsTests
{
    private static double[] Autoregressive(int length, double memory, int seed)
    {
        double[] noise = Gaussians.Standard(length, 1, seed);
        double scale = Math.Sqrt(1 - memory * memory);
        for (int index = 1; index < length; index++)
            noise[index] = memory * noise[index - 1] + scale * noise[index];
        return noise;
    }

    [Fact]
    public void AutocorrelationOfAKnownChainDecaysGeometrically()
    {
        double[] mean = new double[6];
        for (int seed = 0; seed < 10; seed++)
        {
            double[] correlation = ChainDiagnostics.Autocorrelation(Autoregressive(10_000, 0.7, seed), 5);
            for (int lag = 0; lag <= 5; lag++)
                mean[lag] += correlation[lag] / 10;
        }
        for (int lag = 0; lag <= 5; lag++)
            Assert.Equal(Math.Pow(0.7, lag), mean[lag], 0.02);
        // Sum of squares 4; neighbouring products are 0; at lag 2 they are -1 three times.
        Assert.Equal([1, 0, -0.75], ChainDiagnostics.Autocorrelation([1, 0, -1, 0, 1, 0, -1, 0], 2));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    [InlineData(-0.3)]
    public void EffectiveSizeOfAnAutoregressionIsItsFormula(double memory)
    {
        const int chains = 4, length = 5000, seeds = 5;
        double mean = 0;
        for (int seed = 0; seed < seeds; seed++)
            mean += ChainDiagnostics.EffectiveSampleSize(
                [.. Enumerable.Range(0, chains).Select(chain => Autoregressive(length, memory, 100 * seed + chain))]) / seeds;
        double expected = chains * length * (1 - memory) / (1 + memory);
        Assert.InRange(mean / expected, 0.88, 1.12);
    }

    [Fact]
    public void AgreeingChainsHaveRHatOneAndDisagreeingOnesNot()
    {
        double[][] good = [.. Enumerable.Range(0, 4).Select(static chain => Gaussians.Standard(1000, 1, chain))];
        Assert.InRange(ChainDiagnostics.RankNormalisedRHat(good), 0.999, 1.01);
        Assert.InRange(ChainDiagnostics.SplitRHat(good), 0.999, 1.01);
        double[][] shifted = [.. good.Select(static (chain, index) => index == 0 ? chain.Select(static value => value + 2).ToArray() : chain)];
        Assert.True(ChainDiagnostics.RankNormalisedRHat(shifted) > 1.2);
        // Equal means and different scales: only the folded draws see it.
        double[][] scaled = [.. good.Select(static (chain, index) => index == 0 ? chain.Select(static value => 5 * value).ToArray() : chain)];
        Assert.True(ChainDiagnostics.SplitRHat(scaled) < 1.02);
        Assert.True(ChainDiagnostics.RankNormalisedRHat(scaled) > 1.1);
        // A trend within one chain is seen by splitting.
        Assert.True(ChainDiagnostics.SplitRHat([[.. Enumerable.Range(0, 100).Select(static index => (double)index)]]) > 1.5);
    }

    [Fact]
    public void RanksIgnoreMonotoneTransforms()
    {
        double[][] chains = [.. Enumerable.Range(0, 3).Select(static chain => Autoregressive(500, 0.5, chain))];
        double[][] heavy = [.. chains.Select(static chain => chain.Select(static value => Math.Sinh(3 * value)).ToArray())];
        Assert.Equal(ChainDiagnostics.BulkEffectiveSampleSize(chains), ChainDiagnostics.BulkEffectiveSampleSize(heavy), 1e-9);
        Assert.Equal(ChainDiagnostics.TailEffectiveSampleSize(chains), ChainDiagnostics.TailEffectiveSampleSize(heavy), 1e-9);
    }

    [Fact]
    public void SplitRHatOfSmallChainsIsThatOfTheDefinition()
    {
        // Halves [0, 2], [4, 6]: within variance 2, means 1 and 5, so (2 / 2 + 8) / 2 = 4.5.
        Assert.Equal(Math.Sqrt(4.5), ChainDiagnostics.SplitRHat([[0, 2, 4, 6]]), 1e-14);
    }

    [Fact]
    public void ConstantAndUnusableChainsAreHandled()
    {
        Assert.Equal(1, ChainDiagnostics.SplitRHat([[3, 3, 3, 3], [3, 3, 3, 3]]));
        Assert.Equal(double.PositiveInfinity, ChainDiagnostics.RankNormalisedRHat([[1, 1, 1, 1], [2, 2, 2, 2]]));
        Assert.Equal(8, ChainDiagnostics.EffectiveSampleSize([[3, 3, 3, 3], [3, 3, 3, 3]]));
        Assert.Throws<ArgumentException>(() => ChainDiagnostics.SplitRHat([[1, 2, 3]]));
        Assert.Throws<ArgumentException>(() => ChainDiagnostics.SplitRHat([[1, 2, 3, 4], [1, 2, 3, 4, 5]]));
        Assert.Contains("Draw 2 of chain 0", Assert.Throws<ArgumentException>(() => ChainDiagnostics.SplitRHat([[1, 2, double.NaN, 4]])).Message);
        Assert.Throws<ArgumentException>(() => ChainDiagnostics.Autocorrelation([1, 1], 1));
    }
}
