using Monge.Engine.LinearAlgebra;

namespace Monge.Data;

/// <summary>
/// A column's normal scores: each value goes to the normal quantile of its mid-rank's share, (rank - 1/2) / n, so that crowded values are spread and far ones
/// brought near; between the values of the column straight lines, beyond them its ends (B. L. van der Waerden 1952).
/// </summary>
/// <param name="Values">Values of the column, ascending.</param>
/// <param name="Scores">Their scores, ascending.</param>
public sealed record NormalScores(IReadOnlyList<double> Values, IReadOnlyList<double> Scores)
{
    private const int MostKnots = 256;

    /// <summary>The scores of a column; of one with very many values those of some, evenly spread among them.</summary>
    /// <param name="column">The column [n], n at least 1.</param>
    public static NormalScores Of(ReadOnlySpan<double> column)
    {
        double[] sorted = [.. column];
        Array.Sort(sorted);
        List<(double Value, double Score)> knots = [];
        for (var first = 0; first < sorted.Length;)
        {
            var end = first + 1;
            while (end < sorted.Length && sorted[end] == sorted[first])
            {
                end++;
            }

            // Of the equal values first to end - 1 the mean rank, counted from 1, is (first + end + 1) / 2.
            knots.Add((sorted[first], HostFunctions.NormalQuantile((first + end) / (2.0 * sorted.Length))));
            first = end;
        }

        if (knots.Count > MostKnots)
        {
            knots = [.. Enumerable.Range(0, MostKnots).Select(k => knots[(int)((long)k * (knots.Count - 1) / (MostKnots - 1))])];
        }

        return new NormalScores([.. knots.Select(k => k.Value)], [.. knots.Select(k => k.Score)]);
    }

    /// <summary>The score of a value.</summary>
    /// <param name="value">A number.</param>
    public double Apply(double value)
    {
        var (low, high) = (0, Values.Count - 1);
        if (!(value > Values[low]))
        {
            return Scores[low];
        }

        if (value >= Values[high])
        {
            return Scores[high];
        }

        while (high - low > 1)
        {
            var middle = (low + high) / 2;
            (low, high) = Values[middle] <= value ? (middle, high) : (low, middle);
        }

        var share = (value - Values[low]) / (Values[high] - Values[low]);
        return Scores[low] + (share * (Scores[high] - Scores[low]));
    }
}
