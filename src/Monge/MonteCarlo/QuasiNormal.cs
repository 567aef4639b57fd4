using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.MonteCarlo;

/// <summary>A law that approximates a density, and can be drawn from.</summary>
internal interface INormalLaw
{
    /// <summary>Draws a point [d] and returns its log density.</summary>
    double Draw(RandomStream random, Span<double> point);

    /// <summary>The log density at a point [d].</summary>
    double LogDensity(ReadOnlySpan<double> point);
}

/// <summary>A point of a way uphill, and the pairs from which its inverse curvature is made.</summary>
internal sealed record AscentPoint(double[] Position, double[] Gradient, double[] Diagonal, (double[] Move, double[] Change)[] Pairs);

/// <summary>
/// The normal law with the inverse curvature H of L-BFGS at a point x as covariance, and x + H grad as mean. H = D + B G B^T with the diagonal D and
/// B = [D Y, S] (R. Byrd, J. Nocedal, R. Schnabel, Math. Program. 63 (1994)), so that a draw costs O(d).
/// </summary>
internal sealed class QuasiNormal : INormalLaw
{
    private readonly double[] _deviations;
    private readonly double[][] _basis;
    private readonly double[] _factor;
    private readonly double _logDeterminant;

    public QuasiNormal(AscentPoint at)
    {
        var (d, k) = (at.Position.Length, at.Pairs.Length);
        _deviations = [.. at.Diagonal.Select(Math.Sqrt)];

        // In coordinates scaled by the deviations D is the identity: H = I + B G B^T there.
        var columns = new double[2 * k][];
        for (var j = 0; j < k; j++)
        {
            columns[j] = [.. at.Pairs[j].Change.Select((v, i) => v * _deviations[i])];
            columns[k + j] = [.. at.Pairs[j].Move.Select((v, i) => v / _deviations[i])];
        }

        (_basis, var triangle) = Orthonormal(columns);
        var middle = Middle(columns, k);
        var rank = _basis.Length;
        _factor = new double[rank * rank];
        for (var a = 0; a < rank; a++)
        {
            for (var b = 0; b < rank; b++)
            {
                var sum = a == b ? 1.0 : 0;
                for (var i = 0; i < 2 * k; i++)
                {
                    for (var j = 0; j < 2 * k; j++)
                    {
                        sum += triangle[a, i] * middle[i, j] * triangle[b, j];
                    }
                }

                _factor[(a * rank) + b] = sum;
            }
        }

        FactorOrForget(_factor, rank);
        _logDeterminant = _deviations.Sum(Math.Log) + Enumerable.Range(0, rank).Sum(a => Math.Log(_factor[(a * rank) + a]));
        var slope = at.Gradient.Select((v, i) => v * _deviations[i]).ToArray();
        double[] gain = [.. slope];
        for (var a = 0; a < rank; a++)
        {
            // H grad = grad + Q (L L^T - I) Q^T grad.
            var sum = 0.0;
            for (var b = 0; b < rank; b++)
            {
                sum += (Product(a, b) - (a == b ? 1 : 0)) * HostVectors.Dot(_basis[b], slope);
            }

            HostVectors.AddScaled(sum, _basis[a], gain);
        }

        Centre = [.. at.Position.Select((x, i) => x + (_deviations[i] * gain[i]))];
    }

    public double[] Centre { get; }

    /// <inheritdoc/>
    public double LogDensity(ReadOnlySpan<double> point)
    {
        var rank = _basis.Length;
        var normals = new double[point.Length];
        for (var i = 0; i < normals.Length; i++)
        {
            normals[i] = (point[i] - Centre[i]) / _deviations[i];
        }

        // u + Q (L^-1 - I) Q^T u.
        var rest = new double[rank];
        for (var a = 0; a < rank; a++)
        {
            rest[a] = HostVectors.Dot(_basis[a], normals);
        }

        for (var a = 0; a < rank; a++)
        {
            var (along, sum) = (rest[a], rest[a]);
            for (var b = 0; b < a; b++)
            {
                sum -= _factor[(a * rank) + b] * rest[b];
            }

            rest[a] = sum / _factor[(a * rank) + a];
            HostVectors.AddScaled(rest[a] - along, _basis[a], normals);
        }

        var log = -_logDeterminant;
        foreach (var u in normals)
        {
            log -= (0.5 * u * u) + LogDensities.HalfLogTwoPi;
        }

        return log;
    }

