using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

/// <summary>
/// The sum of a value over all samples of a call: the one operation that crosses samples. Its result is uniform, and its cotangent is handed to every sample.
/// </summary>
internal sealed class BatchSumOperation : Operation
{
    public static readonly BatchSumOperation Instance = new();

    public override string Name => "batch sum";

    public override Shape InferShape(ReadOnlySpan<Shape> inputs) => inputs[0];

    public override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output) =>
        throw new InvalidOperationException("The batch sum is evaluated over all samples.");

    public override Expr? Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions) => Expr.Create(Instance, tangents[0]!);

    public override Expr? Cotangent(Expr node, Expr cotangent, int index) => cotangent;

    internal override void Lower(Expr node, ILowering machine) =>
        throw new InvalidOperationException("The batch sum is taken apart before a program is lowered.");
}
