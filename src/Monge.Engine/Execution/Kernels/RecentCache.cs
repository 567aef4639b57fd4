using System.Diagnostics.CodeAnalysis;

namespace Monge.Engine.Execution;

/// <summary>
/// Keeps what was made lately, up to a total size: what was asked for least recently goes first. So a service that compiles a new program for every request
/// holds a bounded amount of code. Safe for use by several threads.
/// </summary>
/// <param name="capacity">The total size of the values kept.</param>
internal sealed class RecentCache<TKey, TValue>(long capacity)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value, long Size)>> _nodes = [];
    private readonly LinkedList<(TKey Key, TValue Value, long Size)> _recent = [];

    /// <summary>The total size of the values kept.</summary>
    public long Size { get; private set; }

    /// <summary>The value of a key, if it is kept.</summary>
    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(key, out var node))
            {
                value = default;
                return false;
            }

            _recent.Remove(node);
            _recent.AddFirst(node);
            value = node.Value.Value;
            return true;
        }
    }

    /// <summary>Keeps a value, unless another thread was first, and lets go of the oldest beyond the capacity.</summary>
    /// <returns>The value that is kept for the key; one larger than the capacity is handed back without being kept.</returns>
    public TValue Add(TKey key, TValue value, long size)
    {
        lock (_lock)
        {
            if (_nodes.TryGetValue(key, out var known))
            {
                return known.Value.Value;
            }

            _nodes[key] = _recent.AddFirst((key, value, size));
            Size += size;
            while (Size > capacity)
            {
                var last = _recent.Last!.Value;
                _recent.RemoveLast();
                _nodes.Remove(last.Key);
                Size -= last.Size;
            }

            return value;
        }
    }
}
