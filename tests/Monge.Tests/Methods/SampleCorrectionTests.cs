using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.Methods;

public class SampleCorrectionTests
{
    private const int Samples = 2000;

    private static readonly Density s_target = Density.Create("wide", 2, x => (-0.5 * x[0].Square()) - (0.5 * ((x[1] - 3) / 5).Square()));

    private static SampleSet Set(double[] positions, double[] logWeights, Density? target = null)
    {
        var weights = ImportanceWeights.FromLogWeights(logWeights);
        return new SampleSet
        {
            Positions = positions,
            UnconstrainedPositions = positions,
            LogWeights = logWeights,
            Names = ["a", "b"],
            Target = (target ?? s_target).Name,
            LogZ = weights.LogNormaliser,
            LogZError = weights.LogNormaliserError,
            EffectiveSampleSize = weights.EffectiveSampleFraction,
            Elbo = weights.Elbo,
            Warnings = [],
            Method = "none",
            Options = "{}",
            Sampler = "by hand",
            Preparation = "none",
            Seed = 3,
            Version = "0",
            TrainSeconds = 0,
            SampleSeconds = 0,
            Iterations = 0,
            TargetCalls = 10,
        };
    }

    private static double[] Draw(ulong seed, double scale)
    {
        var random = new RandomStream(seed);
        return [.. Enumerable.Range(0, 2 * Samples).Select(i => i % 2 == 0 ? scale * random.NextNormal() : 3 + (5 * scale * random.NextNormal()))];
    }

    [Fact]
    public void ResamplingKeepsMeansAndLogZAndMakesTheWeightsEqual()
    {
        var positions = Draw(1, 1);
        double[] logWeights = [.. Enumerable.Range(0, Samples).Select(i => 2 + (0.5 * positions[2 * i]))];
        var set = Set(positions, logWeights);
        var equal = set.Resample();
        Assert.Equal((set.LogZ, set.LogZError, set.EffectiveSampleSize), (equal.LogZ, equal.LogZError, equal.EffectiveSampleSize));
        Assert.All(equal.LogWeights, w => Assert.Equal(set.LogZ, w));
        Assert.Equal(set.Mean()[0], equal.Mean()[0], 0.1);
        Assert.Contains("resampled", equal.Correction, StringComparison.Ordinal);
        Assert.NotEqual(equal.Positions, set.Resample(99).Positions);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void RefiningLeavesTheTargetInvariantAndMendsNarrowSamples(ulong seed)
    {
        foreach (var (scale, steps) in new[] { (1.0, 30), (0.6, 60) })
        {
            var refined = Set(Draw(seed, scale), new double[Samples]).Refine(s_target, steps, seed);
            var (mean, deviation) = (refined.Mean(), refined.StandardDeviation());
            Assert.Equal(0, mean[0], 4 / Math.Sqrt(Samples));
            Assert.Equal(3, mean[1], 20 / Math.Sqrt(Samples));
            Assert.Equal(1, deviation[0], 0.07);
            Assert.Equal(5, deviation[1], 0.35);
            Assert.Contains($"{steps} Metropolis-adjusted Langevin steps", refined.Correction, StringComparison.Ordinal);
            Assert.True(refined.TargetCalls > Samples * steps);
        }
    }

    [Fact]
    public void SamplesOfAnotherTargetAreRefused() =>
        Assert.Throws<ArgumentException>(() => Set(Draw(1, 1), new double[Samples]).Refine(Density.Create("line", 1, x => -0.5 * x.SquaredNorm()), 1));

    [Fact]
    public void DistancesAndCoverageTellACollapsedSetFromAnExactOne()
    {
        var target = TargetLibrary.Get("gmm9");
        var exact = target.Facts.ExactSampler!(Samples, new RandomStream(7));
        var random = new RandomStream(8);
        double[] collapsed = [.. Enumerable.Range(0, 2 * Samples).Select(_ => Math.Sqrt(0.3) * random.NextNormal())];
        var good = SampleDiagnostics.Compute(Set(exact, new double[Samples], target), target);
        var bad = SampleDiagnostics.Compute(Set(collapsed, new double[Samples], target), target);
        Assert.Equal(5, good.Distances.Count);
        Assert.All(good.Distances, d => Assert.InRange(d.Excess, -6, 6));
        Assert.All(bad.Distances.Take(4), d => Assert.True(d.Excess > 10, d.ToString()));
        Assert.True(Math.Abs(good.Modes!.Coverage - good.ExactModeCoverage!.Value.Mean) < 5 * double.Hypot(
            good.Modes.CoverageError, good.ExactModeCoverage.Value.Spread));
        Assert.Equal(0, bad.Modes!.Coverage, 6);
    }
}
