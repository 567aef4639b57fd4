using System.Collections.Concurrent;
using Monge.Engine.Execution;
using Monge.Testing;

namespace Monge.Engine.Tests.Execution.Threads;

public sealed class WorkersTests
{
    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    [InlineData(7, 1)]
    [InlineData(7, 3)]
    [InlineData(1000, 0)]
    [InlineData(1000, 5)]
    public void EveryTurnIsTakenOnce(int count, int threads)
    {
        var (turns, withMemory) = (new int[count], new int[count]);
        Workers.For(count, threads, i => Interlocked.Increment(ref turns[i]));
        Workers.For(count, threads, () => new object(), (i, _) => Interlocked.Increment(ref withMemory[i]));
        Assert.All(turns, n => Assert.Equal(1, n));
        Assert.All(withMemory, n => Assert.Equal(1, n));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void NoMoreThreadsAreTakenThanAskedForAndEachMakesItsMemoryOnce(int threads)
    {
        var (seen, made) = (new ConcurrentDictionary<int, bool>(), 0);
        Workers.For(
            300,
            threads,
            () =>
            {
                Interlocked.Increment(ref made);
                return Environment.CurrentManagedThreadId;
            },
            (_, own) =>
            {
                Assert.Equal(Environment.CurrentManagedThreadId, own);
                seen[own] = true;
                Thread.SpinWait(1000);
            });
        Assert.InRange(seen.Count, 1, threads);
        Assert.InRange(made, seen.Count, threads);
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(2, 3)]
    public void ALoopInsideALoopOrATeamsRunStaysOnItsThread(int outer, int inner)
    {
        var sums = new int[40];
        Workers.For(40, outer, i =>
        {
            var thread = Environment.CurrentManagedThreadId;
            Workers.For(30, inner, k =>
            {
                Assert.Equal(thread, Environment.CurrentManagedThreadId);
                sums[i] += k;
            });
        });
        Assert.All(sums, s => Assert.Equal(435, s));
        using var team = new ThreadTeam(outer);
        var inside = new int[outer];
        team.Run(index => Workers.For(30, inner, k => inside[index] += k));
        Assert.All(inside, s => Assert.Equal(435, s));
    }

    [Fact]
    public void SeveralThreadsMayLoopAtOnce()
    {
        var totals = new long[4];
        var threads = Enumerable.Range(0, 4).Select(t => new Thread(() =>
        {
            for (var run = 0; run < 50; run++)
            {
                Workers.For(100, 2 + (t % 2), i => Interlocked.Add(ref totals[t], i));
            }
        })).ToArray();
        foreach (var thread in threads)
        {
            thread.Start();
        }

        foreach (var thread in threads)
        {
            thread.Join();
        }

        Assert.All(totals, total => Assert.Equal(50 * 4950, total));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void AFailureReachesTheCallerAsItIsAndEndsTheLoop(int threads)
    {
        var taken = 0;
        void Turn(int i)
        {
            Interlocked.Increment(ref taken);
            throw new InvalidDataException($"turn {i}");
        }

        Assert.Throws<InvalidDataException>(() => Workers.For(10_000, threads, Turn));
        Assert.InRange(taken, 1, threads);
        Assert.Throws<InvalidDataException>(() => Workers.For(10_000, threads, () => 0, (i, _) => Turn(i)));
        Workers.For(100, threads, _ => Interlocked.Increment(ref taken));
        Assert.InRange(taken, 102, 100 + (2 * threads));
        Assert.Throws<ArgumentOutOfRangeException>(() => Workers.For(-1, threads, _ => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => Workers.For(10, -1, _ => { }));
    }

    [Fact]
    public void ALoopAllocatesNothing()
    {
        var sums = new long[64];
        Action<int> body = i => sums[i] += i;
        var runs = 0;
        Assert.Equal(0, Allocation.Least(() =>
        {
            for (var run = 0; run < 1000; run++, runs++)
            {
                Workers.For(64, 2, body);
            }
        }));
        Assert.Equal(runs * 63, sums[63]);
    }
}
