using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class TargetTests
{
    public static TheoryData<string> WithExactSampler() => [.. Names.Where(n => TargetLibrary.Get(n).Facts.ExactSampler is not null)];

    public static TheoryData<string> AllNames() => [.. Names];

    private static IEnumerable<string> Names => TargetLibrary.All.Select(e => e.Name);

    [Theory]
    [MemberData(nameof(AllNames))]
    public void EntryDescribesItsDensity(string name)
    {
        var entry = TargetLibrary.All.Single(e => e.Name == name);
        var density = entry.Create();
        Assert.Equal(name, density.Name);
        Assert.Equal(entry.Dimension, density.Dimension);
        Assert.Equal(density.Names.Count, density.Facts.Mean?.Length ?? density.Names.Count);
        density.Check();
    }

    [Theory]
    [MemberData(nameof(AllNames))]
    public void GradientMatchesCentralDifferences(string name)
    {
        var density = TargetLibrary.Get(name);
        var d = density.Dimension;
        var at = density.Base.ToGaussian(0.7).Sample(1, new RandomStream(3));
        var gradient = density.GradientAt(at);
        var step = 1e-5;
        foreach (var i in Enumerable.Range(0, d).Take(12))
        {
            double[] both = [.. at, .. at];
            var h = step * Math.Max(1, Math.Abs(at[i]));
            both[i] += h;
            both[d + i] -= h;
            var values = density.LogDensityAt(both);
            Assert.Equal((values[0] - values[1]) / (2 * h), gradient[i], 2e-5 * (1 + gradient.Max(Math.Abs)));
        }
    }

    [Theory]
    [MemberData(nameof(WithExactSampler))]
    public void ExactSamplesHaveTheStatedMoments(string name)
    {
        var density = TargetLibrary.Get(name);
        var (facts, d) = (density.Facts, density.Dimension);
        const int Samples = 4000;
        foreach (var seed in new ulong[] { 1, 2, 3 })
        {
            var draws = facts.ExactSampler!(Samples, new RandomStream(seed));
            for (var i = 0; i < d; i++)
            {
                double[] column = [.. Enumerable.Range(0, Samples).Select(s => draws[(s * d) + i])];
                var (mean, sd) = (facts.Mean![i], facts.StandardDeviation![i]);
                Assert.InRange(column.Average(), mean - (5 * sd / Math.Sqrt(Samples)), mean + (5 * sd / Math.Sqrt(Samples)));
            }
        }
    }
}
