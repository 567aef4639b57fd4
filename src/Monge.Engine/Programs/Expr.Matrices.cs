using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

/// <content>
/// Dense linear algebra on a sample's own matrices, of a few dozen rows at most. Symmetric matrices are read by their symmetric part (A + A^T) / 2, so
/// derivatives are those of a function of all n^2 entries: symmetric, and for log det A just A^-T. A matrix outside of an operation's domain makes NaN of
/// its sample's results, never an exception.
/// </content>
public sealed partial class Expr
{
    /// <summary>The inner product of two values of one shape.</summary>
    public static Expr Dot(Expr left, Expr right) => left.Shape == right.Shape
        ? (left * right).Sum()
        : throw new ShapeException($"dot: the left argument has shape {left.Shape} and the right argument {right.Shape}; they must agree.");

    /// <summary>The outer product [m, n] of vectors [m] and [n].</summary>
    public static Expr Outer(Expr left, Expr right) => left.Shape.Rank == 1 && right.Shape.Rank == 1
        ? left.Reshape(left.Size, 1) * right.Reshape(1, right.Size)
        : throw new ShapeException($"outer: the left argument has shape {left.Shape} and the right argument {right.Shape}; both must be vectors.");

    /// <summary>
    /// The matrix product: [m, k] x [k, n], [m, k] x [k], [k] x [k, n], or stacks [b, m, k] x [b, k, n]. Each may be shared or per sample.
    /// </summary>
    public static Expr MatrixProduct(Expr left, Expr right)
    {
        if (left.Shape.Rank == 2 && right.Shape.Rank == 1)
        {
            return MatrixProduct(left, right.Reshape(right.Size, 1)).Reshape(left.Shape[0]);
        }

        if (left.Shape.Rank == 1 && right.Shape.Rank == 2)
        {
            return MatrixProduct(left.Reshape(1, left.Size), right).Reshape(right.Shape[1]);
        }

        var shape = MatrixProductOperation.Instance.InferShape([left.Shape, right.Shape]);
        if (left.IsZero || right.IsZero)
        {
            return Constant(0).BroadcastTo(shape);
        }

        if (left.Shape[^1] == 1)
        {
            return left * right;
        }

        if (shape.Rank == 3 && shape[0] == 1)
        {
            return MatrixProduct(left.Reshape(left.Shape.Sizes[1..]), right.Reshape(right.Shape.Sizes[1..])).Reshape(shape.Sizes);
        }

        // A constant of one-hot columns (rows) only picks columns (rows) of the other factor: the tangents of a first layer.
        if (right.Shape.Rank == 2 && OneHotColumns(right) is { } columns)
        {
            return left.Gather(1, columns);
        }

        return left.Shape.Rank == 2 && OneHotColumns(left.Transpose(1, 0)) is { } rows
            ? right.Gather(0, rows)
            : Create(MatrixProductOperation.Instance, left, right);
    }

    private static int[]? OneHotColumns(Expr value)
    {
        if (value.Operation is not ConstantLeaf { Values: var v })
        {
            return null;
        }

        var (rows, columns) = (value.Shape[0], value.Shape[1]);
        var picked = new int[columns];
        Array.Fill(picked, -1);
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
            {
                var element = v[(i * columns) + j];
                if (element == 0)
                {
                    continue;
                }

                if (element != 1 || picked[j] >= 0)
                {
                    return null;
                }

                picked[j] = i;
            }
        }

        return picked;
    }

    /// <summary>x^T A x for a vector [n] and a matrix [n, n].</summary>
    public static Expr QuadraticForm(Expr matrix, Expr vector) => Dot(vector, MatrixProduct(matrix, vector));

    /// <summary>
    /// The Gram matrix A^T diag(w) A of the columns of this matrix A [k, n], [n, n] and symmetric: the sum over its rows a_j of w_j a_j a_j^T, such as a
    /// covariance of k members or J^T J of a Jacobian. Half the work of the matrix product, and nothing is transposed. Stacks [b, k, n] with weights [b, k]
    /// give [b, n, n].
    /// </summary>
    /// <param name="weights">w [k], of any sign; null for ones.</param>
    /// <exception cref="ShapeException">The value is not a matrix or a stack of matrices, or there is not one weight for each row.</exception>
    public Expr Gram(Expr? weights = null)
    {
        var shape = GramMatrixOperation.Instance.InferShape(weights is null ? [Shape] : [Shape, weights.Shape]);
        return IsZero || weights is { IsZero: true } ? Constant(0).BroadcastTo(shape)
            : weights is null ? Create(GramMatrixOperation.Instance, this)
            : Create(GramMatrixOperation.Instance, this, weights);
    }

    /// <summary>The trace of a matrix [n, n]; of a matrix product without forming the product.</summary>
    public Expr Trace()
    {
        if (Shape.Rank != 2 || Shape[0] != Shape[1])
        {
            throw new ShapeException($"trace: the argument has shape {Shape}; it must be a square matrix.");
        }

        return Operation switch
        {
            MatrixProductOperation => (_inputs[0].Transpose(1, 0) * _inputs[1]).Sum(),
            AddOperation => _inputs[0].Trace() + _inputs[1].Trace(),
            SubtractOperation => _inputs[0].Trace() - _inputs[1].Trace(),
            NegateOperation => -_inputs[0].Trace(),
            _ => Diagonal().Sum(),
        };
    }

    /// <summary>The diagonal [n] of a matrix [n, n].</summary>
    public Expr Diagonal()
    {
        var n = Shape[0];
        return Operation switch
        {
            AddOperation or SubtractOperation or MultiplyOperation or NegateOperation => Create(Operation, [.. _inputs.Select(i => i.Diagonal())]),
            BroadcastOperation when Shape.Rank == 2 && _inputs[0].Shape.Rank == 2 && _inputs[0].Shape[1] == 1
            && _inputs[0].Shape[0] == n => _inputs[0].Reshape(n),
            _ => Reshape(n * n).Gather(0, [.. Enumerable.Range(0, n).Select(i => i * (n + 1))]),
        };
    }

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
