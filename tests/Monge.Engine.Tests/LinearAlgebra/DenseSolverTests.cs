using Monge.Engine.LinearAlgebra;

namespace Monge.Engine.Tests.LinearAlgebra;

public class DenseSolverTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(17)]
    [InlineData(90)]
    public void Lu_solves_inverts_and_gives_the_determinant(int n)
    {
        double[] matrix = TestMatrices.Normal(n, n, 11);
        double[] expected = TestMatrices.Vector(n, 12);
        var solver = new LuSolver(matrix, n);
        double[] solution = new double[n];
        solver.Solve(TestMatrices.Multiply(matrix, expected, n, n, 1), solution);
        Assert.InRange(TestMatrices.MaximumDifference(solution, expected), 0, 1e-9);

        double[] product = TestMatrices.Multiply(matrix, solver.Inverse(), n, n, n);
        double[] identity = [.. Enumerable.Range(0, n * n).Select(index => index / n == index % n ? 1.0 : 0.0)];
        Assert.InRange(TestMatrices.MaximumDifference(product, identity), 0, 1e-9);
        Assert.Equal(Math.Log(Math.Abs(solver.Determinant)), solver.LogAbsoluteDeterminant, 1e-10);

        // det(A A) = det(A)^2, with its sign; an exchange of rows changes the sign.
        var square = new LuSolver(TestMatrices.Multiply(matrix, matrix, n, n, n), n);
        Assert.Equal(2 * solver.LogAbsoluteDeterminant, square.LogAbsoluteDeterminant, 1e-8);
        Assert.True(square.Determinant > 0);
        if (n > 1)
        {
            double[] exchanged = [.. matrix];
            matrix.AsSpan(0, n).CopyTo(exchanged.AsSpan(n));
            matrix.AsSpan(n, n).CopyTo(exchanged);
            Assert.Equal(-1, new LuSolver(exchanged, n).Determinant / solver.Determinant, 1e-10);
        }
    }

    [Fact]
    public void Lu_names_the_singular_column_and_keeps_the_determinant()
    {
        double[] matrix = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        var solver = new LuSolver(matrix, 3);
        Assert.True(solver.IsSingular);
        Assert.Equal(0, solver.Determinant, 1e-14);
        Assert.Contains("pivot 2 (from 0)", Assert.Throws<LinearAlgebraException>(() => solver.Inverse()).Message);
        Assert.Contains("pivot 0 (from 0)", Assert.Throws<LinearAlgebraException>(() => new LuSolver([0, 1, 0, 1], 2).Solve([1, 1], new double[2])).Message);
        Assert.Contains("Entry [1, 0]", Assert.Throws<ArgumentException>(() => new LuSolver([1, 2, double.NaN, 3], 2)).Message);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(9, 9)]
    [InlineData(200, 13)]
    [InlineData(64, 40)]
    public void Least_squares_residuals_are_orthogonal_to_the_columns(int rows, int columns)
    {
        double[] matrix = TestMatrices.Normal(rows, columns, 21);
        double[] right = TestMatrices.Vector(rows, 22);
        LeastSquaresResult result = QrLeastSquares.Solve(matrix, rows, columns, right);
        double[] residual = TestMatrices.Difference(TestMatrices.Multiply(matrix, result.Solution, rows, columns, 1), right);
        double[] overlap = TestMatrices.Multiply(TestMatrices.Transpose(matrix, rows, columns), residual, columns, rows, 1);
        Assert.InRange(overlap.Max(Math.Abs), 0, 1e-11);
        Assert.Equal(TestMatrices.Norm(residual), result.ResidualNorm, 1e-12);
    }

    [Fact]
    public void Least_squares_keeps_the_digits_that_normal_equations_lose()
    {
        // Polynomial fit with a condition number of about 1e9: the normal equations would square it beyond float64.
        const int rows = 60;
        const int columns = 12;
        double[] matrix = [.. Enumerable.Range(0, rows * columns).Select(index => Math.Pow(index / columns / (rows - 1.0), index % columns))];
        double[] expected = TestMatrices.Vector(columns, 23);
        LeastSquaresResult result = QrLeastSquares.Solve(matrix, rows, columns, TestMatrices.Multiply(matrix, expected, rows, columns, 1));
        Assert.InRange(TestMatrices.MaximumDifference(result.Solution, expected), 0, 1e-6);
        Assert.InRange(result.ResidualNorm, 0, 1e-13);
    }

    [Fact]
    public void Least_squares_names_the_dependent_column()
    {
        double[] matrix = TestMatrices.Normal(20, 5, 24);
        for (int row = 0; row < 20; row++)
        {
            matrix[row * 5 + 3] = 2 * matrix[row * 5] - matrix[row * 5 + 1];
        }

        double[] right = TestMatrices.Vector(20, 24);
        Assert.Contains("column 3 (from 0)", Assert.Throws<LinearAlgebraException>(() => QrLeastSquares.Solve(matrix, 20, 5, right)).Message);
        Assert.Throws<ArgumentException>(() => QrLeastSquares.Solve(matrix.AsSpan(0, 10), 2, 5, [1, 2]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(70)]
    public void Eigenvectors_are_orthonormal_and_rebuild_the_matrix(int n)
    {
        double[] spectrum = TestMatrices.Spectrum(n, index => index * index - 0.3 * n * index - 1);
        double[] matrix = TestMatrices.Symmetric(spectrum, 31);
        SymmetricEigenResult result = SymmetricEigen.Decompose(matrix, n);
        double size = spectrum.Max(Math.Abs);
        Assert.InRange(TestMatrices.MaximumDifference(result.Values, [.. spectrum.Order()]), 0, 1e-12 * size);

        double[] transposed = TestMatrices.Transpose(result.Vectors, n, n);
        double[] gram = TestMatrices.Multiply(transposed, result.Vectors, n, n, n);
        double[] identity = [.. Enumerable.Range(0, n * n).Select(index => index / n == index % n ? 1.0 : 0.0)];
        Assert.InRange(TestMatrices.MaximumDifference(gram, identity), 0, 1e-12);

        double[] scaled = [.. Enumerable.Range(0, n * n).Select(index => result.Values[index / n] * transposed[index])];
        Assert.InRange(TestMatrices.MaximumDifference(TestMatrices.Multiply(result.Vectors, scaled, n, n, n), matrix), 0, 1e-12 * size);
    }

    [Fact]
    public void An_unsymmetric_matrix_is_refused_with_its_entry()
    {
        var error = Assert.Throws<ArgumentException>(() => SymmetricEigen.Decompose([1, 2, 2.1, 1], 2));
        Assert.Contains("entry [0, 1] is 2", error.Message);
    }
}
