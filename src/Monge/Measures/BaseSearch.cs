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
    private const int Rounds = 12;
    private const double FarOut = 6;
    private const int ModeSearchDimension = 10;

    /// <summary>The moment-matched Gaussian, else a Laplace approximation, else the standard normal; with separate modes, if there are any.</summary>
    public static BaseSuggestion Suggest(Density density)
    {
        var gaussian = Gaussian(density, LaplaceApproximation.TryFind(density));
        var found = ModeSearch.Find(density, gaussian.Center, gaussian.Scale);
        if (found.Modes is [var only] && !Covers(gaussian, only))
        {
            gaussian = Gaussian(density, only);
        }

        return gaussian with { Modes = found };
    }

    private static bool Covers(BaseSuggestion gaussian, LaplaceApproximation mode)
    {
        var noise = new double[mode.Mode.Length];
        gaussian.ToGaussian().ToNoise(mode.Mode, noise);
        return noise.All(z => Math.Abs(z) < FarOut);
    }

    private static BaseSuggestion Gaussian(Density density, LaplaceApproximation? found)
    {
        var d = density.Dimension;
        var random = new RandomStream(0);
        var laplace = found is { Converged: true } ? found : null;
        var start = laplace is null ? GaussianBase.Isotropic(d) : Cover(density, laplace, random);
        if ((Match(density, start, random) ?? (laplace is null ? null : Match(density, GaussianBase.Isotropic(d), random))) is { } matched)
        {
            return new BaseSuggestion(
                [.. matched.Mean], [.. matched.StandardDeviation], "moments matched by adaptive importance sampling")
            { CovarianceFactor = matched.Factor };
        }

        return laplace is null
            ? BaseSuggestion.Isotropic(
                d, 1, 4, "standard normal: neither a mode nor moments were found from the origin; suggest a base that covers the target", false)
            : new BaseSuggestion(laplace.Mode, laplace.StandardDeviation,
                "Laplace approximation at one mode: its moments could not be matched")
            { CovarianceFactor = laplace.CovarianceFactor };
    }

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

    private static bool Differ(LaplaceApproximation one, LaplaceApproximation other) =>
        one.Mode.Zip(other.Mode).Zip(one.StandardDeviation).Any(p => Math.Abs(p.First.First - p.First.Second) > 0.1 * p.Second);

    // Rounds of: draw from the Gaussian a little widened, weight, temper the weights until enough samples count, take their mean and covariance.
    private static GaussianBase? Match(Density density, GaussianBase start, RandomStream random)
    {
        var d = density.Dimension;
        var (samples, effective) = (Math.Max(d <= ModeSearchDimension ? 16_384 : 4_096, 128 * d), Math.Max(200, 20 * d));
        var x = Expr.Input("x", d);
        using var program = new CompiledProgram<double>(new TracedProgram(null, ("value", density.LogDensity(x))));
        if (program.Program.Outputs[0].Value.IsUniform)
        {
            return null;
        }

        program["x"] = new NdArray<double>(samples, d);
        program["value"] = new NdArray<double>(samples);
        var (current, noise) = (start, new double[d]);
        for (var round = 0; round < Rounds; round++)
        {
            var proposal = current.Inflate(1 + (0.5 / Math.Sqrt(d)));
            var draws = proposal.Sample(samples, random);
            draws.CopyTo(program["x"].Span);
            program.Run(samples);
            var log = new double[samples];
            for (var s = 0; s < samples; s++)
            {
                proposal.ToNoise(draws.AsSpan(s * d, d), noise);
                log[s] = program["value"][s] + (0.5 * noise.Sum(v => v * v));
            }

            if (Temper(log, effective) is not { } tempered || Moments(draws, tempered.Weights, d) is not { } next)
            {
                return null;
            }

            var moved = Enumerable.Range(0, d).Max(i => Math.Abs(next.Mean[i] - current.Mean[i]) / current.StandardDeviation[i]);
            var grown = Math.Abs(next.LogDeterminant - current.LogDeterminant) / d;
            current = next;
            // A few effective samples can agree with one another and still miss the tails; many can't.
            if (moved < 0.1 && grown < 0.05 && tempered.Effective > 0.2 * samples)
            {
                return current;
            }

            if (round == Rounds - 1 && (moved > 0.3 || grown > 0.1))
            {
                return null;
            }
        }

        return current;
    }

    /// <summary>
    /// Normalised weights w^b with the largest power b up to 1 that leaves the asked number of effective samples; null if too few points are possible.
    /// </summary>
    public static (double[] Weights, double Effective, double Power)? Temper(double[] log, int effective)
    {
        var top = log.Max();
        if (!double.IsFinite(top) || log.Any(double.IsNaN) || log.Count(double.IsFinite) < 2 * effective)
        {
            return null;
        }

        double[] At(double power) => [.. log.Select(v => Math.Exp(power * (v - top)))];
        double Effective(double[] w) => Math.Pow(w.Sum(), 2) / w.Sum(v => v * v);
        var (low, high) = (0.0, 1.0);
        if (Effective(At(1)) < effective)
        {
            for (var k = 0; k < 40; k++)
            {
                var middle = 0.5 * (low + high);
                (low, high) = Effective(At(middle)) < effective ? (low, middle) : (middle, high);
            }
        }
        else
        {
            low = 1;
        }

        var weights = At(low);
        var sum = weights.Sum();
        return ([.. weights.Select(w => w / sum)], Effective(weights), low);
    }

    private static GaussianBase? Moments(double[] draws, double[] weights, int d)
    {
        var mean = new double[d];
        for (var k = 0; k < draws.Length; k++)
        {
            mean[k % d] += weights[k / d] * draws[k];
        }

        var covariance = new double[d, d];
        for (var s = 0; s < weights.Length; s++)
        {
            for (var i = 0; i < d; i++)
            {
                var scaled = weights[s] * (draws[(s * d) + i] - mean[i]);
                for (var j = 0; j <= i; j++)
                {
                    covariance[i, j] += scaled * (draws[(s * d) + j] - mean[j]);
                }
            }
        }

        return mean.All(double.IsFinite) && LowerTriangle.TryFactor(covariance) is { } factor ? GaussianBase.Full(mean, factor) : null;
    }
}
