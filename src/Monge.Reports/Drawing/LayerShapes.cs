using System.Globalization;
using Monge.Runs;

namespace Monge.Reports.Drawing;

/// <summary>Takes layers apart into shapes, the same for page and image.</summary>
internal static class LayerShapes
{
    // Values and references side by side where both have bars.
    private const double Beside = 0.14;

    // Widths of lines in pixels, the opacity of one of several areas that lie on each other, and an arrow's barbs beside its length.
    private const double Usual = 1.8;
    private const double Thin = 1.2;
    private const double Shade = 0.15;
    private const double Barb = 0.34;
    private const double BarbSpread = 0.17;

    /// <summary>The shapes of layers, the first at the bottom; what has no finite point is left out.</summary>
    /// <param name="picture">The picture, for its axes.</param>
    /// <param name="layers">Its layers.</param>
    public static IReadOnlyList<Shape> Of(Picture picture, IReadOnlyList<PictureLayer> layers)
    {
        var others = layers.Where(l => l is not MarkLayer).SelectMany(l => l is ArrowsLayer arrows ? [Arrows(arrows, picture)] : Of(l)).ToArray();
        Shape[] marks = [.. layers.OfType<MarkLayer>().SelectMany(m => Mark(m, picture, others))];
        var drawn = others.Where(s => s.X.Zip(s.Y).Any(p => double.IsFinite(p.First) && double.IsFinite(p.Second)));

        // Areas lie below all lines and dots.
        return [.. marks.Concat(drawn).OrderBy(s => s.Kind == ShapeKind.Area ? 0 : 1)];
    }

    /// <summary>An axis, with the names that a layer of bars gives to its places.</summary>
    public static PictureAxis Axis(Picture picture, bool isUp)
    {
        var axis = isUp ? picture.Y : picture.X;
        var bars = picture.Layers.OfType<BarsLayer>().FirstOrDefault();
        return bars is null || bars.IsHorizontal != isUp ? axis
            : axis with { Labels = bars.Labels, From = isUp ? bars.Labels.Count - 0.4 : -0.6, To = isUp ? -0.6 : bars.Labels.Count - 0.4 };
    }

    private static IEnumerable<Shape> Of(PictureLayer layer) => layer switch
    {
        PointsLayer p =>
        [
            new Shape(ShapeKind.Dots, p.Tone, [.. p.X], [.. p.Y])
            {
                Name = p.Name,
                Weights = p.Weights?.ToArray(),
                Opacity = p.Tone == PictureTone.Quiet ? 0.45 : 0.6,
            },
        ],
        LineLayer l => Line(l),
        StepsLayer s => Steps(s),
        BarsLayer b => Bars(b),
        ContoursLayer c => c.Levels.SelectMany(level => Contour(c, level)),
        _ => [],
    };

    private static IEnumerable<Shape> Line(LineLayer line)
    {
        if (line is { Low: { } low, High: { } high })
        {
            int[] kept = [.. Enumerable.Range(0, line.X.Count).Where(i => double.IsFinite(low[i]) && double.IsFinite(high[i]))];
            yield return new Shape(
                ShapeKind.Area, line.Tone,
                [.. kept.Select(i => line.X[i]), .. kept.Reverse().Select(i => line.X[i])],
                [.. kept.Select(i => high[i]), .. kept.Reverse().Select(i => low[i])])
            { Opacity = 0.2, IsSilent = true };
        }

        yield return new Shape(ShapeKind.Line, line.Tone, [.. line.X], [.. line.Y])
        {
            Name = line.Name,
            IsDashed = line.IsDashed,
            Width = line.IsDashed ? Thin : Usual,
        };
        if (line.HasMarkers || line.X.Count == 1)
        {
            yield return new Shape(ShapeKind.Dots, line.Tone, [.. line.X], [.. line.Y]) { Name = line.Name };
        }
    }

    private static IEnumerable<Shape> Steps(StepsLayer steps)
    {
        var (x, y) = (new List<double>(), new List<double>());
        for (var k = 0; k < steps.Heights.Count; k++)
        {
            x.AddRange([steps.Edges[k], steps.Edges[k + 1]]);
            y.AddRange([steps.Heights[k], steps.Heights[k]]);
        }

        if (steps.IsFilled && x.Count > 0)
        {
            // What stays in the background has no outline.
            var isQuiet = steps.Tone == PictureTone.Quiet;
            yield return new Shape(ShapeKind.Area, steps.Tone, [x[0], .. x, x[^1]], [0, .. y, 0])
            {
                Name = isQuiet ? steps.Name : "",
                Opacity = isQuiet ? 0.4 : 0.22,
                IsSilent = true,
            };
            if (isQuiet)
            {
                yield break;
            }
        }

        yield return new Shape(ShapeKind.Line, steps.Tone, [.. x], [.. y]) { Name = steps.Name };
    }

