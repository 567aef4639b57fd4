using System.Runtime.InteropServices;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <summary>
/// Rolls long formulas of single numbers, such as a log density summed up in a loop over data, back into vectors: numbers that are made alike become the
/// elements of one vector, and a long chain of additions becomes the sum of a vector. Code for one term then serves all of them, where a kernel of thousands of
/// instructions would take seconds to compile and overflow the compiler's tables. Formulas that fit in one kernel stay as they are.
/// </summary>
/// <remarks>Nodes are known by their numbers, inputs before their readers. Reshapes of single numbers are looked through.</remarks>
internal sealed partial class ScalarLoops
{
    // Numbers of one kind that are worth a vector.
    private const int Shortest = 32;

    private readonly List<Expr> _nodes = [];
    private readonly List<int[]> _inputs = [];
    private readonly Dictionary<Expr, int> _numbers = [];
    private readonly IReadOnlyList<Expr> _outputs;
    private readonly int[] _readers;
    private readonly Chain?[] _chains;
    private readonly bool[] _absorbed;
    private readonly Class?[] _classOf;
    private readonly int[] _positions;
    private readonly Expr?[] _made;

    private ScalarLoops(IReadOnlyList<Expr> outputs)
    {
        _outputs = outputs;
        foreach (var node in TracedProgram.Collect(outputs))
        {
            var number = Strip(node);
            if (!ReferenceEquals(number, node))
            {
                _numbers[node] = _numbers[number];
                continue;
            }

            _numbers[node] = _nodes.Count;
            _nodes.Add(node);
            _inputs.Add(Array.ConvertAll(node.InputSpan.ToArray(), i => _numbers[i]));
        }

        var count = _nodes.Count;
        (_readers, _chains, _absorbed) = (new int[count], new Chain?[count], new bool[count]);
        (_classOf, _positions, _made) = (new Class?[count], new int[count], new Expr?[count]);
    }

    /// <summary>The values to compute, with loops rolled up if there are any.</summary>
    /// <param name="outputs">The values.</param>
    /// <param name="kernelWeight">The weight of a kernel; formulas that are lighter stay as they are.</param>
    public static IReadOnlyList<Expr> Roll(IReadOnlyList<Expr> outputs, int kernelWeight)
    {
        if (Weight(outputs) <= kernelWeight)
        {
            return outputs;
        }

        var loops = new ScalarLoops(SmallVectors.WriteOut(outputs, Shortest));
        loops.CountReaders();
        loops.FindChains();
        return loops.FindClasses() ? loops.Build() : outputs;
    }

    private static int Weight(IReadOnlyList<Expr> outputs) => TracedProgram.Collect(outputs).Sum(
        n => n.Size == 1 && n.Operation is ElementwiseOperation { Weight: var weight } ? weight : 0);

    /// <summary>A long sum: its terms in their order, with their signs.</summary>
    private sealed record Chain(List<(int Term, bool IsNegative)> Terms);

    /// <summary>Numbers made alike, the elements of one vector.</summary>
    private sealed class Class
    {
        public List<int> Members { get; set; } = [];

        /// <summary>The vector [members], once it is made.</summary>
        public Expr? Vector { get; set; }
    }

    // The number behind reshapes of single numbers.
    private static Expr Strip(Expr node)
    {
        while (node.Size == 1 && node.Operation is ViewOperation && node.Inputs[0].Size == 1 && node.Operation is not GatherOperation { Indices: [< 0] })
        {
            node = node.Inputs[0];
        }

        return node;
    }

    private static bool IsElement(Expr node) => node.Size == 1 && node.Operation is GatherOperation { Indices: [>= 0] } && node.Inputs[0].Size > 1;

    private static int ElementNumber(Expr element)
    {
        Span<int> from = stackalloc int[1];
        ((ViewOperation)element.Operation).Map(element.Inputs[0].Shape, element.Shape, from);
        return from[0];
    }

    // An operation on single numbers that is not the total of a chain.
    private bool IsPlain(int node) => _nodes[node].Size == 1 && _nodes[node].Operation is ElementwiseOperation && _chains[node] is null;

    private void CountReaders()
    {
        foreach (var input in _inputs.SelectMany(i => i).Concat(_outputs.Select(o => _numbers[o])))
        {
            _readers[input]++;
        }
    }

    // Chains of additions and subtractions whose totals on the way nobody else reads. Where both operands could go on, the longer chain is followed.
    // Of many chains of one length (a product with a row of data in every term) the terms are alike, not the chains' members.
    private void FindChains()
    {
        var lengths = new int[_nodes.Count];
        var followed = new int[_nodes.Count];
        var goesOn = new bool[_nodes.Count];
        for (var node = 0; node < _nodes.Count; node++)
        {
            if (_nodes[node] is not { Size: 1, Operation: AddOperation or SubtractOperation })
            {
                continue;
            }

            (lengths[node], followed[node]) = (2, -1);
            for (var i = 0; i < (_nodes[node].Operation is AddOperation ? 2 : 1); i++)
            {
                var operand = _inputs[node][i];
                if (_readers[operand] == 1 && lengths[operand] >= lengths[node])
                {
                    (lengths[node], followed[node]) = (lengths[operand] + 1, i);
                }
            }

            if (followed[node] >= 0)
            {
                goesOn[_inputs[node][followed[node]]] = true;
            }
        }

        var roots = Enumerable.Range(0, _nodes.Count).Where(n => lengths[n] >= Shortest && !goesOn[n]).GroupBy(n => lengths[n]);
        foreach (var root in roots.Where(g => g.Count() < g.Key).SelectMany(g => g))
        {
            var terms = new List<(int, bool)>();
            for (var node = root; ; node = _inputs[node][followed[node]])
            {
                _absorbed[node] = node != root;
                terms.Add((_inputs[node][followed[node] == 1 ? 0 : 1], _nodes[node].Operation is SubtractOperation));
                if (followed[node] < 0)
                {
                    terms.Add((_inputs[node][0], false));
                    break;
                }
            }

            terms.Reverse();
            _chains[root] = new Chain(terms);
        }
    }

