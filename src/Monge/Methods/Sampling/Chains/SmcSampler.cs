using System.Diagnostics;
using System.Globalization;
using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Samples by particles that are carried from a Gaussian to the density through temperatures (<see cref="SequentialMonteCarlo"/>): resampled at each of
/// them, or with their own weights to the end (annealed importance sampling). log Z comes with them.
/// </summary>
public sealed class SmcSampler : ISamplingMethod
{
    /// <summary>The names on the command line.</summary>
    internal const string MethodName = "smc";

    /// <inheritdoc cref="MethodName"/>
    internal const string AnnealedName = "ais";

    private const int LeastOfIsland = 16;
    private const int PilotParticles = 1024;
    private const int PilotIslands = 4;
    private const double PilotEffectiveShare = 0.9;
    private const double LowAcceptance = 0.3;
    private const double LargestSpread = 1;
    private const double LargestRHat = 1.05;
    private const double LeastLoss = 0.05;
    private const double FarErrors = 4;

    private readonly Density _target;
    private readonly SmcOptions _options;
    private readonly bool _resamples;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <param name="resamples">Whether particles are resampled; else it is annealed importance sampling.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public SmcSampler(Density target, SmcOptions? options = null, bool resamples = true)
    {
        ArgumentNullException.ThrowIfNull(target);
        (_target, _options, _resamples) = (target, options ?? new SmcOptions(), resamples);
        _options.Check();
    }

