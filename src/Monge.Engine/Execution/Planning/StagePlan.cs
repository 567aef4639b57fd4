using Monge.Engine.Arrays;
using Monge.Engine.Lanes;
using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <summary>
/// Orders the nodes of one stage (uniform values before the tiles, the tile's body, uniform values after) and joins elementwise work and
/// reductions between matrix products into fused loop nests. Cheap values are computed again where they are used rather than stored.
/// </summary>
internal sealed partial class StagePlan
{
    /// <summary>The weight of a kernel, in about as many simple instructions; what is heavier is cut.</summary>
    public const int LargestGroupWeight = 400;
    private const int LargestRecomputation = 8;

    private readonly ViewResolver _views;
    private readonly Func<Expr, bool> _isExternal;
    private readonly Dictionary<Expr, FusedNode> _fused = [];
    private readonly Dictionary<Expr, Expr[]> _singles = [];
    private readonly Dictionary<Expr, Expr[]> _terms = [];
    private readonly Dictionary<Expr, int> _singleTime = [];
    private readonly List<Expr> _order = [];
    private readonly HashSet<Expr> _roots;
    private readonly HashSet<Expr> _externalReads = [];
    private readonly Dictionary<Expr, int> _readers = [];

    private StagePlan(ViewResolver views, IEnumerable<Expr> roots, Func<Expr, bool> isExternal)
    {
        _views = views;
        _isExternal = isExternal;
        _roots = [.. roots];
        foreach (var read in TracedProgram.Collect(_roots).SelectMany(n => n.Inputs).Concat(_roots))
        {
            _readers[read] = _readers.GetValueOrDefault(read) + 1;
        }
    }

    /// <summary>Plans a stage.</summary>
    /// <param name="views">The resolver of views, shared by the stages of a program.</param>
    /// <param name="roots">Values that must be stored at the end (bases of their own).</param>
    /// <param name="isExternal">Whether a value comes from an earlier stage.</param>
    /// <returns>The steps, and the values of earlier stages that they read.</returns>
    public static (List<PlanStep> Steps, HashSet<Expr> ExternalReads) Make(ViewResolver views, IEnumerable<Expr> roots, Func<Expr, bool> isExternal)
    {
        var plan = new StagePlan(views, roots, isExternal);
        plan.Collect();
        plan.AssignTimes();
        plan.DecideStorage();
        return (plan.Steps(), plan._externalReads);
    }

    // Post-order walk over stored values, so that what is read comes before its readers.
    private void Collect()
    {
        var state = new Dictionary<Expr, bool>();
        var stack = new Stack<Expr>(_roots);
        while (stack.TryPeek(out var value))
        {
            if (_isExternal(value))
            {
                _externalReads.Add(value);
                stack.Pop();
                continue;
            }

            if (state.TryGetValue(value, out var done) && done)
            {
                stack.Pop();
                continue;
            }

            if (state.ContainsKey(value))
            {
                stack.Pop();
                state[value] = true;
                if (_fused.TryGetValue(value, out var node))
                {
                    node.Order = _order.Count;
                }

                _order.Add(value);
                continue;
            }

            state[value] = false;
            foreach (var read in Reads(value))
            {
                if (!state.ContainsKey(read))
                {
                    stack.Push(read);
                }
            }
        }
    }

    private IEnumerable<Expr> Reads(Expr value)
    {
        if (value.Operation is AddOperation && OwnProduct(value.Inputs[0]) is { } first && OwnProduct(value.Inputs[1]) is { } second && first != second)
        {
            _terms[value] = [first, second];
            return _singles[value] = [.. MatrixOperands(first), .. MatrixOperands(second)];
        }

        var reader = new Reader(this, value);
        value.Operation.Lower(value, reader);
        return reader.Reads;
    }

    // Notes the stored values that a node reads, in the layout that its way of being computed needs.
    private sealed class Reader(StagePlan plan, Expr value) : ILowering
    {
        public Expr[] Reads { get; private set; } = [];

        public void Given() => Single([]);

        public void Draw(RandomLaw law, int stream) => Single([]);

        public void Fuse()
        {
            var node = plan.MakeFused(value);
            plan._fused[value] = node;
            Reads = [.. node.Operands.Select(a => a.Base)];
        }

        public void View() => Single([plan._views.Through(value)?.Base ?? plan._views.Resolve(value.Inputs[0]).Base]);

        public void Join(int axis) => Single([.. value.Inputs.Select(i => plan._views.Resolve(i).Base)]);

        public void Multiply() => Single(plan.MatrixOperands(value));

