using System.Numerics;
using System.Runtime.CompilerServices;

namespace Monge.Engine.Lanes;

/// <summary>
/// The computation of a node on the rows of a tile, written over any vector of lanes: what an operation brings along that neither fuses with its neighbours nor is made of
/// matrix products.
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

/// <summary>Where a kernel's arguments and result lie: element e of an argument is a row of lanes, or one number for all of them.</summary>
/// <param name="addresses">The first element of each argument's memory.</param>
/// <param name="maps">For each argument, the row behind each element.</param>
/// <param name="hasLanes">For each argument, whether it has lanes.</param>
/// <param name="target">The result, row after row.</param>
/// <param name="lanes">Lanes in a row, a multiple of every vector's.</param>
/// <param name="scratch">Memory of the thread.</param>
internal readonly unsafe ref struct LaneRows<T>(nint* addresses, int[][] maps, bool[] hasLanes, void* target, int lanes, void* scratch)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly nint* _addresses = addresses;
    private readonly T* _target = (T*)target;

    public int Lanes { get; } = lanes;

    public void* Scratch { get; } = scratch;

    public bool HasLanes(int argument) => hasLanes[argument];

    /// <summary>The lanes from <paramref name="lane"/> on of an argument's element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Load<L, V>(int argument, int element, int lane)
        where L : ILaneNumbers<V, T>
        where V : unmanaged
    {
        var from = (T*)_addresses[argument];
        nint row = maps[argument][element];
        return hasLanes[argument] ? L.Load(from + (row * Lanes) + lane) : L.Broadcast(from[row]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store<L, V>(int element, int lane, V value)
        where L : ILaneNumbers<V, T>
        where V : unmanaged => L.Store(_target + ((nint)element * Lanes) + lane, value);

    /// <summary>What was stored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Result<L, V>(int element, int lane)
        where L : ILaneNumbers<V, T>
        where V : unmanaged => L.Load(_target + ((nint)element * Lanes) + lane);
}
