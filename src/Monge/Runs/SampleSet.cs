using System.Globalization;
using System.Text;
using Monge.Diagnostics;
using Monge.Measures;
using Monge.Training;

namespace Monge.Runs;

/// <summary>
/// Weighted draws from a density rho on R^d known up to its normaliser Z, the estimate of log Z with its standard error, and what made them.
/// Expectations are sum_i w_i f(x_i) / sum_i w_i with w_i = exp(LogWeights[i]).
/// </summary>
public sealed record SampleSet
{
    /// <summary>The reported positions [n, d], row-major: parameters as their source names them, in the order of <see cref="Names"/>.</summary>
    public required double[] Positions { get; init; }

    /// <summary>The positions [n, u], row-major, in the unconstrained coordinates in which the transport ran.</summary>
    public required double[] UnconstrainedPositions { get; init; }

    /// <summary>Log-weights [n], unnormalised: their log-mean-exp estimates log Z.</summary>
    public required double[] LogWeights { get; init; }

    /// <summary>Names [d] of the reported coordinates.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Name of the target density.</summary>
    public required string Target { get; init; }

    /// <summary>Number of samples n.</summary>
    public int Count => LogWeights.Length;

    /// <summary>Number d of reported coordinates.</summary>
    public int Dimension => Names.Count;

    /// <summary>
    /// Importance-sampling estimate of log Z: the log-mean-exp of the log-weights. For chains the estimate by bridge sampling, or NaN where there is none:
    /// <see cref="ChainRecord.LogZSource"/> says why.
    /// </summary>
    public required double LogZ { get; init; }

    /// <summary>
    /// Standard error of <see cref="LogZ"/> by the delta method: the weights' standard deviation over their mean and sqrt(n), the largest weights' share of the
    /// variance being that of the Pareto law fitted to them where that is larger.
    /// </summary>
    public required double LogZError { get; init; }

    /// <summary>
    /// Effective sample size as a fraction of n: (sum w)^2 / (n sum w^2); for chains the smallest effective number of draws for a coordinate's bulk over n;
    /// for islands at most what the spread of their means tells.
    /// </summary>
    public required double EffectiveSampleSize { get; init; }

    /// <summary>Evidence lower bound: the mean of the log-weights, at most log Z in expectation; NaN for chains, which give none.</summary>
    public required double Elbo { get; init; }

    /// <summary>Standard error of <see cref="Elbo"/>; null if it wasn't computed.</summary>
    public double? ElboError { get; init; }

    /// <summary>
    /// Evidence upper bound: the mean log-weight over exact samples of the target carried back to the base, at least log Z in
    /// expectation; null without exact samples.
    /// </summary>
    public double? Eubo { get; init; }

    /// <summary>Standard error of <see cref="Eubo"/>.</summary>
    public double? EuboError { get; init; }

    /// <summary>
    /// Effective sample size (fraction) over exact samples of the target, 1 / mean of w / Z: small when the sampler misses
    /// what they cover; null without exact samples.
    /// </summary>
    public double? ForwardEffectiveSampleSize { get; init; }

    /// <summary>Standard error of <see cref="ForwardEffectiveSampleSize"/>.</summary>
    public double? ForwardEffectiveSampleSizeError { get; init; }

    /// <summary>Evaluations of the target's log density or score by training, checks and sampling together; null if they weren't counted.</summary>
    public long? TargetCalls { get; init; }

    /// <summary>The free energy F_t = -log Z_t along the path, by time; null for methods without one.</summary>
    public IReadOnlyList<FreeEnergyPoint>? FreeEnergy { get; init; }

    /// <summary>
    /// What was done to the positions after weighting, in words: then they weigh equally but aren't independent; null for samples as they were drawn.
    /// </summary>
    public string? Correction { get; init; }

    /// <summary>
    /// The samplers that were tried after the training on a validation batch, in the order of the trials; null for methods without such a choice.
    /// </summary>
    public IReadOnlyList<SamplerTrial>? SamplerScan { get; init; }

    /// <summary>What is known of the chains, where the samples are their draws; null for independent samples.</summary>
    public ChainRecord? Chains { get; init; }

