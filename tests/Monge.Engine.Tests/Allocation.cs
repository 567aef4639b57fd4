namespace Monge.Testing;

/// <summary>What a piece of work allocates.</summary>
internal static class Allocation
{
    private const int Rounds = 5;

    /// <summary>
    /// The fewest bytes that the calling thread allocates in a round of <paramref name="work"/>, after a round for warming up. The
    /// runtime itself allocates now and then on a thread, as when it puts better code in place of a method's first code or creates
    /// a lock's wait handle; what the work allocates comes back in every round.
    /// </summary>
    public static long Least(Action work)
    {
        work();
        var least = long.MaxValue;
        for (var round = 0; round < Rounds && least > 0; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
