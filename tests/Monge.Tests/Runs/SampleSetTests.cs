using Monge.Diagnostics;
using Monge.Runs;

namespace Monge.Tests.Runs;

public class SampleSetTests
{
    // Three samples in the plane with weights 0.5, 0.3, 0.2.
    private static SampleSet Set() => new()
    {
        Positions = [1, 10, 2, 20, 4, 0],
        UnconstrainedPositions = [1, 10, 2, 20, 4, 0],
        LogWeights = [Math.Log(5) - 700, Math.Log(3) - 700, Math.Log(2) - 700],
        Names = ["a", "b"],
        Target = "three",
        LogZ = Math.Log(10.0 / 3) - 700,
        LogZError = 0.1,
        EffectiveSampleSize = 1 / (3 * 0.38),
        Elbo = -699,
        Warnings = [Status.Warn("too few", "draw more")],
        Method = "none",
        Options = "{}",
        Sampler = "by hand",
        Preparation = "none",
        Seed = 1,
        Version = "0",
        TrainSeconds = 0,
        SampleSeconds = 0,
        Iterations = 0,
    };

    [Fact]
    public void AFailureIsTheStatusWhereverItStands()
    {
        var set = Set() with { Warnings = [Status.Warn("too few", "draw more"), Status.Fail("of no use", "train longer")] };
        Assert.True(set.IsFailed);
        Assert.Equal("of no use: train longer", set.Status.Message);
        Assert.Contains("log Z >= -698.7960   ELBO", set.Summary(), StringComparison.Ordinal);
        Assert.False(Set().IsFailed);
    }

    [Fact]
    public void EstimatesAreWeighted()
    {
        var set = Set();
        Assert.Equal([0.5, 0.3, 0.2], set.NormalizedWeights().Select(w => Math.Round(w, 12)));
        Assert.Equal(1.9, set.Mean()[0], 12);
        Assert.Equal(11, set.Mean()[1], 12);
        Assert.Equal(Math.Sqrt((0.5 * 0.81) + (0.3 * 0.01) + (0.2 * 4.41)), set.StandardDeviation()[0], 12);
        Assert.Equal([1, 10], set.Quantile(0.5 - 1e-9));
        Assert.Equal([2, 10], set.Quantile(0.6));
        Assert.Equal([4, 20], set.Quantile(1));
        Assert.Equal([1, 0], set.Quantile(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => set.Quantile(1.1));
    }

    [Fact]
    public void SummaryShowsTheFirstWarningsAndStatusIsTheFirst()
    {
        Assert.Contains("too few: draw more", Set().Summary(), StringComparison.Ordinal);
        Assert.Equal("too few", Set().Status.Cause);
    }
}
