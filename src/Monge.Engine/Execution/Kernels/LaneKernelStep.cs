using System.Numerics;
using System.Runtime.CompilerServices;
using Monge.Engine.Lanes;

namespace Monge.Engine.Execution;

/// <summary>Runs a kernel that an operation brings along, with vectors of one width.</summary>
internal sealed unsafe class LaneKernelStep<L, V, T>(LaneKernel kernel, (Location Location, int[] Map, bool HasLanes)[] arguments, Location target, int lanes) : TileKernel
    where L : ILaneNumbers<V, T>
    where V : unmanaged
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly int[][] _maps = [.. arguments.Select(a => a.Map)];
    private readonly bool[] _hasLanes = [.. arguments.Select(a => a.HasLanes)];

    public override int ScratchBytes => kernel.ScratchVectors * sizeof(V);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        var addresses = stackalloc nint[arguments.Length];
        for (var i = 0; i < arguments.Length; i++)
        {
            addresses[i] = (nint)context.Address(arguments[i].Location);
        }

        kernel.Run<L, V, T>(new LaneRows<T>(addresses, _maps, _hasLanes, context.Address(target), lanes, context.Scratch));
    }
}
