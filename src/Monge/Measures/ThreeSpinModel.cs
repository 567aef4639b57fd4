using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// The energy of the continuous 3-spin model on the sphere of radius sqrt(d): f(x) = (1/d) sum_pqr a_pqr x_p x_q x_r with independent normal a, whose mean square
/// over a is d everywhere; its critical points are exponentially many in d. As a cubic it is the sum of harmonics of degree 3 and 1,
/// f_1(x) = 3 |x|^2 t.x / (d (d + 2)) with t_p = sum_q S_pqq of the symmetric part S of a.
/// </summary>
public sealed class ThreeSpinModel
{
    // The coefficients of x_p x_q x_r, p <= q <= r, in the order of the loops over p, q, r.
    private readonly double[] _coefficients;
    private readonly double[] _trace;

    /// <summary>Draws a model.</summary>
    /// <param name="dimension">d, at least 2.</param>
    /// <param name="random">The random numbers, d^3 of which are used.</param>
    public ThreeSpinModel(int dimension, RandomStream random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 2);
        ArgumentNullException.ThrowIfNull(random);
        var d = Dimension = dimension;
        var sums = new Dictionary<(int P, int Q, int R), double>();
        for (var p = 0; p < d; p++)
        {
            for (var q = 0; q < d; q++)
            {
                for (var r = 0; r < d; r++)
                {
                    int[] order = [.. new[] { p, q, r }.Order()];
                    var key = (order[0], order[1], order[2]);
                    sums[key] = sums.GetValueOrDefault(key) + random.NextNormal();
                }
            }
        }

        (_coefficients, _trace) = (new double[sums.Count], new double[d]);
        var (at, squares) = (0, 0.0);
        for (var p = 0; p < d; p++)
        {
            for (var q = p; q < d; q++)
            {
                for (var r = q; r < d; r++)
                {
                    var sum = sums[(p, q, r)];
                    _coefficients[at++] = sum;
                    var permutations = p == q && q == r ? 1 : p == q || q == r ? 3 : 6;
                    squares += sum * sum / permutations;
                    // S_pqq for a pair of equal indices and the third one.
                    if (p == q || q == r)
                    {
                        _trace[p == q ? r : p] += sum / permutations;
                    }
                }
            }
        }

        var trace = HostVectors.Dot(_trace, _trace);
        MeanSquare = ((6 * squares) + (9 * trace)) / ((d + 2.0) * (d + 4));
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>E f(x)^2 over the uniform law of the sphere: (6 |S|^2 + 9 |t|^2) / ((d + 2) (d + 4)).</summary>
    public double MeanSquare { get; }

    /// <summary>f at points.</summary>
    /// <param name="points">Points [n, d], row-major.</param>
    /// <param name="values">Receives n values.</param>
    /// <param name="gradients">Receives the gradients in R^d [n, d]; empty if they aren't needed.</param>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    public void Values(ReadOnlySpan<double> points, Span<double> values, Span<double> gradients = default)
    {
        var (d, n) = (Dimension, values.Length);
        if (points.Length != (long)n * d || (!gradients.IsEmpty && gradients.Length != points.Length))
        {
            throw new ArgumentException($"{points.Length} numbers are no {n} points in {d} coordinates.", nameof(points));
        }

        // Coordinate by coordinate, so that every sum goes along the points.
        var columns = HostMatrices.Transposed(points, n, d);
        var (slopes, pair, sum) = (new double[gradients.IsEmpty ? 0 : d * n], new double[n], new double[n]);
        values.Clear();
        var at = 0;
        for (var p = 0; p < d; p++)
        {
            for (var q = p; q < d; q++)
            {
                Multiply(columns.AsSpan(p * n, n), columns.AsSpan(q * n, n), pair);
                sum.AsSpan().Clear();
                for (var r = q; r < d; r++)
                {
                    HostVectors.AddScaled(_coefficients[at], columns.AsSpan(r * n, n), sum);
                    if (slopes.Length > 0)
                    {
                        HostVectors.AddScaled(_coefficients[at], pair, slopes.AsSpan(r * n, n));
                    }

                    at++;
                }

                for (var i = 0; i < n; i++)
                {
                    values[i] += pair[i] * sum[i];
                    if (slopes.Length > 0)
                    {
                        slopes[(p * n) + i] += columns[(q * n) + i] * sum[i];
                        slopes[(q * n) + i] += columns[(p * n) + i] * sum[i];
                    }
                }
            }
        }

        foreach (ref var value in values)
        {
            value /= d;
        }

        for (var k = 0; k < slopes.Length; k++)
        {
            gradients[(k % n * d) + (k / n)] = slopes[k] / d;
        }
    }

    /// <summary>The part f_1 of degree 1 at points of the sphere, which is a linear function there; the part of degree 3 is f - f_1.</summary>
    /// <param name="point">A point [d] of length sqrt(d).</param>
    /// <param name="gradient">Receives its gradient along the sphere's linear function [d]; empty if it isn't needed.</param>
    public double LinearPart(ReadOnlySpan<double> point, Span<double> gradient = default)
    {
        var factor = 3.0 / (Dimension + 2);
        for (var k = 0; k < gradient.Length; k++)
        {
            gradient[k] = factor * _trace[k];
        }

        return factor * HostVectors.Dot(_trace, point);
    }

    private static void Multiply(ReadOnlySpan<double> left, ReadOnlySpan<double> right, Span<double> product)
    {
        for (var i = 0; i < product.Length; i++)
        {
            product[i] = left[i] * right[i];
        }
    }
}
