using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;

namespace Monge.Measures;

/// <summary>What is inserted into a product over the sites of a row.</summary>
internal enum SiteInsertion
{
    None,
    Sum,
    SumTwice,
    Squares,
}

/// <summary>Nodes, eigenvalues and eigenfunctions of one site's kernel s.</summary>
internal sealed class LatticeSite
{
    public LatticeSite(LatticeField field, int degree, int nodes)
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

/// <summary>
/// Matrix elements of a row: the trace over its sites of the products diag(f_1) B diag(f_2) B ... with f = psi_a psi_b, B the bond, and sums of x or x^2
/// inserted. Each half of the row, at most two sites, is tabulated for all its pairs (a, b): diag(f_1) B or diag(f_1) H(f_2) with H(f) = B diag(f) B.
/// </summary>
internal sealed class LatticeRow
{
    private readonly LatticeSite _site;
    private readonly int _pairs;
    private readonly int _left;
    private readonly int _threads;
    private readonly double[] _bond;
    private readonly Dictionary<SiteInsertion, double[][]> _functions;
    private readonly Dictionary<(bool Left, SiteInsertion Insertion), double[]?[]> _halves = [];

    public LatticeRow(LatticeSite site, int row, bool chain, int threads)
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
            [SiteInsertion.None] = Products(0),
            [SiteInsertion.Sum] = Products(1),
            [SiteInsertion.SumTwice] = Products(2),
            [SiteInsertion.Squares] = Products(2),
        };
        foreach (var insertion in _functions.Keys)
        {
            // The trace of a product is the inner product with the transpose.
            _halves[(true, insertion)] = Half(insertion, _left);
            _halves[(false, insertion)] = [.. Half(insertion, row - _left).Select(m => m is null ? null : HostMatrices.Transposed(m, n, n))];
        }
    }

    /// <summary>The elements between bras and kets; only the upper triangle is computed if these are the same, the rest follows by symmetry.</summary>
    public LatticeBlock Matrix(int[][] bras, int[][] kets, SiteInsertion insertion)
    {
        var block = new LatticeBlock(bras.Length, kets.Length, _threads);
        var tables = Terms(insertion).Where(t => _left > 0 || t.First == SiteInsertion.None).Select(
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
                    element += factor * LatticeBlock.Dot(one[left], other[right]);
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
    private static (SiteInsertion First, SiteInsertion Last, double Factor)[] Terms(SiteInsertion insertion) => insertion switch
    {
        SiteInsertion.None => [(SiteInsertion.None, SiteInsertion.None, 1)],
        SiteInsertion.SumTwice =>
        [
            (SiteInsertion.SumTwice, SiteInsertion.None, 1), (SiteInsertion.Sum, SiteInsertion.Sum, 2), (SiteInsertion.None, SiteInsertion.SumTwice, 1),
        ],
        _ => [(insertion, SiteInsertion.None, 1), (SiteInsertion.None, insertion, 1)],
    };

    private double[]?[] Half(SiteInsertion insertion, int sites)
    {
        var n = _site.Nodes.Length;
        if (sites == 0)
        {
            return insertion == SiteInsertion.None ? [[.. Enumerable.Range(0, n * n).Select(k => k / n == k % n ? 1.0 : 0)]] : [];
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
                LatticeBlock.AddScaled(_bond.AsSpan(k * n, n), _bond[(i * n) + k] * f[k], product.AsSpan(i * n, n));
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
            LatticeBlock.AddScaled(matrix.AsSpan(i * f.Length, f.Length), factor * f[i], to.AsSpan(i * f.Length, f.Length));
        }

        return to;
    }
}
