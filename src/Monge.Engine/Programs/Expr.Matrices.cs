using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

/// <content>
/// Dense linear algebra on a sample's own matrices, of a few dozen rows at most. Symmetric matrices are read by their symmetric part (A + A^T) / 2, so
/// derivatives are those of a function of all n^2 entries: symmetric, and for log det A just A^-T. A matrix outside of an operation's domain makes NaN of
/// its sample's results, never an exception.
/// </content>
public sealed partial class Expr
{
    /// <summary>
    /// The Cholesky factor L [n, n] of this positive definite matrix A [n, n]: A = L L^T, lower triangular with a positive diagonal and zeros above it. Of A
    /// the symmetric part (A + A^T) / 2 is read. For a sample whose matrix is not positive definite, L is NaN on and below the diagonal.
    /// </summary>
    /// <exception cref="ShapeException">The value is not a square matrix.</exception>
    public Expr Cholesky() => Create(CholeskyOperation.Instance, this);

    /// <summary>log det A [] of this positive definite matrix A [n, n], read as <see cref="Cholesky"/> reads it; NaN where it is not positive
    /// definite.</summary>
    /// <exception cref="ShapeException">The value is not a square matrix.</exception>
    public Expr LogDeterminant()
    {
        var sum = 2 * Cholesky().Diagonal().Log().Sum();
        return Create(LogDeterminantOperation.Instance, sum, this);
    }

    /// <summary>The inverse A^-1 [n, n] of this positive definite matrix A [n, n], read as <see cref="Cholesky"/> reads it; NaN where it is not positive
    /// definite.</summary>
    /// <exception cref="ShapeException">The value is not a square matrix.</exception>
    public Expr InversePositiveDefinite() => Create(PositiveDefiniteInverseOperation.Instance, this);

    /// <summary>
    /// A^-1 B of the shape of B, a vector [n] or columns [n, m], for this positive definite matrix A [n, n], read as <see cref="Cholesky"/> reads it; NaN
    /// where it is not positive definite.
    /// </summary>
    /// <param name="right">B.</param>
    /// <exception cref="ShapeException">The value is not a square matrix, or B has not as many rows.</exception>
    public Expr SolvePositiveDefinite(Expr right) => OnColumns(right, b => PositiveDefiniteSolveOperation.Apply(this, b));

    /// <summary>
    /// L^-1 B or L^-T B, of the shape of B, a vector [n] or columns [n, m], for this lower triangular matrix L [n, n], of which nothing above the diagonal
    /// is read. A zero on the diagonal gives infinities or NaN.
    /// </summary>
    /// <param name="right">B.</param>
    /// <param name="transposed">Whether to solve with L^T.</param>
    /// <exception cref="ShapeException">The value is not a square matrix, or B has not as many rows.</exception>
    public Expr SolveTriangular(Expr right, bool transposed = false) => OnColumns(right, b => TriangularSolveOperation.Apply(this, b, transposed));

    /// <summary>
    /// The eigenvalues [n], ascending, and eigenvectors V [n, n], one in each column, of the symmetric part S = (A + A^T) / 2 of this matrix A [n, n]: S = V
    /// diag(values) V^T. Each vector has length 1 and its largest entry (the first of nearly equal ones) positive. An entry that is not finite makes all NaN.
    /// </summary>
    /// <remarks>
    /// Where eigenvalues coincide, the vectors, and the second derivatives of the values, have no derivative: theirs is infinite or NaN there. First
    /// derivatives of the values are finite everywhere, and those of a symmetric function of the values right.
    /// </remarks>
    /// <exception cref="ShapeException">The value is not a square matrix.</exception>
    public (Expr Values, Expr Vectors) SymmetricEigen()
    {
        var both = Create(SymmetricEigenOperation.Instance, this);
        return (both[0], both[1..]);
    }

    private static Expr OnColumns(Expr right, Func<Expr, Expr> solve) =>
        right.Shape.Rank == 1 ? solve(right.WithTrailingAxis()).Reshape(right.Size) : solve(right);
}
