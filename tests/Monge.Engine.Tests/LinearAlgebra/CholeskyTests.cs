using Monge.Engine.LinearAlgebra;

namespace Monge.Engine.Tests.LinearAlgebra;

public class CholeskyTests
{
    public static TheoryData<int> Sizes => [1, 2, 3, 7, 47, 48, 49, 51, 95, 100, 203];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void The_factor_times_its_transpose_is_the_matrix(int n)
    {
        double[] matrix = PositiveDefinite(n, 1);
        double[] factor = [.. matrix];
        for (int row = 0; row < n; row++)
        {
            factor.AsSpan(row * n + row + 1, n - row - 1).Fill(double.NaN);
        }

        Cholesky.Factor(factor, n);
        for (int row = 0; row < n; row++)
        {
            for (int column = row + 1; column < n; column++)
            {
                Assert.True(double.IsNaN(factor[row * n + column]), "the upper triangle was written");
                factor[row * n + column] = 0;
            }
        }

        double[] product = TestMatrices.Multiply(factor, TestMatrices.Transpose(factor, n, n), n, n, n);
        Assert.InRange(TestMatrices.MaximumDifference(product, matrix), 0, 1e-14 * n * matrix.Max());
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Solutions_satisfy_the_equations(int n)
    {
        const int columns = 5;
        double[] matrix = PositiveDefinite(n, 2);
        double[] factor = [.. matrix];
        Cholesky.Factor(factor, n);
        double[] expected = TestMatrices.Normal(n, columns, 3);
        double[] many = TestMatrices.Multiply(matrix, expected, n, n, columns);
        double[] single = [.. Enumerable.Range(0, n).Select(row => many[row * columns + 2])];
        Cholesky.SolveMany(factor, n, many, columns);
        Cholesky.Solve(factor, n, single);
        Assert.InRange(TestMatrices.MaximumDifference(many, expected), 0, 1e-11);
        for (int row = 0; row < n; row++)
        {
            Assert.Equal(many[row * columns + 2], single[row], 1e-11);
        }
    }

    [Fact]
    public void The_log_determinant_is_the_sum_of_log_eigenvalues()
    {
        double[] spectrum = TestMatrices.Spectrum(60, index => Math.Exp(-8 + 0.3 * index));
        double[] matrix = TestMatrices.Symmetric(spectrum, 4);
        Cholesky.Factor(matrix, 60);
        Assert.Equal(spectrum.Sum(Math.Log), Cholesky.LogDeterminant(matrix, 60), 1e-6);
    }

    [Fact]
    public void An_ill_conditioned_solve_is_backward_stable()
    {
        const int n = 80;
        double[] matrix = TestMatrices.Symmetric(TestMatrices.Spectrum(n, index => Math.Pow(10, -10.0 * index / (n - 1))), 5);
        double[] right = TestMatrices.Vector(n, 5);
        double[] factor = [.. matrix];
        double[] solution = [.. right];
        Cholesky.Factor(factor, n);
        Cholesky.Solve(factor, n, solution);
        double[] residual = TestMatrices.Difference(TestMatrices.Multiply(matrix, solution, n, n, 1), right);

        // |b - A x| <= c eps |A| |x|: small beside |x| though the condition number is 1e10.
        Assert.InRange(TestMatrices.Norm(residual), 0, 1e-14 * n * TestMatrices.Norm(solution));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(70)]
    [InlineData(119)]
    public void A_matrix_that_is_not_positive_definite_is_refused_with_its_pivot(int pivot)
    {
        const int n = 120;
        double[] matrix = PositiveDefinite(n, 6);
        double[] indefinite = [.. matrix];
        indefinite[pivot * n + pivot] = -1;
        var error = Assert.Throws<LinearAlgebraException>(() => Cholesky.Factor(indefinite, n));
        Assert.Contains($"pivot {pivot} (from 0)", error.Message);

        double[] broken = [.. matrix];
        broken[pivot * n + pivot] = double.NaN;
        Assert.Contains($"pivot {pivot} (from 0)", Assert.Throws<LinearAlgebraException>(() => Cholesky.Factor(broken, n)).Message);
    }

    [Fact]
    public void A_repeated_row_is_refused_as_singular()
    {
        const int n = 60;
        double[] design = TestMatrices.Normal(n, n, 7);
        design.AsSpan(10 * n, n).CopyTo(design.AsSpan(50 * n));
        double[] gram = TestMatrices.Multiply(design, TestMatrices.Transpose(design, n, n), n, n, n);
        Assert.Contains("pivot 50 (from 0)", Assert.Throws<LinearAlgebraException>(() => Cholesky.Factor(gram, n)).Message);
    }

    [Fact]
    public void Wrong_lengths_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Cholesky.Factor(new double[5], 2));
        Assert.Throws<ArgumentException>(() => Cholesky.Solve(new double[4], 2, new double[3]));
        Assert.Throws<ArgumentException>(() => Cholesky.SolveMany(new double[4], 2, new double[3], 2));
    }

    private static double[] PositiveDefinite(int n, ulong seed)
    {
        double[] design = TestMatrices.Normal(n, n, seed);
        double[] matrix = TestMatrices.Multiply(design, TestMatrices.Transpose(design, n, n), n, n, n);
        for (int row = 0; row < n; row++)
        {
            matrix[row * n + row] += n;
        }

        return matrix;
    }
}
