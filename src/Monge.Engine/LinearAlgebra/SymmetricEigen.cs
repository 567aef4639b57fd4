using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Double;

namespace Monge.Engine.LinearAlgebra;

/// <summary>Eigenvalues and eigenvectors of a symmetric matrix A: A = V diag(values) V^T.</summary>
/// <param name="Values">The n eigenvalues, ascending.</param>
/// <param name="Vectors">V, row-major [n, n]: column k is the unit eigenvector of value k; the columns are orthonormal.</param>
public sealed record SymmetricEigenResult(double[] Values, double[] Vectors);

/// <summary>
/// The eigendecomposition of a symmetric float64 matrix. Uses MathNet.Numerics (tridiagonalisation and implicit QL), which is fast enough
/// where we need it: covariances and kernels of up to a few hundred rows.
/// </summary>
public static class SymmetricEigen
{
    /// <summary>Decomposes a symmetric matrix.</summary>
    /// <param name="matrix">A, row-major [n, n], not changed.</param>
    /// <param name="n">The number of rows.</param>
    /// <returns>Ascending eigenvalues and orthonormal eigenvectors.</returns>
    /// <exception cref="ArgumentException">The span does not have n * n numbers, one is not finite, or the matrix is not symmetric to
    /// within 1e-10 of its largest entry.</exception>
    public static SymmetricEigenResult Decompose(ReadOnlySpan<double> matrix, int n)
    {
        VectorKernels.CheckMatrix(matrix, n, n, nameof(matrix));
        return Decompose(new DenseMatrix(n, n, Symmetrised(matrix, n)));
    }

    /// <summary>Decomposes a matrix that is symmetric but for rounding, without averaging its triangles.</summary>
    /// <param name="matrix">A, row-major [n, n], not changed.</param>
    /// <param name="n">The number of rows.</param>
    /// <returns>Ascending eigenvalues and orthonormal eigenvectors.</returns>
    /// <exception cref="ArgumentException">The span does not have n * n numbers, or one is not finite.</exception>
    public static SymmetricEigenResult DecomposeAsStored(ReadOnlySpan<double> matrix, int n)
    {
        VectorKernels.CheckMatrix(matrix, n, n, nameof(matrix));
        return Decompose(Matrix<double>.Build.DenseOfRowMajor(n, n, matrix.ToArray()));
    }

    private static SymmetricEigenResult Decompose(Matrix<double> matrix)
    {
        int n = matrix.RowCount;
        var decomposition = matrix.Evd(Symmetricity.Symmetric);
        double[] values = decomposition.EigenValues.Select(value => value.Real).ToArray();
        double[] vectors = decomposition.EigenVectors.ToRowMajorArray();
        int[] order = [.. Enumerable.Range(0, n).OrderBy(index => values[index])];
        var sorted = new double[n * n];
        for (int row = 0; row < n; row++)
        {
            for (int column = 0; column < n; column++)
            {
                sorted[row * n + column] = vectors[row * n + order[column]];
            }
        }

        return new SymmetricEigenResult([.. order.Select(index => values[index])], sorted);
    }

    private static double[] Symmetrised(ReadOnlySpan<double> matrix, int n)
    {
        double largest = 0;
        foreach (double value in matrix)
        {
            largest = Math.Max(largest, Math.Abs(value));
        }

        var symmetric = new double[n * n];
        for (int row = 0; row < n; row++)
        {
            for (int column = 0; column < n; column++)
            {
                double upper = matrix[row * n + column];
                double lower = matrix[column * n + row];
                if (Math.Abs(upper - lower) > 1e-10 * largest)
                {
                    throw new ArgumentException(
                        $"The matrix is not symmetric: entry [{row}, {column}] is {upper:g17} and entry [{column}, {row}] is {lower:g17}.", nameof(matrix));
                }

                symmetric[row * n + column] = 0.5 * upper + 0.5 * lower;
            }
        }

        return symmetric;
    }
}
