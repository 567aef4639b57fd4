using Monge.OptimalTransport;

namespace Monge.Tests.OptimalTransport;

public sealed class AssignmentTests
{
    private static double BruteForce(double[] cost, int size, int row = 0, int used = 0)
    {
        if (row == size)
            return 0;
        double best = double.PositiveInfinity;
        for (int column = 0; column < size; column++)
        {
            if ((used & (1 << column)) == 0)
                best = Math.Min(best, cost[row * size + column] + BruteForce(cost, size, row + 1, used | (1 << column)));
        }
        return best;
    }

    private static void AssertOptimal(double[] cost, int size, AssignmentResult result)
    {
        Assert.Equal(Enumerable.Range(0, size), result.ColumnOfRow.Order());
        double scale = cost.Max(Math.Abs) + 1;
        double worst = double.PositiveInfinity;
        for (int row = 0; row < size; row++)
            for (int column = 0; column < size; column++)
                worst = Math.Min(worst, cost[row * size + column] - result.RowPotentials[row] - result.ColumnPotentials[column]);
        Assert.True(worst >= -1e-11 * scale, $"a dual constraint is broken by {worst}");
        Assert.Equal(result.RowPotentials.Sum() + result.ColumnPotentials.Sum(), result.Cost, 1e-10 * scale * size);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(8)]
    public void TheCostIsThatOfBruteForce(int size)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            // Odd seeds draw small integers, so that many matchings tie.
            double[] cost = [.. Enumerable.Range(0, size * size).Select(_ => seed % 2 == 0 ? random.NextDouble() * 10 - 5 : random.Next(3))];
            AssignmentResult result = Assignment.Solve(cost, size);
            Assert.Equal(BruteForce(cost, size), result.Cost, 1e-12);
            AssertOptimal(cost, size, result);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void DualPricesProveOptimalityOfLargerProblems(int kind)
    {
        const int size = 203;
        var random = new Random(kind);
        var cost = new double[size * size];
        for (int row = 0; row < size; row++)
        {
            for (int column = 0; column < size; column++)
            {
                cost[row * size + column] = kind switch
                {
                    0 => random.NextDouble(),
                    1 => random.Next(5),
                    2 => (row + 1.0) * (column + 1.0),
                    _ => Math.Exp(20 * random.NextDouble()),
                };
            }
        }
        AssertOptimal(cost, size, Assignment.Solve(cost, size));
    }

    [Fact]
    public void BadCostsAreRefusedByRowAndColumn()
    {
        Assert.Contains("row 1, column 0", Assert.Throws<ArgumentException>(() => Assignment.Solve([1, 2, double.NaN, 4], 2)).Message);
        Assert.Throws<ArgumentException>(() => Assignment.Solve([1, 2, 3], 2));
        Assert.Throws<OperationCanceledException>(() => Assignment.Solve([1, 2, 3, 4], 2, new CancellationToken(canceled: true)));
    }
}
