namespace Monge.Measures;

/// <summary>Fits a <see cref="TriangularMap"/> to weighted draws, coordinate by coordinate; only terms that are significant enter.</summary>
internal sealed class TriangularMapFit
{
    // Half the gain of the logarithm of the likelihood that a term must bring for each effective sample, in units of log(n) / n.
    private const double Significance = 3;

    private const int ScaleRounds = 6;
    private const double LargestScore = 10;

    private readonly int _dimension;
    private readonly double[] _weights;
    private readonly double _inflation;
    private readonly double _threshold;
    private readonly double[] _ones;
    private readonly double[][] _columns;
    private readonly double[] _constant;
    private readonly double[] _logScale;
    private readonly double[] _linear;
    private readonly double[] _slope;
    private readonly double[] _quadratic;

    /// <summary>Takes the draws [n, d], weights [n] that add to one, and what standard deviations are multiplied by.</summary>
    public TriangularMapFit(double[] draws, double[] weights, int dimension, double inflation)
    {
        var d = dimension;
        (_dimension, _weights, _inflation) = (d, weights, inflation);
        var effective = 1 / weights.Sum(w => w * w);
        _threshold = Significance * Math.Log(effective + 2) / effective;
        _ones = new double[weights.Length];
        Array.Fill(_ones, 1);
        _columns = [.. Enumerable.Range(0, d).Select(i => RowMoments.Column(draws, d, i))];
        (_constant, _logScale) = (new double[d], new double[d]);
        (_linear, _slope, _quadratic) = (new double[d * d], new double[d * d], new double[d * d * d]);
    }

    /// <summary>The map; null if the gain (nats) of its bent terms is below what it must be worth.</summary>
    public TriangularMap? Map(double worth)
    {
        var d = _dimension;
        var (bend, stretch) = (new double[d, d], new double[d, d]);
        for (var parent = 0; parent < d; parent++)
        {
            for (var child = 0; child < d; child++)
            {
                if (parent != child)
                {
                    (bend[parent, child], stretch[parent, child]) = Gains(_columns[parent], _columns[child]);
                }
            }
        }

        double Significant(double gain) => gain > _threshold ? gain : 0;
        double Total(int parent) => Enumerable.Range(0, d).Sum(child => Significant(bend[parent, child]) + Significant(stretch[parent, child]));
        int[] order = [.. Enumerable.Range(0, d).OrderByDescending(Total)];
        if (Total(order[0]) < worth)
        {
            return null;
        }

        var z = new double[d][];
        for (var k = 0; k < d; k++)
        {
            var i = order[k];
            int[] before = order[..k];
            int[] bending = [.. before.Where(j => Significant(bend[j, i]) > 0)];
            int[] stretching = [.. before.Where(j => Significant(stretch[j, i]) > 0)];
            if (FitCoordinate(i, before, bending, stretching, z) is not { } noise)
            {
                return null;
            }

            z[i] = noise;
        }

        return new TriangularMap(d, [.. _constant, .. _logScale, .. _linear, .. _slope, .. _quadratic]);
    }

