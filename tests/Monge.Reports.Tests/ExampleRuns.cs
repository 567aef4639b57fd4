using Monge.Runs;

namespace Monge.Reports.Tests;

/// <summary>Descriptions with every kind of layer, and with what must not break a report.</summary>
internal static class ExampleRuns
{
    private static readonly double[] s_axis = [.. Enumerable.Range(-10, 21).Select(i => 0.3 * i)];

    /// <summary>Every layer, a slider, free panels, a matrix and a table; names hold what HTML and plotly.js read as marks.</summary>
    public static RunPictures Whole { get; } = new("Example <b>by</b> & \"hand\"", "monge sample gmm9 --out 'a b'")
    {
        Summary = ["Two lines", "of <words>."],
        Warnings = ["A few samples hold the weight: widen the base."],
        Figures =
        [
            new RunFigure("log Z", -0.00071) { Error = 0.00041, Reference = 0 }, new RunFigure("ESS", 99.8) { Unit = "%" }, new RunFigure("bound", double.NaN),
        ],
        Pictures =
        [
            new Picture("samples", "Samples </script> of x")
            {
                IsHeadline = true,
                EqualAxes = true,
                X = new PictureAxis("x[0] <i>") { From = -3, To = 3 },
                Y = new PictureAxis("x[1]") { From = -3, To = 3 },
                Layers =
                [
                    new ContoursLayer(s_axis, s_axis, [.. s_axis.SelectMany(y => s_axis.Select(x => Math.Exp(-((x * x) + (y * y)) / 2)))], [0.2, 0.6])
                    {
                        Name = "exact",
                        Tone = PictureTone.Exact,
                    },
                    new PointsLayer([0, 1, -1], [0.5, -1, 1]) { Name = "samples", Weights = [1, 4, 1] },
                ],
            },
            new Picture("modes", "Mode weights")
            {
                IsHeadline = true,
                Layers = [new BarsLayer(["a", "b"], [0.4, 0.6]) { Name = "samples", Errors = [0.02, 0.03], References = [0.5, 0.5] }],
            },
            new Picture("moments", "Moments")
            {
                Layers =
                [
                    new MarkLayer(0) { IsUpright = true, Width = 0.1, Name = "zero" },
                    new BarsLayer(["mu", "tau"], [0.1, double.NaN])
                    {
                        IsDots = true,
                        IsHorizontal = true,
                        Errors = [0.2, 0.1],
                        References = [0, 1],
                        ReferenceErrors = [0.1, double.PositiveInfinity],
                    },
                ],
            },
            new Picture("loss", "Loss")
            {
                X = new PictureAxis("step"),
                Y = new PictureAxis("loss") { IsLogarithmic = true },
                Layers =
                [
                    new LineLayer([1, 2, 3], [100, double.NaN, 1]) { Low = [50, 1, 0.5], High = [200, 5, double.PositiveInfinity] },
                    new MarkLayer(2) { Name = "bar" },
                ],
            },
            new Picture("transport", "Transport")
            {
                Layers = [new PointsLayer([0, 1], [0, 1]) { Tone = PictureTone.Quiet }],
                Frames = [.. Enumerable.Range(0, 4).Select(k => new PictureFrame($"t = {k}", [new PointsLayer([k, k + 1], [k, -k])]))],
            },
            new Picture("marginals", "Marginals")
            {
                Panels =
                [
                    .. Enumerable.Range(0, 3).Select(k => new Picture($"x{k}", $"x{k}")
                    {
                        Layers = [new StepsLayer([0, 1, 2], [0.3, 0.7]) { IsFilled = true, Name = "samples" }],
                    }),
                ],
                Columns = 3,
            },
            new Picture("pairs", "Pairs")
            {
                IsMatrix = true,
                Columns = 2,
                Panels =
                [
                    new Picture("a", "") { Layers = [new StepsLayer([0, 1, 2], [0.3, 0.7])] }, new Picture("b", ""),
                    new Picture("c", "") { X = new PictureAxis("a"), Y = new PictureAxis("b"), Layers = [new PointsLayer([0, 1], [1, 0])] },
                    new Picture("d", "") { X = new PictureAxis("b"), Layers = [new StepsLayer([0, 1, 2], [0.6, 0.4])] },
                ],
            },
            new Picture("table", "Figures")
            {
                Layers =
                [
                    new TableLayer(["figure", "verdict"], [["one & two", "holds"], ["three", "falls short"]]) { Holds = [true, false], VerdictColumn = 1 },
                ],
            },
        ],
    };

    /// <summary>Pictures without anything finite.</summary>
    public static RunPictures Hollow { get; } = new("Hollow", "monge")
    {
        Pictures =
        [
            new Picture("none", "No layer"),
            new Picture("gaps", "Gaps only")
            {
                Layers =
                [
                    new PointsLayer([double.NaN], [1]), new LineLayer([], []), new StepsLayer([], []), new BarsLayer([], []), new MarkLayer(double.NaN),
                ],
            },
            new Picture("flat", "Flat contours") { Layers = [new ContoursLayer([0, 1], [0, 1], [0, 0, 0, 0], [0.5])] },
            new Picture("panels", "Panels without layers") { Panels = [new Picture("p", "")] },
            new Picture("matrix", "A matrix without layers") { IsMatrix = true, Panels = [new Picture("p", "")], IsHeadline = true },
        ],
    };

}
