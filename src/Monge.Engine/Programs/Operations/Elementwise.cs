using Monge.Engine.Arrays;
using Monge.Engine.Lanes;

namespace Monge.Engine.Programs;

/// <summary>
/// An operation that acts element by element on arguments of one shape (broadcasting is a view put in front). A class gives the scalar value, the
/// partial derivatives as expressions and the lane code; forward, reverse and second-order rules follow.
/// </summary>
/// <param name="name">Name in messages, by which operations of one type are told apart.</param>
/// <param name="arity">Number of arguments.</param>
/// <param name="isCheap">Whether recomputing the value is cheaper than storing and loading it (no division or transcendental function).</param>
/// <param name="weight">About how many simple instructions it becomes; loops of more than a few hundred are cut.</param>
internal abstract class ElementwiseOperation(string name, int arity, bool isCheap = false, int weight = 1) : Operation
{
    public sealed override string Name => name;

    public sealed override string Key => name;

    public int Arity => arity;

    public bool IsCheap => isCheap;

    public int Weight => weight;

    /// <summary>The value of one element.</summary>
    public abstract double Value(ReadOnlySpan<double> x);

    /// <summary>The partial derivative to argument <paramref name="index"/>, elementwise; null is zero.</summary>
    public abstract Expr? Partial(Expr node, int index);

    /// <summary>The value of a vector of lanes.</summary>
    public abstract Lane Emit(LaneEmitter lanes, ReadOnlySpan<Lane> x);

    public sealed override Shape InferShape(ReadOnlySpan<Shape> inputs)
    {
        foreach (var shape in inputs)
        {
            if (shape != inputs[0])
            {
                throw new ShapeException($"{Name}: the arguments have shapes {inputs[0]} and {shape}; they must agree.");
            }
        }

        return inputs[0];
    }

    public sealed override void Evaluate(ReadOnlySpan<double[]> inputs, ReadOnlySpan<Shape> shapes, double[] output)
    {
        Span<double> x = stackalloc double[inputs.Length];
        for (var i = 0; i < output.Length; i++)
        {
            for (var k = 0; k < inputs.Length; k++)
            {
                x[k] = inputs[k][i];
            }

            output[i] = Value(x);
        }
    }

    public sealed override Expr? Tangent(Expr node, ReadOnlySpan<Expr?> tangents, int directions)
    {
        Expr? sum = null;
        for (var i = 0; i < tangents.Length; i++)
        {
            if (tangents[i] is { } tangent && Partial(node, i) is { } partial)
            {
                sum = Plus(sum, partial.WithTrailingAxis() * tangent);
            }
        }

        return sum;
    }

    public sealed override Expr? Cotangent(Expr node, Expr cotangent, int index) => Partial(node, index) is { } partial ? partial * cotangent : null;

    public sealed override Expr? SecondOrder(Expr node, ReadOnlySpan<Expr?> tangents, Expr weights)
    {
        // sum_ij H_ij sum_k w_k x_i,k x_j,k over the distinct arguments, with the elementwise Hessian H.
        Expr? sum = null;
        var inputs = node.InputSpan;
        for (var i = 0; i < inputs.Length; i++)
        {
            if (tangents[i] is not { } ti || inputs.IndexOf(inputs[i]) != i)
            {
                continue;
            }

            for (var j = i; j < inputs.Length; j++)
            {
                if (tangents[j] is not { } tj || inputs.IndexOf(inputs[j]) != j || ElementwiseHessian.Of(this, node, i, j) is not { IsZero: false } second)
                {
                    continue;
                }

                var term = second * (weights * ti * tj).Sum(-1);
                sum = Plus(sum, i == j ? term : 2 * term);
            }
        }

        return sum;
    }

    public sealed override string ToString() => name;

    internal sealed override void Lower(Expr node, ILowering machine) => machine.Fuse();
}

/// <summary>
/// Second partial derivatives of elementwise operations. They are derived once on scalar stand-ins for the arguments, so that simplifications made with
/// the real arguments can't hide a dependence, and then written out for the real ones.
/// </summary>
internal static class ElementwiseHessian
{
    private static readonly Expr[] s_standIns = [Expr.Input("a"), Expr.Input("b"), Expr.Input("c")];

    public static Expr? Of(ElementwiseOperation operation, Expr node, int i, int j)
    {
        var inputs = node.InputSpan;
        var arguments = new Expr[inputs.Length];
        for (var k = 0; k < arguments.Length; k++)
        {
            arguments[k] = s_standIns[inputs.IndexOf(inputs[k])];
        }

        var scalar = Expr.Create(operation, arguments);
        Expr? partial = null;
        for (var k = 0; k < arguments.Length; k++)
        {
            if (ReferenceEquals(arguments[k], arguments[i]) && operation.Partial(scalar, k) is { } term)
            {
                partial = partial is null ? term : partial + term;
            }
        }

        return partial is null ? null : WriteOut(Derivative.Gradient(partial, arguments[j]), inputs, node.Shape, []);
    }

    private static Expr WriteOut(Expr template, ReadOnlySpan<Expr> inputs, Shape shape, Dictionary<Expr, Expr> known)
    {
        if (known.TryGetValue(template, out var done))
        {
            return done;
        }

        var standIn = Array.IndexOf(s_standIns, template);
        Expr made;
        if (standIn >= 0)
        {
            made = inputs[standIn];
        }
        else if (template.UniformConstant is { } number)
        {
            made = Expr.Constant(number).BroadcastTo(shape);
        }
        else
        {
            var arguments = new Expr[template.Inputs.Count];
            for (var k = 0; k < arguments.Length; k++)
            {
                arguments[k] = WriteOut(template.Inputs[k], inputs, shape, known);
            }

            made = template.Operation switch
            {
                AddOperation => arguments[0] + arguments[1],
                SubtractOperation => arguments[0] - arguments[1],
                MultiplyOperation => arguments[0] * arguments[1],
                DivideOperation => arguments[0] / arguments[1],
                NegateOperation => -arguments[0],
                _ => Expr.Create(template.Operation, arguments),
            };
        }

        return known[template] = made;
    }
}
