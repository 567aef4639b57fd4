namespace Monge.Data;

/// <summary>Which rows are copies of one another: the same numbers to the last bit, zeros of either sign alike.</summary>
/// <remarks>What is measured on copies is measured once: they belong on one side of a split, and count as one where an error is estimated.</remarks>
public sealed class RowCopies
{
    private readonly int[] _group;

    private RowCopies(int[] group, int distinct) => (_group, Distinct) = (group, distinct);

    /// <summary>Number of rows n.</summary>
    public int Rows => _group.Length;

    /// <summary>Number of rows that differ.</summary>
    public int Distinct { get; }

    /// <summary>Whether some rows are copies.</summary>
    public bool Any => Distinct < Rows;

    /// <summary>For each row the number of its kind, counted from 0 in the order in which the kinds appear [n].</summary>
    public ReadOnlySpan<int> Groups => _group;

    /// <summary>Finds the copies among rows.</summary>
    /// <param name="rows">The rows [n, d], row-major.</param>
    /// <param name="dimension">d.</param>
    public static RowCopies Of(ReadOnlySpan<double> rows, int dimension)
    {
        var index = new RowIndex(rows.Length / dimension);
        var group = new int[rows.Length / dimension];
        for (var row = 0; row < group.Length; row++)
        {
            group[row] = index.Add(rows, rows.Slice(row * dimension, dimension), row, dimension);
        }

        return new RowCopies(group, index.Count);
    }

    /// <summary>How many rows are among others.</summary>
    /// <param name="rows">The rows [n, d], row-major.</param>
    /// <param name="others">The others [m, d].</param>
    /// <param name="dimension">d.</param>
    public static int CountAmong(ReadOnlySpan<double> rows, ReadOnlySpan<double> others, int dimension)
    {
        var index = new RowIndex(others.Length / dimension);
        for (var row = 0; row < others.Length / dimension; row++)
        {
            index.Add(others, others.Slice(row * dimension, dimension), row, dimension);
        }

        var count = 0;
        for (var at = 0; at < rows.Length; at += dimension)
        {
            count += index.Find(others, rows.Slice(at, dimension), dimension) >= 0 ? 1 : 0;
        }

        return count;
    }

    /// <summary>The rows that stand first of their kind, in their order.</summary>
    /// <param name="rows">The rows [n, d] that were looked at.</param>
    /// <param name="dimension">d.</param>
    public double[] Keep(ReadOnlySpan<double> rows, int dimension)
    {
        var (kept, next) = (new double[Distinct * dimension], 0);
        for (var row = 0; row < _group.Length; row++)
        {
            if (_group[row] == next)
            {
                rows.Slice(row * dimension, dimension).CopyTo(kept.AsSpan(next++ * dimension));
            }
        }

        return kept;
    }

    /// <summary>The standard error of the mean of values, one for each row, where copies count as one; not a number for rows of one kind.</summary>
    /// <param name="values">The values [n].</param>
    public double ErrorOfMean(ReadOnlySpan<double> values)
    {
        var (n, mean) = (values.Length, 0.0);
        foreach (var value in values)
        {
            mean += value;
        }

        mean /= n;
        var deviations = new double[Distinct];
        for (var row = 0; row < n; row++)
        {
            deviations[_group[row]] += values[row] - mean;
        }

        var sum = 0.0;
        foreach (var deviation in deviations)
        {
            sum += deviation * deviation;
        }

        return Distinct > 1 ? Math.Sqrt(sum * Distinct / (Distinct - 1.0)) / n : double.NaN;
    }

    // The first row of each kind, found by its hash; kinds that share one are chained.
    private sealed class RowIndex(int capacity)
    {
        private readonly Dictionary<int, int> _last = new(capacity);
        private readonly List<(int Row, int Before)> _kinds = [];

        public int Count => _kinds.Count;

        public int Add(ReadOnlySpan<double> rows, ReadOnlySpan<double> values, int row, int d)
        {
            var found = Find(rows, values, d);
            if (found >= 0)
            {
                return found;
            }

            var hash = Hash(values);
            _kinds.Add((row, _last.GetValueOrDefault(hash, -1)));
            _last[hash] = _kinds.Count - 1;
            return _kinds.Count - 1;
        }

        public int Find(ReadOnlySpan<double> rows, ReadOnlySpan<double> values, int d)
        {
            for (var kind = _last.GetValueOrDefault(Hash(values), -1); kind >= 0; kind = _kinds[kind].Before)
            {
                if (rows.Slice(_kinds[kind].Row * d, d).SequenceEqual(values))
                {
                    return kind;
                }
            }

            return -1;
        }

        private static int Hash(ReadOnlySpan<double> values)
        {
            var hash = new HashCode();
            foreach (var value in values)
            {
                hash.Add(BitConverter.DoubleToInt64Bits(value + 0.0));
            }

            return hash.ToHashCode();
        }
    }
}
