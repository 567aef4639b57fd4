using Monge.Engine.LinearAlgebra;

namespace Monge.Engine.Tests.LinearAlgebra;

public sealed class BandedSolverTests
{
    [Theory]
    [InlineData(1, 0, 0)]
    [InlineData(7, 0, 0)]
    [InlineData(6, 1, 0)]
    [InlineData(6, 0, 2)]
    [InlineData(40, 1, 1)]
    [InlineData(90, 5, 3)]
    [InlineData(61, 2, 17)]
    [InlineData(12, 11, 11)]
    public void Solutions_are_those_of_the_dense_solver(int n, int lower, int upper)
    {
        // A random matrix is far from diagonally dominant, so rows are exchanged at most steps.
        var (bands, dense) = Banded(n, lower, upper, 41);
        var right = TestMatrices.Vector(n, 42);
        var solver = new BandedSolver(bands, n, lower, upper);
        Assert.False(solver.IsSingular);
        double[] solution = new double[n], expected = new double[n];
        solver.Solve(right, solution);
        new LuSolver(dense, n).Solve(right, expected);
        Assert.InRange(TestMatrices.MaximumDifference(solution, expected), 0, 1e-9 * expected.Max(Math.Abs));
        var residual = TestMatrices.Difference(TestMatrices.Multiply(dense, solution, n, n, 1), right);
        Assert.InRange(residual.Max(Math.Abs), 0, 1e-12 * (1 + solution.Max(Math.Abs)));

        // Again, in place: the factors serve any number of right sides.
        solver.Solve(right, right);
        Assert.Equal(solution, right);
    }

    [Fact]
    public void A_zero_on_the_diagonal_is_no_obstacle()
    {
        // [0 1; 1 0] x = b exchanges the numbers.
        var solution = new double[2];
        new BandedSolver([double.NaN, 0, 1, 1, 0, double.NaN], 2, 1, 1).Solve([3, 5], solution);
        Assert.Equal([5.0, 3.0], solution);
    }

    [Fact]
    public void A_singular_matrix_is_named_with_its_column()
    {
        // [1 1 0; 1 2 1; 0 1 1], whose middle row is the sum of the others.
        double[] bands = [0, 1, 1, 1, 2, 1, 1, 1, 0];
        var solver = new BandedSolver(bands, 3, 1, 1);
        Assert.True(solver.IsSingular);
        Assert.Contains("pivot 2 (from 0)", Assert.Throws<LinearAlgebraException>(() => solver.Solve([1, 1, 1], new double[3])).Message);
        Assert.Throws<LinearAlgebraException>(() => new BandedSolver([0], 1, 0, 0).Solve([1], new double[1]));
    }

    [Fact]
    public void Wrong_sizes_and_numbers_are_refused_in_one_sentence()
    {
        Assert.Contains("has 0 to 2 diagonals", Assert.Throws<ArgumentOutOfRangeException>(() => new BandedSolver(new double[12], 3, 3, 0)).Message);
        Assert.Contains("has 0 to 2 diagonals", Assert.Throws<ArgumentOutOfRangeException>(() => new BandedSolver(new double[3], 3, 1, -1)).Message);
        Assert.Contains("must have 9", Assert.Throws<ArgumentException>(() => new BandedSolver(new double[8], 3, 1, 1)).Message);
        Assert.Contains("Entry [1, 0]", Assert.Throws<ArgumentException>(() => new BandedSolver([0, 1, double.NaN, 3], 2, 1, 0)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new BandedSolver([], 0, 0, 0));
        var solver = new BandedSolver([1, 2], 2, 0, 0);
        Assert.Contains("must have 2", Assert.Throws<ArgumentException>(() => solver.Solve([1, 2, 3], new double[2])).Message);
        Assert.Contains("must have 2", Assert.Throws<ArgumentException>(() => solver.Solve([1, 2], new double[1])).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(100)]
    public void A_dominant_tridiagonal_system_is_solved_without_pivoting(int n)
    {
        var (lower, upper, right) = (TestMatrices.Vector(n - 1, 51), TestMatrices.Vector(n - 1, 52), TestMatrices.Vector(n, 53));
        double[] diagonal = new double[n], dense = new double[n * n], solution = new double[n], expected = new double[n];
        for (var i = 0; i < n; i++)
        {
            // Dominant by columns, as the implicit steps of conservative schemes are.
            diagonal[i] = 0.1 + (i > 0 ? Math.Abs(upper[i - 1]) : 0) + (i < n - 1 ? Math.Abs(lower[i]) : 0);
            dense[(i * n) + i] = diagonal[i];
            if (i < n - 1)
            {
                (dense[((i + 1) * n) + i], dense[(i * n) + i + 1]) = (lower[i], upper[i]);
            }
        }

        new LuSolver(dense, n).Solve(right, expected);
        TridiagonalSolver.Solve(lower, diagonal, upper, right, solution, new double[n]);
        Assert.InRange(TestMatrices.MaximumDifference(solution, expected), 0, 1e-11 * expected.Max(Math.Abs));
        TridiagonalSolver.Solve(lower, diagonal, upper, right, right, new double[n]);
        Assert.Equal(solution, right);
    }

    [Fact]
    public void A_tridiagonal_system_that_needs_pivoting_or_has_wrong_sizes_is_refused()
    {
        var error = Assert.Throws<LinearAlgebraException>(() => TridiagonalSolver.Solve([1], [0, 0], [1], [1, 1], new double[2], new double[2]));
        Assert.Contains("Pivot 0 (from 0)", error.Message);
        Assert.Contains("BandedSolver", error.Message);
        Assert.Contains(
            "lower has 2 numbers but must have 1",
            Assert.Throws<ArgumentException>(() => TridiagonalSolver.Solve([1, 1], [2, 2], [1], [1, 1], new double[2], new double[2])).Message);
        Assert.Throws<ArgumentException>(() => TridiagonalSolver.Solve([1], [2, 2], [1], [1, 1], new double[2], new double[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => TridiagonalSolver.Solve([], [], [], [], [], []));
    }

    private static (double[] Bands, double[] Dense) Banded(int n, int lower, int upper, ulong seed)
    {
        var width = lower + 1 + upper;
        var bands = TestMatrices.Normal(n, width, seed);
        var dense = new double[n * n];
        for (var row = 0; row < n; row++)
        {
            for (var column = Math.Max(0, row - lower); column <= Math.Min(n - 1, row + upper); column++)
            {
                dense[(row * n) + column] = bands[(row * width) + column - row + lower];
            }
        }

        return (bands, dense);
    }
}
