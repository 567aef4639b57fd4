using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Engine.Tests.Execution;

/// <summary>Tests that measure the whole process, and so run when no others do.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class WholeProcess
{
    public const string Name = "whole process";
}

/// <summary>A process that compiles new programs again and again holds a bounded amount of memory.</summary>
[Collection(WholeProcess.Name)]
public sealed class CodeCacheTests
{
    // A program whose structure, not only its constants, is that of its number.
    private static void Request(int number)
    {
        var x = Expr.Input("x", 4);
        var value = -0.5 * x.SquaredNorm();
        for (var bit = 0; bit < 10; bit++)
        {
            var term = x[bit % 4] + (number * 0.001) + bit;
            value += (number >> bit & 1) == 0 ? term.Sin() : (0.01 * term).Exp() * x[(bit + 1) % 4];
        }

        var program = new TracedProgram(null, ("value", value), ("gradient", Derivative.Gradient(value, x)));
        using var run = new CompiledProgram<double>(program, new ExecutionOptions { Threads = 1 });
        (run["x"], run["value"], run["gradient"]) = (new NdArray<double>(8, 4), new NdArray<double>(8), new NdArray<double>(8, 4));
        run.Run(8);
    }

    private static long HeapAfter(int first, int count)
    {
        for (var number = first; number < first + count; number++)
        {
            Request(number);
        }

        for (var turn = 0; turn < 3; turn++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return GC.GetTotalMemory(forceFullCollection: true);
    }

    [Fact]
    public void MemoryStaysBoundedOverManyDifferentPrograms()
    {
        // After enough programs to fill the cache, two hundred more take no more room.
        var start = HeapAfter(0, 150);
        Assert.InRange(HeapAfter(150, 200) - start, long.MinValue, 1_000_000);
    }

    [Fact]
    public void TheCacheKeepsWhatWasAskedForLately()
    {
        var cache = new RecentCache<int, string>(10);
        cache.Add(1, "one", 4);
        cache.Add(2, "two", 4);
        Assert.True(cache.TryGet(1, out _));
        cache.Add(3, "three", 4);
        Assert.False(cache.TryGet(2, out _));
        Assert.True(cache.TryGet(1, out var one) && one == "one");
        Assert.Equal("three", cache.Add(3, "another", 4));
        Assert.Equal(8, cache.Size);
        Assert.Equal("huge", cache.Add(4, "huge", 20));
        Assert.False(cache.TryGet(4, out _));
        Assert.Equal(0, cache.Size);
    }

    [Fact]
    public async Task TheCacheIsSafeForSeveralThreads()
    {
        var cache = new RecentCache<int, string>(50);
        var workers = Enumerable.Range(0, 4).Select(t => Task.Run(() =>
        {
            for (var i = 0; i < 5000; i++)
            {
                var key = ((i * 7) + t) % 90;
                Assert.Equal($"{key}", cache.TryGet(key, out var found) ? found : cache.Add(key, $"{key}", 1));
            }
        }));
        await Task.WhenAll(workers);
        Assert.Equal(50, cache.Size);
    }
}
