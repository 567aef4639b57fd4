using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Monge.Engine.Lanes;

namespace Monge.Engine.Execution;

/// <summary>
/// Matrix products and transposes on the tiles of one thread, for one element type and register width. Register blocks are
/// emitted on first use (<see cref="PanelKernelEmitter"/>, <see cref="DotKernelEmitter"/>); after that no call allocates. An element
/// of <see cref="Multiply"/>'s result is one chain of multiply-adds in the order of the contraction that starts at 0 or at the old
/// C, whatever the sizes; <see cref="MultiplyTransposed"/> may add in another order where one side has few rows, but
/// always in the same one for the same sizes. Safe for concurrent use.
/// </summary>
internal sealed unsafe class MatrixKernels
{
    // The slice of B that a panel reads, k by a few vectors, is kept within about the first-level cache.
    private const int PanelBytes = 64 * 1024;
    private const int MaximumDepth = 256;
    private const int MaximumVectors = 8;
    private const int MaximumRows = 14;
    private const int MaximumDotColumns = 4;
    private const int TailRows = 64;
    private const int RowsWorthPacking = 24;
    private const int StrideWorthPacking = 4096;
    private const int LargestVectorBytes = 64;

    private static readonly MatrixKernels?[] Instances = new MatrixKernels?[8];

    // Largest number of rows per number of vectors that leaves registers for one row of B and one element of A.
    private static readonly int[] RowsWith32Registers = [0, 14, 12, 8, 6, 5, 4, 3, 2];
    private static readonly int[] RowsWith16Registers = [0, 12, 6, 4, 2];

    // The same for inner products with 1 .. 4 rows of B.
    private static readonly int[] DotRowsWith32Registers = [0, 8, 8, 8, 6];
    private static readonly int[] DotRowsWith16Registers = [0, 8, 6, 4, 2];

    private readonly ElementType _type;
    private readonly SimdWidth _width;
    private readonly int _elementBytes;
    private readonly int _vectorBytes;
    private readonly int _lanesShift;
    private readonly int[] _rowsOfVectors;
    private readonly int[] _dotRowsOfColumns;
    private readonly int[] _depthOfVectors = new int[MaximumVectors + 1];
    private readonly PanelKernel?[] _dotKernels = new PanelKernel?[(MaximumDotColumns + 1) * (MaximumRows + 1)];
    private readonly PanelKernel?[] _kernels = new PanelKernel?[(MaximumVectors + 1) * (MaximumRows + 1)];

    private MatrixKernels(ElementType type, SimdWidth width)
    {
        _type = type;
        _width = width;
        _elementBytes = type == ElementType.Float32 ? sizeof(float) : sizeof(double);
        _vectorBytes = width == SimdWidth.Scalar ? _elementBytes : (int)width / 8;
        Lanes = _vectorBytes / _elementBytes;
        _lanesShift = BitOperations.Log2((uint)Lanes);
        for (int vectors = 1; vectors <= MaximumVectors; vectors++)
            _depthOfVectors[vectors] = Math.Min(MaximumDepth, PanelBytes / (vectors * _vectorBytes));
        bool manyRegisters = Avx512F.IsSupported || AdvSimd.Arm64.IsSupported;
        _rowsOfVectors = manyRegisters ? RowsWith32Registers : RowsWith16Registers;
        _dotRowsOfColumns = manyRegisters ? DotRowsWith32Registers : DotRowsWith16Registers;
    }

    /// <summary>Elements in a vector (1 for <see cref="SimdWidth.Scalar"/>).</summary>
    public int Lanes { get; }

    /// <summary>Bytes of scratch memory that <see cref="MultiplyTransposed"/> needs, for any sizes.</summary>
    public static int TransposedScratchBytes => PanelBytes;