    private List<Expr> Build()
    {
        foreach (var node in _levels.SelectMany(l => l))
        {
            if (_classOf[node] is { } rolled)
            {
                rolled.Vector ??= MakeVector(rolled);
            }
            else
            {
                _made[node] = _chains[node] is { } chain ? MakeSum(chain).Reshape(_nodes[node].Shape.Sizes) : Rebuild(node);
            }
        }

        return [.. _outputs.Select(Made)];
    }

    // The rebuilt value of any node, a reshaped number included.
    private Expr Made(Expr node)
    {
        var made = Made(_numbers[node]);
        return node.Size == 1 ? made.Reshape(node.Shape.Sizes) : made;
    }

    private Expr Made(int node) => _made[node] ??= _classOf[node]!.Vector![_positions[node]];

    private Expr Rebuild(int number)
    {
        var node = _nodes[number];
        if (node.Operation is ConcatOperation { Axis: 0 } && node.Shape.Rank == 1)
        {
            return Join(number);
        }

        var inputs = Array.ConvertAll(node.InputSpan.ToArray(), Made);
        return inputs.AsSpan().SequenceEqual(node.InputSpan) ? node : Expr.Create(node.Operation, inputs);
    }

    // Neighbouring parts that are elements of one vector are taken from it at a stretch.
    private Expr Join(int node)
    {
        var (inputs, parts) = (_inputs[node], new List<Expr>());
        for (var i = 0; i < inputs.Length;)
        {
            var (vector, positions) = Run(inputs.AsSpan(i));
            if (positions.Count < 2)
            {
                parts.Add(Made(_nodes[node].Inputs[i++]));
                continue;
            }

            parts.Add(vector!.Gather(0, CollectionsMarshal.AsSpan(positions)));
            i += positions.Count;
        }

        return Expr.Concat(0, CollectionsMarshal.AsSpan(parts));
    }

    private (Expr? Vector, List<int> Positions) Run(ReadOnlySpan<int> values)
    {
        var (vector, positions) = ((Expr?)null, new List<int>());
        foreach (var value in values)
        {
            if (_classOf[value]?.Vector is not { } own || (vector ??= own) != own)
            {
                break;
            }

            positions.Add(_positions[value]);
        }

        return (vector, positions);
    }

    private Expr MakeVector(Class rolled)
    {
        var operation = _nodes[rolled.Members[0]].Operation;
        var arguments = new Expr[_inputs[rolled.Members[0]].Length];
        for (var a = 0; a < arguments.Length; a++)
        {
            arguments[a] = Column([.. rolled.Members.Select(m => _inputs[m][a])]);
        }

        return Expr.Create(operation, arguments);
    }

    // The vector of one argument of all members.
    private Expr Column(int[] values)
    {
        var first = _nodes[values[0]];
        if (values.AsSpan().IndexOfAnyExcept(values[0]) < 0)
        {
            return Made(values[0]).Reshape().BroadcastTo(new Shape(values.Length));
        }

        if (values.All(v => _nodes[v].IsConstant))
        {
            return Expr.Constant([.. values.Select(v => _nodes[v].UniformConstant!.Value)], values.Length);
        }

        if (values.All(v => IsElement(_nodes[v]) && ReferenceEquals(_nodes[v].Inputs[0], first.Inputs[0])))
        {
            var array = Made(first.Inputs[0]);
            return array.Reshape(array.Size).Gather(0, [.. values.Select(v => ElementNumber(_nodes[v]))]);
        }

        var (vector, positions) = Run(values);
        return positions.Count == values.Length
            ? vector!.Gather(0, CollectionsMarshal.AsSpan(positions))
            : Expr.Vector([.. values.Select(v => Made(v).Reshape())]);
    }

    // Terms of one vector are summed up together, in their order, and a number that comes again and again is multiplied; the others are added one by one.
    private Expr MakeSum(Chain chain)
    {
        var (total, constant) = ((Expr)0, 0.0);
        foreach (var group in chain.Terms.GroupBy(t => (Owner: (object?)_classOf[t.Term] ?? _nodes[t.Term], t.IsNegative)))
        {
            if (group.Key.Owner is Expr { UniformConstant: { } number })
            {
                constant += group.Count() * (group.Key.IsNegative ? -number : number);
                continue;
            }

            var part = group.Key.Owner is Class { Vector: { } vector }
                ? vector.Gather(0, [.. group.Select(t => _positions[t.Term])]).Sum(0)
                : group.Count() * Made((Expr)group.Key.Owner).Reshape();
            total = group.Key.IsNegative ? total - part : total + part;
        }

        return total + constant;
    }
}
