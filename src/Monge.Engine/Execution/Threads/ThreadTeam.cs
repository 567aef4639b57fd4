using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Monge.Engine.Execution;

/// <summary>
/// A fixed team of persistent background threads, the caller among them, that run the same work at the same time. A thread that
/// waits spins first and then blocks: for 20 microseconds, or, while runs follow each other within half a millisecond, about as
/// long as it had to wait lately. So work that follows closely starts at once, an idle program uses no core, and a thread that
/// finds its core taken by others stops spinning. A run allocates no managed memory. Dispose the team to end its threads.
/// </summary>
public sealed class ThreadTeam : IDisposable
{
    private const int PausesPerCheck = 4;

    private static readonly Lazy<ThreadTeam> SharedTeam = new(() => new ThreadTeam(Environment.ProcessorCount) { _isShared = true });

    private static readonly ConcurrentDictionary<int, ThreadTeam> s_teams = new();

    // The team whose work the current thread is running, to refuse a run inside a run of the same team.
    [ThreadStatic]
    private static ThreadTeam? t_current;

    private readonly Lock _runs = new();
    private readonly object _gate = new();
    private readonly Thread[] _threads;
    private readonly Exception?[] _failures;
    private readonly bool _maySpin;
    private readonly SpinLimit _betweenRuns = new();
    private readonly SpinLimit _atBarrier = new();
    private readonly SpinLimit _atEnd = new();
    private Action<int>? _work;
    private bool _isShared;
    private bool _disposed;
    private long _contendedUntil;
    private int _generation;
    private int _finished;
    private int _sleepers;
    private int _arrived;
    private int _phase;
    private int _failed;

    /// <summary>Starts a team.</summary>
    /// <param name="threadCount">Number of threads including the caller of <see cref="Run"/>; at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threadCount"/> is less than 1.</exception>
    public ThreadTeam(int threadCount)
    {
        if (threadCount < 1)
            throw new ArgumentOutOfRangeException(
                nameof(threadCount), threadCount, "A thread team needs at least 1 thread; give the number of threads including the caller.");
        ThreadCount = threadCount;
        // Spinning for another thread of the team is pointless where that thread would need this one's core.
        _maySpin = threadCount <= Environment.ProcessorCount;
        _failures = new Exception?[threadCount];
        _threads = new Thread[threadCount - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int index = i + 1;
            _threads[i] = new Thread(() => WorkerLoop(index)) { IsBackground = true, Name = $"Monge worker {index}" };
            _threads[i].Start();
        }
    }

    /// <summary>The team that everything uses by default: one thread per processor, never disposed.</summary>
    public static ThreadTeam Shared => SharedTeam.Value;

    /// <summary>Whether the current thread is running the work of a team.</summary>
    internal static bool IsInsideWork => t_current is not null;

    /// <summary>The team of a number of threads that all who ask for that number share; <see cref="Shared"/> for 0. Don't dispose it.</summary>
    /// <param name="threads">Number of threads including the caller of <see cref="Run"/>; 0 is one for each processor.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is negative.</exception>
    public static ThreadTeam Of(int threads) =>
        threads == 0 ? Shared : s_teams.GetOrAdd(threads, static n => new ThreadTeam(n) { _isShared = true });

    /// <summary>Number of threads, the caller of <see cref="Run"/> included.</summary>
    public int ThreadCount { get; }

    /// <summary>Whether no thread of the team is blocked: work begun now would start on all of them at once.</summary>
    public bool IsAwake => Volatile.Read(ref _sleepers) == 0;