    private static IEnumerable<Shape> Bars(BarsLayer bars)
    {
        var (values, errors, across) = (bars.Values, bars.Errors?.ToArray(), bars.IsHorizontal);
        var shift = bars is { IsDots: true, References: not null, ReferenceErrors: not null } ? Beside : 0;
        double[] Places(double by) => [.. Enumerable.Range(0, values.Count).Select(i => i + by)];
        string Text(int i, double value, double? error) => string.Create(
            CultureInfo.InvariantCulture, $"{bars.Labels[i]}: {value:G4}{(error is { } e ? string.Create(CultureInfo.InvariantCulture, $" ± {e:G2}") : "")}");
        Shape Make(ShapeKind kind, PictureTone tone, double by, IReadOnlyList<double> at, double[]? halves, string name) =>
            new(kind, tone, across ? [.. at] : Places(by), across ? Places(by) : [.. at])
            {
                Name = name,
                ErrorsX = across ? halves : null,
                ErrorsY = across ? null : halves,
                Texts = [.. at.Select((v, i) => Text(i, v, halves?[i]))],
            };
        if (!bars.IsDots)
        {
            yield return Make(ShapeKind.Bars, bars.Tone, 0, values, errors, bars.Name) with { Opacity = 0.75 };
        }

        if (bars.References is { } references)
        {
            var halves = bars.ReferenceErrors?.ToArray();
            var kind = halves is not null ? ShapeKind.Dots : across ? ShapeKind.UprightTicks : ShapeKind.LevelTicks;
            yield return Make(kind, PictureTone.Exact, shift, references, halves, bars.ReferenceName);
        }

        if (bars.IsDots)
        {
            yield return Make(ShapeKind.Dots, bars.Tone, -shift, values, errors, bars.Name);
        }
    }

    private static IEnumerable<Shape> Contour(ContoursLayer contours, double level)
    {
        var (x, y) = ContourLines.Rings(contours, level);
        if (contours.IsFilled)
        {
            yield return new Shape(ShapeKind.Area, contours.Tone, x, y) { Name = contours.Name, Opacity = Shade, IsSilent = true };
            yield break;
        }

        yield return new Shape(ShapeKind.Area, contours.Tone, x, y) { Opacity = 0.07, IsSilent = true };
        yield return new Shape(ShapeKind.Line, contours.Tone, x, y) { Name = contours.Name, Width = Thin, IsSilent = true };
    }

    // A shaft and two barbs each, all of one shape to the eye: lengths are measured in shares of the axes unless both have one unit.
    private static Shape Arrows(ArrowsLayer arrows, Picture picture)
    {
        static double Unit(PictureAxis axis) => axis is { From: { } from, To: { } to } && to > from ? to - from : 1;
        var (wide, high) = picture.EqualAxes ? (1, 1) : (Unit(picture.X), Unit(picture.Y));
        var (x, y) = (new List<double>(), new List<double>());
        for (var i = 0; i < arrows.X.Count; i++)
        {
            var (u, v) = (arrows.Across[i] / wide, arrows.Up[i] / high);
            var (tipX, tipY) = (arrows.X[i] + arrows.Across[i], arrows.Y[i] + arrows.Up[i]);
            double BarbX(double side) => tipX - (wide * ((Barb * u) - (side * BarbSpread * v)));
            double BarbY(double side) => tipY - (high * ((Barb * v) + (side * BarbSpread * u)));
            x.AddRange([arrows.X[i], tipX, double.NaN, BarbX(1), tipX, BarbX(-1), double.NaN]);
            y.AddRange([arrows.Y[i], tipY, double.NaN, BarbY(1), tipY, BarbY(-1), double.NaN]);
        }

        return new Shape(ShapeKind.Line, arrows.Tone, [.. x], [.. y]) { Name = arrows.Name, Width = Thin, IsSilent = true };
    }

    // From end to end of what else is drawn, or of the axis where it is given.
    private static IEnumerable<Shape> Mark(MarkLayer mark, Picture picture, Shape[] others)
    {
        if (!double.IsFinite(mark.Value))
        {
            yield break;
        }

        var along = Axis(picture, mark.IsUpright);
        double[] values = [.. others.SelectMany(s => mark.IsUpright ? s.Y : s.X).Where(v => double.IsFinite(v) && (v > 0 || !along.IsLogarithmic))];
        double? nearest = values.Length == 0 ? null : values.Min(), farthest = values.Length == 0 ? null : values.Max();
        var (from, to) = (along.From ?? nearest ?? (along.IsLogarithmic ? 1 : 0), along.To ?? farthest ?? (along.IsLogarithmic ? 10 : 1));
        Shape Across(ShapeKind kind, double[] at, double[] places) =>
            new(kind, mark.Tone, mark.IsUpright ? at : places, mark.IsUpright ? places : at) { Name = mark.Name, IsSilent = true };
        if (mark.Width > 0)
        {
            var (low, high) = (mark.Value - mark.Width, mark.Value + mark.Width);
            yield return Across(ShapeKind.Area, [low, low, high, high, low], [from, to, to, from, from]) with { Opacity = 0.14, Name = "" };
        }

        yield return Across(ShapeKind.Line, [mark.Value, mark.Value], [from, to]);
    }
}
