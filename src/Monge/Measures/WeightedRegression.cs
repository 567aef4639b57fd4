namespace Monge.Measures;

/// <summary>Weighted least squares on columns of features.</summary>
internal static class WeightedRegression
{
    /// <summary>The coefficients; null where features depend on each other.</summary>
    public static double[]? Fit(List<double[]> features, double[] values, double[] weights)
    {
        var (normal, right) = NormalEquations(features, values, weights);
        return LowerTriangle.TryFactor(normal) is { } factor ? LowerTriangle.Solve(factor, right) : null;
    }

    /// <summary>
    /// The coefficients of those terms that matter, 0 for the others: while the least of them wins too little, it is taken out. The noise of a coefficient is
    /// small beside a funnel's mouth and large beside its neck, where it would move the centre by many widths.
    /// </summary>
    public static double[]? FitSparsely(List<double[]> features, double[] values, double[] weights, double threshold)
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

    /// <summary>The inverse of the features' matrix of products; null where they depend on each other.</summary>
    public static double[,]? Inverse(List<double[]> features, double[] weights) =>
        LowerTriangle.TryFactor(NormalEquations(features, features[0], weights).Normal) is { } factor ? LowerTriangle.InverseOfProduct(factor) : null;

    /// <summary>What a fit leaves of the values.</summary>
    public static double[] Residual(List<double[]> features, double[] coefficients, double[] values)
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

    /// <summary>The weighted mean of the squares, for weights that add to one.</summary>
    public static double MeanSquare(double[] values, double[] weights)
    {
        var sum = 0.0;
        for (var s = 0; s < values.Length; s++)
        {
            sum += weights[s] * values[s] * values[s];
        }

        return sum;
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
}
