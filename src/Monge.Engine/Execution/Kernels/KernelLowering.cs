using System.Numerics;
using System.Runtime.Intrinsics;
using Monge.Engine.Lanes;
using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <summary>Makes the kernels of planned steps, once every value has its place.</summary>
/// <param name="views">Where values lie that are seen through views.</param>
/// <param name="locations">The places of stored values.</param>
/// <param name="widest">The width of a tile's vectors.</param>
internal sealed class KernelLowering<T>(ViewResolver views, Dictionary<Expr, Location> locations, SimdWidth widest)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private static readonly int s_elementSize = typeof(T) == typeof(float) ? 4 : 8;
    private static readonly ElementType s_type = typeof(T) == typeof(float) ? ElementType.Float32 : ElementType.Float64;

    /// <summary>Whether a stored value has lanes.</summary>
    public static bool HasLanes(Expr value) => !value.IsUniform;

    /// <summary>The address of the first element of a dense value.</summary>
    public Location Place(Expr value, int lanes)
    {
        var view = views.Resolve(value);
        var location = locations[view.Base];
        return location with { Offset = location.Offset + ((long)view.Offset * s_elementSize * (HasLanes(view.Base) ? lanes : 1)) };
    }

    /// <summary>The kernel that adds a value, or an outer product, to what the tiles add up.</summary>
    /// <param name="leaf">The sum.</param>
    /// <param name="left">The value, or the left factor.</param>
    /// <param name="right">The right factor; null for a value.</param>
    /// <param name="lanes">Lanes of a tile.</param>
    /// <param name="begins">Whether it is the first to add to this sum.</param>
    public TileKernel MakeAccumulation(Expr leaf, Expr left, Expr? right, int lanes, bool begins)
    {
        var target = locations[leaf];
        if (right is null)
        {
            return new RowSumKernel<T>(Place(left, lanes), target, left.Size, lanes, begins);
        }

        var (a, b) = (views.Resolve(left), views.Resolve(right));
        return new OuterAccumulateKernel(
            Place(left, lanes), a.Strides[0], Place(right, lanes), b.Strides[0], target, a.Shape[0], b.Shape[0], a.Shape[1],
            lanes, s_elementSize, begins, MatrixKernels.Get(s_type, widest));
    }

    /// <summary>The kernel of a step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="lanes">Lanes of its values.</param>
    /// <param name="width">The width of its vectors.</param>
    public TileKernel Make(PlanStep step, int lanes, SimdWidth width)
    {
        if (step.Group is { } group)
        {
            var (code, table) = FusedKernelCompiler.Compile(group, s_type, width, lanes, HasLanes);
            return new FusedKernel(code, table, group.Outer, lanes, s_elementSize, e => locations[e]);
        }

        var value = step.Single!;
        if (step.Terms is { } terms)
        {
            return new SequenceKernel([.. terms.Select((p, i) => MakeProduct(p, locations[value], lanes, width, accumulates: i > 0))]);
        }

        var maker = new Maker(this, value, lanes, width);
        value.Operation.Lower(value, maker);
        return maker.Made!;
    }

    private sealed class Maker(KernelLowering<T> lowering, Expr value, int lanes, SimdWidth width) : ILowering
    {
        private readonly Location _target = lowering.Located(value);

        public TileKernel? Made { get; private set; }

        public void Given() => throw new InvalidOperationException($"The value of '{value.Operation.Name}' comes from outside; it has no kernel.");

        public void Draw(RandomLaw law, int stream) => Made = new RandomKernel(_target, law, stream, value.Size, lanes, s_type);

        public void Fuse() =>
            throw new InvalidOperationException($"The operation '{value.Operation.Name}' is computed in a fused loop; it has no kernel of its own.");

        public void View() => Made = lowering.MakeCopy(value, null, _target, lanes);

        public void Join(int axis) => Made = lowering.MakeCopy(value, axis, _target, lanes);

        public void Multiply() => Made = lowering.MakeProduct(value, _target, lanes, width);

        public void Loop() => Made = lowering.MakeLoop(value, _target, lanes, width);

        public void Run(LaneKernel kernel, params ReadOnlySpan<Expr> arguments)
        {
            var read = new ViewedRows[arguments.Length];
            for (var i = 0; i < read.Length; i++)
            {
                read[i] = lowering.Rows(arguments[i]);
            }

            Made = width switch
            {
                SimdWidth.Scalar => new LaneKernelStep<LaneNumbers1<T>, T, T>(kernel, read, _target, lanes),
                SimdWidth.Bits128 => new LaneKernelStep<LaneNumbers128<T>, Vector128<T>, T>(kernel, read, _target, lanes),
                SimdWidth.Bits256 => new LaneKernelStep<LaneNumbers256<T>, Vector256<T>, T>(kernel, read, _target, lanes),
                _ => new LaneKernelStep<LaneNumbers512<T>, Vector512<T>, T>(kernel, read, _target, lanes),
            };
        }
    }

    private Location Located(Expr stored) => locations[stored];

    private ViewedRows Rows(Expr value)
    {
        var view = views.Resolve(value);
        return new ViewedRows(locations[view.Base], view.Map(), HasLanes(view.Base));
    }

    // The values of a step lie behind the result. What it carries it hands on in place; what it is given for each step is copied to one place.
    private LoopKernel MakeLoop(Expr value, Location target, int lanes, SimdWidth width)
    {
        var (scan, loop) = ((ScanOperation)value.Operation, views.LoopOf(value));
        var row = lanes * s_elementSize;
        var workspace = ((long)value.Size * row + LoopPlan.CacheLine - 1) / LoopPlan.CacheLine * LoopPlan.CacheLine;
        var inner = loop.LayOut(row).Offsets.ToDictionary(p => p.Key, p => target with { Offset = target.Offset + workspace + p.Value });
        for (var i = 0; i < loop.Fixed.Count; i++)
        {
            inner[loop.Fixed[i]] = Place(value.Inputs[loop.FirstFixed + i], lanes);
        }

        foreach (var constant in loop.Constants)
        {
            inner[constant] = locations[constant];
        }

        var body = new KernelLowering<T>(loop.Views, inner, widest);
        var (before, reads, writes, after) = (new List<LoopCopy>(), new List<LoopCopy>(), new List<LoopCopy>(), new List<LoopCopy>());
        var parts = scan.Parts().Select(p => target with { Offset = target.Offset + ((long)p.First * row) }).ToArray();
        for (var i = 0; i < loop.Inputs.Count; i++)
        {
            var input = loop.Inputs[i];
            reads.Add(new LoopCopy(Rows(value.Inputs[loop.Carried.Count + i]), inner[input], input.Size, 0, input.Size));
        }

        for (var i = 0; i < loop.Outputs.Count; i++)
        {
            var output = loop.Outputs[i];
            writes.Add(new LoopCopy(body.Rows(output), parts[loop.Carried.Count + i], 0, output.Size, output.Size));
        }

        for (var i = 0; i < loop.Carried.Count; i++)
        {
            var carried = loop.Carried[i];
            before.Add(new LoopCopy(Rows(value.Inputs[i]), inner[carried], 0, 0, carried.Size));
            after.Add(new LoopCopy(body.Rows(carried), parts[i], 0, 0, carried.Size));
            if (!ReferenceEquals(loop.Next[i], carried))
            {
                writes.Add(new LoopCopy(body.Rows(loop.Next[i]), inner[carried], 0, 0, carried.Size));
            }
        }

        return new LoopKernel(
            [.. loop.Steps.Select(s => body.Make(s, lanes, width))], [.. before], [.. reads], [.. writes], [.. after], scan.Steps, scan.IsReverse, lanes,
            s_elementSize);
    }

    private TileKernel MakeProduct(Expr value, Location target, int lanes, SimdWidth width, bool accumulates = false)
    {
        var (left, right) = (value.Inputs[0], value.Inputs[1]);
        var (a, b) = (views.Resolve(left), views.Resolve(right));
        var matrix = MatrixKernels.Get(s_type, HasLanes(value) ? width : WidthOf(value.Shape[^1]));
        if (value.Shape.Rank == 3)
        {
            // A stack is a run of products; each member has rows of its own.
            var members = new List<TileKernel>();
            var bytes = (long)value.Shape[1] * value.Shape[2] * s_elementSize * (HasLanes(value) ? lanes : 1);
            for (var s = 0; s < value.Shape[0]; s++)
            {
                var place = target with { Offset = target.Offset + (s * bytes) };
                members.Add(MakeProduct(Member(a, s), left.IsUniform, Member(b, s), right.IsUniform, place, lanes, matrix));
            }

            return new SequenceKernel(members);
        }

        return MakeProduct(a, left.IsUniform, b, right.IsUniform, target, lanes, matrix, accumulates);
    }

    // A product of uniform matrices has no lanes; its columns take their place where they fill vectors. Every width gives the same bits.
    private SimdWidth WidthOf(int columns) =>
        SimdWidths.Supported.Where(w => w <= widest && columns % MatrixKernels.Get(s_type, w).Lanes == 0).Max();

    private static StridedView Member(StridedView stack, int index) =>
        new(stack.Base, stack.Offset + (index * stack.Strides[0]), stack.Shape[1..], stack.Strides[1..]);

    private TileKernel MakeProduct(
        StridedView a, bool uniformLeft, StridedView b, bool uniformRight, Location target, int lanes, MatrixKernels matrix, bool accumulates = false)
    {
        var (m, k, n) = (a.Shape[0], a.Shape[1], b.Shape[1]);
        Location At(StridedView v, bool uniform) => locations[v.Base] with
        {
            Offset = locations[v.Base].Offset + ((long)v.Offset * s_elementSize * (uniform ? 1 : lanes)),
        };

        if (uniformLeft)
        {
            var (rowStride, columnStride, rightStride) = (m == 1 ? 0 : a.Strides[0], k == 1 ? 1 : a.Strides[1], k == 1 ? n : b.Strides[0]);
            return new SharedLeftProductKernel(
                At(a, true), rowStride, columnStride, At(b, uniformRight), rightStride, target, m, k, n, lanes, matrix, accumulates);
        }

        if (uniformRight)
        {
            return new SharedRightProductKernel(
                At(a, false), a.Strides[0], k == 1 ? 1 : a.Strides[1], At(b, true), b.Strides[0], b.Strides[1], target, m, k, n, lanes, s_elementSize, matrix);
        }

        var (first, second) = (new TileMatrix(At(a, false), a.Strides[0], a.Strides[1]), new TileMatrix(At(b, false), b.Strides[0], b.Strides[1]));
        return widest switch
        {
            SimdWidth.Scalar => new LaneProductKernel<LaneNumbers1<T>, T, T>(first, second, target, m, k, n, lanes),
            SimdWidth.Bits128 => new LaneProductKernel<LaneNumbers128<T>, Vector128<T>, T>(first, second, target, m, k, n, lanes),
            SimdWidth.Bits256 => new LaneProductKernel<LaneNumbers256<T>, Vector256<T>, T>(first, second, target, m, k, n, lanes),
            _ => new LaneProductKernel<LaneNumbers512<T>, Vector512<T>, T>(first, second, target, m, k, n, lanes),
        };
    }

    // A view, or all arguments joined along an axis.
    private TileKernel MakeCopy(Expr value, int? joined, Location target, int lanes)
    {
        var parts = joined is null ? [value] : value.Inputs.ToArray();
        if (joined is null && lanes == 1 && value.Operation is not GatherOperation && views.Through(value) is { Shape.Rank: 2 } turned
            && turned.Strides[0] == 1)
        {
            var source = locations[turned.Base] with { Offset = locations[turned.Base].Offset + ((long)turned.Offset * s_elementSize) };
            return new TransposeKernel(target, source, turned.Shape[1], turned.Shape[0], turned.Strides[1], MatrixKernels.Get(s_type, SimdWidths.Best));
        }

        var sources = new List<(Location, bool)>();
        var (part, element) = (new int[value.Size], new int[value.Size]);
        var outer = joined is { } axis ? value.Shape[..axis].Size : 1;
        var row = value.Size / outer;
        var at = 0;
        for (var p = 0; p < parts.Length; p++)
        {
            var (map, from) = joined is null ? SourceMap(value) : (views.Resolve(parts[p]).Map(), views.Resolve(parts[p]).Base);
            sources.Add((locations[from], HasLanes(from)));
            var block = map.Length / outer;
            for (var e = 0; e < map.Length; e++)
            {
                var to = (e / block * row) + at + (e % block);
                part[to] = p;
                element[to] = map[e];
            }

            at += block;
        }

        return HasLanes(value)
            ? new CopyKernel(target, [.. sources], part, element, lanes, s_elementSize)
            : new UniformCopyKernel(target, [.. sources.Select(s => s.Item1)], part, element, s_elementSize);
    }

    // Where the elements of a stored view come from.
    private (int[] Map, Expr From) SourceMap(Expr value)
    {
        if (views.Through(value) is { } through)
        {
            return (through.Map(), through.Base);
        }

        var input = views.Resolve(value.Inputs[0]);
        var inner = input.Map();
        var map = new int[value.Size];
        ((ViewOperation)value.Operation).Map(value.Inputs[0].Shape, value.Shape, map);
        for (var e = 0; e < map.Length; e++)
        {
            map[e] = map[e] < 0 ? -1 : inner[map[e]];
        }

        return (map, input.Base);
    }
}
