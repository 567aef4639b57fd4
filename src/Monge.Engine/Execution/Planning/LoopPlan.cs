using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <summary>The step of a scan laid out: what is computed in which order, and where its values lie in the memory behind the scan's result.</summary>
internal sealed class LoopPlan
{
    public const int CacheLine = 64;

    private readonly Expr[] _leaves;
    private readonly Expr[] _next;
    private readonly Expr[] _outputs;

    /// <param name="node">The scan. Values of a step have lanes where the result has them, also inputs that are the same for all samples.</param>
    public LoopPlan(Expr node)
    {
        var scan = (ScanOperation)node.Operation;
        var body = scan.Body;
        FirstFixed = body.Carried.Count + body.Inputs.Count;
        var made = new Dictionary<Expr, Expr>();
        foreach (var leaf in body.Carried.Concat(body.Inputs))
        {
            made[leaf] = Expr.Leaf(new ScanLeaf(node.IsUniform), leaf.Shape);
        }

        for (var i = 0; i < body.Fixed.Count; i++)
        {
            made[body.Fixed[i]] = Expr.Leaf(new ScanLeaf(node.Inputs[FirstFixed + i].IsUniform), body.Fixed[i].Shape);
        }

        _leaves = [.. body.Carried.Concat(body.Inputs).Select(l => made[l])];
        Fixed = [.. body.Fixed.Select(l => made[l])];
        var roots = ScalarLoops.Roll(ScanMerging.Apply(Rebuilding.Replace([.. body.Next, .. body.Outputs], made)), StagePlan.LargestGroupWeight);
        (_next, _outputs) = ([.. roots.Take(body.Next.Count)], [.. roots.Skip(body.Next.Count)]);
        int changes;
        do
        {
            changes = Views.Changes;
            foreach (var next in _next.Where(n => !Carried.Contains(n) && Carried.Contains(Views.Resolve(n).Base)))
            {
                // What is carried is overwritten while it is handed on.
                Views.ForceCopy(next);
            }

            Expr[] stored = [.. roots.Select(r => Views.Resolve(r).Base).Distinct()];
            (Steps, var reads) = StagePlan.Make(Views, stored.Where(s => s.Operation is not Leaf), e => e.Operation is Leaf);
            Constants = [.. reads.Concat(stored).Where(r => r.Operation is ConstantLeaf).Distinct()];
        }
        while (Views.Changes != changes);
    }

    /// <summary>Number of the scan's first argument that is the same for all steps.</summary>
    public int FirstFixed { get; }

    public ViewResolver Views { get; } = new();

    public List<PlanStep> Steps { get; private set; }

    /// <summary>Arrays of constants that the steps read.</summary>
    public Expr[] Constants { get; private set; }

    public IReadOnlyList<Expr> Carried => _next.Length == 0 ? [] : _leaves[.._next.Length];

    public IReadOnlyList<Expr> Inputs => _leaves[_next.Length..];

    public IReadOnlyList<Expr> Fixed { get; }

    public IReadOnlyList<Expr> Next => _next;

    public IReadOnlyList<Expr> Outputs => _outputs;

    /// <summary>Where the values of a step lie, in bytes from the beginning of the workspace, and how long that is.</summary>
    /// <param name="rowBytes">Bytes of an element with its lanes.</param>
    public (Dictionary<Expr, long> Offsets, long Bytes) LayOut(int rowBytes)
    {
        var last = new Dictionary<Expr, int>();
        for (var i = 0; i < Steps.Count; i++)
        {
            foreach (var value in Steps[i].Reads.Concat(Steps[i].Writes))
            {
                last[value] = i;
            }
        }

        foreach (var root in _next.Concat(_outputs))
        {
            last[Views.Resolve(root).Base] = int.MaxValue;
        }

        var allocator = new SlotAllocator();
        var offsets = new Dictionary<Expr, long>();
        foreach (var leaf in _leaves)
        {
            offsets[leaf] = allocator.Allocate((long)leaf.Size * rowBytes, 0, int.MaxValue);
        }

        for (var i = 0; i < Steps.Count; i++)
        {
            foreach (var value in Steps[i].Writes)
            {
                offsets[value] = allocator.Allocate(((long)value.Size * rowBytes) + Views.WorkspaceBytes(value, rowBytes), i, last[value]);
            }
        }

        return (offsets, allocator.Size);
    }
}
