using Monge.Engine.LinearAlgebra;

namespace Monge.OptimalTransport;

/// <summary>Optimal transport between Gaussians in closed form (Bures-Wasserstein).</summary>
/// <remarks>
/// W2^2 = |m1 - m2|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2); the map is x -> m2 + T (x - m1) with T = A^-1/2 (A^1/2 B A^1/2)^1/2 A^-1/2.
/// Source: G. Peyre and M. Cuturi, "Computational Optimal Transport" (arXiv 1803.00567), remark 2.31.
/// </remarks>
public static class GaussianTransport
{
    /// <summary>W2 squared between two Gaussians.</summary>
    /// <param name="mean1">Mean of the first, d values.</param>
    /// <param name="covariance1">Covariance A of the first, [d, d], symmetric positive semidefinite.</param>
    /// <param name="mean2">Mean of the second, d values.</param>
    /// <param name="covariance2">Covariance B of the second, [d, d], symmetric positive semidefinite.</param>
    /// <returns>The squared distance, at least 0.</returns>
    /// <exception cref="ArgumentException">A shape does not fit, or a covariance is not symmetric positive semidefinite.</exception>
    public static double SquaredDistance(double[] mean1, double[] covariance1, double[] mean2, double[] covariance2)
    {
        int dimension = CheckMeans(mean1, mean2);
        double[] root = SymmetricRoots.Root(covariance1, dimension, nameof(covariance1));
        SymmetricRoots.Check(covariance2, dimension, nameof(covariance2));
        double[] middle = SymmetricRoots.Root(SymmetricRoots.Sandwich(root, covariance2, dimension), dimension, nameof(covariance2));
        double result = 0;
        for (int axis = 0; axis < dimension; axis++)
        {
            double shift = mean1[axis] - mean2[axis];
            int diagonal = axis * dimension + axis;
            result += shift * shift + covariance1[diagonal] + covariance2[diagonal] - 2 * middle[diagonal];
        }
        return Math.Max(0, result);
    }

    /// <summary>The matrix T of the optimal map x -> mean2 + T (x - mean1); symmetric, with T A T = B.</summary>
    /// <param name="covariance1">Covariance A of the source, [d, d], symmetric positive definite.</param>
    /// <param name="covariance2">Covariance B of the target, [d, d], symmetric positive semidefinite.</param>
    /// <param name="dimension">d.</param>
    /// <returns>T, [d, d] row-major.</returns>
    /// <exception cref="ArgumentException">A shape does not fit, or a covariance is not symmetric, or A is singular.</exception>
    public static double[] Map(double[] covariance1, double[] covariance2, int dimension)
    {
        double[] root = SymmetricRoots.Root(covariance1, dimension, nameof(covariance1));
        SymmetricRoots.Check(covariance2, dimension, nameof(covariance2));
        double[] inverseRoot = SymmetricRoots.InverseRoot(covariance1, dimension, nameof(covariance1));
        double[] middle = SymmetricRoots.Root(SymmetricRoots.Sandwich(root, covariance2, dimension), dimension, nameof(covariance2));
        return SymmetricRoots.Sandwich(inverseRoot, middle, dimension);
    }

    private static int CheckMeans(double[] mean1, double[] mean2)
    {
        ArgumentNullException.ThrowIfNull(mean1);
        ArgumentNullException.ThrowIfNull(mean2);
        return mean1.Length > 0 && mean1.Length == mean2.Length
            ? mean1.Length
            : throw new ArgumentException($"The means have {mean1.Length} and {mean2.Length} coordinates; they need the same positive number.", nameof(mean2));
    }
}

/// <summary>Square roots of symmetric matrices by their eigenvalues.</summary>
internal static class SymmetricRoots
{
    public static double[] Root(double[] matrix, int dimension, string name)
    {
        (double[] values, double[] vectors) = Eigen(matrix, dimension, name);
        double floor = Floor(values, dimension);
        for (int index = 0; index < dimension; index++)
        {
            if (values[index] < -floor)
                throw new ArgumentException($"The matrix has the negative eigenvalue {values[index]}; a covariance has none.", name);
            values[index] = Math.Sqrt(Math.Max(0, values[index]));
        }
        return Compose(values, vectors, dimension);
    }

    public static double[] InverseRoot(double[] matrix, int dimension, string name)
    {
        (double[] values, double[] vectors) = Eigen(matrix, dimension, name);
        double floor = Floor(values, dimension);
        for (int index = 0; index < dimension; index++)
        {
            if (values[index] <= floor)
                throw new ArgumentException(
                    $"The matrix is singular: its smallest eigenvalue is {values.Min()}; the source of a transport map needs a positive definite covariance.",
                    name);
            values[index] = 1 / Math.Sqrt(values[index]);
        }
        return Compose(values, vectors, dimension);
    }

    /// <summary>outer * inner * outer, made exactly symmetric.</summary>
    public static double[] Sandwich(double[] outer, double[] inner, int dimension)
    {
        double[] product = Multiply(Multiply(outer, inner, dimension), outer, dimension);
        for (int row = 0; row < dimension; row++)
        {
            for (int column = 0; column < row; column++)
            {
                double mean = (product[row * dimension + column] + product[column * dimension + row]) / 2;
                product[row * dimension + column] = product[column * dimension + row] = mean;
            }
        }
        return product;
    }

    public static double[] Multiply(double[] left, double[] right, int dimension) => HostMatrices.Product(left, right, dimension, dimension, dimension);

    public static void Check(double[] matrix, int dimension, string name)
    {
        ArgumentNullException.ThrowIfNull(matrix, name);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        if (matrix.Length != dimension * dimension)
            throw new ArgumentException($"A covariance of dimension {dimension} needs {dimension * dimension} values, but there are {matrix.Length}.", name);
        double scale = 0;
        foreach (double value in matrix)
            scale = double.IsFinite(value)
                ? Math.Max(scale, Math.Abs(value)) : throw new ArgumentException($"The matrix holds {value}; covariances are finite.", name);
        for (int row = 0; row < dimension; row++)
            for (int column = 0; column < row; column++)
                if (Math.Abs(matrix[row * dimension + column] - matrix[column * dimension + row]) > 1e-10 * scale)
                    throw new ArgumentException($"The matrix is not symmetric at row {row}, column {column}.", name);
    }

    private static double Floor(double[] values, int dimension) => 1e-13 * dimension * values.Max(Math.Abs);

    /// <summary>V diag(values) V^T for eigenvectors V in columns.</summary>
    public static double[] Compose(double[] values, double[] vectors, int dimension)
    {
        var result = new double[dimension * dimension];
        for (int row = 0; row < dimension; row++)
            for (int column = 0; column < dimension; column++)
                for (int index = 0; index < dimension; index++)
                    result[row * dimension + column] += vectors[row * dimension + index] * values[index] * vectors[column * dimension + index];
        return result;
    }

    /// <summary>Eigenvalues, and eigenvectors in the columns of a [d, d] matrix.</summary>
    private static (double[] Values, double[] Vectors) Eigen(double[] matrix, int dimension, string name)
    {
        Check(matrix, dimension, name);
        var (values, vectors) = SymmetricEigen.DecomposeAsStored(matrix, dimension);
        return (values, vectors);
    }
}
