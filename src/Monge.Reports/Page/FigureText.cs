using System.Globalization;
using Monge.Runs;

namespace Monge.Reports.Page;

/// <summary>Numbers as a reader wants them: a value to the digits that its error allows.</summary>
internal static class FigureText
{
    /// <summary>A figure with its error and unit; a dash for a value that isn't finite.</summary>
    public static string WithError(RunFigure figure)
    {
        var unit = figure.Unit.Length > 0 ? " " + figure.Unit : "";
        if (!double.IsFinite(figure.Value))
        {
            return "-";
        }

        return Digits(figure) is { } digits
            ? $"{figure.Value.ToString(digits, CultureInfo.InvariantCulture)} ± {figure.Error!.Value.ToString(digits, CultureInfo.InvariantCulture)}{unit}"
            : Number(figure.Value) + unit;
    }

    /// <summary>What a figure should be, to the digits of the figure.</summary>
    public static string Reference(RunFigure figure)
    {
        var value = figure.Reference ?? double.NaN;
        var text = Digits(figure) is { } digits && double.IsFinite(value) && !double.IsInteger(value)
            ? value.ToString(digits, CultureInfo.InvariantCulture)
            : Number(value);
        return text + (figure.Unit.Length > 0 ? " " + figure.Unit : "");
    }

    // Two digits of the error; null without one.
    private static string? Digits(RunFigure figure) =>
        figure.Error is { } error && double.IsFinite(error) && error > 0 ? $"F{Math.Clamp(1 - (int)Math.Floor(Math.Log10(error)), 0, 10)}" : null;

    private static string Number(double value) => !double.IsFinite(value) ? "-"
        : value == Math.Round(value) && Math.Abs(value) < 1e15 ? value.ToString("N0", CultureInfo.InvariantCulture)
        : value.ToString("G4", CultureInfo.InvariantCulture);
}
