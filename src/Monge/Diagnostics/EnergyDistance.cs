using Monge.Engine.Pairwise;

namespace Monge.Diagnostics;

/// <summary>The energy distance between two weighted sample sets: 2 E|X - Y| - E|X - X'| - E|Y - Y'|, zero exactly when the laws agree.</summary>
/// <remarks> The means over one set leave out the pairs of a sample with itself, so the estimate is unbiased for independent samples and scatters about zero,
/// also below it, when the laws agree. With these pairs it is the distance between the two empirical laws: never negative, about 2 E|X - X'| / n for two sets
/// of n samples of one law, and so of use in ratios to a floor. Some authors call its square root the energy distance. Source: G. J. Szekely and M. L. Rizzo,
/// "Energy statistics: a class of statistics based on distances" (2013).
/// </remarks>
public static class EnergyDistance
{
    /// <summary>Computes the distance, in the unit of the coordinates.</summary>
    /// <param name="x">Samples, [n, d] row-major.</param>
    /// <param name="y">Samples, [m, d] row-major.</param>
    /// <param name="dimension">d.</param>
    /// <param name="logWeightsX">n log-weights, up to a constant; null for equal weights.</param>
    /// <param name="logWeightsY">m log-weights, up to a constant; null for equal weights.</param>
    /// <param name="unbiased">Whether pairs of a sample with itself are left out.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <exception cref="ArgumentException">Samples or weights are unusable.</exception>
    public static double Compute(
        double[] x, double[] y, int dimension, double[]? logWeightsX = null, double[]? logWeightsY = null, bool unbiased = true, int threads = 0)
    {
        var (a, b) = (WeightedSamples.Normalise(x, dimension, logWeightsX), WeightedSamples.Normalise(y, dimension, logWeightsY));
        var distance = default(DistanceKernel<double>);
        double Within(double[] points, double[] weights) => WeightedSamples.MeanWithin(distance, points, weights, dimension, 0, unbiased, threads);
        return (2 * WeightedSamples.MeanOverPairs(distance, x, a, y, b, dimension, threads)) - Within(x, a) - Within(y, b);
    }
}
