using System.Globalization;
using Monge.Data;

namespace Monge.Measures;

/// <summary>One evolution problem of the library.</summary>
/// <param name="Name">Its name; of a family with a size, that of a usual size.</param>
/// <param name="Description">One line about it.</param>
/// <param name="Dimension">d.</param>
/// <param name="Create">Makes it.</param>
public sealed record EvolutionEntry(string Name, string Description, int Dimension, Func<EvolutionProblem> Create);

/// <summary>The evolution problems that come with the library, each with what is exactly known of it.</summary>
public static class EvolutionLibrary
{
    // Name, least and largest size (a dimension, or a number of particles), and what makes it of a size and the number of a random draw.
    private static readonly (string Name, int Least, int Most, bool IsDrawn, Func<int, int, EvolutionProblem> Create)[] s_families =
    [
        ("ou", 1, 64, true, GradientFlows.OrnsteinUhlenbeck),
        ("heat", 1, 64, false, (d, _) => GradientFlows.Heat(d)),
        ("mixture", 1, 32, true, GradientFlows.Mixture),
        ("aggregation", 1, 64, false, (d, _) => GradientFlows.Aggregation(d)),
        ("swirling-wells", 2, 64, true, Currents.SwirlingWells),
        ("harmonic-trap", 1, 50, false, (n, _) => ParticleSystems.HarmonicTrap(n)),
        ("anharmonic-trap", 1, 50, false, (n, _) => ParticleSystems.AnharmonicTrap(n)),
        ("soft-spheres", 2, 32, false, (n, _) => ParticleSystems.SoftSpheres(n)),
    ];

    // Those without a size, of a random draw.
    private static readonly (string Name, Func<int, EvolutionProblem> Create)[] s_drawn =
    [
        ("filtering", FilteringProblems.Rippled),
        ("filtering-linear", FilteringProblems.Linear),
    ];

    // Before the name of a target that a problem has too.
    private const string TargetMark = "target-";

    /// <summary>All problems by name; of a family with a size, a usual one.</summary>
    public static IReadOnlyList<EvolutionEntry> All { get; } =
    [
        new("ou-12", "an Ornstein-Uhlenbeck process to a Gaussian; ou-D up to 64, and @draw=K for another Gaussian", 12, () => Get("ou-12")),
        new("heat-2", "Brownian motion; heat-D up to 64", 2, () => Get("heat-2")),
        new("mixture-2", "a diffusion from N(0, 16 I) to a Gaussian mixture; mixture-D up to 32, and @draw=K for other centres", 2, () => Get("mixture-2")),
        new("double-well", "a particle in a double well on the line", 1, GradientFlows.DoubleWell),
        new("swirling-wells-10", "planar double wells with a current, turned by a rotation; swirling-wells-D for other even D, and @draw=K", 10,
            () => Get("swirling-wells-10")),
        new("harmonic-trap-10", "particles in the plane in a harmonic trap that goes round; harmonic-trap-N for up to 50 particles", 20,
            () => Get("harmonic-trap-10")),
        new("anharmonic-trap-5", "particles in the plane in an anharmonic trap that goes round; anharmonic-trap-N for up to 50", 10,
            () => Get("anharmonic-trap-5")),
        new("soft-spheres-5", "soft spheres in the plane in an anharmonic trap that goes round; soft-spheres-N for 2 to 32", 10,
            () => Get("soft-spheres-5")),
        new("swimmer", "an active swimmer: noise in its velocity alone, cubic pull on its position", 2, Currents.Swimmer),
        new("filtering", "a particle in a rippled potential, given nine noisy observations; @draw=K for another path", 1, () => Get("filtering")),
        new("filtering-linear", "an Ornstein-Uhlenbeck process, given nine noisy observations; @draw=K for another path", 1, () => Get("filtering-linear")),
        new("porous-medium", "the porous-medium equation with power 2 in the plane", 2, GradientFlows.PorousMedium),
        new("aggregation-2", "particles that attract each other and diffuse; aggregation-D up to 64", 2, () => Get("aggregation-2")),
    ];

    /// <summary>
    /// Makes a problem by its name, such as ou-7 or mixture-4@draw=3. A target of the library (<see cref="TargetLibrary"/>) is one by its own name too: the
    /// descent to it (<see cref="EvolutionProblem.ToTarget"/>); where a problem has the name already, with target- before it.
    /// </summary>
    /// <param name="name">The name.</param>
    /// <exception cref="ArgumentException">There is no problem or target of this name, or a size or setting is impossible; the message says what there is.
    /// </exception>
    public static EvolutionProblem Get(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (Own(TargetName.Parse(name, "problem")) is { } problem)
        {
            return problem;
        }

        var isMarked = name.StartsWith(TargetMark, StringComparison.Ordinal);
        try
        {
            var descent = EvolutionProblem.ToTarget(TargetLibrary.Get(isMarked ? name[TargetMark.Length..] : name));
            return Own(TargetName.Parse(descent.Name)) is null ? descent : descent with { Name = TargetMark + descent.Name };
        }
        catch (UnknownTargetException error)
        {
            var nearest = NearestName.Find(TargetName.Parse(name).Proper, [.. All.Select(e => e.Name), .. TargetLibrary.All.Select(t => t.Name)]);
            throw new ArgumentException(
                $"There is no problem '{name}'{(nearest is null ? "" : $"; did you mean '{nearest}'")}; there are "
                + $"{string.Join(", ", All.Select(e => e.Name))}, and all targets.", nameof(name), error);
        }
    }

    private static EvolutionProblem? Own(TargetName parsed)
    {
        foreach (var family in s_families)
        {
            if (parsed.Size(family.Name) is not { } d)
            {
                continue;
            }

            if (d < family.Least || d > family.Most)
            {
                throw new ArgumentException($"The problem '{family.Name}-D' is for D from {family.Least} to {family.Most}; {d} was asked for.");
            }

            if (!family.IsDrawn)
            {
                _ = parsed.Values();
            }

            return family.Create(d, family.IsDrawn ? Draw(parsed) : 1);
        }

        if (s_drawn.FirstOrDefault(e => e.Name == parsed.Proper).Create is { } create)
        {
            return create(Draw(parsed));
        }

        if (All.FirstOrDefault(e => e.Name == parsed.Proper) is not { } entry)
        {
            return null;
        }

        _ = parsed.Values();
        return entry.Create();
    }

    // The number of a random draw, 1 where it isn't told.
    private static int Draw(TargetName name)
    {
        var draw = name.Values(("draw", 1))[0];
        return draw >= 1 && draw <= int.MaxValue && draw == Math.Floor(draw)
            ? (int)draw
            : throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"The draw of '{name.Proper}' is {draw}; it must be a whole number from 1."), nameof(name));
    }
}