    /// <summary>Whether this machine has registers of the given width.</summary>
    /// <param name="width">Register width.</param>
    /// <returns>True when kernels of that width run here.</returns>
    public static bool IsSupported(SimdWidth width) => width switch
    {
        SimdWidth.Bits512 => Avx512F.IsSupported,
        SimdWidth.Bits256 => Vector256.IsHardwareAccelerated,
        SimdWidth.Bits128 => Vector128.IsHardwareAccelerated,
        _ => true,
    };

    /// <summary>The kernels of one element type and width, made once.</summary>
    /// <param name="type">Element type.</param>
    /// <param name="width">Register width.</param>
    /// <returns>The kernels.</returns>
    /// <exception cref="PlatformNotSupportedException">This machine has no registers of that width.</exception>
    public static MatrixKernels Get(ElementType type, SimdWidth width)
    {
        if (!IsSupported(width))
            throw new PlatformNotSupportedException(
                $"Matrix kernels of width {width} can't run: this machine has no such registers; choose a smaller SimdWidth.");
        int slot = (type == ElementType.Float32 ? 0 : 4) + ((int)width switch { 512 => 3, 256 => 2, 128 => 1, _ => 0 });
        return Volatile.Read(ref Instances[slot]) ?? Interlocked.CompareExchange(ref Instances[slot], new MatrixKernels(type, width), null) ?? Instances[slot]!;
    }

    /// <summary>
    /// C[m x n] = A[m x k] B[k x n], or C += A B. Strides are in elements; rows of B and C are contiguous; nothing needs
    /// alignment, though rows of B on 64-byte boundaries are read faster.
    /// </summary>
    /// <param name="m">Rows of A and C.</param>
    /// <param name="n">Columns of B and C, a multiple of <see cref="Lanes"/>.</param>
    /// <param name="k">Columns of A and rows of B.</param>
    /// <param name="a">Element (i, p) of A is at a + i rowStride + p columnStride.</param>
    /// <param name="rowStride">Elements from one row of A to the next.</param>
    /// <param name="columnStride">Elements from one column of A to the next; 1 is fastest.</param>
    /// <param name="b">First element of B.</param>
    /// <param name="ldb">Elements from one row of B to the next.</param>
    /// <param name="c">First element of C; mustn't overlap A or B.</param>
    /// <param name="ldc">Elements from one row of C to the next.</param>
    /// <param name="accumulate">Whether the product is added to C instead of replacing it.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Multiply(int m, int n, int k, void* a, nint rowStride, nint columnStride, void* b, nint ldb, void* c, nint ldc, bool accumulate)
    {
        if (m <= 0 || n <= 0) return;
        PanelArguments arguments = default;
        arguments.RowStride = rowStride * _elementBytes;
        arguments.ColumnStride = columnStride * _elementBytes;
        arguments.StrideB = ldb * _elementBytes;
        arguments.StrideC = ldc * _elementBytes;
        arguments.A = (byte*)a;
        arguments.B = (byte*)b;
        arguments.C = (byte*)c;
        arguments.Accumulate = accumulate ? 1 : 0;
        int vectors = n >> _lanesShift;
        int widest = PanelVectors(m);
        if (m >= RowsWorthPacking && vectors > widest && arguments.StrideB >= StrideWorthPacking) MultiplyPacked(arguments, m, vectors, widest, k);
        else MultiplyInPlace(&arguments, m, vectors, widest, k);
    }

