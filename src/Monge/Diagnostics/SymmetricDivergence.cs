namespace Monge.Diagnostics;

/// <summary>The symmetric Kullback-Leibler divergence KL(p | q) + KL(q | p) of two laws whose normalised densities are known, from samples of both.</summary>
/// <param name="Forward">KL(p | q), estimated.</param>
/// <param name="ForwardError">Its standard error.</param>
/// <param name="Backward">KL(q | p), estimated.</param>
/// <param name="BackwardError">Its standard error.</param>
public sealed record SymmetricDivergence(double Forward, double ForwardError, double Backward, double BackwardError)
{
    // A ratio of densities beyond exp of this tells nothing that its size could.
    private const double LargestExponent = 300;

    // A control variate is of use as long as no one sample makes more of its variance than this.
    private const double LargestShare = 0.05;

    /// <summary>The sum.</summary>
    public double Value => Forward + Backward;

    /// <summary>The standard error of the sum; both sample sets are independent.</summary>
    public double Error => double.Hypot(ForwardError, BackwardError);

    /// <summary>
    /// Estimates both from log ratios r = log p - log q at independent samples: KL(p | q) is the mean of r over samples of p, with exp(-r), whose mean is 1, as
    /// a
    /// control variate where no sample rules the latter's variance: it takes out most of the scatter where the laws are near.
    /// </summary>
    /// <param name="atFirst">log p - log q at samples of p.</param>
    /// <param name="atSecond">log p - log q at samples of q.</param>
    /// <exception cref="ArgumentException">There are fewer than three samples of a law, or a log ratio is NaN.</exception>
    public static SymmetricDivergence Estimate(IReadOnlyList<double> atFirst, IReadOnlyList<double> atSecond)
    {
        ArgumentNullException.ThrowIfNull(atFirst);
        ArgumentNullException.ThrowIfNull(atSecond);
        var (forward, forwardError) = Mean([.. atFirst], nameof(atFirst));
        var (backward, backwardError) = Mean([.. atSecond.Select(r => -r)], nameof(atSecond));
        return new SymmetricDivergence(forward, forwardError, backward, backwardError);
    }

    /// <summary>KL(p | q) and its standard error, from log ratios at independent samples of p.</summary>
    /// <param name="ratios">log p - log q at samples of p.</param>
    /// <returns>The divergence, infinite with error 0 where q has no density at a sample of p.</returns>
    /// <exception cref="ArgumentException">There are fewer than three samples, or a log ratio is NaN.</exception>
    public static (double Value, double Error) Directed(IReadOnlyList<double> ratios)
    {
        ArgumentNullException.ThrowIfNull(ratios);
        return Mean([.. ratios], nameof(ratios));
    }

    private static (double Mean, double Error) Mean(double[] ratios, string name)
    {
        if (ratios.Length < 3 || ratios.Any(double.IsNaN))
        {
            throw new ArgumentException($"A divergence is estimated from {ratios.Length} log ratios; it needs three or more, none of them NaN.", name);
        }

        // Samples where the other law has no density at all.
        if (ratios.Any(double.IsPositiveInfinity))
        {
            return (double.PositiveInfinity, 0);
        }

        var mean = ratios.Average();
        double[] inverse = [.. ratios.Select(r => Math.Exp(Math.Min(-r, LargestExponent)) - 1)];
        var inverseMean = inverse.Average();
        var variance = inverse.Sum(e => (e - inverseMean) * (e - inverseMean));
        var isRuled = inverse.Max(e => (e - inverseMean) * (e - inverseMean)) > LargestShare * variance;
        var slope = variance > 0 && !isRuled ? ratios.Zip(inverse, (r, e) => (r - mean) * (e - inverseMean)).Sum() / variance : 0;
        var value = mean - (slope * inverseMean);
        var rest = ratios.Zip(inverse, (r, e) => r - (slope * e) - value).Sum(v => v * v);
        return (value, Math.Sqrt(rest / (ratios.Length - 2.0) / ratios.Length));
    }
}
