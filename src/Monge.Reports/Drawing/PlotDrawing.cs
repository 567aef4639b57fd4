using System.Globalization;
using Monge.Runs;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Monge.Reports.Drawing;

/// <summary>Draws a picture without panels by ScottPlot.</summary>
internal static class PlotDrawing
{
    private const int MostDots = 1000;
    private const int MostPanelDots = 200;
    private const float LetterWidth = 6.2f;
    private const float Small = 9.5f;
    private const float Usual = 12;

    /// <summary>The first sans-serif font that the system has.</summary>
    public static string FontName { get; } =
        new[] { "Noto Sans", "Liberation Sans", "Arial", "Helvetica", "DejaVu Sans" }.FirstOrDefault(SKFontManager.Default.FontFamilies.Contains)
            ?? Fonts.Default;

    /// <summary>Makes a plot.</summary>
    /// <param name="picture">The picture, for its axes and title.</param>
    /// <param name="layers">What is drawn.</param>
    /// <param name="isPanel">Whether it is one of many small ones.</param>
    public static Plot Make(Picture picture, IReadOnlyList<PictureLayer> layers, bool isPanel)
    {
        var plot = new Plot();
        plot.RenderManager.ClearCanvasBeforeEachRender = false;
        var (x, y) = (LayerShapes.Axis(picture, false), LayerShapes.Axis(picture, true));
        var shapes = LayerShapes.Of(picture, layers);
        foreach (var shape in shapes)
        {
            Add(plot, shape, x.IsLogarithmic, y.IsLogarithmic, isPanel);
        }

        plot.FigureBackground.Color = Colors.White;
        plot.Grid.MajorLineColor = Color.FromHex(Palette.Grid);
        plot.Axes.AutoScale();
        Finish(plot.Axes.Bottom, x, isPanel);
        Finish(plot.Axes.Left, y, isPanel);
        plot.Axes.FrameColor(Color.FromHex(Palette.Axis));
        plot.Axes.FrameWidth(1);
        if (picture.EqualAxes)
        {
            plot.Axes.SquareUnits();
        }

        if (!isPanel)
        {
            plot.Title(picture.Title, 14);
            AddKey(plot, shapes);
        }

        plot.Font.Set(FontName);
        return plot;
    }

    /// <summary>Draws a plot in a place. The first time it would be drawn twice, as its axes settle on the way.</summary>
    public static void Render(Plot plot, SKCanvas canvas, PixelRect place)
    {
        using (var nowhere = new SKNoDrawCanvas((int)place.Right, (int)place.Bottom))
        {
            plot.Render(nowhere, place);
        }

        plot.Render(canvas, place);
    }

    private static void AddKey(Plot plot, IReadOnlyList<Shape> shapes)
    {
        var keys = shapes.Where(s => s.Name.Length > 0).Select(s => (s.Name, s.Tone)).Distinct().ToArray();
        if (keys.Length < 2)
        {
            return;
        }

        foreach (var (name, tone) in keys)
        {
            plot.Legend.ManualItems.Add(new LegendItem
            {
                LabelText = name,
                LineColor = Of(tone),
                LineWidth = 4,
                MarkerShape = MarkerShape.None,
                LabelFontSize = 11,
                LabelFontName = FontName,
            });
        }

        plot.ShowLegend(Edge.Bottom).Legend.OutlineWidth = 0;
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.Legend.Orientation = Orientation.Horizontal;
    }

    private static void Add(Plot plot, Shape shape, bool isLogX, bool isLogY, bool isPanel)
    {
        double[] xs = isLogX ? Array.ConvertAll(shape.X, Log) : shape.X, ys = isLogY ? Array.ConvertAll(shape.Y, Log) : shape.Y;
        var color = Of(shape.Tone);
        switch (shape.Kind)
        {
            case ShapeKind.Bars:
                foreach (var (position, value) in shape.ErrorsX is null ? xs.Zip(ys) : ys.Zip(xs))
                {
                    if (double.IsFinite(value))
                    {
                        plot.Add.Bar(new Bar { Position = position, Value = value, Size = 0.65, FillColor = color.WithAlpha(shape.Opacity), LineWidth = 0 });
                    }
                }

                break;
            case ShapeKind.Area:
                plot.Add.Plottable(new FilledRings([.. Rings(xs, ys)], color.WithAlpha(shape.Opacity)));
                break;
            case ShapeKind.Line:
                foreach (var part in Rings(xs, ys))
                {
                    var line = plot.Add.ScatterLine(part, color);
                    line.LineWidth = (float)shape.Width;
                    line.LinePattern = shape.IsDashed ? LinePattern.Dashed : LinePattern.Solid;
                }

                break;
            default:
                AddDots(plot, shape, xs, ys, isPanel);
                break;
        }

        if (shape.ErrorsX is not null || shape.ErrorsY is not null)
        {
            AddErrors(plot, shape, xs, ys);
        }
    }

