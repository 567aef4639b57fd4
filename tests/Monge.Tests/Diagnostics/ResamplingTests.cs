using Monge.Diagnostics;
using Monge.Engine.Random;

namespace Monge.Tests.Diagnostics;

public class ResamplingTests
{
    private static readonly double[] s_weights = [0.05, 0, 0.4, 0.25, 0, 0.3];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void EachSampleIsTakenItsExpectedNumberOfTimesOrOneOffAndRightOnAverage(ulong seed)
    {
        const int rounds = 4000;
        var means = new double[s_weights.Length];
        for (var round = 0; round < rounds; round++)
        {
            var chosen = Resampling.Systematic(s_weights, 7, new RandomStream(seed + (ulong)round, 3));
            Assert.Equal(chosen.Order(), chosen);
            for (var i = 0; i < s_weights.Length; i++)
            {
                var times = chosen.Count(c => c == i);
                Assert.InRange(times, Math.Floor(7 * s_weights[i]), Math.Ceiling(7 * s_weights[i]));
                means[i] += times / (double)rounds;
            }
        }

        // The number of times has a standard deviation of at most 1/2.
        Assert.All(Enumerable.Range(0, means.Length), i => Assert.Equal(7 * s_weights[i], means[i], 4 * 0.5 / Math.Sqrt(rounds)));
    }

    [Fact]
    public void UnusableWeightsAreRefused()
    {
        Assert.Throws<ArgumentException>(() => Resampling.Systematic([0.0, 0], 2, new RandomStream(1)));
        Assert.Throws<ArgumentException>(() => Resampling.Systematic([1, double.NaN], 2, new RandomStream(1)));
    }
}
