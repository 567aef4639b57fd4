using System.Globalization;

namespace Monge.Runs;

/// <summary>
/// Pictures of the course of a run, from the table that it keeps: the first column counts steps, one is <c>seconds</c>, and each other one is a named figure.
/// </summary>
public static class CoursePictures
{
    private const int MostPoints = 500;

    // A range of more than this many times its lower end is read better on a logarithmic axis.
    private const double WideRange = 30;

    /// <summary>Describes the figures in a table of metrics, a picture for each that took at least two finite values.</summary>
    /// <param name="path">The table, comma-separated with a header; a missing file is one without rows.</param>
    /// <returns>The pictures, in the order of the columns.</returns>
    /// <exception cref="IOException">The file can't be read.</exception>
    public static IReadOnlyList<Picture> Read(string? path)
    {
        if (path is null || !File.Exists(path) || File.ReadAllLines(path) is not [var header, .. var lines])
        {
            return [];
        }

        var names = header.Split(',');
        double[][] rows = [.. lines.Select(l => Array.ConvertAll(l.Split(','), Number)).Where(r => r.Length == names.Length)];
        return
        [
            .. Enumerable.Range(1, names.Length - 1).Where(k => names[k] != "seconds")
                .Select(k => (Name: names[k], Points: rows.Where(r => double.IsFinite(r[k])).Select(r => (Step: r[0], Value: r[k])).ToArray()))
                .Where(c => c.Points.Length > 1)
                .Select(c => Draw(c.Name, names[0], c.Points)),
        ];
    }

    private static Picture Draw(string name, string steps, (double Step, double Value)[] points)
    {
        var words = string.Join(' ', name.Split('_').Select(w => w == "ess" ? "ESS" : w));
        var stride = (points.Length + MostPoints - 1) / MostPoints;
        points = [.. points.Where((_, i) => (points.Length - 1 - i) % stride == 0)];
        var (low, high) = (points.Min(p => p.Value), points.Max(p => p.Value));
        var isFraction = name.EndsWith("ess", StringComparison.Ordinal);
        return new Picture(name, $"{char.ToUpperInvariant(words[0])}{words[1..]} over training")
        {
            X = new PictureAxis(steps),
            Y = new PictureAxis(isFraction ? $"{words} (fraction)" : words)
            {
                IsLogarithmic = !isFraction && low > 0 && high > WideRange * low,
                From = isFraction ? 0 : null,
                To = isFraction ? 1.02 : null,
            },
            Layers = [new LineLayer([.. points.Select(p => p.Step)], [.. points.Select(p => p.Value)]) { Name = words }],
        };
    }

    private static double Number(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : double.NaN;
}
