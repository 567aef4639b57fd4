using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>What may be said of a density besides its formula. Everything is optional.</summary>
public sealed record DensityOptions
{
    /// <summary>One sentence about the density.</summary>
    public string Description { get; init; } = "";

    /// <summary>
    /// The supports of the coordinates, block after block in their order; the constrained sizes must add up to the dimension that the formula sees.
    /// Null means the real line for all.
    /// </summary>
    public IReadOnlyList<SupportTransform>? Support { get; init; }

    /// <summary>The names of the reported coordinates; null for x[0], x[1], ...</summary>
    public IReadOnlyList<string>? Names { get; init; }

    /// <summary>From the constrained coordinates (what the formula sees) to the reported ones; null reports the constrained coordinates themselves.</summary>
    public Func<Expr, Expr>? Report { get; init; }

    /// <summary>What is known of the density.</summary>
    public TargetFacts Facts { get; init; } = TargetFacts.None;

    /// <summary>A starting law that covers the target, in unconstrained coordinates; null to have it searched on first use.</summary>
    public BaseSuggestion? Base { get; init; }

    /// <summary>
    /// Where particles may be exchanged or the whole be turned: a random one of the points that the density can't tell from a point, so that chains need not
    /// find each image of a mode by themselves. Chains and particles are reported after it. Null for densities without a symmetry.
    /// </summary>
    public RandomSymmetry? Symmetry { get; init; }
}

/// <summary>Moves a point to a random image of it that has the same density, in place.</summary>
/// <param name="random">The random numbers.</param>
/// <param name="position">A position [d] in unconstrained coordinates.</param>
public delegate void RandomSymmetry(RandomStream random, Span<double> position);
