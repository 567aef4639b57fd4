using System.Globalization;
using Monge.Data;
using Monge.Dynamics;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>What a fitted transport says of itself in words, figures and pictures.</summary>
public static class FlowPictures
{
    private const int MostRows = 2000;
    private const int MostInPanels = 350;
    private const int MostInPairs = 6;
    private const int MostMarginals = 12;
    private const int MostLikelihoods = 500;
    private const int LargestExactDimension = 16;
    private const int Probes = 8;
    private const int FrameRows = 600;
    private const int FrameSteps = 10;
    private const int LikelihoodBins = 40;

    /// <summary>Describes a fit, drawing rows from it.</summary>
    /// <param name="model">The model, as the fit returned it.</param>
    /// <param name="data">The rows that it was fitted to.</param>
    /// <param name="command">The command that repeats the fit.</param>
    /// <param name="seconds">Seconds of training.</param>
    /// <param name="settings">How rows are drawn and judged; null for the defaults.</param>
    /// <param name="metrics">The table of the course of training; null without one.</param>
    /// <exception cref="ArithmeticException">A row was carried to a place that is not finite.</exception>
    public static RunPictures Describe(FlowModel model, FlowData data, string command, double seconds, FlowSettings? settings = null, string? metrics = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        settings ??= new FlowSettings();
        var (names, rows, generated, frames, likelihoods) = model.Table is null ? OfFlow(model, data, settings) : OfTable(model, settings);
        Picture?[] pictures =
        [
            .. names.Count == 0 ? [] : Places(names, rows, generated), Transport(model, rows, frames), Likelihood(likelihoods), Loss(model),
            .. CoursePictures.Read(metrics),
        ];
        var (report, culture, columns) = (model.Report, CultureInfo.InvariantCulture, model.Table?.Types.Generated.Count ?? model.Dimension);
        return new RunPictures($"Fit of {report.Source}, seed {report.Seed}", command)
        {
            Summary =
            [
                string.Create(culture, $"{report.Rows:N0} rows of {columns} columns to learn from, {report.ValidationRows:N0} held out."),
                string.Create(culture, $"{model.Description}, {model.ParameterValues.Length:N0} parameters."),
                string.Create(culture, $"{report.Iterations:N0} steps; kept the parameters of step {report.BestIteration:N0}."),
            ],
            Figures = [.. Figures(model, likelihoods, seconds)],
            Pictures = [.. pictures.OfType<Picture>()],
        };
    }

    private static IEnumerable<RunFigure> Figures(FlowModel model, (double[] Held, double[] Generated)? likelihoods, double seconds)
    {
        if (likelihoods is ({ Length: > 0 } held, _))
        {
            var (mean, error) = model.Table is null ? MeanOfRows.Of(held, model.HeldOutRows!, model.Dimension) : MeanOfRows.Of(held);
            yield return new RunFigure("log-likelihood of held-out rows", mean) { Error = double.IsNaN(error) ? null : error, Unit = "nats" };
        }

        yield return new RunFigure("loss on held-out rows", model.Report.ValidationLoss);
        yield return new RunFigure("training", seconds) { Unit = "s" };
    }

    private static Drawn OfFlow(FlowModel model, FlowData data, FlowSettings settings)
    {
        var (rows, generated, frames) = Draw(model, data, settings);
        return new Drawn(model.Columns, rows, generated, frames, Likelihoods(model, generated, settings));
    }

    // The numbers of held-out rows of a table with types beside those of generated ones under the same conditions.
    private static Drawn OfTable(FlowModel model, FlowSettings settings)
    {
        var table = new TableModel(model);
        string[] names = [.. table.Types.Generated.Where(t => !t.IsWords).Select(t => t.Name)];
        if (model.HeldOutTable is not { } all)
        {
            return new Drawn(names, [], null, [], null);
        }

        DataTable First(DataTable from, int count) => from.Take([.. Enumerable.Range(0, Math.Min(count, from.Rows))]);
        var held = First(all, MostRows);
        var drawn = table.Generate(held.Rows, settings, conditions: held);
        (double[], double[])? likelihoods = null;
        if (table.Conditions.Count == 0)
        {
            settings = settings with { Probes = model.Dimension <= LargestExactDimension ? 0 : Probes };
            double[] Of(DataTable rows) => table.LogDensity(First(rows, MostLikelihoods), settings).Sum;
            likelihoods = (Of(held), Of(drawn));
        }

        return new Drawn(names, held.Select(names).Values, drawn.Select(names).Values, [], likelihoods);
    }

