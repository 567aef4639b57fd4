using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// The law in time of dX = b(X, t) dt + sqrt(2 D) dW from an initial law, d rho / dt = -div(b rho) + div(D grad rho). Time is physical: it runs from 0 to what
/// is
/// asked for, not to 1.
/// </summary>
public sealed record EvolutionProblem
{
    private readonly Func<Expr, Expr, Expr>? _drift;
    private readonly double _until = 1;

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>One line about it.</summary>
    public string Description { get; init; } = "";

    /// <summary>The law at time 0.</summary>
    public required IBase Initial { get; init; }

    /// <summary>d.</summary>
    public int Dimension => Initial.Dimension;

    /// <summary>
    /// The free energy whose gradient flow this is, where it is one; potential and temperature then give drift and diffusion. Null for a drift that is no
    /// gradient.
    /// </summary>
    public FreeEnergy? Energy { get; init; }

    /// <summary>
    /// The drift b(x, t) [d] of a position [d] and a scalar time, without what particles do to each other: by default minus the gradient of the energy's
    /// potential.
    /// </summary>
    public Func<Expr, Expr, Expr> Drift
    {
        get => _drift ?? Descent;
        init => _drift = value;
    }

    /// <summary>The diffusion D: by default the energy's temperature along each coordinate.</summary>
    public EvolutionDiffusion Diffusion
    {
        get => field ?? EvolutionDiffusion.Isotropic(Dimension, Energy?.Entropy ?? 0);
        init;
    }

    /// <summary>Where it lives.</summary>
    public EvolutionDomain Domain { get; init; } = EvolutionDomain.WholeSpace;

    /// <summary>The time up to which it is usually followed, above 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not above 0, or not finite.</exception>
    public double Until
    {
        get => _until;
        init => _until = value > 0 && double.IsFinite(value)
            ? value : throw new ArgumentOutOfRangeException(nameof(Until), value, "The time to follow an evolution must be above 0 and finite.");
    }

    /// <summary>What is exactly known.</summary>
    public EvolutionFacts Facts { get; init; } = new();

    /// <summary>What names the problem in a record of a run: its name, and a fingerprint of its drift, diffusion, energies and initial law.</summary>
    public IReadOnlyList<(string Name, string Value)> Identity() => [("problem", Name), ("evolution", DensityFingerprint.Of(this))];

    private Expr Descent(Expr x, Expr t) => Energy?.Potential is { } potential
        ? -Derivative.Gradient(potential(x), x)
        : Expr.Constant(new double[Dimension], Dimension);
}

/// <summary>What is exactly known of an evolution.</summary>
public sealed record EvolutionFacts
{
    /// <summary>The law at a time; null where it isn't known.</summary>
    public Func<double, LawFacts>? Law { get; init; }

    /// <summary>The law that it tends to; null where there is none or it isn't known.</summary>
    public LawFacts? Stationary { get; init; }

    /// <summary>Where the facts come from.</summary>
    public string Source { get; init; } = "";
}

/// <summary>What is known of a law. What isn't is null.</summary>
public sealed record LawFacts
{
    /// <summary>The normalised log density of a position [d], a scalar.</summary>
    public Func<Expr, Expr>? LogDensity { get; init; }

    /// <summary>Draws n independent exact samples, [n * d] row-major.</summary>
    public Func<int, RandomStream, double[]>? Sampler { get; init; }

    /// <summary>The mean [d].</summary>
    public double[]? Mean { get; init; }

    /// <summary>The covariance [d, d].</summary>
    public double[,]? Covariance { get; init; }

    /// <summary>The differential entropy -int rho log rho.</summary>
    public double? Entropy { get; init; }

    /// <summary>What is known of a Gaussian.</summary>
    /// <param name="mean">The mean [d].</param>
    /// <param name="covariance">The covariance [d, d].</param>
    /// <exception cref="ArgumentException">The sizes differ, or the covariance isn't positive definite.</exception>
    public static LawFacts Gaussian(double[] mean, double[,] covariance)
    {
        ArgumentNullException.ThrowIfNull(mean);
        var factor = LowerTriangle.TryFactor(covariance)
            ?? throw new ArgumentException("The covariance of a Gaussian isn't positive definite.", nameof(covariance));
        var law = GaussianBase.Full(mean, factor);
        return new LawFacts
        {
            LogDensity = law.LogDensity,
            Sampler = law.Sample,
            Mean = mean,
            Covariance = covariance,
            Entropy = law.LogDeterminant + (0.5 * mean.Length * Math.Log(2 * Math.PI * Math.E)),
        };
    }
}
