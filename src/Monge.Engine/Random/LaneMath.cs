using System.Runtime.CompilerServices;

namespace Monge.Engine.Random;

/// <summary>
/// From random bits to variates, lane by lane: uniform, minus logarithm, and the Box-Muller pair. The polynomials are Chebyshev
/// interpolants computed for these ranges; logarithms and trigonometric functions are ours so that no result depends on the
/// platform's mathematics library or on the vector width.
/// </summary>
internal static class LaneMath<L, V>
    where L : ILanes<V>
    where V : unmanaged
{
    /// <summary>float32 uniforms (2k + 1) / 2^24, k of 23 bits: inside (0, 1), symmetric about 1/2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V UniformSingle(V bits)
    {
        V oneToTwo = L.Or(L.ShiftRight32(bits, 9), L.Broadcast32(0x3F800000));
        return L.AddSingle(L.AddSingle(oneToTwo, L.BroadcastSingle(-1f)), L.BroadcastSingle(5.9604644775390625e-8f));
    }

    /// <summary>float64 uniforms (2k + 1) / 2^53, k of 52 bits: inside (0, 1), symmetric about 1/2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V UniformDouble(V bits)
    {
        V oneToTwo = L.Or(L.ShiftRight64(bits, 12), L.Broadcast64(0x3FF0000000000000));
        return L.AddDouble(L.AddDouble(oneToTwo, L.BroadcastDouble(-1)), L.BroadcastDouble(1.1102230246251565e-16));
    }

    /// <summary>-scale ln u in float32 for u = (bits + 1/2) / 2^32, at most 33 scale ln 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MinusLogSingle(V bits, float scale)
    {
        V number = L.AddSingle(L.UInt32ToSingle(bits), L.BroadcastSingle(0.5f));

        // number = 2^exponent (1 + f), 1 + f between sqrt(1/2) and sqrt(2).
        V shifted = L.Subtract32(number, L.Broadcast32(0x3F3504F3));
        V exponent = L.AddSingle(L.Int32ToSingle(L.ShiftRightArithmetic32(shifted, 23)), L.BroadcastSingle(-32f));
        V f = L.AddSingle(L.Subtract32(number, L.And(shifted, L.Broadcast32(0xFF800000))), L.BroadcastSingle(-1f));
        V p = L.BroadcastSingle(-0.0790274377239344f);
        p = L.FusedSingle(p, f, L.BroadcastSingle(0.12622319849228375f));
        p = L.FusedSingle(p, f, L.BroadcastSingle(-0.1299818376365153f));
        p = L.FusedSingle(p, f, L.BroadcastSingle(0.14214495923947962f));
        p = L.FusedSingle(p, f, L.BroadcastSingle(-0.16641281463106394f));
        p = L.FusedSingle(p, f, L.BroadcastSingle(0.2000104509416068f));
        p = L.FusedSingle(p, f, L.BroadcastSingle(-0.25000306422569796f));
        p = L.FusedSingle(p, f, L.BroadcastSingle(0.33333330728190674f));
        p = L.FusedSingle(p, f, L.BroadcastSingle(-0.5f));
        V log = L.FusedSingle(L.MultiplySingle(f, f), p, f);
        return L.FusedSingle(log, L.BroadcastSingle(-scale), L.MultiplySingle(exponent, L.BroadcastSingle(-scale * 0.6931471805599453f)));
    }

    /// <summary>-scale ln u in float64 for u = <see cref="UniformDouble"/> of the bits, at most 53 scale ln 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V MinusLogDouble(V bits, double scale)
    {
        V number = UniformDouble(bits);

        // number = 2^exponent (1 + f); ln(1 + f) = 2 artanh(s) with s = f / (2 + f).
        V shifted = L.Subtract64(number, L.Broadcast64(0x3FE6A09E667F3BCD));
        V biased = L.ShiftRight64(L.Add64(shifted, L.Broadcast64(0x4000000000000000)), 52);
        V exponent = L.AddDouble(L.Or(biased, L.Broadcast64(0x4330000000000000)), L.BroadcastDouble(-4503599627371520.0));
        V f = L.AddDouble(L.Subtract64(number, L.And(shifted, L.Broadcast64(0xFFF0000000000000))), L.BroadcastDouble(-1));
        V s = L.DivideDouble(f, L.AddDouble(f, L.BroadcastDouble(2)));
        V z = L.MultiplyDouble(s, s);
        V p = L.BroadcastDouble(0.14616449685043406);
        p = L.FusedDouble(p, z, L.BroadcastDouble(0.15331721600556042));
        p = L.FusedDouble(p, z, L.BroadcastDouble(0.18182889125261723));
        p = L.FusedDouble(p, z, L.BroadcastDouble(0.2222221113479508));
        p = L.FusedDouble(p, z, L.BroadcastDouble(0.28571428625975487));
        p = L.FusedDouble(p, z, L.BroadcastDouble(0.39999999999899505));
        p = L.FusedDouble(p, z, L.BroadcastDouble(0.666666666666667));
        p = L.FusedDouble(p, z, L.BroadcastDouble(2));
        V log = L.MultiplyDouble(p, s);
        return L.FusedDouble(log, L.BroadcastDouble(-scale), L.MultiplyDouble(exponent, L.BroadcastDouble(-scale * 0.6931471805599453)));
    }

    /// <summary>The radius sqrt(-2 ln u) of two float32 normals, up to 6.76 (Box and Muller 1958).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V NormalRadiusSingle(V bits) => L.SqrtSingle(MinusLogSingle(bits, 2f));

    /// <summary>Two float32 normals from their radius and the bits of their angle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void NormalPairSingle(V radius, V angleBits, out V first, out V second)
    {
        // Bit 31 mirrors the quarter turn [-pi/4, pi/4) and bit 30 turns it; the other 30 bits are the angle within it.
        V angle = L.MultiplySingle(L.Int32ToSingle(L.ShiftLeft32(angleBits, 2)), L.BroadcastSingle(3.657291852295859e-10f));
        V z = L.MultiplySingle(angle, angle);
        V sine = L.FusedSingle(L.BroadcastSingle(-0.00019587890880412386f), z, L.BroadcastSingle(0.008332748270629749f));
        sine = L.FusedSingle(sine, z, L.BroadcastSingle(-0.1666666466231438f));
        sine = L.FusedSingle(L.MultiplySingle(sine, z), angle, angle);
        V cosine = L.FusedSingle(L.BroadcastSingle(2.4547942085071572e-05f), z, L.BroadcastSingle(-0.0013888303035894866f));
        cosine = L.FusedSingle(cosine, z, L.BroadcastSingle(0.04166666465950221f));
        cosine = L.FusedSingle(cosine, z, L.BroadcastSingle(-0.5f));
        cosine = L.FusedSingle(cosine, z, L.BroadcastSingle(1f));
        cosine = L.Xor(cosine, L.And(angleBits, L.Broadcast32(0x80000000)));
        V turned = L.ShiftLeft32(angleBits, 1);
        first = L.MultiplySingle(radius, L.SelectByHighBit32(turned, sine, cosine));
        second = L.MultiplySingle(radius, L.SelectByHighBit32(turned, cosine, sine));
    }

    /// <summary>The radius sqrt(-2 ln u) of two float64 normals, up to 8.57.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V NormalRadiusDouble(V bits) => L.SqrtDouble(MinusLogDouble(bits, 2));

    /// <summary>Two float64 normals from their radius and the bits of their angle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void NormalPairDouble(V radius, V angleBits, out V first, out V second)
    {
        // Bit 63 mirrors the quarter turn [-pi/4, pi/4) and bit 62 turns it; bits 10 to 61 are the angle within it.
        V oneToTwo = L.Or(L.ShiftRight64(L.ShiftLeft64(angleBits, 2), 12), L.Broadcast64(0x3FF0000000000000));
        V angle = L.MultiplyDouble(L.AddDouble(oneToTwo, L.BroadcastDouble(-1.5)), L.BroadcastDouble(1.5707963267948966));
        V z = L.MultiplyDouble(angle, angle);
        V sine = L.FusedDouble(L.BroadcastDouble(1.5918129294866608e-10), z, L.BroadcastDouble(-2.5051131845003624e-08));
        sine = L.FusedDouble(sine, z, L.BroadcastDouble(2.755731610255244e-06));
        sine = L.FusedDouble(sine, z, L.BroadcastDouble(-0.00019841269836758574));
        sine = L.FusedDouble(sine, z, L.BroadcastDouble(0.008333333333330948));
        sine = L.FusedDouble(sine, z, L.BroadcastDouble(-0.16666666666666666));
        sine = L.FusedDouble(L.MultiplyDouble(sine, z), angle, angle);
        V cosine = L.FusedDouble(L.BroadcastDouble(-1.1382632425521717e-11), z, L.BroadcastDouble(2.08761462684032e-09));
        cosine = L.FusedDouble(cosine, z, L.BroadcastDouble(-2.7557317271729793e-07));
        cosine = L.FusedDouble(cosine, z, L.BroadcastDouble(2.480158729876569e-05));
        cosine = L.FusedDouble(cosine, z, L.BroadcastDouble(-0.0013888888888887398));
        cosine = L.FusedDouble(cosine, z, L.BroadcastDouble(0.041666666666666664));
        cosine = L.FusedDouble(cosine, z, L.BroadcastDouble(-0.5));
        cosine = L.FusedDouble(cosine, z, L.BroadcastDouble(1));
        cosine = L.Xor(cosine, L.And(angleBits, L.Broadcast64(0x8000000000000000)));

        V turned = L.ShiftLeft64(angleBits, 1);
        first = L.MultiplyDouble(radius, L.SelectByHighBit64(turned, sine, cosine));
        second = L.MultiplyDouble(radius, L.SelectByHighBit64(turned, cosine, sine));
    }
}
