using System.Runtime.CompilerServices;

namespace Monge.Engine.Random;

/// <summary>
/// The tile kernels at one vector width. Each fills destination[element * laneStride + lane] for samples first + lane. A last,
/// partial vector is computed whole and stored in part, so a value never depends on where the tile ends.
/// </summary>
internal static unsafe class TileKernels<L, V>
    where L : ILanes<V>
    where V : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UniformSingle(float* destination, int elements, int laneStride, ulong first, int lanes, ulong key, ulong step)
    {
        V* scratch = stackalloc V[PhiloxLanes<L, V>.ScratchVectors];
        V* keys = PhiloxLanes<L, V>.PrepareKeys(scratch, key);
        for (int element = 0; element < elements; element += 4)
        {
            float* row = destination + (long)element * laneStride;
            for (int lane = 0; lane < lanes; lane += L.Words)
            {
                PhiloxLanes<L, V>.Block32(keys, step, first + (uint)lane, (uint)element / 4, out V word0, out V word1, out V word2, out V word3);
                StoreFour(
                    row + lane, laneStride, elements - element, lanes - lane,
                    LaneMath<L, V>.UniformSingle(word0), LaneMath<L, V>.UniformSingle(word1),
                    LaneMath<L, V>.UniformSingle(word2), LaneMath<L, V>.UniformSingle(word3));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ExponentialSingle(float* destination, int elements, int laneStride, ulong first, int lanes, ulong key, ulong step)
    {
        V* scratch = stackalloc V[PhiloxLanes<L, V>.ScratchVectors];
        V* keys = PhiloxLanes<L, V>.PrepareKeys(scratch, key);
        for (int element = 0; element < elements; element += 4)
        {
            float* row = destination + (long)element * laneStride;
            for (int lane = 0; lane < lanes; lane += L.Words)
            {
                PhiloxLanes<L, V>.Block32(keys, step, first + (uint)lane, (uint)element / 4, out V word0, out V word1, out V word2, out V word3);
                StoreFour(
                    row + lane, laneStride, elements - element, lanes - lane,
                    LaneMath<L, V>.MinusLogSingle(word0, 1f), LaneMath<L, V>.MinusLogSingle(word1, 1f),
                    LaneMath<L, V>.MinusLogSingle(word2, 1f), LaneMath<L, V>.MinusLogSingle(word3, 1f));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void NormalSingle(float* destination, int elements, int laneStride, ulong first, int lanes, ulong key, ulong step)
    {
        V* scratch = stackalloc V[PhiloxLanes<L, V>.ScratchVectors];
        V* keys = PhiloxLanes<L, V>.PrepareKeys(scratch, key);
        for (int element = 0; element < elements; element += 4)
        {
            float* row = destination + (long)element * laneStride;
            for (int lane = 0; lane < lanes; lane += L.Words)
            {
                PhiloxLanes<L, V>.Block32(keys, step, first + (uint)lane, (uint)element / 4, out V word0, out V word1, out V word2, out V word3);
                LaneMath<L, V>.NormalPairSingle(word0, word1, out V normal0, out V normal1);
                LaneMath<L, V>.NormalPairSingle(word2, word3, out V normal2, out V normal3);
                StoreFour(row + lane, laneStride, elements - element, lanes - lane, normal0, normal1, normal2, normal3);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RademacherSingle(float* destination, int elements, int laneStride, ulong first, int lanes, ulong key, ulong step)
    {
        V* scratch = stackalloc V[PhiloxLanes<L, V>.ScratchVectors];
        V* keys = PhiloxLanes<L, V>.PrepareKeys(scratch, key);
        V* words = stackalloc V[4];
        for (int element = 0; element < elements; element += 128)
        {
            int rows = Math.Min(128, elements - element);
            for (int lane = 0; lane < lanes; lane += L.Words)
            {
                PhiloxLanes<L, V>.Block32(keys, step, first + (uint)lane, (uint)element / 128, out words[0], out words[1], out words[2], out words[3]);
                float* column = destination + (long)element * laneStride + lane;
                for (int row = 0; row < rows; row++)
                {
                    V sign = L.And(L.ShiftLeft32(words[row >> 5], 31 - (row & 31)), L.Broadcast32(0x80000000));
                    Store(column + (long)row * laneStride, L.Or(sign, L.BroadcastSingle(1f)), lanes - lane);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UniformDouble(double* destination, int elements, int laneStride, ulong first, int lanes, ulong key, ulong step)
    {
        V* scratch = stackalloc V[PhiloxLanes<L, V>.ScratchVectors];
        V* keys = PhiloxLanes<L, V>.PrepareKeys(scratch, key);
        for (int element = 0; element < elements; element += 2)
        {
            double* row = destination + (long)element * laneStride;
            for (int lane = 0; lane < lanes; lane += L.Words / 2)
            {
                Bits64(keys, step, first + (uint)lane, (uint)element / 2, out V bits0, out V bits1);
                StoreTwo(
                    row + lane, laneStride, elements - element, lanes - lane,
                    LaneMath<L, V>.UniformDouble(bits0), LaneMath<L, V>.UniformDouble(bits1));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ExponentialDouble(double* destination, int elements, int laneStride, ulong first, int lanes, ulong key, ulong step)
    {
        V* scratch = stackalloc V[PhiloxLanes<L, V>.ScratchVectors];
        V* keys = PhiloxLanes<L, V>.PrepareKeys(scratch, key);
        for (int element = 0; element < elements; element += 2)
        {
            double* row = destination + (long)element * laneStride;
            for (int lane = 0; lane < lanes; lane += L.Words / 2)
            {
                Bits64(keys, step, first + (uint)lane, (uint)element / 2, out V bits0, out V bits1);
                StoreTwo(
                    row + lane, laneStride, elements - element, lanes - lane,
                    LaneMath<L, V>.MinusLogDouble(bits0, 1), LaneMath<L, V>.MinusLogDouble(bits1, 1));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void NormalDouble(double* destination, int elements, int laneStride, ulong first, int lanes, ulong key, ulong step)
    {
        V* scratch = stackalloc V[PhiloxLanes<L, V>.ScratchVectors];
        V* keys = PhiloxLanes<L, V>.PrepareKeys(scratch, key);
        for (int element = 0; element < elements; element += 2)
        {
            double* row = destination + (long)element * laneStride;
            for (int lane = 0; lane < lanes; lane += L.Words / 2)
            {
                Bits64(keys, step, first + (uint)lane, (uint)element / 2, out V bits0, out V bits1);
                LaneMath<L, V>.NormalPairDouble(bits0, bits1, out V normal0, out V normal1);
                StoreTwo(row + lane, laneStride, elements - element, lanes - lane, normal0, normal1);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RademacherDouble(double* destination, int elements, int laneStride, ulong first, int lanes, ulong key, ulong step)
    {
        V* scratch = stackalloc V[PhiloxLanes<L, V>.ScratchVectors];
        V* keys = PhiloxLanes<L, V>.PrepareKeys(scratch, key);
        V* words = stackalloc V[4];
        for (int element = 0; element < elements; element += 128)
        {
            int rows = Math.Min(128, elements - element);
            for (int lane = 0; lane < lanes; lane += L.Words / 2)
            {
                PhiloxLanes<L, V>.Block64(keys, step, first + (uint)lane, (uint)element / 128, out words[0], out words[1], out words[2], out words[3]);
                double* column = destination + (long)element * laneStride + lane;
                for (int row = 0; row < rows; row++)
                {
                    V sign = L.And(L.ShiftLeft64(words[row >> 5], 63 - (row & 31)), L.Broadcast64(0x8000000000000000));
                    Store(column + (long)row * laneStride, L.Or(sign, L.BroadcastDouble(1)), lanes - lane);
                }
            }
        }
    }

    /// <summary>Words (0, 1) and (2, 3) of a block as two 64-bit numbers per sample, the first word of each pair low.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Bits64(V* keys, ulong step, ulong first, uint block, out V bits0, out V bits1)
    {
        PhiloxLanes<L, V>.Block64(keys, step, first, block, out V word0, out V word1, out V word2, out V word3);
        bits0 = PhiloxLanes<L, V>.Interleave(word0, word1);
        bits1 = PhiloxLanes<L, V>.Interleave(word2, word3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFour(float* row, long laneStride, int rows, int lanes, V value0, V value1, V value2, V value3)
    {
        if (rows >= 4 && lanes >= L.Words)
        {
            L.Store(row, value0);
            L.Store(row + laneStride, value1);
            L.Store(row + 2 * laneStride, value2);
            L.Store(row + 3 * laneStride, value3);
        }
        else
        {
            StoreSome(row, laneStride, rows, lanes, value0, value1, value2, value3);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreSome(float* row, long laneStride, int rows, int lanes, V value0, V value1, V value2, V value3)
    {
        Store(row, value0, lanes);
        if (rows > 1)
        {
            Store(row + laneStride, value1, lanes);
        }

        if (rows > 2)
        {
            Store(row + 2 * laneStride, value2, lanes);
        }

        if (rows > 3)
        {
            Store(row + 3 * laneStride, value3, lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreTwo(double* row, long laneStride, int rows, int lanes, V value0, V value1)
    {
        Store(row, value0, lanes);
        if (rows > 1)
        {
            Store(row + laneStride, value1, lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T>(T* destination, V value, int lanes)
        where T : unmanaged
    {
        if (lanes * sizeof(T) >= sizeof(V))
        {
            L.Store(destination, value);
        }
        else
        {
            StorePart(destination, value, lanes * sizeof(T));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StorePart(void* destination, V value, int bytes) =>
        Buffer.MemoryCopy(&value, destination, bytes, bytes);
}
