namespace Monge.Engine.Execution;

/// <summary>
/// Loops whose turns don't depend on each other, shared among the threads of a team. A turn that writes only what is its own gives the same bits
/// for any number of threads. A loop inside the work of a team, such as another loop's turn, runs on the thread that it is called on; loops that
/// several threads start wait for each other.
/// </summary>
public static class Workers
{
    // Enough portions that a thread with slow turns doesn't keep the others waiting.
    private const int PortionsPerThread = 32;

    // Loops never overlap on a thread, because an inner one runs alone; so one object a thread does, and a loop allocates nothing.
    [ThreadStatic]
    private static Loop? t_loop;

    /// <summary>Runs <paramref name="body"/> for 0 .. <paramref name="count"/> - 1, in any order, and returns when all turns are done.</summary>
    /// <param name="count">Number of turns; nothing is done for 0.</param>
    /// <param name="threads">Threads including the caller; 0 is one for each processor.</param>
    /// <param name="body">What is done with the number of a turn.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    /// <remarks>When a turn throws, turns that haven't begun are left out and the exception is rethrown on the caller.</remarks>
    public static void For(int count, int threads, Action<int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        if (IsAlone(count, threads))
        {
            for (var i = 0; i < count; i++)
            {
                body(i);
            }

            return;
        }

        (t_loop ??= new Loop()).Run(count, ThreadTeam.Of(threads), body, null);
    }

    /// <summary>As the other loop, with memory that each thread makes once and hands to its turns.</summary>
    /// <typeparam name="TMemory">What a thread makes.</typeparam>
    /// <param name="count">Number of turns; nothing is done for 0.</param>
    /// <param name="threads">Threads including the caller; 0 is one for each processor.</param>
    /// <param name="memory">Makes a thread's memory.</param>
    /// <param name="body">What is done with the number of a turn. The memory holds what the thread's last turn left in it, so it must not matter.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    /// <remarks>When a turn throws, turns that haven't begun are left out and the exception is rethrown on the caller.</remarks>
    public static void For<TMemory>(int count, int threads, Func<TMemory> memory, Action<int, TMemory> body)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(body);
        if (IsAlone(count, threads))
        {
            if (count == 0)
            {
                return;
            }

            var own = memory();
            for (var i = 0; i < count; i++)
            {
                body(i, own);
            }

            return;
        }

        (t_loop ??= new Loop()).Run(count, ThreadTeam.Of(threads), null, turns =>
        {
            var own = memory();
            while (turns.Next(out var from, out var to))
            {
                for (var i = from; i < to; i++)
                {
                    body(i, own);
                }
            }
        });
    }

    private static bool IsAlone(int count, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        return count <= 1 || threads == 1 || ThreadTeam.IsInsideWork || ThreadTeam.Of(threads).ThreadCount == 1;
    }

    // Turns are handed out in portions.
    private sealed class Loop
    {
        private readonly Action<int> _share;
        private Action<int>? _body;
        private Action<Loop>? _shareBody;
        private int _count;
        private int _portion;
        private long _next;

        public Loop() => _share = Share;

        public void Run(int count, ThreadTeam team, Action<int>? body, Action<Loop>? shareBody)
        {
            (_count, _body, _shareBody, _next) = (count, body, shareBody, 0);
            _portion = Math.Max(1, count / (team.ThreadCount * PortionsPerThread));
            try
            {
                team.Run(_share);
            }
            finally
            {
                (_body, _shareBody) = (null, null);
            }
        }

        public bool Next(out int from, out int to)
        {
            var start = Interlocked.Add(ref _next, _portion) - _portion;
            (from, to) = ((int)Math.Min(start, _count), (int)Math.Min(start + _portion, _count));
            return from < to;
        }

        private void Share(int thread)
        {
            try
            {
                if (_shareBody is { } shareBody)
                {
                    shareBody(this);
                    return;
                }

                while (Next(out var from, out var to))
                {
                    for (var i = from; i < to; i++)
                    {
                        _body!(i);
                    }
                }
            }
            catch
            {
                Volatile.Write(ref _next, _count);
                throw;
            }
        }
    }
}
