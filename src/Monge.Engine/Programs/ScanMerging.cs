namespace Monge.Engine.Programs;

/// <summary>
/// Joins loops that differ only in what they hand out, as a value and its derivative need them, and leaves out of each loop what nobody reads.
/// </summary>
internal static class ScanMerging
{
    /// <summary>The values to compute, with loops joined.</summary>
    public static IReadOnlyList<Expr> Apply(IReadOnlyList<Expr> roots)
    {
        var nodes = TracedProgram.Collect(roots);
        var groups = nodes.Where(n => n.Operation is ScanOperation).GroupBy(KeyOf).ToDictionary(g => g.First(), g => g.ToList());
        if (groups.Count == 0)
        {
            return roots;
        }

        var joined = Join(roots, nodes, groups);
        var made = new Dictionary<Expr, Expr>();
        var loops = new Dictionary<string, Expr>();
        foreach (var node in nodes)
        {
            if (node.Operation is not ScanOperation scan)
            {
                // What read a loop that nobody needs is needed by nobody either.
                if (node.Inputs.All(made.ContainsKey))
                {
                    made[node] = Rebuilding.With(node, made);
                }
            }
            else if (joined.TryGetValue(KeyOf(node), out var join))
            {
                if (!loops.TryGetValue(KeyOf(node), out var loop))
                {
                    loops[KeyOf(node)] = loop = Expr.Create(join.Operation, [.. join.Arguments.Select(a => made[node.Inputs[a]])]);
                }

                made[node] = join.PartsOf(scan, loop);
            }
        }

        return [.. roots.Select(r => made[r])];
    }

    private static string KeyOf(Expr node)
    {
        var scan = (ScanOperation)node.Operation;
        return $"{scan.Body.Origin.Id} {scan.Steps} {scan.IsReverse} {string.Join(' ', node.Inputs.Select(i => i.Id))}";
    }

    // What a loop hands out, by the numbers of the origin's outputs; and the loop's arguments, by their numbers.
    private sealed record Joined(ScanOperation Operation, int[] Arguments, int[] Carried, int[] Outputs)
    {
        // The result of a loop of the group; zeros stand where nobody looks.
        public Expr PartsOf(ScanOperation scan, Expr loop)
        {
            var parts = Operation.Split(loop);
            var count = scan.Body.Carried.Count;
            return Expr.Concat(0, [.. scan.Parts().Select((p, i) =>
            {
                var at = i < count ? Array.IndexOf(Carried, i) : Array.IndexOf(Outputs, scan.Body.OriginOutputs[i - count]);
                return at < 0 ? Expr.Constant(0).BroadcastTo(new(p.Shape.Size)) : parts[i < count ? at : Carried.Length + at].Reshape(p.Shape.Size);
            })]);
        }
    }

    // From the last readers back: by the time the oldest loop of a group is met, all that is read of the group is known.
    private static Dictionary<string, Joined> Join(IReadOnlyList<Expr> roots, List<Expr> nodes, Dictionary<Expr, List<Expr>> groups)
    {
        var live = roots.ToHashSet();
        var read = nodes.Where(n => n.Operation is ScanOperation).ToDictionary(n => n, n => new bool[((ScanOperation)n.Operation).Parts().Count()]);
        foreach (var root in roots.Where(read.ContainsKey))
        {
            Array.Fill(read[root], true);
        }

        var joined = new Dictionary<string, Joined>();
        foreach (var node in Enumerable.Reverse(nodes))
        {
            if (groups.TryGetValue(node, out var group))
            {
                if (JoinGroup([.. group.Where(live.Contains)], read) is { } join)
                {
                    joined[KeyOf(node)] = join;
                    live.UnionWith(join.Arguments.Select(a => node.Inputs[a]));
                    foreach (var input in join.Arguments.Select(a => node.Inputs[a]).Where(read.ContainsKey))
                    {
                        Array.Fill(read[input], true);
                    }
                }
            }
            else if (live.Contains(node) && node.Operation is not ScanOperation)
            {
                foreach (var input in node.Inputs)
                {
                    live.Add(input);
                    if (read.TryGetValue(input, out var parts))
                    {
                        MarkRead((ScanOperation)input.Operation, node.Operation, parts);
                    }
                }
            }
        }

        return joined;
    }

    private static void MarkRead(ScanOperation scan, Operation reader, bool[] parts)
    {
        if (reader is not GatherOperation { Axis: 0 } gather)
        {
            Array.Fill(parts, true);
            return;
        }

        var i = 0;
        foreach (var (first, shape) in scan.Parts())
        {
            parts[i++] |= gather.Indices.Any(e => e >= first && e < first + shape.Size);
        }
    }

    private static Joined? JoinGroup(List<Expr> group, Dictionary<Expr, bool[]> read)
    {
        if (group.Count == 0)
        {
            return null;
        }

        var first = (ScanOperation)group[0].Operation;
        var origin = first.Body.Origin;
        var (count, wanted, outputs) = (origin.Carried.Count, new bool[origin.Carried.Count], new SortedSet<int>());
        foreach (var node in group)
        {
            var body = ((ScanOperation)node.Operation).Body;
            for (var i = 0; i < read[node].Length; i++)
            {
                if (read[node][i] && i < count)
                {
                    wanted[i] = true;
                }
                else if (read[node][i])
                {
                    outputs.Add(body.OriginOutputs[i - count]);
                }
            }
        }

        int[] handedOut = [.. outputs];
        var whole = origin.WithOutputs(handedOut);
        HashSet<Expr> reached;
        bool hasGrown;
        do
        {
            reached = TracedProgram.Collect([.. whole.Next.Where((_, i) => wanted[i]), .. whole.Outputs]).ToHashSet();
            hasGrown = false;
            for (var i = 0; i < count; i++)
            {
                hasGrown |= !wanted[i] && reached.Contains(whole.Carried[i]);
                wanted[i] |= reached.Contains(whole.Carried[i]);
            }
        }
        while (hasGrown);

        int[] carried = [.. Enumerable.Range(0, count).Where(i => wanted[i])];
        if (carried.Length + handedOut.Length == 0)
        {
            return null;
        }

        int[] inputs = [.. Enumerable.Range(0, whole.Inputs.Count).Where(i => reached.Contains(whole.Inputs[i]))];
        int[] held = [.. Enumerable.Range(0, whole.Fixed.Count).Where(i => reached.Contains(whole.Fixed[i]))];
        var pruned = new ScanBody(
            [.. carried.Select(i => whole.Carried[i])], [.. inputs.Select(i => whole.Inputs[i])], [.. held.Select(i => whole.Fixed[i])],
            [.. carried.Select(i => whole.Next[i])], whole.Outputs);
        int[] arguments = [.. carried, .. inputs.Select(i => count + i), .. held.Select(i => count + whole.Inputs.Count + i)];
        return new Joined(new ScanOperation(pruned, first.Steps, first.IsReverse), arguments, carried, handedOut);
    }
}
