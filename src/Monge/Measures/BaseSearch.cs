using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// Finds a Gaussian that covers a density of which nothing is said: modes by Newton's method from several starts, then mean and covariance by adaptive
/// importance sampling with tempered weights (Koblents and Miguez, "A population Monte Carlo scheme with transformed weights", 2015). Every number it
/// uses is computed from the density; the draws are always the same.
/// </summary>
internal static class BaseSearch
{
    private const double FarOut = 6;

    // What has so much less mass than draws find elsewhere is left out.
    private const double SpikeLogShare = 9;
    private const int ModeSearchDimension = 10;
    private const int ScatteredPoints = 1 << 18;

    // Some write a huge number for minus infinity.
    private const double LeastLogDensity = -1e30;

    /// <summary>The moment-matched Gaussian, else a Laplace approximation, else the standard normal; with separate modes, if there are any.</summary>
    public static BaseSuggestion Suggest(Density density, CancellationToken cancellation = default)
    {
        var (gaussian, logZ) = Gaussian(density, LaplaceApproximation.TryFind(density), cancellation);
        var found = ModeSearch.Find(density, gaussian.Center, gaussian.Scale, cancellation);
        if (found.Modes is [var only] && !Covers(gaussian, only) && !IsSpike(only.LogZ) && LaplaceApproximation.TryFind(density, only.Position) is { } laplace)
        {
            (gaussian, logZ) = Gaussian(density, laplace, cancellation);
        }

        return gaussian with { Modes = found with { Modes = [.. found.Modes.Where(m => !IsSpike(m.LogZ))] } };

        // Importance sampling rarely finds more than there is: a mode with so much less about it is the tip of a spike.
        bool IsSpike(double mass) => mass < logZ - SpikeLogShare;
    }

    private static bool Covers(BaseSuggestion gaussian, FoundMode mode)
    {
        var noise = new double[mode.Position.Length];
        gaussian.ToGaussian().ToNoise(mode.Position, noise);
        return noise.All(z => Math.Abs(z) < FarOut);
    }

    // With the log-normaliser that its draws tell.
    private static (BaseSuggestion Suggestion, double LogZ) Gaussian(Density density, LaplaceApproximation? found, CancellationToken cancellation)
    {
        var d = density.Dimension;
        var random = new RandomStream(0);
        var laplace = found is { Converged: true } ? found : null;
        var start = laplace is null ? GaussianBase.Isotropic(d) : Cover(density, laplace, random);
        using var moments = new AdaptiveMoments(density);
        (GaussianBase Gaussian, double LogZ)? Match(GaussianBase from) => moments.Match(from, random, null, cancellation);
        if ((Match(start) ?? (laplace is null ? null : Match(GaussianBase.Isotropic(d)))) is { } matched)
        {
            return (Matched(matched.Gaussian, "moments matched by adaptive importance sampling"), matched.LogZ);
        }

        if (laplace is null && Scattered(density, random) is { } inside && Match(inside) is { } narrow)
        {
            return (Matched(narrow.Gaussian, "moments matched from scattered points inside the target's support"), narrow.LogZ);
        }

        const string advice = "suggest a base that covers the target";
        var standard = moments.Estimate(GaussianBase.Isotropic(d), random).LogZ;
        return laplace is null
            ? (BaseSuggestion.Isotropic(d, 1, 4, $"standard normal: neither a mode nor moments were found from the origin; {advice}", false), standard)
            : standard > laplace.LogZ + SpikeLogShare
            ? (BaseSuggestion.Isotropic(d, 1, 4, $"standard normal: the mode found is the tip of a spike with hardly any mass; {advice}", false), standard)
            : (new BaseSuggestion(laplace.Mode, laplace.StandardDeviation, "Laplace approximation at one mode: its moments could not be matched")
            { CovarianceFactor = laplace.CovarianceFactor }, laplace.LogZ);
    }

    private static BaseSuggestion Matched(GaussianBase gaussian, string source) =>
        new([.. gaussian.Mean], [.. gaussian.StandardDeviation], source) { CovarianceFactor = gaussian.Factor };

    // The mean and covariance of an equal mixture of the Laplace approximations at all modes reached from starts ten standard deviations about the first.
    private static GaussianBase Cover(Density density, LaplaceApproximation first, RandomStream random)
    {
        var d = density.Dimension;
        var modes = new List<LaplaceApproximation> { first };
        if (d <= ModeSearchDimension)
        {
            var starts = first.ToGaussian(10).Sample(Math.Min(32, 4 * d), random);
            for (var at = 0; at < starts.Length; at += d)
            {
                if (LaplaceApproximation.TryFind(density, starts[at..(at + d)]) is { Converged: true } other && modes.All(m => Differ(m, other)))
                {
                    modes.Add(other);
                }
            }
        }

        double[] mean = [.. Enumerable.Range(0, d).Select(i => modes.Average(m => m.Mode[i]))];
        var covariance = new double[d, d];
        foreach (var mode in modes)
        {
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j <= i; j++)
                {
                    var within = Enumerable.Range(0, j + 1).Sum(k => mode.CovarianceFactor[i, k] * mode.CovarianceFactor[j, k]);
                    covariance[i, j] += (within + ((mode.Mode[i] - mean[i]) * (mode.Mode[j] - mean[j]))) / modes.Count;
                    covariance[j, i] = covariance[i, j];
                }
            }
        }

        return LowerTriangle.TryFactor(covariance) is { } factor ? GaussianBase.Full(mean, factor) : first.ToGaussian();
    }

    // The Gaussian of those of many points, scattered over scales about the origin, at which the density is not zero: where it lies behind walls.
    private static GaussianBase? Scattered(Density density, RandomStream random)
    {
        var (d, x) = (density.Dimension, Expr.Input("x", density.Dimension));
        using var program = new CompiledProgram<double>(new TracedProgram(null, ("value", density.LogDensity(x))));
        var draws = new double[ScatteredPoints * d];
        for (var at = 0; at < draws.Length; at += d)
        {
            var scale = Math.Pow(10, -2 + (4 * random.NextDouble()));
            for (var i = 0; i < d; i++)
            {
                draws[at + i] = scale * random.NextNormal();
            }
        }

        program.BindIfUsed("x", NdArray<double>.From(draws, ScatteredPoints, d));
        program["value"] = new NdArray<double>(ScatteredPoints);
        program.Run(ScatteredPoints);
        var values = program["value"].Span.ToArray();
        int[] inside = [.. Enumerable.Range(0, ScatteredPoints).Where(s => values[s] is > LeastLogDensity and < double.PositiveInfinity)];
        if (inside.Length is 0 or ScatteredPoints)
        {
            return null;
        }

        double[] weights = [.. values.Select((_, s) => Array.BinarySearch(inside, s) >= 0 ? 1.0 / inside.Length : 0)];
        return AdaptiveMoments.Moments(draws, weights, d);
    }

    private static bool Differ(LaplaceApproximation one, LaplaceApproximation other) =>
        one.Mode.Zip(other.Mode).Zip(one.StandardDeviation).Any(p => Math.Abs(p.First.First - p.First.Second) > 0.1 * p.Second);
}
