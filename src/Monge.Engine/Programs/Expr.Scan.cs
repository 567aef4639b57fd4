using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

/// <content>Loops inside of a trace.</content>
public sealed partial class Expr
{
    // Up to so many steps what each step was given is kept for derivatives; longer loops are cut into stretches, and the steps of a stretch are taken again.
    private const int MostStepsKept = 64;

    /// <summary>What is carried through a loop, at its end: step(...step(step(initial, inputs[0]), inputs[1])..., inputs[^1]).</summary>
    /// <param name="initial">The carried value at the start.</param>
    /// <param name="inputs">The inputs [steps, ..]; each step gets one.</param>
    /// <param name="step">From the carried value and the step's input [..], the next carried value, of the same shape. It is traced once.</param>
    /// <exception cref="ShapeException">Shapes don't fit.</exception>
    public static Expr Fold(Expr initial, Expr inputs, Func<Expr, Expr, Expr> step) =>
        Scan(StepsOf(inputs), [initial], [inputs], (carried, read) => new ScanStep([step(carried[0], read[0])], [])).Last[0];

    /// <summary>A loop with one carried value, one input and one output.</summary>
    /// <param name="initial">The carried value at the start.</param>
    /// <param name="inputs">The inputs [steps, ..].</param>
    /// <param name="step">From the carried value and the step's input, the next carried value and the step's output. It is traced once.</param>
    /// <returns>What is carried at the end, and the outputs [steps, ..].</returns>
    /// <exception cref="ShapeException">Shapes don't fit.</exception>
    public static (Expr Last, Expr Outputs) Scan(Expr initial, Expr inputs, Func<Expr, Expr, (Expr Next, Expr Output)> step)
    {
        var result = Scan(StepsOf(inputs), [initial], [inputs], (carried, read) =>
        {
            var (next, output) = step(carried[0], read[0]);
            return new ScanStep([next], [output]);
        });
        return (result.Last[0], result.Outputs[0]);
    }

    /// <summary>
    /// A loop inside of a program: recursions, filters, time steps. The step is traced once, so planning doesn't depend on the number of steps; it may use
    /// values from outside. What doesn't depend on the step is computed once before the loop, random numbers too: draw them for all steps outside and hand them
    /// over as an input. Derivatives are loops; a gradient's memory grows with the square root of the steps, since stretches of them are computed again.
    /// </summary>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <param name="initial">The carried values at the start.</param>
    /// <param name="inputs">The inputs, each [steps, ..].</param>
    /// <param name="step">From the carried values and the step's inputs, the next carried values, of the same shapes, and the step's outputs.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no step.</exception>
    /// <exception cref="ArgumentException">The step sums over the batch.</exception>
    /// <exception cref="ShapeException">Shapes don't fit.</exception>
    public static ScanResult Scan(
        int steps, IReadOnlyList<Expr> initial, IReadOnlyList<Expr> inputs, Func<IReadOnlyList<Expr>, IReadOnlyList<Expr>, ScanStep> step)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentNullException.ThrowIfNull(initial);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(step);
        for (var i = 0; i < inputs.Count; i++)
        {
            if (StepsOf(inputs[i]) != steps)
            {
                throw new ShapeException($"scan: input {i} has shape {inputs[i].Shape}; its first axis must be the {steps} steps.");
            }
        }

        Expr[] carried = [.. initial.Select(c => Leaf(new ScanLeaf(false), c.Shape))];
        Expr[] read = [.. inputs.Select(x => Leaf(new ScanLeaf(x.IsUniform), x.Shape[1..]))];
        var traced = step(carried, read);
        if (traced.Next.Count != carried.Length)
        {
            throw new ShapeException($"scan: {carried.Length} values are carried into the step and {traced.Next.Count} out of it; they must be as many.");
        }

        for (var i = 0; i < carried.Length; i++)
        {
            if (traced.Next[i].Shape != carried[i].Shape)
            {
                throw new ShapeException(
                    $"scan: carried value {i} has shape {carried[i].Shape} at the start and {traced.Next[i].Shape} after a step; they must agree.");
            }
        }

        var (body, held) = ScanBody.Close(carried, read, traced.Next, traced.Outputs);
        return steps <= MostStepsKept
            ? Loop(body, steps, [.. initial], [.. inputs], held)
            : InStretches(body, steps, [.. initial], [.. inputs], held);
    }

    private static int StepsOf(Expr inputs) => inputs.Shape.Rank > 0
        ? inputs.Shape[0]
        : throw new ShapeException("scan: an input is a scalar; it must have an axis of steps, [steps, ..].");

    private static ScanResult Loop(ScanBody body, int steps, Expr[] initial, Expr[] inputs, Expr[] held)
    {
        var scan = new ScanOperation(body, steps, isReverse: false);
        var parts = scan.Split(Create(scan, [.. initial, .. inputs, .. held]));
        return new ScanResult(parts[..body.Carried.Count], parts[body.Carried.Count..]);
    }

    private static ScanResult InStretches(ScanBody body, int steps, Expr[] initial, Expr[] inputs, Expr[] held)
    {
        // Stretches of about the square root of the steps, of one length if there is a fitting one, and else a shorter one at the end.
        var root = (int)Math.Ceiling(Math.Sqrt(steps));
        var length = Enumerable.Range(root, root + 1).FirstOrDefault(n => steps % n == 0, root);
        var stretches = steps / length;
        Expr[] stretchInputs = [.. body.Inputs.Select(x => Leaf(new ScanLeaf(x.IsUniform), new Shape([length, .. x.Shape.Sizes])))];
        Expr[] carried = [.. body.Carried.Select(c => Leaf(new ScanLeaf(false), c.Shape))];
        var inner = Loop(body, length, carried, stretchInputs, held);
        var (outer, outerHeld) = ScanBody.Close(carried, stretchInputs, inner.Last, inner.Outputs);
        var whole = Loop(
            outer, stretches, initial,
            [.. inputs.Select(x => x.Slice(0, 0, stretches * length).Reshape([stretches, length, .. x.Shape.Sizes[1..]]))], outerHeld);
        Expr[] outputs = [.. whole.Outputs.Select(y => y.Reshape([stretches * length, .. y.Shape.Sizes[2..]]))];
        var rest = steps - (stretches * length);
        if (rest == 0)
        {
            return new ScanResult(whole.Last, outputs);
        }

        var last = Loop(body, rest, [.. whole.Last], [.. inputs.Select(x => x.Slice(0, steps - rest, rest))], held);
        return new ScanResult(last.Last, [.. outputs.Zip(last.Outputs, (a, b) => Concat(0, a, b))]);
    }
}

/// <summary>What a step of a scan makes.</summary>
/// <param name="Next">The carried values for the next step.</param>
/// <param name="Outputs">The step's outputs.</param>
public sealed record ScanStep(IReadOnlyList<Expr> Next, IReadOnlyList<Expr> Outputs);

/// <summary>What a scan makes.</summary>
/// <param name="Last">The carried values after the last step.</param>
/// <param name="Outputs">The outputs, each [steps, ..].</param>
public sealed record ScanResult(IReadOnlyList<Expr> Last, IReadOnlyList<Expr> Outputs);
