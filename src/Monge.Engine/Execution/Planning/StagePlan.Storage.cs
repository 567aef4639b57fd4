using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <content>Which values are stored, and which are computed again where they are used.</content>
internal sealed partial class StagePlan
{
    private void DecideStorage()
    {
        var crossing = new Dictionary<Expr, List<(Access Access, FusedNode Reader)>>();
        var read = new HashSet<Expr>(_roots);
        foreach (var value in _order)
        {
            if (!_fused.TryGetValue(value, out var node))
            {
                read.UnionWith(_singles[value]);
                continue;
            }

            foreach (var access in node.Operands.Where(a => _fused.ContainsKey(a.Base) && !Flows(a, node)))
            {
                if (!crossing.TryGetValue(access.Base, out var uses))
                {
                    crossing[access.Base] = uses = [];
                }

                uses.Add((access, node));
            }
        }

        var cost = new Dictionary<FusedNode, int>();
        foreach (var node in _order.Where(_fused.ContainsKey).Select(v => _fused[v]))
        {
            if (read.Contains(node.Value))
            {
                node.IsStored = true;
            }
            else if (crossing.TryGetValue(node.Value, out var uses))
            {
                node.IsStored = !(node.IsCheap && uses.All(u => IsAligned(node, u.Access, u.Reader)) && RecomputationCost(node, cost) <= LargestRecomputation);
                if (!node.IsStored)
                {
                    MarkRecomputed(node);
                }
            }
        }
    }

    private int? RecomputationCost(FusedNode node, Dictionary<FusedNode, int> known)
    {
        if (known.TryGetValue(node, out var sum))
        {
            return sum;
        }

        sum = 1;
        foreach (var access in node.Operands)
        {
            if (!_fused.TryGetValue(access.Base, out var operand) || operand.IsStored)
            {
                continue;
            }

            if (!operand.IsCheap || !IsAligned(operand, access, node) || RecomputationCost(operand, known) is not { } part)
            {
                return null;
            }

            sum += part;
        }

        return known[node] = sum;
    }

    // With what it is made of, down to what is stored.
    private void MarkRecomputed(FusedNode node)
    {
        node.IsRecomputed = true;
        foreach (var access in node.Operands)
        {
            if (_fused.TryGetValue(access.Base, out var operand) && !operand.IsStored && !operand.IsRecomputed)
            {
                MarkRecomputed(operand);
            }
        }
    }
}
