using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Tests.Measures;

public sealed class ModeSearchTests
{
    // A mixture of 2 to 8 Gaussians in a ball of 5 to 1,000 deviations, weights to 1:20, widths to 1:3 up to five coordinates and to 1:1.2 above.
    private static (GaussianMixtureLaw Law, Density Density) Random(int dimension, int seed)
    {
        var random = new RandomStream((ulong)seed, 17);
        var count = 2 + random.NextInt(7);
        var radius = 5 * Math.Pow(200, random.NextDouble());
        double[] weights = [.. Enumerable.Range(0, count).Select(_ => Math.Pow(20, random.NextDouble()))];
        weights = [.. weights.Select(w => w / weights.Sum())];
        double[] deviations = [.. Enumerable.Range(0, count).Select(_ => Math.Pow(dimension > 5 ? 1.2 : 3, -random.NextDouble()))];
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
                k => !found.Modes.Any(m => Distance(m.Position, law.Means[k]) < Math.Sqrt(law.Covariances[k][0, 0])));
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

    // At the tip of a funnel of 20 coordinates Laplace's Gaussian holds e^-11 of the mass: left out by that figure, half of all mass would be lost.
    [Fact]
    public void TheMassOfAFunnelIsThatOfItsMomentsNotOfItsTip()
    {
        const int d = 20;
        var constant = -0.5 * d * Math.Log(2 * Math.PI);
        var density = Density.Create("funnel and Gaussian", d, x =>
        {
            var rest = x.Slice(0, 1, d - 1).SquaredNorm() * (-x[0]).Exp();
            var funnel = Math.Log(0.5) - Math.Log(0.5) + constant - (0.5 * ((x[0] / 0.5).Square() + rest + ((d - 1) * x[0])));
            return Expr.Stack(0, funnel, Math.Log(0.5) + constant - (0.5 * (x - 10).SquaredNorm())).LogSumExp();
        });
        var found = ModeSearch.Find(density);
        Assert.Equal(2, found.Modes.Count);
        Assert.All(found.Modes, m => Assert.Equal(Math.Log(0.5), m.LogZ, 0.7));
        var tip = Assert.Single(found.Modes, m => m.Position[1] < 5);
        Assert.Equal(-0.5 * (d - 1) * 0.25, tip.Position[0], 1e-3);
        Assert.InRange(tip.Gaussian.Mean[0], -1, 0.5);
    }

    [Fact]
    public void AModeIsLostWithoutDrawsAboutItHoweverNearAnotherLies()
    {
        const int d = 20;
        var law = GaussianMixtureLaw.Isotropic([0.5, 0.5], [new double[d], [9, .. new double[d - 1]]], [1, 1]);
        var found = ModeSearch.Find(Density.Create("two", d, law.LogDensity));
        var (random, weights) = (new RandomStream(3), Enumerable.Repeat(1.0 / 500, 500).ToArray());
        Assert.Null(found.Lost(law.Sample(500, random), weights, 0));
        var one = GaussianBase.Isotropic(d).Sample(500, random);
        Assert.Equal(0.5, found.Lost(one, weights, Math.Log(0.5))!.Value.Share, 0.01);
        Assert.Equal(0, found.Lost(one, weights, Math.Log(0.5))!.Value.Found, 1e-12);
    }

    [Fact]
    public void AStoppedSearchLeavesTheDensityAsItWas()
    {
        var density = Density.Create("normal", 2, x => -0.5 * x.SquaredNorm());
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => density.Check(cancellation: stop.Token));
        density.Check();
        Assert.Single(density.Base.Modes!.Modes);
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
