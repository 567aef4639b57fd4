using System.Numerics;
using System.Runtime.CompilerServices;

namespace Monge.Engine.Lanes;

/// <summary>
/// The computation of a node on the rows of a tile, written over any vector of lanes: what an operation brings along that neither fuses with its neighbours
/// nor is made of matrix products.
/// </summary>
internal abstract class LaneKernel
{
    /// <summary>Vectors of scratch memory that a run needs; they hold anything before it.</summary>
    public virtual int ScratchVectors => 0;

    /// <summary>Computes every row of the result, for all lanes.</summary>
    public abstract void Run<L, V, T>(in LaneRows<T> rows)
        where L : ILaneNumbers<V, T>
        where V : unmanaged
        where T : unmanaged, IFloatingPointIeee754<T>;
}

/// <summary>An argument of a kernel: each element is a row of lanes, or one number for all of them.</summary>
/// <param name="first">Its memory.</param>
/// <param name="offsets">Where each element's row begins in it, in numbers.</param>
/// <param name="hasLanes">Whether it has lanes.</param>
internal readonly unsafe struct LaneArgument<T>(void* first, nint* offsets, bool hasLanes)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public bool HasLanes { get; } = hasLanes;

    /// <summary>Where each element's row begins, in numbers from <see cref="First"/>.</summary>
    public nint* Offsets { get; } = offsets;

    public T* First { get; } = (T*)first;

    /// <summary>The lanes from <paramref name="lane"/> on of an element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Load<L, V>(int element, int lane)
        where L : ILaneNumbers<V, T>
        where V : unmanaged
    {
        var row = First + Offsets[element];
        return HasLanes ? L.Load(row + lane) : L.Broadcast(*row);
    }
}

/// <summary>Where a kernel's arguments and result lie.</summary>
/// <param name="arguments">The arguments.</param>
/// <param name="target">The result, row after row.</param>
/// <param name="lanes">Lanes in a row, a multiple of every vector's.</param>
/// <param name="scratch">Memory of the thread.</param>
internal readonly unsafe ref struct LaneRows<T>(LaneArgument<T>* arguments, void* target, int lanes, void* scratch)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int LineBytes = 64;

    private readonly LaneArgument<T>* _arguments = arguments;
    private readonly T* _target = (T*)target;

    public LaneArgument<T> this[int argument] => _arguments[argument];

    public int Lanes { get; } = lanes;

    public void* Scratch { get; } = scratch;

    /// <summary>Vectors that lie in one cache line: a kernel that walks over many rows for each vector should take a line of each at once.</summary>
    public static int Group<V>()
        where V : unmanaged => sizeof(V) <= sizeof(T) ? 1 : LineBytes / sizeof(V);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store<L, V>(int element, int lane, V value)
        where L : ILaneNumbers<V, T>
        where V : unmanaged => L.Store(Row(element) + lane, value);

    /// <summary>A row of the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T* Row(int element) => _target + ((nint)element * Lanes);

    /// <summary>What was stored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Result<L, V>(int element, int lane)
        where L : ILaneNumbers<V, T>
        where V : unmanaged => L.Load(Row(element) + lane);
}
