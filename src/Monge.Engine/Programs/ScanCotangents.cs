using System.Diagnostics;

namespace Monge.Engine.Programs;

/// <summary>
/// The cotangents of a loop's arguments: a loop from the last step to the first that carries the cotangents of what was carried, adds up those of what is the
/// same for all steps, and computes each step again from what was carried into it.
/// </summary>
internal sealed class ScanCotangents
{
    private readonly ScanBody _source;
    private readonly ScanBody? _body;
    private readonly Expr[] _fixed = [];

    // Numbers of the source's carried values, inputs, outputs and fixed values that have a place in the loop.
    private readonly int[] _carried = [];
    private readonly int[] _history = [];
    private readonly int[] _read = [];
    private readonly int[] _changedInputs = [];
    private readonly int[] _changedFixed = [];
    private readonly int[] _outputs;

    /// <param name="source">The loop's body.</param>
    /// <param name="given">Which parts of its result have cotangents.</param>
    /// <param name="wanted">Which arguments' cotangents are wanted.</param>
    public ScanCotangents(ScanBody source, bool[] given, bool[] wanted)
    {
        _source = source;
        var count = source.Carried.Count;
        Expr[] bars = [.. source.Carried.Select(c => Expr.Leaf(new ScanLeaf(false), c.Shape))];
        _outputs = [.. Enumerable.Range(0, source.Outputs.Count).Where(i => given[count + i])];
        Expr[] outputBars = [.. _outputs.Select(i => Expr.Leaf(new ScanLeaf(false), source.Outputs[i].Shape))];
        int[] inputs = [.. Enumerable.Range(0, source.Inputs.Count).Where(i => wanted[count + i])];
        int[] held = [.. Enumerable.Range(0, source.Fixed.Count).Where(i => wanted[count + source.Inputs.Count + i])];
        Expr[] targets = [.. source.Carried, .. inputs.Select(i => source.Inputs[i]), .. held.Select(i => source.Fixed[i])];
        var isCarried = given[..count];
        Expr[] gradients;

        // What a step hands to the step before it, that one carries.
        bool hasGrown;
        do
        {
            Expr[] made = [.. source.Next.Where((_, i) => isCarried[i]), .. _outputs.Select(i => source.Outputs[i])];
            Expr[] weights = [.. bars.Where((_, i) => isCarried[i]), .. outputBars];
            gradients = Derivative.VectorJacobians(Flat(made), Flat(weights), targets);
            hasGrown = false;
            for (var i = 0; i < count; i++)
            {
                hasGrown |= !isCarried[i] && !gradients[i].IsNothing;
                isCarried[i] |= !gradients[i].IsNothing;
            }
        }
        while (hasGrown);

        _carried = [.. Enumerable.Range(0, count).Where(i => isCarried[i])];
        _changedInputs = [.. inputs.Where((_, k) => !gradients[count + k].IsNothing)];
        _changedFixed = [.. held.Where((_, k) => !gradients[count + inputs.Length + k].IsNothing)];
        if (_changedInputs.Length + _changedFixed.Length == 0 && !_carried.Any(i => wanted[i]))
        {
            return;
        }

        Expr[] sums = [.. _changedFixed.Select(i => Expr.Leaf(new ScanLeaf(false), source.Fixed[i].Shape))];
        Expr[] next =
        [
            .. _carried.Select(i => gradients[i]),
            .. _changedFixed.Select((i, k) => sums[k] + gradients[count + inputs.Length + Array.IndexOf(held, i)]),
        ];
        Expr[] results = [.. _changedInputs.Select(i => gradients[count + Array.IndexOf(inputs, i)])];
        var reached = TracedProgram.Collect([.. next, .. results]).ToHashSet();
        _history = [.. Enumerable.Range(0, count).Where(i => reached.Contains(source.Carried[i]))];
        _read = [.. Enumerable.Range(0, source.Inputs.Count).Where(i => reached.Contains(source.Inputs[i]))];
        (_body, _fixed) = ScanBody.Close(
            [.. _carried.Select(i => bars[i]), .. sums],
            [.. _history.Select(i => source.Carried[i]), .. _read.Select(i => source.Inputs[i]), .. outputBars],
            next, results);
    }

    /// <summary>The cotangents of the arguments; null where one is zero or wasn't wanted.</summary>
    /// <param name="scan">The loop.</param>
    /// <param name="node">Its result.</param>
    /// <param name="cotangents">The cotangents of the result's parts; null is zero.</param>
    public Expr?[] Apply(ScanOperation scan, Expr node, Expr?[] cotangents)
    {
        var result = new Expr?[node.Inputs.Count];
        if (_body is null)
        {
            return result;
        }

        var (count, read) = (_source.Carried.Count, _source.Inputs.Count);
        var history = Array.Empty<Expr>();
        if (_history.Length > 0)
        {
            var longer = new ScanOperation(_source.WithHistory(_history), scan.Steps, scan.IsReverse);
            history = longer.Split(Expr.Create(longer, [.. node.Inputs]))[^_history.Length..];
        }

        var values = new Dictionary<Expr, Expr>();
        for (var i = 0; i < _source.Fixed.Count; i++)
        {
            values[_source.Fixed[i]] = node.Inputs[count + read + i];
        }

        Expr Zero(Expr of) => Expr.Constant(0).BroadcastTo(of.Shape);
        var loop = new ScanOperation(_body, scan.Steps, !scan.IsReverse);
        var made = loop.Split(Expr.Create(loop,
        [
            .. _carried.Select(i => cotangents[i] ?? Zero(_source.Carried[i])), .. _changedFixed.Select(i => Zero(_source.Fixed[i])),
            .. history, .. _read.Select(i => node.Inputs[count + i]), .. _outputs.Select(i => cotangents[count + i] ?? throw new UnreachableException()),
            .. Rebuilding.Replace(_fixed, values),
        ]));
        var at = 0;
        foreach (var i in _carried)
        {
            result[i] = made[at++];
        }

        foreach (var i in _changedFixed)
        {
            result[count + read + i] = made[at++];
        }

        foreach (var i in _changedInputs)
        {
            result[count + i] = made[at++];
        }

        return result;
    }

    private static Expr Flat(Expr[] values) => Expr.Concat(0, [.. values.Select(v => v.Reshape(v.Size))]);
}
