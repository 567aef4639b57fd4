using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>Labelled data of the literature on classification: published generators, and a table that ships.</summary>
public static class ClassificationLibrary
{
    private const int NormDimension = 20;
    private const int WaveLength = 21;
    private const int WaveHeight = 6;

    // The middles of the three waves, counted from 1.
    private static readonly int[] s_middles = [11, 15, 7];

    /// <summary>
    /// Twonorm (L. Breiman, "Bias, variance, and arcing classifiers", 1996): two normal laws in 20 coordinates of covariance I, of means (a, ..., a) for the
    /// label 1 and (-a, ..., -a) for -1, a = 2 / sqrt(20). The best rule is the sign of the sum; its accuracy is that of a normal number below 2, 0.97725.
    /// </summary>
    /// <param name="count">Rows, at least 1.</param>
    /// <param name="random">The random numbers.</param>
    public static LabelledRows TwoNorm(int count, RandomStream random) => Draw(count, NormDimension, random, (row, r) =>
    {
        var label = r.NextRademacher();
        Normals(row, label * 2 / Math.Sqrt(NormDimension), 1, r);
        return label;
    });

    /// <summary>
    /// Ringnorm (the same source): in 20 coordinates N(0, 4 I) for the label 1 and N((a, ..., a), I) for -1, a = 2 / sqrt(20). The best rule is a
    /// sphere, which no linear one comes near.
    /// </summary>
    /// <param name="count">Rows, at least 1.</param>
    /// <param name="random">The random numbers.</param>
    public static LabelledRows RingNorm(int count, RandomStream random) => Draw(count, NormDimension, random, (row, r) =>
    {
        var label = r.NextRademacher();
        Normals(row, label == 1 ? 0 : 2 / Math.Sqrt(NormDimension), label == 1 ? 2 : 1, r);
        return label;
    });

    /// <summary>
    /// Waveform (L. Breiman, J. Friedman, R. Olshen and C. Stone, "Classification and Regression Trees", 1984): 21 values u h_a + (1 - u) h_b + N(0, 1) for a
    /// uniform u and two of three triangles of height 6 about the places 11, 15 and 7. Of its three equally likely classes, those of the first and
    /// second, first and third, second and third triangle, the first has the label 1, the others -1.
    /// </summary>
    /// <param name="count">Rows, at least 1.</param>
    /// <param name="random">The random numbers.</param>
    public static LabelledRows Waveform(int count, RandomStream random) => Draw(count, WaveLength, random, (row, r) =>
    {
        var kind = r.NextInt(3);
        var (first, second) = (s_middles[kind == 2 ? 1 : 0], s_middles[kind == 0 ? 1 : 2]);
        var u = r.NextDouble();
        for (var i = 0; i < row.Length; i++)
        {
            row[i] = (u * Wave(i + 1, first)) + ((1 - u) * Wave(i + 1, second)) + r.NextNormal();
        }

        return kind == 0 ? 1 : -1;
    });

    /// <summary>German credit, numeric form (UCI): 1000 rows of 24 features, 1 is bad credit.</summary>
    public static LabelledRows GermanCredit()
    {
        double[][] rows = [.. ShippedData.Lines("logistic/german.data-numeric").Select(
            l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(ShippedData.Parse).ToArray())];
        return new LabelledRows([.. rows.SelectMany(r => r[..^1])], rows[0].Length - 1, [.. rows.Select(r => r[^1] == 2 ? 1.0 : -1.0)]);
    }

    private static double Wave(int place, int middle) => Math.Max(0, WaveHeight - Math.Abs(place - middle));

    private static void Normals(Span<double> row, double mean, double deviation, RandomStream random)
    {
        foreach (ref var value in row)
        {
            value = mean + (deviation * random.NextNormal());
        }
    }

    private static LabelledRows Draw(int count, int columns, RandomStream random, Func<double[], RandomStream, int> fill)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentNullException.ThrowIfNull(random);
        var (features, labels, row) = (new double[count * columns], new double[count], new double[columns]);
        for (var i = 0; i < count; i++)
        {
            labels[i] = fill(row, random);
            row.CopyTo(features, i * columns);
        }

        return new LabelledRows(features, columns, labels);
    }
}
