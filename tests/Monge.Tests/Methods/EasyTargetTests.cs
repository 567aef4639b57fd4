using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Training;

namespace Monge.Tests.Methods;

/// <summary>The work of a run is scaled to its target: it ends when the weights are even enough, unless steps or budget are given.</summary>
public sealed class EasyTargetTests : IDisposable
{
    private static readonly PinnOptions s_small = new()
    {
        Training = new() { BatchSize = 128 },
        Size = new() { Width = 16, Depth = 2 },
        Collocation = new() { Walkers = 64, WalkerSteps = 16 },
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("monge-easy-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    private static Density Gaussian() => Density.Create("gaussian", 2, x => -(x - Expr.Constant([0.6, -0.4])).SquaredNorm() / 0.98);

    [Theory]
    [InlineData("kidscore", -1876.3462)]
    [InlineData("banana", 4.1405)]
    [InlineData("gaussian-10", 7.8948)]
    public void AnEasyTargetEndsEarlyAndIsRight(string name, double logZ)
    {
        var spread = new List<double>();
        foreach (var seed in new ulong[] { 1, 2, 3 })
        {
            var draws = new PinnTransport(TargetLibrary.Get(name), s_small).Sample(4000, new Run { Seed = seed });
            Assert.InRange(draws.Iterations, 128, 1024);
            Assert.True(draws.EffectiveSampleSize > 0.95, $"{name}, seed {seed}: ESS {draws.EffectiveSampleSize:p1}");
            spread.Add((draws.LogZ - logZ) / double.Hypot(draws.LogZError, 5e-4));
        }

        Assert.All(spread, errors => Assert.InRange(errors, -4, 4));
    }

    [Fact]
    public void GivenStepsAreTaken()
    {
        var options = s_small with { Training = s_small.Training with { Iterations = 300 } };
        Assert.Equal(300, new PinnTransport(Gaussian(), options).Sample(500, new Run()).Iterations);
        var enough = options with { Preparation = new() { EnoughEss = 0.9 } };
        Assert.Equal(128, new PinnTransport(Gaussian(), enough).Sample(500, new Run()).Iterations);
        Assert.Throws<ArgumentException>(() => new PinnTransport(Gaussian(), s_small with { Preparation = new() { EnoughEss = 1.5 } }));
    }

    [Fact]
    public void ARunThatIsStoppedWhileItEndsGoesOnToTheSameBits()
    {
        var (whole, parts) = (Folder("whole"), Folder("parts"));
        var uninterrupted = new PinnTransport(Gaussian(), s_small).Sample(200, new Run { Seed = 4, Folder = whole });
        foreach (var whileItEnds in new[] { false, true })
        {
            using var source = new CancellationTokenSource();
            var stop = new Stop(p => p.Phase == "train" && (!whileItEnds || p.TotalIterations < 1000), source);
            Assert.Throws<OperationCanceledException>(() => new PinnTransport(Gaussian(), s_small).Sample(
                200, new Run { Seed = 4, Folder = parts, Resume = true, Progress = stop, Cancellation = source.Token }));
        }

        var resumed = new PinnTransport(Gaussian(), s_small).Sample(200, new Run { Seed = 4, Folder = parts, Resume = true });
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole, "model.safetensors")), File.ReadAllBytes(Path.Combine(parts, "model.safetensors")));
        Assert.Equal(uninterrupted.Positions, resumed.Positions);
        Assert.Equal(uninterrupted.Iterations, resumed.Iterations);
        Assert.Equal(uninterrupted.TargetCalls, resumed.TargetCalls);
    }

    private string Folder(string name) => Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;

    private sealed class Stop(Predicate<TrainingProgress> when, CancellationTokenSource source) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (when(value))
            {
                source.Cancel();
            }
        }
    }
}
