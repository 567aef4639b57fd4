using System.Globalization;
using System.Text.Json.Nodes;
using Monge.Reports.Drawing;
using Monge.Runs;

namespace Monge.Reports.Page;

/// <summary>
/// A picture as data, layout and slider steps of plotly.js. Colours are words that the page replaces by those of its ground: <c>$ours</c>, <c>$ink</c>,
/// <c>$grid</c>; fillings add their opacity, as in <c>$ours/0.2</c>.
/// </summary>
internal static class PlotlyFigure
{
    private const double DotArea = 26;
    private const double PanelDotArea = 9;
    private const double NamedDotArea = 70;
    private const double LargestDot = 22;
    private const double MatrixGap = 0.12;
    private const double DefaultAspect = 0.66;
    private const double ManyTicks = 30;
    private const int HorizontalRow = 30;
    private const int SmallMatrixPanel = 96;
    private const int LargeMatrixPanel = 160;

    /// <summary>
    /// Describes a picture: <c>data</c>, <c>layout</c>, <c>frames</c>, <c>aspect</c> (height over width), <c>least</c> and <c>most</c> (pixels across) and
    /// <c>height</c> (fixed pixels, or null).
    /// </summary>
    /// <param name="picture">A picture without panels, or a matrix.</param>
    public static JsonObject Describe(Picture picture) => picture.IsMatrix ? Matrix(picture) : Single(picture);

    private static JsonObject Single(Picture picture)
    {
        var layout = Layout();
        var shapes = LayerShapes.Of(picture, picture.Layers);
        layout["xaxis"] = Axis(LayerShapes.Axis(picture, false), shapes.SelectMany(s => s.X));
        layout["yaxis"] = Axis(LayerShapes.Axis(picture, true), shapes.SelectMany(s => s.Y));
        var aspect = DefaultAspect;
        if (picture.EqualAxes)
        {
            layout["yaxis"]!["scaleanchor"] = "x";
            (layout["xaxis"]!["constrain"], layout["yaxis"]!["constrain"]) = ("domain", "domain");
            aspect = picture is { X: { From: { } left, To: { } right }, Y: { From: { } bottom, To: { } top } }
                ? Math.Clamp((top - bottom) / (right - left), 0.6, 1.2)
                : 1;
        }

        var isHorizontal = picture.Layers.OfType<BarsLayer>().FirstOrDefault() is { IsHorizontal: true };
        var rows = picture.Layers.OfType<BarsLayer>().FirstOrDefault()?.Labels.Count ?? 0;
        return new JsonObject
        {
            ["data"] = Traces(picture, picture.Layers, 1, DotArea),
            ["layout"] = layout,
            ["frames"] = new JsonArray(
                [.. picture.Frames.Select(f => new JsonObject { ["label"] = f.Label, ["data"] = Traces(picture, f.Layers, 1, DotArea) })]),
            ["aspect"] = aspect,
            ["least"] = 0,
            ["most"] = null,
            ["height"] = isHorizontal ? 90 + (HorizontalRow * rows) : null,
        };
    }

    private static JsonObject Matrix(Picture picture)
    {
        var (layout, data) = (Layout(), new JsonArray());
        var columns = picture.Columns;
        var rows = (picture.Panels.Count + columns - 1) / columns;
        for (var k = 0; k < picture.Panels.Count; k++)
        {
            var panel = picture.Panels[k];
            if (panel.Layers.Count == 0)
            {
                continue;
            }

            var (row, column, key) = (k / columns, k % columns, k == 0 ? "" : (k + 1).ToString(CultureInfo.InvariantCulture));
            var (x, y) = (Axis(panel.X, []), Axis(panel.Y, []));
            (x["domain"], x["anchor"]) = (Domain(column, columns), "y" + key);
            (y["domain"], y["anchor"]) = (Domain(rows - 1 - row, rows), "x" + key);
            (x["showticklabels"], y["showticklabels"]) = (panel.X.Label.Length > 0, panel.Y.Label.Length > 0 && row != column);
            (x["nticks"], y["nticks"]) = (3, 3);
            layout["xaxis" + key] = x;
            layout["yaxis" + key] = y;
            foreach (var trace in Traces(panel, panel.Layers, k + 1, PanelDotArea))
            {
                data.Add(trace!.DeepClone());
            }
        }

        return new JsonObject
        {
            ["data"] = data,
            ["layout"] = layout,
            ["frames"] = new JsonArray(),
            ["aspect"] = rows / (double)columns,
            ["least"] = 60 + (SmallMatrixPanel * columns),
            ["most"] = 60 + (LargeMatrixPanel * columns),
            ["height"] = null,
        };
    }

