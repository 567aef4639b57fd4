namespace Monge.Engine.Programs;

/// <summary>
/// A program: named outputs and everything they are traced from. Outputs that depend on samples have one value for each; uniform outputs have one value.
/// </summary>
public sealed class TracedProgram
{
    /// <summary>Collects the program behind some outputs.</summary>
    /// <param name="parameters">The parameters; null if there are none.</param>
    /// <param name="outputs">Names and values of the outputs, names without repeats.</param>
    /// <exception cref="ArgumentException">Two inputs or outputs share a name, or a parameter isn't in the set.</exception>
    public TracedProgram(ParameterSet? parameters, params (string Name, Expr Value)[] outputs)
    {
        Parameters = parameters ?? new ParameterSet();
        Outputs = outputs;
        Nodes = Collect(outputs.Select(o => o.Value));
        Inputs = [.. Nodes.Where(n => n.Operation is InputLeaf or SharedLeaf or StepLeaf)];
        var names = Inputs.Select(n => n.Operation.Name).ToList();
        var twice = names.GroupBy(n => n).FirstOrDefault(g => g.Count() > 1)?.Key ?? outputs.GroupBy(o => o.Name).FirstOrDefault(g => g.Count() > 1)?.Key;
        if (twice is not null)
        {
            throw new ArgumentException($"The program has two different inputs or outputs named '{twice}'.", nameof(outputs));
        }

        if (Nodes.Any(n => n.Operation is ScanLeaf))
        {
            throw new ArgumentException(
                "The program uses a value from inside of a scan's step outside of it; hand it out as one of the step's outputs.", nameof(outputs));
        }

        var stranger = Nodes.FirstOrDefault(n => n.Operation is ParameterLeaf && Parameters.OffsetOf(n) < 0);
        if (stranger is not null)
        {
            throw new ArgumentException($"The program uses the parameter '{stranger.Operation.Name}', which is not in its parameter set.", nameof(parameters));
        }
    }

    /// <summary>The parameters.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>The outputs.</summary>
    public IReadOnlyList<(string Name, Expr Value)> Outputs { get; }

    /// <summary>The input leaves (per sample, shared and per step), by age.</summary>
    public IReadOnlyList<Expr> Inputs { get; }

    /// <summary>All nodes, inputs of a node before it.</summary>
    internal IReadOnlyList<Expr> Nodes { get; }

    /// <summary>Whether there is a loop in it.</summary>
    public bool HasLoops => Nodes.Any(n => n.Operation is ScanOperation);

    internal static List<Expr> Collect(IEnumerable<Expr> roots)
    {
        var seen = new HashSet<Expr>(roots);
        var stack = new Stack<Expr>(seen);
        while (stack.TryPop(out var node))
        {
            foreach (var input in node.InputSpan)
            {
                if (seen.Add(input))
                {
                    stack.Push(input);
                }
            }
        }

        return [.. seen.OrderBy(n => n.Id)];
    }
}
