namespace Monge.Engine.Execution;

/// <summary>Gives values places in a tile's memory so that values which are alive at the same time don't overlap.</summary>
internal sealed class SlotAllocator
{
    private readonly List<(long Offset, long End, int LastStep)> _live = [];

    /// <summary>Bytes used at most.</summary>
    public long Size { get; private set; }

    /// <summary>Finds the lowest free place for a value that is alive in a range of steps. Call in the order of first steps.</summary>
    public long Allocate(long bytes, int firstStep, int lastStep)
    {
        // Whole cache lines, and an odd number of them, so that rows of different values don't fall on the same cache sets.
        var lines = ((bytes + 63) / 64) | 1;
        _live.RemoveAll(l => l.LastStep < firstStep);
        long offset = 0;
        foreach (var (start, end, _) in _live)
        {
            if (start - offset >= lines * 64)
            {
                break;
            }

            offset = Math.Max(offset, end);
        }

        _live.Add((offset, offset + (lines * 64), lastStep));
        _live.Sort((a, b) => a.Offset.CompareTo(b.Offset));
        Size = Math.Max(Size, offset + (lines * 64));
        return offset;
    }
}
