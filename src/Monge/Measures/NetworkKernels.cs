using Monge.Engine.LinearAlgebra;

namespace Monge.Measures;

/// <summary>
/// The kernels of infinitely wide networks, E s(z.x) s(z.y) over z from N(0, I) and what is made of them, in closed form for points of any length. With p the
/// angle of x and y, and
/// <code>
/// J_0 = pi - p,     J_1 = sin p + (pi - p) cos p,     J_2 = 3 sin p cos p + (pi - p) (1 + 2 cos^2 p),
/// J_3 = 15 sin p - 11 sin^3 p + (pi - p) (9 cos p + 6 cos^3 p),     dJ_n / d cos p = n^2 J_(n-1)                                                     (1)
/// </code>
/// the moments of rectified powers are |x|^n |y|^n J_n / 2 pi (Y. Cho and L. Saul, "Kernel methods for deep learning", 2009). A point at 0 counts as orthogonal
/// to every other, and a unit's step as 1/2 there.
/// </summary>
public static class NetworkKernels
{
    private const int LargestOrder = 3;

    /// <summary>
    /// The arc-cosine kernel E max(z.x, 0)^n max(z.y, 0)^n, the first-layer kernel of rectified powers: n = 0 is the step, n = 1 the rectified linear unit.
    /// The gradient for n = 0, which has no limit at parallel points, counts as 0 there.
    /// </summary>
    /// <param name="order">n, from 0 to 3.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such order.</exception>
    public static NetworkKernel ArcCosine(int order)
    {
        CheckOrder(order, 0);
        return new NetworkKernel(FormattableString.Invariant($"arc-cosine-{order}"), pair => Rectified(pair, order));
    }

    /// <summary>E |z.x|^n |z.y|^n: the covariance of a random even field, E (f(x) - f(y))^2 ~ |x - y|^(2n + 1) but for smooth terms where n is odd.</summary>
    /// <param name="power">n, from 1 to 3; for n = 2 the field is a quadratic form.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such power.</exception>
    public static NetworkKernel AbsolutePower(int power)
    {
        CheckOrder(power, 1);
        return new NetworkKernel(FormattableString.Invariant($"absolute-power-{power}"), pair =>
        {
            // |u|^n |v|^n is made of four rectified parts, of x and -x with y and -y.
            var (same, opposite) = (Rectified(pair, power), Rectified(pair.Reflected(), power));
            return new KernelTerm(2 * (same.Value + opposite.Value), 2 * (same.AlongX + opposite.AlongX), 2 * (same.AlongY - opposite.AlongY));
        });
    }

    /// <summary>
    /// The arcsine kernel E erf(z.x) erf(z.y) = (2 / pi) arcsin(2 v x.y / sqrt((1 + 2 v |x|^2) (1 + 2 v |y|^2))) over z from N(0, v I); v = 1/2 gives units
    /// erf(z.x / sqrt(2)) of standard weights. Source: C. Williams, "Computing with infinite networks" (1998), eq. 11.
    /// </summary>
    /// <param name="variance">v, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The variance isn't positive and finite.</exception>
    public static NetworkKernel ArcSine(double variance = 1)
    {
        if (!(variance > 0 && double.IsFinite(variance)))
        {
            throw new ArgumentOutOfRangeException(nameof(variance), variance, "The variance of weights must be positive and finite.");
        }

        var twice = 2 * variance;
        return new NetworkKernel("arcsine", pair =>
        {
            var (a, b) = (1 + (twice * pair.LengthX * pair.LengthX), 1 + (twice * pair.LengthY * pair.LengthY));
            var product = twice * pair.LengthX * pair.LengthY * pair.Cosine;
            // a b - product^2 without its cancellation.
            var root = Math.Sqrt(a + b - 1 + Square(twice * pair.LengthX * pair.LengthY * pair.Sine));
            var slope = 2 * twice / (Math.PI * root);
            return new KernelTerm(
                2 / Math.PI * Math.Atan2(product, root), -slope * product / a * pair.LengthX, slope * pair.LengthY);
        });
    }

