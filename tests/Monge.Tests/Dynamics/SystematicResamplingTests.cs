using Monge.Dynamics;

namespace Monge.Tests.Dynamics;

public class SystematicResamplingTests
{
    private static readonly double[] s_weights = [0.05, 0, 0.37, 0.2, 0.38];

    private static double[] LogWeights => [.. s_weights.Select(w => Math.Log(w) + 700)];

    [Fact]
    public void EachParticleIsCopiedItsShareRoundedUpOrDown()
    {
        for (var u = 0.0; u < 1; u += 0.01)
        {
            var ancestors = SystematicResampling.Ancestors(LogWeights, u);
            Assert.Equal(5, ancestors.Length);
            for (var i = 0; i < 5; i++)
            {
                Assert.InRange(ancestors.Count(a => a == i), Math.Floor((5 * s_weights[i]) + 1e-12), Math.Ceiling((5 * s_weights[i]) - 1e-12));
            }
        }
    }

    [Fact]
    public void TheMeanNumberOfCopiesIsTheShare()
    {
        var copies = new double[5];
        const int draws = 10_000;
        for (var k = 0; k < draws; k++)
        {
            foreach (var ancestor in SystematicResampling.Ancestors(LogWeights, (k + 0.5) / draws))
            {
                copies[ancestor] += 1.0 / draws;
            }
        }

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(5 * s_weights[i], copies[i], 2e-3);
        }
    }

    [Fact]
    public void UnusableWeightsAreRefused()
    {
        Assert.Throws<ArgumentException>(() => SystematicResampling.Ancestors([], 0.5));
        Assert.Throws<ArgumentException>(() => SystematicResampling.Ancestors([double.NegativeInfinity, double.NegativeInfinity], 0.5));
        Assert.Throws<ArgumentException>(() => SystematicResampling.Ancestors([0, double.NaN], 0.5));
        Assert.Equal([1, 1], SystematicResampling.Ancestors([double.NegativeInfinity, 0], 0));
        Assert.Equal([0, 0], SystematicResampling.Ancestors([0, double.NegativeInfinity], 0.999999999999));
    }
}