    /// <summary>
    /// C[m x k2] = A[m x n] B[k2 x n]^T, or C += A B^T: the contraction runs over the long contiguous side of both. Strides in
    /// elements. Only the m x k2 elements of C are written, whatever k2.
    /// </summary>
    /// <param name="m">Rows of A and C.</param>
    /// <param name="k2">Rows of B and columns of C.</param>
    /// <param name="n">Columns of A and B.</param>
    /// <param name="a">First element of A.</param>
    /// <param name="lda">Elements from one row of A to the next.</param>
    /// <param name="b">First element of B.</param>
    /// <param name="ldb">Elements from one row of B to the next.</param>
    /// <param name="c">First element of C; mustn't overlap A or B.</param>
    /// <param name="ldc">Elements from one row of C to the next.</param>
    /// <param name="scratch"><see cref="TransposedScratchBytes"/> bytes for this thread, best on a 64-byte boundary;
    /// contents before and after don't matter.</param>
    /// <param name="accumulate">Whether the product is added to C instead of replacing it.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void MultiplyTransposed(int m, int k2, int n, void* a, nint lda, void* b, nint ldb, void* c, nint ldc, void* scratch, bool accumulate)
    {
        if (m <= 0 || k2 <= 0) return;
        PanelArguments arguments = default;
        arguments.A = (byte*)a;
        arguments.RowStride = lda * _elementBytes;
        arguments.B = (byte*)b;
        arguments.StrideB = ldb * _elementBytes;
        arguments.C = (byte*)c;
        arguments.ColumnStride = ldc * _elementBytes;
        arguments.StrideC = _elementBytes;
        arguments.Accumulate = accumulate ? 1 : 0;
        bool wholeVectors = n % Lanes == 0;
        if (Lanes > 1 && wholeVectors && m <= MaximumDotColumns && m < k2)
        {
            // The few rows of A take the part of B.
            arguments.A = (byte*)b;
            arguments.B = (byte*)a;
            (arguments.RowStride, arguments.StrideB) = (arguments.StrideB, arguments.RowStride);
            (arguments.ColumnStride, arguments.StrideC) = (arguments.StrideC, arguments.ColumnStride);
            RunDots(arguments, k2, m, n);
            return;
        }

        int rest = k2 % Lanes;
        int dotColumns = wholeVectors && rest <= MaximumDotColumns ? rest : 0;
        MultiplyByTransposing(arguments, m, k2 - dotColumns, n, (byte*)scratch);
        if (dotColumns == 0) return;
        arguments.B += (k2 - dotColumns) * arguments.StrideB;
        arguments.C += (k2 - dotColumns) * arguments.StrideC;
        RunDots(arguments, m, dotColumns, n);
    }

