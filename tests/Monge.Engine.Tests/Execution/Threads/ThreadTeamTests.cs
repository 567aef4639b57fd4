using Monge.Engine.Execution;
using Monge.Testing;

namespace Monge.Engine.Tests.Execution.Threads;

public sealed class ThreadTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void EveryIndexRunsOncePerRun(int threads)
    {
        using var team = new ThreadTeam(threads);
        Assert.Equal(threads, team.ThreadCount);
        var counts = new int[threads];
        for (int run = 0; run < 100; run++) team.Run(index => Interlocked.Increment(ref counts[index]));
        Assert.All(counts, count => Assert.Equal(100, count));
    }

    [Fact]
    public void IndexZeroIsTheCallerAndTheOthersAreNot()
    {
        using var team = new ThreadTeam(3);
        var threads = new int[3];
        team.Run(index => threads[index] = Environment.CurrentManagedThreadId);
        Assert.Equal(Environment.CurrentManagedThreadId, threads[0]);
        Assert.Equal(3, threads.Distinct().Count());
    }

    [Fact]
    public void TenThousandRunsGiveTheRightSumAndAllocateNothing()
    {
        using var team = new ThreadTeam(2);
        var sums = new long[2];
        Action<int> work = index => sums[index] += index + 1;
        var runs = 0;
        Assert.Equal(0, Allocation.Least(() =>
        {
            for (int run = 0; run < 10_000; run++, runs++) team.Run(work);
        }));
        Assert.Equal([runs, 2 * runs], sums);
    }

    [Fact]
    public void RunsAfterAPauseLongerThanTheSpinStillWakeEveryThread()
    {
        using var team = new ThreadTeam(3);
        int total = 0;
        for (int run = 0; run < 20; run++)
        {
            Thread.Sleep(3);
            team.Run(index =>
            {
                if (index == 2) Thread.Sleep(2);
                Interlocked.Add(ref total, index);
            });
        }

        Assert.Equal(60, total);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void AnExceptionReachesTheCallerAfterAllThreadsAreDone(int failing)
    {
        using var team = new ThreadTeam(3);
        int done = 0;
        var failure = Assert.Throws<FormatException>(() => team.Run(index =>
        {
            if (index == failing) throw new FormatException($"index {index}");
            Interlocked.Increment(ref done);
        }));
        Assert.Equal($"index {failing}", failure.Message);
        Assert.Equal(2, done);
        team.Run(_ => Interlocked.Increment(ref done));
        Assert.Equal(5, done);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void TheBarrierSeparatesPhases(int threads)
    {
        using var team = new ThreadTeam(threads);
        var values = new int[threads];
        int errors = 0;
        for (int run = 0; run < 20; run++)
        {
            team.Run(index =>
            {
                for (int phase = 1; phase <= 50; phase++)
                {
                    values[index] = phase;
                    team.Barrier();
                    foreach (int value in values)
                        if (value != phase) Interlocked.Increment(ref errors);
                    team.Barrier();
                }
            });
        }

        Assert.Equal(0, errors);
    }

    [Fact]
    public void AFailureBeforeTheBarrierIsReportedAndNobodyHangs()
    {
        using var team = new ThreadTeam(3);
        for (int run = 0; run < 50; run++)
        {
            Assert.Throws<FormatException>(() => team.Run(index =>
            {
                team.Barrier();
                if (index == 1) throw new FormatException();
                team.Barrier();
            }));
        }

        Assert.Throws<InvalidOperationException>(team.Barrier);
    }

    [Fact]
    public void AThreadThatSkipsTheBarrierIsAnError()
    {
        using var team = new ThreadTeam(2);
        var failure = Assert.ThrowsAny<InvalidOperationException>(() => team.Run(index =>
        {
            if (index == 0) team.Barrier();
        }));
        Assert.Contains("Barrier", failure.Message);
    }

    [Fact]
    public void ARunInsideARunOfTheSameTeamIsRefused()
    {
        using var team = new ThreadTeam(2);
        Assert.Throws<InvalidOperationException>(() => team.Run(_ => team.Run(_ => { })));
        using var other = new ThreadTeam(2);
        int total = 0;
        team.Run(index =>
        {
            if (index == 0) other.Run(_ => Interlocked.Increment(ref total));
        });
        Assert.Equal(2, total);
    }

    [Fact]
    public void ConcurrentCallersTakeTurns()
    {
        using var team = new ThreadTeam(2);
        int total = 0, inside = 0, overlaps = 0;
        Thread[] callers = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            for (int run = 0; run < 200; run++)
            {
                team.Run(index =>
                {
                    if (index == 0 && Interlocked.Increment(ref inside) != 1) Interlocked.Increment(ref overlaps);
                    Interlocked.Increment(ref total);
                    if (index == 0) Interlocked.Decrement(ref inside);
                });
            }
        }))];
        foreach (Thread caller in callers) caller.Start();
        foreach (Thread caller in callers) caller.Join();
        Assert.Equal(1200, total);
        Assert.Equal(0, overlaps);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void BusyCoresAndTeamsWithinTeamsDelayTheWorkButLoseNothing(int threadsPerCore)
    {
        int cores = Environment.ProcessorCount;
        bool stop = false;
        Thread[] others = [.. Enumerable.Range(0, 2 * cores).Select(_ => new Thread(() =>
        {
            while (!Volatile.Read(ref stop)) Thread.SpinWait(100);
        }) { IsBackground = true })];
        foreach (Thread other in others) other.Start();
        try
        {
            using var team = new ThreadTeam(threadsPerCore * Math.Max(cores, 2));
            using var inner = new ThreadTeam(2);
            var before = new int[team.ThreadCount];
            int errors = 0, nested = 0;
            for (int run = 1; run <= 40; run++)
            {
                team.Run(index =>
                {
                    before[index] = run;
                    team.Barrier();
                    if (before.Any(value => value != run)) Interlocked.Increment(ref errors);
                    if (index == 1)
                    {
                        inner.Run(_ =>
                        {
                            Interlocked.Increment(ref nested);
                            inner.Barrier();
                        });
                    }

                    team.Barrier();
                });
            }

            Assert.Equal(0, errors);
            Assert.Equal(80, nested);
        }
        finally
        {
            Volatile.Write(ref stop, true);
            foreach (Thread other in others) other.Join();
        }
    }

    [Fact]
    public void ThreadsThatHaveNothingToDoSoonBlock()
    {
        using var team = new ThreadTeam(2);
        for (int run = 0; run < 1000; run++) team.Run(_ => { });
        Assert.True(SpinWait.SpinUntil(() => !team.IsAwake, TimeSpan.FromMinutes(5)));
        int total = 0;
        team.Run(_ => Interlocked.Increment(ref total));
        Assert.Equal(2, total);
    }

    [Fact]
    public void ADisposedTeamRefusesToRunAndTheSharedOneStays()
    {
        var team = new ThreadTeam(2);
        team.Dispose();
        team.Dispose();
        Assert.Throws<ObjectDisposedException>(() => team.Run(_ => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ThreadTeam(0));
        Assert.Same(ThreadTeam.Shared, ThreadTeam.Shared);
        ThreadTeam.Shared.Dispose();
        int total = 0;
        ThreadTeam.Shared.Run(_ => Interlocked.Increment(ref total));
        Assert.Equal(Environment.ProcessorCount, total);
    }
}
