using Monge.Diagnostics;
using Monge.Measures;
using Monge.OptimalTransport;
using Monge.Tests.OptimalTransport;

namespace Monge.Tests.Diagnostics;

public sealed class ModeWeightsTests
{
    private static readonly double[] NinePositions =
        [.. from x in new[] { -5.0, 0, 5 } from y in new[] { -5.0, 0, 5 } from value in new[] { x, y } select value];

    [Fact]
    public void ExactSamplesFillNineModesWithinTheirErrors()
    {
        double score = 0;
        const int seeds = 10;
        for (int seed = 0; seed < seeds; seed++)
        {
            ModeWeights modes = ModeWeights.Compute(Gaussians.NineModes(3000, seed), 2, 9, ModeWeights.NearestMode(NinePositions, 2));
            Assert.True(modes.Status.IsSuccess);
            Assert.Equal(1, modes.Weights.Sum(), 1e-12);
            Assert.True(modes.Coverage is > 0.99 and <= 1);
            score += modes.Weights.Zip(modes.Errors, static (weight, error) => Math.Pow((weight - 1.0 / 9) / error, 2)).Average() / seeds;
        }
        // 80 degrees of freedom in all (the weights of a set add to one).
        Assert.InRange(score, 1 - 4 * Math.Sqrt(2.0 / 80), 1 + 4 * Math.Sqrt(2.0 / 80));
    }

    [Fact]
    public void WeightsSignsAndMissingModesAreCounted()
    {
        double[] samples = [1, 9, 1, 1, 9, -1, -1, 9, -1];
        ModeWeights modes = ModeWeights.Compute(samples, 3, 4, ModeWeights.SignPattern(0, 2), [Math.Log(2), 0, 0]);
        Assert.Equal([0.25, 0.25, 0, 0.5], modes.Weights.Select(static weight => Math.Round(weight, 14)));
        Assert.Equal(0.75, modes.Coverage, 1e-14);
        Assert.Contains("1 of 4 modes hold no weight (mode 2)", modes.Status.Message);
        ModeWeights binomial = ModeWeights.Compute([1, 1, 1, -1], 1, 2, ModeWeights.SignPattern(0));
        Assert.Equal(Math.Sqrt(0.75 * 0.25 / 3), binomial.Errors[0], 1e-14);
        ModeWeights none = ModeWeights.Compute([1, 2], 1, 3, static _ => -1);
        Assert.Equal((1.0, 0.0), (none.Unassigned, none.Coverage));
        Assert.Throws<ArgumentException>(() => ModeWeights.Compute([1], 1, 2, static _ => 2));
    }

    [Fact]
    public void ExactSamplesSitAtTheFloorAndCollapsedOnesDoNot()
    {
        static double Distance(double[] x, double[] y) => Wasserstein.Exact(x, y, 2, power: 1).MeanCost;
        ExactSampler sampler = static (count, seed) => Gaussians.NineModes(count, seed);
        DistanceWithFloor exact = DistanceWithFloor.Compute(Gaussians.NineModes(300, 999), 2, sampler, Distance, "W1");
        Assert.InRange(exact.Ratio, 0.6, 1.6);
        Assert.Equal(exact.Value / exact.Floor, exact.Ratio);
        Assert.Equal((300, "W1"), (exact.Samples, exact.Cost));
        DistanceWithFloor collapsed = DistanceWithFloor.Compute(Gaussians.Standard(300, 2, 1), 2, sampler, Distance, "W1");
        Assert.True(collapsed.Ratio > 3 && !collapsed.IsAtFloor, collapsed.ToString());
        Assert.Contains("ratio", collapsed.ToString());
        Assert.Throws<ArgumentException>(() => DistanceWithFloor.Compute([1, 2], 2, static (_, _) => [1], Distance, "W1"));
    }

    [Fact]
    public void ErrorsOfDependentGroupsAreThoseOfTheirSpread()
    {
        // Four groups whose samples all agree: as good as four samples, of which three lie in mode 1.
        double[] samples = [.. Enumerable.Range(0, 400).Select(i => i < 100 ? -1.0 : 1.0)];
        ModeWeights modes = ModeWeights.Compute(samples, 1, 2, ModeWeights.SignPattern(0), groups: 4);
        Assert.Equal(0.75, modes.Weights[1], 12);
        Assert.Equal(Math.Sqrt(0.75 * 0.25 / 3), modes.Errors[1], 12);
        ModeWeights independent = ModeWeights.Compute(samples, 1, 2, ModeWeights.SignPattern(0));
        Assert.Equal(Math.Sqrt(0.75 * 0.25 / 399), independent.Errors[1], 3);
        Assert.True(modes.CoverageError > 5 * independent.CoverageError);
    }
}
