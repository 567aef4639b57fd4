using Monge.Diagnostics;
using Monge.Engine.Random;

namespace Monge.Tests.Diagnostics;

/// <summary>The divergence of two Gaussians on the line, from samples.</summary>
public sealed class SymmetricDivergenceTests
{
    [Theory]
    [InlineData(0.0, 1.0)]
    [InlineData(0.3, 1.2)]
    [InlineData(2.0, 0.5)]
    public void The_estimate_is_right_within_its_error_for_most_seeds(double mean, double deviation)
    {
        var forward = Math.Log(deviation) + ((1 + (mean * mean)) / (2 * deviation * deviation)) - 0.5;
        var backward = -Math.Log(deviation) + (((deviation * deviation) + (mean * mean)) / 2) - 0.5;
        double Ratio(double x) => Math.Log(deviation) - (0.5 * x * x) + (0.5 * (x - mean) * (x - mean) / (deviation * deviation));
        var outside = 0;
        for (var seed = 1UL; seed <= 20; seed++)
        {
            var random = new RandomStream(seed, StreamName.Of("divergence test"));
            var estimate = SymmetricDivergence.Estimate(
                [.. Enumerable.Range(0, 4000).Select(_ => Ratio(random.NextNormal()))],
                [.. Enumerable.Range(0, 4000).Select(_ => Ratio(mean + (deviation * random.NextNormal())))]);
            Assert.Equal(estimate.Forward + estimate.Backward, estimate.Value, 1e-15);
            outside += Math.Abs(estimate.Forward - forward) > (3 * estimate.ForwardError) + 1e-12 ? 1 : 0;
            outside += Math.Abs(estimate.Backward - backward) > (3 * estimate.BackwardError) + 1e-12 ? 1 : 0;
        }

        Assert.InRange(outside, 0, 4);
    }

    [Fact]
    public void Near_laws_scatter_little()
    {
        var random = new RandomStream(1, StreamName.Of("divergence test"));
        const double shift = 0.01;
        var (value, error) = SymmetricDivergence.Directed(
            [.. Enumerable.Range(0, 10_000).Select(_ => random.NextNormal()).Select(x => (0.5 * shift * shift) - (shift * x))]);
        Assert.Equal(0.5 * shift * shift, value, 5e-6);
        Assert.InRange(error, 0, 2e-6);
    }

    [Fact]
    public void A_law_that_has_no_density_at_a_sample_is_infinitely_far() =>
        Assert.Equal((double.PositiveInfinity, 0), SymmetricDivergence.Directed([0.1, double.PositiveInfinity, 0.2]));

    [Fact]
    public void Too_few_samples_are_refused() => Assert.Contains(
        "three or more", Assert.Throws<ArgumentException>(() => SymmetricDivergence.Directed([0.1, 0.2])).Message, StringComparison.Ordinal);
}
