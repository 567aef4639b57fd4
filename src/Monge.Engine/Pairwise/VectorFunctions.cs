using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Monge.Engine.Pairwise;

/// <summary>Functions of vectors that kernels are written with, for both precisions.</summary>
public static class VectorFunctions
{
    private const float RoundingShift = 12582912;
    private const float LeastExponent = -87.33654f;
    private const float LargestExponent = 89;
    private const int OneBits = 0x3F800000;
    private const int MantissaBits = 23;

    /// <summary>a b + c, rounded once where the machine has a fused multiply-add, else twice.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> MultiplyAdd<T>(Vector<T> a, Vector<T> b, Vector<T> c)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (!Fma.IsSupported && !AdvSimd.Arm64.IsSupported)
        {
            return (a * b) + c;
        }

        return typeof(T) == typeof(float)
            ? Vector.FusedMultiplyAdd(a.As<T, float>(), b.As<T, float>(), c.As<T, float>()).As<float, T>()
            : Vector.FusedMultiplyAdd(a.As<T, double>(), b.As<T, double>(), c.As<T, double>()).As<double, T>();
    }

    /// <summary>The square root, correctly rounded.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Sqrt<T>(Vector<T> x)
        where T : unmanaged, IFloatingPointIeee754<T> => Vector.SquareRoot(x);

    /// <summary>1 / x where x is above 0, else 0.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> ReciprocalOrZero<T>(Vector<T> x)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Vector.ConditionalSelect(Vector.GreaterThan(x, Vector<T>.Zero), Vector<T>.One / x, Vector<T>.Zero);

    /// <summary>e^x to an ulp or two; in float32 infinite above 88.3, and 0 where the result is below the smallest normal number.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Exp<T>(Vector<T> x)
        where T : unmanaged, IFloatingPointIeee754<T> => typeof(T) == typeof(float)
            ? ExpSingle(x.As<T, float>()).As<float, T>()
            : Vector.Exp(x.As<T, double>()).As<double, T>();

    /// <summary>log(1 + x) for x from 0 to 1, to a few ulps of its value.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> LogOnePlus<T>(Vector<T> x)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        // The sum's rounding is made good to first order (W. Kahan): log(1 + x) = log(s) + (x - (s - 1)) / s with s = 1 + x rounded.
        var sum = Vector<T>.One + x;
        var rest = (x - (sum - Vector<T>.One)) / sum;
        return rest + (typeof(T) == typeof(float)
            ? Vector.Log(sum.As<T, float>()).As<float, T>()
            : Vector.Log(sum.As<T, double>()).As<double, T>());
    }

    /// <summary>
    /// The arc cosine, to a few ulps of its value on [-1, 1]; what lies outside counts as the nearer end.
    /// </summary>
    /// <typeparam name="T">float or double.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Acos<T>(Vector<T> x)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        // asin from its series' best polynomial up to 1/2; above by acos x = 2 asin sqrt((1 - x) / 2), where 1 - x is exact.
        var (half, pi) = (new Vector<T>(T.CreateTruncating(0.5)), new Vector<T>(T.Pi));
        var size = Vector.Min(Vector.Abs(x), Vector<T>.One);
        var isLarge = Vector.GreaterThan(size, half);
        var square = Vector.ConditionalSelect(isLarge, (Vector<T>.One - size) * half, size * size);
        var root = Vector.ConditionalSelect(isLarge, Vector.SquareRoot(square), size);
        var sine = root * ArcSineRatio(square);
        var isNegative = Vector.LessThan(x, Vector<T>.Zero);
        var small = (pi * half) - Vector.ConditionalSelect(isNegative, -sine, sine);
        var twice = sine + sine;
        return Vector.ConditionalSelect(isLarge, Vector.ConditionalSelect(isNegative, pi - twice, twice), small);
    }

    // asin(s) / s as a polynomial of s^2 up to 1/4, through the Chebyshev points: relative error 5e-9 and 1.1e-18.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> ArcSineRatio<T>(Vector<T> square)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ReadOnlySpan<double> coefficients = typeof(T) == typeof(float)
            ? [4.24173737597998424e-02, 2.39939996536475894e-02, 4.55206356317145733e-02, 7.49469668742397260e-02, 1.66667820057753380e-01, 1]
            :
            [
                3.25793479669284208e-02, -2.09306583151824543e-02, 2.16680588690563621e-02, 3.71805774832505284e-03, 1.07786751209959925e-02,
                1.13988504084407555e-02, 1.39808829921710103e-02, 1.73516006253434350e-02, 2.23722161060721479e-02, 3.03819426423271866e-02,
                4.46428571768632196e-02, 7.49999999996661115e-02, 1.66666666666667962e-01, 1,
            ];
        var sum = new Vector<T>(T.CreateTruncating(coefficients[0]));
        for (var k = 1; k < coefficients.Length; k++)
        {
            sum = MultiplyAdd(sum, square, new Vector<T>(T.CreateTruncating(coefficients[k])));
        }

        return sum;
    }

    // x = n ln 2 + r with |r| <= ln 2 / 2, a polynomial in r (relative error 1e-9), and n added to the exponent's bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> ExpSingle(Vector<float> x)
    {
        // In this order a NaN stays one. From 88.4 on n is 128, whose bits are those of infinity.
        var inRange = Vector.MinNative(new Vector<float>(LargestExponent), Vector.MaxNative(new Vector<float>(LeastExponent), x));
        var shifted = MultiplyAdd(inRange, new Vector<float>(1.44269504f), new Vector<float>(RoundingShift));
        var n = shifted - new Vector<float>(RoundingShift);
        var r = MultiplyAdd(n, new Vector<float>(-0.693359375f), inRange);
        r = MultiplyAdd(n, new Vector<float>(2.12194440e-4f), r);
        var p = new Vector<float>(1.98910306543703277e-4f);
        p = MultiplyAdd(p, r, new Vector<float>(1.39336858626171736e-3f));
        p = MultiplyAdd(p, r, new Vector<float>(8.33331088958207719e-3f));
        p = MultiplyAdd(p, r, new Vector<float>(4.16666646020265416e-2f));
        p = MultiplyAdd(p, r, new Vector<float>(0.166666666816591791f));
        p = MultiplyAdd(p, r, new Vector<float>(0.500000001349817786f));
        var power = MultiplyAdd(r * r, p, r) + Vector<float>.One;
        var scale = (Vector.ShiftLeft(shifted.As<float, int>(), MantissaBits) + new Vector<int>(OneBits)).As<int, float>();
        return Vector.ConditionalSelect(Vector.LessThan(x, new Vector<float>(LeastExponent)), Vector<float>.Zero, power * scale);
    }
}
