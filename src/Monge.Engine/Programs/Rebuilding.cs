namespace Monge.Engine.Programs;

/// <summary>Walks over parts of traced values, and makes values anew with others in the place of some.</summary>
internal static class Rebuilding
{
    /// <summary>The nodes behind some values that a condition admits and that are reached over such nodes only, inputs before their readers.</summary>
    public static List<Expr> Between(IReadOnlyList<Expr> roots, Func<Expr, bool> isAdmitted)
    {
        var seen = new HashSet<Expr>(roots.Where(isAdmitted));
        var stack = new Stack<Expr>(seen);
        while (stack.TryPop(out var node))
        {
            foreach (var input in node.InputSpan)
            {
                if (isAdmitted(input) && seen.Add(input))
                {
                    stack.Push(input);
                }
            }
        }

        return [.. seen.OrderBy(n => n.Id)];
    }

    /// <summary>The values with others in the place of some nodes.</summary>
    public static Expr[] Replace(IReadOnlyList<Expr> roots, IReadOnlyDictionary<Expr, Expr> replaced)
    {
        var made = new Dictionary<Expr, Expr>(replaced);
        foreach (var node in Between(roots, n => !replaced.ContainsKey(n)))
        {
            made[node] = With(node, made);
        }

        return [.. roots.Select(r => made[r])];
    }

    /// <summary>A node with the inputs that were made for its own.</summary>
    public static Expr With(Expr node, IReadOnlyDictionary<Expr, Expr> made)
    {
        Expr[] inputs = [.. node.Inputs.Select(i => made[i])];
        return inputs.SequenceEqual(node.Inputs) ? node
            : node.Operation is GatherOperation gather ? inputs[0].Gather(gather.Axis, gather.Indices)
            : Expr.Create(node.Operation, inputs);
    }
}
