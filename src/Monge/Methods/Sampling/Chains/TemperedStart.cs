using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Where tempered walkers start: a law that covers the density.</summary>
/// <param name="LogDensity">Its log density at a position [d].</param>
/// <param name="Sample">Its draws [n * d].</param>
/// <param name="Source">How it was found.</param>
/// <param name="TargetCalls">Evaluations of the density that it took, a search for a base not counted.</param>
internal sealed record TemperedStart(Func<Expr, Expr> LogDensity, Func<int, RandomStream, double[]> Sample, string Source, long TargetCalls)
{
    private const int Ways = 64;
    private const int MostSearched = 100;
    private const double LeastDeviation = 1e-6;

    /// <summary>Whether it was made knowing where the modes are.</summary>
    public bool UsesModeKnowledge { get; private init; }

    /// <summary>
    /// The base of a density that has one, or for which one is found soon, with all modes found; else the Gaussian with the mean and the widened deviations of
    /// draws that <see cref="Pathfinder"/> finds from points in (-spread, spread)^d, those left out that have no mass to speak of.
    /// </summary>
    /// <param name="target">The density.</param>
    /// <param name="options">The spread of the starts, and how much the base is widened.</param>
    /// <param name="run">The seed and how to execute.</param>
    /// <exception cref="DensityException">The density is not finite at any of many points.</exception>
    public static TemperedStart Find(Density target, TemperingOptions options, Run run)
    {
        if (Search(target, run.Cancellation) is not { } found)
        {
            return OnWaysUphill(target, options.StartSpread, options.BaseInflation, run.Seed, run.Execution);
        }

        if (found.Modes is { Modes.Count: > 1 } modes)
        {
            var law = BaseFit.Law(modes.Modes, options.BaseInflation);
            return new TemperedStart(law.LogDensity, law.Sample, $"Gaussians at {modes}", 0);
        }

        var gaussian = found.ToGaussian(options.BaseInflation);
        return new TemperedStart(gaussian.LogDensity, gaussian.Sample, found.Source, 0) { UsesModeKnowledge = found.UsesModeKnowledge };
    }

    /// <summary>The base of a density that has one, or for which one is found soon; null for many coordinates and loops, where the search takes long.</summary>
    public static BaseSuggestion? Search(Density target, CancellationToken cancellation) =>
        !target.HasGivenBase && (target.HasLoops || target.Dimension > MostSearched) ? null : target.FindBase(cancellation);

    private static TemperedStart OnWaysUphill(Density target, double spread, double inflation, ulong seed, ExecutionOptions execution)
    {
        var d = target.Dimension;
        RandomStream[] random = [.. Enumerable.Range(0, Ways).Select(k => new RandomStream((seed * Ways) + (ulong)k, MonteCarloStreams.TemperedStart))];
        using var finder = new Pathfinder(target, execution);
        var good = NormalPath.Good(finder.FindFromUniform(spread, random), d);
        var calls = finder.TargetCalls;
        if (good.Length < 2)
        {
            var wide = GaussianBase.Isotropic(d, inflation * spread);
            return new TemperedStart(
                wide.LogDensity, wide.Sample, FormattableString.Invariant($"N(0, {inflation * spread:g3}^2), as no way uphill led anywhere"), calls);
        }

        double[] mean = [.. Enumerable.Range(0, d).Select(i => good.Average(p => p.Draw[i]))];
        double[] deviation = [.. Enumerable.Range(0, d).Select(i => Math.Max(
            LeastDeviation, inflation * Math.Sqrt(good.Sum(p => (p.Draw[i] - mean[i]) * (p.Draw[i] - mean[i])) / (good.Length - 1))))];
        var gaussian = GaussianBase.Diagonal(mean, deviation);
        return new TemperedStart(
            gaussian.LogDensity, gaussian.Sample,
            FormattableString.Invariant($"a Gaussian about {good.Length} draws on ways uphill, widened {inflation:g3} times"), calls);
    }
}