    /// <summary>o[columns x rows] = a[rows x columns] transposed, of any size; strides in elements.</summary>
    /// <param name="rows">Rows of a.</param>
    /// <param name="columns">Columns of a.</param>
    /// <param name="a">First element of a.</param>
    /// <param name="lda">Elements from one row of a to the next.</param>
    /// <param name="o">First element of o; mustn't overlap a.</param>
    /// <param name="ldo">Elements from one row of o to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Transpose(int rows, int columns, void* a, nint lda, void* o, nint ldo)
    {
        if (_type == ElementType.Float32) RegisterTranspose.Transpose(_width, rows, columns, (float*)a, lda, (float*)o, ldo);
        else RegisterTranspose.Transpose(_width, rows, columns, (double*)a, lda, (double*)o, ldo);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MultiplyInPlace(PanelArguments* arguments, int m, int vectors, int widest, int k)
    {
        byte* firstRight = arguments->B;
        byte* firstOutput = arguments->C;
        int depth = DepthOfChunk(k, widest);
        int done = 0;
        do
        {
            arguments->Depth = Math.Min(depth, k - done);
            arguments->B = firstRight;
            arguments->C = firstOutput;
            for (int left = vectors; left > 0;)
            {
                int taken = NextPanel(left, widest);
                RunPanel(arguments, m, taken);
                arguments->B += taken * _vectorBytes;
                arguments->C += taken * _vectorBytes;
                left -= taken;
            }

            done += (int)arguments->Depth;
            arguments->A += arguments->Depth * arguments->ColumnStride;
            firstRight += arguments->Depth * arguments->StrideB;
            arguments->Accumulate = 1;
        }
        while (done < k);
    }

    // Rows of B far apart collide in the caches and in the page table, so each panel is first copied side by side.
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MultiplyPacked(PanelArguments arguments, int m, int vectors, int widest, int k)
    {
        byte* memory = stackalloc byte[PanelBytes + LargestVectorBytes];
        byte* panel = (byte*)(((nuint)memory + LargestVectorBytes - 1) & ~(nuint)(LargestVectorBytes - 1));
        byte* firstRight = arguments.B;
        byte* firstOutput = arguments.C;
        nint stride = arguments.StrideB;
        int depth = DepthOfChunk(k, widest);
        arguments.B = panel;
        int done = 0;
        do
        {
            arguments.Depth = Math.Min(depth, k - done);
            byte* right = firstRight;
            arguments.C = firstOutput;
            for (int left = vectors; left > 0;)
            {
                int taken = NextPanel(left, widest);
                arguments.StrideB = taken * _vectorBytes;
                CopyRows(right, stride, panel, taken * _vectorBytes, (int)arguments.Depth);
                RunPanel(&arguments, m, taken);
                right += taken * _vectorBytes;
                arguments.C += taken * _vectorBytes;
                left -= taken;
            }

            done += (int)arguments.Depth;
            arguments.A += arguments.Depth * arguments.ColumnStride;
            firstRight += arguments.Depth * stride;
            arguments.Accumulate = 1;
        }
        while (done < k);
    }

    // Panels of B^T, at most PanelBytes long, are made in scratch memory; then it's an ordinary product.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MultiplyByTransposing(PanelArguments arguments, int m, int k2, int n, byte* scratch)
    {
        byte* firstRight = arguments.B;
        byte* firstOutput = arguments.C;
        nint stride = arguments.StrideB;
        int widest = PanelVectors(m);
        int depth = DepthOfChunk(n, widest);
        arguments.StrideC = arguments.ColumnStride;
        arguments.ColumnStride = _elementBytes;
        arguments.B = scratch;
        int done = 0;
        do
        {
            int length = Math.Min(depth, n - done);
            arguments.Depth = length;
            for (int column = 0; column < k2;)
            {
                int left = k2 - column;
                int taken = left < Lanes ? 1 : NextPanel(left / Lanes, widest);
                int columns = Math.Min(left, taken * Lanes);
                arguments.StrideB = taken * _vectorBytes;
                arguments.C = firstOutput + ((nint)column * _elementBytes);
                Transpose(columns, length, firstRight + (column * stride), stride / _elementBytes, scratch, taken * Lanes);
                if (columns < Lanes) RunTail(arguments, m, columns);
                else RunPanel(&arguments, m, taken);
                column += columns;
            }

            done += length;
            arguments.A += length * _elementBytes;
            firstRight += length * _elementBytes;
            arguments.Accumulate = 1;
        }
        while (done < n);
    }

    // Inner products of many rows of A with a few of B, in register blocks.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunDots(PanelArguments arguments, int rows, int columns, int n)
    {
        arguments.Depth = n / Lanes;
        int largest = _dotRowsOfColumns[columns];
        int height = Math.Min(rows, largest);
        arguments.Blocks = rows / height;
        DotKernel(height, columns)(&arguments);
        int rest = rows % height;
        if (rest == 0) return;
        arguments.A += (rows - rest) * arguments.RowStride;
        arguments.C += (rows - rest) * arguments.ColumnStride;
        arguments.Blocks = 1;
        DotKernel(rest, columns)(&arguments);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyRows(byte* from, nint stride, byte* to, int bytes, int rows)
    {
        if (Vector512.IsHardwareAccelerated && bytes % Vector512<byte>.Count == 0)
        {
            for (int p = 0; p < rows; p++, from += stride)
                for (int x = 0; x < bytes; x += Vector512<byte>.Count, to += Vector512<byte>.Count) Vector512.Load(from + x).Store(to);
        }
        else
        {
            for (int p = 0; p < rows; p++, from += stride, to += bytes) Unsafe.CopyBlockUnaligned(to, from, (uint)bytes);
        }
    }

    // Few rows of A leave registers for a wider panel, which is then needed to hide the latency of the multiply-add.
    private int PanelVectors(int m)
    {
        if (_rowsOfVectors.Length > 5) return m <= 2 ? 8 : m == 3 ? 6 : 4;
        return m <= 2 ? 4 : 2;
    }

    // Avoids a narrow last panel: two that are nearly equal instead.
    private static int NextPanel(int vectors, int widest) =>
        vectors <= widest ? vectors : vectors >= 2 * widest ? widest : (vectors + 1) / 2;

    private int DepthOfChunk(int depth, int panelVectors)
    {
        int longest = _depthOfVectors[panelVectors];
        if (depth <= longest) return depth;
        int chunks = (depth + longest - 1) / longest;
        return (depth + chunks - 1) / chunks;
    }

    // Blocks that differ by at most one row, so none is too small to keep the multiply-add units busy. Leaves the arguments as they
    // were, but for the number of blocks.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunPanel(PanelArguments* arguments, int m, int vectors)
    {
        int largest = _rowsOfVectors[vectors];
        if (m <= largest)
        {
            arguments->Blocks = 1;
            Kernel(m, vectors)(arguments);
            return;
        }

        int blocks = (m + largest - 1) / largest;
        int rows = m / blocks;
        int taller = m - (blocks * rows);
        byte* left = arguments->A;
        byte* output = arguments->C;
        if (taller > 0)
        {
            arguments->Blocks = taller;
            Kernel(rows + 1, vectors)(arguments);
            arguments->A += taller * (rows + 1) * arguments->RowStride;
            arguments->C += taller * (rows + 1) * arguments->StrideC;
        }

        arguments->Blocks = blocks - taller;
        Kernel(rows, vectors)(arguments);
        arguments->A = left;
        arguments->C = output;
    }

    // Fewer columns than a vector has: computed beside C, from which and to which only those columns are copied.
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunTail(PanelArguments arguments, int m, int columns)
    {
        byte* block = stackalloc byte[TailRows * LargestVectorBytes];
        PanelArguments part = arguments;
        int bytes = columns * _elementBytes;
        part.StrideC = _vectorBytes;
        for (int i = 0; i < m; i += TailRows)
        {
            int rows = Math.Min(TailRows, m - i);
            byte* output = arguments.C + (i * arguments.StrideC);
            if (part.Accumulate != 0)
            {
                for (int r = 0; r < rows; r++) Unsafe.CopyBlockUnaligned(block + (r * _vectorBytes), output + (r * arguments.StrideC), (uint)bytes);
            }

            part.A = arguments.A + (i * arguments.RowStride);
            part.C = block;
            RunPanel(&part, rows, 1);
            for (int r = 0; r < rows; r++) Unsafe.CopyBlockUnaligned(output + (r * arguments.StrideC), block + (r * _vectorBytes), (uint)bytes);
        }
    }

    private PanelKernel Kernel(int rows, int vectors)
    {
        ref PanelKernel? slot = ref _kernels[(vectors * (MaximumRows + 1)) + rows];
        return Volatile.Read(ref slot) ?? Publish(ref slot, PanelKernelEmitter.Emit(_type, _width, rows, vectors, _vectorBytes));
    }

    private PanelKernel DotKernel(int rows, int columns)
    {
        ref PanelKernel? slot = ref _dotKernels[(columns * (MaximumRows + 1)) + rows];
        return Volatile.Read(ref slot) ?? Publish(ref slot, DotKernelEmitter.Emit(_type, _width, rows, columns, _vectorBytes));
    }

    // Two threads may emit the same kernel at the same time; either copy serves.
    private static PanelKernel Publish(ref PanelKernel? slot, PanelKernel kernel)
    {
        Volatile.Write(ref slot, kernel);
        return kernel;
    }
}
