namespace Monge.References;

/// <summary>
/// A density on an axis by its averages over the cells. Integrals are sums over cells of the average times the function at the centre, exact to order 2 in the
/// width, and far better for a smooth density that ends before the walls do.
/// </summary>
public sealed class LineDensity
{
    /// <summary>Makes a density of zeros, to be written into.</summary>
    /// <param name="axis">The axis.</param>
    public LineDensity(CellAxis axis)
    {
        Axis = axis;
        Values = new double[axis.Cells];
    }

    /// <summary>Makes a density with the values of a function at the cells' centres, scaled to mass 1.</summary>
    /// <param name="axis">The axis.</param>
    /// <param name="density">The function of a point, at least 0; need not be normalised.</param>
    /// <exception cref="ArithmeticException">A value is negative or not finite, or all are 0.</exception>
    public LineDensity(CellAxis axis, Func<double, double> density)
        : this(axis)
    {
        for (var i = 0; i < Values.Length; i++)
        {
            Values[i] = density(axis.Centre(i));
        }

        Normalise();
    }

    /// <summary>The axis.</summary>
    public CellAxis Axis { get; }

    /// <summary>The averages over the cells [n]; may be written to, such as to multiply by a likelihood.</summary>
    public double[] Values { get; }

    /// <summary>The integral.</summary>
    public double Mass => Values.Sum() * Axis.Width;

    /// <summary>The mean of the position; on a ring, that of the coordinate between the axis's ends.</summary>
    public double Mean => Expectation(x => x);

    /// <summary>The variance of the position.</summary>
    public double Variance
    {
        get
        {
            var mean = Mean;
            return Expectation(x => (x - mean) * (x - mean));
        }
    }

    /// <summary>The differential entropy -int p log p in nats, p scaled to mass 1.</summary>
    public double Entropy => CellSums.Entropy(Values, Axis.Width);

    /// <summary>A copy with memory of its own.</summary>
    public LineDensity Copy()
    {
        var copy = new LineDensity(Axis);
        Values.CopyTo(copy.Values, 0);
        return copy;
    }

    /// <summary>Scales to mass 1.</summary>
    /// <returns>The mass before: after a multiplication by a likelihood, the evidence.</returns>
    /// <exception cref="ArithmeticException">A value is negative or not finite, or all are 0.</exception>
    public double Normalise() => CellSums.Normalise(Values, Axis.Width, cell => FormattableString.Invariant($"x = {Axis.Centre(cell):g6}"));

    /// <summary>int f p / int p.</summary>
    /// <param name="function">f of a point.</param>
    public double Expectation(Func<double, double> function)
    {
        var (sum, mass) = (0.0, 0.0);
        for (var i = 0; i < Values.Length; i++)
        {
            sum += Values[i] * function(Axis.Centre(i));
            mass += Values[i];
        }

        return sum / mass;
    }

    /// <summary>The density at a point: linear between the cells' centres, constant from the outermost ones to the walls, 0 beyond.</summary>
    /// <param name="point">The point; on a ring, any number.</param>
    public double At(double point) =>
        Axis.Between(point) is var (left, right, share) ? ((1 - share) * Values[left]) + (share * Values[right]) : 0;
}
