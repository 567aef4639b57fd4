using System.Numerics;
using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;

namespace Monge.Measures;

/// <summary>What a transfer matrix gives of a lattice field.</summary>
/// <param name="LogNormaliser">log Z.</param>
/// <param name="MeanSquare">The mean of phi^2 at a site.</param>
/// <param name="MagnetisationSquare">The mean of M^2, M the average of the field over the sites.</param>
public sealed record LatticeAverages(double LogNormaliser, double MeanSquare, double MagnetisationSquare);

/// <summary>
/// Exact averages of phi^4 on chains and narrow lattices by the transfer matrix: Z = Tr T^L over the L rows, T(r, r') = S(r, r') R(r') with the product S over
/// the row's sites of s(x, y) = exp(-w(x)/2 - (x - y)^2 - w(y)/2), w(x) = m^2 x^2 + lambda x^4, and R the product of exp(-(x - y)^2) over the bonds inside a
/// row. Each site's integral is a trapezoidal sum (exponentially accurate for such functions); s is diagonalised, and T is written in the products of its
/// eigenfunctions, S^(1/2) R S^(1/2), where terms of high total degree are exponentially small. Powers and traces then take place among some hundred or
/// thousand product functions, even and odd ones apart. Both cuts are arguments, so that convergence can be shown.
/// </summary>
public static class LatticeReference
{
    /// <summary>The longest row that the product basis can hold.</summary>
    public const int LongestRow = 4;

    /// <summary>Whether the averages can be computed: a chain, or a lattice with one side of at most <see cref="LongestRow"/> sites.</summary>
    public static bool IsFeasible(LatticeField field) => field.Sizes.Count == 1 || (field.Sizes.Count == 2 && field.Sizes.Min() <= LongestRow);

