using Monge.Engine.LinearAlgebra;

namespace Monge.Measures;

/// <summary>
/// Regression by a kernel, f(x) = sum_i w_i k(x, x_i) with (K + ridge I) w = y, K_ij = k(x_i, x_j): without a ridge the function of least norm through the
/// data, which is what a network in the lazy regime learns under its tangent kernel (A. Jacot, F. Gabriel, C. Hongler, arXiv:1806.07572). By Cholesky's
/// factorisation in float64 with nothing added to the diagonal, and two rounds of refinement of the weights.
/// </summary>
public sealed class KernelInterpolation
{
    private const int Refinements = 2;

    private readonly double[] _points;
    private readonly double[] _weights;

    private KernelInterpolation(IKernel kernel, double[] points, double[] weights, int dimension, double residual) =>
        (Kernel, _points, _weights, Dimension, LargestResidual) = (kernel, points, weights, dimension, residual);

    /// <summary>k.</summary>
    public IKernel Kernel { get; }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>Number of points n.</summary>
    public int Count => _points.Length / Dimension;

    /// <summary>Number of functions q that are fitted together.</summary>
    public int Outputs => _weights.Length / Count;

    /// <summary>w [n, q], row-major.</summary>
    public ReadOnlySpan<double> Weights => _weights;

    /// <summary>The largest |((K + ridge I) w - y)_i| of all: what is left of the equations by rounding.</summary>
    public double LargestResidual { get; }

    /// <summary>Fits one function, or several at the same points.</summary>
    /// <param name="kernel">k.</param>
    /// <param name="points">x [n, d], row-major.</param>
    /// <param name="targets">y [n, q], row-major.</param>
    /// <param name="dimension">d.</param>
    /// <param name="ridge">The ridge, at least 0, in units of k.</param>
    /// <exception cref="ArgumentException">Lengths don't fit, a number isn't finite, or without a ridge a row is repeated or the matrix is singular to
    /// rounding, as it may be for two points on one line through 0.</exception>
    public static KernelInterpolation Fit(IKernel kernel, double[] points, double[] targets, int dimension, double ridge = 0)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(points);
        ArgumentNullException.ThrowIfNull(targets);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(ridge);
        var n = points.Length / dimension;
        if (n == 0 || points.Length % dimension != 0 || targets.Length == 0 || targets.Length % n != 0)
        {
            throw new ArgumentException(
                $"{points.Length} numbers of points in {dimension} dimensions and {targets.Length} targets are no table; give a row of targets for each point.",
                nameof(targets));
        }

        CheckFinite(points, dimension, nameof(points));
        CheckFinite(targets, targets.Length / n, nameof(targets));
        if (ridge == 0)
        {
            CheckRepeats(points, dimension);
        }

        var matrix = kernel.Matrix(points, points, dimension);
        for (var i = 0; i < n; i++)
        {
            matrix[i * (n + 1)] += ridge;
        }

        double[] factor = [.. matrix], own = [.. points];
        try
        {
            Cholesky.Factor(factor, n);
        }
        catch (LinearAlgebraException error)
        {
            throw new ArgumentException(Singular(kernel, points, dimension), nameof(points), error);
        }

        var (weights, residual) = Solve(matrix, factor, targets, n);
        return new KernelInterpolation(kernel, own, weights, dimension, residual);
    }

    /// <summary>f at points.</summary>
    /// <param name="points">Points [k, d], row-major.</param>
    /// <returns>Values [k, q], row-major.</returns>
    /// <exception cref="ArgumentException">The numbers aren't points in d dimensions.</exception>
    public double[] Predict(double[] points)
    {
        ArgumentNullException.ThrowIfNull(points);
        return HostMatrices.Product(Kernel.Matrix(points, _points, Dimension), _weights, points.Length / Dimension, Count, Outputs);
    }

    // w by the factor, then w += A^-1 (y - A w).
    private static (double[] Weights, double Residual) Solve(double[] matrix, double[] factor, double[] targets, int n)
    {
        var q = targets.Length / n;
        double[] weights = new double[targets.Length], residuals = [.. targets];
        for (var round = 0; round <= Refinements; round++)
        {
            Cholesky.SolveMany(factor, n, residuals, q);
            HostVectors.AddScaled(1, residuals, weights);
            var fitted = HostMatrices.Product(matrix, weights, n, n, q);
            targets.CopyTo(residuals, 0);
            HostVectors.AddScaled(-1, fitted, residuals);
        }

        return (weights, residuals.Max(Math.Abs));
    }

    private static void CheckFinite(double[] values, int columns, string name)
    {
        var at = Array.FindIndex(values, value => !double.IsFinite(value));
        if (at >= 0)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"Row {at / columns} (from 0) of {name} holds {values[at]}; every number must be finite."), name);
        }
    }

    private static void CheckRepeats(double[] points, int d)
    {
        int Compare(int i, int j) => points.AsSpan(i * d, d).SequenceCompareTo(points.AsSpan(j * d, d));
        int[] order = [.. Enumerable.Range(0, points.Length / d)];
        Array.Sort(order, (i, j) => Compare(i, j) is not 0 and var sign ? sign : i.CompareTo(j));
        for (var k = 1; k < order.Length; k++)
        {
            if (Compare(order[k - 1], order[k]) == 0)
            {
                throw new ArgumentException(
                    $"Rows {order[k - 1]} and {order[k]} (from 0) are the same point, through which no two values pass; remove one or give a ridge.",
                    nameof(points));
            }
        }
    }

    // Names the two rows that are nearest to one line through 0, on which kernels of networks without a bias are dependent, or nearest to each other.
    private static string Singular(IKernel kernel, double[] points, int d)
    {
        var n = points.Length / d;
        var (least, first, second) = (double.PositiveInfinity, 0, 0);
        double[] lengths = [.. Enumerable.Range(0, n).Select(i => Math.Sqrt(HostVectors.Dot(points.AsSpan(i * d, d), points.AsSpan(i * d, d))))];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var x = points.AsSpan(i * d, d);
                var y = points.AsSpan(j * d, d);
                var sign = HostVectors.Dot(x, y) < 0 ? -1 : 1;
                var (distance, scale) = (0.0, Math.Max(lengths[i] * lengths[j], double.Epsilon));
                for (var k = 0; k < d; k++)
                {
                    var gap = (x[k] * lengths[j]) - (sign * y[k] * lengths[i]);
                    distance += gap / scale * (gap / scale);
                }

                (least, first, second) = distance < least ? (distance, j, i) : (least, first, second);
            }
        }

        var opposite = HostVectors.Dot(points.AsSpan(first * d, d), points.AsSpan(second * d, d)) < 0;
        var advice = "remove rows or give a ridge.";
        return n > 1 && least < 1e-12
            ? $"The matrix of the kernel '{kernel.Name}' is singular: rows {first} and {second} (from 0) lie on one line through 0"
                + $"{(opposite ? ", at opposite ends" : string.Empty)}; {advice}"
            : $"The matrix of the kernel '{kernel.Name}' at these {n} rows is singular to rounding; {advice}";
    }
}
