using System.Numerics;
using System.Runtime.CompilerServices;
using Monge.Engine.Lanes;

namespace Monge.Engine.LinearAlgebra;

/// <summary>A matrix of vectors: where its first entry lies, and how many vectors it is from row to row and from column to column.</summary>
internal readonly unsafe struct LaneMatrix<V>(V* first, nint row, nint column)
    where V : unmanaged
{
    public V* First { get; } = first;

    public nint Row { get; } = row;

    public nint Column { get; } = column;

    public LaneMatrix<V> Transposed => new(First, Column, Row);
}

/// <summary>
/// Algorithms on small dense matrices, one in each lane: every scalar of the textbook's algorithm is a vector. A matrix is row-major, its rows <c>stride</c>
/// vectors apart. Sums run from the smallest index up in any blocking, so results don't depend on the blocks' sizes.
/// </summary>
/// <remarks>
/// A triangular factor has room for <see cref="FactorRows"/> rows of <see cref="Even"/> columns: an odd number of rows is made even by a row of the
/// identity, and the rows after that hold finite numbers that nothing depends on.
/// </remarks>
internal static unsafe class LaneMatrices<L, V, T>
    where L : ILaneNumbers<V, T>
    where V : unmanaged
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int MostSweeps = 20;

    public static int Even(int n) => (n + 1) & ~1;

    public static int FactorRows(int n) => Even(n) + 2;

    /// <summary>Makes the rows after the first n those of the identity and zeros.</summary>
    public static void Pad(V* a, int n, int stride)
    {
        var zero = L.Broadcast(T.Zero);
        V* end = a + (FactorRows(n) * stride);
        for (V* entry = a + (n * stride); entry < end; entry++)
        {
            *entry = zero;
        }

        if (n % 2 == 1)
        {
            a[(n * stride) + n] = L.Broadcast(T.One);
        }
    }

    /// <summary>
    /// The Cholesky factor over the lower triangle of a, two columns at a time; entries above are left alone. Returns zeros, with NaN in the lanes whose
    /// matrix isn't positive definite.
    /// </summary>
    /// <param name="a">A with <see cref="FactorRows"/> rows; becomes L.</param>
    /// <param name="n">Number of rows.</param>
    /// <param name="stride">Vectors from row to row, <see cref="Even"/>.</param>
    /// <param name="reciprocals">Becomes the reciprocals of its diagonal, <see cref="Even"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static V Factor(V* a, int n, int stride, V* reciprocals)
    {
        var failed = L.Broadcast(T.Zero);
        var one = L.Broadcast(T.One);
        for (var j = 0; j < n; j += 2)
        {
            V* first = a + (j * stride), second = first + stride;
            V s00 = L.Broadcast(T.Zero), s10 = s00, s11 = s00;
            for (var k = 0; k < j; k++)
            {
                s00 = L.MultiplyAdd(first[k], first[k], s00);
                s10 = L.MultiplyAdd(second[k], first[k], s10);
                s11 = L.MultiplyAdd(second[k], second[k], s11);
            }

            // The second pivot needs only the first one's reciprocal, so the two square roots, the slow part, run side by side.
            var pivot0 = L.Subtract(first[j], s00);
            var rest = L.Subtract(second[j], s10);
            var inverse0 = L.Divide(one, pivot0);
            var pivot1 = L.Subtract(second[j + 1], L.MultiplyAdd(L.Multiply(rest, inverse0), rest, s11));
            V root0 = L.Sqrt(pivot0), root1 = L.Sqrt(pivot1);
            V r0 = L.Multiply(root0, inverse0), r1 = L.Multiply(root1, L.Divide(one, pivot1));
            var below = L.Multiply(rest, r0);
            (first[j], second[j], second[j + 1]) = (root0, below, root1);
            (reciprocals[j], reciprocals[j + 1]) = (r0, r1);

            // A pivot that isn't positive has a reciprocal that is infinite or NaN.
            failed = L.Add(failed, L.Add(L.Subtract(r0, r0), L.Subtract(r1, r1)));
            for (var i = j + 2; i < n; i += 4)
            {
                V* row = a + (i * stride);
                Dot(
                    first, stride, 1, row, stride, 1, j,
                    out var c00, out var c01, out var c02, out var c03, out var c10, out var c11, out var c12, out var c13);
                Divide(row + j, c00, c10, r0, r1, below);
                Divide(row + stride + j, c01, c11, r0, r1, below);
                Divide(row + (2 * stride) + j, c02, c12, r0, r1, below);
                Divide(row + (3 * stride) + j, c03, c13, r0, r1, below);
            }
        }

        return failed;
    }

    // Two entries of a row of the factor from those of the matrix, the sums before them and the block on the diagonal.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Divide(V* entries, V sum0, V sum1, V r0, V r1, V below)
    {
        var x = L.Multiply(L.Subtract(entries[0], sum0), r0);
        entries[0] = x;
        entries[1] = L.Multiply(L.Subtract(entries[1], L.MultiplyAdd(below, x, sum1)), r1);
    }

    /// <summary>The reciprocals of a factor's diagonal, 1 for a row that makes their number even.</summary>
    public static void Reciprocals(V* l, int n, int stride, V* reciprocals)
    {
        for (var i = 0; i < Even(n); i++)
        {
            reciprocals[i] = L.Divide(L.Broadcast(T.One), l[(i * stride) + i]);
        }
    }

    /// <summary>X = L^-1 B in place, row pairs from the top.</summary>
    /// <param name="l">L with <see cref="FactorRows"/> rows, of which the lower triangle is read.</param>
    /// <param name="n">Number of rows.</param>
    /// <param name="stride">Vectors from row to row of L.</param>
    /// <param name="reciprocals">The reciprocals of its diagonal.</param>
    /// <param name="x">B with <see cref="Even"/> rows of <paramref name="columns"/>; a row that makes their number even holds zeros.</param>
    /// <param name="columns">Vectors from row to row of B.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SolveLower(V* l, int n, int stride, V* reciprocals, V* x, int columns)
    {
        for (var i = 0; i < n; i += 2)
        {
            V* rows = l + (i * stride);
            V* b = x + (i * columns);
            V r0 = reciprocals[i], r1 = reciprocals[i + 1], below = rows[stride + i];
            var c = 0;
            for (; c + 4 <= columns; c += 4)
            {
                Dot(
                    rows, stride, 1, x + c, 1, columns, i,
                    out var c00, out var c01, out var c02, out var c03, out var c10, out var c11, out var c12, out var c13);
                Solve(b + c, b + columns + c, *(b + c), *(b + columns + c), c00, c10, r0, r1, below);
                Solve(b + c + 1, b + columns + c + 1, *(b + c + 1), *(b + columns + c + 1), c01, c11, r0, r1, below);
                Solve(b + c + 2, b + columns + c + 2, *(b + c + 2), *(b + columns + c + 2), c02, c12, r0, r1, below);
                Solve(b + c + 3, b + columns + c + 3, *(b + c + 3), *(b + columns + c + 3), c03, c13, r0, r1, below);
            }

            for (; c < columns; c++)
            {
                Dot(rows, stride, 1, x + c, columns, i, out var s0, out var s1);
                Solve(b + c, b + columns + c, *(b + c), *(b + columns + c), s0, s1, r0, r1, below);
            }
        }
    }

    /// <summary>X = L^-T B in place, row pairs from the bottom; arguments as those of <see cref="SolveLower"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SolveUpper(V* l, int n, int stride, V* reciprocals, V* x, int columns)
    {
        var even = Even(n);
        for (var i = even - 2; i >= 0; i -= 2)
        {
            V* rows = l + ((i + 2) * stride) + i;
            V* b = x + (i * columns);
            V* known = b + (2 * columns);
            V r0 = reciprocals[i], r1 = reciprocals[i + 1], below = l[((i + 1) * stride) + i];
            var c = 0;
            for (; c + 4 <= columns; c += 4)
            {
                Dot(
                    rows, 1, stride, known + c, 1, columns, even - i - 2,
                    out var c00, out var c01, out var c02, out var c03, out var c10, out var c11, out var c12, out var c13);
                Solve(b + columns + c, b + c, *(b + columns + c), *(b + c), c10, c00, r1, r0, below);
                Solve(b + columns + c + 1, b + c + 1, *(b + columns + c + 1), *(b + c + 1), c11, c01, r1, r0, below);
                Solve(b + columns + c + 2, b + c + 2, *(b + columns + c + 2), *(b + c + 2), c12, c02, r1, r0, below);
                Solve(b + columns + c + 3, b + c + 3, *(b + columns + c + 3), *(b + c + 3), c13, c03, r1, r0, below);
            }

            for (; c < columns; c++)
            {
                Dot(rows, 1, stride, known + c, columns, even - i - 2, out var s0, out var s1);
                Solve(b + columns + c, b + c, *(b + columns + c), *(b + c), s1, s0, r1, r0, below);
            }
        }
    }

    // Two unknowns, one after the other, from their right-hand sides and the sums over those known before them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Solve(V* first, V* second, V firstRight, V secondRight, V firstSum, V secondSum, V firstReciprocal, V secondReciprocal, V between)
    {
        var x = L.Multiply(L.Subtract(firstRight, firstSum), firstReciprocal);
        *first = x;
        *second = L.Multiply(L.Subtract(secondRight, L.MultiplyAdd(between, x, secondSum)), secondReciprocal);
    }

    /// <summary>
    /// W = L^-1 with <see cref="Even"/> rows of <paramref name="columns"/> vectors (a multiple of 4), by blocks of four columns; of what is above the
    /// diagonal, only the blocks on it are made, zero.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Invert(V* l, int n, int stride, V* reciprocals, V* w, int columns)
    {
        V zero = L.Broadcast(T.Zero), one = L.Broadcast(T.One);
        for (var i = 0; i < n; i += 2)
        {
            V* rows = l + (i * stride);
            V* x = w + (i * columns);
            V r0 = reciprocals[i], r1 = reciprocals[i + 1], below = rows[stride + i];
            for (var c = 0; c <= i; c += 4)
            {
                Dot(
                    rows + c, stride, 1, w + (c * columns) + c, 1, columns, i - c,
                    out var c00, out var c01, out var c02, out var c03, out var c10, out var c11, out var c12, out var c13);
                V left = i == c ? one : zero, right = i == c + 2 ? one : zero;
                V* y = x + columns;
                Solve(x + c, y + c, left, zero, c00, c10, r0, r1, below);
                Solve(x + c + 1, y + c + 1, zero, left, c01, c11, r0, r1, below);
                Solve(x + c + 2, y + c + 2, right, zero, c02, c12, r0, r1, below);
                Solve(x + c + 3, y + c + 3, zero, right, c03, c13, r0, r1, below);
            }
        }
    }

    /// <summary>C = W^T W of a lower triangular W as <see cref="Invert"/> makes it, below the diagonal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SquareTransposed(V* w, int n, int columns, V* c)
    {
        var even = Even(n);
        for (var i = 0; i < n; i += 2)
        {
            for (var j = 0; j <= i + 1; j += 4)
            {
                V* rows = w + (i * columns);
                V* to = c + (i * columns) + j;
                Dot(
                    rows + i, 1, columns, rows + j, 1, columns, even - i,
                    out to[0], out to[1], out to[2], out to[3], out to[columns], out to[columns + 1], out to[columns + 2], out to[columns + 3]);
            }
        }
    }

    /// <summary>
    /// C = A B, each entry summed in the order of the inner index. Entries of a row and of a column are any number of vectors apart, as they lie in a tile, so
    /// that a transposed factor is read where it stands.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(LaneMatrix<V> a, LaneMatrix<V> b, LaneMatrix<V> c, int m, int k, int n)
    {
        if (n == 1 && m > 1)
        {
            (a, b, c, m, n) = (b.Transposed, a.Transposed, c.Transposed, 1, m);
        }

        V* q = b.First;
        for (var i = 0; i < m; i += 2)
        {
            V* left = a.First + (i * a.Row);
            V* to = c.First + (i * c.Row);
            var j = 0;
            if (i + 1 == m)
            {
                for (; j + 4 <= n; j += 4, to += 4 * c.Column)
                {
                    Dot(left, a.Column, q + (j * b.Column), b.Column, b.Row, k, out var c0, out var c1, out var c2, out var c3);
                    (*to, to[c.Column], to[2 * c.Column], to[3 * c.Column]) = (c0, c1, c2, c3);
                }

                for (; j < n; j++, to += c.Column)
                {
                    Dot(left, 0, a.Column, q + (j * b.Column), b.Row, k, out *to, out _);
                }

                return;
            }

            for (; j + 4 <= n; j += 4, to += 4 * c.Column)
            {
                Dot(
                    left, a.Row, a.Column, q + (j * b.Column), b.Column, b.Row, k,
                    out var c00, out var c01, out var c02, out var c03, out var c10, out var c11, out var c12, out var c13);
                V* next = to + c.Row;
                (*to, to[c.Column], to[2 * c.Column], to[3 * c.Column]) = (c00, c01, c02, c03);
                (*next, next[c.Column], next[2 * c.Column], next[3 * c.Column]) = (c10, c11, c12, c13);
            }

            for (; j < n; j++, to += c.Column)
            {
                Dot(left, a.Row, a.Column, q + (j * b.Column), b.Row, k, out *to, out to[c.Row]);
            }
        }
    }

    /// <summary>Adds P^T Q, of which the lower triangle is wanted, to C: by blocks of two rows and four columns up to the diagonal.</summary>
    /// <param name="p">P, its rows <paramref name="columns"/> vectors apart as those of Q and C.</param>
    /// <param name="q">Q.</param>
    /// <param name="rows">Rows of P and Q.</param>
    /// <param name="n">Columns of P and Q; those up to <paramref name="columns"/>, a multiple of 4, hold finite numbers.</param>
    /// <param name="columns">Vectors from row to row.</param>
    /// <param name="c">C with <see cref="Even"/> rows.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddLowerProduct(V* p, V* q, int rows, int n, int columns, V* c)
    {
        for (var i = 0; i < n; i += 2)
        {
            for (var j = 0; j <= i + 1; j += 4)
            {
                Dot(
                    p + i, 1, columns, q + j, 1, columns, rows,
                    out var c00, out var c01, out var c02, out var c03, out var c10, out var c11, out var c12, out var c13);
                V* to = c + (i * columns) + j;
                V* next = to + columns;
                (to[0], to[1], to[2], to[3]) = (L.Add(to[0], c00), L.Add(to[1], c01), L.Add(to[2], c02), L.Add(to[3], c03));
                (next[0], next[1], next[2], next[3]) = (L.Add(next[0], c10), L.Add(next[1], c11), L.Add(next[2], c12), L.Add(next[3], c13));
            }
        }
    }

    /// <summary>Two by four inner products: the sum over k of p[row, k] q[k, column].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Dot(
        V* p, nint row, nint pStep, V* q, nint column, nint qStep, int count,
        out V c00, out V c01, out V c02, out V c03, out V c10, out V c11, out V c12, out V c13)
    {
        V s00 = L.Broadcast(T.Zero), s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00;
        V* q2 = q + (2 * column);
        for (var k = 0; k < count; k++)
        {
            V a = *p, b = p[row];
            V x = *q;
            s00 = L.MultiplyAdd(a, x, s00);
            s10 = L.MultiplyAdd(b, x, s10);
            x = q[column];
            s01 = L.MultiplyAdd(a, x, s01);
            s11 = L.MultiplyAdd(b, x, s11);
            x = *q2;
            s02 = L.MultiplyAdd(a, x, s02);
            s12 = L.MultiplyAdd(b, x, s12);
            x = q2[column];
            s03 = L.MultiplyAdd(a, x, s03);
            s13 = L.MultiplyAdd(b, x, s13);
            p += pStep;
            q += qStep;
            q2 += qStep;
        }

        (c00, c01, c02, c03) = (s00, s01, s02, s03);
        (c10, c11, c12, c13) = (s10, s11, s12, s13);
    }

    // One by four.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Dot(V* p, nint pStep, V* q, nint column, nint qStep, int count, out V c0, out V c1, out V c2, out V c3)
    {
        V s0 = L.Broadcast(T.Zero), s1 = s0, s2 = s0, s3 = s0;
        V* q2 = q + (2 * column);
        for (var k = 0; k < count; k++, p += pStep, q += qStep, q2 += qStep)
        {
            V a = *p;
            s0 = L.MultiplyAdd(a, *q, s0);
            s1 = L.MultiplyAdd(a, q[column], s1);
            s2 = L.MultiplyAdd(a, *q2, s2);
            s3 = L.MultiplyAdd(a, q2[column], s3);
        }

        (c0, c1, c2, c3) = (s0, s1, s2, s3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Dot(V* p, nint row, nint pStep, V* q, nint qStep, int count, out V c0, out V c1)
    {
        c0 = c1 = L.Broadcast(T.Zero);
        for (var k = 0; k < count; k++, p += pStep, q += qStep)
        {
            c0 = L.MultiplyAdd(*p, *q, c0);
            c1 = L.MultiplyAdd(p[row], *q, c1);
        }
    }

    /// <summary>
    /// Eigenvalues and eigenvectors of symmetric matrices by cyclic Jacobi rotations (Golub and Van Loan, section 8.5), which find them to the last digits.
    /// A lane whose off-diagonal entries are all zero is changed no more, so its result doesn't depend on the lanes beside it.
    /// </summary>
    /// <param name="a">A, of which the lower triangle is read; its diagonal becomes the eigenvalues, ascending.</param>
    /// <param name="n">Number of rows.</param>
    /// <param name="v">Becomes V^T [n, n]: row k is the unit eigenvector of value k, the first of its largest entries positive.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Eigen(V* a, int n, V* v)
    {
        for (var e = 0; e < n * n; e++)
        {
            v[e] = L.Broadcast(e % (n + 1) == 0 ? T.One : T.Zero);
        }

        for (var sweep = 0; sweep < MostSweeps && HasOffDiagonal(a, n); sweep++)
        {
            for (var q = 1; q < n; q++)
            {
                for (var p = 0; p < q; p++)
                {
                    Rotate(a, n, v, p, q, sweep);
                }
            }
        }

        for (var i = 0; i < n; i++)
        {
            for (var j = i + 1; j < n; j++)
            {
                V* left = a + (i * (n + 1)), right = a + (j * (n + 1));
                var turned = L.Less(*right, *left);
                Exchange(turned, left, right);
                for (var k = 0; k < n; k++)
                {
                    Exchange(turned, v + (i * n) + k, v + (j * n) + k);
                }
            }

            PointUp(v + (i * n), n);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Exchange(V turned, V* left, V* right)
    {
        V x = *left, y = *right;
        *left = L.Select(turned, y, x);
        *right = L.Select(turned, x, y);
    }

    private static bool HasOffDiagonal(V* a, int n)
    {
        var largest = L.Broadcast(T.Zero);
        for (var i = 1; i < n; i++)
        {
            for (var j = 0; j < i; j++)
            {
                largest = L.Add(largest, L.Abs(a[(i * n) + j]));
            }
        }

        return L.Any(L.Less(L.Broadcast(T.Zero), largest));
    }

    // Of entries that are equal but for rounding the first is the largest.
    private static void PointUp(V* vector, int n)
    {
        var nearly = L.Broadcast(T.CreateTruncating(1.001));
        V top = vector[0], size = L.Abs(top);
        for (var k = 1; k < n; k++)
        {
            var x = vector[k];
            var larger = L.Less(L.Multiply(nearly, size), L.Abs(x));
            top = L.Select(larger, x, top);
            size = L.Select(larger, L.Abs(x), size);
        }

        var sign = L.Select(L.Less(top, L.Broadcast(T.Zero)), L.Broadcast(-T.One), L.Broadcast(T.One));
        for (var k = 0; k < n; k++)
        {
            vector[k] = L.Multiply(sign, vector[k]);
        }
    }

    // Makes entry (q, p) zero. From the fifth sweep on, one that is too small to change the digits of either diagonal entry is dropped.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rotate(V* a, int n, V* v, int p, int q, int sweep)
    {
        V zero = L.Broadcast(T.Zero), one = L.Broadcast(T.One);
        V* row = a + (q * n);
        V app = a[p * (n + 1)], aqq = row[q], apq = row[p];
        if (sweep > 3)
        {
            var size = L.Multiply(L.Broadcast(T.CreateTruncating(100)), L.Abs(apq));
            var matters = L.Select(L.Less(L.Abs(app), L.Add(L.Abs(app), size)), one, zero);
            matters = L.Select(L.Less(L.Abs(aqq), L.Add(L.Abs(aqq), size)), one, matters);
            apq = L.Select(L.Less(zero, matters), apq, zero);
        }

        // The smaller root t of t^2 + 2 theta t - 1 = 0 is the tangent of the angle.
        var theta = L.Divide(L.Subtract(aqq, app), L.Add(apq, apq));
        var t = L.Divide(one, L.Add(L.Abs(theta), L.Sqrt(L.MultiplyAdd(theta, theta, one))));
        t = L.Select(L.Less(theta, zero), L.Subtract(zero, t), t);
        t = L.Select(L.Less(zero, L.Abs(apq)), t, zero);
        var c = L.Divide(one, L.Sqrt(L.MultiplyAdd(t, t, one)));
        var s = L.Multiply(t, c);
        a[p * (n + 1)] = L.Subtract(app, L.Multiply(t, apq));
        row[q] = L.Add(aqq, L.Multiply(t, apq));
        row[p] = zero;
        Turn(a + (p * n), 1, row, 1, p, c, s);
        Turn(a + ((p + 1) * n) + p, n, row + p + 1, 1, q - p - 1, c, s);
        Turn(a + ((q + 1) * n) + p, n, a + ((q + 1) * n) + q, n, n - q - 1, c, s);
        Turn(v + (p * n), 1, v + (q * n), 1, n, c, s);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(V* x, nint xStep, V* y, nint yStep, int count, V c, V s)
    {
        for (var k = 0; k < count; k++, x += xStep, y += yStep)
        {
            V old = *x, other = *y;
            *x = L.Subtract(L.Multiply(c, old), L.Multiply(s, other));
            *y = L.MultiplyAdd(c, other, L.Multiply(s, old));
        }
    }
}
