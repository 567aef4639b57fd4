using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.MonteCarlo;

namespace Monge.Tests.MonteCarlo;

public sealed class LangevinChainsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void LargeStepsStillLeadToTheExactVariance(ulong seed)
    {
        const int chains = 4000;
        using var langevin = new LangevinChains(1, x => -2 * x[0].Square(), chains, 1, 2, new ExecutionOptions());
        langevin.Start(new double[chains]);
        var accepted = langevin.Advance(60, 0.3, new DrawKey(seed));
        var square = 0.0;
        foreach (var x in langevin.Positions.Span)
        {
            square += x * x / chains;
        }

        // The unadjusted algorithm would have the variance 1 / (4 - 0.3 * 8) = 0.625 instead of 0.25; the standard error is 0.0056.
        Assert.InRange(accepted, 0.3, 0.95);
        Assert.Equal(0.25, square, 0.025);
    }
}
