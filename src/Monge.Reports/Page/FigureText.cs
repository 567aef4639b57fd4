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

        if (figure.Error is not { } error || !double.IsFinite(error) || error <= 0)
        {
            return Number(figure.Value) + unit;
        }

        var digits = $"F{Math.Clamp(1 - (int)Math.Floor(Math.Log10(error)), 0, 10)}";
        return $"{figure.Value.ToString(digits, CultureInfo.InvariantCulture)} ± {error.ToString(digits, CultureInfo.InvariantCulture)}{unit}";
    }

    /// <summary>What a figure should be.</summary>
    public static string Reference(RunFigure figure) => Number(figure.Reference ?? double.NaN) + (figure.Unit.Length > 0 ? " " + figure.Unit : "");

    private static string Number(double value) => !double.IsFinite(value) ? "-"
        : value == Math.Round(value) && Math.Abs(value) < 1e15 ? value.ToString("N0", CultureInfo.InvariantCulture)
        : value.ToString("G4", CultureInfo.InvariantCulture);
}
