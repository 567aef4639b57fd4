using Monge.Engine.Execution;
using Monge.Engine.Random;
using Monge.OptimalTransport;

namespace Monge.Diagnostics;

/// <summary>
/// The sliced Wasserstein distance between two weighted sample sets: the root mean square of W2 between their projections on random directions.
/// </summary>
/// <remarks>Source: N. Bonneel, J. Rabin, G. Peyre and H. Pfister, "Sliced and Radon Wasserstein barycenters of measures" (2015), equation 5.</remarks>
public static class SlicedWasserstein
{
    /// <summary>Computes the distance, in the unit of the coordinates; never negative, and above zero for different samples of one law.</summary>
    /// <param name="x">Samples, [n, d] row-major.</param>
    /// <param name="y">Samples, [m, d] row-major.</param>
    /// <param name="dimension">d.</param>
    /// <param name="directions">Number of random directions; one suffices when d = 1.</param>
    /// <param name="seed">Seed of the directions.</param>
    /// <param name="logWeightsX">n log-weights, up to a constant; null for equal weights.</param>
    /// <param name="logWeightsY">m log-weights, up to a constant; null for equal weights.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <exception cref="ArgumentException">Samples or weights are unusable.</exception>
    public static double Compute(
        double[] x, double[] y, int dimension, int directions = 128, ulong seed = 1, double[]? logWeightsX = null,
        double[]? logWeightsY = null, int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(directions, 1);
        _ = WeightedSamples.Normalise(x, dimension, logWeightsX);
        _ = WeightedSamples.Normalise(y, dimension, logWeightsY);
        var count = dimension == 1 ? 1 : directions;
        var random = new RandomStream(seed, DiagnosticStreams.Projections);
        var axes = new double[count][];
        for (var k = 0; k < count; k++)
        {
            var axis = new double[dimension];
            for (var j = 0; j < dimension; j++)
            {
                axis[j] = random.NextNormal();
            }

            var norm = Math.Sqrt(axis.Sum(a => a * a));
            axes[k] = Array.ConvertAll(axis, a => a / norm);
        }

        var squares = new double[count];
        Workers.For(count, threads, k =>
        {
            var distance = Wasserstein.OneDimensional(Project(x, axes[k]), Project(y, axes[k]), 2, logWeightsX, logWeightsY);
            squares[k] = distance * distance;
        });
        return Math.Sqrt(squares.Average());
    }

    private static double[] Project(double[] points, double[] axis)
    {
        var values = new double[points.Length / axis.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = WeightedSamples.Dot(points.AsSpan(i * axis.Length, axis.Length), axis);
        }

        return values;
    }
}
