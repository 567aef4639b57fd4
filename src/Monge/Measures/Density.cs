using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// An unnormalised density on R^d, traced: the formula of one sample. Coordinates with a bounded support are transformed to the real line and the
/// log-Jacobian is added, so a sampler sees all of R^d; reported values are back in the source's own parameters.
/// </summary>
public sealed class Density
{
    private const double FewPoints = 0.2;

    private readonly Func<Expr, Expr> _logDensity;
    private readonly Func<Expr, Expr> _report;
    private readonly Lazy<TracedProgram> _program;
    private readonly Lock _searching = new();
    private BaseSuggestion? _base;

    // Both the command line and a sampler ask.
    private bool _hasGoodTails;

    private Density(string name, int dimension, Func<Expr, Expr> logDensity, Func<Expr, Expr> report, string description, IReadOnlyList<string> names,
        TargetFacts facts, BaseSuggestion? suggestion)
    {
        Name = name;
        Dimension = dimension;
        Description = description;
        Names = names;
        Facts = facts;
        _logDensity = logDensity;
        _report = report;
        _program = new Lazy<TracedProgram>(Trace);
        (_base, HasGivenBase) = (suggestion, suggestion is not null);
    }

    /// <summary>The name, as in messages and run files.</summary>
    public string Name { get; }

    /// <summary>Number of unconstrained coordinates d.</summary>
    public int Dimension { get; }

    /// <summary>One sentence about the density; may be empty.</summary>
    public string Description { get; }

    /// <summary>The names of the reported coordinates.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>What is known of the density.</summary>
    public TargetFacts Facts { get; }

    /// <summary>
    /// A starting law that covers the target; searched on first use if the density was made without one (modes by Newton's method, then moments by adaptive
    /// importance sampling), in a second or two.
    /// </summary>
    public BaseSuggestion Base => FindBase(default);

    /// <summary>As <see cref="Base"/>; a search that is stopped leaves nothing behind and begins again when asked for.</summary>
    internal BaseSuggestion FindBase(CancellationToken cancellation)
    {
        lock (_searching)
        {
            return _base ??= BaseSearch.Suggest(this, cancellation);
        }
    }

    /// <summary>Whether the base was given with the density, so that none need be searched for.</summary>
    internal bool HasGivenBase { get; private init; }

    /// <summary>Whether the density has loops: then a search for its base takes long.</summary>
    internal bool HasLoops => _program.Value.HasLoops;

    /// <summary>Whether a coordinate has a bounded or half-bounded support.</summary>
    internal bool HasSupport { get; private init; }

    private RandomSymmetry? Symmetry { get; init; }

    /// <summary>Makes a density from a formula.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="dimension">Number of coordinates the formula sees (constrained, if a support is given).</param>
    /// <param name="logDensity">From a position [dimension] to the logarithm of the unnormalised density, a scalar. It is
    /// traced, not run for each sample.</param>
    /// <param name="options">Supports, names, facts, a suggested base.</param>
    /// <exception cref="ArgumentException">The name is empty, the dimension not positive, or supports or names don't fit the dimension.</exception>
    public static Density Create(string name, int dimension, Func<Expr, Expr> logDensity, DensityOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimension);
        ArgumentNullException.ThrowIfNull(logDensity);
        options ??= new DensityOptions();
        var blocks = options.Support ?? [SupportTransform.Real(dimension)];
        var seen = blocks.Sum(b => b.ConstrainedSize);
        if (seen != dimension)
        {
            throw new ArgumentException($"The supports of the density '{name}' cover {seen} coordinates, but its dimension is {dimension}.", nameof(options));
        }

        if (options.Report is not null && options.Names is null)
        {
            throw new ArgumentException($"The density '{name}' has a report function but no names for what it reports; give Names.", nameof(options));
        }

        if (options.Report is null && options.Names is { } given && given.Count != dimension)
        {
            throw new ArgumentException($"The density '{name}' has {given.Count} names for {dimension} coordinates.", nameof(options));
        }

