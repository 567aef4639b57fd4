using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Engine.Tests.Execution;

/// <summary>The steady state allocates nothing, on the calling thread and on every thread of the team.</summary>
public sealed class AllocationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void TheSteadyStateAllocatesNothingOnAnyThread(int threads)
    {
        // A team of the test's own, so that no other test's work is counted.
        using var team = new ThreadTeam(threads);
        var (program, _) = CompiledProgramTests.Network();
        using var run = new CompiledProgram<float>(program, new ExecutionOptions { Team = team });
        CompiledProgramTests.Start(run.Parameters);
        run["u"] = new NdArray<float>(500);
        var allocated = new long[threads];
        Action<int> count = thread => allocated[thread] = GC.GetAllocatedBytesForCurrentThread() - allocated[thread];
        void Steps(int steps)
        {
            for (var i = 0; i < steps; i++)
            {
                run.Run(500, new DrawKey(1, (ulong)i));
            }
        }

        Steps(50);
        team.Run(count);
        var least = Enumerable.Repeat(long.MaxValue, threads).ToArray();
        for (var round = 0; round < 5; round++)
        {
            Array.Clear(allocated);
            team.Run(count);
            Steps(100);
            team.Run(count);
            for (var thread = 0; thread < threads; thread++)
            {
                least[thread] = Math.Min(least[thread], allocated[thread]);
            }
        }

        Assert.All(least, bytes => Assert.Equal(0, bytes));
    }
}
