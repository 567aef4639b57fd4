using Monge.OptimalTransport;

namespace Monge.Tests.OptimalTransport;

public sealed class SinkhornTests
{
    private static double Cost(double[] x, int i, double[] y, int j, int dimension, GroundCost cost)
    {
        double sum = 0;
        for (int axis = 0; axis < dimension; axis++)
            sum += (x[i * dimension + axis] - y[j * dimension + axis]) * (x[i * dimension + axis] - y[j * dimension + axis]);
        return cost == GroundCost.Euclidean ? Math.Sqrt(sum) : sum;
    }

    [Theory]
    [InlineData(GroundCost.SquaredEuclidean, 1)]
    [InlineData(GroundCost.Euclidean, 2)]
    public void ThePlanOfThePotentialsHasTheMarginalsAndTheCosts(GroundCost cost, int seed)
    {
        const int n = 37, m = 51, dimension = 3;
        double[] x = Gaussians.Standard(n, dimension, seed), y = Gaussians.Standard(m, dimension, seed + 10);
        double[] logA = Gaussians.Standard(n, 1, seed + 20), logB = Gaussians.Standard(m, 1, seed + 30);
        logA[3] = double.NegativeInfinity;
        var options = new SinkhornOptions { Epsilon = 0.2, Cost = cost, Tolerance = 1e-10 };
        SinkhornResult result = Sinkhorn.Solve(x, y, dimension, options, logA, logB);
        Assert.True(result.Converged);
        double totalA = logA.Sum(Math.Exp), totalB = logB.Sum(Math.Exp);
        double transport = 0, divergence = 0, rowError = 0;
        var columnMass = new double[m];
        for (int i = 0; i < n; i++)
        {
            double mass = 0;
            for (int j = 0; j < m; j++)
            {
                double c = Cost(x, i, y, j, dimension, cost);
                double logRatio = (result.RowPotentials[i] + result.ColumnPotentials[j] - c) / 0.2;
                double plan = Math.Exp(logA[i] + logB[j] + logRatio) / totalA / totalB;
                transport += plan * c;
                divergence += plan * logRatio;
                mass += plan;
                columnMass[j] += plan;
            }
            rowError += Math.Abs(mass - Math.Exp(logA[i]) / totalA);
        }
        Assert.Equal(result.MarginalError, rowError, 1e-12);
        for (int j = 0; j < m; j++)
            Assert.Equal(Math.Exp(logB[j]) / totalB, columnMass[j], 1e-13);
        Assert.Equal(transport, result.TransportCost, 1e-10);
        Assert.Equal(transport + 0.2 * divergence, result.EntropicCost, 1e-9);
    }

    [Theory]
    [InlineData(GroundCost.SquaredEuclidean, 2)]
    [InlineData(GroundCost.Euclidean, 1)]
    public void TheCostFallsToTheExactOneWithEpsilon(GroundCost cost, double power)
    {
        const int n = 60;
        double[] x = Gaussians.Standard(n, 2, 1), y = Gaussians.Standard(n, 2, 2);
        double exact = Wasserstein.Exact(x, y, 2, power).MeanCost;
        double previous = double.PositiveInfinity;
        foreach (double epsilon in new[] { 0.3, 0.1, 0.02 })
        {
            SinkhornResult result = Sinkhorn.Solve(
                x, y, 2, new SinkhornOptions { Epsilon = epsilon, Cost = cost, Tolerance = 1e-7, MaximumIterations = 20_000 });
            Assert.True(result.Converged, $"epsilon {epsilon}: error {result.MarginalError} after {result.Iterations}");
            // exact <= transport cost <= entropic cost <= exact + epsilon log n
            Assert.InRange(result.TransportCost, exact - 1e-5, previous);
            Assert.InRange(result.EntropicCost, result.TransportCost, exact + epsilon * Math.Log(n));
            previous = result.TransportCost;
        }
        Assert.InRange(previous, exact - 1e-5, exact * 1.03);
    }

    [Fact]
    public void EntropicTransportOfTwoPointsIsExact()
    {
        // Two points against the same two points: the plan is [p, 1/2 - p] with p / (1/2 - p) = exp(c / eps).
        const double epsilon = 0.5;
        SinkhornResult result = Sinkhorn.Solve([0, 1], [0, 1], 1, new SinkhornOptions { Epsilon = epsilon, Tolerance = 1e-13 });
        double crossing = 1 / (1 + Math.Exp(1 / epsilon));
        Assert.Equal(crossing, result.TransportCost, 1e-12);
    }

