using System.Globalization;
using Monge.Data;

namespace Monge.Diagnostics;

/// <summary>
/// What is seen in the rows of a table that makes a density fitted to them mean less than it seems to: copies, columns that other columns determine or that
/// hold few values, columns that count rows, and few rows that set the scale of a column.
/// </summary>
public static class TableCheck
{
    private const string NoDensity = "the rows have no density and their log-likelihood no meaning";
    private const double CopiedShare = 0.05;
    private const int MostSampled = 20_000;
    private const int MostNamed = 5;
    private const int MostTold = 3;

    // A value that is met ten times on average, or once in ten rows, is no accident of rounding.
    private const int RepeatsOfValue = 10;
    private const double ShareOfValue = 0.1;
    private const int LeastOfValue = 5;

    // Few rows set a scale that is this many times the scale of the others.
    private const double ScaleRatio = 8;
    private const double WildShare = 0.05;

    private const int MostDependentColumns = 512;
    private const double Precision = 1e-6;
    private const double RoundedShare = 0.02;

    /// <summary>All that is found.</summary>
    /// <param name="rows">The rows [n, d], row-major.</param>
    /// <param name="names">The columns' names [d].</param>
    public static IReadOnlyList<Status> Of(double[] rows, IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(names);
        var d = names.Count;
        var copies = RowCopies.Of(rows, d);
        var sample = Sample(copies.Any && d > 1 ? copies.Keep(rows, d) : rows, d);
        return [.. Copies(copies), .. WildRows(rows, names), .. RowCounts(rows, names), .. FewValues(sample, names), .. Dependences(sample, names)];
    }

