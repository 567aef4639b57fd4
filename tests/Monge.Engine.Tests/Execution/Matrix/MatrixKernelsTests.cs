using System.Runtime.InteropServices;
using Monge.Engine.Execution;
using Monge.Engine.Lanes;
using Monge.Testing;

namespace Monge.Engine.Tests.Execution.Matrix;

public sealed unsafe class MatrixKernelsTests
{
    private enum LeftLayout
    {
        Rows,
        Columns,
        Spread,
    }

    public static TheoryData<ElementType, SimdWidth> Kinds()
    {
        var kinds = new TheoryData<ElementType, SimdWidth>();
        foreach (ElementType type in Enum.GetValues<ElementType>())
            foreach (SimdWidth width in Enum.GetValues<SimdWidth>())
                if (MatrixKernels.IsSupported(width)) kinds.Add(type, width);
        return kinds;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void MultiplyEqualsThePlainSum(ElementType type, SimdWidth width)
    {
        MatrixKernels kernels = MatrixKernels.Get(type, width);
        var random = new System.Random(11);
        for (int trial = 0; trial < 80; trial++)
        {
            int m = random.Next(1, 71), k = random.Next(1, 71), n = kernels.Lanes * random.Next(1, 14);
            CheckMultiply(kernels, type, random, m, n, k, (LeftLayout)(trial % 3), accumulate: trial % 2 == 0);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void MultiplyEqualsThePlainSumForEveryNumberOfRows(ElementType type, SimdWidth width)
    {
        MatrixKernels kernels = MatrixKernels.Get(type, width);
        var random = new System.Random(12);
        for (int m = 1; m <= 16; m++)
            for (int vectors = 1; vectors <= 10; vectors++)
                CheckMultiply(kernels, type, random, m, vectors * kernels.Lanes, k: 3, LeftLayout.Rows, accumulate: vectors % 2 == 0);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void MultiplyEqualsThePlainSumForALongContraction(ElementType type, SimdWidth width)
    {
        MatrixKernels kernels = MatrixKernels.Get(type, width);
        var random = new System.Random(13);
        CheckMultiply(kernels, type, random, 30, 9 * kernels.Lanes, 777, LeftLayout.Rows, accumulate: false);
        CheckMultiply(kernels, type, random, 1, 9 * kernels.Lanes, 777, LeftLayout.Columns, accumulate: true);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void MultiplyEqualsThePlainSumWhenTheRowsOfBLieFarApart(ElementType type, SimdWidth width)
    {
        MatrixKernels kernels = MatrixKernels.Get(type, width);
        var random = new System.Random(20);
        for (int vectors = 1; vectors <= 13; vectors++)
            CheckMultiply(kernels, type, random, 24 + vectors, vectors * kernels.Lanes, 11, LeftLayout.Rows, accumulate: vectors % 2 == 0, gapInB: 1100);
        CheckMultiply(kernels, type, random, 25, 9 * kernels.Lanes, 600, LeftLayout.Columns, accumulate: true, gapInB: 1100);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AnElementOfTheProductDoesNotDependOnTheOtherRowsAndColumns(ElementType type, SimdWidth width)
    {
        MatrixKernels kernels = MatrixKernels.Get(type, width);
        int n = 7 * kernels.Lanes, k = 300;
        using NativeMatrix a = new NativeMatrix(type, 29, k, k).Fill(new System.Random(21));
        using NativeMatrix b = new NativeMatrix(type, k, n, n).Fill(new System.Random(22));
        using var whole = new NativeMatrix(type, 29, n, n);
        using var part = new NativeMatrix(type, 29, n, n);
        kernels.Multiply(29, n, k, a.Pointer, k, 1, b.Pointer, n, whole.Pointer, n, accumulate: false);
        for (int m = 1; m < 29; m += 3)
        {
            kernels.Multiply(m, kernels.Lanes, k, a.Pointer, k, 1, b.Pointer, n, part.Pointer, n, accumulate: false);
            for (int i = 0; i < m; i++)
                for (int j = 0; j < kernels.Lanes; j++)
                    Assert.Equal(whole[i, j], part[i, j]);
        }
    }

    [Fact]
    public void ThreadsMayUseTheSameKernelsAtTheSameTime()
    {
        using var team = new ThreadTeam(4);
        MatrixKernels kernels = MatrixKernels.Get(ElementType.Float64, SimdWidth.Scalar);
        team.Run(index =>
        {
            var random = new System.Random(index);
            for (int trial = 0; trial < 20; trial++)
                CheckMultiply(
                    kernels, ElementType.Float64, random, random.Next(1, 30), random.Next(1, 30), random.Next(1, 30), LeftLayout.Rows, accumulate: true);
        });
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void MultiplyTransposedEqualsThePlainSum(ElementType type, SimdWidth width)
    {
        MatrixKernels kernels = MatrixKernels.Get(type, width);
        var random = new System.Random(14);
        for (int trial = 0; trial < 80; trial++)
        {
            int m = random.Next(1, 71), k2 = random.Next(1, 71), n = kernels.Lanes * random.Next(1, 14);
            CheckMultiplyTransposed(kernels, type, random, m, k2, n, accumulate: trial % 2 == 0);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void MultiplyTransposedEqualsThePlainSumForEveryEdge(ElementType type, SimdWidth width)
    {
        MatrixKernels kernels = MatrixKernels.Get(type, width);
        var random = new System.Random(15);
        for (int k2 = 1; k2 <= 35; k2++)
            for (int m = 1; m <= 7; m++)
                CheckMultiplyTransposed(kernels, type, random, m, k2, 2 * kernels.Lanes, accumulate: m % 2 == 0);
        CheckMultiplyTransposed(kernels, type, random, 66, 67, 53 * kernels.Lanes, accumulate: true);
        CheckMultiplyTransposed(kernels, type, random, 2, 67, 53 * kernels.Lanes, accumulate: false);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TransposeMovesEveryElement(ElementType type, SimdWidth width)
    {
        MatrixKernels kernels = MatrixKernels.Get(type, width);
        var random = new System.Random(16);
        for (int trial = 0; trial < 60; trial++)
        {
            int rows = random.Next(1, 71), columns = random.Next(1, 71), lda = columns + random.Next(4), ldo = rows + random.Next(4);
            using NativeMatrix a = new NativeMatrix(type, rows, columns, lda).Fill(random);
            using var o = new NativeMatrix(type, columns, rows, ldo);
            kernels.Transpose(rows, columns, a.Pointer, lda, o.Pointer, ldo);
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++)
                    Assert.Equal(a[i, j], o[j, i]);
            Assert.True(o.GuardsAreIntact());
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AnEmptyContractionGivesZeroOrLeavesTheOutput(ElementType type, SimdWidth width)
    {
        MatrixKernels kernels = MatrixKernels.Get(type, width);
        int n = 3 * kernels.Lanes;
        using NativeMatrix c = new NativeMatrix(type, 5, n, n).Fill(new System.Random(17));
        double before = c[4, 1];
        kernels.Multiply(5, n, 0, c.Pointer, 1, 1, c.Pointer, n, c.Pointer, n, accumulate: true);
        Assert.Equal(before, c[4, 1]);
        kernels.Multiply(5, n, 0, c.Pointer, 1, 1, c.Pointer, n, c.Pointer, n, accumulate: false);
        Assert.Equal(0.0, c[4, 1]);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void CallsAllocateNoManagedMemory(ElementType type, SimdWidth width)
    {
        MatrixKernels kernels = MatrixKernels.Get(type, width);
        int n = 5 * kernels.Lanes;
        using NativeMatrix a = new NativeMatrix(type, 20, n, n).Fill(new System.Random(18));
        using NativeMatrix b = new NativeMatrix(type, 20, n, n).Fill(new System.Random(19));
        using var c = new NativeMatrix(type, 20, n, n);
        void* scratch = NativeMemory.AlignedAlloc((nuint)MatrixKernels.TransposedScratchBytes, 64);
        var allocated = Allocation.Least(() =>
        {
            for (int call = 0; call < 20; call++)
            {
                kernels.Multiply(20, n, 20, a.Pointer, n, 1, b.Pointer, n, c.Pointer, n, accumulate: call % 2 == 0);
                kernels.MultiplyTransposed(20, Math.Min(19, n), n, a.Pointer, n, b.Pointer, n, c.Pointer, n, scratch, accumulate: call % 2 == 0);
                kernels.Transpose(20, n, a.Pointer, n, c.Pointer, 20);
            }
        });
        NativeMemory.AlignedFree(scratch);
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void KernelsAreMadeOnceAndShared()
    {
        Assert.Same(MatrixKernels.Get(ElementType.Float64, SimdWidth.Scalar), MatrixKernels.Get(ElementType.Float64, SimdWidth.Scalar));
        Assert.NotSame(MatrixKernels.Get(ElementType.Float64, SimdWidth.Scalar), MatrixKernels.Get(ElementType.Float32, SimdWidth.Scalar));
    }

    [Theory]
    [InlineData(ElementType.Float32)]
    [InlineData(ElementType.Float64)]
    public void ThePeakIsFiniteAndAboveAnyProductWeCanTime(ElementType type)
    {
        double peak = MachinePeak.MeasureFmaGflops(type, 0.05);
        Assert.InRange(peak, 0.1, 10_000);
        Assert.Throws<ArgumentOutOfRangeException>(() => MachinePeak.MeasureFmaGflops(type, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => MachinePeak.MeasureFmaGflops(type, double.NaN));
    }

    private static void CheckMultiply(
        MatrixKernels kernels, ElementType type, System.Random random, int m, int n, int k, LeftLayout layout, bool accumulate, int gapInB = 0)
    {
        int ldb = n + gapInB + random.Next(4), ldc = n + random.Next(4);
        (int rowStride, int columnStride) = layout switch
        {
            LeftLayout.Rows => (k + random.Next(4), 1),
            LeftLayout.Columns => (1, m + random.Next(4)),
            _ => (3, (3 * m) + 1),
        };
        int length = ((m - 1) * rowStride) + ((k - 1) * columnStride) + 1;
        using NativeMatrix a = new NativeMatrix(type, 1, length, length).Fill(random);
        using NativeMatrix b = new NativeMatrix(type, k, n, ldb).Fill(random);
        using NativeMatrix c = new NativeMatrix(type, m, n, ldc).Fill(random);
        double[,] expected = Expected(c, m, n, k, (i, p) => a[0, (i * rowStride) + (p * columnStride)], (p, j) => b[p, j], accumulate);
        kernels.Multiply(m, n, k, a.Pointer, rowStride, columnStride, b.Pointer, ldb, c.Pointer, ldc, accumulate);
        AssertClose(type, expected, c, m, n, k);
    }

    private static void CheckMultiplyTransposed(MatrixKernels kernels, ElementType type, System.Random random, int m, int k2, int n, bool accumulate)
    {
        int lda = n + random.Next(4), ldb = n + random.Next(4), ldc = k2 + random.Next(4);
        using NativeMatrix a = new NativeMatrix(type, m, n, lda).Fill(random);
        using NativeMatrix b = new NativeMatrix(type, k2, n, ldb).Fill(random);
        using NativeMatrix c = new NativeMatrix(type, m, k2, ldc).Fill(random);
        int scratchElements = MatrixKernels.TransposedScratchBytes / (type == ElementType.Float32 ? 4 : 8);
        using var scratch = new NativeMatrix(type, 1, scratchElements, scratchElements);
        double[,] expected = Expected(c, m, k2, n, (i, t) => a[i, t], (t, j) => b[j, t], accumulate);
        kernels.MultiplyTransposed(m, k2, n, a.Pointer, lda, b.Pointer, ldb, c.Pointer, ldc, scratch.Pointer, accumulate);
        AssertClose(type, expected, c, m, k2, n);
        Assert.True(scratch.GuardsAreIntact());
    }

    private static double[,] Expected(NativeMatrix c, int m, int n, int k, Func<int, int, double> a, Func<int, int, double> b, bool accumulate)
    {
        var expected = new double[m, n];
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double sum = accumulate ? c[i, j] : 0;
                for (int p = 0; p < k; p++) sum += a(i, p) * b(p, j);
                expected[i, j] = sum;
            }
        }

        return expected;
    }

    // The elements lie in [-1, 1], so k + 1 roundings of sums below k + 1 bound the error.
    private static void AssertClose(ElementType type, double[,] expected, NativeMatrix actual, int m, int n, int k)
    {
        double unit = type == ElementType.Float32 ? MathF.Pow(2, -24) : Math.Pow(2, -53);
        double tolerance = unit * (k + 1) * (k + 1);
        for (int i = 0; i < m; i++)
            for (int j = 0; j < n; j++)
                Assert.True(
                    Math.Abs(expected[i, j] - actual[i, j]) <= tolerance, $"m {m} n {n} k {k}: element ({i}, {j}) is {actual[i, j]}, not {expected[i, j]}");
        Assert.True(actual.GuardsAreIntact(), $"m {m} n {n} k {k}: memory outside C was written");
    }
}
