using System.Globalization;
using System.Text;

namespace Monge.Cli.Output;

/// <summary>Small pictures of weighted samples in text: a histogram in one dimension, shades of density in two.</summary>
internal static class TerminalPicture
{
    /// <summary>Shades of density, from none to full.</summary>
    internal const string Shades = " ·░▒▓█";

    // Columns of a picture in a terminal of 80, what stands beside it, and the rows that go with them.
    private const int UsualColumns = 64;
    private const int UsualRows = 20;
    private const int Beside = 16;
    private const int LeastColumns = 16;
    private const int MostColumns = 96;
    private const int LabelWidth = 8;

    private const string Eighths = " ▁▂▃▄▅▆▇█";

    /// <summary>The picture that fits a number of characters, or null when the dimension is neither 1 nor 2.</summary>
    /// <param name="width">Characters in a line.</param>
    /// <param name="positions">Positions [n, d], row-major.</param>
    /// <param name="weights">Weights [n] that sum to 1.</param>
    /// <param name="names">Names [d] of the coordinates.</param>
    public static string? Fitting(int width, double[] positions, double[] weights, IReadOnlyList<string> names)
    {
        var columns = Math.Clamp(width - Beside, LeastColumns, MostColumns);
        return Draw(positions, weights, names, columns, Math.Max(6, UsualRows * columns / UsualColumns));
    }

    /// <summary>The picture, or null when the dimension is neither 1 nor 2.</summary>
    /// <param name="positions">Positions [n, d], row-major.</param>
    /// <param name="weights">Weights [n] that sum to 1.</param>
    /// <param name="names">Names [d] of the coordinates.</param>
    /// <param name="columns">Characters in a row.</param>
    /// <param name="rows">Rows.</param>
    public static string? Draw(
        double[] positions, double[] weights, IReadOnlyList<string> names, int columns = UsualColumns, int rows = UsualRows) => names.Count switch
        {
            1 => Histogram(positions, weights, names[0], columns, Math.Min(rows, 10)),
            2 => Density(positions, weights, names, columns, rows),
            _ => null,
        };

    /// <summary>The character of a bar in one of several rows, counted from below.</summary>
    /// <param name="share">The bar's height beside the highest.</param>
    /// <param name="rows">Rows of the highest bar.</param>
    /// <param name="row">The row.</param>
    internal static char Eighth(double share, int rows, int row) => Eighths[Math.Clamp((int)Math.Round(share * rows * 8) - (row * 8), 0, 8)];

    private static string Histogram(double[] positions, double[] weights, string name, int columns, int rows)
    {
        var (low, high) = Range(positions, weights, 1, 0);
        var mass = new double[columns];
        for (var i = 0; i < weights.Length; i++)
        {
            if (Cell(positions[i], low, high, columns) is { } c)
            {
                mass[c] += weights[i];
            }
        }

        var text = new StringBuilder();
        var top = mass.Max();
        for (var row = rows - 1; row >= 0; row--)
        {
            text.Append("  ");
            foreach (var m in mass)
            {
                text.Append(Eighth(m / top, rows, row));
            }

            TrimLine(text);
        }

        return text.Append("  ").AppendLine(Axis(name, low, high, columns)).ToString();
    }

    private static string Density(double[] positions, double[] weights, IReadOnlyList<string> names, int columns, int rows)
    {
        var (left, right) = Range(positions, weights, 2, 0);
        var (bottom, top) = Range(positions, weights, 2, 1);
        var mass = new double[rows, columns];
        for (var i = 0; i < weights.Length; i++)
        {
            if (Cell(positions[2 * i], left, right, columns) is { } c && Cell(positions[(2 * i) + 1], bottom, top, rows) is { } r)
            {
                mass[r, c] += weights[i];
            }
        }

        var text = new StringBuilder();
        var largest = mass.Cast<double>().Max();
        for (var r = rows - 1; r >= 0; r--)
        {
            var label = r == rows - 1 ? Number(top) : r == 0 ? Number(bottom) : r == rows / 2 ? Cut(names[1], LabelWidth) : "";
            text.Append(CultureInfo.InvariantCulture, $"{label,8} ");
            for (var c = 0; c < columns; c++)
            {
                // The square root shows the flanks of a mode as well as its top.
                var shade = Math.Ceiling(Math.Sqrt(mass[r, c] / largest) * (Shades.Length - 1));
                text.Append(Shades[(int)shade]);
            }

            TrimLine(text);
        }

        return text.Append(' ', 9).AppendLine(Axis(names[0], left, right, columns)).ToString();
    }

    /// <summary>From the 0.1% to the 99.9% quantile, and a tenth more at each end, so that a stray sample doesn't squeeze the picture.</summary>
    private static (double Low, double High) Range(double[] positions, double[] weights, int stride, int coordinate)
    {
        var values = new double[weights.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = positions[(i * stride) + coordinate];
        }

        var sorted = (double[])weights.Clone();
        Array.Sort(values, sorted);
        var (low, high, sum) = (values[0], values[^1], 0.0);
        for (var i = 0; i < values.Length; i++)
        {
            low = sum <= 0.001 ? values[i] : low;
            sum += sorted[i];
            if (sum >= 0.999)
            {
                high = values[i];
                break;
            }
        }

        var margin = high > low ? (high - low) / 10 : Math.Max(1e-9, Math.Abs(high) * 1e-3);
        return (low - margin, high + margin);
    }

    private static int? Cell(double value, double low, double high, int cells)
    {
        var share = (value - low) / (high - low);
        return share is >= 0 and < 1 ? (int)(share * cells) : null;
    }

    private static string Axis(string name, double low, double high, int columns)
    {
        var (left, right) = (Number(low), Number(high));
        name = Cut(name, Math.Max(1, columns - left.Length - right.Length - 2));
        var space = Math.Max(2, columns - left.Length - right.Length - name.Length);
        return left + new string(' ', space / 2) + name + new string(' ', space - (space / 2)) + right;
    }

    private static string Cut(string name, int length) => name.Length <= length ? name : string.Concat(name.AsSpan(0, length - 1), "…");

    private static string Number(double value) => value.ToString("G3", CultureInfo.InvariantCulture);

    private static void TrimLine(StringBuilder text)
    {
        while (text.Length > 0 && text[^1] == ' ')
        {
            text.Length--;
        }

        text.AppendLine();
    }
}
