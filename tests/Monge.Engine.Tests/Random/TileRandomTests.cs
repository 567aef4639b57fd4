using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Monge.Engine.Random;
using Monge.Testing;

namespace Monge.Engine.Tests.Random;

public unsafe class TileRandomTests
{
    public static TheoryData<Distribution> Distributions => [.. Enum.GetValues<Distribution>()];

    /// <summary>The definition of every draw, from the scalar block function and the platform's mathematics.</summary>
    [Theory]
    [MemberData(nameof(Distributions))]
    public void Kernels_equal_the_scalar_definition(Distribution distribution)
    {
        ulong key = new RandomKey(TileFill.Seed, TileFill.Stream).PhiloxKey;
        const int elements = 137;
        const int lanes = 37;
        foreach ((long first, ulong step) in new[] { (0L, 0UL), (0xFFFF_FFF0L, 0x12_3456_789AUL), ((1L << 40) - lanes, (1UL << 40) - 1) })
        {
            float[] single = TileFill.Single(distribution, elements, first, lanes, step);
            double[] real = TileFill.Double(distribution, elements, first, lanes, step);
            for (int element = 0; element < elements; element++)
            {
                for (int lane = 0; lane < lanes; lane++)
                {
                    ulong sample = (ulong)(first + lane);
                    double expectedSingle = Expected(distribution, Word, element, key, step, sample, 32);
                    double expectedDouble = Expected(distribution, Word, element, key, step, sample, 64);
                    Assert.Equal(expectedSingle, single[element * lanes + lane], 2e-6);
                    Assert.Equal(expectedDouble, real[element * lanes + lane], 1e-14);
                }
            }
        }

        uint Word(ulong step, ulong sample, int index)
        {
            var (word0, word1, word2, word3) = Philox.Block(key, step, sample, (uint)(index / 4));
            return (index % 4) switch { 0 => word0, 1 => word1, 2 => word2, _ => word3 };
        }
    }

    [Theory]
    [MemberData(nameof(Distributions))]
    public void Every_vector_width_gives_the_same_bits(Distribution distribution)
    {
        foreach (int lanes in new[] { 1, 15, 16, 64, 101 })
        {
            foreach (int elements in new[] { 1, 2, 3, 4, 5, 131 })
            {
                const long first = 0xFFFF_FFC0L;
                float[] single = TileFill.Single(distribution, elements, first, lanes, 3);
                double[] real = TileFill.Double(distribution, elements, first, lanes, 3);
                foreach (Width width in new[] { Width.Bits512, Width.Bits256, Width.Bits128 })
                {
                    Assert.Equal(Bits(single), Bits(TileFill.Single(distribution, elements, first, lanes, 3, width)));
                    Assert.Equal(Bits(real), Bits(TileFill.Double(distribution, elements, first, lanes, 3, width)));
                }
            }
        }
    }

    /// <summary>Published figures rest on these numbers: a faster kernel must make the same ones.</summary>
    [Theory]
    [InlineData(Distribution.Normal, "F0762A81F6FB8099", "F9C9AC63D1F9D59F")]
    [InlineData(Distribution.Uniform, "EF89B526D78D8309", "323B3B946F3FE464")]
    [InlineData(Distribution.Exponential, "E8FC6813D0FDB250", "F70D3262133BDE11")]
    [InlineData(Distribution.Rademacher, "B03B62DB08A29E2D", "59296F276E37041E")]
    public void The_numbers_of_a_stream_stay_what_they_were(Distribution distribution, string single, string real)
    {
        const long first = 0xFFFF_FFF0L;
        const ulong step = 0x12_3456_789AUL;
        Assert.Equal(single, Hash(MemoryMarshal.AsBytes(TileFill.Single(distribution, 137, first, 37, step).AsSpan())));
        Assert.Equal(real, Hash(MemoryMarshal.AsBytes(TileFill.Double(distribution, 137, first, 37, step).AsSpan())));

        static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexString(SHA256.HashData(bytes).AsSpan(0, 8));
    }