    /// <summary>
    /// The neural tangent kernel of one hidden rectified layer, f(x) = H^(-1/2) sum_h w_h max(z_h.x / sqrt(d), 0) with all weights standard normal and
    /// trained, as H grows:
    /// [(x.y) k_0 + |x| |y| k_1] / (2 d), k_n = J_n / pi. Interpolation doesn't depend on the factor. Source: arXiv:2206.12314, appendix.
    /// </summary>
    public static NetworkKernel NeuralTangent() => new("neural-tangent", pair =>
    {
        var (step, unit) = (Rectified(pair, 0), Rectified(pair, 1));
        var product = pair.LengthX * pair.LengthY * pair.Cosine;
        return new KernelTerm(
            ((product * step.Value) + unit.Value) / pair.Dimension,
            ((product * step.AlongX) + unit.AlongX) / pair.Dimension,
            ((product * step.AlongY) + (pair.LengthY * step.Value) + unit.AlongY) / pair.Dimension);
    });

    /// <summary>The part of <see cref="NeuralTangent"/> that comes of output weights, |x| |y| k_1 / (2 d): random features, with units left alone.</summary>
    public static NetworkKernel RandomFeature() => new("random-feature", pair =>
    {
        var unit = Rectified(pair, 1);
        return new KernelTerm(unit.Value / pair.Dimension, unit.AlongX / pair.Dimension, unit.AlongY / pair.Dimension);
    });

    // |x|^n |y|^n J_n / 2 pi; its gradient is |x|^(n-1) |y|^n (n J_n u + n^2 J_(n-1) (v - cos p u)) / 2 pi with u and v the directions of x and y.
    private static KernelTerm Rectified(in KernelPair pair, int order)
    {
        var others = Math.Pow(pair.LengthY, order) / (2 * Math.PI);
        var value = Math.Pow(pair.LengthX, order) * others * Moment(pair, order);
        if (order == 0)
        {
            var turn = pair.Sine > 0 && pair.LengthX > 0 ? others / (pair.LengthX * pair.Sine) : 0;
            return new KernelTerm(value, -turn * pair.Cosine, turn);
        }

        var scale = Math.Pow(pair.LengthX, order - 1) * others * order;
        var slope = order * Moment(pair, order - 1);
        return new KernelTerm(value, scale * (Moment(pair, order) - (slope * pair.Cosine)), scale * slope);
    }

    private static double Moment(in KernelPair pair, int order)
    {
        var (rest, sine, cosine) = (Math.PI - pair.Angle, pair.Sine, pair.Cosine);
        return order switch
        {
            0 => rest,
            1 => sine + (rest * cosine),
            2 => (3 * sine * cosine) + (rest * (1 + (2 * cosine * cosine))),
            _ => (sine * (15 - (11 * sine * sine))) + (rest * cosine * (9 + (6 * cosine * cosine))),
        };
    }

    private static double Square(double value) => value * value;

    private static void CheckOrder(int order, int least)
    {
        if (order < least || order > LargestOrder)
        {
            throw new ArgumentOutOfRangeException(nameof(order), order, $"Closed forms are here for orders from {least} to {LargestOrder}.");
        }
    }
}

/// <summary>A kernel of <see cref="NetworkKernels"/>, between points of any length, in float64.</summary>
public sealed class NetworkKernel : IKernel
{
    private readonly KernelRule _rule;

    internal NetworkKernel(string name, KernelRule rule) => (Name, _rule) = (name, rule);

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public double Value(double[] x, double[] y) => Matrix(x, y, CheckPair(x, y))[0];

    /// <inheritdoc/>
    public double[] Gradient(double[] x, double[] y) => SumsWithGradients(x, y, CheckPair(x, y)).Gradients;

    /// <inheritdoc/>
    public double[] Matrix(double[] x, double[] y, int dimension)
    {
        var (left, right) = (new Directions(x, dimension, nameof(x)), new Directions(y, dimension, nameof(y)));
        var matrix = new double[checked(left.Count * right.Count)];
        var isSymmetric = ReferenceEquals(x, y);
        for (var i = 0; i < left.Count; i++)
        {
            for (var j = isSymmetric ? i : 0; j < right.Count; j++)
            {
                matrix[(i * right.Count) + j] = _rule(left.With(i, right, j)).Value;
                if (isSymmetric)
                {
                    matrix[(j * right.Count) + i] = matrix[(i * right.Count) + j];
                }
            }
        }

        return matrix;
    }