    /// <summary>
    /// Groups of equal size, one after the other, of which each was drawn independently of the others though the samples in it weren't; errors then come from
    /// their spread. Null where all samples are independent, or chains.
    /// </summary>
    public int? Islands { get; init; }

    /// <summary>What is known of the temperatures, where chains were swapped between them; null for other methods.</summary>
    public TemperingRecord? Tempering { get; init; }

    /// <summary>Whether base or path were made knowing where the modes are; a comparison must say so.</summary>
    public bool UsesModeKnowledge { get; init; }

    /// <summary>Whether the set may be relied on: success, the first failure, or else the first of <see cref="Warnings"/>.</summary>
    public Status Status => Warnings.FirstOrDefault(w => w.Code == StatusCode.Failed) ?? Warnings.FirstOrDefault() ?? Status.Success;

    /// <summary>Whether the draws are of no use: then <see cref="LogZ"/> is a lower bound, and moments say nothing of the target.</summary>
    public bool IsFailed => Status.Code == StatusCode.Failed;

    /// <summary>What is doubtful and what to try, the gravest first; empty when nothing is.</summary>
    public required IReadOnlyList<Status> Warnings { get; init; }

    /// <summary>Name of the method in the registry, for example "pinn".</summary>
    public required string Method { get; init; }

    /// <summary>The resolved options of the run as JSON: with the seed and the version, everything needed to repeat it.</summary>
    public required string Options { get; init; }

    /// <summary>How the samples were drawn, for example "sde, Euler-Maruyama, diffusion 0.5, 128 steps".</summary>
    public required string Sampler { get; init; }

    /// <summary>How the start of the transport was found, in words.</summary>
    public required string Preparation { get; init; }

    /// <summary>The seed of the run.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The version of the library.</summary>
    public required string Version { get; init; }

    /// <summary>Seconds of training, wall clock, the preparation included.</summary>
    public required double TrainSeconds { get; init; }

    /// <summary>Seconds of sampling, wall clock, the choice of the sampler included.</summary>
    public required double SampleSeconds { get; init; }

    /// <summary>Optimiser steps taken.</summary>
    public required long Iterations { get; init; }

    /// <summary>The samples of a method of one's own: positions and log-weights, from which log Z, its error, the bounds and the warnings follow.</summary>
    /// <param name="target">The density.</param>
    /// <param name="positions">Unconstrained positions [n, u], row-major.</param>
    /// <param name="logWeights">log of density over proposal [n]: their log-mean-exp estimates log Z.</param>
    /// <param name="method">The method's name.</param>
    /// <param name="options">Its resolved options.</param>
    /// <param name="sampler">How the samples were drawn, in words.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="training">How the training ended; null for none.</param>
    /// <exception cref="ArgumentException">Positions and weights don't fit the target, or all weights vanish.</exception>
    public static SampleSet Of(
        Density target,
        double[] positions,
        double[] logWeights,
        string method,
        IMethodOptions options,
        string sampler,
        ulong seed,
        TrainingOutcome? training = null)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(positions);
        ArgumentNullException.ThrowIfNull(logWeights);
        if (positions.Length != logWeights.Length * target.Dimension)
        {
            throw new ArgumentException(
                $"'{target.Name}' has {target.Dimension} coordinates, so {positions.Length} numbers aren't the positions of {logWeights.Length} weights.",
                nameof(positions));
        }

