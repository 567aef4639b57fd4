using Monge.Engine.Random;

namespace Monge.Engine.Tests.LinearAlgebra;

/// <summary>Row-major matrices with known properties.</summary>
internal static class TestMatrices
{
    public static double[] Normal(int rows, int columns, ulong seed)
    {
        var random = new RandomStream(seed);
        var matrix = new double[rows * columns];
        for (int index = 0; index < matrix.Length; index++)
        {
            matrix[index] = random.NextNormal();
        }

        return matrix;
    }

    public static double[] Vector(int n, ulong seed) => Normal(n, 1, seed + 1000);

    /// <summary>left [rows, inner] times right [inner, columns].</summary>
    public static double[] Multiply(double[] left, double[] right, int rows, int inner, int columns)
    {
        var product = new double[rows * columns];
        for (int row = 0; row < rows; row++)
        {
            for (int k = 0; k < inner; k++)
            {
                double factor = left[row * inner + k];
                for (int column = 0; column < columns; column++)
                {
                    product[row * columns + column] += factor * right[k * columns + column];
                }
            }
        }

        return product;
    }

    public static double[] Transpose(double[] matrix, int rows, int columns)
    {
        var result = new double[matrix.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                result[column * rows + row] = matrix[row * columns + column];
            }
        }

        return result;
    }

    /// <summary>An orthogonal matrix by Gram-Schmidt, done twice so that it is orthogonal to rounding.</summary>
    public static double[] Orthogonal(int n, ulong seed)
    {
        double[] q = Normal(n, n, seed);
        for (int row = 0; row < n; row++)
        {
            for (int pass = 0; pass < 2; pass++)
            {
                for (int earlier = 0; earlier < row; earlier++)
                {
                    double overlap = 0;
                    for (int k = 0; k < n; k++)
                    {
                        overlap += q[row * n + k] * q[earlier * n + k];
                    }

                    for (int k = 0; k < n; k++)
                    {
                        q[row * n + k] -= overlap * q[earlier * n + k];
                    }
                }

                double norm = Math.Sqrt(q.AsSpan(row * n, n).ToArray().Sum(value => value * value));
                for (int k = 0; k < n; k++)
                {
                    q[row * n + k] /= norm;
                }
            }
        }

        return q;
    }

    /// <summary>Q^T diag(spectrum) Q, exactly symmetric.</summary>
    public static double[] Symmetric(double[] spectrum, ulong seed)
    {
        int n = spectrum.Length;
        double[] q = Orthogonal(n, seed);
        var scaled = new double[n * n];
        for (int index = 0; index < n * n; index++)
        {
            scaled[index] = spectrum[index / n] * q[index];
        }

        double[] product = Multiply(Transpose(q, n, n), scaled, n, n, n);
        for (int row = 0; row < n; row++)
        {
            for (int column = 0; column < row; column++)
            {
                product[column * n + row] = product[row * n + column];
            }
        }

        return product;
    }

    public static double[] Spectrum(int n, Func<int, double> value) => [.. Enumerable.Range(0, n).Select(value)];

    public static double MaximumDifference(double[] left, double[] right) => left.Zip(right, (x, y) => Math.Abs(x - y)).Max();

    public static double Norm(double[] vector) => Math.Sqrt(vector.Sum(value => value * value));

    public static double[] Difference(double[] left, double[] right) => [.. left.Zip(right, (x, y) => x - y)];
}
