using System.Numerics;

namespace Monge.Engine.LinearAlgebra;

/// <summary>
/// The factorisation A = L L^T of a symmetric positive definite float64 matrix, row-major [n, n], and the solves with it. Own code:
/// Gauss-Newton steps factor matrices of a few thousand rows, for which the managed provider of MathNet.Numerics is too slow.
/// </summary>
/// <remarks>Left-looking by blocks of columns: rows of L are contiguous, so the update of a block is a product of row panels by
/// register tiles of dot products (Golub and Van Loan, "Matrix Computations", section 4.2).</remarks>
public static class Cholesky
{
    private const int BlockSize = 48;

    // A pivot this small beside its diagonal entry is rounding noise.
    private const double PivotTolerance = 16 * 2.220446049250313e-16;

    /// <summary>Replaces the lower triangle of A, with its diagonal, by L. The entries above the diagonal are neither read nor written.</summary>
    /// <param name="matrix">A, row-major [n, n]; L on return.</param>
    /// <param name="n">The number of rows.</param>
    /// <exception cref="ArgumentException">The span does not have n * n numbers.</exception>
    /// <exception cref="LinearAlgebraException">A pivot is not positive (the matrix is not positive definite, or singular to rounding, or holds
    /// NaN); the matrix is then half factored.</exception>
    public static unsafe void Factor(Span<double> matrix, int n)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n);
        VectorKernels.CheckLength(matrix, (long)n * n, nameof(matrix));
        double* transposed = stackalloc double[BlockSize * BlockSize];
        fixed (double* a = matrix)
        {
            for (int start = 0; start < n; start += BlockSize)
            {
                int end = Math.Min(start + BlockSize, n);
                FactorDiagonalBlock(a, n, start, end);
                SubtractProducts(a, n, start, end);
                for (int column = start; column < end; column++)
                {
                    for (int row = column; row < end; row++)
                    {
                        transposed[(column - start) * BlockSize + row - start] = a[(long)row * n + column];
                    }
                }

                for (int row = end; row < n; row++)
                {
                    SolveRow(new Span<double>(a + (long)row * n + start, end - start), transposed);
                }
            }
        }
    }

    /// <summary>Solves A x = b with a factor from <see cref="Factor"/>.</summary>
    /// <param name="factor">L in the lower triangle, row-major [n, n].</param>
    /// <param name="n">The number of rows.</param>
    /// <param name="rightHandSide">b, [n]; x on return.</param>
    /// <exception cref="ArgumentException">A span has the wrong length.</exception>
    public static void Solve(ReadOnlySpan<double> factor, int n, Span<double> rightHandSide)
    {
        VectorKernels.CheckLength(factor, (long)n * n, nameof(factor));
        VectorKernels.CheckLength(rightHandSide, n, nameof(rightHandSide));
        for (int row = 0; row < n; row++)
        {
            ReadOnlySpan<double> left = factor.Slice(row * n, row);
            rightHandSide[row] = (rightHandSide[row] - VectorKernels.Dot(left, rightHandSide)) / factor[row * n + row];
        }

        for (int row = n - 1; row >= 0; row--)
        {
            rightHandSide[row] /= factor[row * n + row];
            VectorKernels.AddScaled(-rightHandSide[row], factor.Slice(row * n, row), rightHandSide);
        }
    }

    /// <summary>Solves A X = B for several right-hand sides.</summary>
    /// <param name="factor">L in the lower triangle, row-major [n, n].</param>
    /// <param name="n">The number of rows.</param>
    /// <param name="rightHandSides">B, row-major [n, columns]; X on return.</param>
    /// <param name="columns">The number of right-hand sides.</param>
    /// <exception cref="ArgumentException">A span has the wrong length.</exception>
    public static void SolveMany(ReadOnlySpan<double> factor, int n, Span<double> rightHandSides, int columns)
    {
        VectorKernels.CheckLength(factor, (long)n * n, nameof(factor));
        VectorKernels.CheckLength(rightHandSides, (long)n * columns, nameof(rightHandSides));
        for (int row = 0; row < n; row++)
        {
            Span<double> target = rightHandSides.Slice(row * columns, columns);
            for (int earlier = 0; earlier < row; earlier++)
            {
                VectorKernels.AddScaled(-factor[row * n + earlier], rightHandSides.Slice(earlier * columns, columns), target);
            }

            Divide(target, factor[row * n + row]);
        }

        for (int row = n - 1; row >= 0; row--)
        {
            Span<double> source = rightHandSides.Slice(row * columns, columns);
            Divide(source, factor[row * n + row]);
            for (int earlier = 0; earlier < row; earlier++)
            {
                VectorKernels.AddScaled(-factor[row * n + earlier], source, rightHandSides.Slice(earlier * columns, columns));
            }
        }
    }

    /// <summary>ln det A from a factor.</summary>
    /// <param name="factor">L in the lower triangle, row-major [n, n].</param>
    /// <param name="n">The number of rows.</param>
    /// <returns>Twice the sum of the logarithms of the diagonal of L.</returns>
    /// <exception cref="ArgumentException">The span does not have n * n numbers.</exception>
    public static double LogDeterminant(ReadOnlySpan<double> factor, int n)
    {
        VectorKernels.CheckLength(factor, (long)n * n, nameof(factor));
        double sum = 0;
        for (int row = 0; row < n; row++)
        {
            sum += Math.Log(factor[row * n + row]);
        }

        return 2 * sum;
    }

    private static unsafe void FactorDiagonalBlock(double* a, int n, int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            double* target = a + (long)row * n;
            for (int column = start; column < row; column++)
            {
                double* other = a + (long)column * n;
                double product = VectorKernels.Dot(new ReadOnlySpan<double>(target, column), new ReadOnlySpan<double>(other, column));
                target[column] = (target[column] - product) / other[column];
            }

            var left = new ReadOnlySpan<double>(target, row);
            double diagonal = target[row];
            double pivot = diagonal - VectorKernels.Dot(left, left);
            if (!(pivot > PivotTolerance * Math.Abs(diagonal)) || double.IsInfinity(pivot))
            {
                throw new LinearAlgebraException(
                    $"The matrix of {n} rows is not positive definite: pivot {row} (from 0) is {pivot:g6} where the diagonal entry is {diagonal:g6}; add a "
                    + "multiple of the identity or remove dependent rows.");
            }

            target[row] = Math.Sqrt(pivot);
        }
    }

    /// <summary>A[i, j] -= sum over k below start of L[i, k] L[j, k], for rows i from end and columns j of the block.</summary>
    private static unsafe void SubtractProducts(double* a, int n, int start, int end)
    {
        if (start == 0)
        {
            return;
        }

        int row = end;
        for (; row <= n - 4; row += 4)
        {
            int column = start;
            for (; column <= end - 3; column += 3)
            {
                SubtractTile(a + (long)row * n, a + (long)column * n, n, start, a + (long)row * n + column);
            }

            SubtractRest(a, n, start, row, row + 4, column, end);
        }

        SubtractRest(a, n, start, row, n, start, end);
    }

    private static unsafe void SubtractRest(double* a, int n, int depth, int rowStart, int rowEnd, int columnStart, int columnEnd)
    {
        for (int row = rowStart; row < rowEnd; row++)
        {
            for (int column = columnStart; column < columnEnd; column++)
            {
                a[(long)row * n + column] -= VectorKernels.Dot(
                    new ReadOnlySpan<double>(a + (long)row * n, depth), new ReadOnlySpan<double>(a + (long)column * n, depth));
            }
        }
    }

    /// <summary>A tile of 4 rows by 3 columns: twelve running sums and four operands just fill sixteen vector registers.</summary>
    private static unsafe void SubtractTile(double* rows, double* columns, long stride, int depth, double* target)
    {
        int width = Vector<double>.Count;
        Vector<double> s00 = default, s01 = default, s02 = default;
        Vector<double> s10 = default, s11 = default, s12 = default;
        Vector<double> s20 = default, s21 = default, s22 = default;
        Vector<double> s30 = default, s31 = default, s32 = default;
        double* row1 = rows + stride;
        double* row2 = rows + 2 * stride;
        double* row3 = rows + 3 * stride;
        double* column1 = columns + stride;
        double* column2 = columns + 2 * stride;
        int vectorDepth = depth - depth % width;
        for (int k = 0; k < vectorDepth; k += width)
        {
            Vector<double> c0 = Vector.Load(columns + k);
            Vector<double> c1 = Vector.Load(column1 + k);
            Vector<double> c2 = Vector.Load(column2 + k);
            Vector<double> r = Vector.Load(rows + k);
            s00 = Vector.FusedMultiplyAdd(r, c0, s00);
            s01 = Vector.FusedMultiplyAdd(r, c1, s01);
            s02 = Vector.FusedMultiplyAdd(r, c2, s02);
            r = Vector.Load(row1 + k);
            s10 = Vector.FusedMultiplyAdd(r, c0, s10);
            s11 = Vector.FusedMultiplyAdd(r, c1, s11);
            s12 = Vector.FusedMultiplyAdd(r, c2, s12);
            r = Vector.Load(row2 + k);
            s20 = Vector.FusedMultiplyAdd(r, c0, s20);
            s21 = Vector.FusedMultiplyAdd(r, c1, s21);
            s22 = Vector.FusedMultiplyAdd(r, c2, s22);
            r = Vector.Load(row3 + k);
            s30 = Vector.FusedMultiplyAdd(r, c0, s30);
            s31 = Vector.FusedMultiplyAdd(r, c1, s31);
            s32 = Vector.FusedMultiplyAdd(r, c2, s32);
        }

        Subtract(target, s00, s01, s02);
        Subtract(target + stride, s10, s11, s12);
        Subtract(target + 2 * stride, s20, s21, s22);
        Subtract(target + 3 * stride, s30, s31, s32);
        for (int k = vectorDepth; k < depth; k++)
        {
            for (int row = 0; row < 4; row++)
            {
                for (int column = 0; column < 3; column++)
                {
                    target[row * stride + column] -= rows[row * stride + k] * columns[column * stride + k];
                }
            }
        }
    }

    private static unsafe void Subtract(double* target, Vector<double> sum0, Vector<double> sum1, Vector<double> sum2)
    {
        target[0] -= Vector.Sum(sum0);
        target[1] -= Vector.Sum(sum1);
        target[2] -= Vector.Sum(sum2);
    }

    /// <summary>Solves one row x L^T = a against the diagonal block, whose transpose makes each elimination contiguous.</summary>
    private static unsafe void SolveRow(Span<double> row, double* transposed)
    {
        for (int column = 0; column < row.Length; column++)
        {
            double* eliminator = transposed + column * BlockSize + column;
            double solved = row[column] / *eliminator;
            row[column] = solved;
            VectorKernels.AddScaled(-solved, new ReadOnlySpan<double>(eliminator + 1, row.Length - column - 1), row[(column + 1)..]);
        }
    }

    private static void Divide(Span<double> values, double divisor)
    {
        for (int index = 0; index < values.Length; index++)
        {
            values[index] /= divisor;
        }
    }
}
