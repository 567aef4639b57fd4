using Monge.Data;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.OptimalTransport;

namespace Monge.Diagnostics;

/// <summary>How two sets of rows are compared.</summary>
public sealed record TwoSampleOptions
{
    /// <summary>Most rows of each set in a distance; the exact W2 takes time cubic in it.</summary>
    public int DistanceRows { get; init; } = 1000;

    /// <summary>Repetitions of each distance with other rows, at least 2.</summary>
    public int Repetitions { get; init; } = 10;

    /// <summary>Whether columns are divided by the data's standard deviations first, so that distances don't depend on units.</summary>
    public bool Standardise { get; init; } = true;

    /// <summary>The classifier test; null leaves it out.</summary>
    public ClassifierTestOptions? Classifier { get; init; } = new();

    /// <summary>Seed of splits and choices.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Threads of the distances; 0 is one for each processor. Results are the same to the bit for any number.</summary>
    public int Threads { get; init; }
}

/// <summary>One column of both sets.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Mean">Mean of the samples.</param>
/// <param name="DataMean">Mean of the data.</param>
/// <param name="Deviation">Standard deviation of the samples.</param>
/// <param name="DataDeviation">Standard deviation of the data.</param>
/// <param name="Kolmogorov">Largest difference of the cumulative distribution functions, all rows used.</param>
/// <param name="Probability">Probability of a difference at least this large when the laws agree.</param>
public sealed record ColumnComparison(string Name, double Mean, double DataMean, double Deviation, double DataDeviation, double Kolmogorov, double Probability);

/// <summary>
/// The two-sample table: how far generated rows are from rows of the data that the model has not seen, each distance beside its floor, the same distance
/// between two halves of the data. A ratio near 1 means that the samples can't be told from data by this distance at this number of rows.
/// </summary>
/// <param name="Distances">Energy distance, squared maximum mean discrepancy, sliced and exact W2, and the largest differences of a column's
/// distribution and of a correlation.</param>
/// <param name="Columns">The columns one by one.</param>
/// <param name="Samples">Number of generated rows.</param>
/// <param name="DataRows">Number of rows of the data.</param>
public sealed record TwoSampleTable(IReadOnlyList<DistanceWithFloor> Distances, IReadOnlyList<ColumnComparison> Columns, int Samples, int DataRows)
{
    private const int LeastRows = 10;
    private const int LargestRepeat = 10;

    // Beyond these the squares of deviations leave the range of numbers.
    private const double LeastUnit = 1e-140;
    private const double MostUnit = 1e140;

    /// <summary>The classifier two-sample test; null where it was left out or there are too few rows.</summary>
    public ClassifierTest? Classifier { get; init; }

    /// <summary>The memorisation check; null without training rows.</summary>
    public MemorisationCheck? Memorisation { get; init; }

    /// <summary>
    /// Generated rows that equal a row of the data, which bring the distances below their floors; rows of nothing but repeated values, such as whole numbers,
    /// are not counted.
    /// </summary>
    public int SampleCopies { get; init; }

    /// <summary>Rows of the data that are copies of other rows of the data, which halves may share, so that the floors are too low; counted likewise.</summary>
    public int RepeatedRows { get; init; }

    /// <summary>The largest ratio of a distance to its floor.</summary>
    public double LargestRatio => Distances.Max(d => d.Ratio);

