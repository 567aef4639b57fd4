using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;

namespace Monge.References;

/// <summary>
/// The linear Volterra equation of the second kind, g(t) + integral from 0 to t of Gamma(t, s) g(s) ds = b(t), for vectors on a grid of equal steps by the
/// trapezoid rule, whose error is of second order in the step.
/// </summary>
public static class VolterraEquation
{
    /// <summary>Solves for several right-hand sides at once.</summary>
    /// <param name="kernel">Gamma(t_k, t_l) [K n, K n], row-major, in blocks of n x n; blocks above the diagonal aren't read.</param>
    /// <param name="forcing">b(t_k) [K n, columns], row-major.</param>
    /// <param name="size">n, the length of a vector.</param>
    /// <param name="step">The step between times, above 0.</param>
    /// <param name="threads">Threads; 0 is one for each processor.</param>
    /// <param name="cancellation">Stops between times.</param>
    /// <returns>g(t_k) [K n, columns].</returns>
    /// <exception cref="ArgumentException">The kernel isn't a square of blocks, or the right-hand sides don't fit it.</exception>
    /// <exception cref="LinearAlgebraException">The step is so long that a step's system is singular.</exception>
    public static double[] Solve(double[] kernel, double[] forcing, int size, double step, int threads = 0, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(forcing);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        var rows = (int)Math.Round(Math.Sqrt(kernel.Length));
        if (rows == 0 || (long)rows * rows != kernel.Length || rows % size != 0 || forcing.Length == 0 || forcing.Length % rows != 0)
        {
            throw new ArgumentException(
                $"{kernel.Length} numbers of a kernel and {forcing.Length} of right-hand sides are no equation in vectors of {size}.", nameof(kernel));
        }

        var columns = forcing.Length / rows;
        var solution = forcing.ToArray();
        var past = new double[size * columns];
        for (var k = 1; k < rows / size; k++)
        {
            cancellation.ThrowIfCancellationRequested();

            // b(t_k) less the sum over the times before, of which the first counts half.
            var before = k * size;
            var weights = new double[size * before];
            for (var i = 0; i < size; i++)
            {
                for (var j = 0; j < before; j++)
                {
                    weights[(i * before) + j] = (j < size ? 0.5 : 1) * step * kernel[((before + i) * rows) + j];
                }
            }

            HostProduct.Multiply(weights, solution.AsSpan(0, before * columns), past, size, before, columns, threads: threads);
            var right = solution.AsSpan(before * columns, size * columns);
            HostVectors.AddScaled(-1, past, right);

            var matrix = new double[size * size];
            for (var i = 0; i < size; i++)
            {
                for (var j = 0; j < size; j++)
                {
                    matrix[(i * size) + j] = (i == j ? 1 : 0) + (0.5 * step * kernel[((before + i) * rows) + before + j]);
                }
            }

            Solve(matrix, right, size, columns);
        }

        return solution;
    }

    private static void Solve(double[] matrix, Span<double> right, int size, int columns)
    {
        var solver = new LuSolver(matrix, size);
        if (solver.IsSingular)
        {
            throw new LinearAlgebraException("A step's system is singular; take shorter steps.");
        }

        var (column, solved) = (new double[size], new double[size]);
        for (var c = 0; c < columns; c++)
        {
            for (var i = 0; i < size; i++)
            {
                column[i] = right[(i * columns) + c];
            }

            solver.Solve(column, solved);
            for (var i = 0; i < size; i++)
            {
                right[(i * columns) + c] = solved[i];
            }
        }
    }
}
