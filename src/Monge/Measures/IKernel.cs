namespace Monge.Measures;

/// <summary>A symmetric positive semidefinite kernel k(x, y) of points, as regression by kernels asks for it.</summary>
public interface IKernel
{
    /// <summary>Its name, such as "gaussian".</summary>
    string Name { get; }

    /// <summary>k(x, y).</summary>
    /// <param name="x">A point [d].</param>
    /// <param name="y">A point [d].</param>
    double Value(double[] x, double[] y);

    /// <summary>The gradient of k(x, y) in x, [d].</summary>
    /// <param name="x">A point [d].</param>
    /// <param name="y">A point [d].</param>
    double[] Gradient(double[] x, double[] y);

    /// <summary>The matrix k(x_i, y_j).</summary>
    /// <param name="x">Points [n, d], row-major.</param>
    /// <param name="y">Points [m, d].</param>
    /// <param name="dimension">d.</param>
    /// <returns>n m values, row by row.</returns>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    double[] Matrix(double[] x, double[] y, int dimension);
}
