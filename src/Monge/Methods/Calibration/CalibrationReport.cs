using System.Text.Json.Nodes;
using Monge.Data;
using Monge.Diagnostics;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>A finished calibration: ranks of each parameter, and what is said of them.</summary>
/// <param name="Result">The ranks.</param>
public sealed record CalibrationReport(CalibrationResult Result) : IRunResult
{
    private const int ShownParameters = 30;
    private const int DrawnParameters = 12;
    private const string Bars = "▁▂▃▄▅▆▇█";

    /// <inheritdoc/>
    public IReadOnlyList<Status> Warnings => Result.Warnings;

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, NumericArray Values)> Arrays =>
        [("ranks", NumericArray.Create(Result.Ranks.ToArray(), Result.Outcomes.Count, Result.Names.Count))];

    /// <inheritdoc/>
    public JsonObject ToJson() => Result.ToJson();

    /// <inheritdoc/>
    public IReadOnlyList<SummaryBlock> Summary()
    {
        var count = Math.Min(ShownParameters, Result.Names.Count);
        return
        [
            new SummaryTable(
                ["", "ranks, low to high", "mean rank", "p"],
                [.. Enumerable.Range(0, count).Select(j => (string[])
                [
                    Result.Names[j],
                    Strip(Result.Histogram(j)),
                    ResultText.Of($"{Result.MeanRank(j).Mean:F3} ± {Result.MeanRank(j).Error:F3}"),
                    ResultText.Of($"{Result.ProbabilityOf(j):F3}"),
                ])],
                count < Result.Names.Count ? $"the first {count} of {Result.Names.Count} parameters; run.json holds all" : null),
            new SummaryLines(
            [
                ("uniform", ResultText.Of($"{(Result.IsUniform ? "yes" : "no")}, p = {Result.Probability:F3} for all parameters together (Bonferroni)")),
                ("simulations", ResultText.Of($"{Result.Count} of {Result.Outcomes.Count}, {Result.Options.Draws} draws of each; ")
                    + ResultText.Of($"the sampler warned in {Result.Outcomes.Count(o => o == SimulationOutcome.Warned)}")),
            ]),
        ];
    }

    /// <inheritdoc/>
    public RunPictures Draw(string command, string? metrics) => new($"{Result.Method} on data simulated from {Result.Model}", command)
    {
        Warnings = [.. Warnings.Select(w => w.Message)],
        Figures = [new RunFigure("p of uniform ranks", Result.Probability)],
        Pictures = [.. Enumerable.Range(0, Math.Min(DrawnParameters, Result.Names.Count)).Select(Picture)],
    };

    // The bar in the middle of the strip's height is the number that is expected.
    private string Strip(int[] counts)
    {
        var expected = Result.Count / (double)counts.Length;
        return string.Concat(counts.Select(c => Bars[(int)Math.Clamp(Math.Floor(c / expected * Bars.Length / 2), 0, Bars.Length - 1)]));
    }

    private Picture Picture(int parameter)
    {
        var counts = Result.Histogram(parameter);
        double[] shares = [.. Enumerable.Range(0, counts.Length + 1).Select(k => k / (double)counts.Length)];
        var expected = Result.Count / (double)counts.Length;
        double[] heights = [.. counts.Select(c => c / expected), counts[^1] / expected];
        return new Picture($"ranks-{parameter}", $"Ranks of {Result.Names[parameter]}")
        {
            Caption = "Numbers of ranks in each bin over what is expected: 1 everywhere if model and sampler are right.",
            X = new PictureAxis("rank"),
            Y = new PictureAxis("count over expected") { From = 0 },
            Layers = [new LineLayer(shares, heights) { Name = "ranks" }, new LineLayer([0, 1], [1, 1]) { Name = "uniform" }],
        };
    }
}
