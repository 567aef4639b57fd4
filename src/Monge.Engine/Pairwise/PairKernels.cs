using System.Numerics;
using System.Runtime.CompilerServices;

namespace Monge.Engine.Pairwise;

/// <summary>exp(-|x - y|^2 / (2 h^2)).</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="bandwidth">h, above 0.</param>
public readonly struct GaussianKernel<T>(double bandwidth) : ILogKernel<T>, ISteinKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly T _rate = T.CreateTruncating(-0.5 / (bandwidth * bandwidth));

    /// <inheritdoc/>
    public double Scale => 2 * bandwidth * bandwidth;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> LogValue(Vector<T> q) => q * _rate;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Value(Vector<T> q) => VectorFunctions.Exp(q * _rate);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> ValueAndSlope(Vector<T> q, out Vector<T> slope)
    {
        var value = VectorFunctions.Exp(q * _rate);
        slope = value * _rate;
        return value;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Stein(Vector<T> weight, Vector<T> products, Vector<T> slopes, Vector<T> squares, int dimension)
    {
        // f' = c f and f'' = c^2 f with c = -1 / (2 h^2).
        var value = VectorFunctions.Exp(squares * _rate);
        var twice = new Vector<T>(_rate + _rate);
        return weight * value * (products - (twice * (slopes + new Vector<T>(T.CreateTruncating(dimension)) + (twice * squares))));
    }
}

/// <summary>(c^2 + |x - y|^2)^(-1/2).</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="scale">c, above 0.</param>
public readonly struct InverseMultiquadricKernel<T>(double scale) : ISteinKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly T _square = T.CreateTruncating(scale * scale);

    /// <inheritdoc/>
    public double Scale => scale * scale;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Value(Vector<T> q) => Vector<T>.One / VectorFunctions.Sqrt(q + new Vector<T>(_square));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> ValueAndSlope(Vector<T> q, out Vector<T> slope)
    {
        var sum = q + new Vector<T>(_square);
        var value = Vector<T>.One / VectorFunctions.Sqrt(sum);
        slope = value / sum * T.CreateTruncating(-0.5);
        return value;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Stein(Vector<T> weight, Vector<T> products, Vector<T> slopes, Vector<T> squares, int dimension)
    {
        // f = q^-1/2, f' = -q^-3/2 / 2, f'' = 3/4 q^-5/2, with q = c^2 + |x - y|^2.
        var sum = new Vector<T>(_square) + squares;
        var root = Vector<T>.One / VectorFunctions.Sqrt(sum);
        var inner = slopes + new Vector<T>(T.CreateTruncating(dimension)) - (squares * T.CreateTruncating(3) / sum);
        return weight * root * (products + (inner / sum));
    }
}

/// <summary>exp(-|x - y| / l).</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="length">l, above 0.</param>
public readonly struct LaplaceKernel<T>(double length) : ILogKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly T _rate = T.CreateTruncating(-1 / length);

    /// <inheritdoc/>
    public double Scale => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> LogValue(Vector<T> q) => VectorFunctions.Sqrt(q) * _rate;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Value(Vector<T> q) => VectorFunctions.Exp(VectorFunctions.Sqrt(q) * _rate);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> ValueAndSlope(Vector<T> q, out Vector<T> slope)
    {
        var distance = VectorFunctions.Sqrt(q);
        var value = VectorFunctions.Exp(distance * _rate);
        slope = value * VectorFunctions.ReciprocalOrZero(distance) * (_rate * T.CreateTruncating(0.5));
        return value;
    }
}

/// <summary>Matern's kernel of smoothness 3/2: (1 + z) exp(-z), z = sqrt(3) |x - y| / l.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="length">l, above 0.</param>
public readonly struct Matern32Kernel<T>(double length) : IPairKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly T _rate = T.CreateTruncating(Math.Sqrt(3) / length);

    /// <inheritdoc/>
    public double Scale => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Value(Vector<T> q) => ValueAndSlope(q, out _);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> ValueAndSlope(Vector<T> q, out Vector<T> slope)
    {
        var z = VectorFunctions.Sqrt(q) * _rate;
        var exponential = VectorFunctions.Exp(-z);
        slope = exponential * (_rate * _rate * T.CreateTruncating(-0.5));
        return (Vector<T>.One + z) * exponential;
    }
}

/// <summary>Matern's kernel of smoothness 5/2: (1 + z + z^2 / 3) exp(-z), z = sqrt(5) |x - y| / l.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="length">l, above 0.</param>
public readonly struct Matern52Kernel<T>(double length) : IPairKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly T _rate = T.CreateTruncating(Math.Sqrt(5) / length);

    /// <inheritdoc/>
    public double Scale => length * length / 5;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Value(Vector<T> q) => ValueAndSlope(q, out _);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> ValueAndSlope(Vector<T> q, out Vector<T> slope)
    {
        var z = VectorFunctions.Sqrt(q) * _rate;
        var exponential = VectorFunctions.Exp(-z);
        slope = (Vector<T>.One + z) * exponential * (_rate * _rate * T.CreateTruncating(-1.0 / 6));
        return (Vector<T>.One + z + (z * z * T.CreateTruncating(1.0 / 3))) * exponential;
    }
}

/// <summary>|x - y|, what the energy distance is made of (its negative is a conditionally positive kernel).</summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly struct DistanceKernel<T> : IPairKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public double Scale => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Value(Vector<T> q) => VectorFunctions.Sqrt(q);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> ValueAndSlope(Vector<T> q, out Vector<T> slope)
    {
        var distance = VectorFunctions.Sqrt(q);
        slope = VectorFunctions.ReciprocalOrZero(distance) * T.CreateTruncating(0.5);
        return distance;
    }
}

/// <summary>|x - y|^2.</summary>
/// <typeparam name="T">float or double.</typeparam>
public readonly struct SquaredDistanceKernel<T> : IPairKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public double Scale => 0;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Value(Vector<T> q) => q;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> ValueAndSlope(Vector<T> q, out Vector<T> slope)
    {
        slope = Vector<T>.One;
        return q;
    }
}

/// <summary>(x.y + c)^p.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="degree">p, at least 1.</param>
/// <param name="constant">c.</param>
public readonly struct PolynomialKernel<T>(int degree, double constant) : IPairKernel<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly T _constant = T.CreateTruncating(constant);

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
        var sum = q + new Vector<T>(_constant);
        var power = Vector<T>.One;
        for (var k = 1; k < degree; k++)
        {
            power *= sum;
        }

        slope = power * T.CreateTruncating(degree);
        return power * sum;
    }
}
