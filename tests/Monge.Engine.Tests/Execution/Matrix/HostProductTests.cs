using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;

namespace Monge.Engine.Tests.Execution;

public sealed class HostProductTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 300, 5)]
    [InlineData(50, 7, 8)]
    [InlineData(700, 130, 61)]
    [InlineData(40, 257, 600)]
    public void A_product_is_that_of_the_plain_loop(int rows, int inner, int columns)
    {
        var (a, b) = (Normal(rows * inner, 11), Normal(inner * columns, 12));
        var expected = HostMatrices.Product(a, b, rows, inner, columns);
        var product = new double[rows * columns];
        HostProduct.Multiply(a, b, product, rows, inner, columns);
        Near(expected, product, inner);

        var transposed = new double[rows * columns];
        HostProduct.Multiply(HostMatrices.Transposed(a, rows, inner), b, transposed, rows, inner, columns, isLeftTransposed: true);
        Assert.Equal(product, transposed);

        HostProduct.Multiply(a, b, product, rows, inner, columns, accumulates: true);
        Near([.. expected.Select(v => 2 * v)], product, inner);
    }

    [Fact]
    public void Any_number_of_threads_gives_the_same_bits()
    {
        const int rows = 333, inner = 150, columns = 75;
        var (a, b) = (Normal(rows * inner, 11), Normal(inner * columns, 12));
        var (one, three) = (new double[rows * columns], new double[rows * columns]);
        HostProduct.Multiply(a, b, one, rows, inner, columns, threads: 1);
        HostProduct.Multiply(a, b, three, rows, inner, columns, threads: 3);
        Assert.Equal(one, three);
    }

    [Fact]
    public void A_second_call_allocates_nothing()
    {
        const int size = 97;
        var (a, b, c) = (Normal(size * size, 11), Normal(size * size, 12), new double[size * size]);
        HostProduct.Multiply(a, b, c, size, size, size, threads: 1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        HostProduct.Multiply(a, b, c, size, size, size, threads: 1);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void A_product_in_the_place_of_a_factor_or_of_another_size_is_refused()
    {
        var a = Normal(9, 11);
        Assert.Throws<ArgumentException>(() => HostProduct.Multiply(a, Normal(9, 12), a, 3, 3, 3));
        Assert.Throws<ArgumentException>(() => HostProduct.Multiply(a, Normal(9, 12), new double[8], 3, 3, 3));
    }

    private static void Near(double[] expected, double[] found, int inner)
    {
        for (var k = 0; k < expected.Length; k++)
        {
            Assert.Equal(expected[k], found[k], 1e-14 * Math.Max(1, inner));
        }
    }

    private static double[] Normal(int count, ulong seed)
    {
        var random = new RandomStream(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextNormal())];
    }
}
