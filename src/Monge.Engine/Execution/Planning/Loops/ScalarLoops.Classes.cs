using System.Runtime.InteropServices;
using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <content>
/// Which numbers are made alike. A number has a kind by its operation and the kinds of its arguments; of these, constants and the elements of one array are all
/// alike, and what very many numbers read counts as itself. Numbers of one kind that are used differently are told apart too, so that the members of a vector
/// stand side by side with those of the vectors that they are made of.
/// </content>
internal sealed partial class ScalarLoops
{
    // What stands in a signature instead of an operation, which has a number from 0.
    private const int Constant = -1;
    private const int Element = -2;
    private const int Itself = -3;

    // An argument is one for all where it has at least this share of the readers of its kind.
    private const int SharePart = 8;
    private const int MostUses = 64;

    private readonly List<List<int>> _levels = [];
    private readonly Dictionary<Operation, int> _operations = [];
    private bool[] _shared = [];

    private readonly record struct Signature(int Operation, long First, long Second, long Third, long Use);

    // Finds the vectors; false if there are none.
    private bool FindClasses()
    {
        AssignLevels();
        _shared = new bool[_nodes.Count];
        var kinds = Kinds(Uses(Kinds(null)));
        var classes = new Dictionary<int, Class>();
        foreach (var node in _levels.SelectMany(l => l).Where(n => IsPlain(n) && !_shared[n]))
        {
            (CollectionsMarshal.GetValueRefOrAddDefault(classes, kinds[node], out _) ??= new Class()).Members.Add(node);
        }

        foreach (var owner in classes.Values.Where(c => c.Members.Count >= Shortest))
        {
            owner.Members = InOrder(owner.Members);
            for (var i = 0; i < owner.Members.Count; i++)
            {
                _classOf[owner.Members[i]] = owner;
                _positions[owner.Members[i]] = i;
            }
        }

        return _classOf.Any(c => c is not null);
    }

    // As the members of the first vector that they are made of one by one; else by age.
    private List<int> InOrder(List<int> members)
    {
        for (var a = 0; a < _inputs[members[0]].Length; a++)
        {
            var owner = _classOf[_inputs[members[0]][a]];
            if (owner?.Members.Count == members.Count && members.All(m => _classOf[_inputs[m][a]] == owner)
                && members.Select(m => _inputs[m][a]).Distinct().Count() == members.Count)
            {
                return [.. members.OrderBy(m => _positions[_inputs[m][a]])];
            }
        }

        return [.. members.Order()];
    }

    private void AssignLevels()
    {
        var levelOf = new int[_nodes.Count];
        for (var node = 0; node < _nodes.Count; node++)
        {
            if (_absorbed[node])
            {
                continue;
            }

            var level = 0;
            foreach (var input in _chains[node] is { } chain ? chain.Terms.Select(t => t.Term) : _inputs[node])
            {
                level = Math.Max(level, levelOf[input] + 1);
            }

            levelOf[node] = level;
            if (level == _levels.Count)
            {
                _levels.Add([]);
            }

            _levels[level].Add(node);
        }
    }

    // Level by level, because what is shared shows only when all numbers of a kind are known. That is found out the first time, when no uses are given.
    private int[] Kinds(long[]? uses)
    {
        var kinds = new int[_nodes.Count];
        var numbers = new Dictionary<Signature, int>();
        var readers = new List<long>();
        foreach (var level in _levels)
        {
            foreach (var node in level)
            {
                var signature = SignatureOf(node, kinds, uses?[node] ?? 0);
                ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(numbers, signature, out var exists);
                if (!exists)
                {
                    readers.Add(0);
                    number = readers.Count;
                }

                kinds[node] = number;
                readers[number - 1] += _readers[node];
            }

            foreach (var node in uses is null ? level : [])
            {
                var isOften = (long)_readers[node] * SharePart >= readers[kinds[node] - 1];
                _shared[node] = isOften && !_nodes[node].IsConstant && (_readers[node] > SharePart || !IsPlain(node));
            }
        }

        return kinds;
    }

    private Signature SignatureOf(int number, int[] kinds, long use)
    {
        var node = _nodes[number];
        if (node.IsConstant)
        {
            return new Signature(Constant, 0, 0, 0, 0);
        }

        if (IsElement(node))
        {
            return new Signature(Element, _inputs[number][0], 0, 0, 0);
        }

        if (!IsPlain(number))
        {
            return new Signature(Itself, number, 0, 0, 0);
        }

        Span<long> arguments = [0, 0, 0];
        for (var i = 0; i < _inputs[number].Length; i++)
        {
            var input = _inputs[number][i];
            arguments[i] = _shared[input] ? -1 - input : kinds[input];
        }

        ref var operation = ref CollectionsMarshal.GetValueRefOrAddDefault(_operations, node.Operation, out var exists);
        operation = exists ? operation : _operations.Count - 1;
        var place = node.IsUniform ? node.IsPerStep ? 2 : 1 : 0;
        return new Signature((3 * operation) + place, arguments[0], arguments[1], arguments[2], use);
    }

    // A number for what is made of each node, from the last back to the first: the kinds of its readers, their uses, and its place among their arguments.
    private long[] Uses(int[] kinds)
    {
        var uses = new long[_nodes.Count];
        for (var node = _nodes.Count - 1; node >= 0; node--)
        {
            if (_absorbed[node])
            {
                continue;
            }

            var own = Mix(IsPlain(node) ? kinds[node] : -1 - node, uses[node]);
            void Add(int input, int place)
            {
                if (_readers[input] <= MostUses)
                {
                    uses[input] += Mix(own, place);
                }
            }

            if (_chains[node] is { } chain)
            {
                chain.Terms.ForEach(t => Add(t.Term, t.IsNegative ? 1 : 0));
                continue;
            }

            for (var i = 0; i < _inputs[node].Length; i++)
            {
                Add(_inputs[node][i], _nodes[node].Operation is ConcatOperation ? 0 : i);
            }
        }

        return uses;
    }

    // The same numbers in every process, so that results are too.
    private static long Mix(long left, long right)
    {
        var mixed = ((ulong)left * 0x9E3779B97F4A7C15) + (ulong)right;
        mixed = (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93;
        return (long)(mixed ^ (mixed >> 32));
    }
}
