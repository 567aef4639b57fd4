using Monge.Diagnostics;
using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Particles in groups of equal size that are independent of each other: their sizes, and what their spread says.</summary>
internal static class Islands
{
    private const int LeastOfIsland = 16;
    private const double LowAcceptance = 0.3;

    /// <summary>Particles and islands for a number of particles that is asked for: so many more that all islands are of one size.</summary>
    /// <param name="target">The density.</param>
    /// <param name="asked">Particles.</param>
    /// <param name="most">Islands at most.</param>
    /// <exception cref="ArgumentException">The particles are more than an array can hold.</exception>
    public static (int Particles, int Islands) Sizes(Density target, int asked, int most)
    {
        asked = Math.Max(asked, 2 * LeastOfIsland);
        var islands = Math.Clamp(asked / LeastOfIsland, 2, most);
        var particles = (asked + islands - 1) / islands * islands;
        return (long)particles * Math.Max(target.Dimension, target.Names.Count) <= Array.MaxLength ? (particles, islands)
            : throw new ArgumentException(FormattableString.Invariant(
                $"{particles} particles in {target.Dimension} coordinates are more numbers than an array can hold; take fewer."));
    }

    /// <summary>The particles at their end as samples, errors being those of the islands' spread.</summary>
    /// <param name="target">The density.</param>
    /// <param name="particles">The particles.</param>
    /// <param name="islands">Their islands.</param>
    /// <param name="method">The method's name.</param>
    /// <param name="options">Its options.</param>
    /// <param name="sampler">What it did, in words.</param>
    /// <param name="start">The law that they set out from.</param>
    /// <param name="seed">The seed.</param>
    public static SampleSet Samples(
        Density target, SequentialMonteCarlo particles, int islands, string method, IMethodOptions options, string sampler, TemperedStart start, ulong seed)
    {
        var n = particles.LogWeights.Length;
        var draws = SampleSet.Of(
            target, particles.Positions, particles.LogWeights, method, options,
            FormattableString.Invariant($"{sampler}, {n} particles in {islands} islands, {particles.Temperatures} temperatures, Hamiltonian moves"), seed) with
        { Islands = islands };
        double[] ratios = [.. LogNormalisers(particles, islands).Select(l => Math.Exp(l - draws.LogZ))];
        var effective = draws.IslandEffectiveDraws();
        return draws with
        {
            LogZError = Math.Max(draws.LogZError, Math.Sqrt(ratios.Sum(r => (r - 1) * (r - 1)) / (islands - 1) / islands)),
            EffectiveSampleSize = Math.Min(draws.EffectiveSampleSize, effective / n),
            TargetCalls = start.TargetCalls + particles.TargetCalls,
            Preparation = start.Source,
            UsesModeKnowledge = start.UsesModeKnowledge,
            Iterations = particles.Temperatures,
            Warnings = [.. draws.Warnings, .. Judge(particles, effective)],
        };
    }

    /// <summary>The estimate of log Z of each island; minus infinity of one that has lost all its weight.</summary>
    public static double[] LogNormalisers(SequentialMonteCarlo particles, int islands)
    {
        var size = particles.LogWeights.Length / islands;
        return [.. Enumerable.Range(0, islands).Select(g =>
        {
            var weights = particles.LogWeights[(g * size)..((g + 1) * size)];
            return weights.All(double.IsNegativeInfinity) ? double.NegativeInfinity : ImportanceWeights.FromLogWeights(weights).LogNormaliser;
        })];
    }

    private static IEnumerable<Status> Judge(SequentialMonteCarlo particles, double effective)
    {
        var n = particles.LogWeights.Length;
        if (effective < ImportanceWeights.LeastEffectiveFraction * n)
        {
            yield return new Status(
                StatusCode.Failed,
                FormattableString.Invariant($"the islands have little in common: their means spread as those of {effective:0.#} of {n} draws would"),
                "take more samples and more temperatures, or suggest a base that covers the density");
        }

        if (particles.LeastAcceptance < LowAcceptance)
        {
            yield return Status.Warn(
                FormattableString.Invariant($"at one temperature only {particles.LeastAcceptance:p0} of the moves were taken"),
                "take more temperatures, or a higher targetAcceptance");
        }
    }
}
