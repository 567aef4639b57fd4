using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;

namespace Monge.Tests.Methods;

public sealed class CoverageCheckTests
{
    private const string Missing = "may miss part of the target";

    private static readonly PinnOptions s_small = new()
    {
        Training = new() { Iterations = 200, BatchSize = 128 },
        Size = new() { Width = 16, Depth = 2 },
        Collocation = new() { Walkers = 128, WalkerSteps = 32 },
        Preparation = new() { TargetExponent = 1, BaseExponent = 1 },
        Carry = new() { Sampler = SamplerChoice.Ode, SamplerSteps = 16 },
    };

    private static readonly double s_bananaLogZ = Math.Log(20 * Math.PI);

    private static Density Banana() => Density.Create("my-banana", 2, x => (-0.005 * x[0].Square()) - (0.5 * (x[1] + (0.1 * x[0].Square()) - 10).Square()));

    // Normal densities of deviation 0.7 at the origin and at distance 6, weights 0.6 and 0.4.
    private static Density FarModes() => Density.Create("far-modes", 2, x =>
    {
        Expr Mode(double at, double weight) => Math.Log(weight / (2 * Math.PI * 0.49)) - (0.5 / 0.49 * (x - Expr.Constant([at, 0.0], 2)).SquaredNorm());
        return Expr.Vector(Mode(0, 0.6), Mode(6, 0.4)).LogSumExp();
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void BananaWithoutAnyHintIsCovered(ulong seed)
    {
        var set = new PinnTransport(Banana(), s_small).Sample(10_000, new Run { Seed = seed });
        Assert.True(Math.Abs(set.LogZ - s_bananaLogZ) < 0.02, $"log Z {set.LogZ}");
        Assert.True(set.EffectiveSampleSize > 0.9, $"ESS {set.EffectiveSampleSize}");
        Assert.Equal(10, set.StandardDeviation()[0], 0.5);
        Assert.Equal(Math.Sqrt(201), set.StandardDeviation()[1], 0.15 * Math.Sqrt(201));
        Assert.Empty(set.Warnings);
    }

    [Fact]
    public void BentCoordinatesAreCheckpointed()
    {
        var target = Banana();
        var problem = ((ITransportMethod)new PinnTransport(target, s_small)).Prepare<float>(new PreparationRun(new Run()));
        var state = new RunState();
        problem.Save(state);
        var restored = TransportProblem.Load(target, state);
        var (before, after) = (new double[2], new double[2]);
        problem.ToPosition([0.7, -1.3], before);
        restored.ToPosition([0.7, -1.3], after);
        Assert.Equal(problem.Bend!.Numbers, restored.Bend!.Numbers);
        Assert.Equal(before, after);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void BaseThatLosesTheArmsOfTheBananaIsReported(ulong seed)
    {
        var set = new PinnTransport(Banana(), s_small with
        {
            Training = s_small.Training with { Iterations = 1000, BatchSize = 256, LearningRate = 5e-3 },
            Size = s_small.Size with { Width = 32 },
            Preparation = s_small.Preparation with { Base = BaseChoice.Isotropic, BaseScale = 3 },
            Carry = s_small.Carry with { Sampler = SamplerChoice.Automatic, SamplerSteps = 64 },
        }).Sample(4000, new Run { Seed = seed });
        Assert.True(set.LogZ + (4 * set.LogZError) < s_bananaLogZ, $"log Z {set.LogZ} +- {set.LogZError}: nothing is missed");
        Assert.Contains(set.Warnings, w => w.Message.Contains(Missing, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void BaseThatLosesAModeIsReported(ulong seed)
    {
        var set = new PinnTransport(FarModes(), s_small with { Preparation = s_small.Preparation with { Base = BaseChoice.Isotropic, BaseScale = 0.6 } })
            .Sample(2000, new Run { Seed = seed });
        Assert.Equal(Math.Log(0.6), set.LogZ, 0.05);
        Assert.Contains(set.Warnings, w => w.Message.Contains(Missing, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void GoodDrawsOfTwoModesAreNotReported(ulong seed)
    {
        var set = new PinnTransport(FarModes(), s_small with { Training = s_small.Training with { Iterations = 600 }, Size = s_small.Size with { Width = 32 } })
            .Sample(4000, new Run { Seed = seed });
        Assert.Equal(0, set.LogZ, 0.05);
        Assert.DoesNotContain(set.Warnings, w => w.Message.Contains(Missing, StringComparison.Ordinal));
    }
}
