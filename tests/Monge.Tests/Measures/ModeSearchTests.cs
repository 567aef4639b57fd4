using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class ModeSearchTests
{
    // A mixture of 2 to 8 Gaussians in a ball of 5 to 1,000 deviations, weights to 1:20, widths to 1:3 up to five coordinates and equal above.
    private static (GaussianMixtureLaw Law, Density Density) Random(int dimension, int seed)
    {
        var random = new RandomStream((ulong)seed, 17);
        var count = 2 + random.NextInt(7);
        var radius = 5 * Math.Pow(200, random.NextDouble());
        double[] weights = [.. Enumerable.Range(0, count).Select(_ => Math.Pow(20, random.NextDouble()))];
        weights = [.. weights.Select(w => w / weights.Sum())];
        double[] deviations = [.. Enumerable.Range(0, count).Select(_ => dimension > 5 ? 1 : Math.Pow(3, -random.NextDouble()))];
        var means = new List<double[]>();
        for (var tried = 0; means.Count < count; tried++)
        {
            radius *= tried % 100 == 99 ? 1.1 : 1;
            double[] direction = [.. Enumerable.Range(0, dimension).Select(_ => random.NextNormal())];
            var length = radius * Math.Pow(random.NextDouble(), 1.0 / dimension) / Math.Sqrt(direction.Sum(v => v * v));
            double[] mean = [.. direction.Select(v => length * v)];
            if (means.All(other => Distance(mean, other) > Math.Max(5, 0.3 * radius)))
            {
                means.Add(mean);
            }
        }

        var law = GaussianMixtureLaw.Isotropic(weights, [.. means], [.. deviations.Select(s => s * s)]);
        return (law, Density.Create("mixture", dimension, law.LogDensity));
    }

    private static double Distance(double[] one, double[] other) => Math.Sqrt(one.Zip(other, (a, b) => (a - b) * (a - b)).Sum());

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(20)]
    [InlineData(50)]
    public void ModesOfRandomMixturesAreFound(int dimension)
    {
        var complete = 0;
        for (var seed = 1; seed <= 20; seed++)
        {
            var (law, density) = Random(dimension, seed);
            var found = ModeSearch.Find(density);
            var missing = Enumerable.Range(0, law.Count).Where(k => law.Weights[k] >= 0.05).Where(
                k => !found.Modes.Any(m => Distance(m.Mode, law.Means[k]) < Math.Sqrt(law.Covariances[k][0, 0])));
            complete += missing.Any() ? 0 : 1;
        }

        Assert.True(complete >= 19, $"all modes in {complete} of 20 targets");
    }

    [Fact]
    public void ARidgeIsOneModeAndAFunnelNone()
    {
        var ridge = Density.Create("ridge", 2, x => (-0.005 * x[0].Square()) - (0.5 * (x[1] + (0.1 * x[0].Square()) - 10).Square()));
        Assert.Single(ModeSearch.Find(ridge).Modes);
        var funnel = Density.Create("funnel", 2, x => (-x[0].Square() / 18) - (0.5 * x[1].Square() * (-x[0]).Exp()) - (0.5 * x[0]));
        Assert.True(ModeSearch.Find(funnel).Modes.Count <= 1);
    }

    [Fact]
    public void LaplacesNormaliserOrdersModesAndNegligibleOnesAreLeftOut()
    {
        var law = GaussianMixtureLaw.Isotropic([0.2, 0.8 - 1e-6, 1e-6], [[-40, 0], [40, 0], [0, 70]], [1, 4, 1]);
        var found = ModeSearch.Find(Density.Create("three", 2, law.LogDensity));
        Assert.Equal(2, found.Modes.Count);
        Assert.Equal(Math.Log(0.8), found.Modes[0].LogZ, 1e-3);
        Assert.Equal(Math.Log(0.2), found.Modes[1].LogZ, 1e-3);
        Assert.StartsWith("2 modes from ", found.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void AConstantHasNoModes() => Assert.Empty(ModeSearch.Find(Density.Create("flat", 2, _ => 1)).Modes);

    [Fact]
    public void TracedDrawsOfAMixtureHaveItsWeightsAndMoments()
    {
        var law = new GaussianMixtureLaw([0.2, 0.5, 0.3], [[-30, 0], [0, 1], [20, 5]], [new double[,] { { 1, 0.5 }, { 0.5, 2 } }, Unit(), Unit()]);
        const int n = 20_000;
        using var program = new CompiledProgram<double>(new TracedProgram(null, ("x", law.Draw(5)))) { ["x"] = new NdArray<double>(n, 2) };
        program.Run(n, new DrawKey(3));
        var first = Enumerable.Range(0, n).Where(i => program["x"].Row(i)[0] < -15).ToArray();
        Assert.Equal(0.2, first.Length / (double)n, 0.012);
        Assert.Equal(0.3, Enumerable.Range(0, n).Count(i => program["x"].Row(i)[0] > 10) / (double)n, 0.013);
        Assert.Equal(0.5, first.Average(i => (program["x"].Row(i)[0] + 30) * program["x"].Row(i)[1]), 0.1);
    }

    private static double[,] Unit() => new double[,] { { 1, 0 }, { 0, 1 } };
}
