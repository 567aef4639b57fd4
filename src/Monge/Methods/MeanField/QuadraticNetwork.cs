using Monge.Dynamics;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;

namespace Monge.Methods;

/// <summary>
/// A shallow network with quadratic activation, f(x) = (1/m) sum_i (w_i . x)^2 = x . A x with A = (1/m) sum_i w_i w_i^T, that learns a teacher x . A* x from
/// inputs x_1, ..., x_n, or from the law N(0, I) itself (S. Sarao Mannelli, E. Vanden-Eijnden and L. Zdeborova, "Optimization and generalization of shallow
/// neural networks with quadratic activation functions", arXiv:2006.15459). The losses are
/// <code>
/// E_n(A) = (1 / 4n) sum_k (x_k . (A - A*) x_k)^2,     E(A) = (1/2) tr (A - A*)^2 + (1/4) (tr A - tr A*)^2,                                           (1)
/// </code>
/// and the gradient flow of the neurons in mean-field time is one of A alone, on the cone of positive definite matrices, which it never leaves:
/// <code>
/// dw_i/dt = -G(A) w_i,     dA/dt = -A G(A) - G(A) A,     dE/dt = -2 tr (G A G),     G = grad E                                                       (2)
/// </code>
/// </summary>
public sealed class QuadraticNetwork
{
    private readonly double[] _teacher;
    private readonly double[] _products;
    private readonly double[] _residuals;
    private readonly double[] _sums;
    private readonly int _count;

