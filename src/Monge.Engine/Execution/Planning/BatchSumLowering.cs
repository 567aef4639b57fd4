using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <summary>
/// What the tiles add up: a uniform value that exists once all tiles have run. Each contribution is a per-sample value, or an outer product
/// left [m, K] x right [n, K]^T whose columns and lanes are contracted by one GEMM.
/// </summary>
internal sealed class AccumulatorLeaf(List<(Expr Left, Expr? Right)> contributions) : Leaf
{
    public List<(Expr Left, Expr? Right)> Contributions { get; } = contributions;

    public override string Name => "accumulator";

    public override bool IsUniform => true;
}

/// <summary>
/// Rewrites sums over the batch: the sum is pushed down through additions, views and uniform factors until what is left to add up is an outer product
/// (a weight's gradient) or a plain value; the rest is done once, after all tiles.
/// </summary>
internal sealed class BatchSumLowering
{
    private readonly Dictionary<Expr, Expr> _lowered = [];
    private readonly Dictionary<Expr, Expr> _pushed = [];
    private readonly Dictionary<Expr, bool> _depends = [];
    private readonly Dictionary<Expr, bool> _outer = [];

    /// <summary>The number of samples of the call, as a shared input.</summary>
    public Expr SampleCount { get; } = Expr.Shared("number of samples");

    /// <summary>The expression with every batch sum replaced by accumulators.</summary>
    public Expr Lower(Expr value)
    {
        if (!DependsOnSum(value))
        {
            return value;
        }

        // Oldest first, so that deep programs need no deep recursion.
        foreach (var node in OutsideOfSums(value))
        {
            if (!DependsOnSum(node) || _lowered.ContainsKey(node))
            {
                continue;
            }

            if (!node.IsUniform)
            {
                throw new NotSupportedException(
                    $"A per-sample value ({node}) uses a sum over the batch; compute the sum in a program of its own and hand it over as a shared input.");
            }

            _lowered[node] = node.Operation is BatchSumOperation
                ? Push(node.Inputs[0])
                : Expr.Create(node.Operation, [.. node.Inputs.Select(i => _lowered.GetValueOrDefault(i, i))]);
        }

        return _lowered[value];
    }

    // The nodes behind a value that are not only summed up over the batch, oldest first.
    private static IEnumerable<Expr> OutsideOfSums(Expr value)
    {
        var seen = new HashSet<Expr> { value };
        var stack = new Stack<Expr>(seen);
        while (stack.TryPop(out var node))
        {
            foreach (var input in node.Operation is BatchSumOperation ? [] : node.InputSpan)
            {
                if (seen.Add(input))
                {
                    stack.Push(input);
                }
            }
        }

        return seen.OrderBy(n => n.Id);
    }

    private bool DependsOnSum(Expr value)
    {
        if (_depends.TryGetValue(value, out var known))
        {
            return known;
        }

        // Oldest first, so that deep programs need no deep recursion.
        foreach (var node in TracedProgram.Collect([value]))
        {
            if (!_depends.ContainsKey(node))
            {
                _depends[node] = node.Operation is BatchSumOperation || node.Inputs.Any(i => _depends[i]);
            }
        }

        return _depends[value];
    }

    private Expr Push(Expr value)
    {
        if (_pushed.TryGetValue(value, out var known))
        {
            return known;
        }

        if (DependsOnSum(value))
        {
            throw new NotSupportedException("A sum over the batch of a value that itself uses a sum over the batch is not supported; use two programs.");
        }

        return _pushed[value] = value.IsUniform ? value * SampleCount : PushVarying(value);
    }

