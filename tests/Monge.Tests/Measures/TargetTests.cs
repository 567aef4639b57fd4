using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.Measures.Targets;

namespace Monge.Tests.Measures;

public sealed class TargetTests
{
    public static TheoryData<string> WithExactSampler() => [.. Names.Where(n => KnownTargets.Get(n).Facts.ExactSampler is not null)];

    public static TheoryData<string> WithModes() => [.. Names.Where(n => KnownTargets.Get(n).Facts.Modes is not null)];

    public static TheoryData<string> AllNames() => [.. Names];

    private static IEnumerable<string> Names => Searched.Select(e => e.Name);

    /// <summary>
    /// The targets whose base is found in a second or two. Models with loops, whose search takes up to minutes, and the diamonds, whose weights need more
    /// digits than single precision has, have PosteriorModelTests.
    /// </summary>
    internal static IEnumerable<TargetEntry> Searched => TargetLibrary.All.Where(e => e.Model is null || s_quickModels.Contains(e.Name));

    private static readonly string[] s_quickModels = ["eight-schools", "kidscore", "ionosphere", "german-credit", "seeds", "sonar", "gp-regression"];

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
        using var program = new CompiledProgram<float>(
            new TracedProgram(null, ("value", value), ("gradient", Derivative.Gradient(value, x))), new ExecutionOptions { Threads = 1 });
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
                if (double.IsInfinity(sd))
                {
                    continue;
                }

                Assert.InRange(column.Average(), mean - (5 * sd / Math.Sqrt(Samples)), mean + (5 * sd / Math.Sqrt(Samples)));

                // The tails of a funnel's other coordinates leave their sample variance without a usable error.
                if (!name.Contains("funnel", StringComparison.Ordinal) || i == 0)
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

                // Components that overlap have their tops not quite at their means.
                if (name is not ("gmm40" or "student-t-mixture-2"))
                {
                    Assert.All(density.GradientAt(top), g => Assert.Equal(0, g, 1e-4));
                }
            }
        }

        if (density.Facts.ExactSampler is not { } draw)
        {
            return;
        }

        const int Samples = 10_000;
        foreach (var seed in new ulong[] { 1, 2, 3 })
        {
            var occupancy = modes.Occupancy(draw(Samples, new RandomStream(seed)), density.Dimension);

            // Pearson's statistic over modes expected at least ten times; its mean is their number, its variance twice that.
            int[] common = [.. Enumerable.Range(0, modes.Count).Where(k => modes.Weights[k] * Samples >= 10)];
            var statistic = common.Sum(k => Math.Pow(occupancy[k] - modes.Weights[k], 2) * Samples / modes.Weights[k]);
            Assert.True(statistic < common.Length + (6 * Math.Sqrt(2.0 * common.Length)), $"statistic {statistic} for {common.Length} modes");
        }
    }

    // Half of the mass of Student's t with two degrees of freedom lies within sqrt(2/3) of its centre, and half above it.
    [Theory]
    [InlineData("student-t-mixture-3")]
    [InlineData("student-t-mixture-50")]
    public void StudentMixturesHaveTheQuartilesOfTheirComponents(string name)
    {
        const int Samples = 2000;
        var density = KnownTargets.Get(name);
        var d = density.Dimension;
        var quartile = Math.Sqrt(2.0 / 3);
        foreach (var seed in new ulong[] { 1, 2, 3 })
        {
            var draws = density.Facts.ExactSampler!(Samples, new RandomStream(seed));
            var means = MixtureMeans(d);
            var (inside, above) = (0, 0);
            for (var s = 0; s < Samples; s++)
            {
                var x = draws.AsSpan(s * d, d).ToArray();
                var nearest = means.MinBy(m => m.Zip(x, (a, b) => Math.Log(2 + ((a - b) * (a - b)))).Sum())!;
                for (var i = 0; i < d; i++)
                {
                    inside += Math.Abs(x[i] - nearest[i]) < quartile ? 1 : 0;
                    above += x[i] > nearest[i] ? 1 : 0;
                }
            }

            var error = 0.5 / Math.Sqrt(Samples * d);

            // In few dimensions some draws lie nearer to another component, which changes the fractions slightly.
            var slack = d < 10 ? 0.05 : 0;
            Assert.InRange(inside / (double)(Samples * d), 0.5 - (5 * error) - slack, 0.5 + (5 * error) + slack);
            Assert.InRange(above / (double)(Samples * d), 0.5 - (5 * error) - slack, 0.5 + (5 * error) + slack);
        }
    }

    private static double[][] MixtureMeans(int dimension) => StudentMixtures.Definition(dimension).Means;

    [Fact]
    public void MixturesInFewerDimensionsHaveTheSameMeans()
    {
        var (small, large) = (GaussianMixtures.Eight(3).Means, GaussianMixtures.Eight(200).Means);
        Assert.All(Enumerable.Range(0, 8), k => Assert.Equal(small[k], large[k][..3]));
        Assert.All(large.SelectMany(m => m), v => Assert.InRange(v, -5, 5));
        Assert.Equal(25.0 / 3, large.SelectMany(m => m).Average(v => v * v), 0.8);
    }

    [Theory]
    [InlineData("phi4-4x4@m2=-1,lambda=0.8", "phi4-4x4")]
    [InlineData("phi4-3x3@lambda=5.1,m2=-4.75", "phi4-3x3@m2=-4.75,lambda=5.1")]
    [InlineData("shifted-gaussian-7@scale=0.5", "shifted-gaussian-7@scale=0.5")]
    public void SettingsArePartOfTheName(string asked, string name) => Assert.Equal(name, TargetLibrary.Get(asked).Name);

    [Theory]
    [InlineData("phi4-4x4@mass=1", "no setting 'mass'; it has m2 and lambda")]
    [InlineData("phi4-4x4@m2", "can't be read at 'm2'")]
    [InlineData("phi4-4x4@m2=1,m2=2", "can't be read at 'm2=2'")]
    [InlineData("phi4-1x4", "each L at least 2")]
    [InlineData("phi4-16", "phi4-chain-L or phi4-LxL")]
    [InlineData("phi4-4x4@m2=-1,lambda=0", "can't be normalised")]
    [InlineData("shifted-gaussian-7@scale=0", "a scale above 0")]
    [InlineData("gmm9@m2=1", "it takes none")]
    public void ImpossibleSettingsAreRefused(string name, string reason) =>
        Assert.Contains(reason, Assert.Throws<ArgumentException>(() => TargetLibrary.Get(name)).Message);
}
