using System.Numerics;
using System.Runtime.CompilerServices;

namespace Monge.Engine.Pairwise;

/// <summary>max(x.z, 0): the output of a rectified linear neuron z at x.</summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly struct ReluKernel<T> : IPairKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public static bool OfInnerProduct => true;

    /// <inheritdoc/>
    public double Scale => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Value(Vector<T> q) => Vector.Max(q, Vector<T>.Zero);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> ValueAndSlope(Vector<T> q, out Vector<T> slope)
    {
        slope = Vector.ConditionalSelect(Vector.GreaterThan(q, Vector<T>.Zero), Vector<T>.One, Vector<T>.Zero);
        return Vector.Max(q, Vector<T>.Zero);
    }
}

/// <summary>tanh(x.z).</summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly struct TanhKernel<T> : IPairKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public static bool OfInnerProduct => true;

    /// <inheritdoc/>
    public double Scale => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Value(Vector<T> q)
    {
        // From |q|, whose exponential doesn't overflow.
        var decay = VectorFunctions.Exp(Vector.Abs(q) * T.CreateTruncating(-2));
        return Vector.CopySign((Vector<T>.One - decay) / (Vector<T>.One + decay), q);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> ValueAndSlope(Vector<T> q, out Vector<T> slope)
    {
        var value = Value(q);
        slope = Vector<T>.One - (value * value);
        return value;
    }
}

/// <summary>1 / (1 + exp(-x.z)).</summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly struct SigmoidKernel<T> : IPairKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public static bool OfInnerProduct => true;

    /// <inheritdoc/>
    public double Scale => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Value(Vector<T> q) => ValueAndSlope(q, out _);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> ValueAndSlope(Vector<T> q, out Vector<T> slope)
    {
        var decay = VectorFunctions.Exp(-Vector.Abs(q));
        var larger = Vector<T>.One / (Vector<T>.One + decay);
        var smaller = decay * larger;
        slope = larger * smaller;
        return Vector.ConditionalSelect(Vector.LessThan(q, Vector<T>.Zero), smaller, larger);
    }
}

/// <summary>log(1 + exp(x.z)): a smooth rectifier.</summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly struct SoftplusKernel<T> : IPairKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public static bool OfInnerProduct => true;

    /// <inheritdoc/>
    public double Scale => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Value(Vector<T> q) => ValueAndSlope(q, out _);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> ValueAndSlope(Vector<T> q, out Vector<T> slope)
    {
        var decay = VectorFunctions.Exp(-Vector.Abs(q));
        var larger = Vector<T>.One / (Vector<T>.One + decay);
        slope = Vector.ConditionalSelect(Vector.LessThan(q, Vector<T>.Zero), decay * larger, larger);
        return Vector.Max(q, Vector<T>.Zero) + VectorFunctions.LogOnePlus(decay);
    }
}

/// <summary>
/// The kernel of two rectified linear neurons of unit length on the uniform law of the unit sphere, E max(x.z, 0) max(x.z', 0) = (sin a + (pi - a) cos a) /
/// (2 pi d) with cos a = z.z' (Y. Cho and L. Saul, "Kernel methods for deep learning", 2009, eq. 6): points must have length 1.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="dimension">d.</param>
public readonly struct ArcCosineKernel<T>(int dimension) : IPairKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly T _scale = T.CreateTruncating(0.5 / (Math.PI * dimension));

    /// <inheritdoc/>
    public static bool OfInnerProduct => true;

    /// <inheritdoc/>
    public double Scale => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Value(Vector<T> q) => ValueAndSlope(q, out _);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> ValueAndSlope(Vector<T> q, out Vector<T> slope)
    {
        // A pair of equal points, whose product is 1 but for rounding, has the angle 0 and not the root of that rounding.
        var near = Vector<T>.One - new Vector<T>(T.CreateTruncating(8) * (T.BitIncrement(T.One) - T.One));
        var cosine = Vector.ConditionalSelect(Vector.GreaterThan(q, near), Vector<T>.One, Vector.Max(q, -Vector<T>.One));
        var sine = Vector.SquareRoot((Vector<T>.One - cosine) * (Vector<T>.One + cosine));
        slope = VectorFunctions.Acos(-cosine) * _scale;
        return (sine * _scale) + (slope * cosine);
    }
}

/// <summary>
/// The kernel of two Gaussian neurons exp(-alpha |x - z|^2 / 2) on the uniform law of the sphere of radius sqrt(d), with z and z' on it: exp(-2 alpha d)
/// lambda(alpha sqrt(d) |z + z'|), lambda the average of exp(s u) over the first coordinate u of the unit sphere (Funk and Hecke), which is 0F1(d/2; s^2 / 4).
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly struct SphericalGaussianKernel<T> : IPairKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly T[] _coefficients;
    private readonly T _scale;

    /// <summary>Makes the kernel: its series, in (2 d + 2 z.z') / 4 d between 0 and 1, has positive terms only, whose sum at 1 is at most 1.</summary>
    /// <param name="dimension">d, at least 2.</param>
    /// <param name="alpha">alpha, above 0.</param>
    public SphericalGaussianKernel(int dimension, double alpha)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 2);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(alpha);
        // The terms' logarithms: the largest of them may be past every double, its product with exp(-2 alpha d) isn't.
        var (largest, log, terms) = (alpha * dimension, -2 * alpha * dimension, new List<T>());
        for (var k = 0; log > -745 || k <= largest; k++)
        {
            terms.Add(T.CreateTruncating(Math.Exp(log)));
            log += (2 * Math.Log(largest)) - Math.Log(k + 1) - Math.Log((0.5 * dimension) + k);
        }

        var sum = 0.0;
        var kept = terms.Count;
        while (kept > 1 && sum + double.CreateTruncating(terms[kept - 1]) < 1e-18 * double.CreateTruncating(terms.Max()))
        {
            sum += double.CreateTruncating(terms[--kept]);
        }

        _coefficients = [.. terms.Take(kept)];
        _scale = T.CreateTruncating(0.5 / dimension);
    }

    /// <inheritdoc/>
    public static bool OfInnerProduct => true;

    /// <inheritdoc/>
    public double Scale => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Value(Vector<T> q) => ValueAndSlope(q, out _);

    /// <inheritdoc/>
    public Vector<T> ValueAndSlope(Vector<T> q, out Vector<T> slope)
    {
        var at = Vector.Max(Vector<T>.Zero, VectorFunctions.MultiplyAdd(q, new Vector<T>(_scale), new Vector<T>(T.CreateTruncating(0.5))));
        var (value, derivative) = (Vector<T>.Zero, Vector<T>.Zero);
        for (var k = _coefficients.Length - 1; k >= 0; k--)
        {
            derivative = VectorFunctions.MultiplyAdd(derivative, at, value);
            value = VectorFunctions.MultiplyAdd(value, at, new Vector<T>(_coefficients[k]));
        }

        slope = derivative * _scale;
        return value;
    }
}
