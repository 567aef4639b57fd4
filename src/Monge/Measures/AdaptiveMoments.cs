using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// Mean and covariance of a density by adaptive importance sampling with tempered weights: rounds of drawing from a Gaussian a little widened, weighting, and
/// tempering until enough draws count (Koblents and Miguez, "A population Monte Carlo scheme with transformed weights", 2015).
/// </summary>
internal sealed class AdaptiveMoments : IDisposable
{
    private const int Rounds = 12;
    private const int LowDimension = 10;

    // Some write a huge number for minus infinity.
    private const double LeastLogDensity = -1e30;

    private readonly int _dimension;
    private readonly int _samples;
    private readonly CompiledProgram<double> _program;

    /// <summary>Compiles the density.</summary>
    /// <param name="density">The density.</param>
    /// <param name="samples">Draws of a round; null for what a whole density needs.</param>
    public AdaptiveMoments(Density density, int? samples = null)
    {
        _dimension = density.Dimension;
        _samples = samples ?? Math.Max(_dimension <= LowDimension ? 16_384 : 4_096, 128 * _dimension);
        _program = new CompiledProgram<double>(new TracedProgram(null, ("value", density.LogDensity(Expr.Input("x", _dimension)))));
        if (!IsConstant)
        {
            _program["x"] = new NdArray<double>(_samples, _dimension);
            _program["value"] = new NdArray<double>(_samples);
        }
    }

    private bool IsConstant => _program.Program.Outputs[0].Value.IsUniform;

    /// <summary>
    /// The Gaussian with the density's moments and the log-normaliser that the last round of draws gives; null where the rounds don't settle.
    /// </summary>
    /// <param name="start">Where the first round draws.</param>
    /// <param name="random">The draws' source.</param>
    /// <param name="isAllowed">What a round's Gaussian must fulfil; null for nothing.</param>
    /// <param name="cancellation">Stops between rounds.</param>
    public (GaussianBase Gaussian, double LogZ)? Match(
        GaussianBase start, RandomStream random, Func<GaussianBase, bool>? isAllowed = null, CancellationToken cancellation = default)
    {
        if (IsConstant)
        {
            return null;
        }

        var (d, effective) = (_dimension, Math.Max(200, 20 * _dimension));
        var (current, logZ) = (start, double.NegativeInfinity);
        for (var round = 0; round < Rounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            var proposal = current.Inflate(1 + (0.5 / Math.Sqrt(d)));
            var (draws, log) = Weigh(proposal, random);
            if (Temper(log, effective) is not { } tempered || Moments(draws, tempered.Weights, d) is not { } next || isAllowed?.Invoke(next) == false)
            {
                return null;
            }

            logZ = LogZ(proposal, log);
            var moved = Enumerable.Range(0, d).Max(i => Math.Abs(next.Mean[i] - current.Mean[i]) / current.StandardDeviation[i]);
            var grown = Math.Abs(next.LogDeterminant - current.LogDeterminant) / d;
            current = next;
            // A few effective samples can agree with one another and still miss the tails; many can't.
            if (moved < 0.1 && grown < 0.05 && tempered.Effective > 0.2 * _samples)
            {
                break;
            }

            if (round == Rounds - 1 && (moved > 0.3 || grown > 0.1))
            {
                return null;
            }
        }

        return (current, logZ);
    }

    /// <summary>The log-normaliser that draws of a Gaussian tell, and the share of them that is effective.</summary>
    public (double LogZ, double EffectiveShare) Estimate(GaussianBase gaussian, RandomStream random)
    {
        var log = IsConstant ? [double.NegativeInfinity] : Weigh(gaussian, random).LogWeights;
        var top = log.Max();
        return double.IsFinite(top)
            ? (LogZ(gaussian, log), Math.Pow(log.Sum(v => Math.Exp(v - top)), 2) / log.Sum(v => Math.Exp(2 * (v - top))) / _samples)
            : (double.NegativeInfinity, 0);
    }

    private static double LogZ(GaussianBase proposal, double[] log)
    {
        var top = log.Max();
        return top + Math.Log(log.Average(v => Math.Exp(v - top))) + proposal.LogDeterminant + (0.5 * proposal.Dimension * Math.Log(2 * Math.PI));
    }

    // Draws and the log density there over that of a standard normal's noise, without constants.
    private (double[] Draws, double[] LogWeights) Weigh(GaussianBase proposal, RandomStream random)
    {
        var (d, noise, log) = (_dimension, new double[_dimension], new double[_samples]);
        var draws = proposal.Sample(_samples, random);
        draws.CopyTo(_program["x"].Span);
        _program.Run(_samples);
        for (var s = 0; s < _samples; s++)
        {
            proposal.ToNoise(draws.AsSpan(s * d, d), noise);
            // Where the formula has no value there is no mass.
            var value = _program["value"][s];
            log[s] = value is > LeastLogDensity and < double.PositiveInfinity ? value + (0.5 * noise.Sum(v => v * v)) : double.NegativeInfinity;
        }

        return (draws, log);
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

    /// <summary>The Gaussian with the moments of weighted draws [n, d]; null where they have none.</summary>
    public static GaussianBase? Moments(double[] draws, double[] weights, int d)
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

    /// <inheritdoc/>
    public void Dispose() => _program.Dispose();
}