    /// <summary>
    /// Runs <paramref name="work"/> once on every thread, with the thread's index (0 for the caller), and returns when all are done.
    /// Calls from several threads wait for each other. Keep the delegate if you call often: making one allocates.
    /// </summary>
    /// <param name="work">What each thread does with its index 0 .. ThreadCount - 1.</param>
    /// <exception cref="InvalidOperationException">Called from inside a run of this team.</exception>
    /// <exception cref="ObjectDisposedException">The team was disposed.</exception>
    /// <remarks>When work throws, the exception of the lowest index that failed is rethrown after all threads are done.</remarks>
    public void Run(Action<int> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (t_current == this || _runs.IsHeldByCurrentThread)
            throw new InvalidOperationException(
                "ThreadTeam.Run was called from inside a run of the same team; do the inner work on the calling thread or use another team.");
        lock (_runs)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _work = work;
            _finished = 0;
            _arrived = 0;
            _failed = 0;
            Interlocked.Increment(ref _generation);
            WakeSleepers();
            RunShare(work, 0);
            Wait(WaitFor.End, 0, _atEnd);
            _work = null;
            if (_failed != 0) ThrowFirstFailure();
        }
    }

    /// <summary>
    /// Waits inside the work until every thread of the team has called it; what each wrote before is then seen by all. Every
    /// thread must call it equally often.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// Called outside a run, or another thread has failed or ended its work without coming to the barrier.
    /// </exception>
    public void Barrier()
    {
        if (t_current != this)
            throw new InvalidOperationException("ThreadTeam.Barrier was called outside the work of this team; call it only inside the work given to Run.");
        int phase = Volatile.Read(ref _phase);
        if (Interlocked.Increment(ref _arrived) == ThreadCount)
        {
            _arrived = 0;
            Interlocked.Increment(ref _phase);
            WakeSleepers();
            return;
        }

        Wait(WaitFor.Barrier, phase, _atBarrier);
        if (Volatile.Read(ref _phase) == phase)
            throw new BarrierBrokenException();
    }

    /// <summary>Ends the threads of the team after the current run; the shared team stays.</summary>
    public void Dispose()
    {
        if (_isShared) return;
        lock (_runs)
        {
            if (_disposed) return;
            _disposed = true;
            _work = null;
            Interlocked.Increment(ref _generation);
            WakeSleepers();
        }

        foreach (Thread thread in _threads) thread.Join();
    }

    private void WorkerLoop(int index)
    {
        int seen = 0;
        while (true)
        {
            Wait(WaitFor.Generation, seen, _betweenRuns);
            seen = Volatile.Read(ref _generation);
            Action<int>? work = _work;
            if (work is null) return;
            RunShare(work, index);
        }
    }

    private void RunShare(Action<int> work, int index)
    {
        ThreadTeam? outer = t_current;
        t_current = this;
        try
        {
            work(index);
        }
        catch (Exception failure)
        {
            // Rethrown on the calling thread by Run.
            _failures[index] = failure;
            Volatile.Write(ref _failed, 1);
        }

        t_current = outer;
        Interlocked.Increment(ref _finished);
        WakeSleepers();
    }

    // Spins within the limit, unless other programs want the cores; then blocks.
    private void Wait(WaitFor what, int seen, SpinLimit limit)
    {
        if (IsOver(what, seen)) return;
        long start = Stopwatch.GetTimestamp();
        long now = start;
        long end = start + (!_maySpin ? 0 : start < _contendedUntil ? SpinLimit.Shortest : limit.Ticks);
        while (now < end && !IsOver(what, seen))
        {
            Thread.SpinWait(PausesPerCheck);
            long before = now;
            now = Stopwatch.GetTimestamp();

            // A gap between two looks at the clock: the thread was not running, because others wanted its core.
            if (now - before > SpinLimit.Interruption)
            {
                _contendedUntil = now + SpinLimit.Truce;
                break;
            }
        }

        if (!IsOver(what, seen))
        {
            lock (_gate)
            {
                Interlocked.Increment(ref _sleepers);
                while (!IsOver(what, seen)) Monitor.Wait(_gate);
                Interlocked.Decrement(ref _sleepers);
            }
        }

        limit.Learn(Stopwatch.GetTimestamp() - start);
    }

    private bool IsOver(WaitFor what, int seen)
    {
        if (what == WaitFor.Generation) return Volatile.Read(ref _generation) != seen;
        if (what == WaitFor.End) return Volatile.Read(ref _finished) == ThreadCount;

        // A thread whose work has ended can't come to the barrier any more. It is counted before the phase is read, because it may
        // have ended right after the barrier opened.
        bool hopeless = Volatile.Read(ref _finished) > 0;
        return Volatile.Read(ref _phase) != seen || hopeless;
    }

    // The full fence of the interlocked change before the call and of the one by which a sleeper announces itself order the two:
    // either the sleeper sees the change, or it is seen here.
    private void WakeSleepers()
    {
        if (Volatile.Read(ref _sleepers) == 0) return;
        lock (_gate) Monitor.PulseAll(_gate);
    }

    private void ThrowFirstFailure()
    {
        Exception? first = Array.Find(_failures, failure => failure is not null and not BarrierBrokenException)
            ?? Array.Find(_failures, failure => failure is not null);
        Array.Clear(_failures);
        ExceptionDispatchInfo.Throw(first!);
    }

    private enum WaitFor
    {
        Generation,
        Barrier,
        End,
    }

    // How long it is worth spinning for one kind of event. Threads share it without care: any of their values will do.
    private sealed class SpinLimit
    {
        public static readonly long Shortest = Microseconds(20);
        public static readonly long Interruption = Microseconds(50);
        public static readonly long Truce = Microseconds(100_000);
        private static readonly long Longest = Microseconds(500);

        public long Ticks { get; private set; } = Shortest;

        // Goes to twice the waits of late: by small steps if those are short enough to be worth spinning for, and back by large ones.
        public void Learn(long waited) =>
            Ticks = waited > Longest
                ? Math.Max(Shortest, Ticks / 2)
                : Math.Clamp(2 * waited, Math.Max(Shortest, Ticks - (Ticks / 8)), Math.Min(Longest, Ticks + (Ticks / 8)));

        private static long Microseconds(int count) => Stopwatch.Frequency * count / 1_000_000;
    }

    // A consequence of another thread's failure or early end; reported only when there is no better cause.
    private sealed class BarrierBrokenException()
        : InvalidOperationException(
            "ThreadTeam.Barrier can't open: another thread of the team ended its work without coming to it; call Barrier equally often on every thread.");
}
