using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

public sealed partial class Expr
{
    /// <summary>Sum, broadcasting.</summary>
    public static Expr operator +(Expr left, Expr right)
    {
        (left, right) = Align("add", left, right);
        return left.IsZero ? right : right.IsZero ? left : Create(AddOperation.Instance, left, right);
    }

    /// <summary>Difference, broadcasting.</summary>
    public static Expr operator -(Expr left, Expr right)
    {
        (left, right) = Align("subtract", left, right);
        return right.IsZero ? left : left.IsZero ? -right : Create(SubtractOperation.Instance, left, right);
    }

    /// <summary>Elementwise product, broadcasting.</summary>
    public static Expr operator *(Expr left, Expr right)
    {
        (left, right) = Align("multiply", left, right);
        var (a, b) = (left.UniformConstant, right.UniformConstant);
        if (a == 0 || b == 1)
        {
            return left;
        }

        if (b == 0 || a == 1)
        {
            return right;
        }

        if (a == -1)
        {
            return -right;
        }

        return b == -1 ? -left : Create(MultiplyOperation.Instance, left, right);
    }

    /// <summary>Elementwise quotient, broadcasting.</summary>
    public static Expr operator /(Expr left, Expr right)
    {
        (left, right) = Align("divide", left, right);
        if (right.UniformConstant is { } number && number != 0 && double.IsFinite(1 / number))
        {
            return left * (1 / number);
        }

        return left.IsZero ? left : Create(DivideOperation.Instance, left, right);
    }

    /// <summary>The negative.</summary>
    public static Expr operator -(Expr value) => value.IsZero
        ? value
        : value.Operation is NegateOperation ? value._inputs[0]
        : value.UniformConstant is { } number ? Constant(-number).BroadcastTo(value.Shape)
        : Create(NegateOperation.Instance, value);

    /// <summary>The square.</summary>
    public Expr Square() => this * this;

    /// <summary>The exponential.</summary>
    public Expr Exp() => Create(FunctionOperation.Exp, this);

    /// <summary>exp(x) - 1, accurate near 0.</summary>
    public Expr Expm1() => Create(FunctionOperation.Expm1, this);

    /// <summary>The natural logarithm.</summary>
    public Expr Log() => Create(FunctionOperation.Log, this);

    /// <summary>log(1 + x), accurate near 0.</summary>
    public Expr Log1p() => Create(FunctionOperation.Log1p, this);

    /// <summary>The square root.</summary>
    public Expr Sqrt() => Create(FunctionOperation.Sqrt, this);

    /// <summary>The sine (argument in radians).</summary>
    public Expr Sin() => Create(FunctionOperation.Sin, this);

    /// <summary>The cosine (argument in radians).</summary>
    public Expr Cos() => Create(FunctionOperation.Cos, this);

    /// <summary>The hyperbolic tangent.</summary>
    public Expr Tanh() => Create(FunctionOperation.Tanh, this);

    /// <summary>1 / (1 + exp(-x)).</summary>
    public Expr Sigmoid() => Create(FunctionOperation.Sigmoid, this);

    /// <summary>log(1 + exp(x)), without overflow.</summary>
    public Expr Softplus() => Create(FunctionOperation.Softplus, this);

    /// <summary>x / (1 + exp(-x)).</summary>
    public Expr Silu() => this * Sigmoid();

    /// <summary>x Phi(x) with the standard normal distribution function Phi (the exact form, not the tanh approximation).</summary>
    public Expr Gelu() => 0.5 * this * (1 + (this * Math.Sqrt(0.5)).Erf());

    /// <summary>The error function.</summary>
    public Expr Erf() => Create(FunctionOperation.Erf, this);

    /// <summary>The logarithm of |Gamma(x)|.</summary>
    public Expr LogGamma() => Create(FunctionOperation.LogGamma, this);

    /// <summary>The derivative of log Gamma(x).</summary>
    public Expr Digamma() => Create(FunctionOperation.Digamma, this);

    /// <summary>
    /// What log Gamma(x) has beyond Stirling's formula, log Gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2, for x &gt; 0: differences of log Gamma at large
    /// arguments keep their digits with it.
    /// </summary>
    public Expr StirlingRemainder() => Create(FunctionOperation.StirlingRemainder, this);

    /// <summary>The absolute value.</summary>
    public Expr Abs() => Create(FunctionOperation.Abs, this);

    /// <summary>-1, 0 or 1; its derivative is zero.</summary>
    public Expr Sign() => Create(FunctionOperation.Sign, this);

