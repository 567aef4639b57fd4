using System.Globalization;

namespace Monge.Engine.Programs;

/// <summary>
/// What one step of a loop computes: from the carried values, the step's inputs and what is the same for all steps, the next carried values and the step's
/// outputs. Its derivatives are made once and kept, so that equal derivatives of a loop are the same loop.
/// </summary>
internal sealed class ScanBody
{
    private static long s_count;

    private readonly Dictionary<string, object> _derived = [];
    private readonly Lock _derivedLock = new();

    /// <param name="carried">The carried values as the step reads them: leaves.</param>
    /// <param name="inputs">The step's inputs: leaves.</param>
    /// <param name="fixedValues">What is the same for all steps: leaves.</param>
    /// <param name="next">What is carried to the next step.</param>
    /// <param name="outputs">The outputs.</param>
    public ScanBody(
        IReadOnlyList<Expr> carried, IReadOnlyList<Expr> inputs, IReadOnlyList<Expr> fixedValues, IReadOnlyList<Expr> next, IReadOnlyList<Expr> outputs)
    {
        (Carried, Inputs, Fixed, Next, Outputs) = (carried, inputs, fixedValues, next, outputs);
        Id = Interlocked.Increment(ref s_count);
        (Origin, OriginOutputs) = (this, [.. Enumerable.Range(0, outputs.Count)]);
    }

    public long Id { get; }

    public IReadOnlyList<Expr> Carried { get; }

    public IReadOnlyList<Expr> Inputs { get; }

    public IReadOnlyList<Expr> Fixed { get; }

    public IReadOnlyList<Expr> Next { get; }

    public IReadOnlyList<Expr> Outputs { get; }

    /// <summary>The body of which this one differs only in its outputs.</summary>
    public ScanBody Origin { get; private init; }

    /// <summary>For each output its number among the origin's outputs or, from their count on, the number of a carried value.</summary>
    public IReadOnlyList<int> OriginOutputs { get; private init; }

    /// <summary>
    /// Makes a body of traced values. What doesn't depend on the step is computed before the loop; the body reads it by a leaf.
    /// </summary>
    /// <returns>The body, and the values that its fixed leaves stand for.</returns>
    public static (ScanBody Body, Expr[] Fixed) Close(
        IReadOnlyList<Expr> carried, IReadOnlyList<Expr> inputs, IReadOnlyList<Expr> next, IReadOnlyList<Expr> outputs)
    {
        HashSet<Expr> inside = [.. carried, .. inputs];
        var oldest = inside.Count == 0 ? long.MaxValue : inside.Min(l => l.Id);
        var nodes = Rebuilding.Between([.. next, .. outputs], n => n.Id >= oldest);
        foreach (var node in nodes)
        {
            if (node.Inputs.Any(inside.Contains))
            {
                inside.Add(node);
                if (node.Operation is BatchSumOperation)
                {
                    throw new ArgumentException(
                        "A step of a scan sums over the batch; only what is the same for all steps may be summed, outside of the scan.");
                }
            }
        }

        var leaves = new Dictionary<Expr, Expr>();
        var fixedValues = new List<Expr>();
        foreach (var value in nodes.Where(inside.Contains).SelectMany(n => n.Inputs).Concat(next).Concat(outputs))
        {
            if (!inside.Contains(value) && !value.IsMadeOfConstants && leaves.TryAdd(value, value))
            {
                leaves[value] = Expr.Leaf(new ScanLeaf(value.IsUniform), value.Shape);
                fixedValues.Add(value);
            }
        }

        var rebuilt = Rebuilding.Replace([.. next, .. outputs], leaves);
        var body = new ScanBody(carried, inputs, [.. fixedValues.Select(v => leaves[v])], rebuilt[..next.Count], rebuilt[next.Count..]);
        return (body, [.. fixedValues]);
    }

    /// <summary>The same body with some carried values, as they are at the start of a step, as further outputs.</summary>
    public ScanBody WithHistory(IReadOnlyList<int> carried) => Derived($"history {string.Join(' ', carried)}", () => WithOutputs(
        [.. OriginOutputs, .. carried.Select(i => Origin.Outputs.Count + i)]));

    /// <summary>The origin with outputs of its choice; numbers as in <see cref="OriginOutputs"/>.</summary>
    public ScanBody WithOutputs(IReadOnlyList<int> numbers)
    {
        var count = Origin.Outputs.Count;
        return new ScanBody(Carried, Inputs, Fixed, Next, [.. numbers.Select(n => n < count ? Origin.Outputs[n] : Carried[n - count])])
        {
            Origin = Origin,
            OriginOutputs = numbers,
        };
    }

    /// <summary>The tangents of a loop, or its second-order terms.</summary>
    /// <param name="given">Which of the loop's arguments have tangents.</param>
    /// <param name="directions">Number of directions.</param>
    /// <param name="isSecond">Whether second-order terms are wanted.</param>
    public ScanTangents Tangents(bool[] given, int directions, bool isSecond) => Derived(
        string.Create(CultureInfo.InvariantCulture, $"{(isSecond ? "second" : "tangents")} {directions} {Text(given)}"),
        () => new ScanTangents(this, given, directions, isSecond));

    /// <summary>The cotangents of a loop's arguments.</summary>
    /// <param name="given">Which parts of the result have cotangents.</param>
    /// <param name="wanted">Which arguments' cotangents are wanted.</param>
    public ScanCotangents Cotangents(bool[] given, bool[] wanted) => Derived(
        $"cotangents {Text(given)} {Text(wanted)}", () => new ScanCotangents(this, given, wanted));

    /// <summary>Evaluates one step; the leaves' values are given.</summary>
    public void Evaluate(Dictionary<Expr, double[]> values)
    {
        foreach (var node in Derived("nodes", () => TracedProgram.Collect([.. Next, .. Outputs])))
        {
            if (node.Operation is ConstantLeaf constant)
            {
                values[node] = constant.Values;
            }
            else if (node.Operation is not ScanLeaf)
            {
                var output = new double[node.Size];
                node.Operation.Evaluate([.. node.Inputs.Select(i => values[i])], [.. node.Inputs.Select(i => i.Shape)], output);
                values[node] = output;
            }
        }
    }

    private static string Text(bool[] mask) => string.Concat(mask.Select(m => m ? '1' : '0'));

    private T Derived<T>(string key, Func<T> make)
        where T : class
    {
        lock (_derivedLock)
        {
            if (_derived.TryGetValue(key, out var known))
            {
                return (T)known;
            }
        }

        var made = make();
        lock (_derivedLock)
        {
            return (T)(_derived.TryGetValue(key, out var known) ? known : _derived[key] = made);
        }
    }
}
