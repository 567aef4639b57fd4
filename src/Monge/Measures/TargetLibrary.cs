using Monge.Data;
using Monge.Measures.Targets;

namespace Monge.Measures;

/// <summary>The targets that come with the library, each with what is exactly known of it.</summary>
public static class TargetLibrary
{
    private static readonly TargetFamily[] s_families =
    [
        new("gaussian", 1, 10_000, Gaussians.Create),
        new("many-well", 2, 1_024, Wells.ManyWell),
        new("funnel", 2, 1_000, Curved.Funnel),
        new("hierarchical-funnel", HierarchicalFunnel.LeastDimension, 1_000, HierarchicalFunnel.Create),
        new("gmm8", 2, 1_000, GaussianMixtures.Gmm8),
        new("gmm40", 2, 1_000, GaussianMixtures.Gmm40),
        new("student-t-mixture", 2, 1_000, StudentMixtures.Create),
        new("lennard-jones", 2, 200, ParticleClusters.LennardJones),
    ];

    /// <summary>All targets by name; of a family with a size, the usual sizes.</summary>
    public static IReadOnlyList<TargetEntry> All { get; } =
    [
        new("gmm9", "nine Gaussians on the grid {-5, 0, 5}^2, variance 0.3", 2, GaussianMixtures.Gmm9),
        new("gmm40", "forty Gaussians with means in [-40, 40]^2", 2, GaussianMixtures.Gmm40),
        new("gmm40-50", "forty Gaussians of standard deviation 1 with means in [-40, 40]^50; gmm40-D for other dimensions", 50,
            () => GaussianMixtures.Gmm40(50)),
        new("gmm8-200", "eight Gaussians of standard deviation 1 with means in [-5, 5]^200; gmm8-D for other dimensions", 200,
            () => GaussianMixtures.Gmm8(200)),
        new("student-t-mixture-2", "ten products of Student's t, 2 degrees of freedom, means in [-10, 10]^2; student-t-mixture-D for other dimensions", 2,
            () => StudentMixtures.Create(2)),
        new("student-t-mixture-50", "the same in 50 dimensions", 50, () => StudentMixtures.Create(50)),
        new("double-well", "one double well in one dimension, shifted", 1, Wells.DoubleWell),
        new("rings", "three concentric rings in the plane", 2, Rings.Create),
        new("banana", "a Gaussian bent along a parabola", 2, Curved.Banana),
        new("many-well-5", "five double wells (x^2 - 4)^2: 32 separated modes", 5, () => Wells.ManyWell(5)),
        new("many-well-32", "16 pairs of a double well and a Gaussian: 65536 modes; many-well-K for other even K", 32, () => Wells.ManyWell(32)),
        new("many-well-64", "32 such pairs", 64, () => Wells.ManyWell(64)),
        new("many-well-128", "64 such pairs", 128, () => Wells.ManyWell(128)),
        new("many-well-50", "five double wells (x^2 - 2)^2 and 45 Gaussians: 32 modes", 50, () => Wells.ManyWell(50)),
        new("funnel-10", "Neal's funnel; funnel-D for other dimensions", 10, () => Curved.Funnel(10)),
        new("hierarchical-funnel-10", "a funnel whose log-scale is hierarchical, three groups; hierarchical-funnel-D for other dimensions", 10,
            () => HierarchicalFunnel.Create(10)),
        new("phi4-chain-16", "phi^4 field on a chain, m2 = -1, lambda = 0.8; phi4-chain-L, and @m2=...,lambda=... for other settings", 16, () => Lattice(16)),
        new("phi4-4x4", "phi^4 field on a lattice, m2 = -1, lambda = 0.8; phi4-LxL, and @m2=...,lambda=... for other settings", 16, () => Lattice(4, 4)),
        new("phi4-8x8", "the same on 64 sites", 64, () => Lattice(8, 8)),
        new("phi4-16x16", "the same on 256 sites", 256, () => Lattice(16, 16)),
        new("phi4-20x20", "the same on 400 sites", 400, () => Lattice(20, 20)),
        new("shifted-gaussian-10", "N(m, I) with |m| = 5; shifted-gaussian-D, and @shift=...,scale=... for another |m| and standard deviation", 10,
            () => Gaussians.Shifted(10, Gaussians.ShiftedDefaults.Shift, Gaussians.ShiftedDefaults.Scale)),
        new("double-well-4", "four particles in the plane, double wells in their distances (DW-4)", 6, ParticleClusters.DoubleWells),
        new("lennard-jones-13", "13 particles with Lennard-Jones forces (LJ-13); lennard-jones-N for other numbers", 36,
            () => ParticleClusters.LennardJones(13)),
        new("gaussian-10", "a correlated Gaussian; gaussian-D for other dimensions", 10, () => Gaussians.Create(10)),
        .. PosteriorLibrary.Targets,
    ];

