using System.Runtime.Intrinsics;
using Monge.Engine.Random;

namespace Monge.Engine.Tests.Random;

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
        Distribution distribution, int elements, long first, int lanes, ulong step, Width width = Width.Chosen, ulong seed = Seed, uint stream = Stream)
    {
        var result = new float[elements * lanes];
        fixed (float* destination = result)
        {
            switch (width)
            {
                case Width.Bits512:
                    Single<Lanes512, Vector512<uint>>(distribution, destination, elements, first, lanes, seed, stream, step);
                    break;
                case Width.Bits256:
                    Single<Lanes256, Vector256<uint>>(distribution, destination, elements, first, lanes, seed, stream, step);
                    break;
                case Width.Bits128:
                    Single<Lanes128, Vector128<uint>>(distribution, destination, elements, first, lanes, seed, stream, step);
                    break;
                default:
                    Single(distribution, destination, elements, lanes, first, lanes, seed, stream, step);
                    break;
            }
        }

        return result;
    }

    public static double[] Double(
        Distribution distribution, int elements, long first, int lanes, ulong step, Width width = Width.Chosen, ulong seed = Seed, uint stream = Stream)
    {
        var result = new double[elements * lanes];
        fixed (double* destination = result)
        {
            switch (width)
            {
                case Width.Bits512:
                    Double<Lanes512, Vector512<uint>>(distribution, destination, elements, first, lanes, seed, stream, step);
                    break;
                case Width.Bits256:
                    Double<Lanes256, Vector256<uint>>(distribution, destination, elements, first, lanes, seed, stream, step);
                    break;
                case Width.Bits128:
                    Double<Lanes128, Vector128<uint>>(distribution, destination, elements, first, lanes, seed, stream, step);
                    break;
                default:
                    Double(distribution, destination, elements, lanes, first, lanes, seed, stream, step);
                    break;
            }
        }

        return result;
    }

    public static void Single(
        Distribution distribution, float* destination, int elements, int laneStride, long first, int lanes, ulong seed, uint stream, ulong step)
    {
        switch (distribution)
        {
            case Distribution.Uniform:
                TileRandom.FillUniform(destination, elements, laneStride, first, lanes, seed, stream, step);
                break;
            case Distribution.Normal:
                TileRandom.FillNormal(destination, elements, laneStride, first, lanes, seed, stream, step);
                break;
            case Distribution.Exponential:
                TileRandom.FillExponential(destination, elements, laneStride, first, lanes, seed, stream, step);
                break;
            default:
                TileRandom.FillRademacher(destination, elements, laneStride, first, lanes, seed, stream, step);
                break;
        }
    }

    public static void Double(
        Distribution distribution, double* destination, int elements, int laneStride, long first, int lanes, ulong seed, uint stream, ulong step)
    {
        switch (distribution)
        {
            case Distribution.Uniform:
                TileRandom.FillUniform(destination, elements, laneStride, first, lanes, seed, stream, step);
                break;
            case Distribution.Normal:
                TileRandom.FillNormal(destination, elements, laneStride, first, lanes, seed, stream, step);
                break;
            case Distribution.Exponential:
                TileRandom.FillExponential(destination, elements, laneStride, first, lanes, seed, stream, step);
                break;
            default:
                TileRandom.FillRademacher(destination, elements, laneStride, first, lanes, seed, stream, step);
                break;
        }
    }

    private static void Single<L, V>(Distribution distribution, float* destination, int elements, long first, int lanes, ulong seed, uint stream, ulong step)
        where L : ILanes<V>
        where V : unmanaged
    {
        ulong key = new RandomKey(seed, stream).PhiloxKey;
        switch (distribution)
        {
            case Distribution.Uniform:
                TileKernels<L, V>.UniformSingle(destination, elements, lanes, (ulong)first, lanes, key, step);
                break;
            case Distribution.Normal:
                TileKernels<L, V>.NormalSingle(destination, elements, lanes, (ulong)first, lanes, key, step);
                break;
            case Distribution.Exponential:
                TileKernels<L, V>.ExponentialSingle(destination, elements, lanes, (ulong)first, lanes, key, step);
                break;
            default:
                TileKernels<L, V>.RademacherSingle(destination, elements, lanes, (ulong)first, lanes, key, step);
                break;
        }
    }

    private static void Double<L, V>(Distribution distribution, double* destination, int elements, long first, int lanes, ulong seed, uint stream, ulong step)
        where L : ILanes<V>
        where V : unmanaged
    {
        ulong key = new RandomKey(seed, stream).PhiloxKey;
        switch (distribution)
        {
            case Distribution.Uniform:
                TileKernels<L, V>.UniformDouble(destination, elements, lanes, (ulong)first, lanes, key, step);
                break;
            case Distribution.Normal:
                TileKernels<L, V>.NormalDouble(destination, elements, lanes, (ulong)first, lanes, key, step);
                break;
            case Distribution.Exponential:
                TileKernels<L, V>.ExponentialDouble(destination, elements, lanes, (ulong)first, lanes, key, step);
                break;
            default:
                TileKernels<L, V>.RademacherDouble(destination, elements, lanes, (ulong)first, lanes, key, step);
                break;
        }
    }
}
