using System.Text.Json.Nodes;

namespace Monge.Runs;

/// <summary>Evolutions of one problem by several methods, side by side.</summary>
public static class EvolutionComparison
{
    /// <summary>A table of what all methods tell at the same times, and one of the end with the time that each took.</summary>
    /// <param name="runs">The runs, those that broke off among them.</param>
    public static IReadOnlyList<SummaryBlock> Summary(IReadOnlyList<ComparedRun> runs)
    {
        ArgumentNullException.ThrowIfNull(runs);
        var ended = Ended(runs);
        return [.. ended.Length > 1 ? [OverTime(ended)] : Array.Empty<SummaryBlock>(), AtTheEnd(runs)];
    }

    /// <summary>A row for each method: what it tells of the end, the error that it states, the true one where that is known, and its time.</summary>
    /// <param name="runs">The runs, those that broke off among them.</param>
    public static JsonArray ToJson(IReadOnlyList<ComparedRun> runs)
    {
        ArgumentNullException.ThrowIfNull(runs);
        return [.. runs.Select(Row)];
    }

    private static (string Method, EvolutionResult Result)[] Ended(IReadOnlyList<ComparedRun> runs) =>
        [.. runs.Where(r => r.Result is EvolutionResult).Select(r => (r.Method, (EvolutionResult)r.Result!))];

    // Methods take steps of their own: a cell stays empty where a method has no law at the time.
    private static SummaryTable OverTime((string Method, EvolutionResult Result)[] runs)
    {
        double[] times = [.. runs[0].Result.Stored.Select(s => s.Time)];
        List<(string Head, Func<EvolutionPoint, double?> Value, EvolutionResult Result)> columns = [];
        foreach (var (name, value) in (ReadOnlySpan<(string, Func<EvolutionPoint, double?>)>)
            [("entropy", p => p.Entropy.Value), ("KL bound", p => p.DivergenceBound), ("true KL", p => p.Divergence?.Value)])
        {
            columns.AddRange(
                runs.Where(r => r.Result.Points.Any(p => value(p) is { } v && double.IsFinite(v))).Select(r => ($"{name}, {r.Method}", value, r.Result)));
        }

        string Cell(double time, Func<EvolutionPoint, double?> value, EvolutionResult result) =>
            result.Points.FirstOrDefault(p => Math.Abs(p.Time - time) <= 1e-9 * times[^1]) is { } point ? EvolutionResult.Cell(value(point)) : "-";
        return new SummaryTable(
            ["t", .. columns.Select(c => c.Head)],
            [.. times.Select(t => (IReadOnlyList<string>)[EvolutionResult.Cell(t), .. columns.Select(c => Cell(t, c.Value, c.Result))])]);
    }

    private static SummaryTable AtTheEnd(IReadOnlyList<ComparedRun> runs)
    {
        static string WithError((double Value, double Error)? figure) =>
            figure is { } f && double.IsFinite(f.Value) ? ResultText.WithError(f.Value, f.Error) : "-";
        var (ended, rows) = (Ended(runs), new List<IReadOnlyList<string>>());
        foreach (var run in runs)
        {
            rows.Add(run.Result is EvolutionResult { Points: [.., var end] }
                ?
                [
                    run.Method, WithError(end.Entropy), WithError(end.FreeEnergy), WithError(end.EntropyProduction), EvolutionResult.Cell(end.DivergenceBound),
                    WithError(end.Divergence), ResultText.Duration(run.Elapsed),
                ]
                : [run.Method, "broke off", "-", "-", "-", "-", "-"]);
        }

        return new SummaryTable(
            ["method", "entropy", "free energy", "production", "KL bound", "true KL", "time"], rows,
            ended.Length > 0 ? FormattableString.Invariant($"at t = {ended[0].Result.Points[^1].Time:g4}; the time is the method's own") : null);
    }

    private static JsonNode Row(ComparedRun run)
    {
        var row = new JsonObject { ["method"] = run.Method, ["seconds"] = ResultText.Json(run.Elapsed.TotalSeconds) };
        if (run.Result is not EvolutionResult result)
        {
            row["status"] = $"failed: {run.Failure}";
            return row;
        }

        foreach (var (name, value) in EvolutionResult.Describe(result.Points[^1]))
        {
            row[name] = value?.DeepClone();
        }

        row["status"] = result.Warnings.Count == 0 ? "success" : result.Warnings[0].Message;
        return row;
    }
}
