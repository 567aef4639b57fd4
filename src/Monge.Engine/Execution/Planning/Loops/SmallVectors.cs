using System.Runtime.InteropServices;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;

namespace Monge.Engine.Execution;

/// <summary>
/// Writes out the elements of vectors of a few numbers that a formula makes again and again (a log-sum-exp of two components in every term), so that a term is
/// made of numbers alone. Sums and maxima take the elements in their order; the numbers come out the same.
/// </summary>
internal static class SmallVectors
{
    private const int Largest = 8;

    /// <summary>The outputs with such vectors written out.</summary>
    /// <param name="outputs">Values to compute.</param>
    /// <param name="repeats">How often an operation must make a vector of one shape to be written out.</param>
    public static List<Expr> WriteOut(IReadOnlyList<Expr> outputs, int repeats)
    {
        var nodes = TracedProgram.Collect(outputs);
        var counts = new Dictionary<(Type, string, Shape), int>();
        foreach (var node in nodes.Where(CanWriteOut))
        {
            CollectionsMarshal.GetValueRefOrAddDefault(counts, Kind(node), out _)++;
        }

        if (!counts.Values.Any(c => c >= repeats))
        {
            return [.. outputs];
        }

        var elements = new Dictionary<Expr, Expr[]>();
        var made = new Dictionary<Expr, Expr>();
        Expr[] ElementsOf(Expr node)
        {
            if (!elements.TryGetValue(node, out var known))
            {
                var flat = Whole(node).Reshape(node.Size);
                elements[node] = known = [.. Enumerable.Range(0, node.Size).Select(i => flat[i])];
            }

            return known;
        }

        Expr Whole(Expr node)
        {
            if (!made.TryGetValue(node, out var whole))
            {
                made[node] = whole = Expr.Vector(elements[node]).Reshape(node.Shape.Sizes);
            }

            return whole;
        }

        foreach (var node in nodes)
        {
            if (CanWriteOut(node) && counts[Kind(node)] >= repeats)
            {
                elements[node] = node.Operation switch
                {
                    ElementwiseOperation operation => Elementwise(operation, Array.ConvertAll(node.InputSpan.ToArray(), ElementsOf), node.Size),
                    ViewOperation view => Viewed(view, node, Whole, ElementsOf),
                    ConcatOperation concat => Joined(concat.Axis, node, ElementsOf),
                    _ => Folded((ReductionOperation)node.Operation, node, ElementsOf(node.Inputs[0])),
                };
                if (node.Size == 1)
                {
                    made[node] = elements[node][0].Reshape(node.Shape.Sizes);
                }

                continue;
            }

            var inputs = Array.ConvertAll(node.InputSpan.ToArray(), Whole);
            made[node] = inputs.AsSpan().SequenceEqual(node.InputSpan) ? node : Expr.Create(node.Operation, inputs);
        }

        return [.. outputs.Select(Whole)];
    }

    private static bool CanWriteOut(Expr node) => node.Size <= Largest && !node.IsConstant && node.Operation switch
    {
        ElementwiseOperation or ConcatOperation => node.Size > 1,
        ViewOperation => node.Size > 1 || node.Inputs[0].Size is > 1 and <= Largest,
        SumOperation or MaxOperation => node.Inputs[0].Size <= Largest,
        _ => false,
    };

    // Nodes that a loop makes alike, whatever their arguments.
    private static (Type, string, Shape) Kind(Expr node) =>
        (node.Operation.GetType(), node.Operation is ElementwiseOperation ? node.Operation.Key : "", node.Shape);

    // Sums and products with the zeros that padding leaves fall away.
    private static Expr[] Elementwise(ElementwiseOperation operation, Expr[][] arguments, int size) =>
        [.. Enumerable.Range(0, size).Select(e => operation switch
        {
            AddOperation => arguments[0][e] + arguments[1][e],
            SubtractOperation => arguments[0][e] - arguments[1][e],
            MultiplyOperation => arguments[0][e] * arguments[1][e],
            _ => Expr.Create(operation, [.. arguments.Select(a => a[e])]),
        })];

    private static Expr[] Viewed(ViewOperation view, Expr node, Func<Expr, Expr> whole, Func<Expr, Expr[]> elementsOf)
    {
        var input = node.Inputs[0];
        var map = new int[node.Size];
        view.Map(input.Shape, node.Shape, map);
        if (input.Size > Largest)
        {
            var flat = Expr.Create(view, whole(input)).Reshape(node.Size);
            return [.. Enumerable.Range(0, node.Size).Select(i => flat[i])];
        }

        var elements = elementsOf(input);
        return [.. map.Select(from => from < 0 ? 0 : elements[from])];
    }

    private static Expr[] Joined(int axis, Expr node, Func<Expr, Expr[]> elementsOf)
    {
        var outer = node.Shape[..axis].Size;
        var joined = new List<Expr>();
        for (var o = 0; o < outer; o++)
        {
            foreach (var part in node.Inputs)
            {
                var block = part.Size / outer;
                joined.AddRange(elementsOf(part).AsSpan(o * block, block));
            }
        }

        return [.. joined];
    }

    private static Expr[] Folded(ReductionOperation reduction, Expr node, Expr[] elements)
    {
        var shape = node.Inputs[0].Shape;
        var (count, inner) = (shape[reduction.Axis], shape[(reduction.Axis + 1)..].Size);
        var folded = new Expr[node.Size];
        for (var at = 0; at < folded.Length; at++)
        {
            var first = (at / inner * count * inner) + (at % inner);
            var total = elements[first];
            for (var k = 1; k < count; k++)
            {
                var next = elements[first + (k * inner)];
                total = reduction is SumOperation ? total + next : Expr.Max(total, next);
            }

            folded[at] = total;
        }

        return folded;
    }
}
