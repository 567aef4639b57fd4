
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
        var site = new LatticeSite(field, degree, nodes);
        var (even, odd) = RowFunctions(row, degree);
        var elements = new LatticeRow(site, row, chain, threads);
        LatticeBlock[] transfer = [elements.Matrix(even, even, SiteInsertion.None), elements.Matrix(odd, odd, SiteInsertion.None)];
        var scale = Math.Max(transfer[0].LargestRowSum(), transfer[1].LargestRowSum());
        foreach (var block in transfer)
        {
            block.Scale(1 / scale);
        }

        double[] one = [.. transfer.Select(t => t.Power(rows).Trace())];
        var z = one.Sum();
        LatticeBlock[] rest = [.. transfer.Select(t => t.Power(rows - 1))];
        double[] squares = [.. new[] { even, odd }.Select((f, k) => elements.Matrix(f, f, SiteInsertion.Squares).TraceOfProduct(rest[k]) / scale)];
        double[] magnetisation = [.. new[] { even, odd }.Select((f, k) => elements.Matrix(f, f, SiteInsertion.SumTwice).TraceOfProduct(rest[k]) / scale)];
        var total = magnetisation.Sum() * rows;
        var up = elements.Matrix(even, odd, SiteInsertion.Sum);
        var down = up.Transposed();
        for (var distance = 1; distance < rows; distance++)
        {
            // Tr of X T^(k-1) X T^(L-k-1): the parity changes at each insertion.
            LatticeBlock[] between = [.. transfer.Select(t => t.Power(distance - 1))];
            LatticeBlock[] after = [.. transfer.Select(t => t.Power(rows - distance - 1))];
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
}
