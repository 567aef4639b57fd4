using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;

namespace Monge.Engine.Tests.LinearAlgebra;

public sealed class LassoTests
{
    private static readonly StreamName s_stream = StreamName.Of("tests: lasso");

    [Fact]
    public void Orthogonal_columns_have_soft_thresholds()
    {
        double[] columns = [2, 0, 0, 0, 1, 0, 0, 0, 3];
        double[] targets = [1, -0.2, 4];
        var solution = new Lasso(columns, targets).Solve(0.5);
        Assert.Equal(1.5 / 4, solution.Weights[0], 1e-14);
        Assert.Equal(0, solution.Weights[1]);
        Assert.Equal(11.5 / 9, solution.Weights[2], 1e-14);
        Assert.Equal(2, solution.Support);
        Assert.InRange(solution.Violation, 0, 1e-12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Every_solution_of_a_path_meets_the_optimality_conditions(ulong seed)
    {
        // Rectified linear units on a sphere: many columns, nearly parallel to each other.
        const int n = 40, p = 1500;
        var (columns, targets) = Rectified(n, p, seed);
        var lasso = new Lasso(columns, targets);
        var path = lasso.Path(lasso.Penalties(1e-5));
        Assert.Equal(25, path.Count);
        Assert.Equal(1e-5 * lasso.LargestPenalty, path[^1].Penalty, 1e-12 * lasso.LargestPenalty);
        foreach (var solution in path)
        {
            Assert.InRange(solution.Violation, 0, 1e-8);
            Assert.InRange(solution.Support, 1, n);
            for (var j = 0; j < p; j++)
            {
                var product = HostVectors.Dot(columns.AsSpan(j * n, n), solution.Residuals);
                var (weight, slack) = (solution.Weights[j], 2e-8 * solution.Penalty);
                Assert.True(weight == 0 ? Math.Abs(product) <= solution.Penalty + slack : Math.Abs(product - (solution.Penalty * Math.Sign(weight))) <= slack);
            }
        }
    }

    [Fact]
    public void The_objective_is_no_higher_than_that_of_many_sweeps_of_coordinate_descent()
    {
        const int n = 10, p = 30;
        var (columns, targets) = Rectified(n, p, 3);
        var lasso = new Lasso(columns, targets);
        var penalty = 0.05 * lasso.LargestPenalty;
        var solution = lasso.Solve(penalty);
        var (weights, residuals) = (new double[p], targets.ToArray());
        for (var sweep = 0; sweep < 20_000; sweep++)
        {
            for (var j = 0; j < p; j++)
            {
                var column = columns.AsSpan(j * n, n);
                var square = HostVectors.Dot(column, column);
                var product = HostVectors.Dot(column, residuals) + (square * weights[j]);
                var weight = square > 0 ? Math.Sign(product) * Math.Max(0, Math.Abs(product) - penalty) / square : 0;
                HostVectors.AddScaled(weights[j] - weight, column, residuals);
                weights[j] = weight;
            }
        }

        var wanted = (0.5 * HostVectors.Dot(residuals, residuals)) + (penalty * weights.Sum(Math.Abs));
        Assert.Equal(wanted, solution.Objective, 1e-9);
        Assert.True(solution.Objective <= wanted + 1e-12);
    }

    [Fact]
    public void Columns_that_depend_on_others_give_way()
    {
        // Six columns in two dimensions, one twice, one zero, all started at once.
        double[] columns = [1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 2, 1];
        double[] targets = [3, 1];
        var lasso = new Lasso(columns, targets);
        lasso.Start([1, -1, 0.5, 2, 0, -0.3]);
        var solution = lasso.Solve(0.1);
        Assert.InRange(solution.Violation, 0, 1e-8);
        Assert.InRange(solution.Support, 1, 2);
        Assert.Equal(new Lasso(columns, targets).Solve(0.1).Objective, solution.Objective, 1e-12);
        Assert.Equal(0, solution.Weights[4]);
    }

    [Fact]
    public void Above_the_largest_penalty_there_is_nothing()
    {
        var (columns, targets) = Rectified(12, 50, 4);
        var lasso = new Lasso(columns, targets);
        Assert.Equal(0, lasso.Solve(lasso.LargestPenalty * (1 + 1e-12)).Support);
        Assert.Equal(1, lasso.Solve(lasso.LargestPenalty * 0.999).Support);
    }

    [Fact]
    public void Unusable_numbers_are_refused()
    {
        Assert.Contains("no columns", Assert.Throws<ArgumentException>(() => new Lasso([1, 2, 3], [1, 2])).Message);
        Assert.Contains("finite", Assert.Throws<ArgumentException>(() => new Lasso([1, double.NaN], [1, 2])).Message);
        Assert.Contains("above 0", Assert.Throws<ArgumentOutOfRangeException>(() => new Lasso([1, 2], [1, 2]).Solve(0)).Message);
        Assert.Contains("between 0 and 1", Assert.Throws<ArgumentOutOfRangeException>(() => new Lasso([1, 2], [1, 2]).Penalties(2)).Message);
        Assert.Throws<ArgumentException>(() => new Lasso([1, 2], [1, 2]).Start([1, 2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Lasso([1, 2], [1, 2], new LassoOptions { Sweeps = 0 }));
    }

    private static (double[] Columns, double[] Targets) Rectified(int n, int p, ulong seed)
    {
        var random = new RandomStream(seed, s_stream);
        double[][] Points(int count) => [.. Enumerable.Range(0, count).Select(_ =>
        {
            double[] point = [random.NextNormal(), random.NextNormal(), random.NextNormal()];
            var length = Math.Sqrt(HostVectors.Dot(point, point));
            return point.Select(v => v / length).ToArray();
        })];
        var (inputs, neurons) = (Points(n), Points(p));
        double[] columns = [.. neurons.SelectMany(z => inputs.Select(x => Math.Max(0, HostVectors.Dot(x, z))))];
        return (columns, [.. inputs.Select(x => 1 + Math.Sin(3 * x[0]))]);
    }
}
