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
        double[] draws =
            [.. Enumerable.Range(0, 4000).Select(_ => random.NextDouble()).Select(u => shape == 0 ? -3 * Math.Log(u) : 3 * (Math.Pow(u, -shape) - 1) / shape)];
        Array.Sort(draws);
        var tail = ParetoTail.FitExceedances(draws);
        Assert.Equal(shape, tail.Shape, 0.08);
        Assert.Equal(3, tail.Scale, 0.3);
    }

    [Theory]
    [InlineData(-0.3)]
    [InlineData(0)]
    [InlineData(0.5)]
    [InlineData(0.8)]
    public void TheTailsSquaredDeviationIsTheIntegralOverItsCutLaw(double shape)
    {
        var tail = new ParetoTail(shape, 0, 0.2, 100) { Threshold = 0.3 };
        const int points = 400_000;
        var (cut, sum) = (-Math.Log(0.99) / 100, 0.0);
        for (var i = 0; i < points; i++)
        {
            // Levels spaced evenly in log s, from the cut to 1.
            var s = Math.Exp((i + 0.5) / points * Math.Log(cut));
            var exceedance = shape == 0 ? -0.2 * Math.Log(s) : 0.2 * (Math.Pow(s, -shape) - 1) / shape;
            sum += Math.Pow(((0.3 + exceedance) / 0.1) - 1, 2) * s * -Math.Log(cut) / points;
        }

        Assert.Equal(1, tail.SquaredDeviation(0.1) / sum, 2e-3);
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

    // Two kinds of weights look like a law of k > 1, whose level at a chance of 1 % would be thousands of times the largest weight.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AFewWeightsThatStandOutAmongEvenOnesDontMakeAnAbsurdError(ulong seed)
    {
        var random = new RandomStream(seed);
        double[] logWeights = [.. Enumerable.Range(0, 10_000).Select(i => i < 30 ? 3 * random.NextDouble() : 0.001 * random.NextNormal())];
        var weights = ImportanceWeights.FromLogWeights(logWeights);
        Assert.True(weights.Tail!.Shape > 1, $"k = {weights.Tail.Shape}");
        var spread = Math.Sqrt(weights.Normalised.Sum(w => Math.Pow((10_000 * w) - 1, 2))) / 10_000;
        Assert.InRange(weights.LogNormaliserError, spread * (1 - 1e-9), 5 * spread);
    }

    // The variance is infinite, and rare large weights are more often absent than present.
    [Fact]
    public void ErrorsHoldTheRareLargeWeightsOfATailWithoutVariance()
    {
        const double shape = 0.65;
        const int repetitions = 600;
        var covered = 0;
        for (ulong seed = 1; seed <= repetitions; seed++)
        {
            var random = new RandomStream(seed);
            var weights = ImportanceWeights.FromLogWeights(
                [.. Enumerable.Range(0, 2000).Select(_ => (-shape * Math.Log(random.NextDouble())) + Math.Log(1 - shape))]);
            covered += Math.Abs(weights.LogNormaliser) <= 1.959964 * weights.LogNormaliserError ? 1 : 0;
        }

        Assert.InRange(covered / (double)repetitions, 0.87, 0.99);
    }
}
