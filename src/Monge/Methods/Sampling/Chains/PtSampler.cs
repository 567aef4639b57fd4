using System.Diagnostics;
using System.Globalization;
using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Samples by parallel tempering (<see cref="TemperedLadder"/>): ladders of temperatures from a law that covers the density, whose states at the density are
/// the chains. Step sizes, metrics and the first temperatures come from a pilot run of sequential Monte Carlo; log Z from acceptance ratios between the rungs.
/// </summary>
public sealed class PtSampler : ISamplingMethod
{
    /// <summary>Its name on the command line.</summary>
    internal const string MethodName = "pt";

    private const int LeastDraws = 10;
    private const int FewestTemperatures = 3;
    private const int LeastRoundTrips = 10;

    // A swap's refusals over the deviation of its log-ratio, where both rungs' ratios are Gaussian: E|1 - exp| = 2 Phi(s / sqrt 2) - 1, s / sqrt(pi) for
    // small s.
    private static readonly double s_rejectionOfDeviation = 1 / Math.Sqrt(Math.PI);

    // Refusals of a swap that temperatures are taken for: between a half, which is best for one ladder on its own, and none.
    private const double Refusals = 0.33;

    private readonly Density _target;
    private readonly PtOptions _options;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public PtSampler(Density target, PtOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        (_target, _options) = (target, options ?? new PtOptions());
        _options.Check();
    }

    /// <inheritdoc/>
    public string Name => MethodName;

    /// <inheritdoc/>
    public IMethodOptions Options => _options;

