namespace Monge.Engine.LinearAlgebra;

/// <summary>Small dense float64 matrices on the host, row-major. Every element of a product is summed in the order of the inner index.</summary>
public static class HostMatrices
{
    /// <summary>A B.</summary>
    /// <param name="left">A [rows, inner].</param>
    /// <param name="right">B [inner, columns].</param>
    /// <param name="rows">Rows of A.</param>
    /// <param name="inner">Columns of A and rows of B.</param>
    /// <param name="columns">Columns of B.</param>
    /// <returns>The product [rows, columns].</returns>
    /// <exception cref="ArgumentException">A span has the wrong length.</exception>
    public static double[] Product(ReadOnlySpan<double> left, ReadOnlySpan<double> right, int rows, int inner, int columns)
    {
        VectorKernels.CheckLength(left, (long)rows * inner, nameof(left));
        VectorKernels.CheckLength(right, (long)inner * columns, nameof(right));
        var product = new double[rows * columns];
        for (var i = 0; i < rows; i++)
        {
            var target = product.AsSpan(i * columns, columns);
            for (var k = 0; k < inner; k++)
            {
                var factor = left[(i * inner) + k];
                var source = right.Slice(k * columns, columns);
                for (var j = 0; j < target.Length && factor != 0; j++)
                {
                    target[j] += factor * source[j];
                }
            }
        }

        return product;
    }

    /// <summary>A^T.</summary>
    /// <param name="matrix">A [rows, columns].</param>
    /// <param name="rows">Rows of A.</param>
    /// <param name="columns">Columns of A.</param>
    /// <returns>The transpose [columns, rows].</returns>
    /// <exception cref="ArgumentException">The span has the wrong length.</exception>
    public static double[] Transposed(ReadOnlySpan<double> matrix, int rows, int columns)
    {
        VectorKernels.CheckLength(matrix, (long)rows * columns, nameof(matrix));
        var transposed = new double[matrix.Length];
        for (var k = 0; k < transposed.Length; k++)
        {
            transposed[(k % columns * rows) + (k / columns)] = matrix[k];
        }

        return transposed;
    }
}
