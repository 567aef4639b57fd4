using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Monge.Cli.Output;
using Monge.Dynamics;
using Monge.Methods;
using Monge.Paths;

namespace Monge.Cli.Generation;

/// <summary>What <c>monge fit</c> tells about a model: its training and its likelihood on held-out rows.</summary>
internal static class FitResult
{
    private const int MostRows = 1000;
    private const int LargestExactDimension = 16;
    private const int Probes = 8;

    /// <summary>Describes a model that was just fitted.</summary>
    public static JsonObject Describe(FlowModel model, string path, TimeSpan elapsed, int threads)
    {
        var report = model.Report;
        var result = new JsonObject
        {
            ["model"] = path,
            ["columns"] = JsonOutput.Texts(model.Columns),
            ["conditions"] = JsonOutput.Texts(model.Conditions.Select(c => c.Name)),
            ["rows"] = report.Rows,
            ["validation_rows"] = report.ValidationRows,
            ["iterations"] = report.Iterations,
            ["best_iteration"] = report.BestIteration,
            ["validation_loss"] = JsonOutput.Number(report.ValidationLoss),
            ["parameters"] = model.ParameterValues.Length,
            ["train_seconds"] = Math.Round(elapsed.TotalSeconds, 3),
            ["seed"] = report.Seed,
        };
        if (model.LossByTime is { } loss)
        {
            result["loss_by_time"] = new JsonArray([.. loss.Select(l => new JsonObject
            {
                ["from"] = l.From, ["to"] = l.To, ["mean"] = JsonOutput.Number(l.Mean), ["deviation"] = JsonOutput.Number(l.Deviation),
            })]);
        }

        if (model.HeldOutRows is { Length: > 0 } held && model.HasBaseDensity && model.Form != InterpolantKind.Mirror)
        {
            AddLikelihood(result, model, held, threads);
        }

        return result;
    }

    /// <summary>The same in lines for a person.</summary>
    public static string Sentences(JsonObject result)
    {
        var culture = CultureInfo.InvariantCulture;
        var text = new StringBuilder();
        text.AppendLine(culture, $"rows           {result["rows"]} to learn from, {result["validation_rows"]} held out; {result["columns"]!.AsArray().Count} columns");
        text.AppendLine(culture, $"training       {result["iterations"]} steps in {(double)result["train_seconds"]!:F1} s, {result["parameters"]} parameters; kept those of step {result["best_iteration"]}");
        if (result["loss_by_time"]?.AsArray() is { } loss)
        {
            var means = loss.Select(l => string.Create(culture, $"{(double)l!["mean"]!:G3} ({(double)l["deviation"]!:G2})"));
            text.AppendLine(culture, $"loss over time {string.Join(", ", means)}: mean (deviation) on held-out rows in {loss.Count} equal parts of [0, 1]");
        }

        if (result["log_likelihood"] is { } likelihood)
        {
            text.AppendLine(culture, $"log-likelihood {(double)likelihood:F4} +- {(double)result["log_likelihood_error"]!:F4} nats a row on {result["likelihood_rows"]} held-out rows{(result["divergence"]!.ToString() == "estimated" ? " (estimated divergence)" : "")}");
        }

        text.Append(culture, $"model          {result["model"]}");
        return text.ToString();
    }

    private static void AddLikelihood(JsonObject result, FlowModel model, double[] held, int threads)
    {
        var d = model.Dimension;
        var rows = Math.Min(MostRows, held.Length / d);
        var isExact = d <= LargestExactDimension;
        var values = model.LogDensity(held[..(rows * d)], new FlowSettings { Threads = threads, Probes = isExact ? 0 : Probes, Given = model.HeldOutGiven?.First(rows, model.Conditions.Sum(c => c.Inputs)) });
        var mean = values.Average();
        result["log_likelihood"] = JsonOutput.Number(mean);
        result["log_likelihood_error"] = JsonOutput.Number(Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / Math.Max(1, rows - 1) / rows));
        result["likelihood_rows"] = rows;
        result["divergence"] = isExact ? "exact" : "estimated";
    }
}
