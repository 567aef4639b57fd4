using Monge.Engine.LinearAlgebra;
using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>
/// A bent change of coordinates y = S(z), triangular in an order of the coordinates, so that its inverse and its determinant are explicit:
/// y_i = c_i + sum_j B_ij z_j + sum_jk Q_ijk z_j z_k + exp(s_i + A_i(z)) z_i, where A_i(z) = 15 tanh(sum_j a_ij z_j / 15) and j, k come before i.
/// Ridges along parabolas and funnels become Gaussians in z. Fitted to weighted draws by least squares, coordinate by coordinate (a Knothe-Rosenblatt map:
/// Marzouk, Moselhy, Parno, Spantini, "Sampling via measure transport", 2016).
/// </summary>
internal sealed class TriangularMap
{
    private const double LargestLogScale = 15;

    // A map is worth its price if it is expected to shrink the mismatch by this much (nats).
    private const double WorthGain = 0.1;

    private readonly int _dimension;
    private readonly double[] _constant;
    private readonly double[] _linear;
    private readonly double[] _quadratic;
    private readonly double[] _logScale;
    private readonly double[] _slope;
    private int[]? _order;

    /// <summary>
    /// Makes a map from its numbers in the order constant [d], log-scale [d], linear [d, d], slope of the log-scale [d, d], quadratic [d, d, d].
    /// </summary>
    public TriangularMap(int dimension, double[] numbers)
    {
        var d = dimension;
        _dimension = d;
        Numbers = numbers;
        _constant = numbers[..d];
        _logScale = numbers[d..(2 * d)];
        _linear = numbers[(2 * d)..((2 * d) + (d * d))];
        _slope = numbers[((2 * d) + (d * d))..((2 * d) + (2 * d * d))];
        _quadratic = numbers[((2 * d) + (2 * d * d))..];
    }

    /// <summary>All numbers, as the constructor takes them.</summary>
    public double[] Numbers { get; }

    /// <summary>y [d] and log|det dy/dz|, traced.</summary>
    public (Expr Position, Expr LogDeterminant) Apply(Expr z)
    {
        var d = _dimension;
        var logScale = Expr.Constant(_logScale, d) + (LargestLogScale * (Expr.MatrixProduct(Expr.Constant(_slope, d, d), z) / LargestLogScale).Tanh());
        var centre = Expr.Constant(_constant, d) + Expr.MatrixProduct(Expr.Constant(_linear, d, d), z);
        if (_quadratic.Any(q => q != 0))
        {
            centre += Expr.MatrixProduct(Expr.Constant(_quadratic, d, d * d), Expr.Outer(z, z).Reshape(d * d));
        }

        return (centre + (logScale.Exp() * z), logScale.Sum());
    }

    /// <summary>y of z, on the host.</summary>
    /// <param name="z">z [d].</param>
    /// <param name="y">Receives y [d].</param>
    /// <returns>log|det dy/dz|.</returns>
    public double Apply(ReadOnlySpan<double> z, Span<double> y)
    {
        var logDeterminant = 0.0;
        for (var i = 0; i < _dimension; i++)
        {
            var logScale = _logScale[i] + Bounded(HostVectors.Dot(_slope.AsSpan(i * _dimension, _dimension), z));
            y[i] = Centre(i, z) + (Math.Exp(logScale) * z[i]);
            logDeterminant += logScale;
        }

        return logDeterminant;
    }

    /// <summary>z of y, on the host: coordinate by coordinate in an order in which each one's parents come first.</summary>
    /// <param name="y">y [d].</param>
    /// <param name="z">Receives z [d].</param>
    public void Invert(ReadOnlySpan<double> y, Span<double> z)
    {
        z.Clear();
        foreach (var i in _order ??= Order())
        {
            // Neither the centre nor the scale of a coordinate depends on itself or on those that follow, which are still zero.
            var scale = Math.Exp(_logScale[i] + Bounded(HostVectors.Dot(_slope.AsSpan(i * _dimension, _dimension), z)));
            z[i] = (y[i] - Centre(i, z)) / scale;
        }
    }

    /// <summary>
    /// The map whose z is nearest to standard normal for weighted draws of y; null if none of its bent terms is significant or too little is won.
    /// </summary>
    /// <param name="draws">y [n, d].</param>
    /// <param name="weights">Weights [n] that add to one.</param>
    /// <param name="dimension">d.</param>
    /// <param name="inflation">What the standard deviations are multiplied by.</param>
    /// <param name="worth">The gain (nats) below which there is no map; 0 gives a straight map where nothing bends.</param>
    public static TriangularMap? TryFit(double[] draws, double[] weights, int dimension, double inflation, double worth = WorthGain) =>
        new TriangularMapFit(draws, weights, dimension, inflation).Map(worth);

    // Takes coordinates whose parents are all taken until none is left.
    private int[] Order()
    {
        var d = _dimension;
        bool DependsOn(int i, int j) =>
            _linear[(i * d) + j] != 0 || _slope[(i * d) + j] != 0
            || Enumerable.Range(0, d).Any(k => _quadratic[(((i * d) + j) * d) + k] != 0 || _quadratic[(((i * d) + k) * d) + j] != 0);
        var (order, left) = (new List<int>(d), Enumerable.Range(0, d).ToList());
        while (left.Count > 0)
        {
            var next = left.FindIndex(i => left.All(j => !DependsOn(i, j)));
            if (next < 0)
            {
                throw new InvalidOperationException("The bent change of coordinates is not triangular in any order, so it has no explicit inverse.");
            }

            order.Add(left[next]);
            left.RemoveAt(next);
        }

        return [.. order];
    }

    private double Centre(int i, ReadOnlySpan<double> z)
    {
        var d = _dimension;
        var sum = _constant[i] + HostVectors.Dot(_linear.AsSpan(i * d, d), z);
        for (var a = 0; a < d; a++)
        {
            sum += z[a] * HostVectors.Dot(_quadratic.AsSpan(((i * d) + a) * d, d), z);
        }

        return sum;
    }

    /// <summary>A log-scale's slope term, which may not leave the range of floating point.</summary>
    internal static double Bounded(double value) => LargestLogScale * Math.Tanh(value / LargestLogScale);
}
