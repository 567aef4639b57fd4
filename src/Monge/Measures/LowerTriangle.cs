using Monge.Engine.LinearAlgebra;

namespace Monge.Measures;

/// <summary>The few operations on lower triangular matrices [d, d] that Gaussian laws need.</summary>
internal static class LowerTriangle
{
    /// <summary>The Cholesky factor L of a symmetric matrix L L^T, or null if the matrix isn't positive definite.</summary>
    public static double[,]? TryFactor(double[,] matrix)
    {
        var n = matrix.GetLength(0);
        var factor = Flatten(matrix);
        try
        {
            Cholesky.Factor(factor, n);
        }
        catch (LinearAlgebraException)
        {
            return null;
        }

        var result = new double[n, n];
        Buffer.BlockCopy(factor, 0, result, 0, factor.Length * sizeof(double));
        return Copy(result);
    }

    /// <summary>Whether all elements beside the diagonal are zero.</summary>
    public static bool IsDiagonal(double[,] matrix)
    {
        for (var i = 0; i < matrix.GetLength(0); i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (matrix[i, j] != 0 || matrix[j, i] != 0)
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>L^-1.</summary>
    public static double[,] Invert(double[,] factor)
    {
        var n = factor.GetLength(0);
        var inverse = new double[n, n];
        for (var j = 0; j < n; j++)
        {
            inverse[j, j] = 1 / factor[j, j];
            for (var i = j + 1; i < n; i++)
            {
                var sum = 0.0;
                for (var k = j; k < i; k++)
                {
                    sum -= factor[i, k] * inverse[k, j];
                }

                inverse[i, j] = sum / factor[i, i];
            }
        }

        return inverse;
    }

    /// <summary>A^-1 for A = L L^T.</summary>
    public static double[,] InverseOfProduct(double[,] factor)
    {
        var n = factor.GetLength(0);
        var inverse = Invert(factor);
        var product = new double[n, n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var sum = 0.0;
                for (var k = i; k < n; k++)
                {
                    sum += inverse[k, i] * inverse[k, j];
                }

                product[i, j] = product[j, i] = sum;
            }
        }

        return product;
    }

    /// <summary>Solves L L^T x = b.</summary>
    public static double[] Solve(double[,] factor, ReadOnlySpan<double> right)
    {
        var x = right.ToArray();
        Cholesky.Solve(Flatten(factor), x.Length, x);
        return x;
    }

    /// <summary>log det L.</summary>
    public static double LogDeterminant(double[,] factor)
    {
        var sum = 0.0;
        for (var i = 0; i < factor.GetLength(0); i++)
        {
            sum += Math.Log(factor[i, i]);
        }

        return sum;
    }

    /// <summary>The Euclidean norm of each row of L: the standard deviations of the law with covariance L L^T.</summary>
    public static double[] RowNorms(double[,] factor)
    {
        var norms = new double[factor.GetLength(0)];
        for (var i = 0; i < norms.Length; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                norms[i] += factor[i, j] * factor[i, j];
            }

            norms[i] = Math.Sqrt(norms[i]);
        }

        return norms;
    }

    /// <summary>The lower triangle, with zeros above.</summary>
    public static double[,] Copy(double[,] factor) => Scale(factor, 1);

    /// <summary>The lower triangle times a number, with zeros above.</summary>
    public static double[,] Scale(double[,] factor, double by)
    {
        var n = factor.GetLength(0);
        var scaled = new double[n, n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                scaled[i, j] = factor[i, j] * by;
            }
        }

        return scaled;
    }

    /// <summary>The elements row by row.</summary>
    public static double[] Flatten(double[,] matrix) => [.. matrix.Cast<double>()];
}
