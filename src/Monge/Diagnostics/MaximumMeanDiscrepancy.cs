using System.Numerics;
using System.Runtime.CompilerServices;
using Monge.Engine.Pairwise;

namespace Monge.Diagnostics;

/// <summary>
/// The squared maximum mean discrepancy between two weighted sample sets, E k(X, X') + E k(Y, Y') - 2 E k(X, Y), for the mean k of five Gaussian kernels
/// exp(-|x - y|^2 / (2 s^2)) with s = b / 4, b / 2, b, 2 b, 4 b.
/// </summary>
/// <remarks> Pairs of a sample with itself are left out, so the estimate is unbiased for independent samples and scatters about zero when the laws agree; with
/// them it is the discrepancy of the two empirical laws, never negative, and of use in ratios to a floor. The bandwidth b is by default the median distance
/// between the samples of the second set. Source: A. Gretton and others, "A kernel two-sample test" (2012), lemma 6.
/// </remarks>
public static class MaximumMeanDiscrepancy
{
    private const int Kernels = 5;
    private const int MedianSamples = 1000;

    /// <summary>Computes the squared discrepancy, between about 0 and 2.</summary>
    /// <param name="x">Samples, [n, d] row-major.</param>
    /// <param name="y">Samples, [m, d] row-major; usually the reference.</param>
    /// <param name="dimension">d.</param>
    /// <param name="bandwidth">b; null for <see cref="MedianDistance"/> of <paramref name="y"/>.</param>
    /// <param name="logWeightsX">n log-weights, up to a constant; null for equal weights.</param>
    /// <param name="logWeightsY">m log-weights, up to a constant; null for equal weights.</param>
    /// <param name="unbiased">Whether pairs of a sample with itself are left out.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <exception cref="ArgumentException">Samples, weights or bandwidth are unusable.</exception>
    public static double Compute(
        double[] x, double[] y, int dimension, double? bandwidth = null, double[]? logWeightsX = null, double[]? logWeightsY = null, bool unbiased = true,
        int threads = 0)
    {
        var (a, b) = (WeightedSamples.Normalise(x, dimension, logWeightsX), WeightedSamples.Normalise(y, dimension, logWeightsY));
        var width = bandwidth ?? MedianDistance(y, dimension);
        if (!(width > 0) || !double.IsFinite(width))
        {
            throw new ArgumentException($"The bandwidth of the kernels is {width}; it must be positive and finite.", nameof(bandwidth));
        }

        var kernel = new FiveGaussians(width);
        double Within(double[] points, double[] weights) => WeightedSamples.MeanWithin(kernel, points, weights, dimension, 1, unbiased, threads);
        return Within(x, a) + Within(y, b) - (2 * WeightedSamples.MeanOverPairs(kernel, x, a, y, b, dimension, threads));
    }

    /// <summary>The median distance between different samples of a set (of its first 1000); 1 if that is zero.</summary>
    /// <param name="samples">Samples, [n, d] row-major.</param>
    /// <param name="dimension">d.</param>
    /// <exception cref="ArgumentException">The samples are unusable.</exception>
    public static double MedianDistance(double[] samples, int dimension)
    {
        var n = Math.Min(WeightedSamples.Normalise(samples, dimension, null).Length, MedianSamples);
        if (n < 2)
        {
            return 1;
        }

        var points = samples[..(n * dimension)];
        var columns = new PointColumns<double>(points, dimension);
        var (distances, buffer, at) = (new double[n * (n - 1) / 2], new double[n], 0);
        for (var i = 1; i < n; i++)
        {
            columns.Values(default(DistanceKernel<double>), points.AsSpan(i * dimension, dimension), buffer);
            buffer.AsSpan(0, i).CopyTo(distances.AsSpan(at));
            at += i;
        }

        Array.Sort(distances);
        var median = distances[distances.Length / 2];
        return median > 0 ? median : 1;
    }

    // The mean of the five Gaussians; that of half the width is the fourth power, so one exponential makes all.
    private readonly struct FiveGaussians(double bandwidth) : IPairKernel<double>
    {
        private readonly double _rate = -1 / (2 * 16 * bandwidth * bandwidth);

        public double Scale => bandwidth * bandwidth / 8;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector<double> Value(Vector<double> q)
        {
            var kernel = Vector.Exp(q * _rate);
            var sum = kernel;
            for (var k = 1; k < Kernels; k++)
            {
                kernel *= kernel;
                kernel *= kernel;
                sum += kernel;
            }

            return sum / Kernels;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector<double> ValueAndSlope(Vector<double> q, out Vector<double> slope)
        {
            var (kernel, rate) = (Vector.Exp(q * _rate), _rate);
            var sum = kernel;
            slope = kernel * rate;
            for (var k = 1; k < Kernels; k++)
            {
                kernel *= kernel;
                kernel *= kernel;
                rate *= 4;
                sum += kernel;
                slope += kernel * rate;
            }

            slope /= Kernels;
            return sum / Kernels;
        }
    }
}