    /// <summary>Compares generated rows with rows of the data.</summary>
    /// <param name="samples">Generated rows [n, d].</param>
    /// <param name="data">Rows of the data that the model wasn't fitted to [m, d]; halves of them make the floors.</param>
    /// <param name="dimension">d.</param>
    /// <param name="options">How they are compared; null for the defaults.</param>
    /// <param name="training">Rows that the model was fitted to [k, d], for the memorisation check; null leaves it out.</param>
    /// <param name="names">Names of the columns; null for x1, x2, ...</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="ArgumentException">A set is unusable, has fewer than 10 rows, or a column of the data is constant.</exception>
    public static TwoSampleTable Compute(
        double[] samples, double[] data, int dimension, TwoSampleOptions? options = null, double[]? training = null, IReadOnlyList<string>? names = null,
        CancellationToken cancellation = default)
    {
        options ??= new TwoSampleOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Repetitions, 2);
        var (n, m) = (Rows(samples, dimension, nameof(samples)), Rows(data, dimension, nameof(data)));
        names ??= [.. Enumerable.Range(1, dimension).Select(i => FormattableString.Invariant($"x{i}"))];
        var columns = CompareColumns(samples, data, names, options.Standardise);
        double[] Scaled(double[] rows) => options.Standardise ? Divide(rows, columns) : rows;
        var (x, y) = (Scaled(samples), Scaled(data));
        var rowsEach = Math.Min(Math.Min(options.DistanceRows, m / 2), n);
        ExactSampler fromSamples = (count, set) => Choose(x, dimension, count, 0, new RandomStream(options.Seed + (ulong)set, DiagnosticStreams.TableSplits));
        // Sets 2 k and 2 k + 1 are two parts of one permutation, so that they share no row.
        ExactSampler halves = (count, set) =>
            Choose(y, dimension, count, set % 2 * count, new RandomStream(options.Seed + (ulong)(set / 2), DiagnosticStreams.TableHalves));
        var distances = Measures(y, dimension, options.Threads, cancellation)
            .Select(d => DistanceWithFloor.Compute(fromSamples, rowsEach, dimension, halves, d.Distance, d.Name, options.Repetitions * d.Repeat, 0)).ToArray();
        var repeated = RepeatedValues.Of(data, dimension);
        var (ownSamples, ownData) = (Own(samples, dimension, repeated), Own(data, dimension, repeated));
        var copies = RowCopies.Of(ownData, dimension);
        return new TwoSampleTable(distances, columns, n, m)
        {
            SampleCopies = RowCopies.CountAmong(ownSamples, ownData, dimension),
            RepeatedRows = copies.Rows - copies.Distinct,
            Classifier = options.Classifier is { } classifier && Math.Min(n, m) >= 100
                ? Classify(samples, data, x, y, dimension, repeated, classifier, cancellation) : null,
            Memorisation = training is null ? null : MemorisationCheck.Compute(x, Scaled(training), y, dimension, options.Threads),
        };
    }

    /// <summary>The distances of the table, by the name under which they stand in it.</summary>
    /// <param name="reference">Rows of the data [m, d], for the width of the kernels.</param>
    /// <param name="dimension">d.</param>
    /// <param name="threads">Threads of the distances; 0 is one for each processor.</param>
    /// <param name="cancellation">Stops a distance.</param>
    /// <returns>Name and distance, and how many times as often as the others it is repeated: a largest difference scatters most, and costs least.</returns>
    public static IReadOnlyList<(string Name, Func<double[], double[], double> Distance, int Repeat)> Measures(
        double[] reference, int dimension, int threads = 0, CancellationToken cancellation = default)
    {
        double OfColumn(double[] a, double[] b, int i) => KolmogorovDistance.Compute(RowMoments.Column(a, dimension, i), RowMoments.Column(b, dimension, i));
        var bandwidth = MaximumMeanDiscrepancy.MedianDistance(reference, dimension);
        List<(string, Func<double[], double[], double>, int)> measures =
        [
            ("energy distance", (a, b) => EnergyDistance.Compute(a, b, dimension, unbiased: false, threads: threads), 1),
            ("squared MMD", (a, b) => MaximumMeanDiscrepancy.Compute(a, b, dimension, bandwidth, unbiased: false, threads: threads), 1),
            ("sliced W2", (a, b) => SlicedWasserstein.Compute(a, b, dimension, threads: threads), 1),
            ("W2", (a, b) => Wasserstein.Exact(a, b, dimension, 2, threads, cancellation).Distance, 1),
            ("largest Kolmogorov distance of a column", (a, b) => Enumerable.Range(0, dimension).Max(i => OfColumn(a, b, i)), LargestRepeat),
        ];
        if (dimension > 1)
        {
            measures.Add(("largest difference of a correlation", (a, b) => CorrelationDifference(a, b, dimension), LargestRepeat));
        }

        return measures;
    }

    private static ColumnComparison[] CompareColumns(double[] samples, double[] data, IReadOnlyList<string> names, bool isStandardised) =>
        [.. names.Select((name, i) =>
        {
            var (x, y) = (RowMoments.Column(samples, names.Count, i), RowMoments.Column(data, names.Count, i));
            var (first, second) = (Moments(x), Moments(y));
            if (!(second.Deviation > 0))
            {
                throw new ArgumentException($"Column '{name}' of the data is constant; leave it out of both sets.", nameof(data));
            }

            if (!isStandardised && second.Deviation is < LeastUnit or > MostUnit)
            {
                throw new ArgumentException(
                    $"The squares of column '{name}' of the data leave the range of numbers in its own units; standardise the columns.", nameof(data));
            }

            var distance = KolmogorovDistance.Compute(x, y);
            return new ColumnComparison(
                name, first.Mean, second.Mean, first.Deviation, second.Deviation, distance, KolmogorovDistance.Probability(distance, x.Length, y.Length));
        })];

    // Where the data repeat their values the classifier is told whether a row's value is one of them, which no smooth function of the value shows.
    private static ClassifierTest Classify(
        double[] samples, double[] data, double[] x, double[] y, int d, RepeatedValues repeated, ClassifierTestOptions options,
        CancellationToken cancellation) =>
        repeated.Any ? ClassifierTest.Compute(repeated.With(x, samples), repeated.With(y, data), d + repeated.Count, options, cancellation)
            : ClassifierTest.Compute(x, y, d, options, cancellation);

    // The rows that have a number of their own: where all repeat, equal rows are no copies.
    private static double[] Own(double[] rows, int d, RepeatedValues repeated)
    {
        var isRepeated = repeated.HoldNothingElse(rows);
        return isRepeated.Contains(true) ? [.. rows.Where((_, at) => !isRepeated[at / d])] : rows;
    }

    private static int Rows(double[] rows, int dimension, string name)
    {
        var count = PointSets.Check(rows, dimension, name);
        return count >= LeastRows ? count : throw new ArgumentException($"There are {count} rows; a comparison needs at least {LeastRows}.", name);
    }

    private static double[] Divide(double[] rows, ColumnComparison[] columns)
    {
        var result = new double[rows.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            result[i] = (rows[i] - columns[i % columns.Length].DataMean) / columns[i % columns.Length].DataDeviation;
        }

        return result;
    }

    private static double[] Choose(double[] rows, int d, int count, int from, RandomStream random)
    {
        var (chosen, result) = (random.Permutation(rows.Length / d), new double[count * d]);
        for (var k = 0; k < count; k++)
        {
            rows.AsSpan(chosen[from + k] * d, d).CopyTo(result.AsSpan(k * d, d));
        }

        return result;
    }

    private static (double Mean, double Deviation) Moments(double[] values)
    {
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1));
        if (deviation is > LeastUnit and < MostUnit && double.IsFinite(mean))
        {
            return (mean, deviation);
        }

        (mean, deviation) = ColumnMoments.Of(values);
        return (mean, deviation * Math.Sqrt(values.Length / (values.Length - 1.0)));
    }

    private static double CorrelationDifference(double[] a, double[] b, int d)
    {
        var (first, second) = (Standard(a, d), Standard(b, d));
        var largest = 0.0;
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < i; j++)
            {
                largest = Math.Max(largest, Math.Abs(WeightedSamples.Dot(first[i], first[j]) - WeightedSamples.Dot(second[i], second[j])));
            }
        }

        return largest;
    }

    // Columns of unit length about their means, whose products are correlations; a constant column correlates with nothing.
    private static double[][] Standard(double[] rows, int d) => [.. Enumerable.Range(0, d).Select(i =>
    {
        var column = RowMoments.Column(rows, d, i);
        var mean = column.Average();
        var length = Math.Sqrt(column.Sum(v => (v - mean) * (v - mean)));
        return Array.ConvertAll(column, v => length > 0 ? (v - mean) / length : 0);
    })];
}
