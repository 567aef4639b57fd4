using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Monge.Engine.Execution;

namespace Monge.Training;

/// <summary>
/// Products with a tall float64 matrix A, row-major [n, k]: A A^T by tiles of dot products shared by a team of threads, and the transpose. Every element is
/// summed in one fixed order, so the result doesn't depend on the threads.
/// </summary>
internal sealed class GramMatrix
{
    private const int Tile = 4;

    // Rows and columns that are worked on together: a strip stays in the second-level cache.
    private const int StripRows = 32;
    private const int Panel = 256;

    private readonly Action<int> _work;
    private double[] _matrix = [];
    private double[] _product = [];
    private int _rows;
    private int _columns;
    private int _next;

    public GramMatrix() => _work = Work;

    /// <summary>Writes the lower triangle of A A^T, with its diagonal, to <paramref name="product"/> [n, n].</summary>
    public void Compute(double[] matrix, int rows, int columns, double[] product, ThreadTeam team)
    {
        (_matrix, _product, _rows, _columns, _next) = (matrix, product, rows, columns, 0);
        team.Run(_work);
    }

    /// <summary>Writes the transpose [k, n] of A [n, k].</summary>
    public static void Transpose(ReadOnlySpan<double> matrix, int rows, int columns, Span<double> transpose)
    {
        const int block = 16;
        for (var row = 0; row < rows; row += block)
        {
            for (var column = 0; column < columns; column += block)
            {
                for (var i = row; i < Math.Min(row + block, rows); i++)
                {
                    for (var j = column; j < Math.Min(column + block, columns); j++)
                    {
                        transpose[(j * rows) + i] = matrix[(i * columns) + j];
                    }
                }
            }
        }
    }

    /// <summary>sum_i a_i b_i.</summary>
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var width = Vector<double>.Count;
        Vector<double> sum0 = default, sum1 = default;
        var i = 0;
        for (; i <= a.Length - (2 * width); i += 2 * width)
        {
            sum0 = Vector.FusedMultiplyAdd(new Vector<double>(a[i..]), new Vector<double>(b[i..]), sum0);
            sum1 = Vector.FusedMultiplyAdd(new Vector<double>(a[(i + width)..]), new Vector<double>(b[(i + width)..]), sum1);
        }

