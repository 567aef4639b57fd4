namespace Monge.MonteCarlo;

/// <summary>
/// The log-normaliser along a ladder of temperatures from the states of all rungs, by Bennett's acceptance ratios between neighbours. Source: C. Bennett,
/// "Efficient estimation of free energy differences from Monte Carlo data", J. Comput. Phys. 22 (1976), equations (12); of all ways to use both rungs'
/// states it has the least variance.
/// </summary>
internal static class AcceptanceRatios
{
    private const int Bisections = 200;

    /// <summary>Estimates log Z of the last rung over that of the first.</summary>
    /// <param name="betas">The exponents [K].</param>
    /// <param name="ratios">The logarithm of target over base at each rung's states [K, chains, draws].</param>
    /// <param name="chains">Independent ladders, at least 2: the error is that of their spread.</param>
    public static BridgeEstimate Estimate(IReadOnlyList<double> betas, double[] ratios, int chains)
    {
        var n = ratios.Length / betas.Count;
        var (sum, contributions) = (0.0, new double[chains]);
        for (var k = 0; k + 1 < betas.Count; k++)
        {
            var step = betas[k + 1] - betas[k];
            var low = ratios.AsSpan(k * n, n);
            var high = ratios.AsSpan((k + 1) * n, n);

            // The difference c at which the lower rung's states and the upper's say the same falls in c.
            var (left, right) = Bracket(low, high, step);
            for (var b = 0; b < Bisections && right - left > 1e-13 * Math.Max(1, Math.Abs(left)); b++)
            {
                var middle = 0.5 * (left + right);
                (left, right) = Excess(low, high, step, middle) > 0 ? (middle, right) : (left, middle);
            }

            var c = 0.5 * (left + right);
            sum += c;
            var slope = 0.0;
            for (var i = 0; i < n; i++)
            {
                var (up, down) = (Logistic((step * low[i]) - c), Logistic(c - (step * high[i])));
                slope += (up * (1 - up)) + (down * (1 - down));
            }

            for (var i = 0; i < n; i++)
            {
                contributions[(int)((long)i * chains / n)] += (Logistic((step * low[i]) - c) - Logistic(c - (step * high[i]))) / slope;
            }
        }

        return new BridgeEstimate(sum, Math.Sqrt(contributions.Sum(e => e * e) * chains / (chains - 1)));
    }

    private static (double Left, double Right) Bracket(ReadOnlySpan<double> low, ReadOnlySpan<double> high, double step)
    {
        var (left, right) = (double.PositiveInfinity, double.NegativeInfinity);
        foreach (var ratio in high)
        {
            (left, right) = (Math.Min(left, step * ratio), Math.Max(right, step * ratio));
        }

        foreach (var ratio in low)
        {
            (left, right) = double.IsFinite(ratio) ? (Math.Min(left, step * ratio), Math.Max(right, step * ratio)) : (left, right);
        }

        // Beyond these all states of one side count fully.
        return (left - 50, right + 50);
    }

    private static double Excess(ReadOnlySpan<double> low, ReadOnlySpan<double> high, double step, double c)
    {
        var sum = 0.0;
        for (var i = 0; i < low.Length; i++)
        {
            sum += Logistic((step * low[i]) - c) - Logistic(c - (step * high[i]));
        }

        return sum;
    }

    private static double Logistic(double x) => 1 / (1 + Math.Exp(-x));
}
