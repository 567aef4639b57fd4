using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Monge.Reports.Drawing;
using Monge.Runs;

namespace Monge.Reports.Page;

/// <summary>
/// One offline page: words, figures and pictures of a run, or of several side by side. Nothing is fetched, which the page's own policy makes sure of.
/// </summary>
internal sealed class ReportPage
{
    private const string Policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:";
    private const int SmallPanel = 240;
    private const int LargePanel = 340;
    private const int LongLabel = 24;

    private readonly StringBuilder _body = new();
    private readonly JsonArray _figures = [];

    private ReportPage()
    {
    }

    /// <summary>The page of a run.</summary>
    public static string Of(RunPictures run)
    {
        var page = new ReportPage();
        page.Header(run.Title, run.Summary);
        page.Warnings([("", run.Warnings)]);
        page.Figures([("value", run)]);
        page._body.Append("<section class=\"pictures\">\n");
        foreach (var picture in run.Pictures)
        {
            page.Figure(picture, picture.Title, picture.Title);
        }

        page._body.Append("</section>\n");
        page.Commands([("Repeat this run", run.Command)]);
        return page.Whole(run.Title);
    }

    /// <summary>The page of several runs: the same pictures next to each other, and a table of their figures.</summary>
    /// <param name="runs">Short names of the runs and what they say.</param>
    public static string Of(IReadOnlyList<(string Name, RunPictures Run)> runs)
    {
        var (page, title) = (new ReportPage(), $"{runs.Count} runs side by side");
        page.Header(title, [.. runs.Select(r => $"{r.Name}: {r.Run.Title}")]);
        page.Warnings([.. runs.Select(r => (r.Name, r.Run.Warnings))]);
        page.Figures(runs);
        foreach (var name in runs.SelectMany(r => r.Run.Pictures.Select(p => p.Name)).Distinct())
        {
            var same = runs.Select(r => (r.Name, Picture: r.Run.Pictures.FirstOrDefault(p => p.Name == name))).Where(p => p.Picture is not null).ToArray();
            page._body.Append(CultureInfo.InvariantCulture, $"<section>\n<h2>{Html(same[0].Picture!.Title)}</h2>\n");
            page._body.Append(CultureInfo.InvariantCulture, $"<div class=\"beside\" style=\"--runs: {runs.Count}\">\n");
            foreach (var (run, picture) in same)
            {
                page.Figure(picture!, run, $"{picture!.Title}, {run}");
            }

            page._body.Append("</div>\n</section>\n");
        }

        page.Commands([.. runs.Select(r => (r.Name, r.Run.Command))]);
        return page.Whole(title);
    }

    private void Header(string title, IReadOnlyList<string> words)
    {
        _body.Append(CultureInfo.InvariantCulture, $"<header class=\"lead\">\n<h1>{Html(title)}</h1>\n");
        foreach (var line in words)
        {
            _body.Append(CultureInfo.InvariantCulture, $"<p>{Html(line)}</p>\n");
        }

        _body.Append("</header>\n");
    }

    private void Warnings(IReadOnlyList<(string Name, IReadOnlyList<string> Warnings)> runs)
    {
        string[] lines = [.. runs.SelectMany(r => r.Warnings.Select(w => r.Name.Length > 0 ? $"{r.Name}: {w}" : w))];
        if (lines.Length > 0)
        {
            _body.Append("<section class=\"warnings\">\n<h2>Warnings</h2>\n<ul>");
            _body.AppendJoin("", lines.Select(l => $"<li>{Html(l)}</li>"));
            _body.Append("</ul>\n</section>\n");
        }
    }

    private void Figures(IReadOnlyList<(string Name, RunPictures Run)> runs)
    {
        string[] names = [.. runs.SelectMany(r => r.Run.Figures.Select(f => f.Name)).Distinct()];
        if (names.Length == 0)
        {
            return;
        }

        var references = names.Select(n => runs.SelectMany(r => r.Run.Figures).FirstOrDefault(f => f.Name == n && f.Reference is not null)).ToArray();
        var hasReferences = references.Any(r => r is not null);
        IEnumerable<string> Cells(string name, RunFigure? reference)
        {
            RunFigure?[] figures = [.. runs.Select(r => r.Run.Figures.FirstOrDefault(f => f.Name == name))];
            var differ = figures.Select(f => f?.Reference).Where(r => r is not null).Distinct().Count() > 1;
            var known = reference is null || differ ? "" : FigureText.Reference(reference);
            string Own(RunFigure figure) => differ && figure.Reference is not null ? $" (of {FigureText.Reference(figure)})" : "";
            return [name, .. figures.Select(f => f is null ? "" : FigureText.WithError(f) + Own(f)), .. hasReferences ? (string[])[known] : []];
        }

        _body.Append("<section class=\"figures\">\n<h2>Figures</h2>\n");
        Table(["", .. runs.Select(r => r.Name), .. hasReferences ? (string[])["reference"] : []], [.. names.Select((n, k) => Cells(n, references[k]))]);
        _body.Append("</section>\n");
    }

