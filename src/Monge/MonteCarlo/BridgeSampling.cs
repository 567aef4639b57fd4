using Monge.Diagnostics;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;

namespace Monge.MonteCarlo;

/// <summary>An estimate of a log-normaliser.</summary>
/// <param name="LogZ">log Z; NaN where there is none.</param>
/// <param name="Error">Its standard error.</param>
/// <param name="Reason">Why there is none; null where there is one.</param>
public sealed record BridgeEstimate(double LogZ, double Error, string? Reason = null);

/// <summary>
/// The log-normaliser of a density from the draws of its chains and as many of a Gaussian g that is fitted to the first half of each chain:
/// <code>
/// Z = mean_g(rho h) / mean_rho(g h),    h = 1 / (s1 rho / Z + s2 g),    s1 = n1 / (n1 + n2), s2 = n2 / (n1 + n2)                                        (1)
/// </code>
/// iterated to its fixed point; n1 is the effective number of the chains' draws. The error is that of the two means, the chains' with their autocorrelation.
/// </summary>
/// <remarks>
/// Sources: X.-L. Meng and W. H. Wong, "Simulating ratios of normalizing constants", Statistica Sinica 6 (1996); S. Fruehwirth-Schnatter, "Estimating marginal
/// likelihoods by bridge sampling techniques", The Econometrics Journal 7 (2004), section 3 (error); Q. Gronau et al., "A tutorial on bridge sampling" (2017).
/// </remarks>
public static class BridgeSampling
{
    private const int MostIterations = 1000;
    private const double Tolerance = 1e-10;
    private const double LeastEffectiveDraws = 10;

    /// <summary>Estimates log Z.</summary>
    /// <param name="positions">Draws [chains, draws, d], row-major, in coordinates that run over all of R^d.</param>
    /// <param name="logDensities">The unnormalised log density there [chains, draws].</param>
    /// <param name="chains">Number of chains.</param>
    /// <param name="dimension">d.</param>
    /// <param name="logDensity">The unnormalised log density [n] at positions [n * d].</param>
    /// <param name="random">Random numbers for the Gaussian's draws.</param>
    public static BridgeEstimate Estimate(
        double[] positions, double[] logDensities, int chains, int dimension, Func<double[], double[]> logDensity, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(positions);
        ArgumentNullException.ThrowIfNull(logDensities);
        ArgumentNullException.ThrowIfNull(logDensity);
        ArgumentNullException.ThrowIfNull(random);
        var (d, draws) = (dimension, logDensities.Length / chains);
        var half = draws / 2;
        if (half * chains <= 2 * d || half < 4)
        {
            return new BridgeEstimate(double.NaN, double.NaN, $"{chains * half} draws are too few to fit a Gaussian in {d} coordinates and test it on as many");
        }

        var (mean, factor) = Fit(positions, chains, draws, half, d);
        if (factor is null)
        {
            return new BridgeEstimate(double.NaN, double.NaN, "the draws' covariance is singular");
        }

        // log(rho / g) at the chains' later draws and at as many of the Gaussian's.
        var kept = draws - half;
        var (n, y, noise) = (chains * kept, new double[chains * kept * d], new double[d]);
        var logDeterminant = 0.0;
        for (var i = 0; i < d; i++)
        {
            logDeterminant += Math.Log(factor[i * (d + 1)]);
        }

        var constant = -0.5 * d * Math.Log(2 * Math.PI) - logDeterminant;
        var mine = new double[chains][];
        for (var c = 0; c < chains; c++)
        {
            mine[c] = new double[kept];
            for (var k = 0; k < kept; k++)
            {
                var row = (c * draws) + half + k;
                mine[c][k] = logDensities[row] - constant + (0.5 * SquaredDistance(positions.AsSpan(row * d, d), mean, factor, noise));
            }
        }

        var squares = new double[n];
        for (var k = 0; k < n; k++)
        {
            for (var i = 0; i < d; i++)
            {
                noise[i] = random.NextNormal();
                squares[k] += noise[i] * noise[i];
            }

            for (var i = 0; i < d; i++)
            {
                y[(k * d) + i] = mean[i] + HostVectors.Dot(factor.AsSpan(i * d, i + 1), noise);
            }
        }

        double[] theirs = [.. logDensity(y).Select((v, k) => double.IsNaN(v) ? double.NegativeInfinity : v - constant + (0.5 * squares[k]))];
        return Solve(mine, theirs);
    }

