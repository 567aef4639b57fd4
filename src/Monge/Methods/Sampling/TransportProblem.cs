using System.Globalization;
using System.Numerics;
using Monge.Data;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Paths;

namespace Monge.Methods;

/// <summary>
/// A target made ready for transport: coordinates z in which the base is standard normal (x = m + L z, or x = m + L S(z) with a bent S), the exponents of the annealing, and numbers
/// measured by annealed importance sampling.
/// </summary>
internal sealed record TransportProblem
{
    private const string CurvatureName = "path.logCurvature";

    /// <summary>The base N(m, L L^T) in unconstrained coordinates.</summary>
    public required GaussianBase Base { get; init; }

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

    /// <summary>Coefficients of the polynomial in t that is the logarithm of the mean curvature of a path given by the user, in z; null for the annealing.</summary>
    public double[]? LogCurvature { get; init; }

    /// <summary>How base and exponents were found, in words.</summary>
    public required string Source { get; init; }

    /// <summary>Evaluations of the target by the preparation; not kept in files.</summary>
    public long PreparationCalls { get; init; }

    /// <summary>The annealing in z.</summary>
    public AnnealingPath Path(Density target)
    {
        var logDensity = Whitened(target).LogDensity;
        return new AnnealingPath(target.Dimension, z => logDensity(z) - Offset, TargetExponent, BaseExponent);
    }

    /// <summary>The target's log density (log-determinants included) and report as functions of z.</summary>
    public (Func<Expr, Expr> LogDensity, Func<Expr, Expr> Report) Whitened(Density target)
    {
        var whitened = target.Whiten(Base);
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
    /// <param name="target">The density.</param>
    /// <param name="count">Number n of draws.</param>
    /// <param name="seed">The seed of the run.</param>
    public NdArray<T>? ExactDraws<T>(Density target, int count, ulong seed)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (target.Facts.ExactSampler is not { } sampler)
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

    /// <summary>The mean curvature of V_t: the Langevin step is measured in units of its inverse.</summary>
    public double Curvature(double t) => LogCurvature is { } c
        ? Math.Exp(Enumerable.Range(0, c.Length).Sum(k => c[k] * Math.Pow(t, k)))
        : (Math.Pow(t, TargetExponent) * Stiffness) + Math.Pow(1 - t, BaseExponent) + 1e-3;

    /// <summary>The same, traced.</summary>
    public Expr Curvature(Expr t)
    {
        if (LogCurvature is not { } c)
        {
            return (t.Clamp(0, 1).Pow(TargetExponent) * Stiffness) + (1 - t).Clamp(0, 1).Pow(BaseExponent) + 1e-3;
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

    /// <summary>The arrays and numbers for a file.</summary>
    public (IEnumerable<KeyValuePair<string, NumericArray>> Tensors, IEnumerable<KeyValuePair<string, string>> Metadata) ToFile()
    {
        var d = Base.Dimension;
        return (
            [
                new("base.mean", NumericArray.Create([.. Base.Mean], d)),
                new("base.factor", NumericArray.Create(Factor(Base), d, d)),
                new("target.box", NumericArray.Create([.. TargetBox], d)),
                .. Bend is null ? Array.Empty<KeyValuePair<string, NumericArray>>() : [new("base.bend", NumericArray.Create([.. Bend.Numbers], Bend.Numbers.Length))],
                .. LogCurvature is null ? Array.Empty<KeyValuePair<string, NumericArray>>() : [new(CurvatureName, NumericArray.Create([.. LogCurvature], LogCurvature.Length))],
            ],
            [
                new("offset", Text(Offset)), new("targetExponent", Text(TargetExponent)), new("baseExponent", Text(BaseExponent)),
                new("stiffness", Text(Stiffness)), new("source", Source),
            ]);
    }

    /// <summary>Reads what <see cref="ToFile"/> wrote.</summary>
    public static TransportProblem FromFile(SafetensorsFile file)
    {
        var mean = file.Tensors["base.mean"].ToDoubles();
        var flat = file.Tensors["base.factor"].ToDoubles();
        var factor = new double[mean.Length, mean.Length];
        Buffer.BlockCopy(flat, 0, factor, 0, flat.Length * sizeof(double));
        double Number(string name) => double.Parse(file.Metadata[name], CultureInfo.InvariantCulture);
        return new TransportProblem
        {
            Base = GaussianBase.Full(mean, factor),
            Bend = file.Tensors.TryGetValue("base.bend", out var bend) ? new TriangularMap(mean.Length, bend.ToDoubles()) : null,
            Offset = Number("offset"),
            TargetExponent = Number("targetExponent"),
            BaseExponent = Number("baseExponent"),
            Stiffness = Number("stiffness"),
            TargetBox = file.Tensors["target.box"].ToDoubles(),
            LogCurvature = file.Tensors.TryGetValue(CurvatureName, out var curvature) ? curvature.ToDoubles() : null,
            Source = file.Metadata["source"],
        };
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

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
