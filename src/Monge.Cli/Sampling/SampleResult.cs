using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Diagnostics;
using Monge.Measures;

namespace Monge.Cli.Sampling;

/// <summary>A sample set in JSON, as <c>--json</c> prints it and <c>run.json</c> keeps it.</summary>
internal static class SampleResult
{
    /// <summary>Describes a finished run.</summary>
    public static JsonObject Describe(SampleSet draws, Density target, string folder)
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
            ["ess"] = JsonOutput.Number(draws.EffectiveSampleSize),
            ["mode_weights"] = JsonOutput.Numbers(SampleSummary.ModeWeights(draws, target)),
            ["exact_mode_weights"] = JsonOutput.Numbers(facts.Modes?.Weights),
            ["mean"] = JsonOutput.Numbers(moments.Select(m => m.Mean)),
            ["mean_error"] = JsonOutput.Numbers(moments.Select(m => m.MeanError)),
            ["sd"] = JsonOutput.Numbers(moments.Select(m => m.StandardDeviation)),
            ["sd_error"] = JsonOutput.Numbers(moments.Select(m => m.StandardDeviationError)),
            ["reference_mean"] = JsonOutput.Numbers(facts.Mean),
            ["reference_sd"] = JsonOutput.Numbers(facts.StandardDeviation),
            ["sampler"] = draws.Sampler,
            ["version"] = draws.Version,
            ["out"] = folder,
            ["status"] = draws.Status.IsSuccess ? "success" : draws.Status.Message,
            ["warnings"] = JsonOutput.Texts(draws.Warnings.Select(w => w.Message)),
        };
    }
}