    /// <inheritdoc/>
    public string Name => _resamples ? MethodName : AnnealedName;

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
        var asked = Math.Max(_options.Particles ?? samples, 2 * LeastOfIsland);
        var islands = Math.Clamp(asked / LeastOfIsland, 2, _options.Islands);
        var particles = (asked + islands - 1) / islands * islands;
        if ((long)particles * Math.Max(_target.Dimension, _target.Names.Count) > Array.MaxLength)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"{particles} particles in {_target.Dimension} coordinates are more numbers than an array can hold; take fewer."));
        }

        var session = new RunSession(run, new RunIdentity(
            Name, [.. SamplingMethods.Identity(_target), ("particles", particles.ToString(CultureInfo.InvariantCulture))], _options));
        var clock = Stopwatch.StartNew();
        session.Report("base");
        var start = TemperedStart.Find(_target, _options.StartSpread, _options.BaseInflation, run);
        return _resamples ? Resampled(session, start, particles, islands, clock) : Annealed(session, start, particles, islands, clock);
    }

    private SampleSet Resampled(RunSession session, TemperedStart start, int particles, int islands, Stopwatch clock)
    {
        using var smc = new SequentialMonteCarlo(
            _target, start.LogDensity, start.Sample, Plan(particles, islands), null, session.Run.Seed, session.Run.Threads);
        session.Iterate("anneal", new AnnealingPhase(smc), 1, validations: 1);
        return Result(session.Run, smc, start, islands, smc.Stages.Count, 0, clock.Elapsed.TotalSeconds, 0);
    }

    private SampleSet Annealed(RunSession session, TemperedStart start, int particles, int islands, Stopwatch clock)
    {
        var plan = Plan(PilotParticles, PilotIslands) with { EffectiveShare = PilotEffectiveShare };
        using var pilot = new SequentialMonteCarlo(_target, start.LogDensity, start.Sample, plan, null, session.Run.Seed, session.Run.Threads);
        session.Iterate("pilot", new AnnealingPhase(pilot), 1, validations: 1);
        var (pilotSeconds, stages) = (clock.Elapsed.TotalSeconds, Divide(pilot.Stages, _options.Temperatures));

        // Another seed than the pilot's, whose particles must not be those that are weighted.
        using var ais = new SequentialMonteCarlo(
            _target, start.LogDensity, start.Sample, Plan(particles, islands) with { Metric = plan.Metric }, stages,
            session.Run.Seed ^ 0xA15, session.Run.Threads);
        session.Iterate("anneal", new AnnealingPhase(ais, stages.Count), stages.Count, validations: 1);
        return Result(session.Run, ais, start, islands, stages.Count, pilotSeconds, clock.Elapsed.TotalSeconds - pilotSeconds, pilot.TargetCalls);
    }

    private TemperingPlan Plan(int particles, int islands) => new(
        particles, islands, _options.EffectiveShare, _options.Moves, _options.TargetAcceptance, _options.TrajectoryLength, _options.MaximumLeapfrogs,
        ChainMetric.Resolve(_options.Metric, _target.Dimension, particles));

    // Temperatures between those of the stages, as many of each so that there are enough; between two of them moves are those of the later one.
    private static List<TemperedStage> Divide(IReadOnlyList<TemperedStage> stages, int least)
    {
        var (parts, before, result) = ((least + stages.Count - 1) / stages.Count, 0.0, new List<TemperedStage>());
        foreach (var stage in stages)
        {
            for (var k = 1; k <= parts; k++)
            {
                result.Add(k == parts ? stage : stage with { Beta = before + ((stage.Beta - before) * k / parts) });
            }

            before = stage.Beta;
        }

        return result;
    }

    private SampleSet Result(
        Run run, SequentialMonteCarlo smc, TemperedStart start, int islands, int temperatures, double pilotSeconds, double seconds, long pilotCalls)
    {
        var n = smc.LogWeights.Length;
        var draws = SampleSet.Of(
            _target, smc.Positions, smc.LogWeights, Name, _options,
            FormattableString.Invariant($"{(_resamples ? "sequential Monte Carlo" : "annealed importance sampling")}, {n} particles in {islands} islands, ")
            + FormattableString.Invariant($"{temperatures} temperatures, Hamiltonian moves"),
            run.Seed) with
        { Islands = islands };
        double[] means = [.. Enumerable.Range(0, islands).Select(g => LogMeanExp(smc.LogWeights.AsSpan(g * (n / islands), n / islands)))];
        double[] ratios = [.. means.Select(m => Math.Exp(m - draws.LogZ))];
        var error = Math.Sqrt(ratios.Sum(r => (r - 1) * (r - 1)) / (islands - 1) / islands);
        return draws with
        {
            LogZError = _resamples ? error : Math.Max(error, draws.LogZError),
            EffectiveSampleSize = Math.Min(draws.EffectiveSampleSize, draws.IslandEffectiveDraws() / n),
            Elbo = _resamples ? double.NaN : draws.Elbo,
            ElboError = _resamples ? null : draws.ElboError,
            TargetCalls = start.TargetCalls + pilotCalls + smc.TargetCalls,
            Preparation = start.Source,
            UsesModeKnowledge = start.UsesModeKnowledge,
            TrainSeconds = pilotSeconds,
            SampleSeconds = seconds,
            Iterations = temperatures,
            Warnings = [.. draws.Warnings, .. Judge(smc, draws, means), .. _resamples ? Bridge(draws with { LogZError = error }, smc, run) : []],
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

    private IEnumerable<Status> Judge(SequentialMonteCarlo smc, SampleSet draws, double[] means)
    {
        var mean = means.Average();
        var spread = Math.Sqrt(means.Sum(m => (m - mean) * (m - mean)) / (means.Length - 1));
        if (!(spread < LargestSpread) && _resamples)
        {
            yield return Status.Warn(
                FormattableString.Invariant($"the islands' log Z differ by {spread:f2} (standard deviation)"),
                "take more samples, an effectiveShare nearer to 1, or more moves");
        }

        if (smc.LeastAcceptance < LowAcceptance)
        {
            yield return Status.Warn(
                FormattableString.Invariant($"at one temperature only {smc.LeastAcceptance:p0} of the moves were taken"),
                "take more moves, or a higher targetAcceptance");
        }

        if (_resamples && draws.IslandDisagreement() is var (name, ratio) && ratio > LargestRHat)
        {
            yield return Status.Warn(
                FormattableString.Invariant($"the islands disagree: R-hat of {name} is {ratio:f3}, above {LargestRHat}"), "take more samples or more moves");
        }
    }

    private static double LogMeanExp(ReadOnlySpan<double> values)
    {
        var top = double.NegativeInfinity;
        foreach (var value in values)
        {
            top = Math.Max(top, value);
        }

        var sum = 0.0;
        foreach (var value in values)
        {
            sum += Math.Exp(value - top);
        }

        return double.IsNegativeInfinity(top) ? top : top + Math.Log(sum / values.Length);
    }
}
