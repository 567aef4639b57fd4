namespace Monge.Engine.Programs;

/// <summary>A loop's tangents along some directions, or the second-order terms of the Laplacian pass: a loop that carries them beside the values.</summary>
internal sealed class ScanTangents
{
    private readonly ScanBody _source;
    private readonly bool[] _given;
    private readonly int _directions;
    private readonly bool _isSecond;
    private readonly Dictionary<Expr, Expr> _tangents = [];
    private readonly Dictionary<Expr, Expr> _seconds = [];
    private readonly Expr _weights;
    private readonly ScanBody _body;
    private readonly Expr[] _fixed;
    private readonly bool[] _changing;

    /// <param name="source">The loop's body.</param>
    /// <param name="given">Which of its arguments have tangents.</param>
    /// <param name="directions">Number of directions.</param>
    /// <param name="isSecond">Whether second-order terms are wanted.</param>
    public ScanTangents(ScanBody source, bool[] given, int directions, bool isSecond)
    {
        (_source, _given, _directions, _isSecond) = (source, given, directions, isSecond);
        Expr[] leaves = [.. source.Carried, .. source.Inputs, .. source.Fixed];
        for (var i = 0; i < leaves.Length; i++)
        {
            if (given[i])
            {
                _tangents[leaves[i]] = TangentLeaf(leaves[i]);
            }
        }

        _weights = Expr.Leaf(new ScanLeaf(true), new(directions));
        Expr[] results = [.. source.Next, .. source.Outputs];
        Expr?[] first, second;

        // What a step makes depend on the direction, the next step carries.
        bool hasGrown;
        do
        {
            (first, second) = Derivative.Forward(results, _tangents, _seconds, directions, isSecond ? _weights : null);
            hasGrown = false;
            for (var i = 0; i < source.Carried.Count; i++)
            {
                var carried = source.Carried[i];
                hasGrown |= first[i] is not null && _tangents.TryAdd(carried, TangentLeaf(carried));
                hasGrown |= second[i] is not null && _seconds.TryAdd(carried, Expr.Leaf(new ScanLeaf(false), carried.Shape));
            }
        }
        while (hasGrown);

        var wanted = isSecond ? second : first;
        _changing = [.. results.Select((_, i) => i < source.Carried.Count
            ? (isSecond ? _seconds : _tangents).ContainsKey(source.Carried[i]) : wanted[i] is not null)];
        int[] moving = [.. Numbers(_tangents)], bending = [.. Numbers(_seconds)];
        Expr Zero(Expr leaf) => Expr.Constant(0).BroadcastTo(leaf.Shape);
        (_body, _fixed) = ScanBody.Close(
            [.. source.Carried, .. moving.Select(i => _tangents[source.Carried[i]]), .. bending.Select(i => _seconds[source.Carried[i]])],
            [.. source.Inputs, .. source.Inputs.Where(_tangents.ContainsKey).Select(i => _tangents[i])],
            [
                .. source.Next, .. moving.Select(i => first[i] ?? Zero(_tangents[source.Carried[i]])),
                .. bending.Select(i => second[i] ?? Zero(source.Carried[i])),
            ],
            [.. wanted.Skip(source.Carried.Count).OfType<Expr>()]);
    }

    /// <summary>The tangents [.., K] of a loop's result, or its second-order terms; null if they are zero.</summary>
    /// <param name="scan">The loop.</param>
    /// <param name="node">Its result.</param>
    /// <param name="tangents">The tangents of its arguments.</param>
    /// <param name="weights">The weights of the second-order terms.</param>
    public Expr? Apply(ScanOperation scan, Expr node, ReadOnlySpan<Expr?> tangents, Expr? weights)
    {
        if (!_changing.Contains(true))
        {
            return null;
        }

        var (carried, read) = (_source.Carried.Count, _source.Inputs.Count);
        var values = new Dictionary<Expr, Expr> { [_weights] = weights ?? Expr.Constant(1).BroadcastTo(_weights.Shape) };
        for (var i = 0; i < _source.Fixed.Count; i++)
        {
            var leaf = _source.Fixed[i];
            values[leaf] = node.Inputs[carried + read + i];
            if (tangents[carried + read + i] is { } tangent)
            {
                values[_tangents[leaf]] = tangent;
            }
        }

        var arguments = new List<Expr>(node.Inputs.Take(carried));
        foreach (var i in Numbers(_tangents))
        {
            arguments.Add(tangents[i] ?? Expr.Constant(0).BroadcastTo(_tangents[_source.Carried[i]].Shape));
        }

        arguments.AddRange(Numbers(_seconds).Select(i => Expr.Constant(0).BroadcastTo(_source.Carried[i].Shape)));
        arguments.AddRange(node.Inputs.Skip(carried).Take(read));
        for (var i = carried; i < carried + read; i++)
        {
            if (_given[i])
            {
                arguments.Add(tangents[i]!);
            }
        }

        arguments.AddRange(Rebuilding.Replace(_fixed, values));
        var loop = new ScanOperation(_body, scan.Steps, scan.IsReverse);
        var made = loop.Split(Expr.Create(loop, [.. arguments]));
        var first = carried + (_isSecond ? _tangents.Keys.Count(_source.Carried.Contains) : 0);
        var next = new Queue<Expr>([.. made.Skip(first).Take(_changing.Take(carried).Count(c => c)), .. made.Skip(_body.Carried.Count)]);
        int[] columns = _isSecond ? [] : [_directions];
        return Expr.Concat(0, [.. scan.Parts().Select((p, i) => _changing[i]
            ? next.Dequeue().Reshape([p.Shape.Size, .. columns])
            : Expr.Constant(0).BroadcastTo(new([p.Shape.Size, .. columns])))]);
    }

    private Expr TangentLeaf(Expr leaf) => Expr.Leaf(new ScanLeaf(false), leaf.Shape.Append(_directions));

    private IEnumerable<int> Numbers(Dictionary<Expr, Expr> known) =>
        Enumerable.Range(0, _source.Carried.Count).Where(i => known.ContainsKey(_source.Carried[i]));
}