    private static JsonArray Domain(int place, int places)
    {
        var size = 1 / (places + (MatrixGap * (places - 1)));
        var start = place * size * (1 + MatrixGap);
        return [Math.Round(start, 5), Math.Round(Math.Min(1, start + size), 5)];
    }

    private static JsonArray Traces(Picture picture, IReadOnlyList<PictureLayer> layers, int axes, double dotArea) =>
        new([.. LayerShapes.Of(picture, layers).Select(s => (JsonNode)Trace(s, axes, dotArea))]);

    private static JsonObject Trace(Shape shape, int axes, double dotArea)
    {
        var color = "$" + Palette.Word(shape.Tone);
        var trace = new JsonObject
        {
            ["type"] = shape.Kind == ShapeKind.Bars ? "bar" : "scatter",
            ["x"] = Numbers(shape.X),
            ["y"] = Numbers(shape.Y),
            ["name"] = Plain(shape.Name),
        };
        if (axes > 1)
        {
            (trace["xaxis"], trace["yaxis"]) = ($"x{axes}", $"y{axes}");
        }

        if (shape.Texts is { } texts)
        {
            trace["text"] = new JsonArray([.. texts.Select(t => (JsonNode)Plain(t))]);
            (trace["hovertemplate"], trace["textposition"]) = ("%{text}<extra>%{fullData.name}</extra>", "none");
        }
        else if (shape.IsSilent)
        {
            trace["hoverinfo"] = "skip";
        }

        AddErrors(trace, "error_x", shape.ErrorsX, shape);
        AddErrors(trace, "error_y", shape.ErrorsY, shape);
        switch (shape.Kind)
        {
            case ShapeKind.Bars:
                if (shape.ErrorsX is not null)
                {
                    trace["orientation"] = "h";
                }

                trace["marker"] = new JsonObject { ["color"] = Faded(color, shape.Opacity) };
                break;
            case ShapeKind.Dots:
                trace["mode"] = "markers";
                trace["marker"] = new JsonObject
                {
                    ["color"] = Faded(color, shape.Texts is null ? shape.Opacity : 1),
                    ["size"] = Sizes(shape, shape.Texts is null ? dotArea : NamedDotArea),
                };
                break;
            case ShapeKind.LevelTicks or ShapeKind.UprightTicks:
                trace["mode"] = "markers";
                trace["marker"] = new JsonObject
                {
                    ["symbol"] = shape.Kind == ShapeKind.LevelTicks ? "line-ew-open" : "line-ns-open",
                    ["size"] = 16,
                    ["color"] = color,
                    ["line"] = new JsonObject { ["width"] = 3, ["color"] = color },
                };
                break;
            case ShapeKind.Area:
                (trace["mode"], trace["fill"], trace["fillcolor"]) = ("lines", "toself", Faded(color, shape.Opacity));
                trace["line"] = new JsonObject { ["width"] = 0, ["color"] = Faded(color, 0) };
                break;
            default:
                trace["mode"] = "lines";
                trace["line"] = new JsonObject { ["width"] = shape.Width, ["color"] = color, ["dash"] = shape.IsDashed ? "dash" : "solid" };
                break;
        }

        return trace;
    }

    private static void AddErrors(JsonObject trace, string name, double[]? halves, Shape shape)
    {
        if (halves is not null)
        {
            trace[name] = new JsonObject
            {
                ["type"] = "data",
                ["array"] = Numbers(halves),
                ["thickness"] = 1.5,
                ["width"] = 4,
                ["color"] = shape.Kind == ShapeKind.Bars ? "$ink" : "$" + Palette.Word(shape.Tone),
            };
        }
    }

