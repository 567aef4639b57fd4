namespace Monge.Engine.Lanes;

/// <content>Sine, cosine and the two-argument arctangent.</content>
internal sealed partial class LaneEmitter
{
    // (sin r / r - 1) / r^2 in r^2 on |r| <= pi / 2.
    private static readonly double[] SinTail32 =
        [-0.166666666638743067, 8.33333276763181208e-3, -1.98410862889807015e-4, 2.75364429639683695e-6, -2.40797137073783456e-8];
    private static readonly double[] SinTail64 = [-0.166666666666666667, 8.3333333333333333e-3, -1.9841269841269806e-4, 2.75573192239712193e-6,
        -2.50521083823838056e-8, 1.60590434787072952e-10, -7.64713908528506395e-13, 2.81046779738754361e-15, -8.00596397248729845e-18];

    // (atan t / t - 1) / t^2 in t^2 on |t| <= tan(pi / 8).
    private static readonly double[] AtanTail32 =
        [-0.333333317538169689, 0.199995387947719215, -0.142638971125986755, 0.107430996676745703, -6.44983522459149592e-2];
    private static readonly double[] AtanTail64 =
        [-0.333333333333333301, 0.199999999999954792, -0.142857142846578936, 0.111111110145610136, -9.09090454988461095e-2, 7.6921825351166482e-2,
            -6.6645022156714471e-2, 5.85806875686151055e-2, -5.08503049281094054e-2, 3.92195525325512941e-2, -1.91620689159025739e-2];

    /// <summary>Beyond this magnitude the argument's spacing reaches a good part of a period, so no result is meaningful.</summary>
    private double LargestAngle => IsSingle ? 6.5e6 : 3.5e15;

    /// <summary>Sine of an angle in radians. Full accuracy up to |x| about 1e4; NaN beyond 6.5e6 (float32) or 3.5e15 (float64).</summary>
    public Lane Sin(Lane x)
    {
        Formula angle = x;
        Formula shifted = Keep(Fma(angle, 1.0 / Math.PI, RoundingShift));
        Formula value = SinOfRemainder(angle, shifted, Keep(shifted - RoundingShift));
        return Finish(Choose(Magnitude(angle) <= LargestAngle, value, double.NaN));
    }

    /// <summary>Cosine of an angle in radians, with the limits of <see cref="Sin"/>.</summary>
    public Lane Cos(Lane x)
    {
        // x = (k + 1/2) pi + r gives cos x = (-1)^(k+1) sin r.
        Formula angle = Keep(Magnitude(x));
        Formula shifted = Keep(Fma(angle, 1.0 / Math.PI, -0.5) + (RoundingShift + 1.0));
        Formula value = SinOfRemainder(angle, shifted, Keep((shifted - RoundingShift) - 0.5));
        return Finish(Choose(angle <= LargestAngle, value, double.NaN));
    }

    /// <summary>The angle of the point (x, y) in (-pi, pi], with the signs of zeros and the infinities as in Math.Atan2.</summary>
    public Lane Atan2(Lane y, Lane x)
    {
        Formula ay = Keep(Magnitude(y)), ax = Keep(Magnitude(x));
        Formula low = Keep(Choose(ay > ax, ax, ay)), high = Keep(Choose(ay > ax, ay, ax));
        // Two infinities are as good as two ones, and 0/0 counts as 0.
        high = Keep(Choose(Formula.Equal(low, double.PositiveInfinity), 1.0, Choose(Formula.Equal(high, 0.0), 1.0, high)));
        low = Keep(Choose(Formula.Equal(low, double.PositiveInfinity), 1.0, low));
        // atan(q) = pi/4 + atan((q - 1) / (q + 1)) above tan(pi / 8).
        Formula threshold = Keep(high * 0.41421356237309503);
        Formula t = Keep(Choose(low > threshold, low * 0.5 - high * 0.5, low) / Choose(low > threshold, low * 0.5 + high * 0.5, high));
        Formula z = Keep(t * t);
        Formula angle = Fma(Keep(t * z), Polynomial(z, IsSingle ? AtanTail32 : AtanTail64), t);
        angle = Keep(angle + Choose(low > threshold, Math.PI / 4, 0.0));
        angle = Keep(Choose(ay > ax, (Formula)(Math.PI / 2) - angle, angle));
        MaskFormula left = WithSignOf(1.0, x) < 0.0;
        angle = WithSignOf(Choose(left, (Formula)Math.PI - angle, angle), y);
        angle = Keep(Choose(Formula.Equal(x, x), angle, x));
        return Finish(Choose(Formula.Equal(y, y), angle, y));
    }

    /// <summary>(-1)^k sin(angle - multiple pi), with k in the low bits of <paramref name="shifted"/>.</summary>
    private Formula SinOfRemainder(Formula angle, Formula shifted, Formula multiple)
    {
        // pi in three parts (Cody and Waite), the first two short enough for exact products.
        double[] pi = IsSingle
            ? [3.140625, 0.0009670257568359375, 6.2783295730096264338e-7]
            : [3.14159265346825122833251953125, 0.0000000001215420099634489936590853176312521100044, 1.6667485837041756657e-19];
        Formula r = angle;
        foreach (double part in pi) r = Fma(multiple, -part, r);
        r = Keep(r);
        Formula z = Keep(r * r);
        Formula sine = Fma(Keep(r * z), Polynomial(z, IsSingle ? SinTail32 : SinTail64), r);
        BitsFormula sign = shifted.AsBits() << (IsSingle ? 31 : 63);
        return (sine.AsBits() ^ sign).AsNumber();
    }
}
