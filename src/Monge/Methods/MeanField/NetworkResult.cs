using System.Text.Json.Nodes;
using Monge.Data;
using Monge.Diagnostics;
using Monge.Measures;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Networks that were trained on a table, their certificate, and what else predicts the rows that were held out.</summary>
/// <param name="Model">The networks, as the training returned them.</param>
/// <param name="Problem">The table and the target.</param>
/// <param name="Errors">Root mean square errors on held-out rows in the target's units, each of regressions on the same rows; empty without such rows.</param>
/// <param name="HeldOut">The predictions behind them: row (from 1), target, and a column for each of the errors.</param>
/// <param name="Band">The networks' predictions at the table's rows.</param>
/// <param name="Run">The run that made them.</param>
public sealed record NetworkResult(
    NetworkModel Model, NetworkProblem Problem, IReadOnlyList<(string Name, double Error)> Errors, double[] HeldOut, NetworkPrediction Band, Run Run)
    : IRunResult
{
    internal const string NetworkName = "network";
    private const int MostKernelRows = 4000;
    private static readonly string[] s_words = ["one network", "ridge", "kernel ridge (NTK)"];
    private static readonly string[] s_names = [NetworkName, "ridge", "kernel_ridge"];

    /// <inheritdoc/>
    public IReadOnlyList<Status> Warnings => [.. Check()];

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, NumericArray Values)> Arrays => [];

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, IReadOnlyList<string> Columns, double[] Values)> Tables =>
        HeldOut.Length == 0 ? [] : [("held_out", ["row", "target", .. Errors.Select(e => e.Name)], HeldOut)];

    /// <summary>What the training found.</summary>
    public NetworkCourse Course => Model.Course!;

    /// <summary>Saves the model in the run's folder, and sets it beside other regressions on the rows that were held out.</summary>
    /// <param name="model">The networks, as the training returned them.</param>
    /// <param name="problem">The table and the target.</param>
    /// <param name="run">The run that made them.</param>
    /// <exception cref="ArgumentException">The model is from a file.</exception>
    public static NetworkResult Of(NetworkModel model, NetworkProblem problem, Run run)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(run);
        var course = model.Course ?? throw new ArgumentException("The model is from a file, so what its training found is not known.", nameof(model));
        if (run.Folder is { } folder)
        {
            model.Save(Path.Combine(folder, RunSession.ModelName));
        }

        var band = model.Predict(problem.Table, threads: run.Threads);
        if (course.HeldOutRows.Count == 0)
        {
            return new NetworkResult(model, problem, [], [], band, run);
        }

        var (columns, p) = (model.Columns, model.Columns.Features);
        DataTable Rows(IEnumerable<int> rows) => problem.Table.Take([.. rows]);
        var (learned, held) = (Rows(course.LearnedRows), Rows(course.HeldOutRows));
        var (inputs, targets, at) = (columns.Encode(learned), columns.Targets(learned), columns.Encode(held));
        var most = Math.Min(MostKernelRows, targets.Length);
        double[][] predictions =
        [
            [.. course.HeldOutPredictions],
            columns.Undo(RidgeBaselines.Linear(inputs, targets, at, p).Predictions),
            columns.Undo(RidgeBaselines.Kernel(NetworkKernels.NeuralTangent(), inputs[..(most * p)], targets[..most], at, p).Predictions),
        ];
        var known = held.Column(problem.Target);
        double[] table = [.. known.SelectMany((y, i) => (double[])[course.HeldOutRows[i] + 1, y, .. predictions.Select(f => f[i])])];
        double Error(double[] predicted) => Math.Sqrt(predicted.Zip(known, (a, b) => (a - b) * (a - b)).Average());
        return new NetworkResult(model, problem, [.. s_names.Zip(predictions, (name, f) => (name, Error(f)))], table, band, run);
    }

    /// <inheritdoc/>
    public JsonObject ToJson()
    {
        var (certificate, points) = (Course.Certificate, Course.Certificate.Points);
        var result = new JsonObject
        {
            ["model"] = Run.Folder is null ? null : Path.Combine(Run.Folder, RunSession.ModelName),
            ["target"] = Problem.Target,
            ["columns"] = ResultText.Json(Model.Columns.Names),
            ["rows"] = Model.Rows,
            ["networks"] = Model.Members.Count,
            ["neurons"] = Model.Options.Width,
            ["atoms"] = certificate.Atoms,
            ["exponent"] = Model.Options.Exponent,
            ["penalty"] = ResultText.Json(Course.Penalty),
            ["trials"] = new JsonArray([.. Course.Trials.Select(
                t => new JsonObject { ["exponent"] = t.Exponent, ["penalty"] = t.Penalty, ["held_out_rmse"] = ResultText.Json(t.Error) })]),
            ["held_out_rows"] = Course.HeldOutRows.Count,
            ["held_out_rmse"] = new JsonObject([.. Errors.Select(e => KeyValuePair.Create(e.Name, ResultText.Json(e.Error)))]),
            ["train_seconds"] = Math.Round(Course.Seconds, 3),
            ["seed"] = Model.Seed,
            ["certificate"] = new JsonObject
            {
                ["rows"] = certificate.Rows,
                ["holds"] = certificate.Holds,
                ["absent"] = certificate.Holds ? null : certificate.Absent,
                ["step_time"] = Model.Options.Optimiser == NetworkOptimiser.Flow ? Course.StepTime : null,
                ["course"] = new JsonArray([.. points.Select(Describe)]),
            },
        };
        if (Band.HasBand)
        {
            result["deviation_of_runs"] = ResultText.Json(Median(Band.Deviation));
            result["fluctuation"] = ResultText.Json(Median(Band.Deviation) * Math.Sqrt(Model.Options.Width));
        }

        if (Course.Scaling is { } scaling)
        {
            result["scaling"] = new JsonObject
            {
                ["widths"] = new JsonArray([.. scaling.Widths.Select(Describe)]),
                ["variance_exponent"] = Describe(scaling.Variance),
                ["movement_exponent"] = Describe(scaling.Movement),
            };
        }

        result["warnings"] = ResultText.Json(Warnings.Select(w => w.Message));
        result["status"] = "success";
        return result;
    }

    /// <inheritdoc/>
    public IReadOnlyList<SummaryBlock> Summary()
    {
        var (options, certificate, exponent) = (Model.Options, Course.Certificate, Model.Options.Exponent ?? 1);
        List<(string Name, string Text)> lines =
        [
            ("rows", $"{Model.Rows} to learn '{Problem.Target}' from {Model.Columns.Inputs.Count} columns ({Model.Columns.Features} features)"),
            ("networks", $"{Model.Members.Count} of {options.Width} neurons{(options.Layers == 3 ? $" on {options.FirstWidth} random ones" : "")}, "
                + $"{MethodOptions.NameOf(options.Unit.ToString())}, "
                + ResultText.Of($"scale m^-{exponent:g3}; {options.Iterations} steps each, in {Course.Seconds:F1} s")),
            ("atoms", ResultText.Of($"{certificate.Atoms} of {options.Width} neurons differ in their signs at {certificate.Rows} rows")),
        ];
        if (Course.Trials.Count > 1)
        {
            lines.Add(("penalty", ResultText.Of($"{Course.Penalty:g3}; errors of scales and penalties on held-out rows: ") + string.Join(
                ", ", Course.Trials.Select(t => ResultText.Of($"m^-{t.Exponent:g3} and {t.Penalty:g3} {t.Error:g4}")))));
        }

        if (Band.HasBand)
        {
            lines.Add(("band", ResultText.Of(
                $"networks differ by {Median(Band.Deviation):g3} (median over rows), {Median(Band.Deviation) * Math.Sqrt(options.Width):g3} / sqrt(m); ")
                + ResultText.Of($"a further one lies within +- {Median(Band.Half):g3} of their mean with 95%")));
        }

        List<SummaryBlock> blocks = [new SummaryLines(lines)];
        if (Errors.Count > 0)
        {
            blocks.Add(new SummaryTable(
                ["held-out rows", "RMSE"], [.. s_words.Zip(Errors, (word, e) => (string[])[word, ResultText.Number(e.Error)])],
                ResultText.Of($"{Course.HeldOutRows.Count} rows, in the units of '{Problem.Target}'; the networks that are kept learn from these rows too")));
        }

        if (certificate.Points.Count > 0)
        {
            blocks.Add(new SummaryTable(
                ["step", "loss", "certified bound", "smallest eigenvalue", "features moved", "kernel moved"],
                [.. Few(certificate.Points).Select(Row)], ResultText.Of($"of the first network at {certificate.Rows} rows")));
        }

        if (Course.Scaling is { } scaling)
        {
            blocks.Add(new SummaryTable(
                ["neurons", "error at all rows", "networks differ by", "features moved"],
                [
                    .. scaling.Widths.Select(w => (string[])
                    [
                        ResultText.Of($"{w.Neurons}"), ResultText.Number(w.Error), ResultText.Number(Math.Sqrt(w.Variances.Average())),
                        ResultText.Number(w.Movements.Average()),
                    ]),
                    ["power of m", "", Power(scaling.Variance, 0.5), Power(scaling.Movement, 1)],
                ],
                ResultText.Of($"{scaling.Widths[0].Variances.Count} networks of each width, root mean squares over rows; powers with 95% intervals over ")
                    + ResultText.Of($"networks; in theory {0.5 - exponent:0.##} and {exponent - 1:0.##} for many neurons")));
        }

        string[] said = [certificate.Holds ? "" : $"no certified bound: {certificate.Absent}", certificate.Remark];
        blocks.AddRange(said.Where(text => text.Length > 0).Select(text => new SummaryText(text)));
        return blocks;
    }

    /// <inheritdoc/>
    public RunPictures Draw(string command, string? metrics) => NetworkPictures.Describe(this, command, metrics);

    private IEnumerable<Status> Check()
    {
        if (Course.Certificate.Above is { } above)
        {
            yield return Status.Warn(
                ResultText.Of($"the loss {above.Loss:g4} of step {above.Step} is above its certified bound"), "take shorter steps (option 'step')");
        }

        if (Model.Options.Optimiser == NetworkOptimiser.Flow && Course.Certificate.Points.FirstOrDefault(p => p.LongestStep < Course.StepTime) is { } swinging)
        {
            var shortest = Course.Certificate.Points.Min(p => p.LongestStep);
            yield return Status.Warn(
                ResultText.Of($"the tangent kernel has grown: at step {swinging.Step} the flow's step {Course.StepTime:g3} is beyond 2 / lambda_max = ")
                    + ResultText.Of($"{swinging.LongestStep:g3}, where descent swings instead of following the flow"),
                ResultText.Of($"take steps below {0.5 * shortest:g2} (option 'step')"));
        }

        if (Course.NoScaling.Length > 0)
        {
            yield return Status.Warn(
                $"no powers of the width were fitted, as narrower networks couldn't be trained alike: {Course.NoScaling.TrimEnd('.')}",
                "take fewer halvings, or shorter steps (option 'step')");
        }

        if (Errors.Count > 0 && Errors[0].Error > Errors[1].Error)
        {
            yield return Status.Warn(
                ResultText.Of($"the network's error {Errors[0].Error:g4} on held-out rows is above that of ridge regression, {Errors[1].Error:g4}"),
                "train longer (--iterations), or give it more rows");
        }
    }

    internal static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);

    private static double Bound(NetworkCoursePoint point) =>
        double.IsNaN(point.SchurBound) ? point.EigenvalueBound : Math.Min(point.SchurBound, point.EigenvalueBound);

    private static string[] Row(NetworkCoursePoint point) =>
    [
        ResultText.Of($"{point.Step}"), ResultText.Number(point.Loss), ResultText.Number(Bound(point)), ResultText.Number(point.SmallestEigenvalue),
        ResultText.Number(point.FeatureMovement), ResultText.Number(point.KernelDrift),
    ];

    private static string Power(PowerLawFit fit, double factor) =>
        ResultText.Of($"{factor * fit.Exponent:f2} ({factor * fit.Lower:f2} to {factor * fit.Upper:f2})");

    private static JsonObject Describe(PowerLawFit fit) => new()
    {
        ["value"] = ResultText.Json(fit.Exponent),
        ["lower"] = ResultText.Json(fit.Lower),
        ["upper"] = ResultText.Json(fit.Upper),
    };

    private static JsonObject Describe(NetworkWidth width) => new()
    {
        ["neurons"] = width.Neurons,
        ["rmse"] = ResultText.Json(width.Error),
        ["deviation_of_runs"] = ResultText.Json(Math.Sqrt(width.Variances.Average())),
        ["feature_movement"] = ResultText.Json(width.Movements.Average()),
    };

    private static IEnumerable<NetworkCoursePoint> Few(IReadOnlyList<NetworkCoursePoint> points) => points.Where((_, i) => i % 4 == 0 || i == points.Count - 1);

    private static JsonObject Describe(NetworkCoursePoint point) => new()
    {
        ["step"] = point.Step,
        ["loss"] = ResultText.Json(point.Loss),
        ["schur_bound"] = ResultText.Json(point.SchurBound),
        ["eigenvalue_bound"] = ResultText.Json(point.EigenvalueBound),
        ["smallest_eigenvalue"] = ResultText.Json(point.SmallestEigenvalue),
        ["feature_movement"] = ResultText.Json(point.FeatureMovement),
        ["kernel_drift"] = ResultText.Json(point.KernelDrift),
        ["alignment"] = ResultText.Json(point.Alignment),
    };
}
