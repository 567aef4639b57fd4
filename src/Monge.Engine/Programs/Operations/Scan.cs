using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

/// <summary>
/// A loop of a fixed number of steps. Arguments: what is carried, at the start; then the inputs [steps, ..], of which each step reads its own; then what is
/// the same for all steps. The result is a vector: what is carried at the end, then the outputs [steps, ..], one after the other.
/// </summary>
/// <remarks>
/// Derivatives are loops again. In reverse the carried values at the start of each step are wanted, which a longer list of outputs gives;
/// <see cref="ScanMerging"/> sees to it that no loop runs twice for that.
/// </remarks>
internal sealed class ScanOperation(ScanBody body, int steps, bool isReverse) : Operation
{
    public ScanBody Body { get; } = body;

    public int Steps { get; } = steps;

    /// <summary>Whether the last element of the inputs and outputs belongs to the first step.</summary>
    public bool IsReverse { get; } = isReverse;

    public override string Name => "scan";

    public override string Key => FormattableString.Invariant($"{Body.Id}, {Steps}{(IsReverse ? ", reverse" : "")}");

    /// <summary>The result's parts: first element and shape of each carried value and each output.</summary>
    public IEnumerable<(int First, Shape Shape)> Parts()
    {
        var first = 0;
        foreach (var shape in Body.Carried.Select(c => c.Shape).Concat(Body.Outputs.Select(o => InSteps(o.Shape))))
        {
            yield return (first, shape);
            first += shape.Size;
        }
    }

    /// <summary>The parts of a value of the result's shape, with any trailing axes.</summary>
    public Expr[] Split(Expr packed) =>
        [.. Parts().Select(p => packed.Slice(0, p.First, p.Shape.Size).Reshape([.. p.Shape.Sizes, .. packed.Shape.Sizes[1..]]))];

    private Shape InSteps(Shape shape) => new([Steps, .. shape.Sizes]);

    public override Shape InferShape(ReadOnlySpan<Shape> inputs) => new(Body.Carried.Sum(c => c.Size) + (Steps * Body.Outputs.Sum(o => o.Size)));

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        var (carried, read) = (Body.Carried.Count, Body.Inputs.Count);
        var values = new Dictionary<Expr, double[]>();
        for (var i = 0; i < carried; i++)
        {
            values[Body.Carried[i]] = inputs[i];
        }

        for (var i = 0; i < Body.Fixed.Count; i++)
        {
            values[Body.Fixed[i]] = inputs[carried + read + i];
        }

        int[] first = [.. Parts().Select(p => p.First)];
        for (var k = 0; k < Steps; k++)
        {
            var step = IsReverse ? Steps - 1 - k : k;
            for (var i = 0; i < read; i++)
            {
                var size = Body.Inputs[i].Size;
                values[Body.Inputs[i]] = inputs[carried + i][(step * size)..((step + 1) * size)];
            }

            Body.Evaluate(values);
            for (var i = 0; i < Body.Outputs.Count; i++)
            {
                values[Body.Outputs[i]].CopyTo(output, first[carried + i] + (step * Body.Outputs[i].Size));
            }

            double[][] next = [.. Body.Next.Select(n => values[n])];
            for (var i = 0; i < carried; i++)
            {
                values[Body.Carried[i]] = next[i];
            }
        }

        for (var i = 0; i < carried; i++)
        {
            values[Body.Carried[i]].CopyTo(output, first[i]);
        }
    }

    public override Expr? Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) =>
        Body.Tangents(Mask(tangents), directions, isSecond: false).Apply(this, node, tangents, null);

    public override Expr? SecondOrder(Expr node, ReadOnlySpan<Expr?> tangents, Expr weights) =>
        Body.Tangents(Mask(tangents), weights.Size, isSecond: true).Apply(this, node, tangents, weights);

    public override Expr? Cotangent(Expr node, Expr cotangent, int index)
    {
        var wanted = new bool[node.Inputs.Count];
        wanted[index] = true;
        return Cotangents(node, cotangent, wanted)[index];
    }

    /// <summary>The cotangents of several arguments by one loop; null where one is zero or not wanted.</summary>
    public Expr?[] Cotangents(Expr node, Expr cotangent, bool[] wanted)
    {
        Expr?[] parts = [.. Split(cotangent).Select(p => p.IsNothing ? null : p)];
        return parts.All(p => p is null)
            ? new Expr?[node.Inputs.Count]
            : Body.Cotangents([.. parts.Select(p => p is not null)], wanted).Apply(this, node, parts);
    }

    private static bool[] Mask(ReadOnlySpan<Expr?> values)
    {
        var mask = new bool[values.Length];
        for (var i = 0; i < mask.Length; i++)
        {
            mask[i] = values[i] is not null;
        }

        return mask;
    }

    internal override void Lower(Expr node, ILowering machine) => machine.Loop();
}

/// <summary>A value inside of a loop that comes from outside of its step.</summary>
internal sealed class ScanLeaf(bool isUniform) : Leaf
{
    public override string Name => "value of a scan's step";

    public override bool IsUniform { get; } = isUniform;
}
