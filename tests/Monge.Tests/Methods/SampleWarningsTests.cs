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
}
