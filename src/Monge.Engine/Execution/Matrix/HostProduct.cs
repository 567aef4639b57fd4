using Monge.Engine.Lanes;
using Monge.Engine.LinearAlgebra;

namespace Monge.Engine.Execution;

/// <summary>
/// Products of dense float64 matrices on the host at the speed of the engine's register blocks, on several threads, into memory of the caller's: a call that
/// isn't a thread's first allocates nothing. An element is one chain of multiply-adds in the order of the inner index, so the result has the same bits for any
/// number of threads.
/// </summary>
public static unsafe class HostProduct
{
    // Rows that a thread takes at a time: enough of them that a panel of the right matrix is read often once it is in the cache.
    private const int FewestRows = 48;
    private const int MostRows = 256;
    private const int TurnsWanted = 8;

    // The columns that fill no vector are computed beside the product, in slices of so many inner rows.
    private const int TailDepth = 128;
    private const int MostLanes = 8;

    private static readonly MatrixKernels s_kernels = MatrixKernels.Get(ElementType.Float64, SimdWidths.Best);

    [ThreadStatic]
    private static Work? t_work;

    /// <summary>C = A B, or C += A B.</summary>
    /// <param name="left">A [rows, inner], row-major; [inner, rows] if it is stored transposed.</param>
    /// <param name="right">B [inner, columns].</param>
    /// <param name="product">Receives C [rows, columns]; apart from A and B.</param>
    /// <param name="rows">Rows of A, at least 1.</param>
    /// <param name="inner">Columns of A and rows of B, at least 1.</param>
    /// <param name="columns">Columns of B, at least 1.</param>
    /// <param name="isLeftTransposed">Whether A is stored as its transpose.</param>
    /// <param name="accumulates">Whether the product is added to C instead of replacing it.</param>
    /// <param name="threads">Threads including the caller; 0 is one for each processor.</param>
    /// <exception cref="ArgumentException">A span has the wrong length, or the product overlaps a factor.</exception>
    public static void Multiply(
        ReadOnlySpan<double> left, ReadOnlySpan<double> right, Span<double> product, int rows, int inner, int columns, bool isLeftTransposed = false,
        bool accumulates = false, int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(inner, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        VectorKernels.CheckLength(left, (long)rows * inner, nameof(left));
        VectorKernels.CheckLength(right, (long)inner * columns, nameof(right));
        VectorKernels.CheckLength(product, (long)rows * columns, nameof(product));
        if (product.Overlaps(left) || product.Overlaps(right))
        {
            throw new ArgumentException("The product overlaps a factor; give it memory of its own.", nameof(product));
        }

        fixed (double* a = left, b = right, c = product)
        {
            var work = t_work ??= new Work();
            work.Run(new Matrices(a, b, c, rows, inner, columns, isLeftTransposed ? 1 : inner, isLeftTransposed ? rows : 1, accumulates), threads);
        }
    }

    private readonly struct Matrices(double* a, double* b, double* c, int rows, int inner, int columns, nint rowStride, nint columnStride, bool accumulates)
    {
        public readonly double* A = a;
        public readonly double* B = b;
        public readonly double* C = c;
        public readonly int Rows = rows;
        public readonly int Inner = inner;
        public readonly int Columns = columns;
        public readonly nint RowStride = rowStride;
        public readonly nint ColumnStride = columnStride;
        public readonly bool Accumulates = accumulates;
    }

    // A thread's own, so that the delegate is made once.
    private sealed class Work
    {
        private readonly Action<int> _turn;
        private Matrices _call;
        private int _turnRows;

        public Work() => _turn = Turn;

        public void Run(in Matrices call, int threads)
        {
            _call = call;
            _turnRows = Math.Clamp((call.Rows + TurnsWanted - 1) / TurnsWanted, FewestRows, MostRows);
            Workers.For((call.Rows + _turnRows - 1) / _turnRows, threads, _turn);
        }

        private void Turn(int number)
        {
            var call = _call;
            var first = number * _turnRows;
            var rows = Math.Min(_turnRows, call.Rows - first);
            var whole = call.Columns - (call.Columns % s_kernels.Lanes);
            double* a = call.A + (first * call.RowStride), c = call.C + ((nint)first * call.Columns);
            s_kernels.Multiply(rows, whole, call.Inner, a, call.RowStride, call.ColumnStride, call.B, call.Columns, c, call.Columns, call.Accumulates);
            if (whole < call.Columns)
            {
                MultiplyTail(call, a, c + whole, rows, whole);
            }
        }

        private static void MultiplyTail(in Matrices call, double* a, double* c, int rows, int whole)
        {
            var (lanes, tail) = (s_kernels.Lanes, call.Columns - whole);
            double* right = stackalloc double[TailDepth * MostLanes];
            double* block = stackalloc double[MostRows * MostLanes];
            for (var i = 0; i < rows && call.Accumulates; i++)
            {
                new ReadOnlySpan<double>(c + ((nint)i * call.Columns), tail).CopyTo(new Span<double>(block + (i * lanes), tail));
            }

            for (var done = 0; done < call.Inner; done += TailDepth)
            {
                var depth = Math.Min(TailDepth, call.Inner - done);
                new Span<double>(right, depth * lanes).Clear();
                for (var p = 0; p < depth; p++)
                {
                    new ReadOnlySpan<double>(call.B + ((nint)(done + p) * call.Columns) + whole, tail).CopyTo(new Span<double>(right + (p * lanes), tail));
                }

                s_kernels.Multiply(
                    rows, lanes, depth, a + (done * call.ColumnStride), call.RowStride, call.ColumnStride, right, lanes, block, lanes,
                    call.Accumulates || done > 0);
            }

            for (var i = 0; i < rows; i++)
            {
                new ReadOnlySpan<double>(block + (i * lanes), tail).CopyTo(new Span<double>(c + ((nint)i * call.Columns), tail));
            }
        }
    }
}
