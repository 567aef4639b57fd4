namespace Monge.Fields;

/// <summary>The geometry of a periodic lattice that equivariant fields need: neighbourhoods and plane waves. Sites are numbered in row-major order.</summary>
public sealed class PeriodicLattice
{
    private readonly int[] _sizes;

    /// <summary>Describes a lattice.</summary>
    /// <param name="sizes">Its length in each direction, at least 1.</param>
    /// <exception cref="ArgumentException">There is no direction, or a length is below 1.</exception>
    public PeriodicLattice(params IReadOnlyList<int> sizes)
    {
        if (sizes.Count == 0 || sizes.Any(s => s < 1))
        {
            throw new ArgumentException(
                $"A lattice of sizes {string.Join(" x ", sizes)} doesn't exist: it needs at least one direction and one site in each.", nameof(sizes));
        }

        _sizes = [.. sizes];
        Sites = _sizes.Aggregate(1, (a, b) => a * b);
    }

    /// <summary>V, the number of sites.</summary>
    public int Sites { get; }

    /// <summary>
    /// For each site [V] the sites at most a radius away in every direction, all in one order of displacements, so that a function of the patch commutes with
    /// translations. Each site occurs once, also where the patch meets itself around the lattice.
    /// </summary>
    /// <param name="radius">The radius in lattice steps, at least 0.</param>
    public int[][] Patches(int radius)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(radius);
        int[][] displacements = [[]];
        foreach (var size in _sizes)
        {
            int[] steps = (2 * radius) + 1 >= size ? [.. Enumerable.Range(0, size)] : [.. Enumerable.Range(-radius, (2 * radius) + 1)];
            displacements = [.. displacements.SelectMany(d => steps.Select(s => (int[])[.. d, s]))];
        }

        return [.. Enumerable.Range(0, Sites).Select(site => displacements.Select(d => Displaced(site, d)).ToArray())];
    }

    /// <summary>
    /// An orthonormal basis [V, V] (row-major, one wave in each row) of real plane waves, and for each the eigenvalue khat^2 = sum of 4
    /// sin^2(k/2) of the negative lattice Laplacian.
    /// </summary>
    public (double[] Waves, double[] Eigenvalues) PlaneWaves()
    {
        var (waves, eigenvalues, count) = ((double[])[1], (double[])[0], 1);
        foreach (var size in _sizes)
        {
            var total = count * size;
            var (next, sums) = (new double[total * total], new double[total]);
            for (var a = 0; a < count; a++)
            {
                for (var b = 0; b < size; b++)
                {
                    var (row, sine) = ((a * size) + b, Math.Sin(Math.PI * ((b + 1) / 2) / size));
                    sums[row] = eigenvalues[a] + (4 * sine * sine);
                    for (var column = 0; column < total; column++)
                    {
                        next[(row * total) + column] = waves[(a * count) + (column / size)] * Wave(b, column % size, size);
                    }
                }
            }

            (waves, eigenvalues, count) = (next, sums, total);
        }

        return (waves, eigenvalues);
    }

    // Number 0 is constant, odd numbers are cosines and even ones sines; the last of an even length alternates.
    private static double Wave(int number, int at, int size)
    {
        var angle = 2 * Math.PI * ((number + 1) / 2) * at / size;
        return number == 0 ? 1 / Math.Sqrt(size)
            : number == size - 1 && size % 2 == 0 ? Math.Cos(angle) / Math.Sqrt(size)
            : Math.Sqrt(2.0 / size) * (number % 2 == 1 ? Math.Cos(angle) : Math.Sin(angle));
    }

    private int Displaced(int site, int[] displacement)
    {
        var (result, stride) = (0, 1);
        for (var direction = _sizes.Length - 1; direction >= 0; direction--)
        {
            var size = _sizes[direction];
            result += stride * (((site % size) + displacement[direction] + size) % size);
            (site, stride) = (site / size, stride * size);
        }

        return result;
    }
}
