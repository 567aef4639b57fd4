using System.Globalization;
using System.Text.Json.Nodes;
using Monge.Data;
using Monge.Diagnostics;

namespace Monge.Runs;

/// <summary>What came out of a run, of whatever kind: it says itself how it is written and summarised.</summary>
public interface IRunResult
{
    /// <summary>What is doubtful and what to try, the gravest first; empty when nothing is.</summary>
    IReadOnlyList<Status> Warnings { get; }

    /// <summary>The arrays to keep: each is written as NAME.npy.</summary>
    IReadOnlyList<(string Name, NumericArray Values)> Arrays { get; }

    /// <summary>The tables to keep: each is written as NAME.csv, rows of numbers one after the other under the columns' names. None for most.</summary>
    IReadOnlyList<(string Name, IReadOnlyList<string> Columns, double[] Values)> Tables => [];

    /// <summary>The result as the run's record keeps it and <c>--json</c> prints it.</summary>
    JsonObject ToJson();

    /// <summary>What a person wants to see of it.</summary>
    IReadOnlyList<SummaryBlock> Summary();

    /// <summary>What is drawn of it.</summary>
    /// <param name="command">The command that repeats the run.</param>
    /// <param name="metrics">The file with the course of the run; null for none.</param>
    RunPictures Draw(string command, string? metrics);
}

/// <summary>A part of a summary.</summary>
public abstract record SummaryBlock;

/// <summary>A table.</summary>
/// <param name="Heads">The columns' heads; the first column is flush left.</param>
/// <param name="Rows">The rows.</param>
/// <param name="Caption">What stands below; null for nothing.</param>
public sealed record SummaryTable(IReadOnlyList<string> Heads, IReadOnlyList<IReadOnlyList<string>> Rows, string? Caption = null) : SummaryBlock;

/// <summary>A sentence.</summary>
/// <param name="Text">The sentence.</param>
public sealed record SummaryText(string Text) : SummaryBlock;

/// <summary>Named lines.</summary>
/// <param name="Lines">Names and what is said of them.</param>
public sealed record SummaryLines(IReadOnlyList<(string Name, string Text)> Lines) : SummaryBlock;

/// <summary>A cloud of weighted points, drawn where there is room for it: below everything else.</summary>
/// <param name="Positions">Positions [n, d], row-major.</param>
/// <param name="Weights">Weights [n] that sum to 1.</param>
/// <param name="Names">Names [d].</param>
public sealed record SummaryCloud(double[] Positions, double[] Weights, IReadOnlyList<string> Names) : SummaryBlock;

/// <summary>Frames of pictures side by side, drawn where there is room for them: below everything else.</summary>
/// <param name="Pictures">Pictures with frames, a row for each.</param>
public sealed record SummaryStrip(IReadOnlyList<Picture> Pictures) : SummaryBlock;

/// <summary>Numbers and JSON as results write them.</summary>
public static class ResultText
{
    /// <summary>A number, or null when it is missing or not finite.</summary>
    public static JsonNode? Json(double? value) => value is { } v && double.IsFinite(v) ? JsonValue.Create(v) : null;

    /// <summary>An array of numbers.</summary>
    public static JsonArray? Json(IEnumerable<double>? values) => values is null ? null : new JsonArray([.. values.Select(v => Json(v))]);

    /// <summary>An array of texts.</summary>
    public static JsonArray Json(IEnumerable<string> values) => new([.. values.Select(v => (JsonNode?)JsonValue.Create(v))]);

    /// <summary>A text with invariant numbers.</summary>
    public static string Of(FormattableString text) => FormattableString.Invariant(text);

    /// <summary>A value with its error.</summary>
    public static string WithError(double value, double error) => $"{Number(value)} ± {error.ToString("G1", CultureInfo.InvariantCulture)}";

    /// <summary>A number as tables show it.</summary>
    public static string Number(double value) =>
        double.IsFinite(value) ? value.ToString("G4", CultureInfo.InvariantCulture) : double.IsPositiveInfinity(value) ? "inf" : "-";

    /// <summary>A length of time in words, such as "2 m 05 s".</summary>
    public static string Duration(TimeSpan time) => time.TotalHours >= 1 ? Of($"{(int)time.TotalHours} h {time.Minutes:00} m")
        : time.TotalMinutes >= 1 ? Of($"{time.Minutes} m {time.Seconds:00} s")
        : Of($"{time.TotalSeconds:F1} s");
}
