using System.Reflection.Emit;

namespace Monge.Engine.Lanes;

/// <content>Arithmetic, comparisons and selection.</content>
internal sealed partial class LaneEmitter
{
    /// <summary>a + b.</summary>
    public Lane Add(Lane a, Lane b) => Finish((Formula)a + b);

    /// <summary>a - b.</summary>
    public Lane Subtract(Lane a, Lane b) => Finish((Formula)a - b);

    /// <summary>a b.</summary>
    public Lane Multiply(Lane a, Lane b) => Finish((Formula)a * b);

    /// <summary>a / b.</summary>
    public Lane Divide(Lane a, Lane b) => Finish((Formula)a / b);

    /// <summary>a b + c, rounded once where the hardware fuses, else twice.</summary>
    public Lane MultiplyAdd(Lane a, Lane b, Lane c) => Finish(Fma(a, b, c));

    /// <summary>-a.</summary>
    public Lane Negate(Lane a) => Finish(-(Formula)a);

    /// <summary>|a|.</summary>
    public Lane Abs(Lane a) => Finish(Magnitude(a));

    /// <summary>Square root; NaN below zero.</summary>
    public Lane Sqrt(Lane a) => Finish(Formula.Of("Sqrt", a));

    /// <summary>The largest whole number that is not above a.</summary>
    public Lane Floor(Lane a) => Finish(Formula.Of("Floor", a));

    /// <summary>The nearest whole number, halves to the even one.</summary>
    public Lane RoundToEven(Lane a) => Finish(Formula.Of("Round", a));

    /// <summary>The smaller one; NaN if either is NaN.</summary>
    public Lane Min(Lane a, Lane b) => Finish(Formula.Of("Min", a, b));

    /// <summary>The larger one; NaN if either is NaN.</summary>
    public Lane Max(Lane a, Lane b) => Finish(Formula.Of("Max", a, b));

    /// <summary>The magnitude of a with the sign of b.</summary>
    public Lane CopySign(Lane a, Lane b) => Finish(WithSignOf(a, b));

    /// <summary>1, 0 or -1; a zero keeps its sign and NaN stays NaN.</summary>
    public Lane Sign(Lane a) => Finish(Choose((Formula)a < 0.0, -1.0, Choose((Formula)a > 0.0, 1.0, a)));

    /// <summary>a &lt; b; false where either is NaN.</summary>
    public LaneMask Less(Lane a, Lane b) => Finish((Formula)a < b);

    /// <summary>a &lt;= b; false where either is NaN.</summary>
    public LaneMask LessOrEqual(Lane a, Lane b) => Finish((Formula)a <= b);

    /// <summary>a = b; false where either is NaN.</summary>
    public LaneMask Equal(Lane a, Lane b) => Finish(Formula.Equal(a, b));

    /// <summary>a differs from b; true where either is NaN.</summary>
    public LaneMask NotEqual(Lane a, Lane b) => Finish(!Formula.Equal(a, b));

    /// <summary>Both.</summary>
    public LaneMask And(LaneMask a, LaneMask b) => Finish((MaskFormula)a & b);

    /// <summary>Either.</summary>
    public LaneMask Or(LaneMask a, LaneMask b) => Finish((MaskFormula)a | b);

    /// <summary>The opposite.</summary>
    public LaneMask Not(LaneMask a) => Finish(!(MaskFormula)a);

    /// <summary>Per lane <paramref name="ifTrue"/> where the mask holds, else <paramref name="ifFalse"/>.</summary>
    public Lane Select(LaneMask mask, Lane ifTrue, Lane ifFalse) => Finish(Choose(mask, ifTrue, ifFalse));

    /// <summary>1 where the mask holds, else 0.</summary>
    public Lane ToNumber(LaneMask mask) => Finish(Choose(mask, 1.0, 0.0));

    private static Formula Fma(Formula a, Formula b, Formula c) => Formula.Of("MultiplyAddEstimate", a, b, c);

    private static Formula Magnitude(Formula a) => Formula.Of("Abs", a);

    private Formula WithSignOf(Formula magnitude, Formula sign) => IsScalar
        ? Formula.Of("CopySign", magnitude, sign)
        : Formula.Of("Select", -0.0, sign, magnitude);

    /// <summary>The smaller of a bound and x; x where x is NaN, because the instruction returns its second operand then.</summary>
    private static Formula AtMost(Formula x, double bound) => Formula.Of("MinNative", bound, x);

    /// <summary>The larger of a bound and x; x where x is NaN.</summary>
    private static Formula AtLeast(Formula x, double bound) => Formula.Of("MaxNative", bound, x);

    /// <summary>c0 + c1 x + c2 x^2 + ...; x must be kept.</summary>
    private static Formula Polynomial(Formula x, params double[] coefficients)
    {
        Formula sum = coefficients[^1];
        for (int i = coefficients.Length - 2; i >= 0; i--) sum = Fma(sum, x, coefficients[i]);
        return sum;
    }

    /// <summary>
    /// Selection; in scalar mode by masking bits, so that no branch is emitted. A comparison needed twice is better
    /// written twice than kept: the compiler shares it in a mask register, and a kept mask was measured three times slower.
    /// </summary>
    private Formula Choose(MaskFormula mask, Formula ifTrue, Formula ifFalse)
    {
        if (!IsScalar)
            return new Formula(e => e.Call("Select", mask, ifTrue, ifFalse));
        BitsFormula ones = Keep(new BitsFormula(e =>
        {
            mask.Push(e);
            if (!IsSingle) IL.Emit(OpCodes.Conv_I8);
            IL.Emit(OpCodes.Neg);
        }));
        BitsFormula other = Keep(ifFalse.AsBits());
        return (((ifTrue.AsBits() ^ other) & ones) ^ other).AsNumber();
    }
}