    /// <summary>The largest whole number not above; its derivative is zero.</summary>
    public Expr Floor() => Create(FunctionOperation.Floor, this);

    /// <summary>The nearest whole number, halves to even; its derivative is zero.</summary>
    public Expr Round() => Create(FunctionOperation.Round, this);

    /// <summary>The value with its derivative cut off.</summary>
    public Expr StopGradient() => Operation is StopGradientOperation ? this : Create(StopGradientOperation.Instance, this);

    /// <summary>The power x^p. Whole constant powers up to 8 are products.</summary>
    public Expr Pow(Expr exponent)
    {
        if (exponent.UniformConstant is { } p && Shape.Broadcast("pow", Shape, exponent.Shape) == Shape)
        {
            if (p == Math.Floor(p) && Math.Abs(p) <= 8)
            {
                var whole = WholePower((int)Math.Abs(p));
                return p < 0 ? 1 / whole : whole;
            }

            if (p == 0.5)
            {
                return Sqrt();
            }
        }

        var (x, e) = Align("pow", this, exponent);
        return Create(PowOperation.Instance, x, e);
    }

    private Expr WholePower(int p) => p switch
    {
        0 => Constant(1).BroadcastTo(Shape),
        1 => this,
        _ when p % 2 == 0 => WholePower(p / 2).Square(),
        _ => this * WholePower(p - 1),
    };

    /// <summary>The angle of the point (x, y), in (-pi, pi].</summary>
    public static Expr Atan2(Expr y, Expr x)
    {
        (y, x) = Align("atan2", y, x);
        return Create(Atan2Operation.Instance, y, x);
    }

    /// <summary>1 where this is less than the other, else 0.</summary>
    public Expr Less(Expr other) => Compare(CompareOperation.Less, this, other);

    /// <summary>1 where this is at most the other, else 0.</summary>
    public Expr LessOrEqual(Expr other) => Compare(CompareOperation.LessOrEqual, this, other);

    /// <summary>1 where this is greater than the other, else 0.</summary>
    public Expr Greater(Expr other) => Compare(CompareOperation.Less, other, this);

    /// <summary>1 where this is at least the other, else 0.</summary>
    public Expr GreaterOrEqual(Expr other) => Compare(CompareOperation.LessOrEqual, other, this);

    /// <summary>1 where both are equal, else 0.</summary>
    public Expr EqualTo(Expr other) => Compare(CompareOperation.Equal, this, other);

    private static Expr Compare(CompareOperation operation, Expr left, Expr right)
    {
        (left, right) = Align(operation.Name, left, right);
        return Create(operation, left, right);
    }

    /// <summary>
    /// Where the condition is not zero the second argument, elsewhere the third. Both are computed; a NaN in the one not chosen stays out of the value.
    /// </summary>
    public static Expr Select(Expr condition, Expr ifTrue, Expr ifFalse)
    {
        (ifTrue, ifFalse) = Align("select", ifTrue, ifFalse);
        (condition, ifTrue) = Align("select", condition, ifTrue);
        (condition, ifFalse) = Align("select", condition, ifFalse);
        return ReferenceEquals(ifTrue, ifFalse) ? ifTrue : Create(SelectOperation.Instance, condition, ifTrue, ifFalse);
    }

    /// <summary>The smaller of two values.</summary>
    public static Expr Min(Expr left, Expr right)
    {
        (left, right) = Align("min", left, right);
        return Create(ExtremumOperation.Min, left, right);
    }

    /// <summary>The larger of two values.</summary>
    public static Expr Max(Expr left, Expr right)
    {
        (left, right) = Align("max", left, right);
        return Create(ExtremumOperation.Max, left, right);
    }

    /// <summary>The value cut off at a lower and an upper limit.</summary>
    public Expr Clamp(Expr lower, Expr upper) => Min(Max(this, lower), upper);

    /// <summary>The periodic image nearest to 0: x - L round(x / L), in [-L/2, L/2] (minimum-image convention).</summary>
    /// <param name="period">The period L.</param>
    public Expr Wrap(Expr period) => this - (period * (this / period).Round());

    private static (Expr Left, Expr Right) Align(string operation, Expr left, Expr right)
    {
        if (left.Shape == right.Shape)
        {
            return (left, right);
        }

        var shape = Shape.Broadcast(operation, left.Shape, right.Shape);
        return (left.BroadcastTo(shape), right.BroadcastTo(shape));
    }
}
