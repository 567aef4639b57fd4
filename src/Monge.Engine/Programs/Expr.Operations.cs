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

    /// <summary>Element (or sub-array) of the first axis; a negative number counts from the end.</summary>
    public Expr this[int index]
    {
        get
        {
            if (Shape.Rank == 0)
            {
                throw new ShapeException($"index: element {index} of a scalar was asked for; a scalar has no elements.");
            }

            var i = index < 0 ? index + Shape[0] : index;
            return i >= 0 && i < Shape[0]
                ? Slice(0, i, 1).Reshape(Shape.Sizes[1..])
                : throw new ShapeException($"index: element {index} does not exist along the first axis of shape {Shape}.");
        }
    }

    /// <summary>A range of the first axis.</summary>
    public Expr this[Range range]
    {
        get
        {
            var (start, length) = range.GetOffsetAndLength(Shape[0]);
            return Slice(0, start, length);
        }
    }

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

    /// <summary>The sum over all elements.</summary>
    public Expr Sum()
    {
        var flat = Reshape(Size);
        return flat.Sum(0);
    }

    /// <summary>The sum over axes (negative numbers count from the end).</summary>
    public Expr Sum(params ReadOnlySpan<int> axes)
    {
        var result = this;
        foreach (var axis in NormaliseAxes("sum", axes))
        {
            result = result.SumAxis(axis);
        }

        return result;
    }

    private Expr SumAxis(int axis)
    {
        var rest = SumOperation.Without("sum", Shape, axis);
        if (Shape[axis] == 1)
        {
            return Reshape(rest.Sizes);
        }

        return UniformConstant is { } number ? Constant(number * Shape[axis]).BroadcastTo(rest) : Create(new SumOperation(axis), this);
    }

    /// <summary>The mean over all elements.</summary>
    public Expr Mean() => Sum() / Size;

    /// <summary>The mean over axes.</summary>
    public Expr Mean(params ReadOnlySpan<int> axes)
    {
        var sum = Sum(axes);
        return sum / (Size / sum.Size);
    }

    /// <summary>The product over one axis.</summary>
    public Expr Product(int axis = 0)
    {
        axis = NormaliseAxes("product", [axis])[0];
        var (value, tail) = (this, (Expr?)null);
        while (value.Shape[axis] > 1)
        {
            // Halves are multiplied, so the derivative is right also where factors are zero.
            var half = value.Shape[axis] / 2;
            if (value.Shape[axis] % 2 == 1)
            {
                var last = value.Slice(axis, value.Shape[axis] - 1, 1);
                tail = tail is null ? last : tail * last;
            }

            value = value.Slice(axis, 0, half) * value.Slice(axis, half, half);
        }

        return (tail is null ? value : value * tail).Reshape(SumOperation.Without("product", Shape, axis).Sizes);
    }

    /// <summary>The Euclidean norm over all elements. Its derivative at 0 is not finite.</summary>
    public Expr Norm() => SquaredNorm().Sqrt();

    /// <summary>The sum of squares over all elements.</summary>
    public Expr SquaredNorm() => Square().Sum();

    /// <summary>The largest element along one axis.</summary>
    public Expr Maximum(int axis = 0)
    {
        axis = NormaliseAxes("maximum", [axis])[0];
        return Shape[axis] == 1 ? Reshape(SumOperation.Without("maximum", Shape, axis).Sizes) : Create(new MaxOperation(axis), this);
    }

    /// <summary>The running sum along one axis.</summary>
    public Expr CumulativeSum(int axis = 0, bool fromEnd = false)
    {
        axis = NormaliseAxes("cumulative sum", [axis])[0];
        return Shape[axis] == 1 ? this : Create(new CumulativeSumOperation(axis, fromEnd), this);
    }

    /// <summary>log sum exp along one axis, without overflow.</summary>
    public Expr LogSumExp(int axis = 0)
    {
        axis = NormaliseAxes("log-sum-exp", [axis])[0];
        var top = Maximum(axis).StopGradient();
        return top + (this - SumOperation.WithAxis(top, axis)).Exp().Sum(axis).Log();
    }

    /// <summary>exp(x) / sum exp(x) along one axis, without overflow.</summary>
    public Expr Softmax(int axis = 0)
    {
        axis = NormaliseAxes("softmax", [axis])[0];
        var e = (this - SumOperation.WithAxis(Maximum(axis).StopGradient(), axis)).Exp();
        return e / SumOperation.WithAxis(e.Sum(axis), axis);
    }

    /// <summary>The inner product of two values of one shape.</summary>
    public static Expr Dot(Expr left, Expr right) => left.Shape == right.Shape
        ? (left * right).Sum()
        : throw new ShapeException($"dot: the left argument has shape {left.Shape} and the right argument {right.Shape}; they must agree.");

    /// <summary>The outer product [m, n] of vectors [m] and [n].</summary>
    public static Expr Outer(Expr left, Expr right) => left.Shape.Rank == 1 && right.Shape.Rank == 1
        ? left.Reshape(left.Size, 1) * right.Reshape(1, right.Size)
        : throw new ShapeException($"outer: the left argument has shape {left.Shape} and the right argument {right.Shape}; both must be vectors.");

    /// <summary>
    /// The matrix product: [m, k] x [k, n], [m, k] x [k], [k] x [k, n], or stacks [b, m, k] x [b, k, n]. Each may be shared or per sample.
    /// </summary>
    public static Expr MatrixProduct(Expr left, Expr right)
    {
        if (left.Shape.Rank == 2 && right.Shape.Rank == 1)
        {
            return MatrixProduct(left, right.Reshape(right.Size, 1)).Reshape(left.Shape[0]);
        }

        if (left.Shape.Rank == 1 && right.Shape.Rank == 2)
        {
            return MatrixProduct(left.Reshape(1, left.Size), right).Reshape(right.Shape[1]);
        }

        var shape = MatrixProductOperation.Instance.InferShape([left.Shape, right.Shape]);
        if (left.IsZero || right.IsZero)
        {
            return Constant(0).BroadcastTo(shape);
        }

        if (left.Shape[^1] == 1)
        {
            return left * right;
        }

        if (shape.Rank == 3 && shape[0] == 1)
        {
            return MatrixProduct(left.Reshape(left.Shape.Sizes[1..]), right.Reshape(right.Shape.Sizes[1..])).Reshape(shape.Sizes);
        }

        // A constant of one-hot columns (rows) only picks columns (rows) of the other factor: the tangents of a first layer.
        if (right.Shape.Rank == 2 && OneHotColumns(right) is { } columns)
        {
            return left.Gather(1, columns);
        }

        return left.Shape.Rank == 2 && OneHotColumns(left.Transpose(1, 0)) is { } rows
            ? right.Gather(0, rows)
            : Create(MatrixProductOperation.Instance, left, right);
    }

    private static int[]? OneHotColumns(Expr value)
    {
        if (value.Operation is not ConstantLeaf { Values: var v })
        {
            return null;
        }

        var (rows, columns) = (value.Shape[0], value.Shape[1]);
        var picked = new int[columns];
        Array.Fill(picked, -1);
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
            {
                var element = v[(i * columns) + j];
                if (element == 0)
                {
                    continue;
                }

                if (element != 1 || picked[j] >= 0)
                {
                    return null;
                }

                picked[j] = i;
            }
        }

        return picked;
    }

    /// <summary>x^T A x for a vector [n] and a matrix [n, n].</summary>
    public static Expr QuadraticForm(Expr matrix, Expr vector) => Dot(vector, MatrixProduct(matrix, vector));

    /// <summary>The trace of a matrix [n, n]; of a matrix product without forming the product.</summary>
    public Expr Trace()
    {
        if (Shape.Rank != 2 || Shape[0] != Shape[1])
        {
            throw new ShapeException($"trace: the argument has shape {Shape}; it must be a square matrix.");
        }

        return Operation switch
        {
            MatrixProductOperation => (_inputs[0].Transpose(1, 0) * _inputs[1]).Sum(),
            AddOperation => _inputs[0].Trace() + _inputs[1].Trace(),
            SubtractOperation => _inputs[0].Trace() - _inputs[1].Trace(),
            NegateOperation => -_inputs[0].Trace(),
            _ => Diagonal().Sum(),
        };
    }

    /// <summary>The diagonal [n] of a matrix [n, n].</summary>
    public Expr Diagonal()
    {
        var n = Shape[0];
        return Operation switch
        {
            AddOperation or SubtractOperation or MultiplyOperation or NegateOperation => Create(Operation, [.. _inputs.Select(i => i.Diagonal())]),
            BroadcastOperation when Shape.Rank == 2 && _inputs[0].Shape.Rank == 2 && _inputs[0].Shape[1] == 1
            && _inputs[0].Shape[0] == n => _inputs[0].Reshape(n),
            _ => Reshape(n * n).Gather(0, [.. Enumerable.Range(0, n).Select(i => i * (n + 1))]),
        };
    }

    /// <summary>The sum of the value over all samples of a call; uniform.</summary>
    public Expr BatchSum() => IsZero ? this : Create(BatchSumOperation.Instance, this);

    internal Expr WithTrailingAxis() => Reshape([.. Shape.Sizes, 1]);

    private static (Expr Left, Expr Right) Align(string operation, Expr left, Expr right)
    {
        if (left.Shape == right.Shape)
        {
            return (left, right);
        }

        var shape = Shape.Broadcast(operation, left.Shape, right.Shape);
        return (left.BroadcastTo(shape), right.BroadcastTo(shape));
    }

    // Axes counted from the front, the last first, so that removing one leaves the numbers of the others.
    private int[] NormaliseAxes(string operation, ReadOnlySpan<int> axes)
    {
        var result = new int[axes.Length];
        for (var i = 0; i < axes.Length; i++)
        {
            result[i] = axes[i] < 0 ? axes[i] + Shape.Rank : axes[i];
            if (result[i] < 0 || result[i] >= Shape.Rank)
            {
                throw new ShapeException($"{operation}: axis {axes[i]} does not exist in the argument's shape {Shape}.");
            }
        }

        Array.Sort(result, (a, b) => b.CompareTo(a));
        return result;
    }
}
