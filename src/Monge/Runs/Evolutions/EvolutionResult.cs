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
/// <param name="Simulated">The last law beside simulated particles; null where there is no such check.</param>
/// <param name="AreStepsLong">Whether it is the length of the steps that makes most of the stated error, rather than the training.</param>
public sealed record EvolutionResult(
    IEvolution Evolution, string Method, IReadOnlyList<EvolutionPoint> Points, IReadOnlyList<EvolvedSamples> Stored, Run Run,
    EvolutionCheck? Simulated = null, bool AreStepsLong = false) : IRunResult
{
    // A stated error is a warning's matter above this, in nats, and where simulated particles find nothing above the second.
    private const double LargestBound = 0.1;
    private const double UnseenBound = 0.2;

    // No training is that far off: it is instability.
    private const double RunawayBound = 1e6;
    private const int ShownCoordinates = 2;

    // An entropy this far above the largest one, in nats and beyond that in its errors, is none of chance.
    private const double Negligible = 0.02;
    private const double Impossible = 5;

    /// <inheritdoc/>
    public IReadOnlyList<Status> Warnings { get; } = [.. Evolution.Warnings, .. Check(Evolution.Problem, Points, Simulated, AreStepsLong)];

    /// <summary>The pictures of the law in time, drawn once for page, image and terminal.</summary>
    internal IReadOnlyList<Picture> Laws => field ??= LawPictures.Of(this);

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

    /// <inheritdoc/>
    /// <remarks>One, the table over all times of the run and all coordinates; what isn't known is NaN.</remarks>
    public IReadOnlyList<(string Name, IReadOnlyList<string> Columns, double[] Values)> Tables
    {
        get
        {
            List<string> names = ["t"];
            List<Func<EvolutionPoint, double>> values = [p => p.Time];
            void Add(string name, Func<EvolutionPoint, (double Value, double Error)?> value)
            {
                if (Points.Any(p => value(p) is not null))
                {
                    names.AddRange([name, $"{name}_error"]);
                    values.AddRange([p => value(p)?.Value ?? double.NaN, p => value(p)?.Error ?? double.NaN]);
                }
            }

            for (var i = 0; i < Evolution.Problem.Dimension; i++)
            {
                var k = i;
                names.AddRange([$"mean[{k}]", $"sd[{k}]"]);
                values.AddRange([p => p.Mean[k], p => p.Deviation[k]]);
            }

            Add("entropy", p => p.Entropy);
            Add("free_energy", p => p.FreeEnergy);
            Add("entropy_production", p => p.EntropyProduction);
            names.AddRange(["mean_speed", "divergence_bound"]);
            values.AddRange([p => p.MeanSpeed, p => p.DivergenceBound]);
            Add("divergence", p => p.Divergence);
            Add("divergence_from_invariant", p => p.DivergenceFromInvariant);
            return [("table", names, [.. Points.SelectMany(p => values.Select(value => value(p)))])];
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
        var chosen = Picture.Spread(evolution.Times, times).ToHashSet();
        List<EvolvedSamples> stored = [];
        var (points, areStepsLong) = EvolutionTable.Of(evolution, samples, run, at =>
        {
            if (chosen.Contains(at.Time))
            {
                stored.Add(at);
            }
        });
        return new EvolutionResult(evolution, method, points, stored, run, EvolutionCheck.Of(evolution.Problem, stored[^1], run), areStepsLong);
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
        ["simulated"] = Simulated is null ? null : new JsonObject
        {
            ["classifier_accuracy"] = ResultText.Json(Simulated.Accuracy),
            ["classifier_accuracy_error"] = ResultText.Json(Simulated.Error),
            ["least_divergence"] = ResultText.Json(Simulated.LeastDivergence),
            ["steps"] = Simulated.Steps,
        },
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
        Add("speed", p => p.MeanSpeed);
        Add("KL bound", p => p.DivergenceBound);
        Add("true KL", p => p.Divergence?.Value, p => p.Divergence?.Error);
        if (Evolution.Problem.Facts.Law is null)
        {
            Add("KL to invariant", p => p.DivergenceFromInvariant?.Value, p => p.DivergenceFromInvariant?.Error);
        }

        var hidden = Evolution.Problem.Dimension - ShownCoordinates;
        return
        [
            new SummaryTable(
                [.. columns.Select(c => c.Head)], [.. rows.Select(p => (IReadOnlyList<string>)[.. columns.Select(c => Cell(c.Value(p)))])],
                $"standard errors up to {string.Join(", ", errors)}"
                + (rows.All(p => double.IsNaN(p.DivergenceBound)) ? "; the method states no error of its own here" : "")
                + (hidden > 0 ? $"; {hidden} more coordinates are in table.csv" : "")),
            new SummaryStrip(Laws),
        ];
    }

    /// <inheritdoc/>
    public RunPictures Draw(string command, string? metrics) => EvolutionPictures.Describe(this, command, metrics);

    /// <summary>A number as the tables of evolutions show it.</summary>
    internal static string Cell(double? value) =>
        value is { } v && !double.IsNaN(v) ? double.IsInfinity(v) ? "inf" : FormattableString.Invariant($"{(Math.Abs(v) < 1e-12 ? 0 : v):G3}") : "-";

    /// <summary>All that is told of one time.</summary>
    internal static JsonObject Describe(EvolutionPoint point)
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
        Add("divergence_from_invariant", point.DivergenceFromInvariant);
        return row;
    }

    private static IReadOnlyList<Status> Check(
        EvolutionProblem problem, IReadOnlyList<EvolutionPoint> points, EvolutionCheck? simulated, bool areStepsLong)
    {
        List<Status> found = [];
        var bound = points[^1].DivergenceBound;
        var cause = bound > RunawayBound || !double.IsFinite(points[^1].MeanSpeed)
            ? ("its samples or their scores run off", "take shorter steps (the option 'step'), more samples to train on, or a lower learning rate")
            : areStepsLong
            ? ("its steps in time are too long", "take shorter steps (the option 'step')")
            : ("its training falls short", "take more iterations, more samples to train on, a lower learning rate, or a wider network");
        if (simulated?.Fails(bound) == true)
        {
            found.Add(Status.Warn(
                FormattableString.Invariant($"the samples at t = {points[^1].Time:g4} are not those of the diffusion: a classifier tells them from simulated ")
                + FormattableString.Invariant($"particles in {100 * simulated.Accuracy:f1} ± {100 * simulated.Error:f1} % of cases, so the law is at least ")
                + FormattableString.Invariant($"{simulated.LeastDivergence:g2} nats off; {cause.Item1}"),
                cause.Item2));
        }

        if (!(bound <= (simulated is null ? LargestBound : UnseenBound)) && !(double.IsNaN(bound) && double.IsNaN(points[0].DivergenceBound)))
        {
            found.Add(Status.Warn(
                FormattableString.Invariant($"the bound on the divergence from the true law reaches {bound:g3} nats; {cause.Item1}"), cause.Item2));
        }

        for (var k = 0; k < points.Count; k++)
        {
            if (points[k].EntropyAboveGaussian is { } above && above.Value > Negligible + (Impossible * above.Error))
            {
                found.Add(Status.Warn(
                    FormattableString.Invariant($"the log densities at t = {points[k].Time:g4} are not those of the samples: their entropy is ")
                    + FormattableString.Invariant($"{above.Value:g2} above that of the Gaussian with the samples' covariance, which no law exceeds"),
                    cause.Item2));
                break;
            }
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
