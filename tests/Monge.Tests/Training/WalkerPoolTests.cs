using Monge.Engine.Arrays;
using Monge.Training;

namespace Monge.Tests.Training;

public sealed class WalkerPoolTests
{
    [Fact]
    public void KeepsPositionsWeightsAndDeviationsOfANode()
    {
        var pool = new WalkerPool<double>(nodes: 2, walkers: 2, dimension: 2, lostAt: 100);
        pool.Keep(1, 0.5, NdArray<double>.From([1, 2, 3, 6], 2, 2), fallback: 0, NdArray<double>.From([-1, 0.25], 2));
        Assert.Equal([0, 0.5], pool.Times.Span.ToArray());
        Assert.Equal([3, 6], pool.Position(1, 1).ToArray());
        Assert.Equal([-1, 0.25], pool.LogWeights.Span[2..].ToArray());
        Assert.Equal([1, 2], pool.Deviations.Row(1).ToArray());
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.NegativeInfinity)]
    [InlineData(101)]
    public void ALostWalkerTakesItsPlaceOfAnotherNodeAndWeighsNothing(double far)
    {
        var pool = new WalkerPool<double>(nodes: 2, walkers: 2, dimension: 1, lostAt: 100);
        pool.Keep(0, 0, NdArray<double>.From([7, 8], 2, 1), fallback: 0);
        pool.Keep(1, 1, NdArray<double>.From([9, far], 2, 1), fallback: 0);
        Assert.Equal([9, 8], new[] { pool.Position(1, 0)[0], pool.Position(1, 1)[0] });
        Assert.Equal([0, double.NegativeInfinity], pool.LogWeights.Span[2..].ToArray());
    }
}