        public void Run(LaneKernel kernel, params ReadOnlySpan<Expr> arguments)
        {
            var reads = new Expr[arguments.Length];
            for (var i = 0; i < reads.Length; i++)
            {
                reads[i] = plan._views.Resolve(arguments[i]).Base;
            }

            Single(reads);
        }

        // A step reads what is the same for all steps where it lies, so that must be dense.
        public void Loop()
        {
            var loop = plan._views.LoopOf(value);
            foreach (var argument in value.Inputs.Skip(loop.FirstFixed).Where(i => !plan._views.Resolve(i).IsDense))
            {
                plan._views.ForceCopy(argument);
            }

            Single([.. value.Inputs.Select(i => plan._views.Resolve(i).Base), .. loop.Constants]);
        }

        private void Single(Expr[] reads) => Reads = plan._singles[value] = reads;
    }

    // A product of a shared left matrix with per-sample columns that only this operand of a sum reads: the sum's kernels add it up where they store it.
    private Expr? OwnProduct(Expr operand)
    {
        var product = operand;
        while (product.Operation is ReshapeOperation && _readers[product] == 1)
        {
            product = product.Inputs[0];
        }

        var isProduct = product.Operation is MatrixProductOperation && product.Shape.Rank == 2 && product.Inputs[0].IsUniform && !product.Inputs[1].IsUniform;
        return isProduct && _readers[product] == 1 && !_isExternal(product) ? product : null;
    }

    // A GEMM walks its shared factor with any strides, its other factor with any stride from row to row; lane by lane a product walks both with any.
    private Expr[] MatrixOperands(Expr product)
    {
        var (left, right) = (product.Inputs[0], product.Inputs[1]);
        if (left.IsUniform)
        {
            var rows = _views.Resolve(right);
            if (!((rows.Strides[^1] == 1 || rows.Shape[^1] == 1) && (rows.Strides[^2] > 0 || rows.Shape[^2] == 1)))
            {
                _views.ForceCopy(right);
            }
        }
        else if (right.IsUniform && _views.Resolve(left) is { } row && !(row.Strides[^1] > 0 || row.Shape[^1] == 1))
        {
            _views.ForceCopy(left);
        }

        return [_views.Resolve(left).Base, _views.Resolve(right).Base];
    }

    private FusedNode MakeFused(Expr value)
    {
        if (value.Operation is not ReductionOperation { Axis: var axis })
        {
            var (level, outer, inner) = Domain(value.Shape);
            return new FusedNode(value, level, outer, inner, [.. value.Inputs.Select(i => AccessOf(i, level))]);
        }

        var input = value.Inputs[0];
        var moved = input.Transpose([.. Enumerable.Range(0, input.Shape.Rank).Where(a => a != axis), axis]);
        var length = input.Shape[axis];
        return value.Size == 1
            ? new FusedNode(value, 0, length, 1, [AccessOf(moved, 1)])
            : new FusedNode(value, 1, value.Size, length, [AccessOf(moved, 2)]);
    }

    private static (int Level, int Outer, int Inner) Domain(Shape shape)
    {
        var size = shape.Size;
        if (size == 1)
        {
            return (0, 1, 1);
        }

        var inner = shape[^1];
        return inner == 1 || inner == size ? (1, size, 1) : (2, size / inner, inner);
    }

    private Access AccessOf(Expr operand, int level)
    {
        if (Collapse(_views.Resolve(operand), level) is { } access)
        {
            return access;
        }

        _views.ForceCopy(operand);
        return Collapse(_views.Resolve(operand), level)!.Value;
    }

    private static Access? Collapse(StridedView view, int level)
    {
        var split = level == 2 ? view.Shape.Rank - 1 : view.Shape.Rank;
        return view.Collapse(split) is var (outer, inner) ? new Access(view.Base, view.Offset, outer, inner) : null;
    }

    /// <summary>Whether the reader sees, at each turn of the loops, just the element that the operand's node computes at that turn.</summary>
    public static bool IsAligned(FusedNode operand, Access access, FusedNode reader)
    {
        if (access.Offset != 0)
        {
            return false;
        }

        if (operand.Level == 0)
        {
            return true;
        }

        if (reader.OperandLevel == 0 || operand.Outer != reader.Outer)
        {
            return false;
        }

        return operand.Level == 1
            ? access.OuterStride == 1 && access.InnerStride == 0
            : reader.OperandLevel == 2 && operand.Inner == reader.Inner && access.OuterStride == operand.Inner && access.InnerStride == 1;
    }

    // Values of level 0 that come out of a loop can't go back into it; all others flow freely inside a loop nest.
    private static bool CanFlow(FusedNode operand, Access access, FusedNode reader) =>
        IsAligned(operand, access, reader) && (operand.Level > 0 || (reader.Level == 0 && !reader.IsReduction));

