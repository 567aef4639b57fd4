using Monge.OptimalTransport;

namespace Monge.Diagnostics;

/// <summary>The energy distance between two weighted sample sets: 2 E|X - Y| - E|X - X'| - E|Y - Y'|, zero exactly when the laws agree.</summary>
/// <remarks>
/// The means over one set leave out the pairs of a sample with itself, so the estimate is unbiased for independent samples and scatters about zero, also below it, when the laws agree.
/// Some authors call its square root the energy distance. Source: G. J. Szekely and M. L. Rizzo, "Energy statistics: a class of statistics based on distances" (2013).
/// </remarks>
public static class EnergyDistance
{
    /// <summary>Computes the distance, in the unit of the coordinates.</summary>
    /// <param name="x">Samples, [n, d] row-major.</param>
    /// <param name="y">Samples, [m, d] row-major.</param>
    /// <param name="dimension">d.</param>
    /// <param name="logWeightsX">n log-weights, up to a constant; null for equal weights.</param>
    /// <param name="logWeightsY">m log-weights, up to a constant; null for equal weights.</param>
    /// <exception cref="ArgumentException">Samples or weights are unusable.</exception>
    public static double Compute(double[] x, double[] y, int dimension, double[]? logWeightsX = null, double[]? logWeightsY = null)
    {
        var (a, b) = (WeightedSamples.Normalise(x, dimension, logWeightsX), WeightedSamples.Normalise(y, dimension, logWeightsY));
        static void Distance(Span<double> costs)
        {
        }

        return (2 * PairSums.Cross(x, a, y, b, dimension, GroundCost.Euclidean, Distance))
            - PairSums.Within(x, a, dimension, GroundCost.Euclidean, Distance, 0)
            - PairSums.Within(y, b, dimension, GroundCost.Euclidean, Distance, 0);
    }
}
