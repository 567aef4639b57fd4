namespace Monge.Engine.Lanes;

/// <content>
/// Exponential, logarithm and their relatives. exp: x = n ln 2 + r with |r| &lt;= ln 2 / 2, a polynomial in r, and n added to
/// the exponent bits. log: x = 2^k m with m in [sqrt 1/2, sqrt 2) read off the bits.
/// </content>
internal sealed partial class LaneEmitter
{
    // (e^r - 1 - r) / r^2 on |r| <= ln 2 / 2, fitted at Chebyshev nodes: relative error 1e-9 and 1e-17 in e^r.
    private static readonly double[] ExpTail32 =
        [0.500000001349817786, 0.166666666816591791, 4.16666646020265416e-2, 8.33331088958207719e-3, 1.39336858626171736e-3, 1.98910306543703277e-4];
    private static readonly double[] ExpTail64 = [0.500000000000000103, 0.166666666666666675, 4.16666666666239915e-2, 8.33333333333005135e-3,
        1.38888889172817933e-3, 1.98412698631059687e-4, 2.48015211902177277e-5, 2.75572683786841929e-6, 2.76201387197339956e-7, 2.51004241570050668e-8];

    // (log(1 + f) - f + f^2 / 2) / f^3 on the mantissa's range.
    private static readonly double[] LogTail32 = [0.333333311800300481, -0.24999996957950882, 0.200007157488921017, -0.166678023195012541, 0.142490576456974804,
        -0.124256873314511061, 0.116854199234867393, -0.114797338466376356, 6.97161147145117783e-2];

    // (log((1 + s) / (1 - s)) - 2 s) / s^3 in s^2, s = f / (2 + f).
    private static readonly double[] LogTail64 = [0.666666666666666971, 0.399999999998988905, 0.285714286262538376, 0.222222110893794962, 0.181828924325368712,
        0.153316117220550079, 0.14617807153417325];

    private int MantissaBits => IsSingle ? 23 : 52;

    private long OneBits => IsSingle ? 0x3F800000 : 0x3FF0000000000000;

    private long SqrtHalfBits => IsSingle ? 0x3F3504F3 : 0x3FE6A09E667F3BCD;

    /// <summary>Adding 1.5 2^mantissa rounds a number to a whole one and leaves it in the low bits.</summary>
    private double RoundingShift => IsSingle ? 12582912.0 : 6755399441055744.0;

    private long RoundingShiftBits => IsSingle ? 0x4B400000 : 0x4338000000000000;

    private double SmallestNormal => IsSingle ? 1.17549435e-38 : 2.2250738585072014e-308;

    /// <summary>ln of the largest finite number.</summary>
    private double ExpHigh => IsSingle ? 88.722831 : 709.782712893384;

    /// <summary>ln of the smallest normal number.</summary>
    private double ExpLow => IsSingle ? -87.336540 : -708.3964185322641;

    /// <summary>e^x; results below the smallest normal number are 0.</summary>
    public Lane Exp(Lane x) => Finish(ExpOf(x));

    /// <summary>e^x - 1, accurate near 0.</summary>
    public Lane Expm1(Lane x)
    {
        // 2 (2^(n-1) p + 2^(n-1) - 1/2): halving keeps 2^n finite up to the overflow.
        Formula clamped = Keep(AtMost(AtLeast(x, IsSingle ? -20.0 : -40.0), ExpHigh + 0.2));
        (Formula shifted, Formula r) = ReduceExp(clamped);
        Formula half = Keep(((shifted.AsBits() << MantissaBits) + (OneBits - (1L << MantissaBits))).AsNumber());
        Formula sum = Keep(Fma(half, Expm1Polynomial(r), half - 0.5));
        // Copying the sign keeps expm1(-0) = -0.
        return Finish(WithSignOf(sum + sum, x));
    }

    /// <summary>Natural logarithm; -infinity at 0, NaN below.</summary>
    public Lane Log(Lane x) => Finish(LogOf(x));

    /// <summary>log(1 + x), accurate near 0; -infinity at -1, NaN below.</summary>
    public Lane Log1p(Lane x) => Finish(Log1pOf(x));

    /// <summary>Hyperbolic tangent, relatively accurate near 0: E / (E + 2) with E = e^(2|x|) - 1.</summary>
    public Lane Tanh(Lane x)
    {
        Formula doubled = AtMost(Magnitude(x), IsSingle ? 10.0 : 20.0) * 2.0;
        (Formula shifted, Formula r) = ReduceExp(Keep(doubled));
        Formula scale = Keep(((shifted.AsBits() << MantissaBits) + OneBits).AsNumber());
        Formula e = Keep(Fma(scale, Expm1Polynomial(r), scale - 1.0));
        return Finish(WithSignOf(e / (e + 2.0), x));
    }

    /// <summary>1 / (1 + e^-x).</summary>
    public Lane Sigmoid(Lane x)
    {
        // No upper bound of -x is needed: whatever comes of it, it is not chosen.
        Formula negated = Keep(AtLeast(-(Formula)x, ExpLow + 0.5));
        Formula value = (Formula)1.0 / (ExpInRange(negated) + 1.0);
        return Finish(Choose((Formula)x < ExpLow, 0.0, value));
    }

