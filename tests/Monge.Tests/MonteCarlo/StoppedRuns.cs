using Monge.Methods;
using Monge.Runs;
using Monge.Training;

namespace Monge.Tests.MonteCarlo;

/// <summary>What is promised of every sampler's runs.</summary>
internal static class StoppedRuns
{
    /// <summary>One thread or two make the same draws to the bit, and so does a run that is stopped in any of its phases and resumed.</summary>
    /// <param name="make">Makes the sampler.</param>
    /// <param name="samples">Samples.</param>
    /// <param name="phases">The phases in which it is stopped, after their first step.</param>
    public static void LeaveNoTrace(Func<ISamplingMethod> make, int samples, params string[] phases)
    {
        var whole = make().Sample(samples, new Run { Seed = 3, Threads = 1 });
        AssertEqual(whole, make().Sample(samples, new Run { Seed = 3, Threads = 2 }));
        foreach (var phase in phases)
        {
            var folder = Directory.CreateTempSubdirectory("monge-stop-").FullName;
            try
            {
                using var stop = new CancellationTokenSource();
                var progress = new Immediate(p =>
                {
                    if (p.Phase == phase && p.Iteration > 0)
                    {
                        stop.Cancel();
                    }
                });
                Assert.ThrowsAny<OperationCanceledException>(
                    () => make().Sample(samples, new Run { Seed = 3, Folder = folder, Progress = progress, Cancellation = stop.Token }));
                AssertEqual(whole, make().Sample(samples, new Run { Seed = 3, Folder = folder, Resume = true }));
            }
            finally
            {
                Directory.Delete(folder, true);
            }
        }
    }

    private static void AssertEqual(SampleSet whole, SampleSet other)
    {
        Assert.Equal(whole.Positions, other.Positions);
        Assert.Equal(whole.LogWeights, other.LogWeights);
        Assert.Equal((whole.LogZ, whole.LogZError, whole.TargetCalls), (other.LogZ, other.LogZError, other.TargetCalls));
        Assert.Equal(whole.Chains?.Energies, other.Chains?.Energies);
        Assert.Equal(whole.Chains?.Divergent, other.Chains?.Divergent);
        Assert.Equal(whole.Tempering?.Rejections, other.Tempering?.Rejections);
    }

    private sealed class Immediate(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
