namespace Monge.Engine.LinearAlgebra;

/// <summary>
/// Solves tridiagonal systems without pivoting in O(n) operations, without allocating. Stable where the matrix is diagonally dominant by rows or by columns,
/// symmetric positive definite or an M-matrix, as implicit steps of diffusions are; for any other take <see cref="BandedSolver"/>, which pivots.
/// </summary>
/// <remarks>Source: L. H. Thomas 1949; Higham, "Accuracy and Stability of Numerical Algorithms", section 9.6.</remarks>
public static class TridiagonalSolver
{
    /// <summary>Solves A x = b.</summary>
    /// <param name="lower">A[i + 1, i], [n - 1].</param>
    /// <param name="diagonal">A[i, i], [n].</param>
    /// <param name="upper">A[i, i + 1], [n - 1].</param>
    /// <param name="rightHandSide">b, [n].</param>
    /// <param name="solution">x, [n]; may be the same memory as b.</param>
    /// <param name="scratch">Memory for n numbers, apart from the others.</param>
    /// <exception cref="ArgumentException">A span has the wrong length.</exception>
    /// <exception cref="LinearAlgebraException">A pivot is zero or not finite.</exception>
    public static void Solve(
        ReadOnlySpan<double> lower,
        ReadOnlySpan<double> diagonal,
        ReadOnlySpan<double> upper,
        ReadOnlySpan<double> rightHandSide,
        Span<double> solution,
        Span<double> scratch)
    {
        var n = diagonal.Length;
        ArgumentOutOfRangeException.ThrowIfZero(n, nameof(diagonal));
        VectorKernels.CheckLength(lower, n - 1, nameof(lower));
        VectorKernels.CheckLength(upper, n - 1, nameof(upper));
        VectorKernels.CheckLength(rightHandSide, n, nameof(rightHandSide));
        VectorKernels.CheckLength(solution, n, nameof(solution));
        VectorKernels.CheckLength(scratch, n, nameof(scratch));
        var (pivot, above) = (diagonal[0], 0.0);
        for (var i = 0; ; i++)
        {
            if (pivot == 0 || !double.IsFinite(pivot))
            {
                throw new LinearAlgebraException(
                    $"Pivot {i} (from 0) of the tridiagonal matrix of {n} rows is {pivot}: it is singular or not diagonally dominant; use BandedSolver, which "
                    + "exchanges rows.");
            }

            above = (rightHandSide[i] - (i == 0 ? 0 : lower[i - 1] * above)) / pivot;
            solution[i] = above;
            if (i == n - 1)
            {
                break;
            }

            scratch[i] = upper[i] / pivot;
            pivot = diagonal[i + 1] - (lower[i] * scratch[i]);
        }

        for (var i = n - 2; i >= 0; i--)
        {
            solution[i] -= scratch[i] * solution[i + 1];
        }
    }
}
