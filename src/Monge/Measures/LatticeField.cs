using System.Globalization;
using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>
/// The scalar phi^4 theory on a periodic lattice of D dimensions and V sites: the density exp(-U) with U = sum over sites of [(2D + m^2) phi^2 + lambda phi^4 -
/// 2 sum over the D directions of phi phi_(next)]. Without coupling (lambda = 0, m^2 above 0) it is the free massive field, a Gaussian whose covariance has the
/// eigenvalue 1 / (2 (m^2 + khat^2)) for each momentum, khat^2 = sum 4 sin^2(k/2) (arXiv:2410.02711, section on lattice field theory; in a lattice of length 2
/// the two neighbours of a site are the same one, counted twice).
/// </summary>
public sealed class LatticeField
{
    private readonly int[] _sizes;

    /// <summary>Describes a field.</summary>
    /// <param name="sizes">The lattice's length in each direction, at least 2; one number for a chain.</param>
    /// <param name="massSquared">m^2, of any sign.</param>
    /// <param name="coupling">lambda, at least 0.</param>
    /// <exception cref="ArgumentException">A length is below 2, or the density can't be normalised: the coupling negative,
    /// or zero with m^2 not above 0.</exception>
    public LatticeField(IReadOnlyList<int> sizes, double massSquared, double coupling)
    {
        if (sizes.Count == 0 || sizes.Any(s => s < 2))
        {
            throw new ArgumentException(
                $"A lattice of sizes {string.Join(" x ", sizes)} doesn't exist: it needs at least one direction and two sites in each.", nameof(sizes));
        }

        if (!(coupling >= 0) || !double.IsFinite(massSquared) || (coupling == 0 && !(massSquared > 0)))
        {
            throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture, $"The field with m2 = {massSquared} and lambda = {coupling} can't be normalised: lambda must be above 0, "
                    + $"or 0 with m2 above 0."), nameof(coupling));
        }

        (_sizes, MassSquared, Coupling) = ([.. sizes], massSquared, coupling);
        Sites = _sizes.Aggregate(1, (a, b) => a * b);
    }

    /// <summary>The lattice's length in each direction.</summary>
    public IReadOnlyList<int> Sizes => _sizes;

    /// <summary>m^2.</summary>
    public double MassSquared { get; }

    /// <summary>lambda.</summary>
    public double Coupling { get; }

    /// <summary>V, the number of sites; the field's values are in row-major order.</summary>
    public int Sites { get; }

    /// <summary>-U of a field [V], traced.</summary>
    public Expr LogDensity(Expr field) => LogDensity(field, MassSquared, Coupling);

    /// <summary>-U of a field [V] at another m^2 and lambda, which may move with time; traced.</summary>
    /// <param name="field">The field [V].</param>
    /// <param name="massSquared">m^2, a scalar.</param>
    /// <param name="coupling">lambda, a scalar.</param>
    public Expr LogDensity(Expr field, Expr massSquared, Expr coupling)
    {
        var squares = field.Square();
        Expr neighbours = field.Gather(0, Next(0));
        for (var direction = 1; direction < _sizes.Length; direction++)
        {
            neighbours += field.Gather(0, Next(direction));
        }

        return (2 * Expr.Dot(field, neighbours)) - (squares * ((2 * _sizes.Length) + massSquared + (coupling * squares))).Sum();
    }

    /// <summary>The number of the next site in a direction, for each site [V].</summary>
    public int[] Next(int direction)
    {
        var stride = 1;
        for (var after = direction + 1; after < _sizes.Length; after++)
        {
            stride *= _sizes[after];
        }

        var length = _sizes[direction];
        return [.. Enumerable.Range(0, Sites).Select(site => (site / stride % length) == length - 1 ? site - ((length - 1) * stride) : site + stride)];
    }

    /// <summary>khat^2 of all V momenta, in the order of the sites.</summary>
    public double[] Momenta()
    {
        var momenta = new double[Sites];
        for (var k = 0; k < Sites; k++)
        {
            var rest = k;
            for (var direction = _sizes.Length - 1; direction >= 0; direction--)
            {
                var sine = Math.Sin(Math.PI * (rest % _sizes[direction]) / _sizes[direction]);
                momenta[k] += 4 * sine * sine;
                rest /= _sizes[direction];
            }
        }

        return momenta;
    }

    /// <summary>log Z of the free field of a mass on this lattice: the sum over the momenta of log(pi / (m^2 + khat^2)) / 2.</summary>
    /// <param name="massSquared">m^2, above 0.</param>
    public double FreeLogNormaliser(double massSquared) => Momenta().Sum(k => 0.5 * Math.Log(Math.PI / (massSquared + k)));

    /// <summary>The mean square of the free field of a mass at a site.</summary>
    /// <param name="massSquared">m^2, above 0.</param>
    public double FreeMeanSquare(double massSquared) => Momenta().Average(k => 0.5 / (massSquared + k));

    /// <summary>
    /// The symmetric square root [V, V] (row-major) of the free field's covariance: times independent standard normals it draws the field exactly. It is
    /// circulant: the Fourier sum of the roots of the eigenvalues.
    /// </summary>
    /// <param name="massSquared">m^2, above 0.</param>
    public double[] FreeFieldRoot(double massSquared)
    {
        double[] roots = [.. Momenta().Select(k => Math.Sqrt(0.5 / (massSquared + k)))];
        var row = new double[Sites];
        for (var site = 0; site < Sites; site++)
        {
            for (var k = 0; k < Sites; k++)
            {
                row[site] += roots[k] * Math.Cos(Phase(site, k)) / Sites;
            }
        }

        var root = new double[Sites * Sites];
        for (var i = 0; i < Sites; i++)
        {
            for (var j = 0; j < Sites; j++)
            {
                root[(i * Sites) + j] = row[Difference(i, j)];
            }
        }

        return root;
    }

    /// <summary>
    /// The m^2 of the free field nearest to this one from above in free energy: the solution of m0^2 = m^2 + 6 lambda times the free field's
    /// mean square at m0^2 (Hartree's equation).
    /// </summary>
    public double HartreeMassSquared()
    {
        var (low, high) = (1e-12, Math.Max(1, MassSquared) + (12 * Coupling) + 1);
        for (var k = 0; k < 100; k++)
        {
            var middle = 0.5 * (low + high);
            (low, high) = middle < MassSquared + (6 * Coupling * FreeMeanSquare(middle)) ? (middle, high) : (low, middle);
        }

        return 0.5 * (low + high);
    }

    /// <summary>The site of the difference of two sites' positions.</summary>
    internal int Difference(int one, int other)
    {
        var (site, stride) = (0, 1);
        for (var direction = _sizes.Length - 1; direction >= 0; direction--)
        {
            var length = _sizes[direction];
            site += stride * (((one % length) - (other % length) + length) % length);
            (one, other, stride) = (one / length, other / length, stride * length);
        }

        return site;
    }

    private double Phase(int site, int momentum)
    {
        var phase = 0.0;
        for (var direction = _sizes.Length - 1; direction >= 0; direction--)
        {
            phase += 2 * Math.PI * (site % _sizes[direction]) * (momentum % _sizes[direction]) / _sizes[direction];
            site /= _sizes[direction];
            momentum /= _sizes[direction];
        }

        return phase;
    }
}
