using System.Numerics;

namespace Monge.Engine.Random;

/// <summary>
/// The distributions drawn one sample at a time, because the number of words that a draw uses is random. Element e of a sample reads from
/// block 256 e of that sample, so it has elements below 2^24. Gamma and Student-t go through the platform's logarithm and exponential,
/// so their last bit may differ between machines, never between tiles.
/// </summary>
internal static unsafe partial class TileRandom
{
    /// <summary>Elements of the scalar distributions must be fewer than this.</summary>
    public const int ScalarElementLimit = 1 << 24;

    /// <summary>Gamma variates of scale one (Marsaglia and Tsang 2000).</summary>
    public static void FillGamma<T>(
        T* destination, int elements, int laneStride, long firstSample, int lanes, ulong seed, uint stream, ulong step, double shape)
        where T : unmanaged, INumber<T>
    {
        CheckScalarTile(elements, laneStride, firstSample, lanes, step);
        CheckPositive(shape, nameof(shape));
        ulong key = new RandomKey(seed, stream).PhiloxKey;
        for (int element = 0; element < elements; element++)
        {
            for (int lane = 0; lane < lanes; lane++)
            {
                WordCursor cursor = WordCursor.ForElement(key, step, (ulong)(firstSample + lane), element);
                destination[(long)element * laneStride + lane] = T.CreateTruncating(cursor.NextGamma(shape));
            }
        }
    }

    /// <summary>Variates of Student's t distribution.</summary>
    public static void FillStudentT<T>(
        T* destination, int elements, int laneStride, long firstSample, int lanes, ulong seed, uint stream, ulong step, double degreesOfFreedom)
        where T : unmanaged, INumber<T>
    {
        CheckScalarTile(elements, laneStride, firstSample, lanes, step);
        CheckPositive(degreesOfFreedom, nameof(degreesOfFreedom));
        ulong key = new RandomKey(seed, stream).PhiloxKey;
        for (int element = 0; element < elements; element++)
        {
            for (int lane = 0; lane < lanes; lane++)
            {
                WordCursor cursor = WordCursor.ForElement(key, step, (ulong)(firstSample + lane), element);
                destination[(long)element * laneStride + lane] = T.CreateTruncating(cursor.NextStudentT(degreesOfFreedom));
            }
        }
    }

    /// <summary>Indices with probabilities given by running sums of weights (not decreasing, the last positive), as numbers of the tile's type.</summary>
    public static void FillCategorical<T>(
        T* destination, int elements, int laneStride, long firstSample, int lanes, ulong seed, uint stream, ulong step,
        ReadOnlySpan<double> cumulativeWeights)
        where T : unmanaged, INumber<T>
    {
        CheckScalarTile(elements, laneStride, firstSample, lanes, step);
        if (cumulativeWeights.IsEmpty || !(cumulativeWeights[^1] > 0) || double.IsInfinity(cumulativeWeights[^1]))
        {
            throw new ArgumentException("The last cumulative weight must be positive and finite.", nameof(cumulativeWeights));
        }

        ulong key = new RandomKey(seed, stream).PhiloxKey;
        for (int element = 0; element < elements; element++)
        {
            for (int lane = 0; lane < lanes; lane++)
            {
                WordCursor cursor = WordCursor.ForElement(key, step, (ulong)(firstSample + lane), element);
                destination[(long)element * laneStride + lane] = T.CreateTruncating(cursor.NextCategorical(cumulativeWeights));
            }
        }
    }

    private static void CheckScalarTile(int elements, int laneStride, long firstSample, int lanes, ulong step)
    {
        CheckTile(elements, laneStride, firstSample, lanes, step);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(elements, ScalarElementLimit);
    }

    private static void CheckPositive(double value, string name)
    {
        if (!(value > 0) || double.IsInfinity(value))
        {
            throw new ArgumentOutOfRangeException(name, value, "Must be positive and finite.");
        }
    }
}