        var sum = Vector.Sum(sum0 + sum1);
        for (; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    // Strips of rows are taken in turn, the longest first; a strip belongs to one thread.
    private void Work(int thread)
    {
        var strips = (_rows + StripRows - 1) / StripRows;
        int taken;
        while ((taken = Interlocked.Increment(ref _next) - 1) < strips)
        {
            var first = (strips - 1 - taken) * StripRows;
            Strip(first, Math.Min(first + StripRows, _rows));
        }
    }

    private void Strip(int first, int end)
    {
        for (var row = first; row < end; row++)
        {
            Array.Clear(_product, row * _rows, row + 1);
        }

        for (var start = 0; start < _columns; start += Panel)
        {
            var depth = Math.Min(Panel, _columns - start);
            var tiled = end - ((end - first) % Tile);

            // The four rows of a column tile stay in the first-level cache while all rows of the strip pass by.
            for (var column = 0; column + Tile < tiled; column += Tile)
            {
                for (var row = Math.Max(first, column + Tile); row < tiled; row += Tile)
                {
                    if (Vector512.IsHardwareAccelerated)
                    {
                        AddWideTile(row, column, start, depth);
                    }
                    else
                    {
                        AddTile(row, column, start, depth);
                    }
                }
            }

            for (var row = first; row < tiled; row += Tile)
            {
                AddRest(row, row + Tile, row, start, depth);
            }

            AddRest(tiled, end, 0, start, depth);
        }
    }

    private void AddRest(int first, int end, int firstColumn, int start, int depth)
    {
        for (var row = first; row < end; row++)
        {
            for (var column = firstColumn; column <= row; column++)
            {
                _product[(row * _rows) + column] += Dot(_matrix.AsSpan((row * _columns) + start, depth), _matrix.AsSpan((column * _columns) + start, depth));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddTile(int row, int column, int start, int depth)
    {
        ref var a0 = ref _matrix[(row * _columns) + start];
        ref var a1 = ref Unsafe.Add(ref a0, _columns);
        ref var a2 = ref Unsafe.Add(ref a1, _columns);
        ref var a3 = ref Unsafe.Add(ref a2, _columns);
        var width = Vector<double>.Count;
        var vectorDepth = depth - (depth % width);
        for (var j = column; j < column + Tile; j++)
        {
            ref var b = ref _matrix[(j * _columns) + start];
            Vector<double> s0 = default, s1 = default, s2 = default, s3 = default;
            for (nuint k = 0; k < (nuint)vectorDepth; k += (nuint)width)
            {
                var v = Vector.LoadUnsafe(ref b, k);
                s0 = Vector.FusedMultiplyAdd(Vector.LoadUnsafe(ref a0, k), v, s0);
                s1 = Vector.FusedMultiplyAdd(Vector.LoadUnsafe(ref a1, k), v, s1);
                s2 = Vector.FusedMultiplyAdd(Vector.LoadUnsafe(ref a2, k), v, s2);
                s3 = Vector.FusedMultiplyAdd(Vector.LoadUnsafe(ref a3, k), v, s3);
            }

            var (r0, r1, r2, r3) = (Vector.Sum(s0), Vector.Sum(s1), Vector.Sum(s2), Vector.Sum(s3));
            for (var k = vectorDepth; k < depth; k++)
            {
                var v = Unsafe.Add(ref b, k);
                r0 += Unsafe.Add(ref a0, k) * v;
                r1 += Unsafe.Add(ref a1, k) * v;
                r2 += Unsafe.Add(ref a2, k) * v;
                r3 += Unsafe.Add(ref a3, k) * v;
            }

            var target = _product.AsSpan((row * _rows) + j);
            target[0] += r0;
            target[_rows] += r1;
            target[2 * _rows] += r2;
            target[3 * _rows] += r3;
        }
    }

    // Sixteen sums at once, for processors with thirty-two wide registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddWideTile(int row, int column, int start, int depth)
    {
        ref var a0 = ref _matrix[(row * _columns) + start];
        ref var a1 = ref Unsafe.Add(ref a0, _columns);
        ref var a2 = ref Unsafe.Add(ref a1, _columns);
        ref var a3 = ref Unsafe.Add(ref a2, _columns);
        ref var b0 = ref _matrix[(column * _columns) + start];
        ref var b1 = ref Unsafe.Add(ref b0, _columns);
        ref var b2 = ref Unsafe.Add(ref b1, _columns);
        ref var b3 = ref Unsafe.Add(ref b2, _columns);
        Vector512<double> s00 = default, s01 = default, s02 = default, s03 = default, s10 = default, s11 = default, s12 = default, s13 = default;
        Vector512<double> s20 = default, s21 = default, s22 = default, s23 = default, s30 = default, s31 = default, s32 = default, s33 = default;
        var width = Vector512<double>.Count;
        var vectorDepth = depth - (depth % width);
        for (nuint k = 0; k < (nuint)vectorDepth; k += (nuint)width)
        {
            var (v0, v1) = (Vector512.LoadUnsafe(ref b0, k), Vector512.LoadUnsafe(ref b1, k));
            var (v2, v3) = (Vector512.LoadUnsafe(ref b2, k), Vector512.LoadUnsafe(ref b3, k));
            var u = Vector512.LoadUnsafe(ref a0, k);
            s00 = Vector512.FusedMultiplyAdd(u, v0, s00);
            s01 = Vector512.FusedMultiplyAdd(u, v1, s01);
            s02 = Vector512.FusedMultiplyAdd(u, v2, s02);
            s03 = Vector512.FusedMultiplyAdd(u, v3, s03);
            u = Vector512.LoadUnsafe(ref a1, k);
            s10 = Vector512.FusedMultiplyAdd(u, v0, s10);
            s11 = Vector512.FusedMultiplyAdd(u, v1, s11);
            s12 = Vector512.FusedMultiplyAdd(u, v2, s12);
            s13 = Vector512.FusedMultiplyAdd(u, v3, s13);
            u = Vector512.LoadUnsafe(ref a2, k);
            s20 = Vector512.FusedMultiplyAdd(u, v0, s20);
            s21 = Vector512.FusedMultiplyAdd(u, v1, s21);
            s22 = Vector512.FusedMultiplyAdd(u, v2, s22);
            s23 = Vector512.FusedMultiplyAdd(u, v3, s23);
            u = Vector512.LoadUnsafe(ref a3, k);
            s30 = Vector512.FusedMultiplyAdd(u, v0, s30);
            s31 = Vector512.FusedMultiplyAdd(u, v1, s31);
            s32 = Vector512.FusedMultiplyAdd(u, v2, s32);
            s33 = Vector512.FusedMultiplyAdd(u, v3, s33);
        }

        Span<double> sums =
        [
            Vector512.Sum(s00), Vector512.Sum(s01), Vector512.Sum(s02), Vector512.Sum(s03), Vector512.Sum(s10), Vector512.Sum(s11),
            Vector512.Sum(s12), Vector512.Sum(s13),
            Vector512.Sum(s20), Vector512.Sum(s21), Vector512.Sum(s22), Vector512.Sum(s23), Vector512.Sum(s30), Vector512.Sum(s31),
            Vector512.Sum(s32), Vector512.Sum(s33),
        ];
        for (var i = 0; i < Tile; i++)
        {
            ref var a = ref Unsafe.Add(ref a0, i * _columns);
            for (var j = 0; j < Tile; j++)
            {
                ref var b = ref Unsafe.Add(ref b0, j * _columns);
                var sum = sums[(i * Tile) + j];
                for (var k = vectorDepth; k < depth; k++)
                {
                    sum += Unsafe.Add(ref a, k) * Unsafe.Add(ref b, k);
                }

                _product[((row + i) * _rows) + column + j] += sum;
            }
        }
    }
}
