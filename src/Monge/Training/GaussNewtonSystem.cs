using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;

namespace Monge.Training;

/// <summary>
/// The linear system of a Gauss-Newton step by Cholesky: (J^T J + lambda I) delta = J^T r, or for many parameters (J J^T + lambda I) y = r and delta = J^T y.
/// Solutions are refined against J itself.
/// </summary>
internal sealed class GaussNewtonSystem(GaussNewtonOptions options, int rows, int columns)
{
    private const double DampingGrowth = 10;

    private readonly bool _isDense = options.Solver == GaussNewtonSolver.Dense || (options.Solver == GaussNewtonSolver.Automatic && rows >= columns);
    private readonly GramMatrix _gram = new();
    private NdArray<double>? _jacobian;
    private double[] _transpose = [];
    private double[] _products = [];
    private double[] _factor = [];

    private int Size => _isDense ? columns : rows;

    /// <summary>Takes J, row-major [rows, columns], which must stay as it is until the last solve, and makes the undamped matrix.</summary>
    public void Set(NdArray<double> jacobian, ThreadTeam team)
    {
        _jacobian = jacobian;
        if (_products.Length == 0)
        {
            (_transpose, _products, _factor) = (new double[rows * columns], new double[Size * Size], new double[Size * Size]);
        }

        if (_isDense)
        {
            GramMatrix.Transpose(jacobian.Span, rows, columns, _transpose);
        }
        else
        {
            jacobian.Span.CopyTo(_transpose);
        }

        _gram.Compute(_transpose, Size, _isDense ? rows : columns, _products, team);
    }

    /// <summary>
    /// Factors the damped matrix and returns the damping, which is raised where rounding has eaten it: the smallest that survives beside the diagonal is
    /// about its rounding error.
    /// </summary>
    public double Factor(double damping)
    {
        while (true)
        {
            _products.CopyTo(_factor.AsSpan());
            var trace = 0.0;
            for (var i = 0; i < Size; i++)
            {
                trace += _products[(i * Size) + i];
                _factor[(i * Size) + i] += damping;
            }

            try
            {
                Cholesky.Factor(_factor, Size);
                return damping;
            }
            catch (LinearAlgebraException)
            {
                damping = Math.Max(damping * DampingGrowth, 1e-16 * trace / Size);
            }
        }
    }

    /// <summary>delta [columns] for residuals [rows], with the last factor and its damping.</summary>
    public double[] Solve(ReadOnlySpan<double> residual, double damping) => _isDense ? SolveDense(residual, damping) : SolveKernel(residual, damping);

    /// <summary>target [columns] += J^T v.</summary>
    public void AddTransposed(ReadOnlySpan<double> vector, Span<double> target)
    {
        for (var i = 0; i < vector.Length; i++)
        {
            HostVectors.AddScaled(vector[i], Row(i), target);
        }
    }

    /// <summary>The derivatives [columns] of one residual.</summary>
    public ReadOnlySpan<double> Row(int i) => _jacobian!.Span.Slice(i * columns, columns);

    // Each round solves for what the solution so far leaves of J^T (r - J delta) - lambda delta, computed from J itself.
    private double[] SolveDense(ReadOnlySpan<double> residual, double damping)
    {
        var (direction, round) = (new double[columns], new double[columns]);
        var misfit = residual.ToArray();
        for (var k = 0; k <= options.Refinements; k++)
        {
            for (var i = 0; i < rows && k > 0; i++)
            {
                misfit[i] = residual[i] - GramMatrix.Dot(Row(i), direction);
            }

            Array.Clear(round);
            AddTransposed(misfit, round);
            HostVectors.AddScaled(-damping, direction, round);
            Cholesky.Solve(_factor, columns, round);
            HostVectors.AddScaled(1, round, direction);
        }

        return direction;
    }

    // delta = J^T y, and each round solves for what is left of r - J delta - lambda y.
    private double[] SolveKernel(ReadOnlySpan<double> residual, double damping)
    {
        var (direction, solution) = (new double[columns], new double[rows]);
        var misfit = residual.ToArray();
        for (var k = 0; k <= options.Refinements; k++)
        {
            for (var i = 0; i < rows && k > 0; i++)
            {
                misfit[i] = residual[i] - GramMatrix.Dot(Row(i), direction) - (damping * solution[i]);
            }

            Cholesky.Solve(_factor, rows, misfit);
            HostVectors.AddScaled(1, misfit, solution);
            AddTransposed(misfit, direction);
        }

        return direction;
    }
}