    // Rows beside as many generated ones; a conditional model is given the conditions of the rows that it held out.
    private static (double[] Rows, double[]? Generated, double[][] Frames) Draw(FlowModel model, FlowData data, FlowSettings settings)
    {
        var d = model.Dimension;
        var isConditional = model.Conditions.Count > 0;
        var rows = isConditional || data.Table is null ? model.HeldOutRows ?? [] : data.Table.Select([.. model.Columns]).Values;
        var stride = Math.Max(1, rows.Length / d / MostRows);
        if (!isConditional)
        {
            rows = [.. Enumerable.Range(0, Math.Min(MostRows, rows.Length / d)).SelectMany(i => rows[(i * stride * d)..(((i * stride) + 1) * d)])];
        }

        var count = rows.Length / d;
        if (count < 2 || model.IsMirror)
        {
            return (rows, null, []);
        }

        var from = model.HasBaseDensity ? null : data.Base?.Select([.. model.Columns]).Values;
        if (!model.HasBaseDensity && from is null)
        {
            return (rows, null, []);
        }

        count = from is null ? count : Math.Min(count, from.Length / d);
        settings = settings with { Given = isConditional ? model.HeldOutGiven?.First(count, model.Ends.Inputs) : null };
        if (d != 2 || isConditional)
        {
            return (rows, model.Generate(count, settings, from?[..(count * d)]), []);
        }

        var frames = model.GenerateAlong(count, [.. Enumerable.Range(1, FrameSteps).Select(k => k / (double)FrameSteps)], settings, from?[..(count * d)]);
        return (rows, frames[^1], frames);
    }

    private static IEnumerable<Picture> Places(IReadOnlyList<string> names, double[] rows, double[]? generated)
    {
        var d = names.Count;
        var data = new PointCloud("data", PictureTone.Exact, rows, d);
        if (data.Count < 2)
        {
            yield break;
        }

        PointCloud[] clouds = generated is null ? [data] : [data, new PointCloud("generated", PictureTone.Ours, generated, d)];
        if (d == 1)
        {
            var (low, high) = PointCloud.Range(0, clouds);
            yield return new Picture("rows", "Rows beside generated rows")
            {
                IsHeadline = true,
                X = new PictureAxis(names[0]) { From = low, To = high },
                Y = new PictureAxis("density") { From = 0 },
                Layers = [.. clouds.Select(c => c.Marginal(0, low, high))],
            };
        }
        else if (d == 2)
        {
            yield return new Picture("rows", "Rows beside generated rows")
            {
                IsHeadline = true,
                Caption = $"{clouds[0].Count} rows of the data, and as many drawn from the model.",
                Columns = clouds.Length,
                Panels =
                [
                    .. clouds.Select(c => PointCloud.Plane(new Picture(c.Name, c.Name), names, MostRows, clouds) with { Layers = [c.Points(0, 1, MostRows)] }),
                ],
            };
            yield return PointCloud.Marginals(new Picture("marginals", "Marginals") { Caption = "Data and generated rows." }, names, MostMarginals, clouds);
        }
        else
        {
            int[] shown = [.. Enumerable.Range(0, Math.Min(MostInPairs, d))];
            var picture = new Picture("rows", "Rows beside generated rows")
            {
                IsHeadline = true,
                Caption = $"Marginals on the diagonal, pairs below it; {(d > MostInPairs ? $"the first {MostInPairs} of {d} columns" : "all columns")}.",
            };
            yield return PointCloud.Pairs(picture, names, shown, MostInPanels, clouds);
            yield return PointCloud.Marginals(
                new Picture("marginals", "Marginals")
                {
                    Caption = $"{(d > MostMarginals ? $"The first {MostMarginals} of {d} columns" : "All columns")}: data and generated rows.",
                },
                names, MostMarginals, clouds);
        }
    }

