namespace Monge.Dynamics;

/// <summary>
/// Systematic resampling: particle i is copied floor or ceil of n W_i times, W being the normalised weights, from one uniform number for all
/// (Kitagawa, "Monte Carlo filter and smoother for non-Gaussian nonlinear state space models", 1996). Expectations are unchanged.
/// </summary>
public static class SystematicResampling
{
    /// <summary>The ancestor of each new particle, in rising order.</summary>
    /// <param name="logWeights">Log-weights [n], up to a constant; minus infinity is a zero weight.</param>
    /// <param name="uniform">A uniform number of [0, 1).</param>
    /// <returns>Ancestors [n].</returns>
    /// <exception cref="ArgumentException">There are no weights, all are zero, or one is not a number or plus infinity.</exception>
    public static int[] Ancestors(ReadOnlySpan<double> logWeights, double uniform)
    {
        var n = logWeights.Length;
        var largest = double.NegativeInfinity;
        foreach (var value in logWeights)
        {
            largest = double.IsNaN(value) ? double.NaN : Math.Max(largest, value);
        }

        if (!double.IsFinite(largest))
        {
            throw new ArgumentException("Particles can't be resampled: there are none, all weights are zero, or one is not finite.", nameof(logWeights));
        }

        var sum = 0.0;
        foreach (var value in logWeights)
        {
            sum += Math.Exp(value - largest);
        }

        var ancestors = new int[n];
        var (reached, at) = (Math.Exp(logWeights[0] - largest), 0);
        for (var i = 0; i < n; i++)
        {
            var mark = (i + uniform) / n * sum;
            while (reached <= mark && at < n - 1)
            {
                reached += Math.Exp(logWeights[++at] - largest);
            }

            // Rounding of the last sums may not bring back a particle of zero weight.
            while (double.IsNegativeInfinity(logWeights[at]))
            {
                at--;
            }

            ancestors[i] = at;
        }

        return ancestors;
    }
}