    [Theory]
    [MemberData(nameof(Distributions))]
    public void Tiling_does_not_change_a_value(Distribution distribution)
    {
        const int whole = 260;
        const int elements = 7;
        float[] single = TileFill.Single(distribution, elements, 1000, whole, 5);
        double[] real = TileFill.Double(distribution, elements, 1000, whole, 5);
        for (int lanes = 1; lanes <= 130; lanes++)
        {
            int offset = lanes * 37 % (whole - lanes);
            float[] singlePart = TileFill.Single(distribution, elements, 1000 + offset, lanes, 5);
            double[] realPart = TileFill.Double(distribution, elements, 1000 + offset, lanes, 5);
            for (int element = 0; element < elements; element++)
            {
                Assert.True(single.AsSpan(element * whole + offset, lanes).SequenceEqual(singlePart.AsSpan(element * lanes, lanes)));
                Assert.True(real.AsSpan(element * whole + offset, lanes).SequenceEqual(realPart.AsSpan(element * lanes, lanes)));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Distributions))]
    public void Nothing_outside_the_tile_is_written(Distribution distribution)
    {
        const int stride = 40;
        const int elements = 6;
        for (int lanes = 0; lanes <= 33; lanes++)
        {
            var single = new float[(elements + 1) * stride];
            var real = new double[(elements + 1) * stride];
            single.AsSpan().Fill(-77f);
            real.AsSpan().Fill(-77);
            fixed (float* singles = single)
            fixed (double* reals = real)
            {
                TileRandom.Fill((TileLaw)distribution, singles, elements, stride, 0, lanes, 1, 1, 1);
                TileRandom.Fill((TileLaw)distribution, reals, elements, stride, 0, lanes, 1, 1, 1);
            }

            for (int index = 0; index < single.Length; index++)
            {
                bool inside = index / stride < elements && index % stride < lanes;
                Assert.Equal(inside, single[index] != -77f);
                Assert.Equal(inside, real[index] != -77);
            }
        }
    }

    [Fact]
    public void Signs_agree_between_precisions()
    {
        float[] single = TileFill.Single(Distribution.Rademacher, 300, 12, 21, 4);
        double[] real = TileFill.Double(Distribution.Rademacher, 300, 12, 21, 4);
        Assert.Equal(single.Select(sign => (double)sign), real);
    }

    [Theory]
    [MemberData(nameof(Distributions))]
    public void Filling_allocates_nothing(Distribution distribution)
    {
        float* singles = stackalloc float[16 * 40];
        double* reals = stackalloc double[16 * 40];
        Assert.Equal(0, Allocation.Least(() =>
        {
            for (ulong step = 0; step < 100; step++)
            {
                TileRandom.Fill((TileLaw)distribution, singles, 16, 40, 0, 37, 1, 1, step);
                TileRandom.Fill((TileLaw)distribution, reals, 16, 40, 0, 37, 1, 1, step);
            }
        }));
    }

    [Fact]
    public void Impossible_tiles_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => TileFill.Single(Distribution.Normal, 1, -1, 1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => TileFill.Single(Distribution.Normal, 1, TileRandom.CounterLimit, 1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => TileFill.Double(Distribution.Normal, 1, 0, 1, (ulong)TileRandom.CounterLimit));
    }

    private static double Expected(
        Distribution distribution, Func<ulong, ulong, int, uint> word, int element, ulong key, ulong step, ulong sample, int precision)
    {
        if (distribution == Distribution.Rademacher)
        {
            return (word(step, sample, element / 32) >> (element % 32) & 1) == 0 ? 1 : -1;
        }

        ulong Bits(int index) => precision == 32
            ? word(step, sample, index)
            : word(step, sample, 2 * index) | ((ulong)word(step, sample, 2 * index + 1) << 32);

        double Fine(ulong bits) => precision == 32 ? (bits + 0.5) / 4294967296.0 : ((bits >> 12) + 0.5) / 4503599627370496.0;
        switch (distribution)
        {
            case Distribution.Uniform:
                return precision == 32 ? ((Bits(element) >> 9) + 0.5) / 8388608.0 : Fine(Bits(element));
            case Distribution.Exponential:
                return -Math.Log(Fine(Bits(element)));
            default:
                double radius = Math.Sqrt(-2 * Math.Log(Fine(Bits(element & ~1))));
                ulong angleBits = Bits(element | 1) << (64 - precision);
                double angle = precision == 32
                    ? (long)(angleBits << 2) / 18446744073709551616.0 * (Math.PI / 2)
                    : (((angleBits << 2) >> 12) / 4503599627370496.0 - 0.5) * (Math.PI / 2);
                double cosine = (angleBits >> 63 == 0 ? 1 : -1) * Math.Cos(angle);
                double sine = Math.Sin(angle);
                bool turned = (angleBits >> 62 & 1) == 1;
                return radius * (element % 2 == 0 == turned ? sine : cosine);
        }
    }

    private static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);

    private static long[] Bits(double[] values) => Array.ConvertAll(values, BitConverter.DoubleToInt64Bits);
}