    private static BridgeEstimate Solve(double[][] mine, double[] theirs)
    {
        double[] all = [.. mine.SelectMany(m => m)];
        Array.Sort(all);
        var shift = all[all.Length / 2];
        var effective = Math.Min(all.Length, ChainDiagnostics.EffectiveSampleSize(mine));
        if (!(effective >= LeastEffectiveDraws))
        {
            return new BridgeEstimate(double.NaN, double.NaN, "the chains have too few effective draws");
        }

        var (s1, s2) = (effective / (effective + theirs.Length), theirs.Length / (effective + theirs.Length));
        double Mine(double log, double ratio) => 1 / ((s1 * Math.Exp(log - shift)) + (s2 * ratio));
        double Theirs(double log, double ratio) => log - shift > 300
            ? 1 / s1 : Math.Exp(log - shift) / ((s1 * Math.Exp(log - shift)) + (s2 * ratio));

        // The ratio Z / exp(shift) in (1), whose fixed point does not depend on where it starts.
        var value = 1.0;
        for (var k = 0; k < MostIterations; k++)
        {
            var next = theirs.Average(l => Theirs(l, value)) / all.Average(l => Mine(l, value));
            var isDone = Math.Abs(next - value) <= Tolerance * next;
            value = next;
            if (isDone || !double.IsFinite(value) || value == 0)
            {
                break;
            }
        }

        if (!double.IsFinite(value) || value == 0)
        {
            return new BridgeEstimate(double.NaN, double.NaN, "a Gaussian fitted to the draws does not overlap with the density");
        }

        double[] f1 = [.. theirs.Select(l => Theirs(l, value))];
        double[][] f2 = [.. mine.Select(m => Array.ConvertAll(m, l => Mine(l, value)))];
        var error1 = RelativeVariance(f1) / f1.Length;
        var error2 = RelativeVariance([.. f2.SelectMany(f => f)]) / Math.Min(all.Length, ChainDiagnostics.EffectiveSampleSize(f2));
        return new BridgeEstimate(shift + Math.Log(value), Math.Sqrt(error1 + error2));
    }

    private static double RelativeVariance(double[] values)
    {
        var mean = values.Average();
        return values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1) / (mean * mean);
    }

    private static (double[] Mean, double[]? Factor) Fit(double[] positions, int chains, int draws, int half, int d)
    {
        var (mean, covariance, count) = (new double[d], new double[d * d], chains * half);
        IEnumerable<int> Rows() => Enumerable.Range(0, chains).SelectMany(c => Enumerable.Range(c * draws, half));
        foreach (var row in Rows())
        {
            HostVectors.AddScaled(1.0 / count, positions.AsSpan(row * d, d), mean);
        }

        var difference = new double[d];
        foreach (var row in Rows())
        {
            for (var i = 0; i < d; i++)
            {
                difference[i] = positions[(row * d) + i] - mean[i];
                HostVectors.AddScaled(difference[i] / (count - 1), difference.AsSpan(0, i + 1), covariance.AsSpan(i * d, i + 1));
            }
        }

        try
        {
            Cholesky.Factor(covariance, d);
            return (mean, covariance);
        }
        catch (LinearAlgebraException)
        {
            return (mean, null);
        }
    }

    private static double SquaredDistance(ReadOnlySpan<double> x, double[] mean, double[] factor, double[] z)
    {
        var (d, sum) = (mean.Length, 0.0);
        for (var i = 0; i < d; i++)
        {
            z[i] = (x[i] - mean[i] - HostVectors.Dot(factor.AsSpan(i * d, i), z)) / factor[i * (d + 1)];
            sum += z[i] * z[i];
        }

        return sum;
    }
}
