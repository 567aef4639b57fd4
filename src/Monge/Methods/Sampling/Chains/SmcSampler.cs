using System.Diagnostics;
using System.Globalization;
using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Samples by particles that are carried from a Gaussian to the density through temperatures found on the way, weighted, resampled and moved at each of them
/// (<see cref="SequentialMonteCarlo"/>). log Z comes with them. Source: P. Del Moral, A. Doucet and A. Jasra, "Sequential Monte Carlo samplers", JRSS B 68
/// (2006).
/// </summary>
public sealed class SmcSampler : ISamplingMethod
{
    /// <summary>Its name on the command line.</summary>
    internal const string MethodName = "smc";

    private const double LargestSpread = 1;
    private const double LargestRHat = 1.05;
    private const double LeastLoss = 0.05;
    private const double FarErrors = 4;

    private readonly Density _target;
    private readonly SmcOptions _options;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public SmcSampler(Density target, SmcOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        (_target, _options) = (target, options ?? new SmcOptions());
        _options.Check();
    }

    /// <inheritdoc/>
    public string Name => MethodName;

    /// <inheritdoc/>
    public IMethodOptions Options => _options;

    /// <inheritdoc/>
    /// <remarks>As many particles as are asked for, or so many more that all islands are of one size.</remarks>
    /// <exception cref="ArgumentException">The particles are more than an array can hold.</exception>
    public SampleSet Sample(int samples, Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 2);
        _target.CheckTails(run.Cancellation);
        var (particles, islands) = Islands.Sizes(_target, _options.Particles ?? samples, _options.Islands);
        var session = new RunSession(run, new RunIdentity(
            MethodName, [.. SamplingMethods.Identity(_target), ("particles", particles.ToString(CultureInfo.InvariantCulture))], _options));
        var clock = Stopwatch.StartNew();
        session.Report("base");
        var start = TemperedStart.Find(_target, _options.Tempering, run);
        using var smc = new SequentialMonteCarlo(
            _target, start.LogDensity, start.Sample,
            _options.Tempering.Plan(_target.Dimension, particles, islands, _options.EffectiveShare, _options.Moves, particles), null, run.Seed, run.Threads);
        session.Iterate("anneal", new AnnealingPhase(smc), 1, validations: 1);
        var draws = Islands.Samples(_target, smc, islands, MethodName, _options, "sequential Monte Carlo", start, run.Seed);
        return draws with
        {
            Elbo = double.NaN,
            ElboError = null,
            SampleSeconds = clock.Elapsed.TotalSeconds,
            Warnings = [.. draws.Warnings, .. Disagreement(draws, Islands.LogNormalisers(smc, islands)), .. Bridge(draws, smc, run)],
        };
    }

    // Another estimate of log Z from the same draws: where particles couldn't follow the density, the weights that they lost on the way aren't seen in their
    // spread.
    private IEnumerable<Status> Bridge(SampleSet draws, SequentialMonteCarlo smc, Run run)
    {
        double[] LogDensities(double[] x) => PointFunction.At(_target.LogDensity, x, _target.Dimension, run.Execution);
        var bridge = BridgeSampling.Estimate(
            smc.Positions, LogDensities(smc.Positions), draws.Islands!.Value, _target.Dimension, LogDensities,
            new RandomStream(run.Seed, MonteCarloStreams.Bridge));
        if (bridge.Reason is null && bridge.LogZ - draws.LogZ > Math.Max(LeastLoss, FarErrors * double.Hypot(bridge.Error, draws.LogZError)))
        {
            yield return new Status(
                StatusCode.NotConverged,
                FormattableString.Invariant($"the annealing lost mass: log Z by bridge sampling from the same draws is {bridge.LogZ:f3} +- {bridge.Error:f3}"),
                "take more moves and an effectiveShare nearer to 1, or nuts, which estimates log Z so; in a hierarchy, the non-centred form");
        }
    }

    private static IEnumerable<Status> Disagreement(SampleSet draws, double[] logNormalisers)
    {
        var mean = logNormalisers.Average();
        var spread = Math.Sqrt(logNormalisers.Sum(l => (l - mean) * (l - mean)) / (logNormalisers.Length - 1));
        if (!(spread < LargestSpread))
        {
            yield return Status.Warn(
                double.IsNaN(spread) ? "islands of particles have lost all their weight"
                    : FormattableString.Invariant($"the islands' log Z differ by {spread:f2} (standard deviation)"),
                "take more samples, an effectiveShare nearer to 1, or more moves");
        }

        if (draws.IslandDisagreement() is var (name, ratio) && ratio > LargestRHat)
        {
            yield return Status.Warn(
                FormattableString.Invariant($"the islands disagree: R-hat of {name} is {ratio:f3}, above {LargestRHat}"), "take more samples or more moves");
        }
    }
}
