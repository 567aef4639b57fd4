using System.Diagnostics;
using System.Globalization;
using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// A run of many chains at once, whatever kernel moves them, with one adaptation for all (<see cref="ChainLanes"/>). log Z comes from bridge sampling
/// (<see cref="BridgeSampling"/>).
/// </summary>
/// <param name="Method">The method's name.</param>
/// <param name="Title">What its chains are called where they are told.</param>
/// <param name="Target">The density.</param>
/// <param name="Options">The options.</param>
internal sealed record ChainSampling(string Method, string Title, Density Target, ChainOptions Options)
{
    private const int LeastDraws = 10;

    /// <summary>Warms up and draws, as many as all chains need to have at least so many together.</summary>
    /// <exception cref="ArgumentException">Chains and draws are more than an array can hold.</exception>
    public SampleSet Sample(int samples, Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 2);
        Target.CheckTails(run.Cancellation);
        var draws = Options.Draws ?? Math.Max(LeastDraws, (samples + Options.Chains - 1) / Options.Chains);
        if ((long)draws * Options.Chains * Math.Max(Target.Dimension, Target.Names.Count) > Array.MaxLength)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"{Options.Chains} chains of {draws} draws in {Target.Dimension} coordinates are more numbers than an array can hold; take fewer draws."));
        }

        var session = new RunSession(run, new RunIdentity(
            Method, [.. SamplingMethods.Identity(Target), ("draws", draws.ToString(CultureInfo.InvariantCulture))], Options));
        using var chains = new ChainRun(Target, Options, draws, run.Seed, run.Threads);
        var warmUp = session.Iterate("warm-up", chains.WarmUp, Options.WarmUp, validations: 1);
        var clock = Stopwatch.StartNew();
        session.Iterate("sample", chains.Sampling, chains.Blocks, validations: 1);
        return Result(chains, draws, run, warmUp.Elapsed.TotalSeconds, clock.Elapsed.TotalSeconds);
    }

    private SampleSet Result(ChainRun chains, int draws, Run run, double warmUpSeconds, double sampleSeconds)
    {
        var n = Options.Chains * draws;
        Target.Symmetrise(chains.Positions, run.Seed);
        var reported = PointFunction.At(Target.Report, chains.Positions, Target.Dimension, run.Execution);
        var names = Target.Names;
        var convergence = ChainJudgement.Convergence(reported, names.Count, Options.Chains, draws);
        var bridge = convergence.All(c => c.RHat <= ChainJudgement.HopelessRHat)
            ? BridgeSampling.Estimate(
                chains.Positions, chains.LogDensities, Options.Chains, Target.Dimension,
                x => PointFunction.At(Target.LogDensity, x, Target.Dimension, run.Execution), new RandomStream(run.Seed, MonteCarloStreams.Bridge))
            : new BridgeEstimate(double.NaN, double.NaN, "the chains disagree");
        var record = new ChainRecord
        {
            Chains = Options.Chains,
            DrawsPerChain = draws,
            WarmUp = Options.WarmUp,
            LogDensities = chains.LogDensities,
            Energies = chains.Energies,
            Acceptance = chains.Acceptance,
            Leapfrogs = chains.Leapfrogs,
            Depths = Options is NutsOptions ? chains.Depths : [],
            Divergent = chains.Divergent,
            StepSize = chains.StepSize,
            Convergence = convergence,
            LogZSource = bridge.Reason is { } reason ? $"no estimate, as {reason}" : "bridge sampling",
        };
        var weights = new double[n];
        Array.Fill(weights, double.IsNaN(bridge.LogZ) ? 0 : bridge.LogZ);
        return new SampleSet
        {
            Positions = reported,
            UnconstrainedPositions = chains.Positions,
            LogWeights = weights,
            Names = names,
            Target = Target.Name,
            LogZ = bridge.LogZ,
            LogZError = bridge.Error,
            EffectiveSampleSize = Math.Min(1, record.LeastBulkEffectiveDraws / n),
            Elbo = double.NaN,
            TargetCalls = chains.TargetCalls,
            Warnings = [.. Judge(record, reported)],
            Method = Method,
            Options = MethodOptions.Format(Options),
            Sampler = FormattableString.Invariant(
                $"{Title}, {Options.Chains} chains of {draws} draws after {Options.WarmUp}, step {chains.StepSize:g3}, {Metric(chains.Metric)} metric"),
            Preparation = FormattableString.Invariant($"chains started uniformly in (-{Options.StartSpread:g3}, {Options.StartSpread:g3})")
                + (Options.Start == ChainStart.Uniform ? "" : ", then on ways uphill"
                + (chains.LostStarts == 0 ? "" : $"; {chains.LostStarts} of {Options.Chains} led nowhere and were given up")),
            Seed = run.Seed,
            Version = RunIdentity.Version,
            TrainSeconds = warmUpSeconds,
            SampleSeconds = sampleSeconds,
            Iterations = Options.WarmUp,
            Chains = record,
        };
    }

    private static string Metric(MetricKind kind) => MethodOptions.NameOf(kind.ToString());

    // The coordinate in which divergent transitions lie furthest aside, by the ranks of their draws; nothing if they lie as all draws do.
    private string Place(ChainRecord record, double[] positions)
    {
        const double least = 3;
        var (d, n, count) = (Target.Names.Count, record.Divergent.Length, record.Divergences);
        var (widest, where, sign) = (least, -1, 0);
        var (values, rows) = (new double[n], new int[n]);
        for (var j = 0; j < d; j++)
        {
            for (var i = 0; i < n; i++)
            {
                (values[i], rows[i]) = (positions[(i * d) + j], i);
            }

            Array.Sort(values, rows);
            var sum = 0.0;
            for (var rank = 0; rank < n; rank++)
            {
                sum += record.Divergent[rows[rank]] ? ((rank + 0.5) / n) - 0.5 : 0;
            }

            // The mean rank of draws taken at random has this deviation.
            var score = sum / count / Math.Sqrt(1 / (12.0 * count));
            if (Math.Abs(score) > widest)
            {
                (widest, where, sign) = (Math.Abs(score), j, Math.Sign(score));
            }
        }

        if (where < 0)
        {
            return "";
        }

        double Median(Func<int, bool> isMeant)
        {
            double[] column = [.. Enumerable.Range(0, n).Where(isMeant).Select(i => positions[(i * d) + where]).Order()];
            return column[column.Length / 2];
        }

        return FormattableString.Invariant($", most of them where {Target.Names[where]} is {(sign < 0 ? "small" : "large")} ")
            + FormattableString.Invariant($"(median {Median(i => record.Divergent[i]):g3}, of all draws {Median(_ => true):g3})");
    }

    private IEnumerable<Status> Judge(ChainRecord record, double[] positions)
    {
        foreach (var status in ChainJudgement.Stuck(record, positions))
        {
            yield return status;
        }

        foreach (var status in ChainJudgement.Disagreement(
            record, Target.Names, "; if it stays, the density has separate modes that chains don't cross (try pt, smc or nets)"))
        {
            yield return status;
        }

        if (record.Divergences is > 0 and var divergences)
        {
            yield return new Status(
                StatusCode.Warning,
                FormattableString.Invariant($"{divergences} of {record.Divergent.Length} transitions diverged{Place(record, positions)}"),
                "raise targetAcceptance, or change the parameters of the model where its scale changes (a funnel: centred or not)");
        }

        var (cut, most, option) = Options switch
        {
            NutsOptions nuts => (record.Depths.Count(d => d >= nuts.MaximumDepth), FormattableString.Invariant($"depth {nuts.MaximumDepth}"), "maximumDepth"),
            HmcOptions hmc => (
                record.Leapfrogs.Count(n => n >= hmc.Thinning * hmc.MaximumLeapfrogs), FormattableString.Invariant($"{hmc.MaximumLeapfrogs} steps"),
                "maximumLeapfrogs"),
            _ => (0, "", ""),
        };
        if (cut > 0.01 * record.Leapfrogs.Length)
        {
            yield return new Status(
                StatusCode.Warning,
                FormattableString.Invariant($"{cut} of {record.Leapfrogs.Length} trajectories were cut at {most}"),
                $"take the dense metric or a larger {option}");
        }

        foreach (var status in ChainJudgement.FewDraws(record))
        {
            yield return status;
        }
    }
}
