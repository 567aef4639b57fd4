using Monge.Diagnostics;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>The pictures of trained networks: loss and bound, how far features move, what was held out, the band.</summary>
internal static class NetworkPictures
{
    private const int MostPoints = 400;

    public static RunPictures Describe(NetworkResult result, string command, string? metrics)
    {
        var (model, course) = (result.Model, result.Course);
        Picture?[] pictures =
        [
            Loss(course.Certificate), HeldOut(result), Movement(course.Certificate), Neurons(course), Band(result), Scaling(course),
            .. CoursePictures.Read(metrics),
        ];
        return new RunPictures($"Networks for {result.Problem.Target}, seed {model.Seed}", command)
        {
            Summary =
            [
                ResultText.Of($"{model.Members.Count} networks of {model.Options.Width} neurons that predict '{result.Problem.Target}'")
                    + $" from {model.Columns.Inputs.Count} columns.",
                ResultText.Of($"{model.Rows} rows; {course.Certificate.Atoms} neurons of the first network differ in their signs."),
                .. course.Certificate.Holds ? (string[])[] : [$"No certified bound: {course.Certificate.Absent}."],
            ],
            Warnings = [.. result.Warnings.Select(w => w.Message)],
            Figures =
            [
                .. result.Errors.Select(e => new RunFigure($"RMSE of {e.Name.Replace('_', ' ')} on held-out rows", e.Error)),
                .. result.Band.HasBand ? (RunFigure[])[new RunFigure("deviation of networks, median", NetworkResult.Median(result.Band.Deviation))] : [],
                new RunFigure("training", course.Seconds) { Unit = "s" },
            ],
            Pictures = [.. pictures.OfType<Picture>()],
        };
    }

    private static Picture? Loss(NetworkCertificate certificate)
    {
        var points = certificate.Points;
        if (points.Count < 2)
        {
            return null;
        }

        double[] steps = [.. points.Select(p => (double)p.Step)];
        LineLayer? Line(string name, PictureTone tone, Func<NetworkCoursePoint, double> value) => points.All(p => value(p) > 0)
            ? new LineLayer(steps, [.. points.Select(value)]) { Name = name, Tone = tone, IsDashed = tone != PictureTone.Ours } : null;
        return new Picture("loss-and-bound", certificate.Holds ? "Loss and certified bound" : "Loss")
        {
            Caption = certificate.Holds ? certificate.Remark : $"No certified bound: {certificate.Absent}.",
            IsHeadline = certificate.Holds,
            X = new PictureAxis("step"),
            Y = new PictureAxis("loss") { IsLogarithmic = true },
            Layers =
            [
                .. new[]
                {
                    Line("loss", PictureTone.Ours, p => p.Loss), Line("bound by the smallest eigenvalue", PictureTone.Exact, p => p.EigenvalueBound),
                    Line("bound by Schur's product", PictureTone.Second, p => p.SchurBound),
                }.OfType<LineLayer>(),
            ],
        };
    }

    private static Picture? Movement(NetworkCertificate certificate)
    {
        LineLayer Line(string name, PictureTone tone, Func<NetworkCoursePoint, double> value) =>
            new([.. certificate.Points.Select(p => (double)p.Step)], [.. certificate.Points.Select(value)]) { Name = name, Tone = tone };
        return certificate.Points.Count < 2 ? null : new Picture("movement", "Movement of features and of the tangent kernel")
        {
            X = new PictureAxis("step"),
            Y = new PictureAxis("relative change"),
            Layers =
            [
                Line("features", PictureTone.Ours, p => p.FeatureMovement), Line("tangent kernel", PictureTone.Second, p => p.KernelDrift),
            ],
        };
    }

