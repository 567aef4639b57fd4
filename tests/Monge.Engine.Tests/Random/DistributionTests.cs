using MathNet.Numerics;
using Monge.Engine.Random;

namespace Monge.Engine.Tests.Random;

/// <summary>
/// Each check is run for five seeds. A Kolmogorov-Smirnov check uses the level 1e-5 and a moment or correlation the bound of 4.9 standard
/// errors (1e-6 two-sided): for a right generator the whole class would raise a false alarm for about one choice of seeds in 600.
/// </summary>
public class DistributionTests
{
    private const double StandardErrors = 4.9;

    public static TheoryData<ulong> Seeds => [1, 2, 3, 0xDEAD_BEEF_0000_0001, ulong.MaxValue];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Uniform_numbers_are_uniform(ulong seed)
    {
        CheckSample(Draws(Distribution.Uniform, seed, single: true), x => x, 0.5, 1.0 / 12, 1.8);
        CheckSample(Draws(Distribution.Uniform, seed, single: false), x => x, 0.5, 1.0 / 12, 1.8);
        var random = new RandomStream(seed);
        CheckSample(Repeat(random.NextDouble), x => x, 0.5, 1.0 / 12, 1.8);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Normal_numbers_are_normal(ulong seed)
    {
        CheckSample(Draws(Distribution.Normal, seed, single: true), NormalCdf, 0, 1, 3);
        CheckSample(Draws(Distribution.Normal, seed, single: false), NormalCdf, 0, 1, 3);
        var random = new RandomStream(seed);
        CheckSample(Repeat(random.NextNormal), NormalCdf, 0, 1, 3);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Exponential_numbers_are_exponential(ulong seed)
    {
        CheckSample(Draws(Distribution.Exponential, seed, single: true), x => 1 - Math.Exp(-x), 1, 1, 9);
        CheckSample(Draws(Distribution.Exponential, seed, single: false), x => 1 - Math.Exp(-x), 1, 1, 9);
        var random = new RandomStream(seed);
        CheckSample(Repeat(random.NextExponential), x => 1 - Math.Exp(-x), 1, 1, 9);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Gamma_numbers_have_their_law(ulong seed)
    {
        foreach (double shape in new[] { 0.3, 1, 4.5 })
        {
            double Cdf(double x) => SpecialFunctions.GammaLowerRegularized(shape, x);
            var random = new RandomStream(seed, 1);
            CheckSample(Repeat(() => random.NextGamma(shape), 40_000), Cdf, shape, shape, 3 + 6 / shape);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Student_numbers_have_their_law(ulong seed)
    {
        foreach (double degrees in new[] { 1.0, 2.5, 12 })
        {
            double Cdf(double x) => MathNet.Numerics.Distributions.StudentT.CDF(0, 1, degrees, x);
            var random = new RandomStream(seed, 1);
            CheckKolmogorovSmirnov(Repeat(() => random.NextStudentT(degrees), 20_000), Cdf);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Counts_have_their_probabilities(ulong seed)
    {
        double[] weights = [0, 3, 1, 0, 4, 2, 0];
        var random = new RandomStream(seed, 2);
        CheckCounts(Enumerable.Range(0, 60_000).Select(_ => random.NextCategorical(weights)), weights);
        CheckCounts(Enumerable.Range(0, 60_000).Select(_ => random.NextInt(7)), [1, 1, 1, 1, 1, 1, 1]);
        CheckCounts(Enumerable.Range(0, 60_000).Select(_ => (random.NextRademacher() + 1) / 2), [1, 1]);
        CheckCounts(Draws(Distribution.Rademacher, seed, single: true).Select(sign => (int)(sign + 1) / 2), [1, 1]);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Permutations_are_equally_likely(ulong seed)
    {
        var random = new RandomStream(seed, 4);
        CheckCounts(
            Enumerable.Range(0, 48_000).Select(_ => random.Permutation(4)).Select(p => p[0] * 6 + p[1] * 2 - (p[1] > p[0] ? 2 : 0) + (p[2] > p[3] ? 1 : 0)),
            [.. Enumerable.Repeat(1.0, 24)]);
        Assert.Equal(Enumerable.Range(0, 1000), random.Permutation(1000).Order());
    }

    /// <summary>Neighbouring streams, seeds, steps, samples and elements: neither values nor squares are correlated.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Neighbouring_names_give_uncorrelated_numbers(ulong seed)
    {
        const int elements = 8;
        const int lanes = 16_384;
        float[] reference = TileFill.Single(Distribution.Normal, elements, 1, lanes, 6, seed: seed, stream: 5);
        CheckUncorrelated(reference, TileFill.Single(Distribution.Normal, elements, 1, lanes, 6, seed: seed, stream: 6));
        CheckUncorrelated(reference, TileFill.Single(Distribution.Normal, elements, 1, lanes, 6, seed: seed + 1, stream: 5));
        CheckUncorrelated(reference, TileFill.Single(Distribution.Normal, elements, 1, lanes, 7, seed: seed, stream: 5));
        CheckUncorrelated(reference, TileFill.Single(Distribution.Normal, elements, 2, lanes, 6, seed: seed, stream: 5));
        for (int shift = 1; shift < elements; shift++)
        {
            CheckUncorrelated(reference.AsSpan(shift * lanes), reference.AsSpan(0, (elements - shift) * lanes));
        }
    }

    [Fact]
    public void Normal_tails_reach_six_standard_deviations()
    {
        // The words 0 and 2^32 - 1 are the ends of the radius: sqrt(2 * 33 ln 2) and nearly zero.
        var zero = Lanes128Radius(0);
        Assert.Equal(Math.Sqrt(66 * Math.Log(2)), zero, 1e-5);
        Assert.InRange(Lanes128Radius(uint.MaxValue), 0, 1e-3);

        static double Lanes128Radius(uint word)
        {
            var radius = LaneMath<Lanes128, System.Runtime.Intrinsics.Vector128<uint>>.NormalRadiusSingle(Lanes128.Broadcast32(word));
            LaneMath<Lanes128, System.Runtime.Intrinsics.Vector128<uint>>.NormalPairSingle(radius, Lanes128.Broadcast32(0), out var first, out _);
            return BitConverter.UInt32BitsToSingle(first[0]);
        }
    }

    private static double NormalCdf(double x) => 0.5 * SpecialFunctions.Erfc(-x / Math.Sqrt(2));

    private static double[] Draws(Distribution distribution, ulong seed, bool single) => single
        ? [.. TileFill.Single(distribution, 16, 3, 8_192, 11, seed: seed).Select(value => (double)value)]
        : TileFill.Double(distribution, 16, 3, 8_192, 11, seed: seed);

    private static double[] Repeat(Func<double> draw, int count = 100_000)
    {
        var values = new double[count];
        for (int index = 0; index < count; index++)
        {
            values[index] = draw();
        }

        return values;
    }

    private static void CheckSample(double[] values, Func<double, double> cdf, double mean, double variance, double kurtosis)
    {
        double n = values.Length;
        double sampleMean = values.Sum() / n;
        double sampleVariance = values.Sum(value => (value - mean) * (value - mean)) / n;
        Assert.InRange(sampleMean, mean - StandardErrors * Math.Sqrt(variance / n), mean + StandardErrors * Math.Sqrt(variance / n));
        double varianceError = StandardErrors * variance * Math.Sqrt((kurtosis - 1) / n);
        Assert.InRange(sampleVariance, variance - varianceError, variance + varianceError);
        CheckKolmogorovSmirnov(values, cdf);
    }

    private static void CheckKolmogorovSmirnov(double[] values, Func<double, double> cdf)
    {
        double[] sorted = [.. values.Order()];
        double distance = 0;
        for (int index = 0; index < sorted.Length; index++)
        {
            double probability = cdf(sorted[index]);
            distance = Math.Max(distance, Math.Max(probability - (double)index / sorted.Length, (index + 1.0) / sorted.Length - probability));
        }

        Assert.InRange(distance, 0, Math.Sqrt(-Math.Log(0.5e-5) / 2 / sorted.Length));
    }

    private static void CheckCounts(IEnumerable<int> draws, double[] weights)
    {
        var counts = new double[weights.Length];
        double n = 0;
        foreach (int draw in draws)
        {
            counts[draw]++;
            n++;
        }

        for (int index = 0; index < weights.Length; index++)
        {
            double probability = weights[index] / weights.Sum();
            Assert.InRange(Math.Abs(counts[index] - n * probability), 0, StandardErrors * Math.Sqrt(n * probability * (1 - probability)));
        }
    }

    private static void CheckUncorrelated(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        double product = 0;
        double squares = 0;
        for (int index = 0; index < left.Length; index++)
        {
            double x = left[index];
            double y = right[index];
            product += x * y;
            squares += (x * x - 1) * (y * y - 1);
        }

        double root = Math.Sqrt(left.Length);
        Assert.InRange(product / root, -StandardErrors, StandardErrors);
        Assert.InRange(squares / (2 * root), -StandardErrors, StandardErrors);
    }
}
