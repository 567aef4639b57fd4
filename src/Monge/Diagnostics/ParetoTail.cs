using Monge.OptimalTransport;


namespace Monge.Diagnostics;

/// <summary>
/// A generalised Pareto law fitted to the largest importance weights. Its shape k says how many moments the weights have: below 0.5 the variance is finite and
/// the standard errors of log Z and of means hold; from 0.7 on neither estimates nor errors can be trusted at any affordable number of samples.
/// </summary>
/// <remarks> The tail is the largest min(n / 5, 3 sqrt(n)) weights; the fit is the empirical Bayes estimate of J. Zhang and M. Stephens ("A new and efficient
/// estimation method for the generalized Pareto distribution", 2009), drawn toward 1/2 with the force of 10 samples. Source: A. Vehtari, D. Simpson, A. Gelman,
/// Y. Yao and J. Gabry, "Pareto smoothed importance sampling" (arXiv:1507.02646).
/// </remarks>
/// <param name="Shape">k.</param>
/// <param name="ShapeError">Standard error of k, (1 + k) / sqrt(tail) for a maximum-likelihood fit.</param>
/// <param name="Scale">Scale of the exceedances relative to the largest weight.</param>
/// <param name="TailCount">Number of weights in the tail.</param>
public sealed record ParetoTail(double Shape, double ShapeError, double Scale, int TailCount)
{
    /// <summary>The shape from which on weights should not be trusted.</summary>
    public const double LargestTrustedShape = 0.7;

    /// <summary>The smallest weight of the tail's law, relative to the largest weight.</summary>
    public double Threshold { get; init; }

    private double Median { get; init; }

    private const int FewestInTail = 5;

    // The largest of n weights passes the level at which the law is cut with this chance. In simulations with k = 0.65 the 95 % intervals then cover 90 to 93
    // %, with a chance of 5 % only 87; up to k = 0.5 it makes little difference.
    private const double SurpriseChance = 0.01;

    // A steeper fitted shape is usually the sum of two kinds of weights, nearly equal ones and a few that stand out, and its level would be absurd. In
    // simulations with log-normal weights of ESS 0.01 to 80 % and Pareto weights of k up to 0.8 the intervals cover as often as without a bound.
    private const double LargestShapeOfError = 0.8;
    private const double PriorSamples = 10;
    private const double PriorShape = 0.5;

    /// <summary>Fits the tail of weights.</summary>
    /// <param name="logWeights">n log-weights, up to a constant; minus infinity is a zero weight.</param>
    /// <returns>The fit; null if there are fewer than 25 weights, or too few different ones in the tail for a fit (nearly equal
    /// weights, or all weight on a few samples).</returns>
    /// <exception cref="ArgumentException">There are no log-weights, one is NaN or plus infinity, or all weights are zero.</exception>
    public static ParetoTail? Fit(ReadOnlySpan<double> logWeights)
    {
        var largest = PointSets.CheckLogWeights(logWeights, nameof(logWeights));
        double[] weights = logWeights.ToArray();
        Array.Sort(weights);
        var n = weights.Length;
        var count = (int)Math.Min(n / 5, Math.Ceiling(3 * Math.Sqrt(n)));
        if (count < FewestInTail)
        {
            return null;
        }

        var threshold = Math.Exp(weights[n - count - 1] - largest);
        double[] exceedances = [.. weights[^count..].Select(w => Math.Exp(w - largest) - threshold)];

        // The quartile scales the fit; where it vanishes, the weights are equal to rounding and their tail is no Pareto law.
        return exceedances[(int)((count / 4.0) + 0.5) - 1] > 1e-12
            ? FitExceedances(exceedances) with { Threshold = threshold, Median = exceedances[count / 2] } : null;
    }

    /// <summary>
    /// The mean of (W / mean - 1)^2 over the tail's law, cut at the weight that the largest of the sample's passes with a chance of 1 %: what the tail adds to
    /// the variance of the mean weight unless something larger turns up. The weights that happened to fall show less, as a rare large one is more often absent
    /// than present. A shape above 0.8 counts as 0.8.
    /// </summary>
    /// <param name="mean">The mean weight, relative to the largest.</param>
    internal double SquaredDeviation(double mean)
    {
        // With s the chance of a larger exceedance W = threshold + scale (s^-k - 1) / k, so the deviation is a + b s^-k, s from the cut to 1.
        // A bounded shape keeps the median of the tail.
        var k = Math.Abs(Shape) < 1e-4 ? 1e-4 : Math.Min(Shape, LargestShapeOfError);
        var scale = Shape > LargestShapeOfError ? Median * k / (Math.Pow(2, k) - 1) : Scale;
        var cut = -Math.Log(1 - SurpriseChance) / TailCount;
        double Power(double exponent) => Math.Abs(1 - exponent) < 1e-9 ? -Math.Log(cut) : (1 - Math.Pow(cut, 1 - exponent)) / (1 - exponent);
        var (a, b) = (((Threshold - (scale / k)) / mean) - 1, scale / k / mean);
        return (a * a * (1 - cut)) + (2 * a * b * Power(k)) + (b * b * Power(2 * k));
    }

    /// <summary>Fits the generalised Pareto law with density (1 + k x / s)^(-1 - 1/k) / s.</summary>
    /// <param name="exceedances">Values above zero, sorted, the smallest first.</param>
    internal static ParetoTail FitExceedances(double[] exceedances)
    {
        var n = exceedances.Length;
        var quartile = exceedances[(int)((n / 4.0) + 0.5) - 1];
        var nodes = 30 + (int)Math.Sqrt(n);
        var (slopes, likelihoods) = (new double[nodes], new double[nodes]);
        double Shape(double slope) => exceedances.Average(x => Log1p(-slope * x));
        for (var i = 0; i < nodes; i++)
        {
            // With slope = -k / s the profile likelihood is n (log(-slope / k) - k - 1).
            slopes[i] = (1 / exceedances[^1]) + ((1 - Math.Sqrt(nodes / (i + 0.5))) / (3 * quartile));
            var shape = Shape(slopes[i]);
            likelihoods[i] = n * (Math.Log(-slopes[i] / shape) - shape - 1);
        }

        // A slope of exactly zero is the exponential law, a removable gap in the formula; its neighbours stand for it.
        var highest = likelihoods.Where(double.IsFinite).Max();
        var (sum, slope) = (0.0, 0.0);
        for (var i = 0; i < nodes; i++)
        {
            var weight = double.IsFinite(likelihoods[i]) ? Math.Exp(likelihoods[i] - highest) : 0;
            sum += weight;
            slope += weight * slopes[i];
        }

        slope /= sum;
        var fitted = Shape(slope);
        var drawn = ((n * fitted) + (PriorSamples * PriorShape)) / (n + PriorSamples);
        return new ParetoTail(drawn, Math.Max(0, 1 + drawn) / Math.Sqrt(n), -fitted / slope, n);
    }

    private static double Log1p(double x) => Math.Abs(x) > 1e-4 ? Math.Log(1 + x) : x * (1 - (x * (0.5 - (x / 3))));
}
