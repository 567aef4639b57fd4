using Monge.Engine.Arrays;
using Monge.Measures;
using Monge.Methods;

namespace Monge.Tests.Methods;

public class SampleWarningsTests
{
    private static readonly TransportProblem s_problem = new()
    {
        Target = TargetLibrary.Get("gmm9"),
        Base = GaussianBase.Isotropic(2),
        Offset = 0,
        TargetExponent = 1,
        BaseExponent = 1,
        Stiffness = 40,
        TargetBox = [2, 3],
        Source = "",
    };

    [Theory]
    [InlineData(6.3, true)]
    [InlineData(6.5, true)]
    [InlineData(3.1, false)]
    public void AStepIsUnstableWhenItPassesTwiceTheInverseCurvature(double diffusion, bool unstable)
    {
        // The curvature is largest at t = 1: 40.001, so 64 steps bear a diffusion of 2 * 64 / 40 = 3.2.
        var warnings = SampleWarnings.UnstableStep(s_problem, 64, diffusion).ToArray();
        Assert.Equal(unstable ? 1 : 0, warnings.Length);
        Assert.All(warnings, w => Assert.Contains("lower the option diffusion to at most 3.2", w.Advice, StringComparison.Ordinal));
        Assert.Empty(SampleWarnings.UnstableStep(s_problem, 64, null));
    }

    [Fact]
    public void WeightOutsideTheTrainedRegionIsTold()
    {
        var positions = NdArray<double>.From([0.1, 0.2, 3.1, 0, 0, 4.4], 3, 2);
        Assert.Contains(
            "4.0 % of the weight lies outside the region in which the drift was trained",
            Assert.Single(SampleWarnings.LeftRegion(s_problem, positions, [0.9, 0.04, 0.06])).Message.Replace("4.0%", "4.0 %", StringComparison.Ordinal),
            StringComparison.Ordinal);
        Assert.Empty(SampleWarnings.LeftRegion(s_problem, positions, [0.999, 0.001, 0]));
    }

    // 1.2^20 is 38, 1.8^20 is 127,000.
    [Theory]
    [InlineData(1.2, false)]
    [InlineData(1.8, true)]
    public void Modes_beside_which_a_narrow_one_may_be_missed_are_told(double wider, bool warned)
    {
        const int d = 20;
        FoundMode Mode(double at, double width)
        {
            double[] place = [at, .. new double[d - 1]];
            return new FoundMode(place, GaussianBase.Diagonal(place, [.. Enumerable.Repeat(width, d)]), 0);
        }

        var target = Density.Create("two", d, x => -0.5 * x.SquaredNorm(), new DensityOptions
        {
            Base = BaseSuggestion.Isotropic(d, 1, 4, "given", false) with { Modes = new FoundModes([Mode(0, 1), Mode(100, wider)], 10_000) },
        });
        var told = SampleWarnings.UnequalModes(target).ToArray();
        Assert.Equal(warned ? 1 : 0, told.Length);
        Assert.All(told, w => Assert.Contains("may miss a mode of deviations about 1 or less", w.Message, StringComparison.Ordinal));
    }
}
