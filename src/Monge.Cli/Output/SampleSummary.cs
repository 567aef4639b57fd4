using System.Globalization;
using Monge.Diagnostics;
using Monge.Measures;
using Monge.Runs;
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
    /// <param name="diagnostics">What is said of them.</param>
    /// <param name="target">Their target, for what is known of it.</param>
    /// <param name="output">Where to write.</param>
    public static void Write(SampleSet draws, SampleDiagnostics diagnostics, Density target, TextWriter output)
    {
        var console = Open(output);
        console.WriteLine();
        console.Write(Coordinates(draws.Positions, draws.LogWeights, draws.Names, target.Facts.Moments));
        var modes = target.Facts.Modes;
        if (modes is not null)
        {
            console.Write(Modes(diagnostics.Modes!, modes));
        }

        if (diagnostics.Distances.Count > 0)
        {
            console.Write(Distances(diagnostics.Distances));
        }

        console.Write(Estimates(draws, diagnostics, target.Facts));
        foreach (var warning in draws.Warnings)
        {
            console.MarkupLineInterpolated($"[yellow]warning:[/] {warning.Message}");
        }

        WritePicture(console, draws.Positions, draws.NormalizedWeights(), draws.Names);
    }

    /// <summary>Writes what the files of a run tell: moments, log Z, ESS and the picture.</summary>
    /// <param name="positions">Positions [n, d], row-major.</param>
    /// <param name="logWeights">Log-weights [n].</param>
    /// <param name="names">Names [d].</param>
    /// <param name="output">Where to write.</param>
    /// <param name="correction">What was done to the samples after weighting; null for nothing.</param>
    public static void Write(double[] positions, double[] logWeights, IReadOnlyList<string> names, TextWriter output, string? correction)
    {
        var console = Open(output);
        var weights = ImportanceWeights.FromLogWeights(logWeights);
        console.Write(Coordinates(positions, logWeights, names, null));
        if (correction is null)
        {
            console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"log Z  {weights.LogNormaliser:F4} +- {weights.LogNormaliserError:F4}"));
            console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ESS    {100 * weights.EffectiveSampleFraction:F1} % of {weights.Count} samples"));
        }
        else
        {
            // The errors of log Z can't be told from equal weights; run.json holds them.
            console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"log Z  {weights.LogNormaliser:F4} (its error is in run.json)"));
            console.WriteLine($"equal weights: {correction}");
        }

        WritePicture(console, positions, [.. weights.Normalised], names);
    }

    /// <summary>A console on a writer; plain text without colours when the output goes to a file.</summary>
    internal static IAnsiConsole Open(TextWriter output)
    {
        var plain = Console.IsOutputRedirected;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = plain ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = plain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
        });
        if (plain)
        {
            console.Profile.Width = PlainWidth;
        }

        return console;
    }

    private static void WritePicture(IAnsiConsole console, double[] positions, double[] weights, IReadOnlyList<string> names)
    {
        if (TerminalPicture.Draw(positions, weights, names) is { } picture)
        {
            console.WriteLine();
            console.Write(new Text(picture));
        }
    }

    private static Table Coordinates(double[] positions, double[] logWeights, IReadOnlyList<string> names, ReferenceMoments? known)
    {
        var moments = MomentTable.Compute(positions, names.Count, logWeights, names);
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var head in (string[])["", "mean", "sd", "5 %", "median", "95 %", .. known is null ? (string[])[] : ["exact mean", "exact sd"]])
        {
            table.AddColumn(new TableColumn(head) { Alignment = head.Length == 0 ? Justify.Left : Justify.Right, NoWrap = true });
        }

        for (var j = 0; j < Math.Min(ShownCoordinates, names.Count); j++)
        {
            var row = moments.Rows[j];
            string[] reference = known is null ? [] : [Number(known.Mean[j]), Number(known.StandardDeviation[j])];
            table.AddRow(
            [
                .. new[] { row.Name, WithError(row.Mean, row.MeanError), WithError(row.StandardDeviation, row.StandardDeviationError), Number(row.Quantile05), Number(row.Median), Number(row.Quantile95) }
                    .Concat(reference).Select(text => new Text(text)),
            ]);
        }

        return names.Count > ShownCoordinates
            ? table.Caption($"the first {ShownCoordinates} of {names.Count} coordinates; run.json holds all")
            : table;
    }

    private static Table Distances(IReadOnlyList<DistanceWithFloor> distances)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("distance from exact samples");
        foreach (var head in (string[])["n", "value", "floor: exact from exact", "excess (spreads)"])
        {
            table.AddColumn(new TableColumn(head) { Alignment = Justify.Right, NoWrap = true });
        }

        foreach (var distance in distances)
        {
            table.AddRow(
            [
                .. new[]
                {
                    distance.Cost,
                    distance.Samples.ToString(CultureInfo.InvariantCulture),
                    WithError(distance.Value, distance.ValueError ?? double.NaN),
                    WithError(distance.Floor, distance.FloorSpread),
                    distance.Excess.ToString("0.0", CultureInfo.InvariantCulture),
                }.Select(text => new Text(text)),
            ]);
        }

        return table;
    }

    private static IRenderable Modes(ModeWeights found, ModeSet modes)
    {
        var (weights, errors) = (found.Weights, found.Errors);
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
            table.AddRow(new Text(modes.Name(k)), new Text(string.Create(culture, $"{weights[k]:F4} ± {errors[k]:F4}")), new Text(modes.Weights[k].ToString("F4", culture)));
        }

        return new Rows(table, sentence);
    }

    private static Grid Estimates(SampleSet draws, SampleDiagnostics diagnostics, TargetFacts facts)
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
        grid.AddRow(new Text("ELBO"), new Text(Bound(draws.Elbo, draws.ElboError)));
        if (draws.Eubo is { } eubo)
        {
            grid.AddRow(new Text("EUBO"), new Text(string.Create(culture, $"{Bound(eubo, draws.EuboError)}   (EUBO - ELBO = {eubo - draws.Elbo:F4})")));
        }

        grid.AddRow(new Text("ESS"), new Text(string.Create(culture, $"{100 * draws.EffectiveSampleSize:F1} ± {100 * diagnostics.Weights.EffectiveSampleFractionError:F1} % of {draws.Count} samples")));
        if (draws.ForwardEffectiveSampleSize is { } forward)
        {
            grid.AddRow(new Text("forward ESS"), new Text(string.Create(culture, $"{100 * forward:F1} ± {100 * draws.ForwardEffectiveSampleSizeError:F1} %, from exact samples carried back to the base")));
        }

        if (diagnostics.Weights.Tail is { } tail)
        {
            grid.AddRow(new Text("Pareto k"), new Text(string.Create(culture, $"{tail.Shape:F2} ± {tail.ShapeError:F2}   (trust weights below {ParetoTail.LargestTrustedShape})")));
        }

        if (diagnostics.Modes is { } modes)
        {
            var exactly = diagnostics.ExactModeCoverage is { } known ? string.Create(culture, $"   (exact samples: {known.Mean:F4} ± {known.Spread:F4})") : "";
            grid.AddRow(new Text("mode coverage"), new Text(string.Create(culture, $"{modes.Coverage:F4} ± {modes.CoverageError:F4}{exactly}")));
        }

        if (draws.TargetCalls is { } calls)
        {
            grid.AddRow(new Text("target calls"), new Text(calls.ToString("N0", culture)));
        }

        if (draws.FreeEnergy is [.., var end])
        {
            grid.AddRow(new Text("free energy"), new Text(string.Create(culture, $"F_1 = {end.Value:F4} ± {end.Error:F4}; run.json holds F_t at {draws.FreeEnergy.Count} times")));
        }

        if (draws.UsesModeKnowledge)
        {
            grid.AddRow(new Text("note"), new Text("uses mode knowledge"));
        }

        if (draws.Correction is { } correction)
        {
            grid.AddRow(new Text("samples.npy"), new Text(correction));
        }

        grid.AddRow(new Text("sampler"), new Text(draws.Sampler));
        grid.AddRow(new Text("time"), new Text($"{PlainDisplay.Duration(TimeSpan.FromSeconds(draws.TrainSeconds))} training ({draws.Iterations} steps), {PlainDisplay.Duration(TimeSpan.FromSeconds(draws.SampleSeconds))} sampling"));
        return grid;
    }

    private static string Bound(double value, double? error) => string.Create(CultureInfo.InvariantCulture, $"{value:F4}{(error is { } e ? string.Create(CultureInfo.InvariantCulture, $" +- {e:F4}") : "")}");

    /// <summary>A value with its error.</summary>
    internal static string WithError(double value, double error) => string.Create(CultureInfo.InvariantCulture, $"{Number(value)} ± {error.ToString("G1", CultureInfo.InvariantCulture)}");

    /// <summary>A number as tables show it.</summary>
    internal static string Number(double value) => double.IsFinite(value) ? value.ToString("G4", CultureInfo.InvariantCulture) : double.IsPositiveInfinity(value) ? "inf" : "-";
}
