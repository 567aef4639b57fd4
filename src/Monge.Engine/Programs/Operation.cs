using Monge.Engine.Arrays;
using Monge.Engine.Lanes;

namespace Monge.Engine.Programs;

/// <summary>
/// What one node of a program does. An operation is one class with its shape rule, its value, its forward rule (tangents) and its reverse rule
/// (cotangents); derivative programs are built from the same operations. To add one, write one file in Programs/Operations.
/// </summary>
public abstract class Operation
{
    /// <summary>Name in messages, for example "multiply".</summary>
    public abstract string Name { get; }

    /// <summary>The attributes as text: two operations of one type with equal keys are the same operation.</summary>
    public virtual string Key => "";

    /// <summary>The shape of the result.</summary>
    /// <exception cref="ShapeException">The shapes of the arguments don't fit.</exception>
    public abstract Shape InferShape(ReadOnlySpan<Shape> inputs);

    /// <summary>The value for one sample in float64; row-major.</summary>
    public abstract void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output);

    /// <summary>
    /// Forward rule: the tangent [.., K] of the node from the tangents [.., K] of its inputs (null is zero; at least one is not null).
    /// Null is a zero tangent.
    /// </summary>
    public abstract Expr? Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions);

    /// <summary>
    /// Reverse rule: the cotangent of input <paramref name="index"/>, of that input's shape, from the node's cotangent. Null is zero.
    /// </summary>
    public abstract Expr? Cotangent(Expr node, Expr cotangent, int index);

    /// <summary>
    /// The second-order term sum_k w_k D2 f[x_k, x_k] of the node, for the Laplacian pass, from the tangents [.., K] of the inputs and weights [K].
    /// Null (the default) for operations that are linear in each tangent direction (sums, views, selections by a fixed mask).
    /// </summary>
    public virtual Expr? SecondOrder(Expr node, ReadOnlySpan<Expr?> tangents, Expr weights) => null;

    /// <summary>Chooses how the tile machine computes the node, by one call of <paramref name="machine"/>.</summary>
    internal abstract void Lower(Expr node, ILowering machine);

    /// <inheritdoc/>
    public override string ToString() => Key.Length == 0 ? Name : $"{Name}({Key})";

    /// <summary>Adds two terms of which either may be zero (null).</summary>
    protected static Expr? Plus(Expr? left, Expr? right) => left is null ? right : right is null ? left : left + right;
}

/// <summary>
/// An operation written by a user: its value is a function of one sample's arguments, its derivative rules are given as traced expressions.
/// The tile machine calls <see cref="Operation.Evaluate"/> sample by sample, so it is as fast as that function.
/// </summary>
public abstract class UserOperation : Operation
{
    /// <summary>Applies the operation to its arguments.</summary>
    public Expr Apply(params Expr[] inputs) => Expr.Create(this, inputs);

    internal sealed override void Lower(Expr node, ILowering machine) => machine.Run(new Kernel(this, node), [.. node.Inputs]);

    private sealed class Kernel(UserOperation operation, Expr node) : LaneKernel
    {
        private readonly Shape[] _shapes = [.. node.Inputs.Select(i => i.Shape)];
        private readonly ThreadLocal<(double[][] Inputs, double[] Output)> _buffers =
            new(() => ([.. node.Inputs.Select(i => new double[i.Size])], new double[node.Size]));

        public override void Run<L, V, T>(in LaneRows<T> rows)
        {
            var (arguments, output) = _buffers.Value;
            for (var lane = 0; lane < rows.Lanes; lane++)
            {
                for (var a = 0; a < arguments.Length; a++)
                {
                    for (var e = 0; e < arguments[a].Length; e++)
                    {
                        arguments[a][e] = double.CreateTruncating(rows[a].Load<LaneNumbers1<T>, T>(e, lane));
                    }
                }

                operation.Evaluate(arguments, _shapes, output);
                for (var e = 0; e < output.Length; e++)
                {
                    rows.Store<LaneNumbers1<T>, T>(e, lane, T.CreateTruncating(output[e]));
                }
            }
        }
    }
}
