using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <content>What the tiles add up: where the sums lie, and after which steps they are added to.</content>
internal sealed partial class ProgramPlan<T>
{
    // Accumulators lie in the order in which a concatenation of gradients wants them, so that it is no more than a view of them.
    private void LayOutAccumulators(IEnumerable<Expr> outputs, List<Expr> uniformNodes)
    {
        var ordered = new List<Expr>();
        foreach (var output in outputs.Where(o => o.Operation is ConcatOperation))
        {
            ordered.AddRange(output.Inputs.Select(i => i.Operation is ReshapeOperation ? i.Inputs[0] : i).Where(i => i.Operation is AccumulatorLeaf));
        }

        foreach (var leaf in ordered.Concat(uniformNodes.Where(n => n.Operation is AccumulatorLeaf)).Distinct())
        {
            _locations[leaf] = new Location(Space.Accumulators, (long)AccumulatorCount * s_elementSize);
            AccumulatorCount += leaf.Size;
        }
    }

    // Where a concatenation of accumulators that lie side by side begins, or null for anything else.
    private Location? AccumulatorRun(Expr value)
    {
        if (value.Operation is not ConcatOperation { Axis: 0 })
        {
            return null;
        }

        Location? first = null;
        long end = 0;
        foreach (var part in value.Inputs)
        {
            var leaf = part.Operation is ReshapeOperation ? part.Inputs[0] : part;
            if (leaf.Operation is not AccumulatorLeaf || (first is not null && _locations[leaf].Offset != end))
            {
                return null;
            }

            first ??= _locations[leaf];
            end = _locations[leaf].Offset + ((long)leaf.Size * s_elementSize);
        }

        return first;
    }

    private List<(Expr Leaf, Expr Left, Expr? Right)>[] AccumulationSteps(List<PlanStep> steps)
    {
        var made = new Dictionary<Expr, int>();
        for (var i = 0; i < steps.Count; i++)
        {
            foreach (var value in steps[i].Writes)
            {
                made[value] = i;
            }
        }

        var result = steps.Select(_ => new List<(Expr, Expr, Expr?)>()).ToArray();
        foreach (var leaf in _locations.Keys.Where(k => k.Operation is AccumulatorLeaf))
        {
            foreach (var (left, right) in ((AccumulatorLeaf)leaf.Operation).Contributions)
            {
                var at = Math.Max(made[BaseOf(left)], right is null ? 0 : made[BaseOf(right)]);
                result[at].Add((leaf, left, right));
            }
        }

        return result;
    }

    private List<PlanStep> ExtendReads(List<PlanStep> steps, List<(Expr Leaf, Expr Left, Expr? Right)>[] accumulations) =>
        [.. steps.Select((s, i) => s with
        {
            Reads = [.. s.Reads, .. accumulations[i].SelectMany(a => a.Right is null ? new[] { BaseOf(a.Left) } : [BaseOf(a.Left), BaseOf(a.Right)])],
        })];
}
