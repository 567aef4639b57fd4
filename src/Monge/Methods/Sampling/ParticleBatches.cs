using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Methods;

/// <summary>Draws of any number, a batch at a time; no result depends on the size of a batch.</summary>
internal static class ParticleBatches
{
    /// <summary>The most particles carried at once.</summary>
    public const int Largest = 4096;

    /// <summary>Particles of a validation batch on which samplers compete.</summary>
    public const int Validation = 2048;

    /// <summary>Validation draws are samples with numbers from here on, so they never coincide with the samples that are returned.</summary>
    public const long ValidationSamples = 1L << 36;

    /// <summary>Draws particles.</summary>
    /// <param name="samples">Their number.</param>
    /// <param name="dimension">d.</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <param name="carry">Carries a number of particles from a place in the streams.</param>
    /// <param name="size">The most particles carried at once.</param>
    public static WeightedParticles<T> Draw<T>(
        int samples, int dimension, DrawKey draw, Func<int, DrawKey, WeightedParticles<T>> carry, int size = Largest)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (positions, logWeights) = (new NdArray<T>(samples, dimension), new double[samples]);
        for (var first = 0; first < samples; first += size)
        {
            var n = Math.Min(size, samples - first);
            var batch = carry(n, draw with { FirstSample = draw.FirstSample + first });
            batch.Positions.Span[..(n * dimension)].CopyTo(positions.Span[(first * dimension)..]);
            batch.LogWeights.AsSpan(0, n).CopyTo(logWeights.AsSpan(first));
        }

        return new WeightedParticles<T>(positions, logWeights);
    }

    /// <summary>Log-weights [n] of paths drawn backward from exact samples of a target.</summary>
    /// <param name="exact">The samples z [n, d].</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <param name="carry">From ends and a place in the streams to starts and gains.</param>
    /// <param name="logEnd">The target's log density at ends.</param>
    /// <param name="logStart">The base's log density at starts.</param>
    /// <param name="constant">What is added to each.</param>
    public static double[] Backward<T>(
        NdArray<T> exact,
        DrawKey draw,
        Func<NdArray<T>, DrawKey, (NdArray<T> Starts, NdArray<T> Gains)> carry,
        Func<NdArray<T>, double[]> logEnd,
        Func<NdArray<T>, int, double[]> logStart,
        double constant = 0)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (d, logWeights) = (exact.RowLength, new double[exact.Rows]);
        for (var first = 0; first < logWeights.Length; first += Largest)
        {
            var n = Math.Min(Largest, logWeights.Length - first);
            var ends = NdArray<T>.From(exact.Span.Slice(first * d, n * d), n, d);
            var (starts, gains) = carry(ends, draw with { FirstSample = draw.FirstSample + first });
            var (end, start) = (logEnd(ends), logStart(starts, n));
            for (var i = 0; i < n; i++)
            {
                logWeights[first + i] = end[i] - start[i] + double.CreateChecked(gains[i]) + constant;
            }
        }

        return logWeights;
    }
}