    /// <summary>
    /// Makes a target by its name. Names of families take any size, as in gaussian-7 or many-well-16, and some take settings after an @, as in
    /// phi4-4x4@m2=-4.75,lambda=5.1 (m^2 and the coupling of a lattice field) or shifted-gaussian-20@shift=3,scale=0.5.
    /// </summary>
    /// <param name="name">The name.</param>
    /// <param name="threads">Threads of what is computed to know the exact facts; 0 is one for each processor.</param>
    /// <exception cref="UnknownTargetException">There is no target of this name; the message suggests the nearest.</exception>
    /// <exception cref="ArgumentException">The size or a setting is impossible.</exception>
    public static Density Get(string name, int threads = 0)
    {
        if (PosteriorLibrary.Find(name) is { } model)
        {
            return model.Posterior();
        }

        var parsed = TargetName.Parse(name);
        if (LatticeTargets.TryField(parsed) is { } field)
        {
            return LatticeTargets.Create(field, threads);
        }

        if (parsed.Size("shifted-gaussian") is { } dimension)
        {
            return Shifted(parsed, dimension);
        }

        var made = All.FirstOrDefault(e => e.Name == parsed.Proper) is { } entry
            ? entry.Create() : s_families.Select(f => f.TryCreate(parsed)).FirstOrDefault(d => d is not null);
        if (made is null)
        {
            throw new UnknownTargetException(name, [.. Nearest(parsed.Proper)]);
        }

        _ = parsed.Values();
        return made;
    }

    /// <summary>Names like an unknown one, nearest first by edit distance; empty if none is near.</summary>
    public static IEnumerable<string> Nearest(string unknown)
    {
        var limit = Math.Max(2, unknown.Length / 2);
        return All.Select(e => (e.Name, Distance: NearestName.EditDistance(unknown.ToLowerInvariant(), e.Name)))
            .Where(p => p.Distance <= limit).OrderBy(p => p.Distance).Take(3).Select(p => p.Name);
    }

    private static Density Lattice(params int[] sizes) =>
        LatticeTargets.Create(new LatticeField(sizes, LatticeTargets.Defaults.MassSquared, LatticeTargets.Defaults.Coupling));

    private static Density Shifted(TargetName name, int dimension)
    {
        TargetFamily.CheckSize("shifted-gaussian", dimension, 1, 1_000);
        var (shift, scale) = Gaussians.ShiftedSettings(name);
        return Gaussians.Shifted(dimension, shift, scale);
    }
}

/// <summary>One target of the library.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">One line about it.</param>
/// <param name="Dimension">Number of unconstrained coordinates.</param>
/// <param name="Create">Makes it.</param>
public sealed record TargetEntry(string Name, string Description, int Dimension, Func<Density> Create)
{
    /// <summary>The model whose posterior it is; null if it is no posterior.</summary>
    public PosteriorModel? Model { get; init; }
}

/// <summary>Thrown for a target name that doesn't exist.</summary>
public sealed class UnknownTargetException : ArgumentException
{
    internal UnknownTargetException(string name, string[] nearest)
        : base($"There is no target '{name}'" + (nearest.Length == 0 ? "." : $"; did you mean {string.Join(" or ", nearest.Select(n => $"'{n}'"))}?"))
    {
        Nearest = nearest;
    }

    /// <summary>The nearest names that exist.</summary>
    public IReadOnlyList<string> Nearest { get; }
}

/// <summary>Targets whose name ends in their dimension.</summary>
internal sealed record TargetFamily(string Name, int Least, int Most, Func<int, Density> Create)
{
    public Density? TryCreate(TargetName name)
    {
        if (name.Size(Name) is not { } size)
        {
            return null;
        }

        CheckSize(Name, size, Least, Most);
        return Create(size);
    }

    public static void CheckSize(string family, int size, int least, int most)
    {
        if (size < least || size > most)
        {
            throw new ArgumentException(
                $"The target '{family}-{size}' doesn't exist: the size of {family}-D must lie between {least} and {most}.", nameof(size));
        }
    }
}
