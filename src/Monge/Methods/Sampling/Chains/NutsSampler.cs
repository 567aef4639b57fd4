using System.Diagnostics;
using System.Globalization;
using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Samples by many chains of the no-U-turn sampler at once, with one adaptation for all of them (<see cref="NoUTurnChains"/>). log Z comes from bridge sampling
/// (<see cref="BridgeSampling"/>). Source: M. Hoffman and A. Gelman, "The No-U-Turn Sampler", JMLR 15 (2014), with the later changes of Stan.
/// </summary>
public sealed class NutsSampler : ISamplingMethod
{
    /// <summary>Its name on the command line.</summary>
    internal const string MethodName = "nuts";

    private const int LeastDraws = 10;

    private readonly Density _target;
    private readonly NutsOptions _options;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public NutsSampler(Density target, NutsOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        (_target, _options) = (target, options ?? new NutsOptions());
        _options.Check();
    }

    /// <inheritdoc/>
    public string Name => MethodName;

    /// <inheritdoc/>
    public IMethodOptions Options => _options;

    /// <inheritdoc/>
    /// <remarks>As many draws as all chains need to have at least <paramref name="samples"/> together.</remarks>
    /// <exception cref="ArgumentException">Chains and draws are more than an array can hold.</exception>
    public SampleSet Sample(int samples, Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 2);
        _target.CheckTails(run.Cancellation);
        var draws = _options.Draws ?? Math.Max(LeastDraws, (samples + _options.Chains - 1) / _options.Chains);
        if ((long)draws * _options.Chains * Math.Max(_target.Dimension, _target.Names.Count) > Array.MaxLength)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"{_options.Chains} chains of {draws} draws in {_target.Dimension} coordinates are more numbers than an array can hold; take fewer draws."));
        }

        var session = new RunSession(run, new RunIdentity(
            MethodName, [.. SamplingMethods.Identity(_target), ("draws", draws.ToString(CultureInfo.InvariantCulture))], _options));
        using var chains = new NoUTurnRun(_target, _options, draws, run.Seed, run.Threads);
        var warmUp = session.Iterate("warm-up", chains.WarmUp, _options.WarmUp, validations: 1);
        var clock = Stopwatch.StartNew();
        session.Iterate("sample", chains.Sampling, chains.Blocks, validations: 1);
        return Result(chains, draws, run, warmUp.Elapsed.TotalSeconds, clock.Elapsed.TotalSeconds);
    }

    private SampleSet Result(NoUTurnRun chains, int draws, Run run, double warmUpSeconds, double sampleSeconds)
    {
        var n = _options.Chains * draws;
        var reported = PointFunction.At(_target.Report, chains.Positions, _target.Dimension, run.Execution);
        var names = _target.Names;
        var convergence = ChainJudgement.Convergence(reported, names.Count, _options.Chains, draws);
        var bridge = convergence.All(c => c.RHat <= ChainJudgement.HopelessRHat)
            ? BridgeSampling.Estimate(
                chains.Positions, chains.LogDensities, _options.Chains, _target.Dimension,
                x => PointFunction.At(_target.LogDensity, x, _target.Dimension, run.Execution), new RandomStream(run.Seed, MonteCarloStreams.Bridge))
            : new BridgeEstimate(double.NaN, double.NaN, "the chains disagree");
        var record = new ChainRecord
        {
            Chains = _options.Chains,
            DrawsPerChain = draws,
            WarmUp = _options.WarmUp,
            LogDensities = chains.LogDensities,
            Energies = chains.Energies,
            Acceptance = chains.Acceptance,
            Leapfrogs = chains.Leapfrogs,
            Depths = chains.Depths,
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
            Target = _target.Name,
            LogZ = bridge.LogZ,
            LogZError = bridge.Error,
            EffectiveSampleSize = Math.Min(1, record.LeastBulkEffectiveDraws / n),
            Elbo = double.NaN,
            TargetCalls = chains.TargetCalls,
            Warnings = [.. Judge(record, reported)],
            Method = MethodName,
            Options = MethodOptions.Format(_options),
            Sampler = FormattableString.Invariant(
                $"no-U-turn, {_options.Chains} chains of {draws} draws after {_options.WarmUp}, step {chains.StepSize:g3}, {Metric(chains.Metric)} metric"),
            Preparation = FormattableString.Invariant($"chains started uniformly in (-{_options.StartSpread:g3}, {_options.StartSpread:g3})")
                + (_options.Start == ChainStart.Uniform ? "" : ", then on ways uphill"
                + (chains.LostStarts == 0 ? "" : $"; {chains.LostStarts} of {_options.Chains} led nowhere and were given up")),
            Seed = run.Seed,
            Version = RunIdentity.Version,
            TrainSeconds = warmUpSeconds,
            SampleSeconds = sampleSeconds,
            Iterations = _options.WarmUp,
            Chains = record,
        };
    }

    private static string Metric(MetricKind kind) => MethodOptions.NameOf(kind.ToString());

    // The coordinate in which divergent transitions lie furthest aside, by the ranks of their draws; nothing if they lie as all draws do.
    private string Place(ChainRecord record, double[] positions)
    {
        const double least = 3;
        var (d, n, count) = (_target.Names.Count, record.Divergent.Length, record.Divergences);
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

        return FormattableString.Invariant($", most of them where {_target.Names[where]} is {(sign < 0 ? "small" : "large")} ")
            + FormattableString.Invariant($"(median {Median(i => record.Divergent[i]):g3}, of all draws {Median(_ => true):g3})");
    }

    private IEnumerable<Status> Judge(ChainRecord record, double[] positions)
    {
        foreach (var status in ChainJudgement.Disagreement(
            record, _target.Names, "; if it stays, the density has separate modes that chains don't cross (try pt, smc or nets)"))
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

        var deep = record.Depths.Count(d => d >= _options.MaximumDepth);
        if (deep > 0.01 * record.Depths.Length)
        {
            yield return new Status(
                StatusCode.Warning,
                FormattableString.Invariant($"{deep} of {record.Depths.Length} trajectories were cut at depth {_options.MaximumDepth}"),
                "take the dense metric or a larger maximumDepth");
        }

        foreach (var status in ChainJudgement.FewDraws(record))
        {
            yield return status;
        }
    }
}