    /// <summary>For each x_i the sum over j of weights[j] k(x_i, y_j) and its gradient in x_i.</summary>
    /// <param name="x">Points [n, d], row-major.</param>
    /// <param name="y">Points [m, d].</param>
    /// <param name="dimension">d.</param>
    /// <param name="weights">Weights [m]; null for one each.</param>
    /// <returns>n sums and their gradients [n, d].</returns>
    /// <exception cref="ArgumentException">A length doesn't fit.</exception>
    public (double[] Values, double[] Gradients) SumsWithGradients(double[] x, double[] y, int dimension, double[]? weights = null)
    {
        var (left, right) = (new Directions(x, dimension, nameof(x)), new Directions(y, dimension, nameof(y)));
        if (weights is not null && weights.Length != right.Count)
        {
            throw new ArgumentException($"{weights.Length} weights are not one for each of {right.Count} points.", nameof(weights));
        }

        var (values, gradients) = (new double[left.Count], new double[x.Length]);
        for (var i = 0; i < left.Count; i++)
        {
            var gradient = gradients.AsSpan(i * dimension, dimension);
            var along = 0.0;
            for (var j = 0; j < right.Count; j++)
            {
                var term = _rule(left.With(i, right, j));
                var weight = weights is null ? 1 : weights[j];
                values[i] += weight * term.Value;
                along += weight * term.AlongX;
                HostVectors.AddScaled(weight * term.AlongY, right.At(j), gradient);
            }

            HostVectors.AddScaled(along, left.At(i), gradient);
        }

        return (values, gradients);
    }

    private static int CheckPair(double[] x, double[] y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        return x.Length == y.Length && x.Length > 0
            ? x.Length
            : throw new ArgumentException($"A kernel is of two points of the same dimension, but these have {x.Length} and {y.Length} coordinates.", nameof(y));
    }

    // Points by length and direction.
    private readonly struct Directions
    {
        private readonly double[] _directions;
        private readonly double[] _lengths;
        private readonly int _dimension;

        public Directions(double[] points, int dimension, string name)
        {
            ArgumentNullException.ThrowIfNull(points, name);
            ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
            if (points.Length % dimension != 0)
            {
                throw new ArgumentException($"{points.Length} numbers are no points in {dimension} dimensions.", name);
            }

            (_directions, _lengths, _dimension) = ([.. points], new double[points.Length / dimension], dimension);
            for (var i = 0; i < _lengths.Length; i++)
            {
                var direction = _directions.AsSpan(i * dimension, dimension);
                var length = _lengths[i] = Math.Sqrt(HostVectors.Dot(direction, direction));
                foreach (ref var value in direction)
                {
                    value = length > 0 ? value / length : 0;
                }
            }
        }

        public int Count => _lengths.Length;

        public ReadOnlySpan<double> At(int i) => _directions.AsSpan(i * _dimension, _dimension);

        // The angle as W. Kahan computes it, to rounding near 0 and pi too: 2 atan2(|u - v|, |u + v|).
        public KernelPair With(int i, in Directions others, int j)
        {
            var u = At(i);
            var v = others.At(j);
            var (difference, sum) = (0.0, 0.0);
            for (var k = 0; k < u.Length; k++)
            {
                difference += (u[k] - v[k]) * (u[k] - v[k]);
                sum += (u[k] + v[k]) * (u[k] + v[k]);
            }

            var whole = difference + sum;
            return new KernelPair(
                _dimension, _lengths[i], others._lengths[j], whole > 0 ? 2 * Math.Atan2(Math.Sqrt(difference), Math.Sqrt(sum)) : Math.PI / 2,
                whole > 0 ? 2 * Math.Sqrt(difference * sum) / whole : 1, whole > 0 ? (sum - difference) / whole : 0);
        }
    }
}

/// <summary>Two points by what a kernel that no rotation changes may ask for.</summary>
internal readonly record struct KernelPair(int Dimension, double LengthX, double LengthY, double Angle, double Sine, double Cosine)
{
    /// <summary>x and -y.</summary>
    public KernelPair Reflected() => this with { Angle = Math.PI - Angle, Cosine = -Cosine };
}

/// <summary>k(x, y), and its gradient in x as a combination of the directions of x and y.</summary>
internal readonly record struct KernelTerm(double Value, double AlongX, double AlongY);

/// <summary>A kernel's formula.</summary>
internal delegate KernelTerm KernelRule(KernelPair pair);
