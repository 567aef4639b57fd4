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

    // Half the gain of the logarithm of the likelihood that a term must bring for each effective sample, in units of log(n) / n.
    private const double Significance = 3;

    private const int ScaleRounds = 6;
    private const double LargestScore = 10;

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
            var logScale = _logScale[i] + Bounded(Dot(_slope.AsSpan(i * _dimension, _dimension), z));
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
    /// <param name="worth">The gain (nats) below which there is no map; 0 gives a straight map where nothing bends.</param>
    public static TriangularMap? TryFit(double[] draws, double[] weights, int dimension, double inflation, double worth = WorthGain)
    {
        var d = dimension;
        var threshold = Threshold(Effective(weights));
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
        if (Total(order[0]) < worth)
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

        var scale = new double[weights.Length];
        double[]? slopes = [];
        double[]? fitted = null;
        double[] residual = values;
        List<double[]> scaleFeatures = [Ones(weights.Length), .. stretching.Select(j => z[j])];
        for (var round = 0; round < (stretching.Length > 0 ? ScaleRounds : 1); round++)
        {
            // The centre counts where the scale is small: unscaled, a funnel's mouth would decide the place of its neck.
            fitted = RegressSparsely(features, values, [.. weights.Zip(scale, (w, s) => w * Math.Exp(-2 * s))], Threshold(Effective(weights)));
            if (fitted is null)
            {
                return null;
            }

            residual = Residual(features, fitted, values);
            if (stretching.Length > 0 && (slopes = ImproveScale(scaleFeatures, slopes!, residual, scale, weights)) is null)
            {
                return null;
            }
        }

        int[] mattering = [.. stretching.Where((_, k) => ScaleGain(scaleFeatures, slopes!, weights, 1 + k) >= Threshold(Effective(weights)))];
        if (mattering.Length < stretching.Length)
        {
            return FitCoordinate(i, before, bending, mattering, values, z, weights, inflation);
        }

        _constant[i] = fitted![0];
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
            for (var s = 0; s < residual.Length; s++)
            {
                residual[s] *= Math.Exp(slopes![0] - scale[s]);
            }

            for (var k = 0; k < stretching.Length; k++)
            {
                _slope[(i * d) + stretching[k]] = inflation * slopes![1 + k];
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

    // The log-scale s + A(z) of a residual: first the regression of log|r|, then Fisher's scoring steps of the normal likelihood, which regress (r^2 exp(-2
    // scale) - 1) / 2. Single residuals far out are bounded. Returns the coefficients and updates the scales.
    private static double[]? ImproveScale(List<double[]> features, double[] before, double[] residual, double[] scale, double[] weights)
    {
        double[] wanted = before.Length == 0
            ? LogSize(residual, weights)
            : [.. residual.Zip(scale, (r, s) => Math.Min(LargestScore, 0.5 * ((r * r * Math.Exp(-2 * s)) - 1)))];
        if (Regress(features, wanted, weights) is not { } step)
        {
            return null;
        }

        double[] slopes = before.Length == 0 ? step : [.. before.Zip(step, (b, s) => b + s)];
        for (var n = 0; n < scale.Length; n++)
        {
            var sum = 0.0;
            for (var k = 1; k < slopes.Length; k++)
            {
                sum += slopes[k] * features[k][n];
            }

            scale[n] = slopes[0] + Bounded(sum);
        }

        return slopes;
    }

    // What one slope of the log-scale wins in the log-likelihood per sample, the others fitted anew without it: the Fisher
    // information of a normal law's log-scale is 2.
    private static double ScaleGain(List<double[]> features, double[] slopes, double[] weights, int k) =>
        LowerTriangle.TryFactor(NormalEquations(features, features[0], weights).Normal) is { } factor
            ? slopes[k] * slopes[k] / LowerTriangle.InverseOfProduct(factor)[k, k]
            : 0;

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
        var floor = 1e-14 * MeanSquare(residual, weights);
        return Array.ConvertAll(residual, r => 0.5 * Math.Log((r * r) + floor));
    }

    private static double Effective(double[] weights) => 1 / weights.Sum(w => w * w);

    private static double Threshold(double effective) => Significance * Math.Log(effective + 2) / effective;

    private static double[]? Regress(List<double[]> features, double[] values, double[] weights)
    {
        var (normal, right) = NormalEquations(features, values, weights);
        return LowerTriangle.TryFactor(normal) is { } factor ? LowerTriangle.Solve(factor, right) : null;
    }

    // Weighted least squares that keeps only terms that matter: while the least of them wins too little, it is taken out. The noise of a coefficient is small
    // beside a funnel's mouth and large beside its neck, where it would move the centre by many widths.
    private static double[]? RegressSparsely(List<double[]> features, double[] values, double[] weights, double threshold)
    {
        var (normal, right) = NormalEquations(features, values, weights);
        if (LowerTriangle.TryFactor(normal) is not { } full)
        {
            return null;
        }

        var unit = MeanSquare(Residual(features, LowerTriangle.Solve(full, right), values), weights);
        List<int> kept = [.. Enumerable.Range(0, features.Count)];
        while (true)
        {
            var (part, wanted) = (new double[kept.Count, kept.Count], new double[kept.Count]);
            for (var a = 0; a < kept.Count; a++)
            {
                wanted[a] = right[kept[a]];
                for (var b = 0; b < kept.Count; b++)
                {
                    part[a, b] = normal[kept[a], kept[b]];
                }
            }

            if (LowerTriangle.TryFactor(part) is not { } factor)
            {
                return null;
            }

            var solved = LowerTriangle.Solve(factor, wanted);
            var inverse = LowerTriangle.InverseOfProduct(factor);
            double Gain(int k) => 0.5 * solved[k] * solved[k] / (inverse[k, k] * unit);
            var least = kept.Count > 1 ? Enumerable.Range(1, kept.Count - 1).MinBy(Gain) : 0;
            if (least == 0 || !(Gain(least) < threshold))
            {
                var all = new double[features.Count];
                for (var k = 0; k < kept.Count; k++)
                {
                    all[kept[k]] = solved[k];
                }

                return all;
            }

            kept.RemoveAt(least);
        }
    }

    private static (double[,] Normal, double[] Right) NormalEquations(List<double[]> features, double[] values, double[] weights)
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

        return (normal, right);
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