    private void AssignTimes()
    {
        var segments = new Dictionary<(int Time, int Outer), (int Segment, int Weight)>();
        foreach (var value in _order)
        {
            if (!_fused.TryGetValue(value, out var node))
            {
                _singleTime[value] = _singles[value].Select(r => TimeOf(r) + 1).DefaultIfEmpty(0).Max();
                continue;
            }

            var time = 1;
            foreach (var access in node.Operands)
            {
                var flows = _fused.TryGetValue(access.Base, out var operand) && CanFlow(operand, access, node);
                time = Math.Max(time, TimeOf(access.Base) + (flows ? 0 : 1));
            }

            if (node.Level == 0 && !node.IsReduction)
            {
                // An element computed after loops belongs to them, if it comes out of one loop nest only.
                var homes = node.Operands.Where(a => _fused.ContainsKey(a.Base) && _fused[a.Base].Time == time).Select(
                    a => _fused[a.Base].Outer).Distinct().ToList();
                node.Outer = homes.Count == 1 ? homes[0] : 1;
                time += homes.Count > 1 ? 1 : 0;
            }

            node.Time = time;
            var weight = node.Weight;
            var (segment, used) = segments.GetValueOrDefault((time, node.Outer));
            (segment, used) = used + weight > LargestGroupWeight && used > 0 ? (segment + 1, weight) : (segment, used + weight);
            segments[(time, node.Outer)] = (segment, used);
            node.Segment = segment;
        }
    }

    private int TimeOf(Expr value) => _isExternal(value) ? -1 : _fused.TryGetValue(value, out var node) ? node.Time : _singleTime[value];

    private bool Flows(Access access, FusedNode reader) =>
        _fused.TryGetValue(access.Base, out var operand) && operand.Group == reader.Group && CanFlow(operand, access, reader);

    private List<PlanStep> Steps()
    {
        var keyed = new List<(int Time, int Order, PlanStep Step)>();
        for (var i = 0; i < _order.Count; i++)
        {
            var value = _order[i];
            if (_singles.TryGetValue(value, out var reads))
            {
                var step = new PlanStep(null, value, [.. reads.Where(r => !_isExternal(r))], [value], _terms.GetValueOrDefault(value));
                keyed.Add((_singleTime[value], i, step));
            }
        }

        foreach (var group in _fused.Values.Where(n => n.IsStored).GroupBy(n => n.Group))
        {
            var members = new Dictionary<Expr, FusedNode>();
            var reads = new HashSet<Expr>();
            foreach (var node in group)
            {
                AddMember(node, group.Key, members, reads);
            }

            List<FusedNode> ordered = [.. members.Values.OrderBy(n => n.Order)];
            var step = new PlanStep(new FusedGroup(group.Key.Item2, ordered), null, [.. reads], [.. group.OrderBy(n => n.Order).Select(n => n.Value)]);
            keyed.Add((group.Key.Item1, ordered[^1].Order, step));
        }

        var steps = keyed.OrderBy(k => k.Time).ThenBy(k => k.Step.Group is null ? 0 : _fused[k.Step.Writes[0]].Segment).ThenBy(
            k => k.Order).Select(k => k.Step).ToList();
        return DelayLeaves(steps);
    }

    private void AddMember(FusedNode node, (int, int, int) group, Dictionary<Expr, FusedNode> members, HashSet<Expr> reads)
    {
        if (!members.TryAdd(node.Value, node))
        {
            return;
        }

        foreach (var access in node.Operands)
        {
            if (_fused.TryGetValue(access.Base, out var operand) && (operand.IsRecomputed || (operand.Group == group && Flows(access, node)))
                && IsAligned(operand, access, node))
            {
                AddMember(operand, group, members, reads);
            }
            else if (!_isExternal(access.Base))
            {
                reads.Add(access.Base);
            }
        }
    }

    // Inputs and random numbers are made just before their first use, so that they don't hold memory before.
    private static List<PlanStep> DelayLeaves(List<PlanStep> steps)
    {
        var leaves = steps.Where(s => s.Single?.Operation is Leaf).ToDictionary(s => s.Single!);
        var result = new List<PlanStep>();
        foreach (var step in steps.Where(s => s.Single?.Operation is not Leaf))
        {
            foreach (var read in step.Reads)
            {
                if (leaves.Remove(read, out var leaf))
                {
                    result.Add(leaf);
                }
            }

            result.Add(step);
        }

        result.AddRange(leaves.Values);
        return result;
    }
}
