namespace Monge.Engine.LinearAlgebra;

/// <summary>The solution of a linear least-squares problem.</summary>
/// <param name="Solution">x, [columns].</param>
/// <param name="ResidualNorm">The Euclidean norm |A x - b|.</param>
/// <param name="Factor">R of A = Q R, upper triangular, row-major [columns, columns], so that |A z - b|^2 = |A x - b|^2 + |R (z - x)|^2.</param>
public sealed record LeastSquaresResult(double[] Solution, double ResidualNorm, double[] Factor);

/// <summary>
/// Linear least squares min_x |A x - b| by Householder reflections, float64. Own code, by rows: the reflections are applied as row updates,
/// which suits our row-major layout and needs no copy into another library's matrices.
/// </summary>
/// <remarks>Source: Golub and Van Loan, "Matrix Computations", section 5.3.</remarks>
public static class QrLeastSquares
{
    private const double Epsilon = 2.220446049250313e-16;

    /// <summary>Solves min_x |A x - b| for a matrix of full column rank.</summary>
    /// <param name="matrix">A, row-major [rows, columns], not changed.</param>
    /// <param name="rows">Number of rows, at least the number of columns.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="rightHandSide">b, [rows].</param>
    /// <returns>The solution and the norm of its residual.</returns>
    /// <exception cref="ArgumentException">Wrong lengths, fewer rows than columns, or an entry that is not finite.</exception>
    /// <exception cref="LinearAlgebraException">A column depends, to rounding, on the columns before it.</exception>
    public static LeastSquaresResult Solve(ReadOnlySpan<double> matrix, int rows, int columns, ReadOnlySpan<double> rightHandSide)
    {
        VectorKernels.CheckMatrix(matrix, rows, columns, nameof(matrix));
        VectorKernels.CheckMatrix(rightHandSide, rows, 1, nameof(rightHandSide));
        if (rows < columns)
        {
            throw new ArgumentException($"Least squares needs at least as many rows as columns; the matrix is [{rows}, {columns}].", nameof(matrix));
        }

        // b rides along as one more column, so each reflection treats it with the others.
        int stride = columns + 1;
        var work = new double[rows * stride];
        for (int row = 0; row < rows; row++)
        {
            matrix.Slice(row * columns, columns).CopyTo(work.AsSpan(row * stride));
            work[row * stride + columns] = rightHandSide[row];
        }

        var reflector = new double[rows];
        var products = new double[stride];
        for (int column = 0; column < columns; column++)
        {
            double scale = ColumnNorm(matrix, rows, columns, column, reflector);
            double diagonal = Reflect(work, rows, stride, column, reflector, products);
            if (!(Math.Abs(diagonal) > 16 * Math.Sqrt(rows) * Epsilon * scale))
            {
                throw new LinearAlgebraException(
                    $"The matrix [{rows}, {columns}] is rank deficient: column {column} (from 0) depends on the columns before it; remove it or add a "
                    + "penalty.");
            }
        }

        var solution = new double[columns];
        for (int row = columns - 1; row >= 0; row--)
        {
            ReadOnlySpan<double> right = work.AsSpan(row * stride + row + 1, columns - row - 1);
            double known = VectorKernels.Dot(right, solution.AsSpan(row + 1));
            solution[row] = (work[row * stride + columns] - known) / work[row * stride + row];
        }

        var factor = new double[columns * columns];
        for (int row = 0; row < columns; row++)
        {
            work.AsSpan(row * stride + row, columns - row).CopyTo(factor.AsSpan(row * columns + row));
        }

        return new LeastSquaresResult(solution, ResidualNorm(matrix, columns, rightHandSide, solution), factor);
    }

    private static double ColumnNorm(ReadOnlySpan<double> matrix, int rows, int columns, int column, double[] scratch)
    {
        for (int row = 0; row < rows; row++)
        {
            scratch[row] = matrix[row * columns + column];
        }

        return VectorKernels.Norm(scratch);
    }

    /// <summary>Reflects the column onto its diagonal entry, applies the reflection to the columns on its right and returns the entry.</summary>
    private static double Reflect(double[] work, int rows, int stride, int column, double[] reflector, double[] products)
    {
        for (int row = column; row < rows; row++)
        {
            reflector[row] = work[row * stride + column];
        }

        Span<double> v = reflector.AsSpan(column, rows - column);
        double norm = VectorKernels.Norm(v);
        if (norm == 0)
        {
            return 0;
        }

        double diagonal = v[0] > 0 ? -norm : norm;
        v[0] -= diagonal;
        double length = VectorKernels.Norm(v);
        Span<double> sums = products.AsSpan(column + 1);
        sums.Clear();
        for (int row = 0; row < v.Length; row++)
        {
            v[row] /= length;
            VectorKernels.AddScaled(v[row], work.AsSpan((column + row) * stride + column + 1, sums.Length), sums);
        }

        for (int row = 0; row < v.Length; row++)
        {
            VectorKernels.AddScaled(-2 * v[row], sums, work.AsSpan((column + row) * stride + column + 1, sums.Length));
        }

        work[column * stride + column] = diagonal;
        return diagonal;
    }

    private static double ResidualNorm(ReadOnlySpan<double> matrix, int columns, ReadOnlySpan<double> rightHandSide, double[] solution)
    {
        double[] residual = rightHandSide.ToArray();
        for (int row = 0; row < residual.Length; row++)
        {
            residual[row] -= VectorKernels.Dot(matrix.Slice(row * columns, columns), solution);
        }

        return VectorKernels.Norm(residual);
    }
}
