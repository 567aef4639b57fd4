using Monge.Diagnostics;
using Monge.Engine.Random;

namespace Monge.Tests.Diagnostics;

public class ParetoTailTests
{
    // w = U^-k has a Pareto tail of shape k exactly.
    [Theory]
    [InlineData(0.2, 1)]
    [InlineData(0.5, 2)]
    [InlineData(0.5, 3)]
    [InlineData(1.0, 4)]
    [InlineData(1.5, 5)]
    public void TheShapeOfParetoWeightsIsFound(double shape, ulong seed)
    {
        var random = new RandomStream(seed);
        double[] logWeights = [.. Enumerable.Range(0, 10_000).Select(_ => -shape * Math.Log(random.NextDouble()))];
        var tail = ParetoTail.Fit(logWeights)!;
        Assert.Equal(300, tail.TailCount);
        Assert.InRange(tail.ShapeError, 0.01, 0.16);
        Assert.True(Math.Abs(tail.Shape - shape) < 3.5 * tail.ShapeError, $"k = {tail.Shape} +- {tail.ShapeError}, exact {shape}");
    }

    [Theory]
    [InlineData(-0.4, 1)]
    [InlineData(0.0, 2)]
    [InlineData(0.7, 3)]
    public void ExceedancesGiveBackShapeAndScale(double shape, ulong seed)
    {
        var random = new RandomStream(seed);
        double[] draws = [.. Enumerable.Range(0, 4000).Select(_ => random.NextDouble()).Select(u => shape == 0 ? -3 * Math.Log(u) : 3 * (Math.Pow(u, -shape) - 1) / shape)];
        Array.Sort(draws);
        var tail = ParetoTail.FitExceedances(draws);
        Assert.Equal(shape, tail.Shape, 0.08);
        Assert.Equal(3, tail.Scale, 0.3);
    }

    [Fact]
    public void WeightsWithoutATailHaveNoFit()
    {
        Assert.Null(ParetoTail.Fit(new double[10]));
        Assert.Null(ParetoTail.Fit(new double[1000]));
    }

    [Fact]
    public void AHeavyTailIsToldWithItsShape()
    {
        var random = new RandomStream(1);
        double[] logWeights = [.. Enumerable.Range(0, 10_000).Select(_ => -0.9 * Math.Log(random.NextDouble()))];
        Assert.Contains(ImportanceWeights.FromLogWeights(logWeights).Warnings, w => w.Message.Contains("Pareto k", StringComparison.Ordinal));
    }
}
