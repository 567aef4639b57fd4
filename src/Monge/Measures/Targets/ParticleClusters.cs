using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Targets;

/// <summary>
/// Clusters of equal particles with forces between pairs, at temperature 1. The centre of mass is held at the origin: coordinates are those of an orthonormal
/// basis of what is left, so that no direction is flat; draws are reported with their energy, as positions turned at random and with particles exchanged at
/// random.
/// </summary>
/// <remarks>
/// Energies as in L. Klein, A. Kraemer and F. Noe, "Equivariant flow matching", arXiv:2306.15030, and T. Akhound-Sadegh et al., arXiv:2402.06121.
/// </remarks>
internal static class ParticleClusters
{
    /// <summary>Four particles in the plane, 0.9 (r - 4)^4 - 4 (r - 4)^2 for each pair (DW-4).</summary>
    public static Density DoubleWells() => Create(
        "double-well-4", "Four particles in the plane whose pairs have a double well in their distance (DW-4).", 4, 2, scale: 2,
        squares =>
        {
            var away = (squares.Sqrt() - 4).Square();
            return ((0.9 * away.Square()) - (4 * away)).Sum();
        },
        new ReferenceMoments([-22.540, .. new double[8]], [1.893, .. Enumerable.Repeat(1.845, 8)], "Hamiltonian Monte Carlo, 10,000 draws"));

    /// <summary>Particles in space, 2 (r^-12 - 2 r^-6) for each pair and half the squared distance of each from their centre (LJ-13 with 13).</summary>
    public static Density LennardJones(int particles) => Create(
        $"lennard-jones-{particles}", $"{particles} particles in space with Lennard-Jones forces and a harmonic tether (LJ-13 with 13).", particles, 3, 1,
        squares =>
        {
            var sixth = (1 / squares) * (1 / squares) * (1 / squares);
            return 2 * (sixth * (sixth - 2)).Sum();
        }, null, isTethered: true);

    private static Density Create(
        string name, string description, int particles, int space, double scale, Func<Expr, Expr> pairs, ReferenceMoments? moments, bool isTethered = false)
    {
        var basis = CentredBasis(particles);
        var matrix = Expr.Constant([.. basis.Cast<double>()], particles, particles - 1);
        var d = (particles - 1) * space;
        (int I, int J)[] all = [.. Enumerable.Range(0, particles).SelectMany(i => Enumerable.Range(i + 1, particles - i - 1).Select(j => (i, j)))];
        int[] first = [.. all.Select(p => p.I)], second = [.. all.Select(p => p.J)];
        Expr Positions(Expr y) => Expr.MatrixProduct(matrix, y.Reshape(particles - 1, space));
        Expr Energy(Expr y)
        {
            var x = Positions(y);
            var between = x.Gather(0, first) - x.Gather(0, second);
            var energy = pairs(between.Square().Sum(1));
            return isTethered ? energy + (0.5 * y.SquaredNorm()) : energy;
        }

        string[] names = ["energy", .. Enumerable.Range(1, particles).SelectMany(i => Enumerable.Range(0, space).Select(c => $"{"xyz"[c]}[{i}]"))];
        return Density.Create(name, d, y => -Energy(y), new DensityOptions
        {
            Description = description,
            Names = names,
            Report = y => Expr.Concat(0, Energy(y).Reshape(1), Positions(y).Reshape(particles * space)),
            Base = BaseSuggestion.Isotropic(d, scale, 4 * scale, "as wide as a cluster", false),
            Symmetry = (random, y) => Turn(basis, space, random, y),
            Facts = moments is null ? TargetFacts.None : new TargetFacts { Moments = moments },
        });
    }

    // Orthonormal columns [n, n - 1] that are orthogonal to the vector of ones (R. Helmert).
    private static double[,] CentredBasis(int n)
    {
        var basis = new double[n, n - 1];
        for (var m = 1; m < n; m++)
        {
            var norm = Math.Sqrt(m * (m + 1.0));
            for (var i = 0; i < m; i++)
            {
                basis[i, m - 1] = 1 / norm;
            }

            basis[m, m - 1] = -m / norm;
        }

        return basis;
    }

    // A random exchange of particles and a random rotation or reflection.
    private static void Turn(double[,] basis, int space, RandomStream random, Span<double> y)
    {
        var n = basis.GetLength(0);
        var (axes, x, order) = (Axes(space, random), new double[n * space], Enumerable.Range(0, n).ToArray());
        for (var i = n - 1; i > 0; i--)
        {
            var j = random.NextInt(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        for (var i = 0; i < n; i++)
        {
            for (var a = 0; a < space; a++)
            {
                for (var m = 0; m < n - 1; m++)
                {
                    for (var c = 0; c < space; c++)
                    {
                        x[(order[i] * space) + a] += basis[i, m] * y[(m * space) + c] * axes[a][c];
                    }
                }
            }
        }

        y.Clear();
        for (var m = 0; m < n - 1; m++)
        {
            for (var i = 0; i < n; i++)
            {
                for (var a = 0; a < space; a++)
                {
                    y[(m * space) + a] += basis[i, m] * x[(i * space) + a];
                }
            }
        }
    }

    // Orthonormal axes, uniformly distributed: normal vectors made orthogonal one after the other.
    private static double[][] Axes(int space, RandomStream random)
    {
        var axes = new double[space][];
        for (var a = 0; a < space; a++)
        {
            axes[a] = [.. Enumerable.Range(0, space).Select(_ => random.NextNormal())];
            for (var b = 0; b < a; b++)
            {
                var share = axes[a].Zip(axes[b], (u, v) => u * v).Sum();
                axes[a] = [.. axes[a].Zip(axes[b], (u, v) => u - (share * v))];
            }

            var length = Math.Sqrt(axes[a].Sum(u => u * u));
            axes[a] = [.. axes[a].Select(u => u / length)];
        }

        return axes;
    }
}
