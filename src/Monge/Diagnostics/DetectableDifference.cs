using System.Globalization;

namespace Monge.Diagnostics;

/// <summary>
/// What a comparison of two tables can't see at their numbers of rows: differences of which the standard error, if there were none, is half. Smaller ones look
/// like chance.
/// </summary>
/// <param name="Mean">The difference of a column's means, in its standard deviations: 2 sqrt(1/n + 1/m).</param>
/// <param name="Share">The difference of two shares near one half: sqrt(1/n + 1/m).</param>
/// <param name="RarestKind">The share of a kind of row that is missing among the n samples in one case of twenty: -log(0.05) / n.</param>
/// <param name="Accuracy">The share that a classifier tells right; null without one.</param>
/// <param name="Auc">The area under its curve by the law of Mann and Whitney; null without one.</param>
public sealed record DetectableDifference(double Mean, double Share, double RarestKind, double? Accuracy, double? Auc)
{
    private const double Errors = 2;
    private const double Missed = 0.05;

    /// <summary>The differences for two tables.</summary>
    /// <param name="samples">Rows n of the samples, at least 1.</param>
    /// <param name="data">Rows m of the data, at least 1.</param>
    /// <param name="testRows">Rows on which a classifier is judged, half of them of each kind; null without one.</param>
    public static DetectableDifference Of(int samples, int data, int? testRows = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(data, 1);
        var error = Math.Sqrt((1.0 / samples) + (1.0 / data));
        return new DetectableDifference(
            Errors * error,
            Errors * 0.5 * error,
            -Math.Log(Missed) / samples,
            testRows is { } rows ? Math.Min(1, 0.5 + (Errors * 0.5 / Math.Sqrt(rows))) : null,
            testRows is { } all ? Math.Min(1, 0.5 + (Errors * Math.Sqrt((all + 1.0) / (3.0 * all * all)))) : null);
    }

    /// <summary>In words.</summary>
    public override string ToString()
    {
        var classifier = Accuracy is null ? "" : string.Create(
            CultureInfo.InvariantCulture, $", a classifier that is right in less than {100 * Accuracy:0.0} % (an area under the curve below {Auc:0.000})");
        return string.Create(
            CultureInfo.InvariantCulture, $"not seen at these numbers of rows: means that differ by less than {Mean:0.###} deviations, shares by less than "
            + $"{100 * Share:0.##} points, kinds of rows rarer than {100 * RarestKind:0.##} %{classifier}");
    }
}
