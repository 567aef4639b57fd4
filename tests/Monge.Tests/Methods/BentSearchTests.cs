using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Tests.Measures;

namespace Monge.Tests.Methods;

public sealed class BentSearchTests
{
    // A normal law widened 1.2 times in ten dimensions leaves at most 0.61 of the draws effective.
    [Theory]
    [InlineData("funnel-10", 1)]
    [InlineData("funnel-10", 2)]
    [InlineData("funnel-4", 3)]
    [InlineData("hierarchical-funnel-10", 1)]
    [InlineData("banana", 2)]
    public void FunnelsAndRidgesAreStraightened(string name, ulong seed)
    {
        var target = KnownTargets.Get(name);
        var found = BentSearch.Find(Plain(target), 1.1, new Run { Threads = 1, Seed = seed });
        Assert.NotNull(found);
        Assert.InRange(found.Value.Ess, 0.4, 1);
    }

    [Fact]
    public void ANormalLawNeedsNoBend()
    {
        var target = KnownTargets.Get("gaussian-4");
        Assert.Null(BentSearch.Find(Plain(target), 1.1, new Run { Threads = 1 }));
    }

    private static TransportProblem Plain(Density target) => new()
    {
        Target = target,
        Base = target.Base.ToGaussian(1.1),
        Offset = 0,
        TargetExponent = 1,
        BaseExponent = 1,
        Stiffness = 1,
        TargetBox = new double[target.Dimension],
        Source = "",
    };
}