    // Directions of the neurons in the two coordinates in which they vary most in the end.
    private static Picture? Neurons(NetworkCourse course)
    {
        if (course.Snapshots.Count < 2 || course.Snapshots[0].Neurons.Dimension < 2)
        {
            return null;
        }

        var d = course.Snapshots[0].Neurons.Dimension;
        double[] Directions(NeuronEnsemble neurons) => [.. neurons.Features.Chunk(d).SelectMany(
            z => Math.Sqrt(z.Sum(v => v * v)) is var norm && norm > 0 ? z.Select(v => v / norm) : z)];
        var last = Directions(course.Snapshots[^1].Neurons);
        double Square(int k) => last.Where((_, i) => i % d == k).Sum(v => v * v);
        int[] axes = [.. Enumerable.Range(0, d).OrderByDescending(Square).Take(2)];
        PointsLayer Points(NeuronEnsemble neurons, bool isPositive)
        {
            var directions = Directions(neurons);
            int[] some = [.. Enumerable.Range(0, neurons.Count).Where(i => neurons.Outputs[i] > 0 == isPositive).Take(MostPoints)];
            double[] Along(int axis) => [.. some.Select(i => directions[(i * d) + axes[axis]])];
            return new PointsLayer(Along(0), Along(1))
            {
                Name = isPositive ? "outputs above 0" : "outputs below 0",
                Tone = isPositive ? PictureTone.Ours : PictureTone.Second,
            };
        }

        PictureFrame[] frames = [.. course.Snapshots.Select(s => new PictureFrame(
            ResultText.Of($"step {s.Step}"), [Points(s.Neurons, isPositive: true), Points(s.Neurons, isPositive: false)]))];
        return new Picture("neurons", "Neurons of the first network on their sphere")
        {
            Caption = "Directions of the neurons' weights, in the two coordinates along which they are longest at the end.",
            X = new PictureAxis(ResultText.Of($"feature {axes[0] + 1}")) { From = -1.05, To = 1.05 },
            Y = new PictureAxis(ResultText.Of($"feature {axes[1] + 1}")) { From = -1.05, To = 1.05 },
            EqualAxes = true,
            Layers = frames[^1].Layers,
            Frames = frames,
        };
    }

    private static Picture? Scaling(NetworkCourse course)
    {
        if (course.Scaling is not { } scaling)
        {
            return null;
        }

        double[] neurons = [.. scaling.Widths.Select(w => (double)w.Neurons)];
        PictureLayer[] Fitted(string name, PictureTone tone, PowerLawFit fit, double factor, Func<NetworkWidth, double> value) =>
        [
            new PointsLayer(neurons, [.. scaling.Widths.Select(value)]) { Name = name, Tone = tone },
            new LineLayer(neurons, [.. neurons.Select(m => Math.Exp(factor * (fit.LogConstant + (fit.Exponent * Math.Log(m)))))])
            {
                Name = ResultText.Of($"m^{factor * fit.Exponent:f2}"),
                Tone = tone,
                IsDashed = true,
            },
        ];
        return new Picture("scaling", "What depends on the width m")
        {
            X = new PictureAxis("neurons") { IsLogarithmic = true },
            Y = new PictureAxis("difference of networks (target's units), movement of features (relative)") { IsLogarithmic = true },
            Layers =
            [
                .. Fitted("networks differ by", PictureTone.Ours, scaling.Variance, 0.5, w => Math.Sqrt(w.Variances.Average())),
                .. Fitted("features moved", PictureTone.Second, scaling.Movement, 1, w => w.Movements.Average()),
            ],
        };
    }

    private static Picture? HeldOut(NetworkResult result)
    {
        if (result.Errors.Count == 0)
        {
            return null;
        }

        var width = 2 + result.Errors.Count;
        double[][] rows = [.. result.HeldOut.Chunk(width).Take(MostPoints)];
        double[] Column(int k) => [.. rows.Select(r => r[k])];
        var (low, high) = (rows.Min(r => r[1]), rows.Max(r => r[1]));
        return new Picture("held-out", "Held-out rows: predicted beside measured")
        {
            X = new PictureAxis($"{result.Problem.Target}, measured"),
            Y = new PictureAxis($"{result.Problem.Target}, predicted"),
            IsHeadline = true,
            Layers =
            [
                new PointsLayer(Column(1), Column(4)) { Name = "kernel ridge (NTK)", Tone = PictureTone.Second },
                new PointsLayer(Column(1), Column(2)) { Name = NetworkResult.NetworkName },
                new LineLayer([low, high], [low, high]) { Name = "equal", Tone = PictureTone.Ink, IsDashed = true },
            ],
        };
    }

    private static Picture? Band(NetworkResult result)
    {
        if (!result.Band.HasBand)
        {
            return null;
        }

        var (mean, half) = (result.Band.Mean, result.Band.Half);
        var stride = (mean.Length + MostPoints - 1) / MostPoints;
        int[] order = [.. Enumerable.Range(0, mean.Length).OrderBy(i => mean[i]).Where((_, i) => i % stride == 0)];
        return new Picture("band", "Predictions and the band of a further network")
        {
            Caption = "95% of further networks, trained alike from starts of their own, lie in the band, by the central limit theorem of the neurons' law.",
            X = new PictureAxis("row, by its prediction"),
            Y = new PictureAxis(result.Problem.Target),
            Layers =
            [
                new LineLayer([.. Enumerable.Range(0, order.Length).Select(i => (double)i)], [.. order.Select(i => mean[i])])
                {
                    Name = "mean of the networks",
                    Low = [.. order.Select(i => mean[i] - half[i])],
                    High = [.. order.Select(i => mean[i] + half[i])],
                },
            ],
        };
    }
}
