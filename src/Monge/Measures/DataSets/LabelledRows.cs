using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>Rows of features, each with one of two labels.</summary>
public sealed record LabelledRows
{
    /// <summary>Makes them.</summary>
    /// <param name="features">The features [n * columns], row-major.</param>
    /// <param name="columns">Features of a row, at least 1.</param>
    /// <param name="labels">The labels [n], 1 or -1.</param>
    /// <exception cref="ArgumentException">The sizes don't go together, a label is neither 1 nor -1, or a feature is not finite.</exception>
    public LabelledRows(double[] features, int columns, double[] labels)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        if (labels.Length == 0 || features.Length != columns * (long)labels.Length)
        {
            throw new ArgumentException($"{features.Length} features are not {labels.Length} rows of {columns}.", nameof(features));
        }

        if (Array.FindIndex(labels, l => l is not (1 or -1)) is >= 0 and var strange)
        {
            throw new ArgumentException(FormattableString.Invariant($"The label of row {strange} is {labels[strange]}; labels are 1 and -1."), nameof(labels));
        }

        if (Array.FindIndex(features, v => !double.IsFinite(v)) is >= 0 and var bad)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"Feature {bad % columns} of row {bad / columns} is {features[bad]}; it must be finite."), nameof(features));
        }

        (Features, Columns, Labels) = (features, columns, labels);
    }

    /// <summary>The features [n * columns], row-major.</summary>
    public double[] Features { get; }

    /// <summary>Features of a row.</summary>
    public int Columns { get; }

    /// <summary>The labels [n], 1 or -1.</summary>
    public double[] Labels { get; }

    /// <summary>Rows n.</summary>
    public int Count => Labels.Length;

    /// <summary>Shuffles the rows and parts them.</summary>
    /// <param name="first">Rows of the first part, 1 to below n.</param>
    /// <param name="random">The random numbers.</param>
    /// <exception cref="ArgumentOutOfRangeException">A part would be empty.</exception>
    public (LabelledRows First, LabelledRows Second) Split(int first, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfLessThan(first, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(first, Count);
        var order = random.Permutation(Count);
        return (Rows(order.AsSpan(0, first)), Rows(order.AsSpan(first)));
    }

    /// <summary>
    /// The rows with each feature less the mean and over the standard deviation that it has in others, and a last feature of ones; features that are constant
    /// there are left out.
    /// </summary>
    /// <param name="others">The rows whose moments are taken, as a rule those of the training.</param>
    /// <exception cref="ArgumentException">The others have another number of features.</exception>
    public LabelledRows StandardisedBy(LabelledRows others)
    {
        ArgumentNullException.ThrowIfNull(others);
        if (others.Columns != Columns)
        {
            throw new ArgumentException($"Rows of {Columns} features can't be standardised by rows of {others.Columns}.", nameof(others));
        }

        var kept = new List<(int Column, double Mean, double Deviation)>();
        for (var j = 0; j < Columns; j++)
        {
            double[] column = [.. Enumerable.Range(0, others.Count).Select(i => others.Features[(i * Columns) + j])];
            var mean = column.Average();
            var deviation = Math.Sqrt(column.Average(v => (v - mean) * (v - mean)));
            if (column.Any(v => v != column[0]))
            {
                kept.Add((j, mean, deviation));
            }
        }

        return new LabelledRows(
            [.. Enumerable.Range(0, Count).SelectMany(
                i => kept.Select(k => (Features[(i * Columns) + k.Column] - k.Mean) / k.Deviation).Append(1))],
            kept.Count + 1, Labels);
    }

    private LabelledRows Rows(ReadOnlySpan<int> rows)
    {
        var (features, labels) = (new double[rows.Length * Columns], new double[rows.Length]);
        for (var i = 0; i < rows.Length; i++)
        {
            Features.AsSpan(rows[i] * Columns, Columns).CopyTo(features.AsSpan(i * Columns));
            labels[i] = Labels[rows[i]];
        }

        return new LabelledRows(features, Columns, labels);
    }
}
