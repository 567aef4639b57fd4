namespace Monge.Measures;

/// <summary>Where an evolution lives.</summary>
public abstract record EvolutionDomain
{
    /// <summary>All of R^d.</summary>
    public static EvolutionDomain WholeSpace { get; } = new WholeSpaceDomain();

    /// <summary>A box whose walls nothing passes.</summary>
    /// <param name="lower">Its lower corner [d].</param>
    /// <param name="upper">Its upper corner [d].</param>
    /// <exception cref="ArgumentException">The corners differ in length, aren't finite, or a lower bound isn't below the upper one.</exception>
    public static EvolutionDomain Box(double[] lower, double[] upper) => new BoxDomain(Corners(lower, upper), [.. upper]);

    /// <summary>A box whose opposite faces are one: what leaves at one face enters at the other.</summary>
    /// <param name="lower">Its lower corner [d].</param>
    /// <param name="upper">Its upper corner [d].</param>
    /// <exception cref="ArgumentException">The corners differ in length, aren't finite, or a lower bound isn't below the upper one.</exception>
    public static EvolutionDomain Torus(double[] lower, double[] upper) => new TorusDomain(Corners(lower, upper), [.. upper]);

    private static double[] Corners(double[] lower, double[] upper)
    {
        ArgumentNullException.ThrowIfNull(lower);
        ArgumentNullException.ThrowIfNull(upper);
        if (lower.Length == 0 || lower.Length != upper.Length)
        {
            throw new ArgumentException(
                $"The corners of a domain have {lower.Length} and {upper.Length} coordinates; they need as many, at least one.", nameof(upper));
        }

        for (var i = 0; i < lower.Length; i++)
        {
            if (!double.IsFinite(lower[i]) || !double.IsFinite(upper[i]) || !(lower[i] < upper[i]))
            {
                throw new ArgumentException(
                    FormattableString.Invariant($"Coordinate {i} of a domain goes from {lower[i]} to {upper[i]}; it needs finite bounds, the lower one first."),
                    nameof(upper));
            }
        }

        return [.. lower];
    }
}

/// <summary>All of R^d.</summary>
public sealed record WholeSpaceDomain : EvolutionDomain
{
    internal WholeSpaceDomain()
    {
    }
}

/// <summary>A box whose walls nothing passes.</summary>
public sealed record BoxDomain : EvolutionDomain
{
    internal BoxDomain(double[] lower, double[] upper) => (Lower, Upper) = (lower, upper);

    /// <summary>The lower corner [d].</summary>
    public IReadOnlyList<double> Lower { get; }

    /// <summary>The upper corner [d].</summary>
    public IReadOnlyList<double> Upper { get; }
}

/// <summary>A box whose opposite faces are one.</summary>
public sealed record TorusDomain : EvolutionDomain
{
    internal TorusDomain(double[] lower, double[] upper) => (Lower, Upper) = (lower, upper);

    /// <summary>The lower corner [d].</summary>
    public IReadOnlyList<double> Lower { get; }

    /// <summary>The upper corner [d].</summary>
    public IReadOnlyList<double> Upper { get; }
}
