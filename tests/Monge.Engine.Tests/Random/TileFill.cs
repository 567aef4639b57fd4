using System.Runtime.Intrinsics;
using Monge.Engine.Random;

namespace Monge.Engine.Tests.Random;

/// <summary>The tile laws, in their order, for public test methods.</summary>
public enum Distribution
{
    Uniform,
    Normal,
    Exponential,
    Rademacher,
}

public enum Width
{
    Chosen,
    Bits512,
    Bits256,
    Bits128,
}

/// <summary>Managed calls of the tile kernels, at the chosen or at a forced vector width.</summary>
internal static unsafe class TileFill
{
    public const ulong Seed = 0x1234_5678_9ABC_DEF0;
    public const uint Stream = 7;

    public static float[] Single(
        Distribution distribution, int elements, long first, int lanes, ulong step, Width width = Width.Chosen, ulong seed = Seed, uint stream = Stream) =>
        Filled<float>(distribution, elements, first, lanes, step, width, seed, stream);

    public static double[] Double(
        Distribution distribution, int elements, long first, int lanes, ulong step, Width width = Width.Chosen, ulong seed = Seed, uint stream = Stream) =>
        Filled<double>(distribution, elements, first, lanes, step, width, seed, stream);

    private static T[] Filled<T>(Distribution distribution, int elements, long first, int lanes, ulong step, Width width, ulong seed, uint stream)
        where T : unmanaged
    {
        var result = new T[elements * lanes];
        fixed (T* destination = result)
        {
            switch (width)
            {
                case Width.Bits512:
                    Fill<Lanes512, Vector512<uint>, T>(distribution, destination, elements, first, lanes, seed, stream, step);
                    break;
                case Width.Bits256:
                    Fill<Lanes256, Vector256<uint>, T>(distribution, destination, elements, first, lanes, seed, stream, step);
                    break;
                case Width.Bits128:
                    Fill<Lanes128, Vector128<uint>, T>(distribution, destination, elements, first, lanes, seed, stream, step);
                    break;
                default:
                    TileRandom.Fill((TileLaw)distribution, destination, elements, lanes, first, lanes, seed, stream, step);
                    break;
            }
        }

        return result;
    }

    private static void Fill<L, V, T>(Distribution distribution, T* destination, int elements, long first, int lanes, ulong seed, uint stream, ulong step)
        where L : ILanes<V>
        where V : unmanaged
        where T : unmanaged =>
        TileKernels<L, V>.Fill((TileLaw)distribution, destination, elements, lanes, (ulong)first, lanes, new RandomKey(seed, stream).PhiloxKey, step);
}