    private void Figure(Picture picture, string head, string words)
    {
        var tables = picture.Layers.OfType<TableLayer>().ToArray();
        var hasLongLabels = picture.Layers.OfType<BarsLayer>().Any(b => b.IsHorizontal && b.Labels.Any(l => l.Length > LongLabel));
        var isWide = picture.Panels.Count > 0 || tables.Length > 0 || hasLongLabels;
        var description = picture.Caption.Length > 0 ? $"{words}. {picture.Caption}" : words;
        var kind = isWide ? "picture wide" : "picture";
        _body.Append(CultureInfo.InvariantCulture, $"<figure class=\"{kind}\" data-name=\"{Html(picture.Name)}\">\n<h2>{Html(head)}</h2>\n");
        Key(picture);
        if (picture.Panels.Count > 0 && !picture.IsMatrix)
        {
            var least = picture.Panels.Count <= 3 ? LargePanel : SmallPanel;
            _body.Append(CultureInfo.InvariantCulture, $"<div class=\"panels\" style=\"--panel: {least}px\">\n");
            foreach (var panel in picture.Panels)
            {
                _body.Append("<div>");
                if (panel.Title.Length > 0)
                {
                    _body.Append(CultureInfo.InvariantCulture, $"<h3>{Html(panel.Title)}</h3>");
                }

                Plot(panel, panel.Title);
                _body.Append("</div>\n");
            }

            _body.Append("</div>\n");
        }
        else if (picture.Panels.Count > 0 || picture.Frames.Count > 0 || picture.Layers.Count > tables.Length || tables.Length == 0)
        {
            Plot(picture, description);
        }

        foreach (var table in tables)
        {
            Table(table.Columns, table.Rows, table.Holds, table.VerdictColumn);
        }

        if (picture.Caption.Length > 0)
        {
            _body.Append(CultureInfo.InvariantCulture, $"<figcaption>{Html(picture.Caption)}</figcaption>\n");
        }

        _body.Append("</figure>\n");
    }

    private void Plot(Picture picture, string description)
    {
        var id = _figures.Count;
        if (picture.Panels.Append(picture).All(p => LayerShapes.Of(p, [.. p.Layers, .. p.Frames.SelectMany(f => f.Layers)]).Count == 0))
        {
            _body.Append("<p class=\"empty\">There is nothing to draw: no value is finite.</p>\n");
            return;
        }

        _figures.Add(PlotlyFigure.Describe(picture));
        var label = $"aria-label=\"{Html(description)}\"";
        _body.Append(CultureInfo.InvariantCulture, $"<div class=\"scroll\"><div id=\"plot-{id}\" data-figure=\"{id}\" role=\"img\" {label}></div></div>\n");
        if (picture.Frames.Count > 0)
        {
            _body.Append(
                CultureInfo.InvariantCulture,
                $"<label class=\"slider\"><input type=\"range\" min=\"0\" max=\"{picture.Frames.Count - 1}\" value=\"0\" data-plot=\"plot-{id}\" {label}>"
                + $"<output>{Html(picture.Frames[0].Label)}</output></label>\n");
        }
    }

    private void Key(Picture picture)
    {
        var keys = picture.Panels.Append(picture).SelectMany(p => LayerShapes.Of(p, [.. p.Layers, .. p.Frames.Take(1).SelectMany(f => f.Layers)]))
            .Where(s => s.Name.Length > 0).Select(s => (s.Name, s.Tone)).Distinct().ToArray();
        if (keys.Length > 0)
        {
            _body.Append("<div class=\"key\">");
            _body.AppendJoin("", keys.Select(k => $"<span style=\"--tone: var(--{Palette.Word(k.Tone)})\">{Html(k.Name)}</span>"));
            _body.Append("</div>\n");
        }
    }

    private void Table(IReadOnlyList<string> heads, IReadOnlyList<IEnumerable<string>> rows, IReadOnlyList<bool>? holds = null, int verdictColumn = 0)
    {
        _body.Append("<div class=\"scroll\"><table>\n<thead><tr>").AppendJoin("", heads.Select(h => $"<th>{Html(h)}</th>")).Append("</tr></thead>\n<tbody>\n");
        for (var k = 0; k < rows.Count; k++)
        {
            var verdict = holds is null ? "" : holds[k] ? " class=\"holds\"" : " class=\"misses\"";
            _body.Append("<tr>").AppendJoin("", rows[k].Select((c, j) => $"<td{(j == verdictColumn ? verdict : "")}>{Html(c)}</td>")).Append("</tr>\n");
        }

        _body.Append("</tbody></table></div>\n");
    }

    private void Commands(IReadOnlyList<(string Name, string Command)> commands)
    {
        _body.Append("<section>\n");
        foreach (var (name, command) in commands)
        {
            _body.Append(CultureInfo.InvariantCulture, $"<h2>{Html(name)}</h2>\n<pre><code>{Html(command)}</code></pre>\n");
        }

        _body.Append("</section>\n");
    }

    private string Whole(string title) => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="{Policy}">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{Html(title)}</title>
        <style>
        {PageParts.Style()}</style>
        </head>
        <body>
        <main>
        {_body}</main>
        <script type="application/json" id="figures">{_figures.ToJsonString()}</script>
        <script>{PageParts.PlotlyScript()}</script>
        <script>
        {PageParts.Script()}</script>
        </body>
        </html>

        """;

    private static string Html(string text) => WebUtility.HtmlEncode(text);
}
