using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class TargetTests
{
    public static TheoryData<string> WithExactSampler() => [.. Names.Where(n => KnownTargets.Get(n).Facts.ExactSampler is not null)];

    public static TheoryData<string> WithModes() => [.. Names.Where(n => KnownTargets.Get(n).Facts.Modes is not null)];

    public static TheoryData<string> AllNames() => [.. Names];

    private static IEnumerable<string> Names => TargetLibrary.All.Select(e => e.Name);

    [Theory]
    [MemberData(nameof(AllNames))]
    public void EntryDescribesItsDensity(string name)
    {
        var entry = TargetLibrary.All.Single(e => e.Name == name);
        var density = KnownTargets.Get(name);
        Assert.Equal(name, density.Name);
        Assert.Equal(entry.Dimension, density.Dimension);
        Assert.Equal(density.Names.Count, density.Facts.Mean?.Length ?? density.Names.Count);
        density.Check();
    }

    [Theory]
    [MemberData(nameof(AllNames))]
    public void GradientMatchesCentralDifferences(string name)
    {
        var density = KnownTargets.Get(name);
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

    // Training runs in float32: value and gradient must keep their digits there, after scaling by their own size over the draws.
    [Theory]
    [MemberData(nameof(AllNames))]
    public void FormulasKeepTheirDigitsInSinglePrecision(string name)
    {
        const int Samples = 32;
        var density = KnownTargets.Get(name);
        var d = density.Dimension;
        float[] positions = [.. density.Base.ToGaussian().Sample(Samples, new RandomStream(9)).Select(v => (float)v)];
        double[] exact = [.. positions.Select(v => (double)v)];
        var x = Expr.Input("x", d);
        var value = density.LogDensity(x);
        using var program = new CompiledProgram<float>(new TracedProgram(null, ("value", value), ("gradient", Derivative.Gradient(value, x))), new ExecutionOptions { Threads = 1 });
        program["x"] = NdArray<float>.From(positions, Samples, d);
        program["value"] = new NdArray<float>(Samples);
        program["gradient"] = new NdArray<float>(Samples, d);
        program.Run(Samples);
        AssertClose(density.LogDensityAt(exact), program["value"].Span, 3e-6);
        AssertClose(density.GradientAt(exact), program["gradient"].Span, 3e-5);
    }

    private static void AssertClose(double[] exact, ReadOnlySpan<float> single, double tolerance)
    {
        var size = 1 + exact.Max(Math.Abs);
        for (var k = 0; k < exact.Length; k++)
        {
            Assert.Equal(exact[k], single[k], tolerance * size);
        }
    }

    [Theory]
    [MemberData(nameof(WithExactSampler))]
    public void ExactSamplesHaveTheStatedMoments(string name)
    {
        var density = KnownTargets.Get(name);
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

                // The tails of the funnel's other coordinates leave their sample variance without a usable error.
                if (!name.StartsWith("funnel", StringComparison.Ordinal) || i == 0)
                {
                    double[] squares = [.. column.Select(v => (v - mean) * (v - mean))];
                    var average = squares.Average();
                    var error = Math.Sqrt(squares.Average(v => (v - average) * (v - average)) / Samples);
                    Assert.InRange(average, (sd * sd) - (5 * error), (sd * sd) + (5 * error));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(WithModes))]
    public void ModesHaveTheStatedWeights(string name)
    {
        var density = KnownTargets.Get(name);
        var modes = density.Facts.Modes!;
        Assert.Equal(1, modes.Weights.Sum(), 1e-9);
        if (modes.Position(0) is not null)
        {
            var step = Math.Max(1, modes.Count / 64);
            for (var k = 0; k < modes.Count; k += step)
            {
                var top = modes.Position(k)!;
                Assert.Equal(k, modes.Label(top));

                // Components of gmm40 overlap, so their means are not quite the tops.
                if (name != "gmm40")
                {
                    Assert.All(density.GradientAt(top), g => Assert.Equal(0, g, 1e-4));
                }
            }
        }

        const int Samples = 10_000;
        foreach (var seed in new ulong[] { 1, 2, 3 })
        {
            var occupancy = modes.Occupancy(density.Facts.ExactSampler!(Samples, new RandomStream(seed)), density.Dimension);

            // Pearson's statistic over modes expected at least ten times; its mean is their number, its variance twice that.
            int[] common = [.. Enumerable.Range(0, modes.Count).Where(k => modes.Weights[k] * Samples >= 10)];
            var statistic = common.Sum(k => Math.Pow(occupancy[k] - modes.Weights[k], 2) * Samples / modes.Weights[k]);
            Assert.True(statistic < common.Length + (6 * Math.Sqrt(2.0 * common.Length)), $"statistic {statistic} for {common.Length} modes");
        }
    }
}
