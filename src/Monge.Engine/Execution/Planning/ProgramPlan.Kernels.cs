using Monge.Engine.Lanes;
using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <content>From planned steps to kernels.</content>
internal sealed partial class ProgramPlan<T>
{
    private TileKernel MakeAccumulation(Expr leaf, Expr left, Expr? right, int lanes, bool begins)
    {
        var target = _locations[leaf];
        if (right is null)
        {
            return new RowSumKernel<T>(Place(left, lanes), target, left.Size, lanes, begins);
        }

        var (a, b) = (_views.Resolve(left), _views.Resolve(right));
        return new OuterAccumulateKernel(
            Place(left, lanes), a.Strides[0], Place(right, lanes), b.Strides[0], target, a.Shape[0], b.Shape[0], a.Shape[1], lanes, s_elementSize, begins, MatrixKernels.Get(_type, _width));
    }

    private TileKernel MakeKernel(PlanStep step, int lanes, SimdWidth width)
    {
        if (step.Group is { } group)
        {
            var (code, table) = FusedKernelCompiler.Compile(group, _type, width, lanes, HasLanes);
            return new FusedKernel(code, table, group.Outer, lanes, s_elementSize, e => _locations[e]);
        }

        var value = step.Single!;
        var target = _locations[value];
        switch (value.Operation)
        {
            case RandomLeaf random:
                return new RandomKernel(target, random.Law, random.Stream, value.Size, lanes, _type);
            case MatrixProductOperation:
                return MakeProduct(value, target, lanes, width);
            case AddOperation:
                return new SequenceKernel([.. value.Inputs.Select((p, i) => MakeProduct(ProductOf(p), target, lanes, width, accumulates: i > 0))]);
            case ViewOperation or ConcatOperation:
                return MakeCopy(value, target, lanes);
            case ScatterAddOperation scatter:
                return new ScatterAddKernel<T>(Place(value.Inputs[0], lanes), target, ScatterMap(scatter, value), value.Size, lanes);
            case CumulativeSumOperation sum:
                var shape = value.Shape;
                return new CumulativeSumKernel<T>(
                    Place(value.Inputs[0], lanes), target, shape[..sum.Axis].Size, shape[sum.Axis], shape[(sum.Axis + 1)..].Size, sum.FromEnd, lanes);
            case UserOperation user:
                return new UserKernel<T>(
                    user, [.. value.Inputs.Select(i => (Place(i, lanes), HasLanes(BaseOf(i))))], [.. value.Inputs.Select(i => i.Shape)], target, value.Size, lanes);
            default:
                throw new NotSupportedException($"The tile machine has no kernel for the operation '{value.Operation.Name}'.");
        }
    }

    private static int[] ScatterMap(ScatterAddOperation scatter, Expr value)
    {
        var input = value.Inputs[0].Shape;
        var (inner, count, size) = (input[(scatter.Axis + 1)..].Size, input[scatter.Axis], value.Shape[scatter.Axis]);
        var map = new int[input.Size];
        for (var e = 0; e < map.Length; e++)
        {
            var (o, k, i) = (e / (inner * count), e / inner % count, e % inner);
            map[e] = scatter.Indices[k] < 0 ? -1 : (((o * size) + scatter.Indices[k]) * inner) + i;
        }

        return map;
    }

    private static Expr ProductOf(Expr operand) => operand.Operation is ReshapeOperation ? ProductOf(operand.Inputs[0]) : operand;

    private TileKernel MakeProduct(Expr value, Location target, int lanes, SimdWidth width, bool accumulates = false)
    {
        var (left, right) = (value.Inputs[0], value.Inputs[1]);
        var (a, b) = (_views.Resolve(left), _views.Resolve(right));
        var matrix = MatrixKernels.Get(_type, width);
        if (value.Shape.Rank == 3)
        {
            // A stack is a run of products; each member has rows of its own.
            var members = new List<TileKernel>();
            for (var s = 0; s < value.Shape[0]; s++)
            {
                members.Add(MakeProduct(
                    Member(a, s), left.IsUniform, Member(b, s), right.IsUniform,
                    target with { Offset = target.Offset + ((long)s * value.Shape[1] * value.Shape[2] * s_elementSize * (HasLanes(value) ? lanes : 1)) }, lanes, matrix));
            }

            return new SequenceKernel(members);
        }

        return MakeProduct(a, left.IsUniform, b, right.IsUniform, target, lanes, matrix, accumulates);
    }

    private static StridedView Member(StridedView stack, int index) =>
        new(stack.Base, stack.Offset + (index * stack.Strides[0]), stack.Shape[1..], stack.Strides[1..]);

    private TileKernel MakeProduct(StridedView a, bool uniformLeft, StridedView b, bool uniformRight, Location target, int lanes, MatrixKernels matrix, bool accumulates = false)
    {
        var (m, k, n) = (a.Shape[0], a.Shape[1], b.Shape[1]);
        Location At(StridedView v, bool uniform) => _locations[v.Base] with
        {
            Offset = _locations[v.Base].Offset + ((long)v.Offset * s_elementSize * (uniform ? 1 : lanes)),
        };

        if (uniformLeft)
        {
            var rightStride = k == 1 ? n : b.Strides[0];
            return new SharedLeftProductKernel(At(a, true), m == 1 ? 0 : a.Strides[0], k == 1 ? 1 : a.Strides[1], At(b, uniformRight), rightStride, target, m, k, n, lanes, matrix, accumulates);
        }

        return uniformRight
            ? new SharedRightProductKernel(At(a, false), At(b, true), target, m, k, n, lanes, s_elementSize, matrix)
            : new LaneProductKernel(LaneProductKernel.Compile(_type, _width), At(a, false), At(b, false), target, m, k, n, lanes, s_elementSize);
    }

    private TileKernel MakeCopy(Expr value, Location target, int lanes)
    {
        var parts = value.Operation is ConcatOperation ? value.Inputs.ToArray() : [value];
        if (parts.Length == 1 && value.Operation is not GatherOperation && _views.Through(value) is { Shape.Rank: 2 } turned && turned.Strides[0] == 1 && lanes == 1)
        {
            var source = _locations[turned.Base] with { Offset = _locations[turned.Base].Offset + ((long)turned.Offset * s_elementSize) };
            return new TransposeKernel(target, source, turned.Shape[1], turned.Shape[0], turned.Strides[1], MatrixKernels.Get(_type, SimdWidths.Best));
        }

        var sources = new List<(Location, bool)>();
        var (part, element) = (new int[value.Size], new int[value.Size]);
        var concat = value.Operation as ConcatOperation;
        var outer = concat is null ? 1 : value.Shape[..concat.Axis].Size;
        var row = value.Size / outer;
        var at = 0;
        for (var p = 0; p < parts.Length; p++)
        {
            var (map, from) = concat is null ? SourceMap(value) : (_views.Resolve(parts[p]).Map(), BaseOf(parts[p]));
            sources.Add((_locations[from], HasLanes(from)));
            var block = map.Length / outer;
            for (var e = 0; e < map.Length; e++)
            {
                var to = (e / block * row) + at + (e % block);
                part[to] = p;
                element[to] = map[e];
            }

            at += block;
        }

        return new CopyKernel(target, [.. sources], part, element, lanes, s_elementSize);
    }

    // Where the elements of a stored view come from.
    private (int[] Map, Expr From) SourceMap(Expr value)
    {
        if (_views.Through(value) is { } through)
        {
            return (through.Map(), through.Base);
        }

        var input = _views.Resolve(value.Inputs[0]);
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