    /// <summary>log(1 + e^x) without overflow, relatively accurate for negative x: max(x, 0) + log1p(e^-|x|).</summary>
    public Lane Softplus(Lane x)
    {
        Formula magnitude = Keep(Magnitude(x));
        Formula u = Keep(ExpInRange(Keep(AtMost(magnitude, -ExpLow) * -1.0)));
        // 1 + u lies in [1, 2]: above sqrt 2 it is halved, exactly.
        Formula f = Keep(Choose(u > 0.41421356, (u - 1.0) * 0.5, u));
        Formula tail = LogOfParts(Keep(Choose(u > 0.41421356, 1.0, 0.0)), f);
        tail = Keep(Choose(magnitude > -ExpLow, 0.0, tail));
        return Finish(Choose((Formula)x > 0.0, (Formula)x + tail, tail));
    }

    private Formula ExpOf(Formula x)
    {
        Formula value = Keep(ExpInRange(x));
        // NaN fails the comparison and comes through the sum.
        value = Keep(Choose(x <= ExpHigh, value, x + double.PositiveInfinity));
        return Choose(x < ExpLow, 0.0, value);
    }

    /// <summary>e^x for kept x between <see cref="ExpLow"/> and <see cref="ExpHigh"/>, or NaN.</summary>
    private Formula ExpInRange(Formula x)
    {
        (Formula shifted, Formula r) = ReduceExp(x);
        Formula power = Polynomial(r, [1.0, 1.0, .. IsSingle ? ExpTail32 : ExpTail64]);
        return (power.AsBits() + (shifted.AsBits() << MantissaBits)).AsNumber();
    }

    /// <summary>e^r - 1 for kept, reduced r.</summary>
    private Formula Expm1Polynomial(Formula r) =>
        Fma(Keep(r * r), Polynomial(r, IsSingle ? ExpTail32 : ExpTail64), r);

    /// <summary>n (in the low bits of the first result) and r with x = n ln 2 + r; x must be kept.</summary>
    private (Formula Shifted, Formula Remainder) ReduceExp(Formula x)
    {
        Formula shifted = Keep(Fma(x, 1.44269504088896341, RoundingShift));
        Formula n = Keep(shifted - RoundingShift);
        // ln 2 in two parts, the first short enough for an exact product.
        double high = IsSingle ? 0.693359375 : 6.93147180369123816490e-01;
        double low = IsSingle ? -2.12194440054690583e-4 : 1.90821492927058770002e-10;
        return (shifted, Keep(Fma(n, -low, Fma(n, -high, x))));
    }

    private Formula LogOf(Formula x)
    {
        Formula normal = Keep(Choose(x < SmallestNormal, x * Math.ScaleB(1.0, MantissaBits), x));
        (Formula exponent, Formula m) = SplitExponent(normal);
        exponent = Keep(Choose(x < SmallestNormal, exponent - MantissaBits, exponent));
        Formula value = Keep(LogOfParts(exponent, Keep(m - 1.0)));
        return LogEnds(x, value);
    }

    private Formula Log1pOf(Formula x)
    {
        Formula y = Keep(x + 1.0);
        (Formula exponent, Formula m) = SplitExponent(y);
        // What was lost when 1 + x was rounded, scaled like the mantissa; nothing where x is so large that 1 no longer counts.
        Formula scale = ((BitsFormula)OneBits - (Keep(exponent + RoundingShift).AsBits() << MantissaBits)).AsNumber();
        Formula lost = Keep(Choose(y < 1e18, (x - (y - 1.0)) * scale, 0.0));
        Formula value = LogEnds(y, LogOfParts(exponent, Keep((m - 1.0) + lost)));
        // Tiny x is its own logarithm; this also keeps the sign of zero.
        return Choose(Magnitude(x) < (IsSingle ? 1e-9 : 1e-17), x, value);
    }

    /// <summary>Puts in the values of the logarithm at 0, below 0, at infinity and at NaN.</summary>
    private Formula LogEnds(Formula x, Formula value)
    {
        Formula finite = Keep(Choose(x < double.PositiveInfinity, value, x));
        return Choose(x <= 0.0, Keep(Choose(Formula.Equal(x, 0.0), double.NegativeInfinity, double.NaN)), finite);
    }

    /// <summary>k as a number and m in [sqrt 1/2, sqrt 2) with x = 2^k m, for kept normal positive x.</summary>
    private (Formula Exponent, Formula Mantissa) SplitExponent(Formula x)
    {
        long bias = OneBits >> MantissaBits;
        BitsFormula shifted = Keep(x.AsBits() + (OneBits - SqrtHalfBits));
        Formula exponent = Keep(((shifted >>> MantissaBits) + RoundingShiftBits).AsNumber() - (RoundingShift + bias));
        Formula mantissa = ((shifted & ((1L << MantissaBits) - 1)) + SqrtHalfBits).AsNumber();
        return (exponent, Keep(mantissa));
    }

    /// <summary>k ln 2 + log(1 + f) for kept k and f.</summary>
    private Formula LogOfParts(Formula exponent, Formula f)
    {
        Formula square = Keep(f * f);
        if (IsSingle)
        {
            Formula tail = Fma(Polynomial(f, LogTail32), f, -0.5);
            Formula log = Fma(square, tail, Fma(exponent, -2.12194440054690583e-4, f));
            return Fma(exponent, 0.693359375, log);
        }
        Formula s = Keep(f / (f + 2.0));
        Formula z = Keep(s * s);
        Formula half = Keep(square * 0.5);
        Formula rest = Fma(s, Fma(z, Polynomial(z, LogTail64), half), exponent * 1.90821492927058770002e-10);
        return Fma(exponent, 6.93147180369123816490e-01, f - (half - rest));
    }
}
