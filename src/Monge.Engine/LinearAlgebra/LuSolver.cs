namespace Monge.Engine.LinearAlgebra;

/// <summary>
/// The factorisation P A = L U with partial pivoting of a square float64 matrix, and solves, determinant and inverse from it. Own code, by rows:
/// it is short, keeps our row-major layout and, unlike MathNet.Numerics, reports a singular matrix instead of returning infinities.
/// </summary>
/// <remarks>Source: Golub and Van Loan, "Matrix Computations", section 3.4. Not blocked: meant for up to about a thousand rows.</remarks>
public sealed class LuSolver
{
    private const double PivotTolerance = 16 * 2.220446049250313e-16;

    private readonly double[] factors;
    private readonly int[] order;
    private readonly int n;
    private readonly int swapSign = 1;
    private readonly int singularPivot = -1;

    /// <summary>Factors a matrix; a singular one is accepted here, so that its determinant can be asked for.</summary>
    /// <param name="matrix">A, row-major [n, n], not changed.</param>
    /// <param name="n">The number of rows.</param>
    /// <exception cref="ArgumentException">The span does not have n * n numbers, or one is not finite.</exception>
    public LuSolver(ReadOnlySpan<double> matrix, int n)
    {
        VectorKernels.CheckMatrix(matrix, n, n, nameof(matrix));
        this.n = n;
        factors = matrix.ToArray();
        order = new int[n];
        var columnScale = new double[n];
        for (int row = 0; row < n; row++)
        {
            order[row] = row;
            for (int column = 0; column < n; column++)
            {
                columnScale[column] = Math.Max(columnScale[column], Math.Abs(factors[row * n + column]));
            }
        }

        for (int pivot = 0; pivot < n; pivot++)
        {
            int largest = LargestBelow(pivot);
            if (largest != pivot)
            {
                SwapRows(pivot, largest);
                swapSign = -swapSign;
            }

            double value = factors[pivot * n + pivot];
            if (singularPivot < 0 && !(Math.Abs(value) > PivotTolerance * columnScale[pivot]))
            {
                singularPivot = pivot;
            }

            if (value != 0)
            {
                Eliminate(pivot, value);
            }
        }
    }

    /// <summary>Whether a pivot vanished, to rounding, so that solves are impossible.</summary>
    public bool IsSingular => singularPivot >= 0;

    /// <summary>The determinant; it may overflow or underflow where <see cref="LogAbsoluteDeterminant"/> does not.</summary>
    public double Determinant
    {
        get
        {
            double product = swapSign;
            for (int row = 0; row < n; row++)
            {
                product *= factors[row * n + row];
            }

            return product;
        }
    }

    /// <summary>ln |det A|; minus infinity when a pivot is exactly zero.</summary>
    public double LogAbsoluteDeterminant
    {
        get
        {
            double sum = 0;
            for (int row = 0; row < n; row++)
            {
                sum += Math.Log(Math.Abs(factors[row * n + row]));
            }

            return sum;
        }
    }

    /// <summary>Solves A x = b.</summary>
    /// <param name="rightHandSide">b, [n].</param>
    /// <param name="solution">x, [n]; must not overlap b.</param>
    /// <exception cref="ArgumentException">A span has the wrong length.</exception>
    /// <exception cref="LinearAlgebraException">The matrix is singular.</exception>
    public void Solve(ReadOnlySpan<double> rightHandSide, Span<double> solution)
    {
        VectorKernels.CheckLength(rightHandSide, n, nameof(rightHandSide));
        VectorKernels.CheckLength(solution, n, nameof(solution));
        ThrowIfSingular();
        for (int row = 0; row < n; row++)
        {
            solution[row] = rightHandSide[order[row]] - VectorKernels.Dot(factors.AsSpan(row * n, row), solution);
        }

        for (int row = n - 1; row >= 0; row--)
        {
            ReadOnlySpan<double> right = factors.AsSpan(row * n + row + 1, n - row - 1);
            solution[row] = (solution[row] - VectorKernels.Dot(right, solution[(row + 1)..])) / factors[row * n + row];
        }
    }

    /// <summary>The inverse matrix.</summary>
    /// <returns>A^-1, row-major [n, n].</returns>
    /// <exception cref="LinearAlgebraException">The matrix is singular.</exception>
    public double[] Inverse()
    {
        ThrowIfSingular();
        var inverse = new double[n * n];
        var unit = new double[n];
        var column = new double[n];
        for (int index = 0; index < n; index++)
        {
            unit[index] = 1;
            Solve(unit, column);
            unit[index] = 0;
            for (int row = 0; row < n; row++)
            {
                inverse[row * n + index] = column[row];
            }
        }

        return inverse;
    }

    private int LargestBelow(int pivot)
    {
        int largest = pivot;
        for (int row = pivot + 1; row < n; row++)
        {
            if (Math.Abs(factors[row * n + pivot]) > Math.Abs(factors[largest * n + pivot]))
            {
                largest = row;
            }
        }

        return largest;
    }

    private void SwapRows(int first, int second)
    {
        (order[first], order[second]) = (order[second], order[first]);
        for (int column = 0; column < n; column++)
        {
            ref double upper = ref factors[first * n + column];
            ref double lower = ref factors[second * n + column];
            (upper, lower) = (lower, upper);
        }
    }

    private void Eliminate(int pivot, double value)
    {
        ReadOnlySpan<double> source = factors.AsSpan(pivot * n + pivot + 1, n - pivot - 1);
        for (int row = pivot + 1; row < n; row++)
        {
            double multiplier = factors[row * n + pivot] / value;
            factors[row * n + pivot] = multiplier;
            VectorKernels.AddScaled(-multiplier, source, factors.AsSpan(row * n + pivot + 1, n - pivot - 1));
        }
    }

    private void ThrowIfSingular()
    {
        if (IsSingular)
        {
            throw new LinearAlgebraException(
                $"The matrix of {n} rows is singular: pivot {singularPivot} (from 0) is {factors[singularPivot * n + singularPivot]:g6}; column "
                + $"{singularPivot} depends on the columns before it.");
        }
    }
}