    [Fact]
    public void TheDivergenceOfEqualSetsVanishesAndOfATranslationIsItsSquare()
    {
        double[] x = Gaussians.Standard(60, 2, 3);
        double[] shifted = [.. x.Select((value, index) => value + (index % 2 == 0 ? 0.6 : 0.8))];
        double[] logWeights = Gaussians.Standard(60, 1, 4);
        var options = new SinkhornOptions { Epsilon = 0.2, Tolerance = 1e-9, MaximumIterations = 20_000 };
        SinkhornDivergence equal = Sinkhorn.Divergence(x, x, 2, options, logWeights, logWeights);
        Assert.True(equal.Converged);
        Assert.Equal(0, equal.Value, 1e-9);
        // For the squared cost a translation adds |shift|^2 to the entropic cost and nothing else.
        SinkhornDivergence moved = Sinkhorn.Divergence(x, shifted, 2, options);
        Assert.True(moved.Converged);
        Assert.Equal(1, moved.Value, 1e-8);
        Assert.True(Sinkhorn.Divergence(x, Gaussians.Standard(60, 2, 5), 2, options).Value > 1e-4);
    }

    [Fact]
    public void StoredAndRecomputedCostsGiveTheSameBits()
    {
        double[] x = Gaussians.Standard(130, 5, 1), y = Gaussians.Standard(77, 5, 2);
        var options = new SinkhornOptions { Epsilon = 0.3, Cost = GroundCost.Euclidean };
        SinkhornResult stored = Sinkhorn.Solve(x, y, 5, options);
        SinkhornResult recomputed = Sinkhorn.Solve(x, y, 5, options with { StoredCostLimit = 0 });
        Assert.Equal(stored.RowPotentials, recomputed.RowPotentials);
        Assert.Equal(stored.TransportCost, recomputed.TransportCost);
        Assert.Equal(stored.Iterations, recomputed.Iterations);
    }

    [Fact]
    public void AnEarlyStopSaysSo()
    {
        double[] x = Gaussians.Standard(50, 2, 1), y = [.. Gaussians.Standard(50, 2, 2).Select(static value => 3 * value)];
        SinkhornResult result = Sinkhorn.Solve(x, y, 2, new SinkhornOptions { Epsilon = 1e-3, MaximumIterations = 5 });
        Assert.False(result.Converged);
        Assert.True(result.MarginalError > 1e-4);
        Assert.True(result.Iterations <= 5);
    }

    [Fact]
    public void HugeAndTinyScalesNeitherOverflowNorVanish()
    {
        foreach (double scale in new[] { 1e-60, 1, 1e60 })
        {
            double[] x = [.. Gaussians.Standard(40, 2, 1).Select(value => value * scale)], y = [.. Gaussians.Standard(40, 2, 2).Select(value => value * scale)];
            SinkhornResult result = Sinkhorn.Solve(x, y, 2, new SinkhornOptions { Epsilon = 0.1 * scale * scale });
            Assert.True(result.Converged);
            SinkhornResult unit = Sinkhorn.Solve(Gaussians.Standard(40, 2, 1), Gaussians.Standard(40, 2, 2), 2, new SinkhornOptions { Epsilon = 0.1 });
            Assert.Equal(unit.EntropicCost, result.EntropicCost / scale / scale, 1e-3 * unit.EntropicCost);
        }
        Assert.Throws<ArithmeticException>(() => Sinkhorn.Solve([0, 1e200], [0, -1e200], 1));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(1003)]
    public void LogSumExpIsThatOfTheDefinition(int count)
    {
        for (int seed = 0; seed < 3; seed++)
        {
            double[] shift = Gaussians.Standard(count, 1, seed), cost = [.. Gaussians.Standard(count, 1, seed + 9).Select(static value => value * value)];
            foreach (double offset in new[] { -1e4, 0, 1e4 })
            {
                double[] moved = [.. shift.Select(value => value + offset)];
                double expected = offset + Math.Log(shift.Zip(cost, static (h, c) => Math.Exp(h - 1.7 * c)).Sum());
                Assert.Equal(expected, LogSumExp.Of(moved, cost, 1.7), 1e-14 * (10 + 200 * Math.Abs(offset)) / 10);
            }
        }
        Assert.Equal(double.NegativeInfinity, LogSumExp.Of([double.NegativeInfinity], [1.0], 1));
    }

    [Fact]
    public void OptionsOutOfRangeAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Sinkhorn.Solve([0], [0], 1, new SinkhornOptions { Epsilon = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Sinkhorn.Solve([0], [0], 1, new SinkhornOptions { ScalingFactor = 1 }));
        Assert.Throws<ArgumentException>(() => Sinkhorn.Solve([0, 1], [0], 1, null, [0]));
    }
}
