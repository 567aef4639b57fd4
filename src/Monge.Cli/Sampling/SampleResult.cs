using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Diagnostics;
using Monge.Measures;
using Monge.Runs;

namespace Monge.Cli.Sampling;

/// <summary>A sample set in JSON, as <c>--json</c> prints it and <c>run.json</c> keeps it.</summary>
internal static class SampleResult
{
    /// <summary>Describes a finished run.</summary>
    public static JsonObject Describe(SampleSet draws, SampleDiagnostics diagnostics, Density target, string folder)
    {
        var facts = target.Facts;
        var moments = MomentTable.Compute(draws.Positions, draws.Dimension, draws.LogWeights, draws.Names).Rows;
        return new JsonObject
        {
            ["target"] = draws.Target,
            ["method"] = draws.Method,
            ["seed"] = draws.Seed,
            ["samples"] = draws.Count,
            ["names"] = JsonOutput.Texts(draws.Names),
            ["iterations"] = draws.Iterations,
            ["train_seconds"] = JsonOutput.Number(Math.Round(draws.TrainSeconds, 3)),
            ["sample_seconds"] = JsonOutput.Number(Math.Round(draws.SampleSeconds, 3)),
            ["log_z"] = JsonOutput.Number(draws.LogZ),
            ["log_z_error"] = JsonOutput.Number(draws.LogZError),
            ["exact_log_z"] = JsonOutput.Number(facts.LogZ),
            ["elbo"] = JsonOutput.Number(draws.Elbo),
            ["elbo_error"] = JsonOutput.Number(draws.ElboError),
            ["eubo"] = JsonOutput.Number(draws.Eubo),
            ["eubo_error"] = JsonOutput.Number(draws.EuboError),
            ["gap"] = JsonOutput.Number(draws.Eubo - draws.Elbo),
            ["gap_error"] = JsonOutput.Number(draws is { EuboError: { } above, ElboError: { } below } ? double.Hypot(above, below) : null),
            ["ess"] = JsonOutput.Number(draws.EffectiveSampleSize),
            ["ess_error"] = JsonOutput.Number(diagnostics.Weights.EffectiveSampleFractionError),
            ["forward_ess"] = JsonOutput.Number(draws.ForwardEffectiveSampleSize),
            ["forward_ess_error"] = JsonOutput.Number(draws.ForwardEffectiveSampleSizeError),
            ["pareto_k"] = JsonOutput.Number(diagnostics.Weights.Tail?.Shape),
            ["pareto_k_error"] = JsonOutput.Number(diagnostics.Weights.Tail?.ShapeError),
            ["target_calls"] = draws.TargetCalls,
            ["uses_mode_knowledge"] = draws.UsesModeKnowledge,
            ["mode_weights"] = JsonOutput.Numbers(diagnostics.Modes?.Weights),
            ["mode_weight_errors"] = JsonOutput.Numbers(diagnostics.Modes?.Errors),
            ["exact_mode_weights"] = JsonOutput.Numbers(facts.Modes?.Weights),
            ["mode_coverage"] = JsonOutput.Number(diagnostics.Modes?.Coverage),
            ["mode_coverage_error"] = JsonOutput.Number(diagnostics.Modes?.CoverageError),
            ["exact_mode_coverage"] = JsonOutput.Number(diagnostics.ExactModeCoverage?.Mean),
            ["exact_mode_coverage_spread"] = JsonOutput.Number(diagnostics.ExactModeCoverage?.Spread),
            ["distances"] = new JsonArray([.. diagnostics.Distances.Select(Describe)]),
            ["free_energy"] = draws.FreeEnergy is { } profile ? new JsonArray([.. profile.Select(Describe)]) : null,
            ["mean"] = JsonOutput.Numbers(moments.Select(m => m.Mean)),
            ["mean_error"] = JsonOutput.Numbers(moments.Select(m => m.MeanError)),
            ["sd"] = JsonOutput.Numbers(moments.Select(m => m.StandardDeviation)),
            ["sd_error"] = JsonOutput.Numbers(moments.Select(m => m.StandardDeviationError)),
            ["reference_mean"] = JsonOutput.Numbers(facts.Mean),
            ["reference_sd"] = JsonOutput.Numbers(facts.StandardDeviation),
            ["sampler"] = draws.Sampler,
            ["sampler_scan"] = draws.SamplerScan is { } scan ? new JsonArray([.. scan.Select(Describe)]) : null,
            ["correction"] = draws.Correction,
            ["version"] = draws.Version,
            ["out"] = folder,
            ["status"] = draws.Status.IsSuccess ? "success" : draws.Status.Message,
            ["warnings"] = JsonOutput.Texts(draws.Warnings.Select(w => w.Message)),
        };
    }

    private static JsonNode Describe(DistanceWithFloor distance) => new JsonObject
    {
        ["distance"] = distance.Cost,
        ["samples"] = distance.Samples,
        ["value"] = JsonOutput.Number(distance.Value),
        ["value_error"] = JsonOutput.Number(distance.ValueError),
        ["floor"] = JsonOutput.Number(distance.Floor),
        ["floor_spread"] = JsonOutput.Number(distance.FloorSpread),
        ["ratio"] = JsonOutput.Number(distance.Ratio),
        ["excess"] = JsonOutput.Number(distance.Excess),
    };

    private static JsonNode Describe(SamplerTrial trial) => new JsonObject
    {
        ["sampler"] = trial.Sampler,
        ["ess"] = JsonOutput.Number(trial.EffectiveSampleSize),
        ["log_z"] = JsonOutput.Number(trial.LogZ),
        ["log_z_error"] = JsonOutput.Number(trial.LogZError),
    };

    private static JsonNode Describe(FreeEnergyPoint point) => new JsonObject
    {
        ["t"] = JsonOutput.Number(point.Time),
        ["value"] = JsonOutput.Number(point.Value),
        ["error"] = JsonOutput.Number(point.Error),
    };
}
