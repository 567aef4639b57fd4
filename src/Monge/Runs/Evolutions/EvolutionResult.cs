using System.Text.Json.Nodes;
using Monge.Data;
using Monge.Diagnostics;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>A finished evolution: its laws in a table over time, and samples of each that was asked for.</summary>
/// <param name="Evolution">The law in time.</param>
/// <param name="Method">The method's name.</param>
/// <param name="Points">What is told of each time.</param>
/// <param name="Stored">Samples at the times that are written.</param>
/// <param name="Run">The run that made it.</param>
public sealed record EvolutionResult(
    IEvolution Evolution, string Method, IReadOnlyList<EvolutionPoint> Points, IReadOnlyList<EvolvedSamples> Stored, Run Run) : IRunResult
{
    // A stated error above this share of the law's own scale of 1 nat is a warning's matter.
    private const double LargestBound = 0.1;
    private const int ShownCoordinates = 2;

    /// <inheritdoc/>
    public IReadOnlyList<Status> Warnings { get; } = [.. Evolution.Warnings, .. Check(Evolution.Problem, Points)];

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, NumericArray Values)> Arrays
    {
        get
        {
            var (times, n, d) = (Stored.Count, Stored[0].LogDensity.Length, Evolution.Problem.Dimension);
            return
            [
                ("times", NumericArray.Create((double[])[.. Stored.Select(s => s.Time)], times)),
                ("positions", NumericArray.Create((double[])[.. Stored.SelectMany(s => s.Positions)], times, n, d)),
                ("log_density", NumericArray.Create((double[])[.. Stored.SelectMany(s => s.LogDensity)], times, n)),
                ("score", NumericArray.Create((double[])[.. Stored.SelectMany(s => s.LearnedScore.Length > 0 ? s.LearnedScore : s.Score)], times, n, d)),
            ];
        }
    }

    /// <summary>Carries samples through an evolution and tells what is to be told.</summary>
    /// <param name="evolution">The law in time.</param>
    /// <param name="method">The method's name.</param>
    /// <param name="samples">Samples, at least 3.</param>
    /// <param name="times">Times that are written, evenly spread over those known, the first and the last among them; at least 2.</param>
    /// <param name="run">Seed, threads, progress and cancellation.</param>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static EvolutionResult Of(IEvolution evolution, string method, int samples, int times, Run run)
    {
        ArgumentNullException.ThrowIfNull(evolution);
        ArgumentNullException.ThrowIfNull(run);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 3);
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 2);
        var last = evolution.Times.Count - 1;
        var kept = Math.Min(times, last + 1);
        var chosen = Enumerable.Range(0, kept).Select(k => (int)Math.Round(k * (double)last / (kept - 1))).Select(k => evolution.Times[k]).ToHashSet();
        List<EvolvedSamples> stored = [];
        var points = EvolutionTable.Of(evolution, samples, run, at =>
        {
            if (chosen.Contains(at.Time))
            {
                stored.Add(at);
            }
        });
        return new EvolutionResult(evolution, method, points, stored, run);
    }

    /// <inheritdoc/>
    public JsonObject ToJson() => new()
    {
        ["problem"] = Evolution.Problem.Name,
        ["method"] = Method,
        ["seed"] = Run.Seed,
        ["samples"] = Stored[0].LogDensity.Length,
        ["stored_times"] = ResultText.Json(Stored.Select(s => s.Time)),
        ["table"] = new JsonArray([.. Points.Select(Describe)]),
        ["version"] = RunIdentity.Version,
        ["status"] = Warnings.Count == 0 ? "success" : Warnings[0].Message,
        ["warnings"] = ResultText.Json(Warnings.Select(w => w.Message)),
    };

    /// <inheritdoc/>
    public IReadOnlyList<SummaryBlock> Summary()
    {
        var shown = Stored.Select(s => s.Time).ToHashSet();
        var rows = Points.Where(p => shown.Contains(p.Time)).ToArray();
        List<(string Head, Func<EvolutionPoint, double?> Value)> columns = [("t", p => p.Time)];
        List<string> errors = [];
        void Add(string head, Func<EvolutionPoint, double?> value, Func<EvolutionPoint, double?>? error = null)
        {
            if (rows.Any(p => value(p) is { } v && double.IsFinite(v)))
            {
                columns.Add((head, value));
                errors.AddRange(rows.Max(p => error?.Invoke(p) ?? 0) is > 0 and var most ? [FormattableString.Invariant($"{most:G1} ({head})")] : []);
            }
        }

        for (var i = 0; i < Math.Min(ShownCoordinates, Evolution.Problem.Dimension); i++)
        {
            var k = i;
            Add($"mean {k}", p => p.Mean[k]);
            Add($"sd {k}", p => p.Deviation[k]);
        }

        Add("entropy", p => p.Entropy.Value, p => p.Entropy.Error);
        Add("free energy", p => p.FreeEnergy?.Value, p => p.FreeEnergy?.Error);
        Add("production", p => p.EntropyProduction?.Value, p => p.EntropyProduction?.Error);
        Add("KL bound", p => p.DivergenceBound);
        Add("true KL", p => p.Divergence?.Value, p => p.Divergence?.Error);
        var hidden = Evolution.Problem.Dimension - ShownCoordinates;
        return
        [
            new SummaryTable(
                [.. columns.Select(c => c.Head)], [.. rows.Select(p => (IReadOnlyList<string>)[.. columns.Select(c => Cell(c.Value(p)))])],
                $"standard errors up to {string.Join(", ", errors)}"
                + (rows.All(p => double.IsNaN(p.DivergenceBound)) ? "; the method states no error of its own here" : "")
                + (hidden > 0 ? $"; {hidden} more coordinates are in run.json" : "")),
        ];
    }

    /// <inheritdoc/>
    public RunPictures Draw(string command, string? metrics) => EvolutionPictures.Describe(this, command, metrics);

    private static string Cell(double? value) =>
        value is { } v && !double.IsNaN(v) ? double.IsInfinity(v) ? "inf" : FormattableString.Invariant($"{(Math.Abs(v) < 1e-12 ? 0 : v):G3}") : "-";

    private static JsonObject Describe(EvolutionPoint point)
    {
        var row = new JsonObject
        {
            ["time"] = point.Time,
            ["mean"] = ResultText.Json(point.Mean),
            ["sd"] = ResultText.Json(point.Deviation),
            ["entropy"] = ResultText.Json(point.Entropy.Value),
            ["entropy_error"] = ResultText.Json(point.Entropy.Error),
            ["mean_speed"] = ResultText.Json(point.MeanSpeed),
            ["divergence_bound"] = ResultText.Json(point.DivergenceBound),
        };
        void Add(string name, (double Value, double Error)? value)
        {
            row[name] = ResultText.Json(value?.Value);
            row[$"{name}_error"] = ResultText.Json(value?.Error);
        }

        Add("free_energy", point.FreeEnergy);
        Add("entropy_production", point.EntropyProduction);
        Add("divergence", point.Divergence);
        return row;
    }

    private static IReadOnlyList<Status> Check(EvolutionProblem problem, IReadOnlyList<EvolutionPoint> points)
    {
        List<Status> found = [];
        var bound = points[^1].DivergenceBound;
        if (bound > LargestBound)
        {
            found.Add(Status.Warn(
                FormattableString.Invariant($"the bound on the divergence from the true law reaches {bound:g3} nats"),
                "take shorter steps (--options with a smaller step), more iterations or a wider network"));
        }

        // Given observations, a law's free energy may rise.
        for (var k = 1; k < points.Count && problem.Observations.Count == 0; k++)
        {
            if (points[k].FreeEnergy is var (after, error) && points[k - 1].FreeEnergy is var (before, errorBefore)
                && after - before > 4 * double.Hypot(error, errorBefore))
            {
                found.Add(Status.Warn(
                    FormattableString.Invariant($"the free energy rises from {before:g4} to {after:g4} at t = {points[k].Time:g4}, as in no gradient flow"),
                    "lower the learning rate or take more iterations"));
                break;
            }
        }

        return found;
    }
}
