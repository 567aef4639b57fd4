namespace Monge.Diagnostics;

/// <summary>
/// The columns of a table that repeat values, and which values those are: whether a number is exactly one of them tells wholeness and ties, which a smooth
/// function of the number doesn't see.
/// </summary>
internal sealed class RepeatedValues
{
    // A share of rows whose value is met at least so often makes a column one that repeats values.
    private const int Repeats = 5;
    private const double Share = 0.02;

    private readonly int _dimension;
    private readonly (int Column, HashSet<double>? Values)[] _columns;

    private RepeatedValues(int dimension, (int Column, HashSet<double>? Values)[] columns) => (_dimension, _columns) = (dimension, columns);

    /// <summary>How many columns repeat values.</summary>
    public int Count => _columns.Length;

    /// <summary>Whether there are such columns.</summary>
    public bool Any => Count > 0;

    /// <summary>Finds the columns and their values.</summary>
    /// <param name="rows">Rows of the data [n, d].</param>
    /// <param name="dimension">d.</param>
    public static RepeatedValues Of(double[] rows, int dimension)
    {
        List<(int, HashSet<double>?)> found = [];
        for (var k = 0; k < dimension; k++)
        {
            var counts = new Dictionary<double, int>();
            for (var at = k; at < rows.Length; at += dimension)
            {
                counts[rows[at]] = counts.GetValueOrDefault(rows[at]) + 1;
            }

            if (counts.Values.Where(count => count >= Repeats).Sum() >= Share * (rows.Length / dimension))
            {
                // Of whole numbers all are meant, also those that are not met.
                found.Add((k, counts.Keys.All(v => v == Math.Floor(v)) ? null : [.. counts.Where(c => c.Value >= Repeats).Select(c => c.Key)]));
            }
        }

        return new RepeatedValues(dimension, [.. found]);
    }

    /// <summary>
    /// Which rows hold such values only, in all columns: rows that are equal by the law that they have, not copies of one another.
    /// </summary>
    /// <param name="rows">Rows [n, d].</param>
    public bool[] HoldNothingElse(double[] rows)
    {
        var result = new bool[rows.Length / _dimension];
        for (var row = 0; row < result.Length && Count == _dimension; row++)
        {
            var at = row * _dimension;
            result[row] = Array.TrueForAll(_columns, c => Contains(c, rows[at + c.Column]));
        }

        return result;
    }

    /// <summary>Rows with a further number for each of the columns: 1 where the value is one of those repeated, or whole, else 0 [n, d + count].</summary>
    /// <param name="rows">The rows as a classifier sees them [n, d].</param>
    /// <param name="values">The same rows in their own units [n, d].</param>
    public double[] With(double[] rows, double[] values)
    {
        var width = _dimension + Count;
        var result = new double[rows.Length / _dimension * width];
        for (var row = 0; row < rows.Length / _dimension; row++)
        {
            rows.AsSpan(row * _dimension, _dimension).CopyTo(result.AsSpan(row * width));
            for (var k = 0; k < Count; k++)
            {
                var value = values[(row * _dimension) + _columns[k].Column];
                result[(row * width) + _dimension + k] = Contains(_columns[k], value) ? 1 : 0;
            }
        }

        return result;
    }

    private static bool Contains((int Column, HashSet<double>? Values) column, double value) => column.Values?.Contains(value) ?? value == Math.Floor(value);
}
