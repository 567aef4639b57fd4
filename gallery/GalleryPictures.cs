using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Monge.Data;
using Monge.Runs;

namespace Monge.Gallery;

/// <summary>
/// What reruns of published figures say of themselves in words, figures and pictures. A folder of records remembers every run in <see cref="HistoryName"/>,
/// one figure a line, so that values are seen over commits.
/// </summary>
public static class GalleryPictures
{
    /// <summary>The name of the history in a folder of records.</summary>
    public const string HistoryName = "history.jsonl";

    private const int MostPanels = 48;
    private const int MostRows = 60;
    private const int LabelLength = 44;
    private const int CommitLength = 7;

    private static readonly JsonSerializerOptions s_options = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>Adds results to the history of a folder and describes all that it remembers, each figure by its last value.</summary>
    /// <param name="folder">The folder of records; it must exist.</param>
    /// <param name="results">The figures that were just measured.</param>
    /// <param name="version">The version that measured them, with its commit.</param>
    /// <param name="command">The command that repeats the run.</param>
    /// <exception cref="DataFormatException">The history isn't one.</exception>
    /// <exception cref="IOException">The history can't be read or written.</exception>
    public static RunPictures Describe(string folder, IReadOnlyList<FigureResult> results, string version, string command)
    {
        ArgumentNullException.ThrowIfNull(results);
        var path = Path.Combine(folder, HistoryName);
        var now = DateTimeOffset.UtcNow;
        Line Remember(FigureResult r) => new(version, now, r.System, r.Experiment, r.Figure, r.Value, r.Seconds, r.Seed) { Values = r.Values };
        Line[] history = [.. Read(path), .. results.Select(Remember)];
        AtomicFile.WriteText(path, string.Concat(history.Select(l => JsonSerializer.Serialize(l, s_options) + "\n")));
        var groups = history.GroupBy(l => (l.System, l.Experiment, l.Figure.Name)).Select(g => g.ToArray());
        Line[][] figures = [.. groups.OrderBy(g => g[0].System, StringComparer.Ordinal)];
        Line[] last = [.. figures.Select(f => f[^1])];
        Line[] missed = [.. last.Where(l => l.Verdict == FigureVerdict.FallsShort)];
        var (held, ties) = (last.Count(l => l.Holds), last.Count(l => l.Verdict == FigureVerdict.Tie));
        Picture?[] pictures = [Standing(last), .. figures.GroupBy(f => f[0].System).Select(g => Table(g.Key, [.. g])), Course(figures)];
        return new RunPictures($"Published figures, rerun: {string.Join(", ", last.Select(l => l.System).Distinct())}", command)
        {
            Summary =
            [
                $"{held} of {last.Length} figures hold, each against its reference that was written down before it ran."
                    + (ties > 0 ? $" {ties} {(ties == 1 ? "ties" : "tie")}: seeds differ on which side of the reference they lie." : ""),
                $"Monge {version}.",
            ],
            Warnings =
            [
                .. missed.Select(l =>
                    FormattableString.Invariant($"{l.System} {l.Experiment}: {l.Figure.Name} is {l.Value:G5}, and should be {l.Figure.Describe()}.")),
            ],
            Figures =
            [
                new RunFigure("figures that hold", held) { Reference = last.Length },
                new RunFigure("time", last.GroupBy(l => (l.System, l.Experiment)).Sum(g => g.First().Seconds)) { Unit = "s" },
            ],
            Pictures = [.. pictures.OfType<Picture>()],
        };
    }

    // How much of what is allowed each figure uses.
    private static Picture Standing(Line[] last)
    {
        Line[] shown = [.. last.Where(l => double.IsFinite(l.Share)).Take(MostRows)];
        var isOne = shown.Select(l => l.System).Distinct().Count() == 1;
        string[] labels = [.. shown.Select(l => Short(isOne ? l.Figure.Name : $"{l.System} {l.Figure.Name}"))];
        BarsLayer Those(string name, PictureTone tone, Func<Line, bool> which) => new(labels, [.. shown.Select(l => which(l) ? l.Share : double.NaN)])
        {
            Name = name,
            Tone = tone,
            IsDots = true,
            IsHorizontal = true,
        };
        var end = Math.Max(1.15, 1.05 * shown.Select(l => Math.Min(l.Share, 3)).DefaultIfEmpty(1).Max());
        return new Picture("standing", "Figures against what is allowed")
        {
            IsHeadline = true,
            Caption = "How much of what is allowed each figure uses: its distance from the reference over the tolerance, or its value over the bound. "
                + "Left of the line it holds.",
            X = new PictureAxis("share of the allowance used") { From = 0, To = end },
            Layers =
            [
                new MarkLayer(1) { Name = "allowed", Tone = PictureTone.Quiet, IsUpright = true },
                Those("holds", PictureTone.Ours, l => l.Holds), Those("falls short", PictureTone.Exact, l => l.Verdict == FigureVerdict.FallsShort),
                .. shown.Any(IsOpen) ? (PictureLayer[])[Those("ties, or not judged", PictureTone.Quiet, IsOpen)] : [],
            ],
        };
    }

