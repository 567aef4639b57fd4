using Monge.Diagnostics;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.Methods;

/// <summary>Modes that no start near the first one leads to.</summary>
public sealed class FarModesTests
{
    private static readonly TrainingOptions s_brief = new() { Iterations = 100, BatchSize = 128 };
    private static readonly TrainingOptions s_longer = s_brief with { Iterations = 1000 };

    private static Density Far(double distance)
    {
        var law = GaussianMixtureLaw.Isotropic([0.3, 0.7], [[.. Enumerable.Repeat(-distance, 5)], [.. Enumerable.Repeat(distance, 5)]], [1, 1]);
        return Density.Create("far", 5, law.LogDensity);
    }

    private static Density Period()
    {
        double[] times = [.. Enumerable.Range(0, 20).Select(i => i + (0.3 * Math.Sin(i * 5.1)))];
        double[] values = [.. times.Select(t => Math.Sin(2 * Math.PI * t / 3.7))];
        var (t, y) = (Expr.Constant(times, 20), Expr.Constant(values, 20));
        return Density.Create(
            "period", 1, x => -0.5 * ((y - (2 * Math.PI * t / x[0]).Sin()) / 0.3).SquaredNorm(), new() { Support = [SupportTransform.Interval(1.2, 10)] });
    }

    [Theory]
    [InlineData(30, 1)]
    [InlineData(30, 2)]
    [InlineData(100, 1)]
    public void BothOfTwoFarModesAreSampled(double distance, ulong seed)
    {
        var training = distance > 50 ? s_longer : s_brief;
        foreach (ISamplingMethod method in new ISamplingMethod[]
        {
            new PinnTransport(Far(distance), new PinnOptions { Training = training }),
            new NetsTransport(Far(distance), new NetsOptions { Training = training }),
        })
        {
            var set = method.Sample(4000, new Run { Seed = seed });
            Assert.True(set.Status.IsSuccess, set.Status.Message);
            Assert.Equal(0, set.LogZ, Math.Max(4 * set.LogZError, 1e-3));
            Assert.Equal(0.4 * distance, set.Mean()[0], 0.06 * distance);
            Assert.Contains("2 modes from", set.Preparation, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AResumedRunKeepsTheLawThatItStartedFrom()
    {
        var folder = Directory.CreateTempSubdirectory("monge-far-").FullName;
        try
        {
            PinnTransport Method() => new(Far(30), new PinnOptions { Training = s_brief });
            var first = Method().Sample(200, new Run { Seed = 1, Folder = folder });
            var again = Method().Sample(200, new Run { Seed = 1, Folder = folder, Resume = true });
            Assert.Equal(first.Positions, again.Positions);
            Assert.Equal(first.LogWeights, again.LogWeights);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void ASamplerThatStaysInOneModeFails()
    {
        var options = new ControlledOptions { Training = s_brief, Size = new() { Width = 16, Depth = 2 }, Steps = 20 };
        var set = new ControlledTransport(Far(30), ControlledAlgorithm.Dds, options).Sample(2000, new Run { Seed = 1 });
        Assert.Equal(StatusCode.Failed, set.Status.Code);
        Assert.Contains("2 modes", string.Join(' ', set.Warnings.Select(w => w.Message)), StringComparison.Ordinal);
    }

    [Fact]
    public void ABaseThatMissesAModeIsTold()
    {
        var law = GaussianMixtureLaw.Isotropic([0.3, 0.7], [[-30, 0], [30, 0]], [1, 1]);
        var density = Density.Create("missed", 2, law.LogDensity, new DensityOptions { Base = new BaseSuggestion([30, 0], [1, 1], "mine") });
        var set = new PinnTransport(density, new PinnOptions { Training = s_brief }).Sample(2000, new Run { Seed = 1 });
        Assert.Equal(StatusCode.Failed, set.Status.Code);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void OneModeFarAboveAllOthersIsSampledThoughNewtonsMethodFindsAnother(ulong seed)
    {
        var set = new PinnTransport(Period(), new PinnOptions { Training = s_brief }).Sample(4000, new Run { Seed = seed });
        Assert.Equal(-3.004994, set.LogZ, 0.01);
        Assert.Equal(3.7002, set.Mean()[0], 0.002);
        Assert.Equal(0.0198, set.StandardDeviation()[0], 0.0015);
    }

    [Fact]
    public void AWideAndANarrowModeAreBothSampled()
    {
        var density = Density.Create("small", 2, x => Expr.Vector(
            Math.Log(0.5) - (0.5 * x.SquaredNorm()), Math.Log(0.5) - (0.5 * ((x - 6) / 0.2).SquaredNorm()) - (2 * Math.Log(0.2))).LogSumExp());
        var set = new PinnTransport(density, new PinnOptions { Training = s_brief }).Sample(4000, new Run { Seed = 1 });
        Assert.Equal(1.837877, set.LogZ, 0.01);
        Assert.Equal(3, set.Mean()[0], 0.2);
    }
}
