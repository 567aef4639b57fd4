using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.MonteCarlo;

/// <summary>Where tempered walkers start: a Gaussian about the places to which many ways uphill lead.</summary>
/// <param name="Base">The Gaussian.</param>
/// <param name="Source">How it was found.</param>
/// <param name="TargetCalls">Evaluations of the density that it took.</param>
internal sealed record TemperedStart(GaussianBase Base, string Source, long TargetCalls)
{
    private const int Ways = 64;
    private const int MostAttempts = 100;
    private const double LeastDeviation = 1e-6;

    /// <summary>
    /// The Gaussian with the mean and the widened deviations of draws that <see cref="Pathfinder"/> finds from points in (-spread, spread)^d, those left out that
    /// have no mass to speak of.
    /// </summary>
    /// <param name="target">The density.</param>
    /// <param name="spread">Half the edge of the box of starts.</param>
    /// <param name="inflation">What the draws' deviations are multiplied by.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="execution">How to execute.</param>
    /// <exception cref="DensityException">The density is not finite at any of many points.</exception>
    public static TemperedStart Find(Density target, double spread, double inflation, ulong seed, ExecutionOptions execution)
    {
        var d = target.Dimension;
        RandomStream[] random = [.. Enumerable.Range(0, Ways).Select(k => new RandomStream((seed * Ways) + (ulong)k, MonteCarloStreams.TemperedStart))];
        var (starts, calls) = Starts(target, spread, random, execution);
        using var finder = new Pathfinder(target, execution);
        var paths = finder.Find(starts, random);
        calls += finder.TargetCalls;
        var least = NormalPath.LeastElbo(paths, d);
        NormalPath[] good = [.. paths.Where(p => p.Elbo >= least && double.IsFinite(p.Elbo))];
        if (good.Length < 2)
        {
            return new TemperedStart(
                GaussianBase.Isotropic(d, inflation * spread), FormattableString.Invariant($"N(0, {inflation * spread:g3}^2), as no way uphill led anywhere"), calls);
        }

        double[] mean = [.. Enumerable.Range(0, d).Select(i => good.Average(p => p.Draw[i]))];
        double[] deviation = [.. Enumerable.Range(0, d).Select(i => Math.Max(
            LeastDeviation, inflation * Math.Sqrt(good.Sum(p => (p.Draw[i] - mean[i]) * (p.Draw[i] - mean[i])) / (good.Length - 1))))];
        return new TemperedStart(
            GaussianBase.Diagonal(mean, deviation),
            FormattableString.Invariant($"a Gaussian about {good.Length} draws on ways uphill, widened {inflation:g3} times"), calls);
    }

    private static (double[] Starts, long Calls) Starts(Density target, double spread, RandomStream[] random, ExecutionOptions execution)
    {
        var d = target.Dimension;
        var (starts, lost, calls) = (new double[random.Length * d], Enumerable.Range(0, random.Length).ToList(), 0L);
        using var slopes = new PointFunction(
            (x, _) =>
            {
                var value = target.LogDensity(x);
                return Expr.Concat(0, value.Reshape(1), Derivative.Gradient(value, x));
            }, d, execution);
        for (var attempt = 0; attempt < MostAttempts && lost.Count > 0; attempt++)
        {
            foreach (var way in lost)
            {
                foreach (ref var x in starts.AsSpan(way * d, d))
                {
                    x = spread * ((2 * random[way].NextDouble()) - 1);
                }
            }

            var found = slopes.At(starts);
            calls += random.Length;
            lost.RemoveAll(way => Array.TrueForAll(found[(way * (d + 1))..((way + 1) * (d + 1))], double.IsFinite));
        }

        return lost.Count == 0 ? (starts, calls) : throw new DensityException(FormattableString.Invariant(
            $"The log density of '{target.Name}' or its gradient is not finite at {MostAttempts} points drawn from (-{spread:g3}, {spread:g3})^{d}; ")
            + "give the coordinates a support, or set startSpread to where the density is positive.");
    }
}