    // Fits one coordinate given those before it; returns its z, standardised without the inflation.
    private double[]? FitCoordinate(int i, int[] before, int[] bending, int[] stretching, double[][] z)
    {
        var (d, values) = (_dimension, _columns[i]);
        List<double[]> features = [_ones, .. before.Select(j => z[j])];
        List<(int, int)> pairs = [];
        for (var a = 0; a < bending.Length; a++)
        {
            for (var b = 0; b <= a; b++)
            {
                pairs.Add((bending[a], bending[b]));
                features.Add(Product(z[bending[a]], z[bending[b]]));
            }
        }

        var scale = new double[_weights.Length];
        double[]? slopes = [];
        double[]? fitted = null;
        double[] residual = values;
        List<double[]> scaleFeatures = [_ones, .. stretching.Select(j => z[j])];
        for (var round = 0; round < (stretching.Length > 0 ? ScaleRounds : 1); round++)
        {
            // The centre counts where the scale is small: unscaled, a funnel's mouth would decide the place of its neck.
            fitted = WeightedRegression.FitSparsely(features, values, [.. _weights.Zip(scale, (w, s) => w * Math.Exp(-2 * s))], _threshold);
            if (fitted is null)
            {
                return null;
            }

            residual = WeightedRegression.Residual(features, fitted, values);
            if (stretching.Length > 0 && (slopes = ImproveScale(scaleFeatures, slopes!, residual, scale)) is null)
            {
                return null;
            }
        }

        int[] mattering = [.. stretching.Where((_, k) => ScaleGain(scaleFeatures, slopes!, 1 + k) >= _threshold)];
        if (mattering.Length < stretching.Length)
        {
            return FitCoordinate(i, before, bending, mattering, z);
        }

        _constant[i] = fitted![0];
        for (var k = 0; k < before.Length; k++)
        {
            _linear[(i * d) + before[k]] = _inflation * fitted[1 + k];
        }

        for (var k = 0; k < pairs.Count; k++)
        {
            var (a, b) = pairs[k];
            _quadratic[(((i * d) + a) * d) + b] = _inflation * _inflation * fitted[1 + before.Length + k];
        }

        if (stretching.Length > 0)
        {
            for (var s = 0; s < residual.Length; s++)
            {
                residual[s] *= Math.Exp(slopes![0] - scale[s]);
            }

            for (var k = 0; k < stretching.Length; k++)
            {
                _slope[(i * d) + stretching[k]] = _inflation * slopes![1 + k];
            }
        }

        var deviation = Math.Sqrt(WeightedRegression.MeanSquare(residual, _weights));
        if (!(deviation > 0) || !double.IsFinite(deviation))
        {
            return null;
        }

        _logScale[i] = Math.Log(deviation * _inflation);
        return Array.ConvertAll(residual, r => r / deviation);
    }

    // The log-scale s + A(z) of a residual: first the regression of log|r|, then Fisher's scoring steps of the normal likelihood, which regress (r^2 exp(-2
    // scale) - 1) / 2. Single residuals far out are bounded. Returns the coefficients and updates the scales.
    private double[]? ImproveScale(List<double[]> features, double[] before, double[] residual, double[] scale)
    {
        double[] wanted = before.Length == 0
            ? LogSize(residual)
            : [.. residual.Zip(scale, (r, s) => Math.Min(LargestScore, 0.5 * ((r * r * Math.Exp(-2 * s)) - 1)))];
        if (WeightedRegression.Fit(features, wanted, _weights) is not { } step)
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

            scale[n] = slopes[0] + TriangularMap.Bounded(sum);
        }

        return slopes;
    }

    // What one slope of the log-scale wins in the log-likelihood per sample, the others fitted anew without it: the Fisher
    // information of a normal law's log-scale is 2.
    private double ScaleGain(List<double[]> features, double[] slopes, int k) =>
        WeightedRegression.Inverse(features, _weights) is { } inverse ? slopes[k] * slopes[k] / inverse[k, k] : 0;

    // What a parabola along the parent, and a scale that is exponential along it, win in the log-likelihood per sample of the child beyond a line.
    private (double Bend, double Stretch) Gains(double[] parent, double[] child)
    {
        List<double[]> line = [_ones, parent];
        List<double[]> parabola = [_ones, parent, Product(parent, parent)];
        if (WeightedRegression.Fit(line, child, _weights) is not { } straight || WeightedRegression.Fit(parabola, child, _weights) is not { } bent)
        {
            return (0, 0);
        }

        var before = WeightedRegression.MeanSquare(WeightedRegression.Residual(line, straight, child), _weights);
        var residual = WeightedRegression.Residual(parabola, bent, child);
        var after = WeightedRegression.MeanSquare(residual, _weights);
        if (!(after > 0) || WeightedRegression.Fit(line, LogSize(residual), _weights) is not { } slopes)
        {
            return (0, 0);
        }

        var mean = 0.0;
        for (var s = 0; s < residual.Length; s++)
        {
            var scale = TriangularMap.Bounded(slopes[1] * parent[s]);
            mean += _weights[s] * scale;
            residual[s] *= Math.Exp(-scale);
        }

        var stretch = (0.5 * Math.Log(after / WeightedRegression.MeanSquare(residual, _weights))) - mean;
        return (0.5 * Math.Log(before / after), double.IsFinite(stretch) ? Math.Max(0, stretch) : 0);
    }

    // log|r|, bounded below so that a residual near zero doesn't rule.
    private double[] LogSize(double[] residual)
    {
        var floor = 1e-14 * WeightedRegression.MeanSquare(residual, _weights);
        return Array.ConvertAll(residual, r => 0.5 * Math.Log((r * r) + floor));
    }

    private static double[] Product(double[] one, double[] other) => [.. one.Zip(other, (a, b) => a * b)];
}