    private static Picture? Transport(FlowModel model, double[] rows, double[][] frames)
    {
        if (frames.Length == 0)
        {
            return null;
        }

        var data = new PointCloud("data", PictureTone.Quiet, rows, 2);
        PointCloud[] clouds = [.. frames.Select(f => new PointCloud("carried rows", PictureTone.Ours, f, 2))];
        var picture = new Picture("transport", "The transport from base to data")
        {
            Caption = "The same rows on their way: from the base at t = 0 to the data's law at t = 1. Move the slider.",
            Frames =
            [
                .. clouds.Select((c, k) => new PictureFrame(FormattableString.Invariant($"t = {k / (double)FrameSteps:F1}"), [c.Points(0, 1, FrameRows)])),
            ],
        };
        return PointCloud.Plane(picture, model.Columns, FrameRows, [data, clouds[0]]) with { Layers = [data.Points(0, 1, FrameRows)] };
    }

    private static (double[] Held, double[] Generated)? Likelihoods(FlowModel model, double[]? generated, FlowSettings settings)
    {
        var d = model.Dimension;
        if (model.HeldOutRows is not { Length: > 0 } held || generated is null || !model.HasBaseDensity || model.IsMirror)
        {
            return null;
        }

        var count = Math.Min(MostLikelihoods, Math.Min(held.Length, generated.Length) / d);
        var given = model.HeldOutGiven?.First(count, model.Ends.Inputs);
        settings = settings with { Probes = d <= LargestExactDimension ? 0 : Probes, Given = given };
        return (model.LogDensity(held[..(count * d)], settings), model.LogDensity(generated[..(count * d)], settings));
    }

    private static Picture? Likelihood((double[] Held, double[] Generated)? likelihoods)
    {
        if (likelihoods is not var (held, generated))
        {
            return null;
        }

        PointCloud[] clouds = [new("held-out rows", PictureTone.Exact, held, 1), new("generated rows", PictureTone.Ours, generated, 1)];
        var (low, high) = PointCloud.Range(0, clouds);
        return new Picture("likelihood", "Likelihood by row")
        {
            IsHeadline = true,
            Caption = $"The model's log density at {held.Length} held-out rows and at {generated.Length} of its own: alike if the model is right. "
                + "Held-out rows far to the left are those that it misses.",
            X = new PictureAxis("log density (nats)") { From = low, To = high },
            Y = new PictureAxis("share per nat") { From = 0 },
            Layers = [.. clouds.Select(c => c.Marginal(0, low, high, LikelihoodBins))],
        };
    }

    private static Picture? Loss(FlowModel model)
    {
        if (model.LossByTime is not { Count: > 0 } loss)
        {
            return null;
        }

        double[] middles = [.. loss.Select(l => 0.5 * (l.From + l.To))];
        return new Picture("loss over t", "Loss over t on held-out rows")
        {
            Caption = "The mean of the loss in equal parts of [0, 1]; band: one standard deviation over rows. "
                + "It is large where the path is hard to learn, or where much noise can't be learned.",
            X = new PictureAxis("t from base (0) to data (1)"),
            Y = new PictureAxis("loss"),
            Layers =
            [
                new LineLayer(middles, [.. loss.Select(l => l.Mean)])
                {
                    Name = "mean ± sd over rows",
                    HasMarkers = true,
                    Low = [.. loss.Select(l => l.Mean - l.Deviation)],
                    High = [.. loss.Select(l => l.Mean + l.Deviation)],
                },
            ],
        };
    }

    private sealed record Drawn(
        IReadOnlyList<string> Names, double[] Rows, double[]? Generated, double[][] Frames, (double[] Held, double[] Generated)? Likelihoods);
}
