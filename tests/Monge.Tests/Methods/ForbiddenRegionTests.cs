using Monge.Diagnostics;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;
using Monge.Objectives;
using Monge.Runs;

namespace Monge.Tests.Methods;

/// <summary>Targets that are zero or not finite in some places, singular at an edge, or far from zero: short runs reach the exact values.</summary>
public sealed class ForbiddenRegionTests
{
    private static readonly PreparationOptions s_preparation = new() { TargetExponent = 1, BaseExponent = 1 };

    public static TheoryData<string, double> Walls => new()
    {
        { "disc", Math.Log(Math.PI) },
        { "half-plane", 1.563769 },
        { "interval", 0.516535 },
        { "ball", Math.Log(8 * Math.PI * Math.PI / 15) },
        { "triangle", -1 },
        { "two-peaks", 1.837877 },
        { "root", Math.Log(21.0) },
    };

    [Theory]
    [MemberData(nameof(Walls))]
    public void WallsAndPlacesWithoutAValueAreSampled(string name, double logZ)
    {
        var density = Make(name);
        var set = Pinn(density, 200).Sample(4000, new Run { Seed = 1 });
        Assert.NotEqual(StatusCode.Failed, set.Status.Code);
        Assert.Equal(name == "root" ? Expected(density) : logZ, set.LogZ, Math.Max(0.01, 4 * set.LogZError));
        Assert.True(set.EffectiveSampleSize > 0.3, $"ESS {set.EffectiveSampleSize}");
        if (set.LogWeights.Any(double.IsNegativeInfinity))
        {
            Assert.Contains("ended where the density is zero or not finite", set.Sampler, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.Float64)]
    public void AHugeNumberStandsForMinusInfinityInBothPrecisions(Precision precision)
    {
        var options = new PinnOptions { Training = new() { Iterations = 60, BatchSize = 128 }, Preparation = s_preparation, Precision = precision };
        var set = new PinnTransport(Make("half-plane"), options).Sample(2000, new Run { Seed = 2 });
        Assert.Equal(1.563769, set.LogZ, Math.Max(0.01, 4 * set.LogZError));
    }

    [Fact]
    public void OtherMethodsTrainBesideWallsToo()
    {
        var training = new TrainingOptions { Iterations = 40, BatchSize = 64 };
        var controlled = new ControlledOptions { Training = training, Size = new() { Width = 16, Depth = 2 }, Steps = 20 };
        foreach (ISamplingMethod method in new ISamplingMethod[]
        {
            new NetsTransport(Make("disc"), new NetsOptions { Training = training, Preparation = s_preparation }),
            new ControlledTransport(Make("disc"), ControlledAlgorithm.Cmcd, controlled),
            new ControlledTransport(Make("disc"), ControlledAlgorithm.Dds, controlled with { Loss = PathSpaceLoss.Kl }),
        })
        {
            var set = method.Sample(2000, new Run { Seed = 1 });
            Assert.Equal(Math.Log(Math.PI), set.LogZ, Math.Max(0.05, 5 * set.LogZError));
        }
    }

    [Fact]
    public void AResumedRunKeepsItsGuard()
    {
        var folder = Directory.CreateTempSubdirectory("monge-wall-").FullName;
        try
        {
            var first = Pinn(Make("disc"), 40).Sample(200, new Run { Seed = 1, Folder = folder });
            var again = Pinn(Make("disc"), 40).Sample(200, new Run { Seed = 1, Folder = folder, Resume = true });
            Assert.Equal(first.Positions, again.Positions);
            Assert.Equal(first.LogWeights, again.LogWeights);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void ALocationFarFromZeroIsSampledInDoublePrecision()
    {
        double[] times = [.. Enumerable.Range(0, 200).Select(i => 1.6e9 + (3 * Math.Sin(i * 12.9898)))];
        var density = Density.Create("location", 1, x => (-0.5 * ((Expr.Constant(times, 200) - x[0]) / 2).Square()).Sum());
        var set = Pinn(density, 60).Sample(2000, new Run { Seed = 1 });
        Assert.Equal(-113.578481, set.LogZ, 0.01);
        Assert.Equal(1600000000.0684, set.Mean()[0], 0.02);
        Assert.Equal(0.141421, set.StandardDeviation()[0], 0.01);
        Assert.Contains("in double precision, as x[0] lies", set.Sampler, StringComparison.Ordinal);
    }

    [Fact]
    public void AnIntervalFarFromZeroIsSampledInDoublePrecision()
    {
        var density = Density.Create(
            "far-interval", 1, x => -0.5 * (x[0] - 1.6e9 - 3).Square(), new DensityOptions { Support = [SupportTransform.Interval(1.6e9, 1.6e9 + 6)] });
        var set = Pinn(density, 60).Sample(2000, new Run { Seed = 1 });
        Assert.Equal(0.916235, set.LogZ, Math.Max(0.01, 4 * set.LogZError));
        Assert.Contains("in double precision", set.Sampler, StringComparison.Ordinal);
    }

    // About the left mode the exponential of the right one's formula leaves the range of single precision, and with it the gradient of the sum.
    [Fact]
    public void ASlopeBeyondSinglePrecisionIsTakenInDouble()
    {
        var density = Density.Create("overflow", 1, x => Expr.Stack(
            0, (-0.5 * (x[0] - 100).Square()) - (1e-30 * (-x[0]).Exp()), -0.5 * (x[0] + 100).Square()).LogSumExp());
        var set = Pinn(density, 60).Sample(2000, new Run { Seed = 1 });
        Assert.Equal(Math.Log(2 * Math.Sqrt(2 * Math.PI)), set.LogZ, Math.Max(0.01, 4 * set.LogZError));
        Assert.Contains("in double precision, as the density or its gradient leaves the range", set.Sampler, StringComparison.Ordinal);
    }

    [Fact]
    public void ATrainingThatMeetsAPlaceWithoutAValueGoesOnWithAGuard()
    {
        // The first draws are too near to zero to see that the formula has no value beyond 3.6.
        var density = Density.Create(
            "rare", 1, x => Expr.Select(x[0].Abs().Less(3.6), -0.5 * x[0].Square(), double.NaN),
            new DensityOptions { Base = new BaseSuggestion([0], [0.3], "mine") });
        var set = Pinn(density, 100).Sample(2000, new Run { Seed = 1 });
        Assert.NotEqual(StatusCode.Failed, set.Status.Code);
        Assert.Equal(0.5 * Math.Log(2 * Math.PI), set.LogZ, Math.Max(0.02, 4 * set.LogZError));
    }

    [Fact]
    public void EmptyKindsOfCountsAreSampled()
    {
        double[] counts = [120, 3, 0, 40];
        var density = Density.Create(
            "zero-count", 4, x => ((Expr.Constant(counts, 4) - 0.9) * x.Log()).Sum(), new DensityOptions { Support = [SupportTransform.Simplex(4)] });
        var set = Pinn(density, 100).Sample(4000, new Run { Seed = 1 });
        Assert.Equal(-104.147744, set.LogZ, Math.Max(0.02, 4 * set.LogZError));
        Assert.Equal(0.735006, set.Mean()[0], 0.01);
    }

    private static PinnTransport Pinn(Density density, int iterations) => new(
        density,
        new PinnOptions { Training = new() { Iterations = iterations, BatchSize = 256 }, Preparation = s_preparation, Size = new() { Width = 32, Depth = 2 } });

    // The mass of a density on the line by the midpoint rule; places without a value have none.
    private static double Expected(Density density)
    {
        const int points = 40_000;
        double[] at = [.. Enumerable.Range(0, points).Select(i => -4 + (8 * (i + 0.5) / points))];
        return Math.Log(8.0 / points * density.LogDensityAt(at).Where(double.IsFinite).Sum(Math.Exp));
    }

    private static Density Make(string name) => name switch
    {
        "disc" => Density.Create(name, 2, x => Expr.Select(x.SquaredNorm().Less(1), 0, double.NegativeInfinity)),
        "half-plane" => Density.Create(name, 2, x => Expr.Select((x[0] + x[1]).Less(1), -0.5 * x.SquaredNorm(), -1e300)),
        "interval" => Density.Create(
            name, 1, x => Expr.Select(x[0].Greater(-2) * x[0].Less(0.5), -0.5 * x[0].Square(), double.NegativeInfinity)),
        "ball" => Density.Create(name, 5, x => Expr.Select(x.SquaredNorm().Less(1), 0, -1e300)),
        "triangle" => Density.Create(
            name, 2, x => Expr.Select(x[0].Greater(0) * x[1].Greater(0) * (x[0] + x[1]).Less(1), -x[0], double.NegativeInfinity)),
        "two-peaks" => Density.Create(
            name, 2, x => ((0.3 * (-0.5 * ((x[0] - 10).Square() + x[1].Square())).Exp())
                + (0.7 * (-0.5 * ((x[0] + 10).Square() + x[1].Square())).Exp())).Log()),
        _ => Density.Create(name, 1, x => (4 - x[0].Square()).Sqrt()),
    };
}