    private static JsonNode Sizes(Shape shape, double area) => shape.Weights is { } weights
        ? new JsonArray([.. weights.Select(w => (JsonNode)Math.Round(Math.Clamp(Math.Sqrt(Math.Max(0, w) * area), 1.5, LargestDot), 1))])
        : JsonValue.Create(Math.Round(Math.Sqrt(area), 1));

    private static JsonObject Axis(PictureAxis axis, IEnumerable<double> drawn)
    {
        var node = new JsonObject
        {
            ["title"] = new JsonObject { ["text"] = Plain(axis.Label), ["standoff"] = 8 },
            ["type"] = axis.IsLogarithmic ? "log" : "linear",
            ["gridcolor"] = "$grid",
            ["linecolor"] = "$axis",
            ["tickcolor"] = "$axis",
            ["ticks"] = "outside",
            ["ticklen"] = 4,
            ["showline"] = true,
            ["mirror"] = true,
            ["zeroline"] = false,
            ["automargin"] = true,
        };
        double? Place(double? value) => value is not { } v || !double.IsFinite(v) ? null : !axis.IsLogarithmic ? v : v > 0 ? Math.Log10(v) : null;
        var (from, to) = (Place(axis.From), Place(axis.To));
        if (from is not null || to is not null)
        {
            node["range"] = new JsonArray(from, to);
            node["autorange"] = from is null ? "min" : to is null ? "max" : JsonValue.Create(false);
        }

        if (axis.IsLogarithmic)
        {
            // Powers of ten where there are several, else 1, 2 and 5 too.
            double[] places = [.. drawn.Where(v => v > 0 && double.IsFinite(v)).Append(axis.From ?? 0).Append(axis.To ?? 0).Where(v => v > 0)];
            var isWide = places.Length > 0 && places.Max() > ManyTicks * places.Min();
            (node["exponentformat"], node["dtick"]) = ("power", isWide ? 1 : "D2");
        }

        if (axis.Labels is { } labels)
        {
            node["tickvals"] = new JsonArray([.. Enumerable.Range(0, labels.Count).Select(i => (JsonNode)i)]);
            node["ticktext"] = new JsonArray([.. labels.Select(l => (JsonNode)Plain(l))]);
            node["ticks"] = "";
            node["showgrid"] = false;
        }

        return node;
    }

    private static JsonObject Layout() => new()
    {
        ["margin"] = new JsonObject { ["l"] = 52, ["r"] = 12, ["t"] = 10, ["b"] = 44 },
        ["paper_bgcolor"] = "rgba(0,0,0,0)",
        ["plot_bgcolor"] = "rgba(0,0,0,0)",
        ["font"] = new JsonObject { ["family"] = "system-ui, 'Segoe UI', 'Liberation Sans', Arial, sans-serif", ["size"] = 12.5, ["color"] = "$ink" },
        ["hoverlabel"] = new JsonObject { ["bgcolor"] = "$ground", ["bordercolor"] = "$axis", ["font"] = new JsonObject { ["color"] = "$ink" } },
        ["modebar"] = new JsonObject { ["bgcolor"] = "rgba(0,0,0,0)", ["color"] = "$axis", ["activecolor"] = "$ink" },
        ["showlegend"] = false,
        ["hovermode"] = "closest",
        ["dragmode"] = "zoom",
        ["bargap"] = 0.35,
    };

    private static string Faded(string color, double opacity) => opacity >= 1 ? color : string.Create(CultureInfo.InvariantCulture, $"{color}/{opacity}");

    // plotly.js reads a few tags in texts; a name with a bracket is a name.
    private static string Plain(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);

    private static JsonArray Numbers(double[] values) =>
        new([.. values.Select(v => double.IsFinite(v) ? JsonNode.Parse(v.ToString("G6", CultureInfo.InvariantCulture)) : null)]);
}
