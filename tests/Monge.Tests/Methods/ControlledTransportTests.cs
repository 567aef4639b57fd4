using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;
using Monge.Objectives;
using Monge.Runs;
using Monge.Training;

namespace Monge.Tests.Methods;

public sealed class ControlledTransportTests : IDisposable
{
    private static readonly ControlledOptions s_small = new()
    {
        Training = new() { Iterations = 40, BatchSize = 32 },
        Steps = 12,
        Size = new() { Width = 8, Depth = 2 },
        BaseScale = 2,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("monge-controlled-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    // Two Gaussians at +-1.5 with deviation 0.5 and weights 0.3 and 0.7 times e^0.4, so log Z = 0.4.
    private static Density TwoModes() => Density.Create("two-modes", 2, x =>
    {
        Expr Mode(double at, double weight) => Math.Log(weight / (2 * Math.PI * 0.25)) - (2 * (x - Expr.Constant([at, 0.0], 2)).SquaredNorm());
        return 0.4 + Expr.Vector(Mode(-1.5, 0.3), Mode(1.5, 0.7)).LogSumExp();
    });

    private string Folder(string name) => Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;

    [Theory]
    [InlineData(ControlledAlgorithm.Pis, PathSpaceLoss.Kl)]
    [InlineData(ControlledAlgorithm.Gbs, PathSpaceLoss.LogVariance)]
    public void ResumedTrainingEqualsUninterruptedTrainingToTheBit(ControlledAlgorithm algorithm, PathSpaceLoss loss)
    {
        var options = s_small with { Loss = loss };
        var (whole, parts) = (Folder("whole"), Folder("parts"));
        var uninterrupted = new ControlledTransport(TwoModes(), algorithm, options).Sample(100, new Run { Seed = 4, Folder = whole });
        using var source = new CancellationTokenSource();
        var cancel = new Watch(p =>
        {
            if (p.Phase == "train")
            {
                source.Cancel();
            }
        });
        Assert.Throws<OperationCanceledException>(
            () => new ControlledTransport(TwoModes(), algorithm, options).Sample(
                100, new Run { Seed = 4, Folder = parts, Progress = cancel, Cancellation = source.Token }));
        Assert.False(File.Exists(Path.Combine(parts, "model.safetensors")));

        // Other threads and segments don't change a bit either.
        var resumed = new ControlledTransport(TwoModes(), algorithm, options with { Segments = 5 }).Sample(
            100, new Run { Seed = 4, Folder = parts, Resume = true });
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole, "model.safetensors")), File.ReadAllBytes(Path.Combine(parts, "model.safetensors")));
        Assert.Equal(uninterrupted.Positions, resumed.Positions);
        Assert.Equal(uninterrupted.LogWeights, resumed.LogWeights);
    }

    [Fact]
    public void CheckpointsOfOtherRunsAreRefused()
    {
        var folder = Folder("run");
        new ControlledTransport(TwoModes(), ControlledAlgorithm.Pis, s_small).Sample(10, new Run { Seed = 4, Folder = folder });
        string Refusal(ControlledAlgorithm algorithm, ControlledOptions options, ulong seed) => Assert.Throws<CheckpointException>(
            () => new ControlledTransport(TwoModes(), algorithm, options).Sample(10, new Run { Seed = seed, Folder = folder, Resume = true })).Message;
        Assert.Contains("seed 4, not 5", Refusal(ControlledAlgorithm.Pis, s_small, 5), StringComparison.Ordinal);
        Assert.Contains(
            "other options", Refusal(ControlledAlgorithm.Pis, s_small with { Size = s_small.Size with { Width = 9 } }, 4), StringComparison.Ordinal);
        Assert.Contains("monge pis checkpoint, not monge dis checkpoint", Refusal(ControlledAlgorithm.Dis, s_small, 4), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ControlledAlgorithm.Pis, 1)]
    [InlineData(ControlledAlgorithm.Dis, 2)]
    [InlineData(ControlledAlgorithm.Dds, 3)]
    [InlineData(ControlledAlgorithm.Gbs, 1)]
    [InlineData(ControlledAlgorithm.Cmcd, 2)]
    public void LogVarianceFindsTheNormaliserAndTheMeansOfTwoModes(ControlledAlgorithm algorithm, ulong seed)
    {
        var options =
            s_small with { Training = s_small.Training with { Iterations = 300, BatchSize = 128 }, Steps = 32, Size = s_small.Size with { Width = 32 } };
        var set = new ControlledTransport(TwoModes(), algorithm, options).Sample(4000, new Run { Seed = seed });
        Assert.True(set.EffectiveSampleSize > 0.6, $"ESS {set.EffectiveSampleSize}");
        Assert.True(Math.Abs(set.LogZ - 0.4) < 4 * set.LogZError, $"log Z {set.LogZ} +- {set.LogZError}");
        Assert.Equal((0.7 - 0.3) * 1.5, set.Mean()[0], 0.12);
        Assert.True(set.Elbo <= set.LogZ);
        Assert.True(set.TargetCalls > 300 * 128);
        Assert.False(set.UsesModeKnowledge);
    }

    [Fact]
    public void KullbackLeiblerFromANarrowStartMissesAModeAndTheCoverageCheckSaysSo()
    {
        // The farther mode is never seen: its weights look even, and log Z lacks log(0.5).
        var target = Density.Create(
            "far", 1, x => Expr.Vector(-2 * (x[0] - 0.5).Square(), -2 * (x[0] + 6).Square()).LogSumExp() - (0.5 * Math.Log(2 * Math.PI)));
        var set = new ControlledTransport(target, ControlledAlgorithm.Pis, s_small with
        {
            Loss = PathSpaceLoss.Kl,
            Training = s_small.Training with { Iterations = 200, BatchSize = 128 },
            Steps = 32,
            BaseScale = 1,
        })
            .Sample(4000, new Run { Seed = 1 });
        Assert.Equal(Math.Log(0.5), set.LogZ, 0.05);
        Assert.True(set.EffectiveSampleSize > 0.5, $"ESS {set.EffectiveSampleSize}");
        Assert.Contains("miss part of the target", set.Status.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OptionsAreCheckedAndUnknownNamesRefused()
    {
        Assert.Contains(
            "lossy",
            Assert.Throws<ArgumentException>(() => MethodOptions.Parse<ControlledOptions>("""{ "lossy": "kl" }""")).Message, StringComparison.Ordinal);
        Assert.Contains(
            "2 to 100,000",
            Assert.Throws<ArgumentException>(() => MethodOptions.Parse<ControlledOptions>("""{ "steps": 1 }""")).Message, StringComparison.Ordinal);
        Assert.Contains(
            "number of steps",
            Assert.Throws<ArgumentException>(() => MethodOptions.Parse<ControlledOptions>("""{ "steps": 5, "segments": 6 }""")).Message,
            StringComparison.Ordinal);
        Assert.Equal(PathSpaceLoss.Kl, MethodOptions.Parse<ControlledOptions>("""{ "loss": "kl" }""").Loss);
        var resolved = new ControlledTransport(TwoModes(), ControlledAlgorithm.Dds, s_small);
        Assert.Equal(resolved.ResolvedOptions, MethodOptions.Parse<ControlledOptions>(MethodOptions.Format(resolved.Options)));
    }

    private sealed class Watch(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }
}
