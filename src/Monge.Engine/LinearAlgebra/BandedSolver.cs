namespace Monge.Engine.LinearAlgebra;

/// <summary>
/// The factorisation P A = L U with partial pivoting of a banded float64 matrix, and solves from it, in O(n p (p + q)) operations for p diagonals below and q
/// above the main one. Own code: MathNet.Numerics has no banded matrices.
/// </summary>
/// <remarks>
/// Source: Golub and Van Loan, "Matrix Computations", section 4.3. A is given by bands: row i holds A[i, i - p], ..., A[i, i + q]; places of a row that lie
/// outside the matrix are not read.
/// </remarks>
public sealed class BandedSolver
{
    private const double PivotTolerance = 16 * 2.220446049250313e-16;

    private readonly int _n;
    private readonly int _lower;
    private readonly int _width;
    private readonly int _singularPivot = -1;

    // Row k of U from its diagonal on [n, p + q + 1]: exchanges of rows widen U by p.
    private readonly double[] _rows;

    // Multipliers of column k below its diagonal [n, p], and the row that was exchanged with row k.
    private readonly double[] _multipliers;
    private readonly int[] _exchanged;

    /// <summary>Factors a matrix; a singular one is accepted here and refused by <see cref="Solve"/>.</summary>
    /// <param name="bands">A by bands, row-major [n, p + 1 + q], not changed.</param>
    /// <param name="n">The number of rows.</param>
    /// <param name="lower">p, the number of diagonals below the main one, 0 to n - 1.</param>
    /// <param name="upper">q, the number of diagonals above it, 0 to n - 1.</param>
    /// <exception cref="ArgumentException">
    /// A bandwidth is not between 0 and n - 1, the span does not have n (p + 1 + q) numbers, or one inside the matrix is not finite.
    /// </exception>
    public BandedSolver(ReadOnlySpan<double> bands, int n, int lower, int upper)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n);
        CheckBandwidth(lower, n, nameof(lower));
        CheckBandwidth(upper, n, nameof(upper));
        (_n, _lower, _width) = (n, lower, lower + 1 + upper);
        if (bands.Length != (long)n * _width)
        {
            throw new ArgumentException(
                $"The bands have {bands.Length} numbers; {n} rows of {lower} + 1 + {upper} diagonals must have {(long)n * _width}.", nameof(bands));
        }

        _rows = new double[bands.Length];
        _multipliers = new double[n * lower];
        _exchanged = new int[n];
        _singularPivot = Factor(Load(bands));
    }

    /// <summary>Whether a pivot vanished, to rounding, so that solves are impossible.</summary>
    public bool IsSingular => _singularPivot >= 0;

    /// <summary>Solves A x = b, in O(n (2 p + q)) operations.</summary>
    /// <param name="rightHandSide">b, [n].</param>
    /// <param name="solution">x, [n]; may be the same memory as b.</param>
    /// <exception cref="ArgumentException">A span has the wrong length.</exception>
    /// <exception cref="LinearAlgebraException">The matrix is singular.</exception>
    public void Solve(ReadOnlySpan<double> rightHandSide, Span<double> solution)
    {
        VectorKernels.CheckLength(rightHandSide, _n, nameof(rightHandSide));
        VectorKernels.CheckLength(solution, _n, nameof(solution));
        if (IsSingular)
        {
            throw new LinearAlgebraException(
                $"The banded matrix of {_n} rows is singular: pivot {_singularPivot} (from 0) is {_rows[_singularPivot * _width]:g6}; column "
                + $"{_singularPivot} depends on the columns before it.");
        }

        rightHandSide.CopyTo(solution);
        for (var k = 0; k < _n; k++)
        {
            (solution[k], solution[_exchanged[k]]) = (solution[_exchanged[k]], solution[k]);
            var below = Math.Min(_lower, _n - 1 - k);
            VectorKernels.AddScaled(-solution[k], _multipliers.AsSpan(k * _lower, below), solution.Slice(k + 1, below));
        }

        for (var k = _n - 1; k >= 0; k--)
        {
            var right = Math.Min(_width, _n - k) - 1;
            solution[k] = (solution[k] - VectorKernels.Dot(_rows.AsSpan((k * _width) + 1, right), solution[(k + 1)..])) / _rows[k * _width];
        }
    }

    private static void CheckBandwidth(int bandwidth, int n, string name)
    {
        if (bandwidth < 0 || bandwidth >= n)
        {
            throw new ArgumentOutOfRangeException(name, bandwidth, $"A matrix of {n} rows has 0 to {n - 1} diagonals on each side of the main one.");
        }
    }

    // Every row is moved to the left, so that it begins with its first column inside the matrix; returns the largest magnitude of each column.
    private double[] Load(ReadOnlySpan<double> bands)
    {
        var scale = new double[_n];
        for (var row = 0; row < _n; row++)
        {
            var first = Math.Max(0, row - _lower);
            var last = Math.Min(_n - 1, row - _lower + _width - 1);
            for (var column = first; column <= last; column++)
            {
                var value = bands[(row * _width) + column - row + _lower];
                if (!double.IsFinite(value))
                {
                    throw new ArgumentException($"Entry [{row}, {column}] of the banded matrix is {value}; every entry must be finite.", nameof(bands));
                }

                _rows[(row * _width) + column - first] = value;
                scale[column] = Math.Max(scale[column], Math.Abs(value));
            }
        }

        return scale;
    }

    // At step k the rows k .. k + p all begin with column k. Returns the first pivot that vanished, or -1.
    private int Factor(double[] columnScale)
    {
        var singular = -1;
        for (var k = 0; k < _n; k++)
        {
            var end = Math.Min(_n, k + _lower + 1);
            var largest = k;
            for (var row = k + 1; row < end; row++)
            {
                largest = Math.Abs(_rows[row * _width]) > Math.Abs(_rows[largest * _width]) ? row : largest;
            }

            _exchanged[k] = largest;
            var pivotRow = _rows.AsSpan(k * _width, _width);
            if (largest != k)
            {
                Exchange(pivotRow, _rows.AsSpan(largest * _width, _width));
            }

            var pivot = pivotRow[0];
            if (singular < 0 && !(Math.Abs(pivot) > PivotTolerance * columnScale[k]))
            {
                singular = k;
            }

            for (var row = k + 1; row < end; row++)
            {
                Eliminate(pivotRow, _rows.AsSpan(row * _width, _width), out _multipliers[(k * _lower) + row - k - 1]);
            }
        }

        return singular;
    }

    private static void Exchange(Span<double> first, Span<double> second)
    {
        for (var column = 0; column < first.Length; column++)
        {
            (first[column], second[column]) = (second[column], first[column]);
        }
    }

    // Takes the pivot's multiple from a row, which then begins one column further right.
    private static void Eliminate(ReadOnlySpan<double> pivotRow, Span<double> row, out double multiplier)
    {
        multiplier = pivotRow[0] == 0 ? 0 : row[0] / pivotRow[0];
        for (var column = 1; column < row.Length; column++)
        {
            row[column - 1] = row[column] - (multiplier * pivotRow[column]);
        }

        row[^1] = 0;
    }
}
