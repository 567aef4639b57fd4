using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>
/// A bent change of coordinates y = S(z), triangular in an order of the coordinates, so that its inverse and its determinant are explicit:
/// y_i = c_i + sum_j B_ij z_j + sum_jk Q_ijk z_j z_k + exp(s_i + A_i(z)) z_i, where A_i(z) = 6 tanh(sum_j a_ij z_j / 6) and j, k come before i.
/// Ridges along parabolas and funnels become Gaussians in z. Fitted to weighted draws by least squares, coordinate by coordinate (a Knothe-Rosenblatt map:
/// Marzouk, Moselhy, Parno, Spantini, "Sampling via measure transport", 2016).
/// </summary>
internal sealed class TriangularMap
{
    private const double LargestLogScale = 6;

    // Half the gain of the logarithm of the likelihood that a term must bring for each effective sample, in units of log(n) / n.
    private const double Significance = 3;

    // A map is worth its price if it is expected to shrink the mismatch by this much (nats).
    private const double WorthGain = 0.1;

    private readonly int _dimension;
    private readonly double[] _constant;
    private readonly double[] _linear;
    private readonly double[] _quadratic;
    private readonly double[] _logScale;
    private readonly double[] _slope;
    private int[]? _order;

    /// <summary>Makes a map from its numbers in the order constant [d], log-scale [d], linear [d, d], slope of the log-scale [d, d], quadratic [d, d, d].</summary>
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
    public void Apply(ReadOnlySpan<double> z, Span<double> y)
    {
        for (var i = 0; i < _dimension; i++)
        {
            y[i] = Centre(i, z) + (Math.Exp(_logScale[i] + Bounded(Dot(_slope.AsSpan(i * _dimension, _dimension), z))) * z[i]);
        }
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
            var scale = Math.Exp(_logScale[i] + Bounded(Dot(_slope.AsSpan(i * _dimension, _dimension), z)));
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
    public static TriangularMap? TryFit(double[] draws, double[] weights, int dimension, double inflation)
    {
        var d = dimension;
        var effective = 1 / weights.Sum(w => w * w);
        var threshold = Significance * Math.Log(effective + 2) / effective;
        var columns = new double[d][];
        for (var i = 0; i < d; i++)
        {
            columns[i] = Column(draws, i, d);
        }

        var (bend, stretch) = (new double[d, d], new double[d, d]);
        for (var parent = 0; parent < d; parent++)
        {
            for (var child = 0; child < d; child++)
            {
                if (parent != child)
                {
                    (bend[parent, child], stretch[parent, child]) = Gains(columns[parent], columns[child], weights);
                }
            }
        }

        double Significant(double gain) => gain > threshold ? gain : 0;
        double Total(int parent) => Enumerable.Range(0, d).Sum(child => Significant(bend[parent, child]) + Significant(stretch[parent, child]));
        int[] order = [.. Enumerable.Range(0, d).OrderByDescending(Total)];
        if (Total(order[0]) < WorthGain)
        {
            return null;
        }

        var map = new TriangularMap(d, new double[(2 * d) + (2 * d * d) + (d * d * d)]);
        var z = new double[d][];
        for (var k = 0; k < d; k++)
        {
            var i = order[k];
            int[] before = order[..k];
            int[] bending = [.. before.Where(j => Significant(bend[j, i]) > 0)];
            int[] stretching = [.. before.Where(j => Significant(stretch[j, i]) > 0)];
            if (map.FitCoordinate(i, before, bending, stretching, columns[i], z, weights, inflation) is not { } noise)
            {
                return null;
            }

            z[i] = noise;
        }

        return new TriangularMap(d, [.. map._constant, .. map._logScale, .. map._linear, .. map._slope, .. map._quadratic]);
    }

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

    // Fits one coordinate given those before it; returns its z, standardised without the inflation.
    private double[]? FitCoordinate(int i, int[] before, int[] bending, int[] stretching, double[] values, double[][] z, double[] weights, double inflation)
    {
        var d = _dimension;
        List<double[]> features = [Ones(weights.Length), .. before.Select(j => z[j])];
        List<(int, int)> pairs = [];
        for (var a = 0; a < bending.Length; a++)
        {
            for (var b = 0; b <= a; b++)
            {
                pairs.Add((bending[a], bending[b]));
                features.Add(Product(z[bending[a]], z[bending[b]]));
            }
        }

        if (Regress(features, values, weights) is not { } fitted)
        {
            return null;
        }

        var residual = Residual(features, fitted, values);
        _constant[i] = fitted[0];
        for (var k = 0; k < before.Length; k++)
        {
            _linear[(i * d) + before[k]] = inflation * fitted[1 + k];
        }

        for (var k = 0; k < pairs.Count; k++)
        {
            var (a, b) = pairs[k];
            _quadratic[(((i * d) + a) * d) + b] = inflation * inflation * fitted[1 + before.Length + k];
        }

        if (stretching.Length > 0)
        {
            List<double[]> scaleFeatures = [Ones(weights.Length), .. stretching.Select(j => z[j])];
            if (Regress(scaleFeatures, LogSize(residual, weights), weights) is not { } slopes)
            {
                return null;
            }

            for (var s = 0; s < residual.Length; s++)
            {
                var sum = 0.0;
                for (var k = 0; k < stretching.Length; k++)
                {
                    sum += slopes[1 + k] * z[stretching[k]][s];
                }

                residual[s] *= Math.Exp(-Bounded(sum));
            }

            for (var k = 0; k < stretching.Length; k++)
            {
                _slope[(i * d) + stretching[k]] = inflation * slopes[1 + k];
            }
        }

        var deviation = Math.Sqrt(MeanSquare(residual, weights));
        if (!(deviation > 0) || !double.IsFinite(deviation))
        {
            return null;
        }

        _logScale[i] = Math.Log(deviation * inflation);
        return Array.ConvertAll(residual, r => r / deviation);
    }

    // What a parabola along the parent, and a scale that is exponential along it, win in the log-likelihood per sample of the child beyond a line.
    private static (double Bend, double Stretch) Gains(double[] parent, double[] child, double[] weights)
    {
        var ones = Ones(weights.Length);
        List<double[]> line = [ones, parent];
        List<double[]> parabola = [ones, parent, Product(parent, parent)];
        if (Regress(line, child, weights) is not { } straight || Regress(parabola, child, weights) is not { } bent)
        {
            return (0, 0);
        }

        var before = MeanSquare(Residual(line, straight, child), weights);
        var residual = Residual(parabola, bent, child);
        var after = MeanSquare(residual, weights);
        if (!(after > 0) || Regress(line, LogSize(residual, weights), weights) is not { } slopes)
        {
            return (0, 0);
        }

        var mean = 0.0;
        for (var s = 0; s < residual.Length; s++)
        {
            var scale = Bounded(slopes[1] * parent[s]);
            mean += weights[s] * scale;
            residual[s] *= Math.Exp(-scale);
        }

        var stretch = (0.5 * Math.Log(after / MeanSquare(residual, weights))) - mean;
        return (0.5 * Math.Log(before / after), double.IsFinite(stretch) ? Math.Max(0, stretch) : 0);
    }

    // log|r|, bounded below so that a residual near zero doesn't rule.
    private static double[] LogSize(double[] residual, double[] weights)
    {
        var floor = 1e-6 * MeanSquare(residual, weights);
        return Array.ConvertAll(residual, r => 0.5 * Math.Log((r * r) + floor));
    }

    private static double[]? Regress(List<double[]> features, double[] values, double[] weights)
    {
        var p = features.Count;
        var normal = new double[p, p];
        var right = new double[p];
        for (var s = 0; s < values.Length; s++)
        {
            if (weights[s] == 0)
            {
                continue;
            }

            for (var a = 0; a < p; a++)
            {
                var scaled = weights[s] * features[a][s];
                right[a] += scaled * values[s];
                for (var b = 0; b <= a; b++)
                {
                    normal[a, b] += scaled * features[b][s];
                }
            }
        }

        for (var a = 0; a < p; a++)
        {
            normal[a, a] *= 1 + 1e-9;
            for (var b = 0; b < a; b++)
            {
                normal[b, a] = normal[a, b];
            }
        }

        return LowerTriangle.TryFactor(normal) is { } factor ? LowerTriangle.Solve(factor, right) : null;
    }

    private static double[] Residual(List<double[]> features, double[] coefficients, double[] values)
    {
        double[] residual = [.. values];
        for (var a = 0; a < coefficients.Length; a++)
        {
            for (var s = 0; s < residual.Length; s++)
            {
                residual[s] -= coefficients[a] * features[a][s];
            }
        }

        return residual;
    }

    private double Centre(int i, ReadOnlySpan<double> z)
    {
        var d = _dimension;
        var sum = _constant[i] + Dot(_linear.AsSpan(i * d, d), z);
        for (var a = 0; a < d; a++)
        {
            sum += z[a] * Dot(_quadratic.AsSpan(((i * d) + a) * d, d), z);
        }

        return sum;
    }

    private static double Dot(ReadOnlySpan<double> one, ReadOnlySpan<double> other)
    {
        var sum = 0.0;
        for (var k = 0; k < one.Length; k++)
        {
            sum += one[k] * other[k];
        }

        return sum;
    }

    private static double Bounded(double value) => LargestLogScale * Math.Tanh(value / LargestLogScale);

    private static double MeanSquare(double[] values, double[] weights)
    {
        var sum = 0.0;
        for (var s = 0; s < values.Length; s++)
        {
            sum += weights[s] * values[s] * values[s];
        }

        return sum;
    }

    private static double[] Product(double[] one, double[] other) => [.. one.Zip(other, (a, b) => a * b)];

    private static double[] Ones(int count)
    {
        var ones = new double[count];
        Array.Fill(ones, 1);
        return ones;
    }

    private static double[] Column(double[] draws, int i, int d)
    {
        var column = new double[draws.Length / d];
        for (var s = 0; s < column.Length; s++)
        {
            column[s] = draws[(s * d) + i];
        }

        return column;
    }
}
