using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.Paths;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// A target made ready for transport: coordinates z in which the base is standard normal (x = m + L z, or x = m + L S(z) with a bent S), the exponents of the
/// annealing, and numbers measured by annealed importance sampling.
/// </summary>
internal sealed record TransportProblem
{
    private const string CurvatureName = "path.logCurvature";
    private const string EvenName = "path.isEven";

    /// <summary>The density.</summary>
    public required Density Target { get; init; }

    /// <summary>The base N(m, L L^T) in unconstrained coordinates.</summary>
    public required GaussianBase Base { get; init; }

    /// <summary>The law p0 at t = 0 in z, where it is a mixture over separate modes; null for the standard normal.</summary>
    public GaussianMixtureLaw? Start { get; init; }

    /// <summary>A bent change of coordinates y = S(z) before x = m + L y; null for none.</summary>
    public TriangularMap? Bend { get; init; }

    /// <summary>Estimate of log Z that is taken off log rho during training, so that c(t) stays small.</summary>
    public required double Offset { get; init; }

    /// <summary>The exponent of the target's share.</summary>
    public required double TargetExponent { get; init; }

    /// <summary>The exponent of the base's share.</summary>
    public required double BaseExponent { get; init; }

    /// <summary>Mean square of the target's score in z, per coordinate: the mean curvature, which sets the Langevin step.</summary>
    public required double Stiffness { get; init; }

    /// <summary>Half-widths [d] of a box in z that holds the target's mass.</summary>
    public required double[] TargetBox { get; init; }

    /// <summary>
    /// Coefficients of the polynomial in t that is the logarithm of the mean curvature of a path given by the user, in z; null for the annealing.
    /// </summary>
    public double[]? LogCurvature { get; init; }

    /// <summary>What stands before a target that is zero or not finite in some places; null for none.</summary>
    public DensityGuard? Guard { get; init; }

    /// <summary>
    /// Whether particles keep most of their weights along the path without any drift, and no other path was tried: short kernels are enough then.
    /// </summary>
    public bool IsEven { get; init; }

    /// <summary>How base and exponents were found, in words.</summary>
    public required string Source { get; init; }

    /// <summary>The network that the preparation chose; null if there was no choice.</summary>
    public NetworkChoice? Network { get; init; }

    /// <summary>Evaluations of the target by the preparation.</summary>
    public long PreparationCalls { get; init; }

    /// <summary>The annealing in z, guarded if the target has to be.</summary>
    public AnnealingPath Path()
    {
        var logDensity = Guard is null ? Whitened().LogDensity : (this with { Target = Target.Guarded(Guard), Guard = null }).Whitened().LogDensity;
        return new AnnealingPath(Target.Dimension, z => logDensity(z) - Offset, TargetExponent, BaseExponent, Start);
    }

    /// <summary>
    /// The path in z: the annealing, or a path that was given in the target's unconstrained coordinates, its values less a share of the offset.
    /// </summary>
    public IDensityPath Path(IDensityPath? given) => LogCurvature is null ? Path() : new RescaledPath(given!, Unit, Offset);

    /// <summary>The offset's part in V_t: log Z_t of the path itself is that of <see cref="Path(IDensityPath)"/> and this.</summary>
    public double PathOffset(double t) => Offset * (LogCurvature is null ? Math.Pow(t, TargetExponent) : t);

    /// <summary>
    /// The diffusion in z of one unit of the option: a given path's z is its x over one scale, the annealing's diffusion is in units of the base.
    /// </summary>
    public double DiffusionUnit => LogCurvature is null ? 1 : 1 / (Unit * Unit);

    // The standard deviation that one unit of z stands for, for a given path.
    private double Unit => Base.StandardDeviation[0];

    /// <summary>The target's log density (log-determinants included) and report as functions of z.</summary>
    public (Func<Expr, Expr> LogDensity, Func<Expr, Expr> Report) Whitened()
    {
        var whitened = Target.Whiten(Base);
        if (Bend is not { } bend)
        {
            return (whitened.LogDensity, whitened.Report);
        }

        Expr LogDensity(Expr z)
        {
            var (position, logDeterminant) = bend.Apply(z);
            return whitened.LogDensity(position) + logDeterminant;
        }

        return (LogDensity, z => whitened.Report(bend.Apply(z).Position));
    }

