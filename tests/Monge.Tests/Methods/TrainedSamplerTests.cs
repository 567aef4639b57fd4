using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Training;

namespace Monge.Tests.Methods;

public sealed class TrainedSamplerTests : IDisposable
{
    private static readonly PinnOptions s_small = new()
    {
        Training = new() { Iterations = 60, BatchSize = 64 },
        Size = new() { Width = 16, Depth = 2 },
        Collocation = new() { Walkers = 64, WalkerSteps = 16 },
        Preparation = new() { Base = BaseChoice.Isotropic, BaseScale = 1, TargetExponent = 1, BaseExponent = 1 },
        Carry = new() { Sampler = SamplerChoice.Ode, SamplerSteps = 16 },
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("monge-trained-").FullName;

    private static PinnTransport Method(double mean = 0.6) => new(
        Density.Create($"gaussian {mean}", 2, x => -(x - Expr.Constant([mean, -0.4])).SquaredNorm() / 0.98), s_small);

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public void DrawsAreThoseOfARunAndOfAFileToTheBit()
    {
        var path = Path.Combine(_folder, "sampler.safetensors");
        var run = Method().Sample(200, new Run { Seed = 4 });
        using var trained = Method().Train(new Run { Seed = 4 });
        var first = trained.Draw(200, 4);
        Assert.Equal(run.Positions, first.Positions);
        Assert.Equal(run.LogWeights, first.LogWeights);
        Assert.Equal(run.TargetCalls, first.TargetCalls);
        var other = trained.Draw(200, 5);
        Assert.NotEqual(first.Positions, other.Positions);
        Assert.Equal(Math.Log(2 * Math.PI * 0.49), other.LogZ, 0.05);
        trained.Save(path);
        using var loaded = Method().Load(path, threads: 2);
        Assert.Equal(4UL, loaded.Seed);
        Assert.Equal(other.Positions, loaded.Draw(200, 5).Positions);
        Assert.Equal(first.LogWeights, loaded.Draw(200, 4).LogWeights);
    }

    [Fact]
    public void AFileOfAnotherDensityIsRefused()
    {
        var path = Path.Combine(_folder, "sampler.safetensors");
        using (var trained = Method().Train(new Run { Seed = 4 }))
        {
            trained.Save(path);
        }

        Assert.Contains("target", Assert.Throws<CheckpointException>(() => Method(0.7).Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnotherFormulaUnderTheSameNameIsRefused()
    {
        static PinnTransport Named(double mean) => new(
            Density.Create("same", 2, x => -(x - Expr.Constant([mean, -0.4])).SquaredNorm() / 0.98), s_small);
        Named(0.6).Sample(100, new Run { Seed = 4, Folder = _folder });
        var again = new Run { Seed = 4, Folder = _folder, Resume = true };
        Assert.Equal(60, Named(0.6).Sample(100, again).Iterations);
        var message = Assert.Throws<CheckpointException>(() => Named(0.6000001).Sample(100, again)).Message;
        Assert.Contains("another log density of the same name: its formula or its data have changed", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DrawsFromSeveralThreadsAreThoseOfOne()
    {
        using var trained = await Method().TrainAsync(new Run { Seed = 1 });
        var alone = trained.Draw(100, 9);
        var together = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => trained.DrawAsync(100, 9)));
        Assert.All(together, draws => Assert.Equal(alone.Positions, draws.Positions));
        using var source = new CancellationTokenSource();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => trained.DrawAsync(100, 9, null, source.Token));
        trained.Dispose();
        Assert.Throws<ObjectDisposedException>(() => trained.Draw(100, 9));
    }
}
