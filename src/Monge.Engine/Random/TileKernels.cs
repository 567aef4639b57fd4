using System.Runtime.CompilerServices;

namespace Monge.Engine.Random;

/// <summary>
/// The tile kernels at one vector width. Each fills destination[element * laneStride + lane] for samples first + lane. A last,
/// partial vector is computed whole and stored in part, so a value never depends on where the tile ends.
/// </summary>
/// <remarks>
/// Words are made for a number of vectors, and then turned into variates by short loops over them. A loop that did both would be one long chain
/// of dependent instructions, of which the processor sees too little at a time to do something else beside it.
/// </remarks>
internal static unsafe class TileKernels<L, V>
    where L : ILanes<V>
    where V : unmanaged
{
    // Vectors of words made at a time, a multiple of four.
    private const int Chunk = 64;

    /// <summary>Turns vectors of random bits into variates where they stand; their number is even.</summary>
    private interface IVariate
    {
        static abstract void Make(V* words, int count);
    }

    public static void Fill<T>(TileLaw law, T* destination, int elements, int laneStride, ulong first, int lanes, ulong key, ulong step)
        where T : unmanaged
    {
        float* singles = (float*)destination;
        double* doubles = (double*)destination;
        switch (law, typeof(T) == typeof(float))
        {
            case (TileLaw.Uniform, true):
                FillSingle<UniformSingles>(singles, elements, laneStride, first, lanes, key, step);
                break;
            case (TileLaw.Uniform, false):
                FillDouble<UniformDoubles>(doubles, elements, laneStride, first, lanes, key, step);
                break;
            case (TileLaw.Normal, true):
                FillSingle<NormalSingles>(singles, elements, laneStride, first, lanes, key, step);
                break;
            case (TileLaw.Normal, false):
                FillDouble<NormalDoubles>(doubles, elements, laneStride, first, lanes, key, step);
                break;
            case (TileLaw.Exponential, true):
                FillSingle<ExponentialSingles>(singles, elements, laneStride, first, lanes, key, step);
                break;
            case (TileLaw.Exponential, false):
                FillDouble<ExponentialDoubles>(doubles, elements, laneStride, first, lanes, key, step);
                break;
            case (_, true):
                RademacherSingle(singles, elements, laneStride, first, lanes, key, step);
                break;
            default:
                RademacherDouble(doubles, elements, laneStride, first, lanes, key, step);
                break;
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RademacherSingle(float* destination, int elements, int laneStride, ulong first, int lanes, ulong key, ulong step)
    {
        V* scratch = stackalloc V[PhiloxLanes<L, V>.ScratchVectors];
        V* keys = PhiloxLanes<L, V>.Prepare(scratch, key);
        V* words = stackalloc V[4];
        for (int element = 0; element < elements; element += 128)
        {
            int rows = Math.Min(128, elements - element);
            for (int lane = 0; lane < lanes; lane += L.Words)
            {
                PhiloxLanes<L, V>.Words(keys, step, first + (uint)lane, (uint)element / 128, 1, words);
                float* column = destination + (long)element * laneStride + lane;
                for (int row = 0; row < rows; row++)
                {
                    V sign = L.And(L.ShiftLeft32(words[row >> 5], 31 - (row & 31)), L.Broadcast32(0x80000000));
                    Store(column + (long)row * laneStride, L.Or(sign, L.BroadcastSingle(1f)), lanes - lane);
                }
            }
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RademacherDouble(double* destination, int elements, int laneStride, ulong first, int lanes, ulong key, ulong step)
    {
        V* scratch = stackalloc V[PhiloxLanes<L, V>.ScratchVectors];
        V* keys = PhiloxLanes<L, V>.Prepare(scratch, key);
        V* words = stackalloc V[4];
        for (int element = 0; element < elements; element += 128)
        {
            int rows = Math.Min(128, elements - element);
            for (int lane = 0; lane < lanes; lane += L.Words / 2)
            {
                if (lane % L.Words == 0)
                {
                    PhiloxLanes<L, V>.LongWords(keys, step, first + (uint)lane, (uint)element / 128, 1, words, words + 2);
                }

                V* own = words + (lane % L.Words == 0 ? 0 : 2);
                double* column = destination + (long)element * laneStride + lane;
                for (int row = 0; row < rows; row++)
                {
                    V sign = L.And(L.ShiftLeft64(own[row >> 6], 63 - (row & 63)), L.Broadcast64(0x8000000000000000));
                    Store(column + (long)row * laneStride, L.Or(sign, L.BroadcastDouble(1)), lanes - lane);
                }
            }
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillSingle<Variate>(float* destination, int elements, int laneStride, ulong first, int lanes, ulong key, ulong step)
        where Variate : IVariate
    {
        // The last of a vector's blocks may be written beyond the rows that are needed, where the next vector's words follow.
        V* scratch = stackalloc V[PhiloxLanes<L, V>.ScratchVectors + Chunk + 4];
        V* keys = PhiloxLanes<L, V>.Prepare(scratch, key);
        V* words = keys + PhiloxLanes<L, V>.ScratchVectors - 1;
        for (int element = 0; element < elements; element += Chunk)
        {
            int rows = Math.Min(Chunk, elements - element);
            int even = rows + (rows & 1);
            for (int lane = 0; lane < lanes;)
            {
                int begin = lane;
                int count = 0;
                for (; lane < lanes && count + even <= Chunk; lane += L.Words, count += even)
                {
                    PhiloxLanes<L, V>.Words(keys, step, first + (uint)lane, (uint)element / 4, (rows + 3) / 4, words + count);
                }

                Variate.Make(words, count);
                for (V* own = words; begin < lane; begin += L.Words, own += even)
                {
                    StoreRows(destination + (long)element * laneStride + begin, laneStride, own, rows, lanes - begin);
                }
            }
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillDouble<Variate>(double* destination, int elements, int laneStride, ulong first, int lanes, ulong key, ulong step)
        where Variate : IVariate
    {
        V* scratch = stackalloc V[PhiloxLanes<L, V>.ScratchVectors + Chunk];
        V* keys = PhiloxLanes<L, V>.Prepare(scratch, key);
        V* words = keys + PhiloxLanes<L, V>.ScratchVectors - 1;
        for (int element = 0; element < elements; element += Chunk / 2)
        {
            int rows = Math.Min(Chunk / 2, elements - element);
            int even = rows + (rows & 1);
            for (int lane = 0; lane < lanes;)
            {
                int begin = lane;
                int count = 0;
                for (; lane < lanes && count + (2 * even) <= Chunk; lane += L.Words, count += 2 * even)
                {
                    PhiloxLanes<L, V>.LongWords(keys, step, first + (uint)lane, (uint)element / 2, even / 2, words + count, words + count + even);
                }

                Variate.Make(words, count);
                for (V* own = words; begin < Math.Min(lane, lanes); begin += L.Words / 2, own += even)
                {
                    StoreRows(destination + (long)element * laneStride + begin, laneStride, own, rows, lanes - begin);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRows<T>(T* destination, long laneStride, V* values, int rows, int lanes)
        where T : unmanaged
    {
        if (lanes * sizeof(T) < sizeof(V))
        {
            for (int row = 0; row < rows; row++, destination += laneStride)
            {
                StorePart(destination, values[row], lanes * sizeof(T));
            }

            return;
        }

        for (V* end = values + rows; values < end; values++, destination += laneStride)
        {
            L.Store(destination, *values);
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

    private readonly struct UniformSingles : IVariate
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void Make(V* words, int count)
        {
            for (int i = 0; i < count; i++)
            {
                words[i] = LaneMath<L, V>.UniformSingle(words[i]);
            }
        }
    }

    private readonly struct ExponentialSingles : IVariate
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void Make(V* words, int count)
        {
            for (int i = 0; i < count; i++)
            {
                words[i] = LaneMath<L, V>.MinusLogSingle(words[i], 1f);
            }
        }
    }

    private readonly struct NormalSingles : IVariate
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void Make(V* words, int count)
        {
            for (int i = 0; i < count; i += 2)
            {
                words[i] = LaneMath<L, V>.NormalRadiusSingle(words[i]);
            }

            for (int i = 0; i < count; i += 2)
            {
                LaneMath<L, V>.NormalPairSingle(words[i], words[i + 1], out words[i], out words[i + 1]);
            }
        }
    }

    private readonly struct UniformDoubles : IVariate
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void Make(V* words, int count)
        {
            for (int i = 0; i < count; i++)
            {
                words[i] = LaneMath<L, V>.UniformDouble(words[i]);
            }
        }
    }

    private readonly struct ExponentialDoubles : IVariate
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void Make(V* words, int count)
        {
            for (int i = 0; i < count; i++)
            {
                words[i] = LaneMath<L, V>.MinusLogDouble(words[i], 1);
            }
        }
    }

    private readonly struct NormalDoubles : IVariate
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public static void Make(V* words, int count)
        {
            for (int i = 0; i < count; i += 2)
            {
                words[i] = LaneMath<L, V>.NormalRadiusDouble(words[i]);
            }

            for (int i = 0; i < count; i += 2)
            {
                LaneMath<L, V>.NormalPairDouble(words[i], words[i + 1], out words[i], out words[i + 1]);
            }
        }
    }
}
