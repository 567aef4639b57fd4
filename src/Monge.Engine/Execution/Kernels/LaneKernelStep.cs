using System.Numerics;
using System.Runtime.CompilerServices;
using Monge.Engine.Lanes;

namespace Monge.Engine.Execution;

/// <summary>A stored value seen through a view: where it lies, the row behind each element, and whether it has lanes.</summary>
internal readonly record struct ViewedRows(Location Location, int[] Rows, bool HasLanes);

/// <summary>Runs a kernel that an operation brings along, with vectors of one width.</summary>
internal sealed unsafe class LaneKernelStep<L, V, T> : TileKernel
    where L : ILaneNumbers<V, T>
    where V : unmanaged
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly LaneKernel _kernel;
    private readonly ViewedRows[] _arguments;
    private readonly nint[][] _offsets;
    private readonly Location _target;
    private readonly int _lanes;

    public LaneKernelStep(LaneKernel kernel, ViewedRows[] arguments, Location target, int lanes)
    {
        (_kernel, _arguments, _target, _lanes) = (kernel, arguments, target, lanes);
        _offsets = new nint[arguments.Length][];
        for (var a = 0; a < arguments.Length; a++)
        {
            // Pinned, so that kernels may keep pointers.
            var offsets = _offsets[a] = GC.AllocateUninitializedArray<nint>(arguments[a].Rows.Length, pinned: true);
            for (var e = 0; e < offsets.Length; e++)
            {
                offsets[e] = (nint)arguments[a].Rows[e] * (arguments[a].HasLanes ? lanes : 1);
            }
        }
    }

    public override int ScratchBytes => _kernel.ScratchVectors * Math.Max(sizeof(V), LaneRows<T>.Group<V>() * sizeof(V));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(TileContext context)
    {
        var arguments = stackalloc LaneArgument<T>[_arguments.Length];
        for (var a = 0; a < _arguments.Length; a++)
        {
            arguments[a] = new LaneArgument<T>(
                context.Address(_arguments[a].Location), (nint*)Unsafe.AsPointer(ref _offsets[a][0]), _arguments[a].HasLanes);
        }

        _kernel.Run<L, V, T>(new LaneRows<T>(arguments, context.Address(_target), _lanes, context.Scratch));
    }
}
