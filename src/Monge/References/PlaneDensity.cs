namespace Monge.References;

/// <summary>
/// A density on a box by its averages over cells, n1 along the first axis times n2 along the second. Integrals are sums over cells of the average times the
/// function at the centre, exact to order 2 in the widths, and far better for a smooth density that ends before the walls do.
/// </summary>
public sealed class PlaneDensity
{
    /// <summary>Makes a density of zeros, to be written into.</summary>
    /// <param name="first">The first axis.</param>
    /// <param name="second">The second axis.</param>
    public PlaneDensity(CellAxis first, CellAxis second)
    {
        (First, Second) = (first, second);
        Values = new double[first.Cells * second.Cells];
    }

    /// <summary>Makes a density with the values of a function at the cells' centres, scaled to mass 1.</summary>
    /// <param name="first">The first axis.</param>
    /// <param name="second">The second axis.</param>
    /// <param name="density">The function of a point (x, y), at least 0; need not be normalised.</param>
    /// <exception cref="ArithmeticException">A value is negative or not finite, or all are 0.</exception>
    public PlaneDensity(CellAxis first, CellAxis second, Func<double, double, double> density)
        : this(first, second)
    {
        for (var k = 0; k < Values.Length; k++)
        {
            Values[k] = density(first.Centre(k / second.Cells), second.Centre(k % second.Cells));
        }

        Normalise();
    }

    /// <summary>The first axis, of n1 cells.</summary>
    public CellAxis First { get; }

    /// <summary>The second axis, of n2 cells.</summary>
    public CellAxis Second { get; }

    /// <summary>The averages over the cells, row-major [n1, n2]; may be written to, such as to multiply by a likelihood.</summary>
    public double[] Values { get; }

    /// <summary>The area of a cell.</summary>
    public double CellArea => First.Width * Second.Width;

    /// <summary>The integral.</summary>
    public double Mass => Values.Sum() * CellArea;

    /// <summary>The differential entropy -int rho log rho in nats, rho scaled to mass 1.</summary>
    public double Entropy => CellSums.Entropy(Values, CellArea);

    /// <summary>A copy with memory of its own.</summary>
    public PlaneDensity Copy()
    {
        var copy = new PlaneDensity(First, Second);
        Values.CopyTo(copy.Values, 0);
        return copy;
    }

    /// <summary>Scales to mass 1.</summary>
    /// <returns>The mass before: after a multiplication by a likelihood, the evidence.</returns>
    /// <exception cref="ArithmeticException">A value is negative or not finite, or all are 0.</exception>
    public double Normalise() => CellSums.Normalise(Values, CellArea, Place);

    /// <summary>int f rho / int rho.</summary>
    /// <param name="function">f of a point (x, y).</param>
    public double Expectation(Func<double, double, double> function)
    {
        var (sum, mass) = (0.0, 0.0);
        for (var i = 0; i < First.Cells; i++)
        {
            var row = Values.AsSpan(i * Second.Cells, Second.Cells);
            for (var j = 0; j < row.Length; j++)
            {
                sum += row[j] * function(First.Centre(i), Second.Centre(j));
                mass += row[j];
            }
        }

        return sum / mass;
    }

    /// <summary>The law of the first coordinate.</summary>
    public LineDensity FirstMarginal()
    {
        var marginal = new LineDensity(First);
        for (var k = 0; k < Values.Length; k++)
        {
            marginal.Values[k / Second.Cells] += Values[k] * Second.Width;
        }

        return marginal;
    }

    /// <summary>The law of the second coordinate.</summary>
    public LineDensity SecondMarginal()
    {
        var marginal = new LineDensity(Second);
        for (var k = 0; k < Values.Length; k++)
        {
            marginal.Values[k % Second.Cells] += Values[k] * First.Width;
        }

        return marginal;
    }

    /// <summary>The density at a point: bilinear between the cells' centres, constant from the outermost ones to the walls, 0 beyond.</summary>
    /// <param name="x">The first coordinate; on a ring, any number.</param>
    /// <param name="y">The second coordinate; on a ring, any number.</param>
    public double At(double x, double y)
    {
        if (First.Between(x) is not var (left, right, share) || Second.Between(y) is not var (below, above, shareAbove))
        {
            return 0;
        }

        var n = Second.Cells;
        return ((1 - share) * (((1 - shareAbove) * Values[(left * n) + below]) + (shareAbove * Values[(left * n) + above])))
            + (share * (((1 - shareAbove) * Values[(right * n) + below]) + (shareAbove * Values[(right * n) + above])));
    }

    /// <summary>Where a cell is, for messages.</summary>
    internal string Place(int cell) =>
        FormattableString.Invariant($"({First.Centre(cell / Second.Cells):g6}, {Second.Centre(cell % Second.Cells):g6})");
}
