using System.Globalization;
using System.Text.Json.Nodes;
using Monge.Data;
using Monge.Diagnostics;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>A finished sampling: weighted samples, what is said of them, and what is known of their target.</summary>
/// <param name="Draws">The weighted samples; all estimates are theirs.</param>
/// <param name="Target">Their target.</param>
/// <param name="Diagnostics">What is said of them.</param>
/// <param name="Kept">The samples that are written: the same, or resampled or refined.</param>
/// <param name="Forced">Whether estimates are told also of draws that are of no use.</param>
public sealed record SampleReport(SampleSet Draws, Density Target, SampleDiagnostics Diagnostics, SampleSet Kept, bool Forced = false) : IRunResult
{
    private const int ShownCoordinates = 20;
    private const int ShownModes = 16;
    private const string Doubt = " (!)";

    /// <inheritdoc/>
    public IReadOnlyList<Status> Warnings => Draws.Warnings;

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, NumericArray Values)> Arrays =>
        [("samples", NumericArray.Create(Kept.Positions, Kept.Count, Kept.Dimension)), ("log_weights", NumericArray.Create(Kept.LogWeights, Kept.Count))];

    /// <summary>Computes what is to be said of samples.</summary>
    /// <param name="draws">The weighted samples.</param>
    /// <param name="target">Their target.</param>
    /// <param name="kept">The samples that are written; null for the same.</param>
    /// <param name="threads">Threads, 0 for all; no result depends on it.</param>
    /// <param name="forced">Whether estimates are told also of draws that are of no use.</param>
    public static SampleReport Of(SampleSet draws, Density target, SampleSet? kept = null, int threads = 0, bool forced = false) =>
        new(draws, target, SampleDiagnostics.Compute(draws, target, threads), kept ?? draws, forced);

    // Sorts every coordinate twice: computed once.
    private readonly Lazy<IReadOnlyList<MomentTail>> _tails = new(() => MomentTails.Compute(Draws.Positions, Draws.Names, Draws.LogWeights));

    private bool IsWithheld => Draws.IsFailed && !Forced;

    /// <inheritdoc/>
    public JsonObject ToJson()
    {
        var facts = Target.Facts;
        var moments = Draws.MomentRows();
        JsonArray? Moments(Func<MomentRow, double> moment) => IsWithheld ? null : ResultText.Json(moments.Select(moment));
        return new JsonObject
        {
            ["target"] = Draws.Target,
            ["method"] = Draws.Method,
            ["seed"] = Draws.Seed,
            ["samples"] = Draws.Count,
            ["names"] = ResultText.Json(Draws.Names),
            ["iterations"] = Draws.Iterations,
            ["train_seconds"] = ResultText.Json(Math.Round(Draws.TrainSeconds, 3)),
            ["sample_seconds"] = ResultText.Json(Math.Round(Draws.SampleSeconds, 3)),
            ["log_z"] = ResultText.Json(Draws.LogZ),
            ["log_z_error"] = Draws.IsFailed ? null : ResultText.Json(Draws.LogZError),
            ["log_z_is_lower_bound"] = Draws.IsFailed && !double.IsNaN(Draws.LogZ),
            ["log_z_source"] = Draws.Chains?.LogZSource,
            ["exact_log_z"] = ResultText.Json(facts.LogZ),
            ["elbo"] = ResultText.Json(Draws.Elbo),
            ["elbo_error"] = ResultText.Json(Draws.ElboError),
            ["eubo"] = ResultText.Json(Draws.Eubo),
            ["eubo_error"] = ResultText.Json(Draws.EuboError),
            ["gap"] = ResultText.Json(Draws.Eubo - Draws.Elbo),
            ["gap_error"] = ResultText.Json(Draws is { EuboError: { } above, ElboError: { } below } ? double.Hypot(above, below) : null),
            ["ess"] = ResultText.Json(Draws.EffectiveSampleSize),
            ["islands"] = Draws.Islands,
            ["ess_error"] = Draws.Islands is null && Draws.Chains is null ? ResultText.Json(Diagnostics.Weights.EffectiveSampleFractionError) : null,
            ["forward_ess"] = ResultText.Json(Draws.ForwardEffectiveSampleSize),
            ["forward_ess_error"] = ResultText.Json(Draws.ForwardEffectiveSampleSizeError),
            ["pareto_k"] = ResultText.Json(Diagnostics.Weights.Tail?.Shape),
            ["pareto_k_error"] = ResultText.Json(Diagnostics.Weights.Tail?.ShapeError),
            ["target_calls"] = Kept.TargetCalls,
            ["uses_mode_knowledge"] = Draws.UsesModeKnowledge,
            ["mode_weights"] = ResultText.Json(Diagnostics.Modes?.Weights),
            ["mode_weight_errors"] = ResultText.Json(Diagnostics.Modes?.Errors),
            ["exact_mode_weights"] = ResultText.Json(facts.Modes?.Weights),
            ["mode_coverage"] = ResultText.Json(Diagnostics.Modes?.Coverage),
            ["mode_coverage_error"] = ResultText.Json(Diagnostics.Modes?.CoverageError),
            ["exact_mode_coverage"] = ResultText.Json(Diagnostics.ExactModeCoverage?.Mean),
            ["exact_mode_coverage_spread"] = ResultText.Json(Diagnostics.ExactModeCoverage?.Spread),
            ["distances"] = new JsonArray([.. Diagnostics.Distances.Select(Describe)]),
            ["free_energy"] = Draws.FreeEnergy is { } profile ? new JsonArray([.. profile.Select(Describe)]) : null,
            ["mean"] = Moments(m => m.Mean),
            ["mean_error"] = Moments(m => m.MeanError),
            ["sd"] = Moments(m => m.StandardDeviation),
            ["sd_error"] = Moments(m => m.StandardDeviationError),
            ["mean_pareto_k"] = ResultText.Json(_tails.Value.Select(t => t.Mean?.Shape ?? double.NaN)),
            ["sd_pareto_k"] = ResultText.Json(_tails.Value.Select(t => t.Deviation?.Shape ?? double.NaN)),
            ["chains"] = Draws.Chains?.Chains,
            ["draws_per_chain"] = Draws.Chains?.DrawsPerChain,
            ["max_rhat"] = ResultText.Json(Draws.Chains?.LargestRHat),
            ["min_ess_bulk"] = ResultText.Json(Draws.Chains?.LeastBulkEffectiveDraws),
            ["min_ess_tail"] = ResultText.Json(Draws.Chains?.LeastTailEffectiveDraws),
            ["divergences"] = Draws.Chains?.Divergences,
            ["temperatures"] = ResultText.Json(Draws.Tempering?.Betas),
            ["swap_rejections"] = ResultText.Json(Draws.Tempering?.Rejections),
            ["communication_barrier"] = ResultText.Json(Draws.Tempering?.Barrier),
            ["round_trips"] = Draws.Tempering?.RoundTrips,
            ["mcse"] = Draws.Chains is { } chains ? ResultText.Json(chains.Convergence.Select(c => c.MeanError)) : null,
            ["reference_mean"] = ResultText.Json(facts.Mean),
            ["reference_sd"] = ResultText.Json(facts.StandardDeviation),
            ["sampler"] = Draws.Sampler,
            ["sampler_scan"] = Draws.SamplerScan is { } scan ? new JsonArray([.. scan.Select(Describe)]) : null,
            ["correction"] = Kept.Correction,
            ["version"] = Draws.Version,
            ["status"] = Draws.IsFailed ? $"failed: {Draws.Status.Message}" : Draws.Status.IsSuccess ? "success" : Draws.Status.Message,
            ["warnings"] = ResultText.Json(Draws.Warnings.Select(w => w.Message)),
        };
    }

    /// <inheritdoc/>
    public IReadOnlyList<SummaryBlock> Summary()
    {
        if (IsWithheld)
        {
            return [new SummaryText("Means, deviations and quantiles are withheld: these draws say nothing of the target (--force shows them)."), Estimates()];
        }

        List<SummaryBlock> blocks = [Coordinates(Target.Facts.Moments), .. Draws.Chains is { } chains ? (SummaryBlock[])[Convergence(chains)] : []];
        if (Target.Facts.Modes is { } modes)
        {
            blocks.AddRange(Modes(Diagnostics.Modes!, modes));
        }

        if (Diagnostics.Distances.Count > 0)
        {
            blocks.Add(Distances());
        }

        return [.. blocks, Estimates(), new SummaryCloud(Draws.Positions, Draws.NormalizedWeights(), Draws.Names)];
    }

    /// <inheritdoc/>
    public RunPictures Draw(string command, string? metrics) => SamplePictures.Describe(
        Draws with { Correction = Kept.Correction, TargetCalls = Kept.TargetCalls }, Diagnostics, Target, command, metrics);

    private SummaryTable Coordinates(ReferenceMoments? known)
    {
        var tails = _tails.Value;
        var (names, moments) = (Draws.Names, Draws.MomentRows());
        return new SummaryTable(
            ["", "mean", "sd", "5 %", "median", "95 %", .. known is null ? (string[])[] : ["exact mean", "exact sd"]],
            [.. moments.Take(ShownCoordinates).Select((row, j) => (string[])
            [
                row.Name,
                ResultText.WithError(row.Mean, row.MeanError) + (tails[j].HasMean ? "" : Doubt),
                ResultText.WithError(row.StandardDeviation, row.StandardDeviationError) + (tails[j].HasDeviation ? "" : Doubt),
                ResultText.Number(row.Quantile05),
                ResultText.Number(row.Median),
                ResultText.Number(row.Quantile95),
                .. known is null ? (string[])[] : [ResultText.Number(known.Mean[j]), ResultText.Number(known.StandardDeviation[j])],
            ])],
            string.Join("; ", Captions(names.Count, tails)) is { Length: > 0 } caption ? caption : null);
    }

    private SummaryTable Convergence(ChainRecord chains) => new(
        ["", "ESS bulk", "ESS tail", "R-hat"],
        [.. chains.Convergence.Take(ShownCoordinates).Select((c, j) => (string[])
        [
            Draws.Names[j],
            ResultText.Of($"{c.BulkEffectiveDraws:F0}"),
            ResultText.Of($"{c.TailEffectiveDraws:F0}"),
            ResultText.Of($"{c.RHat:F3}"),
        ])]);

    private static IEnumerable<string> Captions(int coordinates, IReadOnlyList<MomentTail> tails)
    {
        if (coordinates > ShownCoordinates)
        {
            yield return $"the first {ShownCoordinates} of {coordinates} coordinates; run.json holds all";
        }

        if (tails.Any(t => !t.HasMean || !t.HasDeviation))
        {
            yield return "(!): not to be trusted, its terms have too heavy a tail";
        }
    }

    private static IEnumerable<SummaryBlock> Modes(ModeWeights found, ModeSet modes)
    {
        var (weights, errors) = (found.Weights, found.Errors);
        var worst = Enumerable.Range(0, modes.Count).MaxBy(k => Math.Abs(weights[k] - modes.Weights[k]));
        var deviation = Math.Abs(weights[worst] - modes.Weights[worst]);
        var (name, weight, exact) = (modes.Name(worst), weights[worst], modes.Weights[worst]);
        var farthest = ResultText.Of($"the weight farthest from its exact value is that of {name}: {weight:F4} for {exact:F4} (off by {deviation:F4})");
        if (modes.Count <= ShownModes)
        {
            yield return new SummaryTable(
                ["mode", "weight", "exact"],
                [.. Enumerable.Range(0, modes.Count).Select(
                    k => (string[])[modes.Name(k), ResultText.Of($"{weights[k]:F4} ± {errors[k]:F4}"), ResultText.Of($"{modes.Weights[k]:F4}")])]);
        }

        yield return new SummaryText($"{modes.Count} modes; {farthest}");
    }

    private SummaryTable Distances() => new(
        ["distance from exact samples", "n", "value", "floor: exact from exact", "excess (spreads)"],
        [.. Diagnostics.Distances.Select(d => (string[])
        [
            d.Cost,
            d.Samples.ToString(CultureInfo.InvariantCulture),
            ResultText.WithError(d.Value, d.ValueError ?? double.NaN),
            ResultText.WithError(d.Floor, d.FloorSpread),
            ResultText.Of($"{d.Excess:0.0}"),
        ])]);

    private SummaryLines Estimates()
    {
        List<(string Name, string Text)> lines = [];
        void Add(string name, FormattableString text) => lines.Add((name, ResultText.Of(text)));
        var facts = Target.Facts;
        var uncertain = facts.LogZError > 0 ? ResultText.Of($" +- {facts.LogZError:G2}") : "";
        var isEstimated = !double.IsNaN(Draws.LogZ);
        var known = facts.LogZ is { } exact && isEstimated
            ? ResultText.Of($"   (known: {exact:F4}{uncertain}; off by {Draws.LogZ - exact:+0.0000;-0.0000})") : "";
        Add("log Z", !isEstimated ? $"{Draws.Chains?.LogZSource ?? "unknown"}"
            : Draws.IsFailed ? (FormattableString)$"at least {Draws.LogZ:F4}, a lower bound{known}" : $"{Draws.LogZ:F4} +- {Draws.LogZError:F4}{known}");
        if (!double.IsNaN(Draws.Elbo))
        {
            Add("ELBO", double.IsNegativeInfinity(Draws.Elbo)
                ? (FormattableString)$"minus infinity, as some draws lie where the density is zero" : $"{Bound(Draws.Elbo, Draws.ElboError)}");
        }

        if (Draws.Eubo is { } eubo)
        {
            Add("EUBO", $"{Bound(eubo, Draws.EuboError)}   (EUBO - ELBO = {eubo - Draws.Elbo:F4})");
        }

        if (Draws.Chains is { } chains)
        {
            Add("ESS", $"{chains.LeastBulkEffectiveDraws:F0} bulk, {chains.LeastTailEffectiveDraws:F0} tail at least, of {Draws.Count} draws");
            Add("R-hat", $"{chains.LargestRHat:F3} at most");
            Add("divergences", $"{chains.Divergences} of {Draws.Count} transitions, {chains.Leapfrogs.Average():F1} leapfrog steps each");
            if (Draws.Tempering is { } ladder)
            {
                Add("tempering", $"{ladder.Betas.Count} temperatures, communication barrier {ladder.Barrier:F2}, {ladder.RoundTrips} round trips");
            }
        }
        else if (Draws.Islands is { } islands)
        {
            Add("ESS", $"about {Draws.EffectiveSampleSize * Draws.Count:F0} of {Draws.Count} samples, by the spread of {islands} islands");
        }
        else
        {
            Add("ESS", $"{100 * Draws.EffectiveSampleSize:F1} ± {100 * Diagnostics.Weights.EffectiveSampleFractionError:F1} % of {Draws.Count} samples");
        }

        if (Draws.ForwardEffectiveSampleSize is { } forward)
        {
            Add("forward ESS", $"{100 * forward:F1} ± {100 * Draws.ForwardEffectiveSampleSizeError:F1} %, from exact samples carried back to the base");
        }

        if (Diagnostics.Weights.Tail is { } tail)
        {
            Add("Pareto k", $"{tail.Shape:F2} ± {tail.ShapeError:F2}   (trust weights below {ParetoTail.LargestTrustedShape})");
        }

        if (Diagnostics.Modes is { } modes)
        {
            var exactly = Diagnostics.ExactModeCoverage is { } coverage ? ResultText.Of($"   (exact samples: {coverage.Mean:F4} ± {coverage.Spread:F4})") : "";
            Add("mode coverage", $"{modes.Coverage:F4} ± {modes.CoverageError:F4}{exactly}");
        }

        if (Kept.TargetCalls is { } calls)
        {
            Add("target calls", $"{calls:N0}");
        }

        if (Draws.FreeEnergy is [.., var end])
        {
            Add("free energy", $"F_1 = {end.Value:F4} ± {end.Error:F4}; run.json holds F_t at {Draws.FreeEnergy.Count} times");
        }

        if (Draws.UsesModeKnowledge)
        {
            Add("note", $"uses mode knowledge");
        }

        if (Kept.Correction is { } correction)
        {
            Add("samples.npy", $"{correction}");
        }

        Add("sampler", $"{Draws.Sampler}");
        var (train, sample) = (TimeSpan.FromSeconds(Draws.TrainSeconds), TimeSpan.FromSeconds(Draws.SampleSeconds));
        var first = Draws.Chains is null ? "training" : "warm-up";
        Add("time", $"{ResultText.Duration(train)} {first} ({Draws.Iterations} steps), {ResultText.Duration(sample)} sampling");
        return new SummaryLines(lines);
    }

    private static string Bound(double value, double? error) => ResultText.Of($"{value:F4}") + (error is { } e ? ResultText.Of($" +- {e:F4}") : "");

    private static JsonNode Describe(DistanceWithFloor distance) => new JsonObject
    {
        ["distance"] = distance.Cost,
        ["samples"] = distance.Samples,
        ["value"] = ResultText.Json(distance.Value),
        ["value_error"] = ResultText.Json(distance.ValueError),
        ["floor"] = ResultText.Json(distance.Floor),
        ["floor_spread"] = ResultText.Json(distance.FloorSpread),
        ["ratio"] = ResultText.Json(distance.Ratio),
        ["excess"] = ResultText.Json(distance.Excess),
    };

    private static JsonNode Describe(SamplerTrial trial) => new JsonObject
    {
        ["sampler"] = trial.Sampler,
        ["ess"] = ResultText.Json(trial.EffectiveSampleSize),
        ["log_z"] = ResultText.Json(trial.LogZ),
        ["log_z_error"] = ResultText.Json(trial.LogZError),
    };

    private static JsonNode Describe(FreeEnergyPoint point) => new JsonObject
    {
        ["t"] = ResultText.Json(point.Time),
        ["value"] = ResultText.Json(point.Value),
        ["error"] = ResultText.Json(point.Error),
    };
}
