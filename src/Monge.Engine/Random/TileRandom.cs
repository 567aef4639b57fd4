using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Monge.Engine.Random;

/// <summary>The laws whose variates are made by tiles.</summary>
internal enum TileLaw
{
    /// <summary>Uniform inside (0, 1).</summary>
    Uniform,

    /// <summary>Standard normal (Box and Muller 1958).</summary>
    Normal,

    /// <summary>Exponential of rate one.</summary>
    Exponential,

    /// <summary>-1 or +1 with probability one half each.</summary>
    Rademacher,
}

/// <summary>
/// Random variates of a tile, written as [element][lane]: element e of sample s goes to
/// destination + e * laneStride + (s - firstSample). A value depends on (seed, stream, step, sample, element) only: not on the tile,
/// not on the thread, not on the vector width. Samples and steps are below 2^40.
/// </summary>
/// <remarks>
/// Block and words of element e: float32 uniform, exponential and normal: word e mod 4 of block e / 4 (normals in pairs of words);
/// float64: words 2 (e mod 2) and 2 (e mod 2) + 1 of block e / 2; signs: bit e mod 32 of word (e / 32) mod 4 of block e / 128.
/// The float32 and float64 draws of one name are different numbers, except the signs.
/// </remarks>
internal static unsafe class TileRandom
{
    /// <summary>Samples and steps must be below this number.</summary>
    public const long CounterLimit = 1L << 40;

    /// <summary>Fills a tile.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    public static void Fill<T>(
        TileLaw law, T* destination, int elements, int laneStride, long firstSample, int lanes, ulong seed, uint stream, ulong step)
        where T : unmanaged
    {
        CheckTile(elements, laneStride, firstSample, lanes, step);
        ulong key = new RandomKey(seed, stream).PhiloxKey;
        ulong first = (ulong)firstSample;
        if (Vector512.IsHardwareAccelerated && Avx512F.IsSupported)
        {
            TileKernels<Lanes512, Vector512<uint>>.Fill(law, destination, elements, laneStride, first, lanes, key, step);
        }
        else if (Vector256.IsHardwareAccelerated && Avx2.IsSupported)
        {
            TileKernels<Lanes256, Vector256<uint>>.Fill(law, destination, elements, laneStride, first, lanes, key, step);
        }
        else
        {
            TileKernels<Lanes128, Vector128<uint>>.Fill(law, destination, elements, laneStride, first, lanes, key, step);
        }
    }

    private static void CheckTile(int elements, int laneStride, long firstSample, int lanes, ulong step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elements);
        ArgumentOutOfRangeException.ThrowIfNegative(lanes);
        ArgumentOutOfRangeException.ThrowIfLessThan(laneStride, lanes);
        ArgumentOutOfRangeException.ThrowIfNegative(firstSample);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstSample, CounterLimit - lanes);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(step, (ulong)CounterLimit);
    }
}
