using System.Diagnostics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Engine.Tests.Execution;

/// <summary>Tests that look at the whole process and so must run while nothing else does.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>The steady state allocates nothing, on the calling thread and on all threads together.</summary>
[Collection(nameof(Alone))]
public sealed class AllocationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void TheSteadyStateAllocatesNothing(int threads)
    {
        var (program, _) = CompiledProgramTests.Network();
        using var run = new CompiledProgram<float>(program, new ExecutionOptions { Threads = threads });
        CompiledProgramTests.Start(run.Parameters);
        run["u"] = new NdArray<float>(500);
        void Steps(int count)
        {
            for (var i = 0; i < count; i++)
            {
                run.Run(500, new DrawKey(1, (ulong)i));
            }
        }

        Steps(50);
        var mine = GC.GetAllocatedBytesForCurrentThread();
        Steps(100);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - mine);

        // The test runner's own threads allocate while they report results: of many stretches of 100 steps at least one must be free of that.
        // Had the engine a part in it, none would be.
        var least = long.MaxValue;
        var clock = Stopwatch.StartNew();
        while (least > 0 && clock.Elapsed < TimeSpan.FromSeconds(30))
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            Steps(100);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
            Thread.Sleep(20);
        }

        Assert.Equal(0, least);
    }
}