    /// <summary>Columns with a density that others determine, whole numbers among them.</summary>
    /// <param name="rows">The rows [n, d], row-major, columns without a density first.</param>
    /// <param name="names">The columns' names [d].</param>
    /// <param name="first">The first column with a density.</param>
    public static IReadOnlyList<Status> Combinations(double[] rows, IReadOnlyList<string> names, int first)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(names);
        return [.. Dependences(Sample(rows, names.Count), names, first)];
    }

    /// <summary>Whether many rows are copies of others.</summary>
    /// <param name="copies">What copies there are.</param>
    public static IEnumerable<Status> Copies(RowCopies copies)
    {
        ArgumentNullException.ThrowIfNull(copies);
        var count = copies.Rows - copies.Distinct;
        if (count > CopiedShare * copies.Rows)
        {
            yield return Status.Warn(
                FormattableString.Invariant($"{count} of {copies.Rows} rows are copies of others"),
                "they count as one where errors are told; leave them out if each was measured once");
        }
    }

    /// <summary>Columns whose standard deviation is that of a few rows.</summary>
    /// <param name="rows">The rows [n, d], row-major.</param>
    /// <param name="names">The columns' names [d].</param>
    public static IEnumerable<Status> WildRows(double[] rows, IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(names);
        var found = Enumerable.Range(0, names.Count).Select(k => (Name: names[k], Wild: Wild(rows, names.Count, k))).Where(f => f.Wild.Rows.Length > 0)
            .GroupBy(f => string.Join(' ', f.Wild.Rows)).ToArray();
        foreach (var group in found.Take(MostTold))
        {
            var ratio = group.Min(f => f.Wild.Ratio).ToString("G2", CultureInfo.InvariantCulture);
            yield return Status.Warn(
                $"{Count(group.First().Wild.Rows)} the scale of {Columns([.. group.Select(f => f.Name)])}, {ratio} times that of the other rows",
                "mend or leave out rows that are mistakes; where they are none, take logarithms of the column");
        }
    }

    private static string Count(int[] rows)
    {
        string[] numbers = [.. rows.Take(MostNamed).Select(row => (row + 1).ToString(CultureInfo.InvariantCulture))];
        return rows.Length == 1 ? $"row {numbers[0]} sets"
            : rows.Length <= MostNamed ? $"rows {string.Join(", ", numbers[..^1])} and {numbers[^1]} set"
            : string.Create(CultureInfo.InvariantCulture, $"{rows.Length} rows ({string.Join(", ", numbers)}, ...) set");
    }

    private static string Columns(string[] names) => names.Length == 1 ? $"column '{names[0]}'"
        : $"the columns {string.Join(", ", names.Take(MostNamed).Select(name => $"'{name}'"))}"
            + (names.Length > MostNamed ? string.Create(CultureInfo.InvariantCulture, $" and {names.Length - MostNamed} more") : "");

    private static IEnumerable<Status> RowCounts(double[] rows, IReadOnlyList<string> names)
    {
        for (var k = 0; k < names.Count; k++)
        {
            var column = Column(rows, names.Count, k);
            if (column[0] is 0 or 1 && RowNumbers.AreConsecutive(column))
            {
                yield return Status.Warn($"column '{names[k]}' counts the rows", $"leave it out (--drop {names[k]})");
            }
        }
    }

    private static IEnumerable<Status> FewValues(double[] sample, IReadOnlyList<string> names)
    {
        List<string> few = [];
        for (var k = 0; k < names.Count; k++)
        {
            var column = Column(sample, names.Count, k);
            var counts = new Dictionary<double, int>();
            foreach (var value in column)
            {
                counts[value] = counts.GetValueOrDefault(value) + 1;
            }

            var most = counts.Values.Max();
            if (counts.Count <= 2 || counts.Count * RepeatsOfValue <= column.Length || (most >= LeastOfValue && most >= ShareOfValue * column.Length))
            {
                few.Add(names[k]);
            }
        }

        if (few.Count > 0 && sample.Length / names.Count > 2)
        {
            yield return Status.Warn(
                $"{Columns([.. few])} {(few.Count == 1 ? "holds" : "hold")} few distinct values, so {NoDensity}",
                "condition on such a column, leave it out (--drop), or add noise to it");
        }
    }

    // Column by column what the columns before leave of it, by modified Gram-Schmidt; wild rows don't matter, as medians decide.
    private static IEnumerable<Status> Dependences(double[] sample, IReadOnlyList<string> names, int first = 0)
    {
        var (d, told) = (names.Count, 0);
        if (d is < 2 or > MostDependentColumns)
        {
            yield break;
        }

        var rows = Sample(sample, d, Math.Max(500, (2 * d) + 50));
        var n = rows.Length / d;
        if (n < d + 10)
        {
            yield break;
        }

        List<(int Column, double[] Unit, double[] Parts)> basis = [];
        var steps = new double[d];
        for (var k = 0; k < d && told < MostTold; k++)
        {
            var column = Column(rows, d, k);
            var (mean, deviation) = ColumnMoments.Of(column);
            double[] centred = [.. column.Select(v => (v - mean) / (deviation > 0 ? deviation : 1))];
            steps[k] = deviation > 0 ? Step(rows, d, k) / deviation : 0;
            var (rest, parts) = ((double[])centred.Clone(), new double[basis.Count]);
            for (var j = 0; j < basis.Count; j++)
            {
                parts[j] = Dot(rest, basis[j].Unit);
                Subtract(rest, parts[j], basis[j].Unit);
            }

            var coefficients = Coefficients(basis, parts);
            var (left, size) = (MedianSize(rest), MedianSize(centred));
            var step = steps[k] + Enumerable.Range(0, basis.Count).Sum(j => Math.Abs(coefficients[j]) * steps[basis[j].Column]);

            if (basis.Count > 0 && size > 0 && (left <= Precision * size || left <= Math.Min(RoundedShare * size, step)))
            {
                if (k < first)
                {
                    continue;
                }

                told++;
                string[] others =
                    [.. Enumerable.Range(0, basis.Count).Where(j => Math.Abs(coefficients[j]) > 1e-3).Select(j => names[basis[j].Column])];
                yield return Status.Warn(
                    $"column '{names[k]}' is a combination of {Columns(others)}, so {NoDensity}",
                    $"leave it out (--drop {names[k]})");
                continue;
            }

            var length = Math.Sqrt(Dot(rest, rest));
            if (length > 0)
            {
                basis.Add((k, [.. rest.Select(v => v / length)], [.. parts, length]));
            }
        }
    }

    // The column as a combination of those of the basis: the triangular system of its parts.
    private static double[] Coefficients(List<(int Column, double[] Unit, double[] Parts)> basis, double[] parts)
    {
        var result = (double[])parts.Clone();
        for (var j = result.Length - 1; j >= 0; j--)
        {
            result[j] /= basis[j].Parts[j];
            for (var i = 0; i < j; i++)
            {
                result[i] -= result[j] * basis[j].Parts[i];
            }
        }

        return result;
    }

    // The power of ten that all numbers of a column are multiples of; 0 where there is none.
    private static double Step(double[] rows, int d, int column)
    {
        for (var digits = 0; digits <= 6; digits++)
        {
            var (scale, isRounded) = (Math.Pow(10, digits), true);
            for (var at = column; at < rows.Length && isRounded; at += d)
            {
                var value = rows[at] * scale;
                isRounded = Math.Abs(value) < 1e9 && Math.Abs(value - Math.Round(value)) < 1e-6;
            }

            if (isRounded)
            {
                return 1 / scale;
            }
        }

        return 0;
    }

    // Rows whose absence leaves a column with a small part of its deviation, and how many times less it is.
    private static (int[] Rows, double Ratio) Wild(double[] rows, int d, int k)
    {
        var column = Column(rows, d, k);
        var n = column.Length;
        var (mean, deviation) = ColumnMoments.Of(column);
        var most = Math.Max(n < 20 ? 1 : 2, (int)(WildShare * n));
        if (n < 5 || deviation == 0 || column.Count(v => Math.Abs(v - mean) > 0.7 * deviation) > (0.1 * n) + most)
        {
            return ([], 1);
        }

        double[] sorted = [.. column.Order()];
        var median = sorted[n / 2];
        double[] offs = [.. column.Select(v => Math.Abs(v - median))];
        int[] order = [.. Enumerable.Range(0, n)];
        Array.Sort((double[])offs.Clone(), order);
        bool IsSet(int without)
        {
            var rest = ColumnMoments.Of([.. order[..^without].Select(row => column[row])]).Deviation;
            return rest > 0 && deviation >= ScaleRatio * rest;
        }

        if (!IsSet(most))
        {
            return ([], 1);
        }

        var (low, high) = (0, most);
        while (high - low > 1)
        {
            var middle = (low + high) / 2;
            (low, high) = IsSet(middle) ? (low, middle) : (middle, high);
        }

        // Those that are as far away as the last one that was needed belong to it.
        var near = ColumnMoments.Of([.. order[..^high].Select(row => column[row])]).Deviation;
        return ([.. order.Where(row => offs[row] > 4 * ScaleRatio * near || offs[row] >= offs[order[n - high]]).Order()], deviation / near);
    }

    private static double[] Sample(double[] rows, int d, int most = MostSampled)
    {
        var n = rows.Length / d;
        if (n <= most)
        {
            return rows;
        }

        var result = new double[most * d];
        for (var i = 0; i < most; i++)
        {
            rows.AsSpan((int)((long)i * n / most) * d, d).CopyTo(result.AsSpan(i * d));
        }

        return result;
    }

    private static double[] Column(double[] rows, int d, int column)
    {
        var values = new double[rows.Length / d];
        for (var row = 0; row < values.Length; row++)
        {
            values[row] = rows[(row * d) + column];
        }

        return values;
    }

    private static double MedianSize(double[] values)
    {
        double[] sizes = [.. values.Select(Math.Abs).Order()];
        return sizes[sizes.Length / 2];
    }

    private static double Dot(double[] a, double[] b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    private static void Subtract(double[] from, double factor, double[] what)
    {
        for (var i = 0; i < from.Length; i++)
        {
            from[i] -= factor * what[i];
        }
    }
}
