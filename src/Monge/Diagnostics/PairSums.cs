using System.Numerics;
using System.Runtime.InteropServices;
using Monge.Engine.Execution;
using Monge.OptimalTransport;

namespace Monge.Diagnostics;

/// <summary>
/// Weighted sums of a function of |x - y| over all pairs of two point sets: O(n m) time, O(n + m) memory, rows on all cores. Each row is summed alone and the rows
/// in their order, so threads don't change a bit.
/// </summary>
internal static class PairSums
{
    /// <summary>Replaces a row of costs by the values to be summed.</summary>
    public delegate void RowFunction(Span<double> costs);

    /// <summary>sum_ij a_i b_j f(c(x_i, y_j)).</summary>
    public static double Cross(double[] x, double[] weightsX, double[] y, double[] weightsY, int dimension, GroundCost cost, RowFunction function, int threads)
    {
        var rows = new CostRows(x, y, dimension, cost, store: false);
        var sums = new double[rows.Rows];
        Workers.For(rows.Rows, threads, () => new double[rows.Columns], (row, buffer) =>
        {
            if (weightsX[row] > 0)
            {
                rows.Row(row, buffer);
                function(buffer);
                sums[row] = weightsX[row] * Dot(buffer, weightsY);
            }
        });
        return sums.Sum();
    }

    /// <summary>The mean of f over pairs of different points of one set: sum_(i != j) w_i w_j f / (1 - sum w^2), unbiased for independent samples with equal weights; 0 if one point has all weight.</summary>
    /// <param name="x">Points [n, d].</param>
    /// <param name="weights">Weights [n] that add to one.</param>
    /// <param name="dimension">d.</param>
    /// <param name="cost">What f is a function of.</param>
    /// <param name="function">f.</param>
    /// <param name="atZero">f(0), the value of the pairs (i, i).</param>
    /// <param name="threads">Threads; 0 is one for each processor.</param>
    public static double Within(double[] x, double[] weights, int dimension, GroundCost cost, RowFunction function, double atZero, int threads)
    {
        var squares = Dot(weights, weights);
        return squares < 1 ? (Cross(x, weights, x, weights, dimension, cost, function, threads) - (squares * atZero)) / (1 - squares) : 0;
    }

    /// <summary>sum_i a_i b_i.</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var va = MemoryMarshal.Cast<double, Vector<double>>(a);
        var vb = MemoryMarshal.Cast<double, Vector<double>>(b);
        var sum = Vector<double>.Zero;
        for (var i = 0; i < va.Length; i++)
        {
            sum += va[i] * vb[i];
        }

        var total = Vector.Sum(sum);
        for (var i = va.Length * Vector<double>.Count; i < a.Length; i++)
        {
            total += a[i] * b[i];
        }

        return total;
    }
}