    private static void AddDots(Plot plot, Shape shape, double[] xs, double[] ys, bool isPanel)
    {
        var isTick = shape.Kind is not ShapeKind.Dots;
        var marker = shape.Kind switch
        {
            ShapeKind.LevelTicks => MarkerShape.HorizontalBar,
            ShapeKind.UprightTicks => MarkerShape.VerticalBar,
            _ => MarkerShape.FilledCircle,
        };
        var usual = isTick ? 14 : shape.Texts is not null ? 8 : isPanel ? 2 : 4;
        var stride = xs.Length / (isPanel ? MostPanelDots : MostDots);
        var points = Enumerable.Range(0, xs.Length).Where(i => i % Math.Max(1, stride) == 0 && double.IsFinite(xs[i]) && double.IsFinite(ys[i]));
        foreach (var group in points.GroupBy(i => shape.Weights is { } w ? Math.Clamp(Math.Round(usual * Math.Sqrt(w[i])), 1, 20) : usual))
        {
            var color = Of(shape.Tone).WithAlpha(isTick || shape.Texts is not null ? 1 : shape.Opacity);
            var markers = plot.Add.Markers(group.Select(i => new Coordinates(xs[i], ys[i])).ToArray(), marker, (float)group.Key, color);
            markers.MarkerLineWidth = isTick ? 3 : 0;
        }
    }

    private static void AddErrors(Plot plot, Shape shape, double[] xs, double[] ys)
    {
        for (var i = 0; i < xs.Length; i++)
        {
            var (dx, dy) = (shape.ErrorsX?[i] ?? 0, shape.ErrorsY?[i] ?? 0);
            if (double.IsFinite(xs[i]) && double.IsFinite(ys[i]) && double.IsFinite(dx) && double.IsFinite(dy))
            {
                var line = plot.Add.Line(xs[i] - dx, ys[i] - dy, xs[i] + dx, ys[i] + dy);
                (line.LineWidth, line.LineColor) = (1.6f, shape.Kind == ShapeKind.Bars ? Color.FromHex(Palette.Ink) : Of(shape.Tone));
            }
        }
    }

    private static void Finish(IAxis axis, PictureAxis description, bool isPanel)
    {
        var ink = Color.FromHex(Palette.Ink);
        axis.Label.Text = description.Label;
        axis.MajorTickStyle.Color = axis.MinorTickStyle.Color = Color.FromHex(Palette.Axis);
        axis.MajorTickStyle.Width = 1;
        axis.MinorTickStyle.Length = 0;
        axis.Label.Bold = false;
        (axis.Label.FontSize, axis.TickLabelStyle.FontSize) = isPanel ? (Usual - 1, Small) : (Usual + 1, Usual - 1);
        (axis.Label.ForeColor, axis.TickLabelStyle.ForeColor) = (ink, ink);
        double Place(double value) => description.IsLogarithmic ? Log(value) : value;
        if (description.From is { } from && double.IsFinite(Place(from)))
        {
            axis.Range.Set(Place(from), axis.Range.Max);
        }

        if (description.To is { } to && double.IsFinite(Place(to)))
        {
            axis.Range.Set(axis.Range.Min, Place(to));
        }

        if (description.Labels is { } labels)
        {
            axis.TickGenerator = new NumericManual([.. Enumerable.Range(0, labels.Count).Select(i => (double)i)], [.. labels]);
            axis.MajorTickStyle.Length = 0;
            if (axis is IXAxis && labels.Sum(l => l.Length) > 40)
            {
                (axis.TickLabelStyle.Rotation, axis.TickLabelStyle.Alignment) = (-90, Alignment.MiddleRight);
                axis.MinimumSize = 26 + (LetterWidth * labels.Max(l => l.Length));
            }
        }
        else if (description.IsLogarithmic)
        {
            axis.TickGenerator = new NumericAutomatic
            {
                IntegerTicksOnly = true,
                LabelFormatter = v => v is >= -3 and <= 6
                    ? Math.Pow(10, v).ToString("#,0.###", CultureInfo.InvariantCulture)
                    : string.Create(CultureInfo.InvariantCulture, $"1e{v:F0}"),
                MinorTickGenerator = new LogMinorTickGenerator(),
            };
        }
        else if (isPanel)
        {
            axis.TickGenerator = new NumericAutomatic { TargetTickCount = 3 };
        }

        if (isPanel && (description.Label.Length == 0 || description.Label == "density"))
        {
            axis.TickLabelStyle.IsVisible = false;
            axis.MajorTickStyle.Length = 0;
        }
    }

    private static IEnumerable<Coordinates[]> Rings(double[] xs, double[] ys)
    {
        var ring = new List<Coordinates>();
        for (var i = 0; i <= xs.Length; i++)
        {
            if (i < xs.Length && double.IsFinite(xs[i]) && double.IsFinite(ys[i]))
            {
                ring.Add(new Coordinates(xs[i], ys[i]));
            }
            else if (ring.Count > 0)
            {
                yield return [.. ring];
                ring.Clear();
            }
        }
    }

    private static double Log(double value) => value > 0 ? Math.Log10(value) : double.NaN;

    private static Color Of(PictureTone tone) => Color.FromHex(Palette.Of(tone));
}