    /// <inheritdoc/>
    /// <remarks>As many draws as all chains need to have at least <paramref name="samples"/> together.</remarks>
    /// <exception cref="ArgumentException">Chains, temperatures and draws are more than an array can hold.</exception>
    public SampleSet Sample(int samples, Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 2);
        _target.CheckTails(run.Cancellation);
        var (chains, d) = (_options.Chains, _target.Dimension);
        var draws = _options.Draws ?? Math.Max(LeastDraws, (samples + chains - 1) / chains);
        var session = new RunSession(run, new RunIdentity(
            MethodName, [.. SamplingMethods.Identity(_target), ("draws", draws.ToString(CultureInfo.InvariantCulture))], _options));
        var clock = Stopwatch.StartNew();
        session.Report("base");
        var start = TemperedStart.Find(_target, _options.Tempering, run);
        var (pilot, plan) = TemperedPilot.Run(session, _target, start, _options.Tempering, (long)chains * _options.WarmUp);
        using var disposed = pilot;
        var stages = Stages(pilot.Stages);
        var rungs = stages.Count + 1;
        if ((long)draws * chains * Math.Max(rungs, Math.Max(d, _target.Names.Count)) > Array.MaxLength)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"{chains} chains of {draws} draws in {d} coordinates and {rungs} temperatures are more numbers than an array can hold; take fewer draws."));
        }

        using var ladder = new TemperedLadder(_target, start.LogDensity, start.Sample, plan with { Particles = chains }, stages, run.Seed, run.Threads);
        var tempered = new TemperedRun(ladder, _options, draws, d, Starts(pilot, stages.Count * chains, d, run.Seed));
        session.Iterate("warm-up", tempered.WarmUp, _options.WarmUp, validations: 1);
        var warmUp = clock.Elapsed.TotalSeconds;
        session.Iterate("sample", tempered.Sampling, draws, validations: 1);
        return Result(
            tempered, ladder, start, draws, run, start.TargetCalls + pilot.TargetCalls + ladder.TargetCalls, warmUp, clock.Elapsed.TotalSeconds - warmUp);
    }

    // As many rungs as the pilot's temperatures say, at equal numbers of these: each of them left the same share of the particles, so was as long as any other.
    private List<TemperedStage> Stages(IReadOnlyList<TemperedStage> pilot)
    {
        var deviation = Math.Sqrt(-Math.Log(TemperedPilot.EffectiveShare));
        var rungs = _options.Temperatures - 1
            ?? Math.Max(FewestTemperatures - 1, (int)Math.Ceiling(s_rejectionOfDeviation * Math.Sqrt(2) * deviation * pilot.Count / Refusals));
        var result = new List<TemperedStage>();
        for (var k = 1; k <= rungs; k++)
        {
            var place = (double)k * pilot.Count / rungs;
            var at = (int)Math.Ceiling(place - 1e-9);
            var (below, above) = (at > 1 ? pilot[at - 2].Beta : 0, pilot[at - 1]);
            result.Add(above with { Beta = k == rungs ? 1 : below + ((above.Beta - below) * (place - at + 1)) });
        }

        return result;
    }

    // Particles of the pilot, drawn by their weights.
    private static double[] Starts(SequentialMonteCarlo pilot, int count, int d, ulong seed)
    {
        var chosen = Resampling.Systematic(
            ImportanceWeights.FromLogWeights(pilot.LogWeights).Normalised.ToArray(), count, new RandomStream(seed, MonteCarloStreams.TemperedResampling));
        var random = new RandomStream(seed, MonteCarloStreams.TemperedSwap);
        random.Shuffle(chosen.AsSpan());
        var positions = new double[count * d];
        for (var i = 0; i < count; i++)
        {
            Array.Copy(pilot.Positions, chosen[i] * d, positions, i * d, d);
        }

        return positions;
    }

    private SampleSet Result(
        TemperedRun tempered, TemperedLadder ladder, TemperedStart start, int draws, Run run, long calls, double warmUpSeconds, double sampleSeconds)
    {
        var chains = _options.Chains;
        var n = chains * draws;
        _target.Symmetrise(tempered.Positions, run.Seed);
        var reported = _target.ReportAt(tempered.Positions);
        var estimate = AcceptanceRatios.Estimate(ladder.Betas, tempered.Ratios, chains);
        var leapfrogs = new int[n];
        Array.Fill(leapfrogs, ladder.Leapfrogs * _options.Thinning);
        var record = new ChainRecord
        {
            Chains = chains,
            DrawsPerChain = draws,
            WarmUp = _options.WarmUp,
            LogDensities = tempered.LogDensities,
            Energies = [],
            Acceptance = tempered.Acceptance,
            Leapfrogs = leapfrogs,
            Depths = [],
            Divergent = [.. tempered.Divergent.Select(x => x == 1)],
            StepSize = ladder.StepSize,
            Convergence = ChainJudgement.Convergence(reported, _target.Names.Count, chains, draws),
            LogZSource = "acceptance ratios between temperatures",
        };
        var tempering = new TemperingRecord { Betas = [.. ladder.Betas], Rejections = ladder.Rejections, RoundTrips = ladder.RoundTrips };
        var weights = new double[n];
        Array.Fill(weights, estimate.LogZ);
        return new SampleSet
        {
            Positions = reported,
            UnconstrainedPositions = tempered.Positions,
            LogWeights = weights,
            Names = _target.Names,
            Target = _target.Name,
            LogZ = estimate.LogZ,
            LogZError = estimate.Error,
            EffectiveSampleSize = Math.Min(1, record.LeastBulkEffectiveDraws / n),
            Elbo = double.NaN,
            TargetCalls = calls,
            Warnings = [.. Judge(record, tempering)],
            Method = MethodName,
            Options = MethodOptions.Format(_options),
            Sampler = FormattableString.Invariant(
                $"parallel tempering, {chains} ladders of {ladder.Rungs} temperatures, {draws} draws of each after {_options.WarmUp} sweeps"),
            Preparation = start.Source,
            UsesModeKnowledge = start.UsesModeKnowledge,
            Seed = run.Seed,
            Version = RunIdentity.Version,
            TrainSeconds = warmUpSeconds,
            SampleSeconds = sampleSeconds,
            Iterations = _options.WarmUp,
            Chains = record,
            Tempering = tempering,
        };
    }

    private IEnumerable<Status> Judge(ChainRecord record, TemperingRecord tempering)
    {
        foreach (var status in ChainJudgement.Disagreement(record, _target.Names, ", or more temperatures"))
        {
            yield return status;
        }

        if (tempering.RoundTrips < LeastRoundTrips)
        {
            yield return Status.Warn(
                FormattableString.Invariant($"only {tempering.RoundTrips} states went from the base to the target and back"),
                "take more temperatures (about twice the communication barrier) or more draws");
        }

        foreach (var status in ChainJudgement.FewDraws(record))
        {
            yield return status;
        }
    }
}
