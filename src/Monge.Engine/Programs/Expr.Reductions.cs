using Monge.Engine.Arrays;

namespace Monge.Engine.Programs;

public sealed partial class Expr
{
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

    /// <summary>The sum of the value over all samples of a call; uniform.</summary>
    public Expr BatchSum() => IsZero ? this : Create(BatchSumOperation.Instance, this);

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