        var weights = ImportanceWeights.FromLogWeights(logWeights);
        target.Symmetrise(positions, seed);
        var reported = target.ReportAt(positions);
        return new SampleSet
        {
            Positions = reported,
            UnconstrainedPositions = positions,
            LogWeights = logWeights,
            Names = target.Names,
            Target = target.Name,
            LogZ = weights.LogNormaliser,
            LogZError = weights.LogNormaliserError,
            EffectiveSampleSize = weights.EffectiveSampleFraction,
            Elbo = weights.Elbo,
            ElboError = weights.ElboError,
            Warnings = [.. weights.Warnings, .. MomentTails.Judge(MomentTails.Compute(reported, target.Names, logWeights))],
            Method = method,
            Options = MethodOptions.Format(options),
            Sampler = sampler,
            Preparation = "none",
            Seed = seed,
            Version = RunIdentity.Version,
            TrainSeconds = training?.Elapsed.TotalSeconds ?? 0,
            SampleSeconds = 0,
            Iterations = training?.Iterations ?? 0,
        };
    }

    /// <summary>The weights [n], normalised to sum 1.</summary>
    public double[] NormalizedWeights()
    {
        var largest = LogWeights.Max();
        var weights = Array.ConvertAll(LogWeights, l => Math.Exp(l - largest));
        var sum = weights.Sum();
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] /= sum;
        }

        return weights;
    }

    /// <summary>Weighted mean [d] of the reported positions.</summary>
    public double[] Mean()
    {
        var weights = NormalizedWeights();
        var mean = new double[Dimension];
        for (var i = 0; i < weights.Length; i++)
        {
            for (var j = 0; j < mean.Length; j++)
            {
                mean[j] += weights[i] * Positions[(i * mean.Length) + j];
            }
        }

        return mean;
    }

    /// <summary>Weighted standard deviation [d] of the reported positions.</summary>
    public double[] StandardDeviation()
    {
        var weights = NormalizedWeights();
        var mean = Mean();
        var variance = new double[Dimension];
        for (var i = 0; i < weights.Length; i++)
        {
            for (var j = 0; j < mean.Length; j++)
            {
                var deviation = Positions[(i * mean.Length) + j] - mean[j];
                variance[j] += weights[i] * deviation * deviation;
            }
        }

        return Array.ConvertAll(variance, Math.Sqrt);
    }

    /// <summary>Weighted quantile [d] of the reported positions: the smallest value with at least the given share of the weight at or below it.</summary>
    /// <param name="share">The share, from 0 to 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The share is outside 0 to 1.</exception>
    public double[] Quantile(double share)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(share, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1);
        var weights = NormalizedWeights();
        var result = new double[Dimension];
        var order = new int[Count];
        for (var j = 0; j < result.Length; j++)
        {
            var column = new double[Count];
            for (var i = 0; i < Count; i++)
            {
                order[i] = i;
                column[i] = Positions[(i * result.Length) + j];
            }

            Array.Sort(column, order);
            var sum = 0.0;
            var at = 0;
            while (at < Count - 1 && (sum += weights[order[at]]) < share)
            {
                at++;
            }

            result[j] = column[at];
        }

        return result;
    }

    /// <summary>Moments and quantiles of each reported coordinate with their errors; for chains those that know of the draws' dependence.</summary>
    public IReadOnlyList<MomentRow> MomentRows()
    {
        var rows = MomentTable.Compute(Positions, Dimension, LogWeights, Names).Rows;
        return Chains is { } chains ? [.. rows.Select((row, j) => row with
        {
            MeanError = chains.Convergence[j].MeanError,
            StandardDeviationError = chains.Convergence[j].DeviationError,
        })]
            : Islands is not { } islands ? rows : [.. rows.Select((row, j) => row with
            {
                MeanError = IslandError(IslandMeans(islands, j, x => x), row.Mean),
                StandardDeviationError = IslandError(
                    IslandMeans(islands, j, x => (x - row.Mean) * (x - row.Mean)), row.StandardDeviation * row.StandardDeviation) / (2 * row.StandardDeviation),
            })];
    }

    /// <summary>The number of independent draws whose means would spread as the islands' do, averaged over the coordinates.</summary>
    internal double IslandEffectiveDraws() =>
        1 / MomentRows().Average(r => r.StandardDeviation > 0 ? r.MeanError * r.MeanError / (r.StandardDeviation * r.StandardDeviation) : 1.0 / Count);

    /// <summary>The coordinate in which the islands' means differ most beside the deviation in them, with the Gelman-Rubin ratio there.</summary>
    /// <exception cref="InvalidOperationException">The set has no islands.</exception>
    internal (string Name, double Ratio) IslandDisagreement()
    {
        var islands = Islands ?? throw new InvalidOperationException("The samples are of no islands.");
        return Enumerable.Range(0, Dimension).Select(j =>
        {
            var (means, squares) = (IslandMeans(islands, j, x => x), IslandMeans(islands, j, x => x * x));
            double[] live = [.. means.Where(m => m.Weight > 0).Select(m => m.Mean)];
            var within = means.Zip(squares).Where(p => p.First.Weight > 0).Average(p => p.Second.Mean - (p.First.Mean * p.First.Mean));
            var mean = live.Average();
            var between = live.Length > 1 ? live.Sum(m => (m - mean) * (m - mean)) / (live.Length - 1) : double.PositiveInfinity;
            return (Names[j], within > 0 ? Math.Sqrt(1 + (between / within)) : 1);
        }).MaxBy(r => r.Item2);
    }

    private (double Weight, double Mean)[] IslandMeans(int islands, int coordinate, Func<double, double> function)
    {
        var (weights, size) = (NormalizedWeights(), Count / islands);
        return [.. Enumerable.Range(0, islands).Select(g =>
        {
            var (weight, sum) = (0.0, 0.0);
            for (var i = g * size; i < (g + 1) * size; i++)
            {
                weight += weights[i];
                sum += weights[i] * function(Positions[(i * Dimension) + coordinate]);
            }

            return (weight, weight > 0 ? sum / weight : 0);
        })];
    }

    // The error of a ratio of sums over independent islands.
    private static double IslandError((double Weight, double Mean)[] islands, double mean) => Math.Sqrt(
        islands.Sum(g => g.Weight * g.Weight * (g.Mean - mean) * (g.Mean - mean)) * islands.Length / (islands.Length - 1));

    /// <summary>A table of means, standard deviations and quantiles, log Z with its error, the effective sample size and the warnings.</summary>
    public string Summary()
    {
        var culture = CultureInfo.InvariantCulture;
        var text = new StringBuilder();
        text.AppendLine(
            culture, $"{Target}: {Count} samples by {Method} (seed {Seed}), {Iterations} iterations in {TrainSeconds:F1} s, drawn in {SampleSeconds:F1} s");
        var width = Math.Max(9, Names.Max(n => n.Length));
        text.AppendLine(culture, $"{"".PadRight(width)} {"mean",12} {"sd",12} {"5%",12} {"50%",12} {"95%",12}");
        var (mean, deviation) = (Mean(), StandardDeviation());
        var (low, middle, high) = (Quantile(0.05), Quantile(0.5), Quantile(0.95));
        for (var j = 0; j < Dimension; j++)
        {
            text.AppendLine(culture, $"{Names[j].PadRight(width)} {mean[j],12:G5} {deviation[j],12:G5} {low[j],12:G5} {middle[j],12:G5} {high[j],12:G5}");
        }

        string Optional(string name, double? value, string format) =>
            value is { } known ? $"   {name} = {known.ToString(format, culture)}" : "";
        var logZ = double.IsNaN(LogZ) ? $"unknown ({Chains?.LogZSource})"
            : IsFailed ? $">= {LogZ.ToString("F4", culture)}" : ResultText.Of($"= {LogZ:F4} +- {LogZError:F4}");
        text.AppendLine(
            culture, $"log Z {logZ}{Optional("ELBO", double.IsNaN(Elbo) ? null : Elbo, "F4")}{Optional("EUBO", Eubo, "F4")}   ESS = {EffectiveSampleSize:P1}"
            + $"{Optional("forward ESS", ForwardEffectiveSampleSize, "P1")}   ({Sampler})");
        foreach (var warning in Warnings)
        {
            text.AppendLine(culture, $"warning: {warning.Message}");
        }

        return text.ToString();
    }
}

/// <summary>One sampler of a scan on a validation batch.</summary>
/// <param name="Sampler">The sampler, in words.</param>
/// <param name="EffectiveSampleSize">The effective sample size as a fraction.</param>
/// <param name="LogZ">The estimate of log Z.</param>
/// <param name="LogZError">Its standard error.</param>
public sealed record SamplerTrial(string Sampler, double EffectiveSampleSize, double LogZ, double LogZError);