    /// <inheritdoc/>
    public double Draw(RandomStream random, Span<double> point)
    {
        var (d, rank) = (point.Length, _basis.Length);
        var normals = new double[d];
        var log = -_logDeterminant;
        for (var i = 0; i < d; i++)
        {
            normals[i] = random.NextNormal();
            log -= (0.5 * normals[i] * normals[i]) + LogDensities.HalfLogTwoPi;
        }

        // u + Q (L - I) Q^T u.
        var along = new double[rank];
        for (var a = 0; a < rank; a++)
        {
            along[a] = HostVectors.Dot(_basis[a], normals);
        }

        for (var a = 0; a < rank; a++)
        {
            var sum = -along[a];
            for (var b = 0; b <= a; b++)
            {
                sum += _factor[(a * rank) + b] * along[b];
            }

            HostVectors.AddScaled(sum, _basis[a], normals);
        }

        for (var i = 0; i < d; i++)
        {
            point[i] = Centre[i] + (_deviations[i] * normals[i]);
        }

        return log;
    }

    private double Product(int a, int b)
    {
        var (rank, sum) = (_basis.Length, 0.0);
        for (var i = 0; i <= Math.Min(a, b); i++)
        {
            sum += _factor[(a * rank) + i] * _factor[(b * rank) + i];
        }

        return sum;
    }

    // G = [[0, -R^-1], [-R^-T, R^-T (E + Y^T Y) R^-1]] with R the upper triangle of S^T Y and E its diagonal.
    private static double[,] Middle(double[][] columns, int k)
    {
        var inverse = new double[k, k];
        for (var j = 0; j < k; j++)
        {
            for (var i = j; i >= 0; i--)
            {
                var sum = i == j ? 1.0 : 0;
                for (var m = i + 1; m <= j; m++)
                {
                    sum -= HostVectors.Dot(columns[k + i], columns[m]) * inverse[m, j];
                }

                inverse[i, j] = sum / HostVectors.Dot(columns[k + i], columns[i]);
            }
        }

        var middle = new double[2 * k, 2 * k];
        for (var i = 0; i < k; i++)
        {
            for (var j = 0; j < k; j++)
            {
                middle[i, k + j] = middle[k + j, i] = -inverse[i, j];
                for (var a = 0; a < k; a++)
                {
                    for (var b = 0; b < k; b++)
                    {
                        var inner = HostVectors.Dot(columns[a], columns[b]) + (a == b ? HostVectors.Dot(columns[k + a], columns[a]) : 0);
                        middle[k + i, k + j] += inverse[a, i] * inner * inverse[b, j];
                    }
                }
            }
        }

        return middle;
    }

    // Q R of columns by two rounds of Gram and Schmidt; columns that depend on earlier ones add no vector.
    private static (double[][] Basis, double[,] Triangle) Orthonormal(double[][] columns)
    {
        const double least = 1e-10;
        List<double[]> basis = [];
        var triangle = new double[columns.Length, columns.Length];
        for (var j = 0; j < columns.Length; j++)
        {
            double[] rest = [.. columns[j]];
            var length = Math.Sqrt(HostVectors.Dot(rest, rest));
            for (var round = 0; round < 2; round++)
            {
                for (var a = 0; a < basis.Count; a++)
                {
                    var share = HostVectors.Dot(basis[a], rest);
                    triangle[a, j] += share;
                    HostVectors.AddScaled(-share, basis[a], rest);
                }
            }

            var left = Math.Sqrt(HostVectors.Dot(rest, rest));
            if (left > least * length && basis.Count < rest.Length)
            {
                triangle[basis.Count, j] = left;
                basis.Add([.. rest.Select(v => v / left)]);
            }
        }

        return ([.. basis], triangle);
    }

    // Rounding may make the small matrix indefinite; then the diagonal is all that is kept.
    private static void FactorOrForget(double[] matrix, int n)
    {
        try
        {
            if (n > 0)
            {
                Cholesky.Factor(matrix, n);
            }
        }
        catch (LinearAlgebraException)
        {
            Array.Clear(matrix);
            for (var a = 0; a < n; a++)
            {
                matrix[(a * n) + a] = 1;
            }
        }
    }
}