        var free = blocks.Sum(b => b.UnconstrainedSize);
        if (options.Base is { } suggestion && (suggestion.Center.Length != free || suggestion.Scale.Length != free))
        {
            throw new ArgumentException(
                $"The base suggested for the density '{name}' has {suggestion.Center.Length} coordinates; the density has {free} unconstrained ones.",
                nameof(options));
        }

        Expr Formula(Expr x)
        {
            var value = logDensity(x);
            return value.Shape.Rank == 0 ? value : throw new DensityException(
                $"The log density of '{name}' has shape {value.Shape}; it must be a scalar (sum over the coordinates, for example with Sum()).");
        }

        var support = new DensitySupport(blocks, Formula);
        Expr Report(Expr u) => options.Report is null ? support.Constrain(u) : options.Report(support.Constrain(u));
        var names = options.Names ?? [.. Enumerable.Range(0, dimension).Select(i => $"x[{i}]")];
        return new Density(name, free, support.LogDensity, Report, options.Description, [.. names], options.Facts, options.Base)
        {
            HasSupport = blocks.Any(b => b is not RealSupport),
            Symmetry = options.Symmetry,
        };
    }

    /// <summary>The logarithm of the unnormalised density in unconstrained coordinates, log-Jacobians included.</summary>
    /// <param name="x">A position [d].</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="DensityException">The formula doesn't fit: it gives no scalar, or an operation in it fails on the shapes.</exception>
    public Expr LogDensity(Expr x) => Traced(_logDensity, x, "log density");

    /// <summary>The reported (constrained) values.</summary>
    /// <param name="x">A position [d].</param>
    /// <returns>[Names.Count].</returns>
    /// <exception cref="DensityException">The report doesn't give one value for each name.</exception>
    public Expr Report(Expr x)
    {
        var values = Traced(_report, x, "report");
        return values.Shape.Rank == 1 && values.Size == Names.Count
            ? values
            : throw new DensityException(
                $"The report of the density '{Name}' has shape {values.Shape}; it must be a vector of one value for each of the {Names.Count} names.");
    }

    /// <summary>
    /// The same measure in other coordinates: x = m + L z for the mean m and factor L of a Gaussian, which becomes the standard normal. log|det L| is
    /// added, so the log-normaliser stays; reports, facts and modes are carried over.
    /// </summary>
    /// <param name="gaussian">The law that becomes standard normal; usually a Laplace approximation.</param>
    public Density Whiten(GaussianBase gaussian)
    {
        if (gaussian.Dimension != Dimension)
        {
            throw new ArgumentException(
                $"The Gaussian has {gaussian.Dimension} coordinates and the density '{Name}' {Dimension}; they must agree.", nameof(gaussian));
        }

        double[] ToPosition(double[] z)
        {
            var x = new double[Dimension];
            gaussian.ToPosition(z, x);
            return x;
        }

        double[] ToNoise(double[] positions)
        {
            var noise = new double[positions.Length];
            for (var at = 0; at < positions.Length; at += Dimension)
            {
                gaussian.ToNoise(positions.AsSpan(at, Dimension), noise.AsSpan(at, Dimension));
            }

            return noise;
        }

        var facts = Facts with
        {
            Modes = Facts.Modes is { } m
                ? new ModeSet(
                    [.. m.Weights], z => m.Label(ToPosition(z)), m.Name, m.Count > 0 && m.Position(0) is not null ? k => ToNoise(m.Position(k)!) : null)
                : null,
            ExactSampler = Facts.ExactSampler is { } draw ? (n, random) => ToNoise(draw(n, random)) : null,
        };
        var ones = Enumerable.Repeat(1.0, Dimension).ToArray();
        return new Density(
            Name, Dimension, z => LogDensity(gaussian.FromNoise(z)) + gaussian.LogDeterminant, z => Report(gaussian.FromNoise(z)), Description, Names, facts,
            new BaseSuggestion(new double[Dimension], ones, "standard normal after whitening"))
        { HasSupport = HasSupport };
    }

    /// <summary>Moves draws [n, d] to random images of them, in place, if the density has a symmetry.</summary>
    internal void Symmetrise(double[] positions, ulong seed)
    {
        if (Symmetry is null)
        {
            return;
        }

        var random = new RandomStream(seed, MeasureStreams.Symmetry);
        for (var at = 0; at < positions.Length; at += Dimension)
        {
            Symmetry(random, positions.AsSpan(at, Dimension));
        }
    }

    /// <summary>The same density, of which other things are known.</summary>
    internal Density WithFacts(TargetFacts facts) => new(Name, Dimension, _logDensity, _report, Description, Names, facts, _base)
    {
        HasSupport = HasSupport,
        HasGivenBase = HasGivenBase,
        Symmetry = Symmetry,
    };

    /// <summary>The same density with a guard before it, for paths and losses.</summary>
    internal Density Guarded(DensityGuard guard) =>
        new(Name, Dimension, x => guard.LogDensity(LogDensity, x), Report, Description, Names, Facts, Base) { HasSupport = HasSupport };

    /// <summary>The log density at positions on the host, in float64 by the reference interpreter: exact but slow, for checks and small jobs.</summary>
    /// <param name="positions">Positions [n * d], row-major.</param>
    /// <returns>Log densities [n].</returns>
    public double[] LogDensityAt(double[] positions) => Evaluate(positions, "logDensity");

    /// <summary>The gradients of the log density at positions on the host, in float64 by the reference interpreter.</summary>
    /// <param name="positions">Positions [n * d], row-major.</param>
    /// <returns>Gradients [n * d].</returns>
    public double[] GradientAt(double[] positions) => Evaluate(positions, "gradient");

    /// <summary>The reported values at positions on the host, in float64 by the reference interpreter.</summary>
    /// <param name="positions">Positions [n * d], row-major.</param>
    /// <returns>Values [n * Names.Count].</returns>
    public double[] ReportAt(double[] positions) => Evaluate(positions, "report");

    /// <summary>
    /// The part of <see cref="Check"/> that needs no base: the formula can be traced, and the density neither grows without bound along a ray nor falls too
    /// slowly to have a finite integral. A density whose integral is known passes.
    /// </summary>
    /// <param name="cancellation">Stops the search for a base, which only a suspicion needs.</param>
    /// <exception cref="DensityException">The density can't be used; the message says why.</exception>
    public void CheckTails(CancellationToken cancellation = default)
    {
        _ = _program.Value;
        if (_hasGoodTails || Facts.LogZ is not null)
        {
            return;
        }

        UnboundedCheck.Run(this);
        var origin = new double[Dimension];
        if (double.IsFinite(LogDensityAt(origin)[0]))
        {
            IntegralCheck.Run(this, origin, cancellation);
        }

        _hasGoodTails = true;
    }

    /// <summary>Evaluates the density at the centre of its base and at draws from it, so that a wrong formula is told before training starts.</summary>
    /// <param name="points">Number of draws.</param>
    /// <param name="cancellation">Stops the search for a base.</param>
    /// <exception cref="OperationCanceledException">It was asked for.</exception>
    /// <exception cref="DensityException"> The density grows without bound along a ray, has no finite integral, or its value has a wrong shape, is plus
    /// infinity somewhere, is NaN at more than a few draws, is minus infinity everywhere, or its gradient is not finite at more than a few where the value
    /// is. </exception>
    public void Check(int points = 16, CancellationToken cancellation = default)
    {
        var program = _program.Value;
        CheckTails(cancellation);
        var start = FindBase(cancellation);
        double[] positions = [.. start.Center, .. start.ToGaussian().Sample(points, new RandomStream(0))];
        var values = ReferenceInterpreter.Evaluate(program, points + 1, new Dictionary<string, double[]> { ["x"] = positions }, []);
        var (possible, refused, reason) = (false, 0, "");
        void Refuse(string sentence)
        {
            // Few such points are left out by whoever meets them; of many the first one is told.
            reason = refused++ == 0 ? sentence : reason;
            if (refused > FewPoints * (points + 1))
            {
                throw new DensityException(reason);
            }
        }

        for (var s = 0; s <= points; s++)
        {
            // A constant formula is evaluated once for all points.
            var value = values["logDensity"][program.Outputs[0].Value.IsUniform ? 0 : s];
            var place = $"at {At(values["report"], s)}; check the formula there (a logarithm or root of a negative number, 0/0), or give the coordinates "
                + "a support.";
            if (double.IsPositiveInfinity(value))
            {
                throw new DensityException($"The log density of '{Name}' is infinite {place}");
            }

            if (double.IsNaN(value))
            {
                Refuse($"The log density of '{Name}' is NaN {place}");
            }

            possible |= double.IsFinite(value);
            var gradient = program.Outputs[1].Value.IsUniform ? values["gradient"] : values["gradient"][(s * Dimension)..((s + 1) * Dimension)];
            if (double.IsFinite(value) && !gradient.All(double.IsFinite))
            {
                Refuse(
                    $"The gradient of the log density of '{Name}' is not finite at {At(values["report"], s)}, though the value is; smooth the formula there.");
            }
        }

        if (!possible)
        {
            throw new DensityException(
                $"The log density of '{Name}' is minus infinity at the centre of its base and at all {points} draws from it; suggest a base that overlaps "
                + "the target (DensityOptions.Base).");
        }

        // Where the origin has a value, that was the place to check from.
        if (Facts.LogZ is null && !double.IsFinite(LogDensityAt(new double[Dimension])[0]))
        {
            IntegralCheck.Run(this, start.Center, cancellation);
        }
    }

    /// <summary>Reported values [Names.Count] in words.</summary>
    internal string Describe(ReadOnlySpan<double> reported)
    {
        const int shown = 6;
        var values = new List<string>();
        for (var i = 0; i < Math.Min(reported.Length, shown); i++)
        {
            values.Add(FormattableString.Invariant($"{Names[i]} = {reported[i]:g4}"));
        }

        return string.Join(", ", values) + (reported.Length > shown ? ", ..." : "");
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} (d = {Dimension})";

    private Expr Traced(Func<Expr, Expr> formula, Expr x, string what)
    {
        if (x.Shape.Rank != 1 || x.Size != Dimension)
        {
            throw new DensityException($"The density '{Name}' was given a position of shape {x.Shape}; it needs [{Dimension}].");
        }

        try
        {
            return formula(x);
        }
        catch (ShapeException error)
        {
            throw new DensityException($"The {what} of '{Name}' can't be traced: {error.Message}", error);
        }
    }

    private TracedProgram Trace()
    {
        var x = Expr.Input("x", Dimension);
        var value = LogDensity(x);
        return new TracedProgram(null, ("logDensity", value), ("gradient", Derivative.Gradient(value, x)), ("report", Report(x)));
    }

    private double[] Evaluate(double[] positions, string output)
    {
        if (positions.Length % Dimension != 0)
        {
            throw new ArgumentException(
                $"{positions.Length} numbers are not a whole number of positions of the density '{Name}', which has {Dimension} coordinates.",
                nameof(positions));
        }

        var samples = positions.Length / Dimension;
        var program = new TracedProgram(null, _program.Value.Outputs.First(o => o.Name == output));
        var values = ReferenceInterpreter.Evaluate(program, samples, new Dictionary<string, double[]> { ["x"] = positions }, [])[output];
        return program.Outputs[0].Value.IsUniform ? [.. Enumerable.Repeat(values, samples).SelectMany(v => v)] : values;
    }

    private string At(double[] reported, int sample)
    {
        var at = reported.Length == Names.Count ? 0 : sample * Names.Count;
        return Describe(reported.AsSpan(at, Names.Count));
    }
}