    /// <summary>Which points z [d] of a training are of use, and that a drift is to rest at the others; null if the target isn't guarded.</summary>
    /// <param name="drift">The drift that is trained.</param>
    /// <param name="z">The position, traced.</param>
    /// <param name="t">The time.</param>
    /// <param name="scale">The scale of the loss.</param>
    /// <param name="points">Points of a batch, whose losses are averaged.</param>
    public GuardedPoints? Points(IVectorField drift, Expr z, Expr t, double scale, int points) => Guard is null
        ? null
        : new GuardedPoints(DensityGuard.IsUsable(Whitened().LogDensity, z), ContinuityResidual.AtRest(drift, z, t, scale) / points);

    /// <summary>The unconstrained positions [n * d], row-major, of particles z [n, d].</summary>
    public double[] ToPositions<T>(NdArray<T> particles)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var d = Base.Dimension;
        var positions = new double[particles.Length];
        var z = new double[d];
        for (var i = 0; i < particles.Rows; i++)
        {
            for (var j = 0; j < d; j++)
            {
                z[j] = double.CreateChecked(particles[(i * d) + j]);
            }

            ToPosition(z, positions.AsSpan(i * d, d));
        }

        return positions;
    }

    /// <summary>The unconstrained position x [d] of z [d], on the host.</summary>
    public void ToPosition(ReadOnlySpan<double> z, Span<double> position)
    {
        if (Bend is null)
        {
            Base.ToPosition(z, position);
            return;
        }

        var y = new double[z.Length];
        Bend.Apply(z, y);
        Base.ToPosition(y, position);
    }

    /// <summary>z [d] of the unconstrained position x [d], on the host: the inverse of <see cref="ToPosition"/>.</summary>
    public void ToNoise(ReadOnlySpan<double> position, Span<double> z)
    {
        if (Bend is null)
        {
            Base.ToNoise(position, z);
            return;
        }

        var y = new double[z.Length];
        Base.ToNoise(position, y);
        Bend.Invert(y, z);
    }

    /// <summary>Exact draws of the target in z [n, d]; null if it has no exact sampler.</summary>
    /// <param name="count">Number n of draws.</param>
    /// <param name="seed">The seed of the run.</param>
    public NdArray<T>? ExactDraws<T>(int count, ulong seed)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (Target.Facts.ExactSampler is not { } sampler)
        {
            return null;
        }

        var d = Base.Dimension;
        var positions = sampler(count, new RandomStream(seed, SamplingStreams.ExactDraws));
        var (draws, z) = (new NdArray<T>(count, d), new double[d]);
        for (var at = 0; at < positions.Length; at += d)
        {
            ToNoise(positions.AsSpan(at, d), z);
            for (var j = 0; j < d; j++)
            {
                draws[at + j] = T.CreateChecked(z[j]);
            }
        }

        return draws;
    }

    /// <summary>log p0 [n] at the first n of positions z, on the host.</summary>
    public double[] LogBase<T>(NdArray<T> positions, int samples)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (Start is not { } start)
        {
            return TargetEvaluation.LogBase(positions, samples);
        }

        var (values, z) = (new double[samples], new double[Base.Dimension]);
        for (var i = 0; i < samples; i++)
        {
            for (var j = 0; j < z.Length; j++)
            {
                z[j] = double.CreateChecked(positions.Row(i)[j]);
            }

            values[i] = start.LogDensity(z);
        }

        return values;
    }

    /// <summary>The mean curvature of log p0: 1 for the standard normal.</summary>
    public double StartCurvature => Start is not { } start ? 1 : Enumerable.Range(0, start.Count).Sum(
        k => start.Weights[k] * Enumerable.Range(0, start.Dimension).Average(i => 1 / start.Covariances[k][i, i]));

    /// <summary>The mean curvature of V_t: the Langevin step is measured in units of its inverse.</summary>
    public double Curvature(double t) => LogCurvature is { } c
        ? Math.Exp(Enumerable.Range(0, c.Length).Sum(k => c[k] * Math.Pow(t, k)))
        : (Math.Pow(t, TargetExponent) * Stiffness) + (StartCurvature * Math.Pow(1 - t, BaseExponent)) + 1e-3;

    /// <summary>The same, traced.</summary>
    public Expr Curvature(Expr t)
    {
        if (LogCurvature is not { } c)
        {
            var start = (1 - t).Clamp(0, 1).Pow(BaseExponent);
            return (t.Clamp(0, 1).Pow(TargetExponent) * Stiffness) + (Start is null ? start : StartCurvature * start) + 1e-3;
        }

        Expr sum = c[^1];
        for (var k = c.Length - 2; k >= 0; k--)
        {
            sum = (sum * t) + c[k];
        }

        return sum.Exp();
    }

    /// <summary>The diffusion of a step whose Langevin part moves by a fraction delta of the inverse mean curvature.</summary>
    public double Diffusion(double delta, double t, double next) => delta / (Math.Max(Curvature(t), Curvature(next)) * (next - t));

    /// <summary>The diffusion that gives a number of relaxation times of the mean curvature over the whole run.</summary>
    public double RelaxationDiffusion(double relaxation, double t, double next) => relaxation / Math.Max(Curvature(t), Curvature(next));

    /// <summary>Writes arrays and numbers for a file.</summary>
    public void Save(RunState state)
    {
        var d = Base.Dimension;
        state.Put("base.mean", [.. Base.Mean]);
        state.Put("base.factor", Factor(Base), d, d);
        state.Put("base.diagonal", Base.Factor is null ? 1 : 0);
        state.Put("target.box", TargetBox);
        if (Bend is not null)
        {
            state.Put("base.bend", [.. Bend.Numbers]);
        }

        if (Start is { } start)
        {
            state.Put("start.weights", [.. start.Weights]);
            state.Put("start.means", [.. start.Means.SelectMany(m => m)], start.Count, d);
            state.Put("start.covariances", [.. start.Covariances.SelectMany(c => c.Cast<double>())], start.Count, d, d);
        }

        if (LogCurvature is not null)
        {
            state.Put(CurvatureName, LogCurvature);
        }

        if (IsEven)
        {
            state.Put(EvenName, 1);
        }

        if (Guard is { } guard)
        {
            state.Put("guard.position", guard.Position);
            state.Put("guard.low", guard.Low);
            state.Put("guard.share", guard.Share);
        }

        state.Put("offset", Offset);
        state.Put("targetExponent", TargetExponent);
        state.Put("baseExponent", BaseExponent);
        state.Put("stiffness", Stiffness);
        state.Put("source", Source);
        state.Put("preparationCalls", PreparationCalls);
        if (Network is { } network)
        {
            state.Put("network", network.ToString());
        }
    }

    /// <summary>Reads what <see cref="Save"/> wrote: the same base to the bit and of the same form, or a resumed run would round differently.</summary>
    public static TransportProblem Load(Density target, RunState state)
    {
        var mean = state.Doubles("base.mean");
        var flat = state.Doubles("base.factor");
        var d = mean.Length;
        var factor = new double[d, d];
        Buffer.BlockCopy(flat, 0, factor, 0, flat.Length * sizeof(double));
        return new TransportProblem
        {
            Target = target,
            Base = state.Number("base.diagonal") == 1
                ? GaussianBase.Diagonal(mean, [.. Enumerable.Range(0, d).Select(i => factor[i, i])])
                : GaussianBase.Full(mean, factor),
            Bend = state.Arrays.ContainsKey("base.bend") ? new TriangularMap(d, state.Doubles("base.bend")) : null,
            Start = state.Arrays.ContainsKey("start.weights") ? LoadStart(state, d) : null,
            Guard = state.Arrays.ContainsKey("guard.position")
                ? new DensityGuard(state.Doubles("guard.position"), state.Number("guard.low"), state.Number("guard.share")) : null,
            Offset = state.Number("offset"),
            TargetExponent = state.Number("targetExponent"),
            BaseExponent = state.Number("baseExponent"),
            Stiffness = state.Number("stiffness"),
            TargetBox = state.Doubles("target.box"),
            IsEven = state.Words.ContainsKey(EvenName),
            LogCurvature = state.Arrays.ContainsKey(CurvatureName) ? state.Doubles(CurvatureName) : null,
            Source = state.Word("source"),
            PreparationCalls = (long)state.Number("preparationCalls"),
            Network = state.Words.TryGetValue("network", out var network) ? Enum.Parse<NetworkChoice>(network) : null,
        };
    }

    private static GaussianMixtureLaw LoadStart(RunState state, int d)
    {
        var (means, covariances) = (state.Doubles("start.means"), state.Doubles("start.covariances"));
        return new GaussianMixtureLaw(
            state.Doubles("start.weights"),
            [.. means.Chunk(d)],
            [.. covariances.Chunk(d * d).Select(flat =>
            {
                var square = new double[d, d];
                Buffer.BlockCopy(flat, 0, square, 0, flat.Length * sizeof(double));
                return square;
            })]);
    }

    /// <summary>L [d, d] row-major, exactly: a resumed run must see the same base to the bit.</summary>
    public static double[] Factor(GaussianBase gaussian)
    {
        if (gaussian.Factor is { } full)
        {
            return LowerTriangle.Flatten(full);
        }

        var d = gaussian.Dimension;
        var factor = new double[d * d];
        for (var i = 0; i < d; i++)
        {
            factor[(i * d) + i] = gaussian.StandardDeviation[i];
        }

        return factor;
    }
}
