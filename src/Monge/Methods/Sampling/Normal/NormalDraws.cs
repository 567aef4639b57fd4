using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Draws of a law that approximates a density, with the weights that make them exact.</summary>
internal static class NormalDraws
{
    private const int MostSearched = 20;

    private static readonly StreamName s_draws = StreamName.Of("normal approximation");
    private static readonly StreamName s_starts = StreamName.Of("normal approximation starts");

    /// <summary>Starts of ways uphill: what is drawn for each.</summary>
    public static RandomStream[] Starts(ulong seed, int count) =>
        [.. Enumerable.Range(0, count).Select(k => new RandomStream(unchecked((seed * 1_000_003) + (ulong)k), s_starts))];

    /// <summary>The modes that a search far and wide finds; null where that would take long.</summary>
    public static FoundModes? Modes(Density target, CancellationToken cancellation) =>
        TemperedStart.Search(target, cancellation) is not { } found ? null
            : found.Modes ?? (target.HasLoops || target.Dimension > MostSearched ? null : ModeSearch.Find(target, found.Center, found.Scale, cancellation));

    /// <summary>Draws and weighs.</summary>
    /// <param name="target">The density.</param>
    /// <param name="law">The approximation.</param>
    /// <param name="samples">Draws n.</param>
    /// <param name="method">The method's name.</param>
    /// <param name="options">Its options.</param>
    /// <param name="sampler">What it did, in words.</param>
    /// <param name="run">The run.</param>
    /// <exception cref="DensityException">The density is not finite at any draw.</exception>
    public static SampleSet Weigh(Density target, INormalLaw law, int samples, string method, IMethodOptions options, string sampler, Run run)
    {
        var (d, random) = (target.Dimension, new RandomStream(run.Seed, s_draws));
        var (positions, weights) = (new double[samples * d], new double[samples]);
        for (var i = 0; i < samples; i++)
        {
            weights[i] = -law.Draw(random, positions.AsSpan(i * d, d));
        }

        run.Cancellation.ThrowIfCancellationRequested();
        var values = PointFunction.At(target.LogDensity, positions, d, run.Execution);
        for (var i = 0; i < samples; i++)
        {
            weights[i] = double.IsFinite(values[i]) ? weights[i] + values[i] : double.NegativeInfinity;
        }

        if (weights.All(double.IsNegativeInfinity))
        {
            throw new DensityException($"The log density of '{target.Name}' is not finite at any draw of its normal approximation.");
        }

        var draws = SampleSet.Of(target, positions, weights, method, options, sampler, run.Seed);
        return draws with { Warnings = [.. LostMode(target, draws, run.Cancellation), .. draws.Warnings] };
    }

    // Weights don't tell of modes that no draw is near.
    private static IEnumerable<Status> LostMode(Density target, SampleSet draws, CancellationToken cancellation)
    {
        if (Modes(target, cancellation) is { } found
            && found.Lost(draws.UnconstrainedPositions!, draws.NormalizedWeights(), draws.LogZ) is { } lost)
        {
            yield return Status.Fail(
                FormattableString.Invariant($"the draws miss part of the target: a search found {found}, and about the mode whose Gaussian would hold ")
                + FormattableString.Invariant($"{lost.Share:P0} of the mass lies {lost.Found:P1} of the weight"),
                "take laplace, smc or pt, which start from all the modes");
        }
    }
}

/// <summary>A Gaussian as an approximation.</summary>
internal sealed record NormalLaw(GaussianBase Gaussian) : INormalLaw
{
    /// <inheritdoc/>
    public double Draw(RandomStream random, Span<double> point)
    {
        var noise = new double[point.Length];
        foreach (ref var u in noise.AsSpan())
        {
            u = random.NextNormal();
        }

        Gaussian.ToPosition(noise, point);
        return LogDensityOf(noise);
    }

    /// <inheritdoc/>
    public double LogDensity(ReadOnlySpan<double> point)
    {
        var noise = new double[point.Length];
        Gaussian.ToNoise(point, noise);
        return LogDensityOf(noise);
    }

    private double LogDensityOf(double[] noise) => -Gaussian.LogDeterminant - noise.Sum(u => (0.5 * u * u) + LogDensities.HalfLogTwoPi);
}

/// <summary>A mixture of approximations: draws of it have its own density, not that of the part that they came from.</summary>
/// <param name="Parts">The parts.</param>
/// <param name="Weights">Their weights, of sum 1.</param>
internal sealed record MixedLaw(IReadOnlyList<INormalLaw> Parts, IReadOnlyList<double> Weights) : INormalLaw
{
    /// <summary>A mixture of parts in proportion to unnormalised weights, given by their logarithms.</summary>
    public static MixedLaw Of(IReadOnlyList<INormalLaw> parts, IReadOnlyList<double> logWeights)
    {
        var largest = logWeights.Max();
        double[] weights = [.. logWeights.Select(l => Math.Exp(l - largest))];
        var sum = weights.Sum();
        return new MixedLaw(parts, [.. weights.Select(w => w / sum)]);
    }

    /// <inheritdoc/>
    public double Draw(RandomStream random, Span<double> point)
    {
        var (k, u) = (0, random.NextDouble());
        for (; k < Parts.Count - 1 && u >= Weights[k]; k++)
        {
            u -= Weights[k];
        }

        _ = Parts[k].Draw(random, point);
        return LogDensity(point);
    }

    /// <inheritdoc/>
    public double LogDensity(ReadOnlySpan<double> point)
    {
        var logs = new double[Parts.Count];
        for (var k = 0; k < logs.Length; k++)
        {
            logs[k] = Weights[k] > 0 ? Math.Log(Weights[k]) + Parts[k].LogDensity(point) : double.NegativeInfinity;
        }

        var largest = logs.Max();
        return largest + Math.Log(logs.Sum(l => Math.Exp(l - largest)));
    }
}
