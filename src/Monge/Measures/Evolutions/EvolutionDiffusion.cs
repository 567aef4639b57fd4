using Monge.Engine.LinearAlgebra;
using Monge.OptimalTransport;

namespace Monge.Measures;

/// <summary>The diffusion matrix D of dX = b dt + sqrt(2 D) dW: symmetric, positive semidefinite, the same everywhere.</summary>
public sealed class EvolutionDiffusion
{
    // Entries and eigenvalues this far off, beside the largest entry, are rounding.
    private const double Rounding = 1e-12;

    private readonly double[] _matrix;
    private readonly double[] _root;

    private EvolutionDiffusion(int dimension, double? scalar, double[] matrix, double[] root) =>
        (Dimension, Scalar, _matrix, _root) = (dimension, scalar, matrix, root);

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>eps where D = eps I; null for another matrix.</summary>
    public double? Scalar { get; }

    /// <summary>D [d * d], row-major.</summary>
    public IReadOnlyList<double> Matrix => _matrix;

    /// <summary>A matrix S [d * d] with S S^T = D, row-major; symmetric.</summary>
    public IReadOnlyList<double> Root => _root;

    /// <summary>Whether there is noise along each direction.</summary>
    public bool IsElliptic { get; private init; } = true;

    /// <summary>D = eps I.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="diffusion">eps, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The dimension is below 1, or eps is negative or not finite.</exception>
    public static EvolutionDiffusion Isotropic(int dimension, double diffusion)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        if (!(diffusion >= 0) || !double.IsFinite(diffusion))
        {
            throw new ArgumentOutOfRangeException(nameof(diffusion), diffusion, "A diffusion must be at least 0 and finite.");
        }

        return new EvolutionDiffusion(dimension, diffusion, Diagonal(dimension, diffusion), Diagonal(dimension, Math.Sqrt(diffusion)))
        {
            IsElliptic = diffusion > 0,
        };
    }

    /// <summary>Any matrix, a degenerate one among them.</summary>
    /// <param name="matrix">D [d, d].</param>
    /// <exception cref="ArgumentException">It is not square, not finite, not symmetric, or has a negative eigenvalue; the message says where.</exception>
    public static EvolutionDiffusion Of(double[,] matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        var d = matrix.GetLength(0);
        if (d == 0 || d != matrix.GetLength(1) || !matrix.Cast<double>().All(double.IsFinite))
        {
            throw new ArgumentException(
                $"A diffusion matrix must be square and finite; this one has {d} rows and {matrix.GetLength(1)} columns.", nameof(matrix));
        }

        double[] flat = [.. matrix.Cast<double>()];
        var largest = flat.Max(Math.Abs);
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (Math.Abs(matrix[i, j] - matrix[j, i]) > Rounding * largest)
                {
                    throw new ArgumentException(FormattableString.Invariant(
                        $"The diffusion matrix is not symmetric: D[{i},{j}] = {matrix[i, j]:g6} but D[{j},{i}] = {matrix[j, i]:g6}; give its ")
                        + "symmetric part, the other part belongs to the drift.", nameof(matrix));
                }
            }
        }

        var (values, vectors) = SymmetricEigen.Decompose(flat, d);
        if (values[0] < -Rounding * d * largest)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"The diffusion matrix has the negative eigenvalue {values[0]:g6}; noise has none."), nameof(matrix));
        }

        var root = SymmetricRoots.Compose([.. values.Select(v => Math.Sqrt(Math.Max(0, v)))], vectors, d);
        var isScalar = flat.Where((_, at) => at % (d + 1) != 0).All(v => v == 0) && Enumerable.Range(0, d).All(i => matrix[i, i] == matrix[0, 0]);
        return isScalar ? Isotropic(d, matrix[0, 0]) : new EvolutionDiffusion(d, null, flat, root) { IsElliptic = values[0] > Rounding * d * largest };
    }

    private static double[] Diagonal(int d, double value)
    {
        var matrix = new double[d * d];
        for (var i = 0; i < d; i++)
        {
            matrix[i * (d + 1)] = value;
        }

        return matrix;
    }
}
