using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;
using Monge.Paths;
using Monge.Runs;
using Monge.Tests.Dynamics;
using Monge.Training;

namespace Monge.Tests.Methods;

public sealed class NetsTransportTests : IDisposable
{
    private static readonly NetsOptions s_small = new()
    {
        Training = new() { Iterations = 60, BatchSize = 64 },
        Size = new() { Width = 8, Depth = 2 },
        Simulation = new() { Walkers = 32, GridTimes = 8, RefreshInterval = 10, Replay = 3 },
        Preparation = new() { Base = BaseChoice.Isotropic, BaseScale = 2, TargetExponent = 1, BaseExponent = 1 },
        Carry = new() { Sampler = SamplerChoice.Ode, SamplerSteps = 16 },
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("monge-nets-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    // Two Gaussians at +-1.5 with deviation 0.5 and weights 0.3 and 0.7 times e^0.4, so log Z = 0.4.
    private static Density TwoModes() => Density.Create("two-modes", 2, x => TwoModes(x, 1, 0.5));

    private static Expr TwoModes(Expr x, Expr shift, Expr scale)
    {
        Expr Mode(double at, double weight) =>
            Math.Log(weight / (2 * Math.PI)) - (2 * scale.Log()) - (0.5 * ((x - (shift * Expr.Constant([at, 0.0], 2))) / scale).SquaredNorm());
        return 0.4 + Expr.Vector(Mode(-1.5, 0.3), Mode(1.5, 0.7)).LogSumExp();
    }

    // The same with the means moving from the origin; log Z_t = 0.4 t.
    private static FormulaPath MovingModes() => new(
        2, (x, t) => TwoModes(x, t, 1 - (0.5 * t)) - (0.4 * (1 - t)), stream => Expr.Random(RandomLaw.Normal, stream, 2), "means from the origin",
        usesModeKnowledge: true);

    private static Density Moving() => Density.Create("moving", 2, x => MovingGaussian.LogDensity(x, 1));

    private string Folder(string name) => Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;

    [Fact]
    public void ResumedTrainingEqualsUninterruptedTrainingToTheBit()
    {
        var (whole, parts) = (Folder("whole"), Folder("parts"));
        var uninterrupted = new NetsTransport(TwoModes(), s_small).Sample(100, new Run { Seed = 4, Folder = whole });
        using var source = new CancellationTokenSource();
        var cancel = new Watch(p =>
        {
            if (p.Phase == "train")
            {
                source.Cancel();
            }
        });
        Assert.Throws<OperationCanceledException>(
            () => new NetsTransport(TwoModes(), s_small).Sample(100, new Run { Seed = 4, Folder = parts, Progress = cancel, Cancellation = source.Token }));
        Assert.False(File.Exists(Path.Combine(parts, "model.safetensors")));
        var resumed = new NetsTransport(TwoModes(), s_small).Sample(100, new Run { Seed = 4, Folder = parts, Resume = true });
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole, "model.safetensors")), File.ReadAllBytes(Path.Combine(parts, "model.safetensors")));
        Assert.Equal(uninterrupted.Positions, resumed.Positions);
        Assert.Equal(uninterrupted.LogWeights, resumed.LogWeights);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(25)]
    [InlineData(40)]
    public void StateIsAllThereIsToCheckpoint(int stop)
    {
        ITransportMethod method = new NetsTransport(TwoModes(), s_small);
        var run = new Run { Seed = 7 };
        var problem = method.Prepare<float>(new PreparationRun(run));
        TrainingStates.AreAllThereIsToCheckpoint(() => method.Networks(problem).Training<float>(run), stop, 60);
    }

    [Fact]
    public void CheckpointsOfOtherRunsAndDamagedFilesAreRefused()
    {
        var folder = Folder("run");
        new NetsTransport(TwoModes(), s_small).Sample(10, new Run { Seed = 4, Folder = folder });
        var again = new Run { Seed = 4, Folder = folder, Resume = true };
        string Refusal(NetsOptions options, Run run) =>
            Assert.Throws<CheckpointException>(() => new NetsTransport(TwoModes(), options).Sample(10, run)).Message;
        Assert.Contains("seed 4, not 5", Refusal(s_small, again with { Seed = 5 }), StringComparison.Ordinal);
        Assert.Contains("other options", Refusal(s_small with { Size = s_small.Size with { Width = 9 } }, again), StringComparison.Ordinal);
        var path = Path.Combine(folder, "checkpoint.safetensors");
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^100]);
        Assert.Contains("truncated", Refusal(s_small, again), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, Precision.Float32)]
    [InlineData(2, Precision.Float32)]
    [InlineData(3, Precision.Float64)]
    public void FindsTheNormaliserTheWeightsAndTheMeansOfTwoModes(ulong seed, Precision precision)
    {
        var options = s_small with
        {
            Training = s_small.Training with { Iterations = 500, BatchSize = 256 },
            Size = s_small.Size with { Width = 32 },
            Simulation = s_small.Simulation with { Walkers = 128, GridTimes = 16 },
            Precision = precision,
        };
        var set = new NetsTransport(TwoModes(), options).Sample(4000, new Run { Seed = seed });
        Assert.True(set.EffectiveSampleSize > 0.8, $"ESS {set.EffectiveSampleSize}");
        Assert.True(Math.Abs(set.LogZ - 0.4) < (4 * set.LogZError) + 1e-4, $"log Z {set.LogZ} +- {set.LogZError}");
        Assert.Equal((0.7 - 0.3) * 1.5, set.Mean()[0], 0.12);
        Assert.True(set.TargetCalls > 500 * 256);
        Assert.False(set.UsesModeKnowledge);
        Assert.NotEmpty(set.SamplerScan!);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void GatesLearnAMixtureThatMovesItsMeans(ulong seed)
    {
        var options = s_small with
        {
            Training = s_small.Training with { Iterations = 500, BatchSize = 256, LearningRate = 0.01 },
            Network = NetsNetwork.None,
            Simulation = s_small.Simulation with { Walkers = 128, GridTimes = 16 },
        };
        var set = new NetsTransport(TwoModes(), options, MovingModes()).Sample(4000, new Run { Seed = seed });
        Assert.True(set.EffectiveSampleSize > 0.98, $"ESS {set.EffectiveSampleSize}");
        Assert.Equal(0.4, set.LogZ, 0.01);
        Assert.True(set.UsesModeKnowledge);
        Assert.Contains("means from the origin", set.Preparation, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void VelocitiesOfAHeavyTailedMixtureAreLearned(ulong seed)
    {
        var options = s_small with
        {
            Path = NetsPath.Interpolated,
            Network = NetsNetwork.Selecting,
            ScoreGate = false,
            Training = s_small.Training with { Iterations = 600, BatchSize = 256, LearningRate = 0.02 },
            Simulation = s_small.Simulation with { Walkers = 128, GridTimes = 16, SpreadShare = 0, HorizonShare = 0.1 },
        };
        var set = new NetsTransport(TargetLibrary.Get("student-t-mixture-5"), options).Sample(4000, new Run { Seed = seed });
        Assert.True(set.EffectiveSampleSize > 0.5, $"ESS {set.EffectiveSampleSize}");
        Assert.True(Math.Abs(set.LogZ) < (4 * set.LogZError) + 1e-4, $"log Z {set.LogZ} +- {set.LogZError}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void ActionMatchingLearnsAPotential(ulong seed)
    {
        var options = s_small with
        {
            Objective = NetsObjective.ActionMatching,
            Drift = NetsDrift.Potential,
            Training = s_small.Training with { Iterations = 800, LearningRate = 0.01 },
            Size = s_small.Size with { Width = 16 },
            Simulation = s_small.Simulation with { Walkers = 256, GridTimes = 24, RefreshInterval = 1 },
        };
        var set = new NetsTransport(Moving(), options, MovingGaussian.Path).Sample(4000, new Run { Seed = seed });
        Assert.True(set.EffectiveSampleSize > 0.9, $"ESS {set.EffectiveSampleSize}");
        Assert.True(Math.Abs(set.LogZ - MovingGaussian.LogZ) < (4 * set.LogZError) + 1e-4, $"log Z {set.LogZ} +- {set.LogZError}");
    }

    [Theory]
    [InlineData(1, NetsWeights.Kernel)]
    [InlineData(2, NetsWeights.Kernel)]
    [InlineData(3, NetsWeights.Kernel)]
    [InlineData(1, NetsWeights.Continuous)]
    public void ResampledLogZIsUnbiasedAndItsErrorHonest(ulong seed, NetsWeights weights)
    {
        // One step of training leaves the drift at nothing, so the weights are uneven and particles are resampled often.
        var options = s_small with
        {
            Training = s_small.Training with { Iterations = 1 },
            ScoreGate = false,
            Carry = s_small.Carry with { Sampler = SamplerChoice.Sde, SamplerSteps = weights == NetsWeights.Kernel ? 64 : 600, Diffusion = 2 },
            Walker = s_small.Walker with { ResamplingThreshold = 0.9, IslandSize = 128, Weights = weights },
        };
        var set = new NetsTransport(Moving(), options, MovingGaussian.Path).Sample(6400, new Run { Seed = seed });
        Assert.Contains("resampled", set.Sampler, StringComparison.Ordinal);
        Assert.InRange(set.LogZError, 1e-3, 0.03);
        Assert.True(Math.Abs(set.LogZ - MovingGaussian.LogZ) < 4 * set.LogZError, $"log Z {set.LogZ} +- {set.LogZError}");
        Assert.Equal(MovingGaussian.Mean[1], set.Mean()[1], 0.08);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void InertialWalkersOfAnUntrainedDriftGiveUnbiasedEstimates(ulong seed)
    {
        var options = s_small with
        {
            Training = s_small.Training with { Iterations = 1 },
            ScoreGate = false,
            Carry = s_small.Carry with { Sampler = SamplerChoice.Sde, SamplerSteps = 400 },
            Walker = s_small.Walker with { Dynamics = NetsDynamics.Inertial, Weights = NetsWeights.Continuous },
        };
        var set = new NetsTransport(Moving(), options, MovingGaussian.Path).Sample(6000, new Run { Seed = seed });
        Assert.Contains("inertial", set.Sampler, StringComparison.Ordinal);
        Assert.InRange(set.LogZError, 1e-3, 0.1);
        Assert.True(Math.Abs(set.LogZ - MovingGaussian.LogZ) < 4 * set.LogZError, $"log Z {set.LogZ} +- {set.LogZError}");
        Assert.Equal(MovingGaussian.Mean[1], set.Mean()[1], 0.1);
    }

    [Fact]
    public void TheLibrarysPathIsAnOptionAndSaysWhatItKnows()
    {
        var options = s_small with { Path = NetsPath.Interpolated, Network = NetsNetwork.None, Training = s_small.Training with { Iterations = 20 } };
        var set = new NetsTransport(TargetLibrary.Get("gmm9"), options).Sample(200, new Run { Seed = 1 });
        Assert.True(set.UsesModeKnowledge);
        Assert.Contains("means of the mixture", set.Preparation, StringComparison.Ordinal);
        Assert.Contains("no path of interpolated parameters", Assert.Throws<ArgumentException>(() => new NetsTransport(TwoModes(), options)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void CheckpointsOfAnotherPathAreRefused()
    {
        var folder = Folder("path");
        new NetsTransport(TwoModes(), s_small, MovingModes()).Sample(10, new Run { Seed = 4, Folder = folder });
        var other = new FormulaPath(2, (x, t) => MovingModes().LogDensity(x, t), MovingModes().BaseDraw, "another");
        var refusal = Assert.Throws<CheckpointException>(
            () => new NetsTransport(TwoModes(), s_small, other).Sample(10, new Run { Seed = 4, Folder = folder, Resume = true }));
        Assert.Contains("path means from the origin, not another", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void FreeEnergyProfileOfAGaussianPathIsExact(ulong seed)
    {
        var options = s_small with
        {
            Training = s_small.Training with { Iterations = 100 },
            Carry = s_small.Carry with { Sampler = SamplerChoice.Sde, SamplerSteps = 64 },
        };
        var set = new NetsTransport(Moving(), options, MovingGaussian.Path).Sample(4000, new Run { Seed = seed });
        Assert.Equal(33, set.FreeEnergy!.Count);
        Assert.Equal(1, set.FreeEnergy[^1].Time, 1e-12);
        foreach (var point in set.FreeEnergy)
        {
            var exact = -MovingGaussian.LogZ * point.Time;
            Assert.True(Math.Abs(point.Value - exact) <= (4.5 * point.Error) + 1e-5, $"F({point.Time}) = {point.Value} +- {point.Error}, exact {exact}");
            Assert.True(point.Error < 0.1);
        }
    }

    [Fact]
    public void AnUnstableDiffusionIsNamed()
    {
        var options = s_small with
        {
            Training = s_small.Training with { Iterations = 1 },
            Carry = s_small.Carry with { Sampler = SamplerChoice.Sde, SamplerSteps = 8, Diffusion = 40 },
        };
        var set = new NetsTransport(Moving(), options, MovingGaussian.Path).Sample(200, new Run { Seed = 1 });
        Assert.Contains(set.Warnings, w => w.Message.Contains("unstable for the diffusion", StringComparison.Ordinal));
    }

    [Fact]
    public void OptionsAreCheckedAndUnknownNamesRefused()
    {
        string Refusal(string json) => Assert.Throws<ArgumentException>(() => MethodOptions.Parse<NetsOptions>(json)).Message;
        Assert.Contains("walker", Refusal("""{ "walker": 3 }"""), StringComparison.Ordinal);
        Assert.Contains("1 to 64", Refusal("""{ "depth": 0 }"""), StringComparison.Ordinal);
        Assert.Contains("potential", Refusal("""{ "objective": "actionMatching" }"""), StringComparison.Ordinal);
        Assert.Contains("continuous", Refusal("""{ "dynamics": "inertial" }"""), StringComparison.Ordinal);
        Assert.Contains("resamplingThreshold", Refusal("""{ "sampler": "ode", "resamplingThreshold": 0.5 }"""), StringComparison.Ordinal);
        Assert.Contains("no path", Assert.Throws<ArgumentException>(() => new NetsTransport(TwoModes(), new NetsOptions { Path = NetsPath.Given })).Message,
            StringComparison.Ordinal);
        var options = s_small with
        {
            Carry = s_small.Carry with { Sampler = SamplerChoice.Sde, Diffusion = 0.25 },
            Objective = NetsObjective.ActionMatching,
            Drift = NetsDrift.Potential,
        };
        Assert.Equal(options, MethodOptions.Parse<NetsOptions>(MethodOptions.Format(options)));
    }

    private sealed class Watch(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }
}