    private static bool IsOpen(Line line) => line.Verdict is FigureVerdict.Tie or FigureVerdict.NotJudged;

    private static Picture Table(string system, Line[][] figures)
    {
        var entry = GalleryCatalogue.Entries.FirstOrDefault(e => e.Number == system);
        return new Picture($"figures of {system}", entry is null ? $"Entry {system}" : $"{system}  {entry.Title}")
        {
            Caption = entry?.Paper ?? "",
            Layers =
            [
                new TableLayer(
                    ["figure", "reference", "ours", "verdict", "runs", "experiment", "source"],
                    [.. figures.Select(f => (IReadOnlyList<string>)
                    [
                        f[^1].Figure.Name, f[^1].Figure.Describe(), f[^1].Value.ToString("G5", CultureInfo.InvariantCulture),
                        Verdict(f[^1]), $"held in {f.Count(l => l.Holds)} of {f.Length}", f[^1].Experiment, f[^1].Figure.Source,
                    ])])
                {
                    Holds = [.. figures.Select(f => f[^1].Verdict != FigureVerdict.FallsShort)],
                    VerdictColumn = 3,
                },
            ],
        };
    }

    private static string Verdict(Line line) => line.Verdict switch
    {
        FigureVerdict.FallsShort => "falls short",
        FigureVerdict.NotJudged => "not judged: too few seeds",
        FigureVerdict.Tie => $"ties: {line.Values.Count(line.Figure.Holds)} of {line.Values.Count} seeds meet it",
        _ => line.StretchHolds switch { true => "holds, and the stretch", false => "holds, not the stretch", null => "holds" },
    };

    private static Picture? Course(Line[][] figures)
    {
        Line[][] moving = [.. figures.Where(f => f.Select(l => l.Version).Distinct().Count() > 1)];
        return moving.Length == 0 ? null : new Picture("course", "Figures over commits")
        {
            Caption = "Values in the order of commits, all seeds, beside the reference with its tolerance or the bound."
                + (moving.Length > MostPanels ? $" The first {MostPanels} of {moving.Length} figures." : ""),
            Columns = 4,
            Panels = [.. moving.Take(MostPanels).Select(Course)],
        };
    }

    private static Picture Course(Line[] figure)
    {
        string[] versions = [.. figure.Select(l => l.Version).Distinct()];
        var (last, within) = (figure[^1].Figure, figure[^1].Figure.Test == FigureTest.Within);
        return new Picture($"{figure[^1].System} {last.Name}", Short($"{figure[^1].System} {last.Name}"))
        {
            X = new PictureAxis("commit") { Labels = [.. versions.Select(Commit)], From = -0.5, To = versions.Length - 0.5 },
            Layers =
            [
                new MarkLayer(within ? last.Reference : last.Bound)
                {
                    Name = "reference or bound",
                    Tone = PictureTone.Exact,
                    Width = within ? last.Tolerance : 0,
                },
                new PointsLayer([.. figure.Select(l => (double)Array.IndexOf(versions, l.Version))], [.. figure.Select(l => l.Value)]) { Name = "ours" },
            ],
        };
    }

    private static string Commit(string version) =>
        version.IndexOf('+') is >= 0 and var plus ? version[(plus + 1)..Math.Min(version.Length, plus + 1 + CommitLength)] : version;

    private static string Short(string text) => text.Length <= LabelLength ? text : text[..(LabelLength - 1)].TrimEnd() + "…";

    private static IEnumerable<Line> Read(string path)
    {
        if (!File.Exists(path))
        {
            yield break;
        }

        var number = 0;
        foreach (var text in File.ReadLines(path))
        {
            number++;
            Line? line = null;
            try
            {
                line = JsonSerializer.Deserialize<Line>(text, s_options);
            }
            catch (JsonException)
            {
            }

            yield return line ?? throw new DataFormatException(path, $"line {number} isn't a figure; move the file away to begin anew");
        }
    }

    private sealed record Line(
        string Version, DateTimeOffset Time, string System, string Experiment, FigureReference Figure, double Value, double Seconds, ulong Seed)
    {
        public IReadOnlyList<double> Values { get; init; } = [];

        [JsonIgnore]
        public FigureVerdict Verdict => Result.Verdict;

        [JsonIgnore]
        public bool Holds => Result.Holds;

        [JsonIgnore]
        public bool? StretchHolds => Result.StretchHolds;

        [JsonIgnore]
        public double Share => Figure.Test switch
        {
            FigureTest.Within => Math.Abs(Value - Figure.Reference) / Figure.Tolerance,
            FigureTest.AtMost => Figure.Bound > 0 ? Math.Max(0, Value) / Figure.Bound : double.NaN,
            _ => Figure.Bound > 0 && Value > 0 ? Figure.Bound / Value : double.NaN,
        };

        private FigureResult Result => new(System, Experiment, Figure, Value, Seconds, Seed) { Values = Values };
    }
}