    /// <summary>Computes the averages.</summary>
    /// <param name="field">The field; a chain or a lattice for which <see cref="IsFeasible"/> holds.</param>
    /// <param name="degree">The largest total degree of the product functions.</param>
    /// <param name="nodes">Number of nodes of each site's integral.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <exception cref="ArgumentException">The lattice is too wide, or a cut isn't positive.</exception>
    public static LatticeAverages Compute(LatticeField field, int degree = 14, int nodes = 40, int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(degree, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(nodes, degree + 2);
        if (!IsFeasible(field))
        {
            throw new ArgumentException(
                $"The transfer matrix is too large for a lattice of {string.Join(" x ", field.Sizes)}; it takes chains and lattices of two dimensions with a "
                + $"side of at most {LongestRow}.", nameof(field));
        }

        var chain = field.Sizes.Count == 1;
        var (row, rows) = chain ? (1, field.Sizes[0]) : (field.Sizes.Min(), field.Sizes.Max());
        var site = new Site(field, degree, nodes);
        var (even, odd) = RowFunctions(row, degree);
        var elements = new RowElements(site, row, chain, threads);
        Block[] transfer = [elements.Matrix(even, even, Insertion.None), elements.Matrix(odd, odd, Insertion.None)];
        var scale = Math.Max(transfer[0].LargestRowSum(), transfer[1].LargestRowSum());
        foreach (var block in transfer)
        {
            block.Scale(1 / scale);
        }

        double[] one = [.. transfer.Select(t => t.Power(rows).Trace())];
        var z = one.Sum();
        Block[] rest = [.. transfer.Select(t => t.Power(rows - 1))];
        double[] squares = [.. new[] { even, odd }.Select((f, k) => elements.Matrix(f, f, Insertion.Squares).TraceOfProduct(rest[k]) / scale)];
        double[] magnetisation = [.. new[] { even, odd }.Select((f, k) => elements.Matrix(f, f, Insertion.SumTwice).TraceOfProduct(rest[k]) / scale)];
        var total = magnetisation.Sum() * rows;
        var up = elements.Matrix(even, odd, Insertion.Sum);
        var down = up.Transposed();
        for (var distance = 1; distance < rows; distance++)
        {
            // Tr of X T^(k-1) X T^(L-k-1): the parity changes at each insertion.
            Block[] between = [.. transfer.Select(t => t.Power(distance - 1))];
            Block[] after = [.. transfer.Select(t => t.Power(rows - distance - 1))];
            total += rows * (up.Times(between[1]).TraceOfProduct(down.Times(after[0])) + down.Times(between[0]).TraceOfProduct(up.Times(after[1])))
                / (scale * scale);
        }

        var sites = (double)field.Sites;
        return new LatticeAverages(Math.Log(z) + (rows * Math.Log(scale)), squares.Sum() * rows / (z * sites), total / (z * sites * sites));
    }

    // All tuples of degrees with a total of at most a number, by the parity of the total.
    private static (int[][] Even, int[][] Odd) RowFunctions(int row, int degree)
    {
        List<int[]> all = [[]];
        for (var site = 0; site < row; site++)
        {
            all = [.. all.SelectMany(f => Enumerable.Range(0, degree - f.Sum() + 1).Select(a => (int[])[.. f, a]))];
        }

        return ([.. all.Where(f => f.Sum() % 2 == 0)], [.. all.Where(f => f.Sum() % 2 == 1)]);
    }

    private static double Dot(ReadOnlySpan<double> one, ReadOnlySpan<double> other)
    {
        var sums = Vector<double>.Zero;
        var k = 0;
        for (; k <= one.Length - Vector<double>.Count; k += Vector<double>.Count)
        {
            sums += new Vector<double>(one[k..]) * new Vector<double>(other[k..]);
        }

        var sum = Vector.Sum(sums);
        for (; k < one.Length; k++)
        {
            sum += one[k] * other[k];
        }

        return sum;
    }

    private static void AddScaled(ReadOnlySpan<double> values, double factor, Span<double> to)
    {
        var k = 0;
        for (; k <= to.Length - Vector<double>.Count; k += Vector<double>.Count)
        {
            (new Vector<double>(to[k..]) + (factor * new Vector<double>(values[k..]))).CopyTo(to[k..]);
        }

        for (; k < to.Length; k++)
        {
            to[k] += factor * values[k];
        }
    }

    private enum Insertion
    {
        None,
        Sum,
        SumTwice,
        Squares,
    }

    // Nodes, eigenvalues and eigenfunctions of one site's kernel s.
    private sealed class Site
    {
        public Site(LatticeField field, int degree, int nodes)
        {
            // The squares that complete the bonds' products to -(x - y)^2 are taken off the weight, so bonds are at
            // most 1 and a uniform field's weight remains.
            double Weight(double x) => (field.MassSquared * x * x) + (field.Coupling * x * x * x * x);

            // Beyond the reach the weight is below e^-42 of the largest.
            var lowest = field.MassSquared >= 0 ? 0 : -0.25 * field.MassSquared * field.MassSquared / field.Coupling;
            var reach = 1.0;
            while (Weight(reach) - lowest < 42)
            {
                reach *= 1.01;
            }

            var step = 2 * reach / (nodes - 1);
            Nodes = [.. Enumerable.Range(0, nodes).Select(i => (i * step) - reach)];
            var kernel = new double[nodes * nodes];
            for (var i = 0; i < nodes; i++)
            {
                for (var j = 0; j < nodes; j++)
                {
                    kernel[(i * nodes) + j] = step * Math.Exp((-(Nodes[i] - Nodes[j]) * (Nodes[i] - Nodes[j])) - (0.5 * (Weight(Nodes[i]) + Weight(Nodes[j]))));
                }
            }

            var eigen = SymmetricEigen.Decompose(kernel, nodes);
            Count = degree + 1;
            Roots = [.. Enumerable.Range(0, Count).Select(a => Math.Sqrt(Math.Max(0, eigen.Values[nodes - 1 - a])))];
            Functions =
                [.. Enumerable.Range(0, Count).Select(a => Enumerable.Range(0, nodes).Select(i => eigen.Vectors[(i * nodes) + nodes - 1 - a]).ToArray())];
        }

        public double[] Nodes { get; }

        public int Count { get; }

        public double[] Roots { get; }

        public double[][] Functions { get; }
    }

    // Matrix elements of a row: the trace over its sites of the products diag(f_1) B diag(f_2) B ... with f = psi_a psi_b, B the bond, and sums of x or x^2
    // inserted. Each half of the row, at most two sites, is tabulated for all its pairs (a, b): diag(f_1) B or diag(f_1) H(f_2) with H(f) = B diag(f) B.
    private sealed class RowElements
    {
        private readonly Site _site;
        private readonly int _pairs;
        private readonly int _left;
        private readonly int _threads;
        private readonly double[] _bond;
        private readonly Dictionary<Insertion, double[][]> _functions;
        private readonly Dictionary<(bool Left, Insertion Insertion), double[]?[]> _halves = [];

        public RowElements(Site site, int row, bool chain, int threads)
        {
            var n = site.Nodes.Length;
            (_site, _pairs, _left, _threads) = (site, site.Count * (site.Count + 1) / 2, row / 2, threads);
            _bond = new double[n * n];
            for (var k = 0; k < _bond.Length; k++)
            {
                var difference = site.Nodes[k / n] - site.Nodes[k % n];
                _bond[k] = chain ? (difference == 0 ? 1 : 0) : Math.Exp(-difference * difference);
            }

            _functions = new()
            {
                [Insertion.None] = Products(0),
                [Insertion.Sum] = Products(1),
                [Insertion.SumTwice] = Products(2),
                [Insertion.Squares] = Products(2),
            };
            foreach (var insertion in _functions.Keys)
            {
                // The trace of a product is the inner product with the transpose.
                _halves[(true, insertion)] = Half(insertion, _left);
                _halves[(false, insertion)] = [.. Half(insertion, row - _left).Select(m => Transposed(m, n))];
            }
        }

        /// <summary>The elements between bras and kets; only the upper triangle is computed if these are the same, the rest follows by symmetry.</summary>
        public Block Matrix(int[][] bras, int[][] kets, Insertion insertion)
        {
            var block = new Block(bras.Length, kets.Length, _threads);
            var tables = Terms(insertion).Where(t => _left > 0 || t.First == Insertion.None).Select(
                t => (Left: _halves[(true, t.First)], Right: _halves[(false, t.Last)], t.Factor)).ToArray();
            double Root(int[] f) => f.Aggregate(1.0, (product, a) => product * _site.Roots[a]);
            double[] braRoots = [.. bras.Select(Root)];
            double[] ketRoots = [.. kets.Select(Root)];
            var symmetric = ReferenceEquals(bras, kets);
            Workers.For(bras.Length, _threads, i =>
            {
                for (var j = symmetric ? i : 0; j < kets.Length; j++)
                {
                    var (left, right) = (Index(bras[i].AsSpan(0, _left), kets[j].AsSpan(0, _left)), Index(bras[i].AsSpan(_left), kets[j].AsSpan(_left)));
                    var element = 0.0;
                    foreach (var (one, other, factor) in tables)
                    {
                        element += factor * Dot(one[left], other[right]);
                    }

                    block.Values[(i * kets.Length) + j] = braRoots[i] * ketRoots[j] * element;
                    if (symmetric)
                    {
                        block.Values[(j * kets.Length) + i] = block.Values[(i * kets.Length) + j];
                    }
                }
            });
            return block;
        }

        // How a sum over the sites of a whole splits into sums over two parts.
        private static (Insertion First, Insertion Last, double Factor)[] Terms(Insertion insertion) => insertion switch
        {
            Insertion.None => [(Insertion.None, Insertion.None, 1)],
            Insertion.SumTwice => [(Insertion.SumTwice, Insertion.None, 1), (Insertion.Sum, Insertion.Sum, 2), (Insertion.None, Insertion.SumTwice, 1)],
            _ => [(insertion, Insertion.None, 1), (Insertion.None, insertion, 1)],
        };

        private double[]?[] Half(Insertion insertion, int sites)
        {
            var n = _site.Nodes.Length;
            if (sites == 0)
            {
                return insertion == Insertion.None ? [[.. Enumerable.Range(0, n * n).Select(k => k / n == k % n ? 1.0 : 0)]] : [];
            }

            if (sites == 1)
            {
                return [.. _functions[insertion].Select(f => AddRowsScaled(f, _bond, 1, new double[n * n]))];
            }

            // Degrees of two sites that together exceed the cut never meet.
            var table = new double[]?[_pairs * _pairs];
            (int A, int B)[] pairs = [.. from a in Enumerable.Range(0, _site.Count) from b in Enumerable.Range(0, a + 1) select (a, b)];
            bool Meets(int k)
            {
                var (one, other) = (pairs[k / _pairs], pairs[k % _pairs]);
                return Math.Max(one.A + other.B, one.B + other.A) < _site.Count;
            }

            foreach (var (first, last, factor) in Terms(insertion))
            {
                double[][] bonds = [.. _functions[last].Select(Between)];
                Workers.For(table.Length, _threads, k =>
                {
                    if (Meets(k))
                    {
                        AddRowsScaled(_functions[first][k / _pairs], bonds[k % _pairs], factor, table[k] ??= new double[n * n]);
                    }
                });
            }

            return table;
        }

        // psi_a psi_b times a power of x, for all pairs.
        private double[][] Products(int power) =>
        [
            .. from a in Enumerable.Range(0, _site.Count)
               from b in Enumerable.Range(0, a + 1)
               select _site.Nodes.Select((x, i) => _site.Functions[a][i] * _site.Functions[b][i] * Math.Pow(x, power)).ToArray(),
        ];

        // B diag(f) B.
        private double[] Between(double[] f)
        {
            var n = f.Length;
            var product = new double[n * n];
            for (var i = 0; i < n; i++)
            {
                for (var k = 0; k < n; k++)
                {
                    AddScaled(_bond.AsSpan(k * n, n), _bond[(i * n) + k] * f[k], product.AsSpan(i * n, n));
                }
            }

            return product;
        }

        private int Index(ReadOnlySpan<int> bra, ReadOnlySpan<int> ket)
        {
            var index = 0;
            for (var i = 0; i < bra.Length; i++)
            {
                var (larger, smaller) = (Math.Max(bra[i], ket[i]), Math.Min(bra[i], ket[i]));
                index = (index * _pairs) + (larger * (larger + 1) / 2) + smaller;
            }

            return index;
        }

        private static double[] AddRowsScaled(double[] f, double[] matrix, double factor, double[] to)
        {
            for (var i = 0; i < f.Length; i++)
            {
                AddScaled(matrix.AsSpan(i * f.Length, f.Length), factor * f[i], to.AsSpan(i * f.Length, f.Length));
            }

            return to;
        }

        private static double[]? Transposed(double[]? matrix, int n)
        {
            if (matrix is null)
            {
                return null;
            }

            var transposed = new double[n * n];
            for (var i = 0; i < n; i++)
            {
                for (var j = 0; j < n; j++)
                {
                    transposed[(j * n) + i] = matrix[(i * n) + j];
                }
            }

            return transposed;
        }
    }

    // A dense matrix between the row functions of one parity and of another.
    private sealed class Block(int rows, int columns, int threads)
    {
        public double[] Values { get; } = new double[rows * columns];

        private int Columns => columns;

        public void Scale(double by)
        {
            for (var k = 0; k < Values.Length; k++)
            {
                Values[k] *= by;
            }
        }

        public double LargestRowSum() => Enumerable.Range(0, rows).Max(i => Values.Skip(i * columns).Take(columns).Sum(Math.Abs));

        public Block Times(Block other)
        {
            var product = new Block(rows, other.Columns, threads);
            Workers.For(rows, threads, i =>
            {
                var to = product.Values.AsSpan(i * other.Columns, other.Columns);
                for (var k = 0; k < columns; k++)
                {
                    AddScaled(other.Values.AsSpan(k * other.Columns, other.Columns), Values[(i * columns) + k], to);
                }
            });
            return product;
        }

        // By repeated squaring; the zeroth power is the identity.
        public Block Power(int exponent)
        {
            Block? result = null;
            var square = this;
            for (var left = exponent; left > 0; left >>= 1)
            {
                result = (left & 1) == 0 ? result : result is null ? square : result.Times(square);
                square = left > 1 ? square.Times(square) : square;
            }

            return result ?? Identity(rows);
        }

        public Block Transposed()
        {
            var transposed = new Block(columns, rows, threads);
            for (var k = 0; k < Values.Length; k++)
            {
                transposed.Values[(k % columns * rows) + (k / columns)] = Values[k];
            }

            return transposed;
        }

        public double Trace() => Enumerable.Range(0, rows).Sum(i => Values[(i * columns) + i]);

        public double TraceOfProduct(Block other)
        {
            var sum = 0.0;
            for (var i = 0; i < rows; i++)
            {
                for (var k = 0; k < columns; k++)
                {
                    sum += Values[(i * columns) + k] * other.Values[(k * rows) + i];
                }
            }

            return sum;
        }

        private Block Identity(int size)
        {
            var block = new Block(size, size, threads);
            for (var i = 0; i < size; i++)
            {
                block.Values[(i * size) + i] = 1;
            }

            return block;
        }
    }
}