    private Expr PushVarying(Expr value)
    {
        var inputs = value.Inputs;
        switch (value.Operation)
        {
            // A sum of plain values is added up as it stands: the sums of its terms could be large and cancel.
            case AddOperation when ContainsOuter(value):
                return Merge(Push(inputs[0]), Push(inputs[1]));
            case SubtractOperation when ContainsOuter(value):
                return Push(inputs[0]) - Push(inputs[1]);
            case NegateOperation when ContainsOuter(value):
                return -Push(inputs[0]);
            case MultiplyOperation when inputs[0].IsUniform:
                return inputs[0] * Push(inputs[1]);
            case MultiplyOperation when inputs[1].IsUniform:
                return Push(inputs[0]) * inputs[1];
            case DivideOperation when inputs[1].IsUniform:
                return Push(inputs[0]) / inputs[1];
            case MultiplyOperation when OuterFactors(value) is var (left, right):
                return Accumulate(value.Shape, left, right);
            case ViewOperation or ScatterAddOperation:
                return Expr.Create(value.Operation, Push(inputs[0]));
            case ConcatOperation:
                return Expr.Create(value.Operation, [.. inputs.Select(Push)]);
            case SumOperation when ContainsOuter(inputs[0]):
                return Expr.Create(value.Operation, Push(inputs[0]));
            case MatrixProductOperation when value.Shape.Rank == 2 && !inputs[0].IsUniform && !inputs[1].IsUniform:
                return Accumulate(value.Shape, inputs[0], inputs[1].Transpose(1, 0));
            case MatrixProductOperation when inputs[1].IsUniform && ContainsOuter(inputs[0]):
                return Expr.MatrixProduct(Push(inputs[0]), inputs[1]);
            case MatrixProductOperation when inputs[0].IsUniform && ContainsOuter(inputs[1]):
                return Expr.MatrixProduct(inputs[0], Push(inputs[1]));
            default:
                return Accumulate(value.Shape, value, null);
        }
    }

    private static Expr Accumulate(Shape shape, Expr left, Expr? right) => Expr.Leaf(new AccumulatorLeaf([(left, right)]), shape);

    // Two sums that go to one place are added up in one place.
    private static Expr Merge(Expr left, Expr right) =>
        left.Operation is AccumulatorLeaf a && right.Operation is AccumulatorLeaf b && left.Shape == right.Shape
            ? Expr.Leaf(new AccumulatorLeaf([.. a.Contributions, .. b.Contributions]), left.Shape)
            : left + right;

    // Whether the sum is best pushed further down: to an outer product, or to the part of a value that isn't padding.
    private bool ContainsOuter(Expr value)
    {
        if (_outer.TryGetValue(value, out var known))
        {
            return known;
        }

        foreach (var node in TracedProgram.Collect([value]))
        {
            if (!_outer.ContainsKey(node))
            {
                _outer[node] = HasOuter(node);
            }
        }

        return _outer[value];
    }

    private bool HasOuter(Expr node) => node.Operation switch
    {
        MatrixProductOperation when node.Inputs[0].IsUniform => _outer[node.Inputs[1]],
        MatrixProductOperation when node.Inputs[1].IsUniform => _outer[node.Inputs[0]],
        MatrixProductOperation => node.Shape.Rank == 2,
        MultiplyOperation => OuterFactors(node) is not null
            || (node.Inputs[0].IsUniform && _outer[node.Inputs[1]]) || (node.Inputs[1].IsUniform && _outer[node.Inputs[0]]),
        GatherOperation g when g.Indices.Contains(-1) => true,
        DivideOperation when node.Inputs[1].IsUniform => _outer[node.Inputs[0]],
        ViewOperation or SumOperation or NegateOperation => _outer[node.Inputs[0]],
        AddOperation or SubtractOperation => _outer[node.Inputs[0]] || _outer[node.Inputs[1]],
        _ => false,
    };

    // A column [m, 1] stretched along the rows times a row [1, n] stretched along the columns.
    private static (Expr Left, Expr Right)? OuterFactors(Expr product)
    {
        if (product.Shape.Rank != 2 || product.Shape[0] == 1 || product.Shape[1] == 1)
        {
            return null;
        }

        var (m, n) = (product.Shape[0], product.Shape[1]);
        Expr? column = null, row = null;
        foreach (var factor in product.Inputs)
        {
            if (factor.Operation is not BroadcastOperation)
            {
                return null;
            }

            var inner = factor.Inputs[0];
            if (inner.Shape.Rank == 2 && inner.Shape[1] == 1 && inner.Shape[0] == m)
            {
                column = inner;
            }
            else if (inner.Size == n && inner.Shape[^1] == n)
            {
                row = inner.Reshape(n, 1);
            }
        }

        return column is null || row is null ? null : (column, row);
    }
}