    /// <summary>Makes the problem.</summary>
    /// <param name="teacher">A* [d * d], symmetric.</param>
    /// <param name="inputs">Inputs [n * d], row-major; empty for the law N(0, I) itself.</param>
    /// <exception cref="ArgumentException">The teacher isn't square or not symmetric, or the inputs don't fit it.</exception>
    public QuadraticNetwork(ReadOnlySpan<double> teacher, ReadOnlySpan<double> inputs = default)
    {
        Dimension = (int)Math.Round(Math.Sqrt(teacher.Length));
        if (Dimension * Dimension != teacher.Length || teacher.IsEmpty || !IsSymmetric(teacher, Dimension))
        {
            throw new ArgumentException(
                $"A teacher is a symmetric matrix of finite numbers, row by row; these {teacher.Length} numbers aren't.", nameof(teacher));
        }

        if (inputs.Length % Dimension != 0)
        {
            throw new ArgumentException($"{inputs.Length} numbers are no inputs in {Dimension} coordinates.", nameof(inputs));
        }

        (_teacher, _count) = (teacher.ToArray(), inputs.Length / Dimension);

        // x_i x_j, j <= i, of each input.
        _sums = new double[Dimension * (Dimension + 1) / 2];
        (_residuals, _products) = (new double[_count], new double[_count * _sums.Length]);
        var at = 0;
        for (var k = 0; k < _count; k++)
        {
            var x = inputs.Slice(k * Dimension, Dimension);
            for (var i = 0; i < Dimension; i++)
            {
                for (var j = 0; j <= i; j++)
                {
                    _products[at++] = x[i] * x[j];
                }
            }
        }
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>The teacher A* [d * d].</summary>
    public IReadOnlyList<double> Teacher => _teacher;

    /// <summary>
    /// The limit of t^2 E under the population flow to a teacher of m* neurons below d, whatever the start and the teacher: the eigenvalues that must vanish
    /// fall like (m* + 2) / (2 (d + 2) t).
    /// </summary>
    /// <param name="dimension">d.</param>
    /// <param name="neurons">m*, below d.</param>
    /// <exception cref="ArgumentOutOfRangeException">m* is below 1, or not below d.</exception>
    public static double TailConstant(int dimension, int neurons)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(neurons, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(dimension, neurons);
        return (dimension - neurons) * (neurons + 2.0) / (8 * (dimension + 2));
    }

    /// <summary>A matrix of random neurons (1/m) sum_i w_i w_i^T [d * d], w_i from N(0, I).</summary>
    /// <param name="dimension">d.</param>
    /// <param name="neurons">m, at least 1.</param>
    /// <param name="random">The random numbers.</param>
    /// <exception cref="ArgumentOutOfRangeException">d or m is below 1.</exception>
    public static double[] RandomMatrix(int dimension, int neurons, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(neurons, 1);
        double[] weights = [.. Enumerable.Range(0, neurons * dimension).Select(_ => random.NextNormal())];
        return OfNeurons(weights, dimension);
    }

    /// <summary>A = (1/m) sum_i w_i w_i^T [d * d].</summary>
    /// <param name="weights">The neurons [m * d], row-major.</param>
    /// <param name="dimension">d.</param>
    /// <exception cref="ArgumentException">The weights are no neurons in d coordinates.</exception>
    public static double[] OfNeurons(ReadOnlySpan<double> weights, int dimension)
    {
        CheckNeurons(weights, dimension);
        var matrix = new double[dimension * dimension];
        Gram(weights, dimension, 1.0 * dimension / weights.Length, matrix);
        return matrix;
    }

    /// <summary>The loss (1).</summary>
    /// <param name="matrix">A [d * d], symmetric.</param>
    /// <exception cref="ArgumentException">The matrix has another size.</exception>
    public double Loss(ReadOnlySpan<double> matrix)
    {
        CheckSize(matrix);
        var (sum, trace) = (0.0, 0.0);
        SetResiduals(matrix);
        foreach (var residual in _residuals)
        {
            sum += residual * residual / (4 * _count);
        }

        for (var at = 0; at < matrix.Length && _count == 0; at++)
        {
            var difference = matrix[at] - _teacher[at];
            (sum, trace) = (sum + (difference * difference / 2), trace + (at % (Dimension + 1) == 0 ? difference : 0));
        }

        return sum + (trace * trace / 4);
    }

    /// <summary>The gradient G of the loss.</summary>
    /// <param name="matrix">A [d * d], symmetric.</param>
    /// <param name="gradient">Receives G [d * d].</param>
    /// <exception cref="ArgumentException">A matrix has another size.</exception>
    public void Gradient(ReadOnlySpan<double> matrix, Span<double> gradient)
    {
        CheckSize(matrix);
        CheckSize(gradient);
        gradient.Clear();
        if (_count > 0)
        {
            SetResiduals(matrix);
            Array.Clear(_sums);
            var size = _sums.Length;
            for (var k = 0; k < _count; k++)
            {
                HostVectors.AddScaled(_residuals[k] / (2 * _count), _products.AsSpan(k * size, size), _sums);
            }

            var at = 0;
            for (var i = 0; i < Dimension; i++)
            {
                for (var j = 0; j <= i; j++)
                {
                    gradient[(i * Dimension) + j] = gradient[(j * Dimension) + i] = _sums[at++];
                }
            }

            return;
        }

        var trace = 0.0;
        for (var at = 0; at < matrix.Length; at++)
        {
            gradient[at] = matrix[at] - _teacher[at];
            trace += at % (Dimension + 1) == 0 ? gradient[at] : 0;
        }

        for (var at = 0; at < matrix.Length; at += Dimension + 1)
        {
            gradient[at] += trace / 2;
        }
    }

    /// <summary>dE/dt = -2 tr (G A G) along the flow, at most 0.</summary>
    /// <param name="matrix">A [d * d], symmetric.</param>
    /// <exception cref="ArgumentException">The matrix has another size.</exception>
    public double LossRate(ReadOnlySpan<double> matrix)
    {
        var gradient = new double[matrix.Length];
        Gradient(matrix, gradient);
        var product = HostMatrices.Product(matrix, gradient, Dimension, Dimension, Dimension);
        return -2 * gradient.Zip(product, (g, p) => g * p).Sum();
    }

    /// <summary>Follows the flow of A by the method of Dormand and Prince.</summary>
    /// <param name="start">A at time 0 [d * d], symmetric and positive semi-definite; without full rank it keeps its rank, but for rounding.</param>
    /// <param name="times">Times, ascending and above 0.</param>
    /// <param name="tolerance">Relative error of a step; the absolute one is a thousandth of it.</param>
    /// <returns>A at each time.</returns>
    /// <exception cref="ArgumentException">The start isn't symmetric, or the times aren't ascending.</exception>
    /// <exception cref="ArithmeticException">The flow is too stiff for its tolerance, as heavy-tailed inputs make it.</exception>
    public IReadOnlyList<double[]> Follow(ReadOnlySpan<double> start, IReadOnlyList<double> times, double tolerance = 1e-10)
    {
        CheckSize(start);
        if (!IsSymmetric(start, Dimension))
        {
            throw new ArgumentException("The flow starts at a symmetric matrix of finite numbers.", nameof(start));
        }

        var (d, gradient) = (Dimension, new double[start.Length]);
        return Run(start, times, tolerance, (_, matrix, slope) =>
        {
            // Of A G and its transpose, so that A stays symmetric to the last bit.
            Gradient(matrix, gradient);
            var product = HostMatrices.Product(matrix, gradient, d, d, d);
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j < d; j++)
                {
                    slope[(i * d) + j] = -(product[(i * d) + j] + product[(j * d) + i]);
                }
            }
        });
    }

    /// <summary>Follows the flow of the neurons, for comparison: that of A is the same whatever their number.</summary>
    /// <param name="weights">The neurons at time 0 [m * d].</param>
    /// <param name="times">Times, ascending and above 0.</param>
    /// <param name="tolerance">Relative error of a step; the absolute one is a thousandth of it.</param>
    /// <returns>The neurons at each time.</returns>
    /// <exception cref="ArgumentException">The weights are no neurons in d coordinates, or the times aren't ascending.</exception>
    /// <exception cref="ArithmeticException">The flow is too stiff for its tolerance.</exception>
    public IReadOnlyList<double[]> FollowNeurons(ReadOnlySpan<double> weights, IReadOnlyList<double> times, double tolerance = 1e-10)
    {
        var d = Dimension;
        CheckNeurons(weights, d);
        var (m, matrix, gradient) = (weights.Length / d, new double[d * d], new double[d * d]);
        return Run(weights, times, tolerance, (_, neurons, slope) => NeuronSlope(neurons, m, matrix, gradient, slope));
    }

    /// <summary>
    /// Follows the flow of the neurons, whose matrix is positive semi-definite whatever the errors of steps, until the loss has nearly vanished: what it ends at
    /// is a matrix of the cone that says what the teacher says at the inputs, the teacher's own or another.
    /// </summary>
    /// <param name="weights">The neurons at time 0 [m * d].</param>
    /// <param name="until">The last time, above 0.</param>
    /// <param name="loss">The loss at which the flow ends before, above 0.</param>
    /// <param name="tolerance">Absolute and relative error of a step of the stabilised method.</param>
    /// <param name="cancellation">Stops the flow.</param>
    /// <returns>A at the end [d * d], and the time of it.</returns>
    /// <exception cref="ArgumentException">The weights are no neurons in d coordinates.</exception>
    /// <exception cref="ArithmeticException">The flow explodes.</exception>
    public (double[] Matrix, double Time) Settle(
        ReadOnlySpan<double> weights, double until, double loss, double tolerance = 1e-5, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(until);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(loss);
        var (d, state) = (Dimension, weights.ToArray());
        CheckNeurons(weights, d);
        var (m, matrix, gradient) = (weights.Length / d, new double[d * d], new double[d * d]);
        var end = new ChebyshevOde(state.Length, (_, neurons, slope) =>
        {
            cancellation.ThrowIfCancellationRequested();
            NeuronSlope(neurons, m, matrix, gradient, slope);
        }).Run(state, 0, until, tolerance, tolerance, stop: (_, neurons) =>
        {
            Gram(neurons, d, 1.0 / m, matrix);
            return Loss(matrix) - loss;
        }, maximumSteps: int.MaxValue);
        return (OfNeurons(state, d), end.Time);
    }

    private void NeuronSlope(ReadOnlySpan<double> neurons, int m, double[] matrix, double[] gradient, Span<double> slope)
    {
        Gram(neurons, Dimension, 1.0 / m, matrix);
        Gradient(matrix, gradient);
        HostMatrices.Product(neurons, gradient, m, Dimension, Dimension).CopyTo(slope);
        foreach (ref var value in slope)
        {
            value = -value;
        }
    }

    private static IReadOnlyList<double[]> Run(ReadOnlySpan<double> start, IReadOnlyList<double> times, double tolerance, HostSlope slope)
    {
        ArgumentNullException.ThrowIfNull(times);
        if (times.Count == 0 || !(times[0] > 0))
        {
            throw new ArgumentException("A flow is asked for at times above 0, of which there must be one.", nameof(times));
        }

        var (state, path) = (start.ToArray(), new List<double[]>());
        new HostOde(RungeKuttaTableau.DormandPrince54, state.Length, slope)
            .RunAdaptive(state, 0, times[^1], 1e-3 * tolerance, tolerance, [.. times], (_, at) => path.Add(at.ToArray()), int.MaxValue);
        return path;
    }

    private static void Gram(ReadOnlySpan<double> rows, int d, double scale, Span<double> matrix)
    {
        matrix.Clear();
        for (var row = 0; row < rows.Length; row += d)
        {
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j < d; j++)
                {
                    matrix[(i * d) + j] += scale * (rows[row + i] * rows[row + j]);
                }
            }
        }
    }

    private static bool IsSymmetric(ReadOnlySpan<double> matrix, int d)
    {
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                if (!double.IsFinite(matrix[(i * d) + j]) || matrix[(i * d) + j] != matrix[(j * d) + i])
                {
                    return false;
                }
            }
        }

        return true;
    }

    // x_k . (A - A*) x_k for all k: twice the elements below the diagonal and those on it.
    private void SetResiduals(ReadOnlySpan<double> matrix)
    {
        var (at, size) = (0, _sums.Length);
        for (var i = 0; i < Dimension; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                _sums[at++] = (i == j ? 1 : 2) * (matrix[(i * Dimension) + j] - _teacher[(i * Dimension) + j]);
            }
        }

        for (var k = 0; k < _count; k++)
        {
            _residuals[k] = HostVectors.Dot(_products.AsSpan(k * size, size), _sums);
        }
    }

    private static void CheckNeurons(ReadOnlySpan<double> weights, int dimension)
    {
        if (dimension < 1 || weights.IsEmpty || weights.Length % dimension != 0)
        {
            throw new ArgumentException($"{weights.Length} numbers are no neurons in {dimension} coordinates.", nameof(weights));
        }
    }

    private void CheckSize(ReadOnlySpan<double> matrix)
    {
        if (matrix.Length != Dimension * Dimension)
        {
            throw new ArgumentException($"{matrix.Length} numbers are no matrix of {Dimension} x {Dimension}.", nameof(matrix));
        }
    }
}
