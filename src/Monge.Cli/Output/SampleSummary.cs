using System.Globalization;
using Monge.Diagnostics;
using Monge.Measures;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Monge.Cli.Output;

/// <summary>What a person wants to see of a sample set: moments, modes, log Z beside its exact value, ESS, warnings and a picture.</summary>
internal static class SampleSummary
{
    private const int ShownCoordinates = 20;
    private const int ShownModes = 16;
    private const int PlainWidth = 110;

    /// <summary>Writes the summary.</summary>
    /// <param name="draws">The samples.</param>
    /// <param name="target">Their target, for what is known of it.</param>
    /// <param name="output">Where to write.</param>
    public static void Write(SampleSet draws, Density target, TextWriter output)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = PlainWidth;
        }

        console.WriteLine();
        console.Write(Coordinates(draws, target.Facts));
        var modes = target.Facts.Modes;
        if (modes is not null)
        {
            console.Write(Modes(draws, target, modes));
        }

        console.Write(Estimates(draws, target.Facts));
        foreach (var warning in draws.Warnings)
        {
            console.MarkupLineInterpolated($"[yellow]warning:[/] {warning.Message}");
        }

        if (TerminalPicture.Draw(draws.Positions, draws.NormalizedWeights(), draws.Names) is { } picture)
        {
            console.WriteLine();
            console.Write(new Text(picture));
        }
    }

    /// <summary>The weight of each mode, or null when the target's modes aren't known.</summary>
    public static double[]? ModeWeights(SampleSet draws, Density target) =>
        target.Facts.Modes?.Occupancy(draws.UnconstrainedPositions, target.Dimension, draws.NormalizedWeights());

    private static Table Coordinates(SampleSet draws, TargetFacts facts)
    {
        var moments = MomentTable.Compute(draws.Positions, draws.Dimension, draws.LogWeights, draws.Names);
        var known = facts.Moments;
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var head in (string[])["", "mean", "sd", "5 %", "median", "95 %", .. known is null ? (string[])[] : ["exact mean", "exact sd"]])
        {
            table.AddColumn(new TableColumn(head) { Alignment = head.Length == 0 ? Justify.Left : Justify.Right, NoWrap = true });
        }

        for (var j = 0; j < Math.Min(ShownCoordinates, draws.Dimension); j++)
        {
            var row = moments.Rows[j];
            string[] reference = known is null ? [] : [Number(known.Mean[j]), Number(known.StandardDeviation[j])];
            table.AddRow(
            [
                .. new[] { row.Name, WithError(row.Mean, row.MeanError), WithError(row.StandardDeviation, row.StandardDeviationError), Number(row.Quantile05), Number(row.Median), Number(row.Quantile95) }
                    .Concat(reference).Select(text => new Text(text)),
            ]);
        }

        return draws.Dimension > ShownCoordinates
            ? table.Caption($"the first {ShownCoordinates} of {draws.Dimension} coordinates; run.json holds all")
            : table;
    }

    private static IRenderable Modes(SampleSet draws, Density target, ModeSet modes)
    {
        var weights = ModeWeights(draws, target)!;
        var worst = Enumerable.Range(0, modes.Count).MaxBy(k => Math.Abs(weights[k] - modes.Weights[k]));
        var deviation = Math.Abs(weights[worst] - modes.Weights[worst]);
        var culture = CultureInfo.InvariantCulture;
        var sentence = new Text(string.Create(culture, $"{modes.Count} modes; the weight farthest from its exact value is that of {modes.Name(worst)}: {weights[worst]:F4} for {modes.Weights[worst]:F4} (off by {deviation:F4})\n"));
        if (modes.Count > ShownModes)
        {
            return sentence;
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumn("mode").AddColumn(new TableColumn("weight").RightAligned()).AddColumn(new TableColumn("exact").RightAligned());
        for (var k = 0; k < modes.Count; k++)
        {
            table.AddRow(new Text(modes.Name(k)), new Text(weights[k].ToString("F4", culture)), new Text(modes.Weights[k].ToString("F4", culture)));
        }

        return new Rows(table, sentence);
    }

    private static Grid Estimates(SampleSet draws, TargetFacts facts)
    {
        var culture = CultureInfo.InvariantCulture;
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        var logZ = string.Create(culture, $"{draws.LogZ:F4} +- {draws.LogZError:F4}");
        if (facts.LogZ is { } exact)
        {
            var error = facts.LogZError > 0 ? string.Create(culture, $" +- {facts.LogZError:G2}") : "";
            logZ += string.Create(culture, $"   (known: {exact:F4}{error}; off by {draws.LogZ - exact:+0.0000;-0.0000})");
        }

        grid.AddRow(new Text("log Z"), new Text(logZ));
        grid.AddRow(new Text("ELBO"), new Text(draws.Elbo.ToString("F4", culture)));
        grid.AddRow(new Text("ESS"), new Text(string.Create(culture, $"{100 * draws.EffectiveSampleSize:F1} % of {draws.Count} samples")));
        grid.AddRow(new Text("sampler"), new Text(draws.Sampler));
        grid.AddRow(new Text("time"), new Text($"{PlainDisplay.Duration(TimeSpan.FromSeconds(draws.TrainSeconds))} training ({draws.Iterations} steps), {PlainDisplay.Duration(TimeSpan.FromSeconds(draws.SampleSeconds))} sampling"));
        return grid;
    }

    private static string WithError(double value, double error) => string.Create(CultureInfo.InvariantCulture, $"{Number(value)} ± {error.ToString("G1", CultureInfo.InvariantCulture)}");

    private static string Number(double value) => double.IsFinite(value) ? value.ToString("G4", CultureInfo.InvariantCulture) : double.IsPositiveInfinity(value) ? "inf" : "-";
}
