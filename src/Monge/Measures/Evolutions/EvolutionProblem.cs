using Monge.Engine.Arrays;
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
    // Draws of the initial law at which the drift is looked at, and differences there that are rounding.
    private const int ProbeCount = 64;
    private const double Rounding = 1e-9;

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
        get => field ?? EvolutionDiffusion.Isotropic(Dimension, Energy?.Temperature ?? 0);
        init;
    }

    /// <summary>
    /// What was seen of a path, in the order of time; none for the law of all paths. With observations the law at a time is that of the position given all of
    /// them up to then.
    /// </summary>
    public IReadOnlyList<Observation> Observations { get; init; } = [];

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

    /// <summary>
    /// The coordinates of each of several like particles, one after another in a position, whose order changes nothing; null for one whole. It divides d.
    /// </summary>
    public int? ParticleDimension { get; init; }

    /// <summary>What is exactly known.</summary>
    public EvolutionFacts Facts { get; init; } = new();

    /// <summary>
    /// The descent to a target: dX = grad log density dt + sqrt(2) dW, which tends to it from any start. The potential is -log density in the target's
    /// unconstrained coordinates (log-Jacobians included), the temperature 1. Where the target's log Z is known, so is the invariant law: the free energy falls
    /// to -log Z.
    /// </summary>
    /// <param name="target">The target.</param>
    /// <param name="initial">The law at time 0; null for the Gaussian of the target's suggested base.</param>
    /// <exception cref="ArgumentException">The initial law has another number of coordinates.</exception>
    public static EvolutionProblem ToTarget(Density target, IBase? initial = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        var start = initial ?? target.Base.ToGaussian();
        if (start.Dimension != target.Dimension)
        {
            throw new ArgumentException(
                $"The initial law has {start.Dimension} coordinates, but '{target.Name}' has {target.Dimension} unconstrained ones.", nameof(initial));
        }

        return new EvolutionProblem
        {
            Name = target.Name,
            Description = $"The descent of -log density to the target '{target.Name}'{(target.HasSupport ? ", in unconstrained coordinates" : "")}, from "
                + $"{(initial is null ? "the Gaussian that is suggested for it" : "a given law")}.",
            Initial = start,
            Energy = new FreeEnergy { Potential = x => -target.LogDensity(x), Temperature = 1 },
            Facts = target.Facts.LogZ is not { } logZ ? new EvolutionFacts() : new EvolutionFacts
            {
                Stationary = new LawFacts { LogDensity = x => target.LogDensity(x) - logZ, Sampler = target.Facts.ExactSampler },
                Source = $"the target's log Z ({target.Facts.LogZSource ?? "known"})",
            },
        };
    }

    /// <summary>What names the problem in a record of a run: its name, and a fingerprint of its drift, diffusion, energies and initial law.</summary>
    public IReadOnlyList<(string Name, string Value)> Identity() => [("problem", Name), ("evolution", DensityFingerprint.Of(this))];

    /// <summary>
    /// Checks that the parts go together: sizes, a drift that is finite where the initial law is, and observations in the order of time.
    /// </summary>
    /// <exception cref="ArgumentException">They don't; the message says what and where.</exception>
    public void Check()
    {
        var d = Dimension;
        if (Diffusion.Dimension != d)
        {
            throw new ArgumentException($"'{Name}' starts in {d} coordinates, but its diffusion has {Diffusion.Dimension}.");
        }

        var size = Domain switch { BoxDomain box => box.Lower.Count, TorusDomain torus => torus.Lower.Count, _ => d };
        if (size != d)
        {
            throw new ArgumentException($"'{Name}' starts in {d} coordinates, but its domain has {size}.");
        }

        if (Drift(Expr.Input("x", d), Expr.Shared("t")).Shape is var shape && shape != new Shape(d))
        {
            throw new ArgumentException($"The drift of '{Name}' has shape {shape}; it must be a vector of {d} coordinates, as positions are.");
        }

        if (ParticleDimension is { } p && (p < 1 || d % p != 0))
        {
            throw new ArgumentException($"'{Name}' has {d} coordinates, which particles of {p} coordinates don't fill; give a divisor.");
        }

        var (positions, values) = (Probes(), DriftAt(Drift));
        if (Array.FindIndex(values, v => !double.IsFinite(v)) is >= 0 and var bad)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"The drift of '{Name}' is {values[bad]} at x = {Words(positions, bad / d)}, a draw of its initial law; write it so that it is finite there."));
        }

        CheckObservations(positions);
    }

    /// <summary>
    /// Why this isn't the gradient flow of its energy, in a sentence: no energy and a drift with a curl, or a drift or diffusion that is not the energy's. Null
    /// where it is.
    /// </summary>
    internal string? NoGradientFlow()
    {
        var (d, positions) = (Dimension, Probes());
        if (Energy is null)
        {
            var jacobians = PointFunction.At(x => Derivative.Jacobian(Drift(x, 0), x), positions, d);
            var (largest, at) = (0.0, (Point: 0, Row: 0, Column: 0));
            for (var k = 0; k < jacobians.Length; k++)
            {
                var (point, i, j) = (k / (d * d), k / d % d, k % d);
                var curl = jacobians[k] - jacobians[(((point * d) + j) * d) + i];
                (largest, at) = curl > largest ? (curl, (point, i, j)) : (largest, at);
            }

            return largest > Rounding * jacobians.Max(Math.Abs)
                ? FormattableString.Invariant(
                    $"the drift of '{Name}' is no gradient: d b_{at.Row}/dx_{at.Column} - d b_{at.Column}/dx_{at.Row} = {largest:g3} at ")
                    + Words(positions, at.Point)
                : $"'{Name}' states no free energy (its drift has no curl where it was looked at: give its potential as Energy)";
        }

        var (drift, descent) = (DriftAt(Drift), DriftAt(Descent));
        var off = Enumerable.Range(0, drift.Length).MaxBy(i => Math.Abs(drift[i] - descent[i]));
        return Math.Abs(drift[off] - descent[off]) > Rounding * (1 + descent.Max(Math.Abs))
            ? FormattableString.Invariant(
                $"the drift of '{Name}' is not its potential's descent: coordinate {off % d} is {drift[off]:g4} for {descent[off]:g4} at ")
                + Words(positions, off / d)
            : Diffusion.Scalar != Energy.Temperature
            ? $"the diffusion of '{Name}' is not the temperature of its energy along each coordinate"
            : null;
    }

    private void CheckObservations(double[] positions)
    {
        for (var k = 0; k < Observations.Count; k++)
        {
            var (time, before) = (Observations[k].Time, k == 0 ? 0 : Observations[k - 1].Time);
            if (time <= before)
            {
                throw new ArgumentException(FormattableString.Invariant(
                    $"Observation {k} of '{Name}' is at t = {time:g6}, after one at t = {before:g6}; give them in the order of time, one for each."));
            }

            if (time > Until)
            {
                throw new ArgumentException(FormattableString.Invariant(
                    $"Observation {k} of '{Name}' is at t = {time:g6}, beyond its last time, {Until:g6}; leave it out, or set a later Until."));
            }

            if (Observations[k].LogLikelihood(Expr.Input("x", Dimension)).Shape is { Rank: > 0 } shape)
            {
                throw new ArgumentException($"The log-likelihood of observation {k} of '{Name}' has shape {shape}; it must be a scalar.");
            }

            var values = PointFunction.At(Observations[k].LogLikelihood, positions, Dimension);
            if (Array.FindIndex(values, v => double.IsNaN(v) || double.IsPositiveInfinity(v)) is >= 0 and var bad)
            {
                throw new ArgumentException(FormattableString.Invariant(
                    $"The log-likelihood of observation {k} of '{Name}' is {values[bad]} at x = {Words(positions, bad)}; it must be a number there."));
            }
        }
    }

    private double[] Probes() => Initial.Sample(ProbeCount, new RandomStream(0, MeasureStreams.Fingerprint));

    private double[] DriftAt(Func<Expr, Expr, Expr> drift)
    {
        using var compiled = new PointFunction(drift, Dimension);
        return compiled.At(Probes());
    }

    private string Words(double[] positions, int point) =>
        $"({string.Join(", ", positions[(point * Dimension)..((point + 1) * Dimension)].Select(v => FormattableString.Invariant($"{v:g4}")))})";

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

    /// <summary>The smaller evolution that this is independent copies of, seen from another side; null where it is none.</summary>
    public EvolutionCopies? Copies { get; init; }

    /// <summary>Where the facts come from.</summary>
    public string Source { get; init; } = "";
}

/// <summary>Independent copies y_k of an evolution, turned together: x = R (y_1, ..., y_m).</summary>
/// <param name="Rotation">R [d * d], row-major, orthogonal.</param>
/// <param name="Part">The evolution of each y_k, in d / m coordinates.</param>
public sealed record EvolutionCopies(IReadOnlyList<double> Rotation, EvolutionProblem Part);

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

    /// <summary>The law as a mixture of Gaussians, where it is one of several.</summary>
    public GaussianMixtureLaw? Mixture { get; init; }

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
