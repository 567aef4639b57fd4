using Monge.Diagnostics;
using Monge.Measures;

namespace Monge.Tests.Diagnostics;

/// <summary>The two-sample table: no alarm for one law, alarm for another, and what copies look like.</summary>
public sealed class TwoSampleTests
{
    private static readonly TwoSampleOptions s_small = new() { DistanceRows = 200, Repetitions = 8, Classifier = null };

    private static double[] Normal(int rows, ulong seed, double shift = 0)
    {
        var x = DataSetLibrary.Normal(2).Draw(rows, seed);
        return Array.ConvertAll(x, v => v + shift);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void OneLawStaysAtTheFloor(ulong seed)
    {
        var table = TwoSampleTable.Compute(Normal(2000, seed), Normal(4000, seed + 100), 2, s_small);
        Assert.Equal(6, table.Distances.Count);
        Assert.All(table.Distances, d => Assert.InRange(d.Ratio, 0.6, 1.6));
        Assert.All(table.Columns, c => Assert.True(c.Probability > 1e-3));
    }

    [Fact]
    public void AnotherLawStandsAboveTheFloor()
    {
        var table = TwoSampleTable.Compute(Normal(2000, 1, 0.7), Normal(4000, 101), 2, s_small);
        Assert.All(table.Distances.Take(5), d => Assert.True(d.Ratio > 1.5, d.ToString()));
        Assert.All(table.Columns, c => Assert.True(c.Probability < 1e-10));
        double[] correlated = [.. Normal(2000, 2).Chunk(2).SelectMany(p => new[] { p[0], (0.8 * p[0]) + (0.6 * p[1]) })];
        var turned = TwoSampleTable.Compute(correlated, Normal(4000, 102), 2, s_small);
        Assert.InRange(turned.Distances[5].Value, 0.6, 1);
        Assert.All(turned.Columns, c => Assert.True(c.Probability > 1e-3));
    }

    [Fact]
    public void StandardisedDistancesDoNotDependOnUnits()
    {
        var (x, y) = (Normal(400, 1), Normal(800, 2));
        double[] Stretch(double[] rows) => [.. rows.Select((v, i) => i % 2 == 0 ? 1000 * v : v)];
        var (plain, stretched) = (TwoSampleTable.Compute(x, y, 2, s_small), TwoSampleTable.Compute(Stretch(x), Stretch(y), 2, s_small));
        foreach (var (a, b) in plain.Distances.Zip(stretched.Distances))
        {
            Assert.Equal(a.Value, b.Value, 9);
        }
    }

    [Fact]
    public void DistancesBetweenEmpiricalLawsAreNeverNegativeAndDifferFromTheUnbiasedOnesByTheDiagonal()
    {
        var (x, y) = (Normal(100, 1), Normal(100, 2));
        Assert.Equal(0, EnergyDistance.Compute(x, x, 2, unbiased: false), 12);
        Assert.Equal(0, MaximumMeanDiscrepancy.Compute(x, x, 2, 1, unbiased: false), 12);

        // The mean distance within a set shrinks by 1 - 1/n when pairs of a sample with itself count.
        double Within(double[] a) => a.Chunk(2).SelectMany(
            p => a.Chunk(2).Select(q => Math.Sqrt(Math.Pow(p[0] - q[0], 2) + Math.Pow(p[1] - q[1], 2)))).Sum() / (100.0 * 99);
        Assert.Equal(EnergyDistance.Compute(x, y, 2) + ((Within(x) + Within(y)) / 100), EnergyDistance.Compute(x, y, 2, unbiased: false), 10);
    }

    [Fact]
    public void TheKolmogorovDistanceIsThatOfTheSteps()
    {
        Assert.Equal(0.5, KolmogorovDistance.Compute([1, 2, 3, 4], [3, 4, 5, 6]), 12);
        Assert.Equal(0, KolmogorovDistance.Compute([1, 1, 2], [2, 1, 1, 1, 1, 2]), 12);
        Assert.Equal(0.25, KolmogorovDistance.Compute([0.25, 0.75], u => u), 12);

        // Tables of the Kolmogorov law: 1.3581 is exceeded with probability 0.05, 1.6276 with 0.01.
        Assert.Equal(0.05, KolmogorovDistance.Probability(1.3581 / 1000, 1e6, double.PositiveInfinity), 1e-4);
        Assert.Equal(0.01, KolmogorovDistance.Probability(1.6276 / 1000, 2e6, 2e6), 1e-4);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void TheClassifierGuessesOnOneLaw(ulong seed)
    {
        var test = ClassifierTest.Compute(
            Normal(1000, seed), Normal(1000, seed + 50), 2, new ClassifierTestOptions { Iterations = 200, Width = 32, Seed = seed, Threads = 1 });
        Assert.InRange(test.Excess, -4, 4);
        Assert.Equal(800, test.TestRows);
    }

    [Fact]
    public void TheClassifierComesNearTheBestAccuracyOnTwoGaussians()
    {
        // The likelihood ratio of N(0, I) and N((1, 1), I) errs with the probability Phi(-|m| / 2).
        var best = MathNet.Numerics.Distributions.Normal.CDF(0, 1, Math.Sqrt(2) / 2);
        var test = ClassifierTest.Compute(Normal(3000, 1, 1), Normal(3000, 2), 2, new ClassifierTestOptions { Iterations = 300, Width = 32 });
        Assert.InRange(test.Accuracy, best - 0.05, best + 0.04);
        var again = ClassifierTest.Compute(Normal(3000, 1, 1), Normal(3000, 2), 2, new ClassifierTestOptions { Iterations = 300, Width = 32, Threads = 1 });
        Assert.Equal(test, again);
    }

    [Fact]
    public void CopiesAreFoundAndFreshRowsAreNot()
    {
        var (training, validation, fresh) = (Normal(1000, 1), Normal(1000, 2), Normal(1000, 3));
        var copies = MemorisationCheck.Compute(training, training, validation, 2);
        Assert.True(copies is { Memorises: true, Copies: 1000, ValidationCopies: 0, Nearer: 1 });
        var blurred = MemorisationCheck.Compute([.. training.Zip(fresh, (a, b) => a + (0.01 * b))], training, validation, 2);
        Assert.True(blurred.Memorises && blurred.Copies == 0 && blurred.ShareBelow > 0.1, blurred.ToString());
        foreach (var seed in (ulong[])[3, 4, 5])
        {
            var honest = MemorisationCheck.Compute(Normal(1000, seed), training, validation, 2);
            Assert.InRange(honest.Nearer, 0.5 - (4 * honest.NearerError), 0.5 + (4 * honest.NearerError));
            Assert.False(honest.Memorises);
        }
    }

    [Fact]
    public void UnusableRowsAreToldInWords()
    {
        double[] constant = [.. Enumerable.Range(0, 40).Select(i => i % 2 == 0 ? i : 7.0)];
        Assert.Contains("'x2' of the data is constant",
            Assert.Throws<ArgumentException>(() => TwoSampleTable.Compute(Normal(20, 1), constant, 2, s_small)).Message, StringComparison.Ordinal);
        Assert.Contains("at least 10", Assert.Throws<ArgumentException>(() => TwoSampleTable.Compute(Normal(5, 1), Normal(50, 1), 2, s_small)).Message,
            StringComparison.Ordinal);
    }
}
