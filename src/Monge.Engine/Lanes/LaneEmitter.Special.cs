using System.Reflection.Emit;

namespace Monge.Engine.Lanes;

/// <content>
/// Powers, the error function and the gamma family. Powers and the gamma family amplify rounding (y log x, cancellation near
/// zeros), so in float32 they are computed in float64 on the two halves of the lane and rounded once.
/// </content>
internal sealed partial class LaneEmitter
{
    // erf(x) / x in x^2 on |x| <= 1.
    private static readonly double[] ErfNear32 = [1.12837916584835095, -0.37612626666720331, 0.112835947151602177, -2.68542120106264124e-2,
        5.18908742343397399e-3, -8.01686428716586953e-4, 7.87587506268548834e-5];
    private static readonly double[] ErfNear64 =
        [1.12837916709551257, -0.376126389031835404, 0.112837916709450063, -2.68661706432377704e-2, 5.22397760711642273e-3, -8.54832597538969208e-4,
            1.20552949048397079e-4, -1.49247369074196603e-5, 1.64474247033173624e-6, -1.62084838018717059e-7, 1.37200645467776856e-8, -7.79589882700214224e-10];

    // log erfc(x) on [0.95, 4].
    private static readonly double[] LogErfc32 = [3.21866257548731515e-4, -1.13024187748341631, -0.63180955013115203, -0.110097242505574663,
        2.6431643282754818e-2, -4.76350966325524749e-3, 5.9767727491943542e-4, -4.61647851612718284e-5, 1.64267896842667163e-6];

    // e^(x^2) erfc(x) in (x - 3) / (x + 3) on [0.95, 6.1].
    private static readonly double[] ScaledErfc64 = [0.17900115118138995, -0.326233560043037256, 0.245603801712332289, -0.150115936500770798,
        7.16658371976830288e-2, -2.43924993192947316e-2, 4.26913635055230238e-3, 7.0774647323161423e-4, -5.97062403206479705e-4, 4.52543020858134661e-5,
        6.40620899639476098e-5, -1.2845741628052129e-5, -8.00705358598052944e-6, 2.01431771486231684e-6, 1.27087130928996894e-6];

    // Tails of the expansions for large z, in 1/z^2 (Abramowitz and Stegun 6.1.41, 6.3.18, 6.4.12); Bernoulli numbers over 2k(2k-1), 2k and 1.
    private static readonly double[] LogGammaTail = [1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360, 1.0 / 156, -3617.0 / 122400];
    private static readonly double[] DigammaTail =
        [1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12, -3617.0 / 8160, 43867.0 / 14364];
    private static readonly double[] TrigammaTail = [1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6, -3617.0 / 510, 43867.0 / 798];

    private LaneEmitter? wide;

    /// <summary>
    /// x^y with the conventions of Math.Pow at zeros, infinities and negative bases. It is e^(y log |x|), so that in float64
    /// its relative error grows with |y log x| times the machine precision, up to 1e-13 next to the overflow.
    /// </summary>
    public Lane Pow(Lane x, Lane y)
    {
        if (IsSingle)
            return InFloat64((e, v) => e.Pow(v[0], v[1]), x, y);
        Formula magnitude = Keep(Magnitude(x));
        Formula power = Keep(ExpOf(Keep((Formula)y * LogOf(magnitude))));
        power = Keep(Choose(Formula.Equal(magnitude, 1.0), 1.0, power));
        // A negative base needs a whole exponent, and an odd one gives a negative power; infinite exponents count as even.
        Formula half = Keep((Formula)y * 0.5);
        MaskFormula odd = Whole(y) & !Whole(half);
        Formula signed = WithSignOf(power, Choose(odd, x, 1.0));
        Formula value = Choose(Whole(y) | (Formula)x >= 0.0 | Formula.Equal(x, double.NegativeInfinity), signed, double.NaN);
        value = Choose(Formula.Equal(x, x) & Formula.Equal(y, y), value, (Formula)x + y);
        return Finish(Choose(Formula.Equal(y, 0.0) | Formula.Equal(x, 1.0), 1.0, value));

        static MaskFormula Whole(Formula number) => Formula.Equal(Formula.Of("Floor", number), number);
    }

    /// <summary>The error function 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x.</summary>
    public Lane Erf(Lane x)
    {
        Formula a = Keep(Magnitude(x));
        Formula z = Keep(a * a);
        Formula near = a * Polynomial(z, IsSingle ? ErfNear32 : ErfNear64);
        Formula bounded = Keep(AtMost(a, IsSingle ? 4.0 : 6.0));
        Formula complement = IsSingle
            ? ExpInRange(Keep(Polynomial(bounded, LogErfc32)))
            : ExpInRange(Keep(-(bounded * bounded))) * Polynomial(Keep((bounded - 3.0) / (bounded + 3.0)), ScaledErfc64);
        return Finish(WithSignOf(Choose(a < 0.97, near, (Formula)1.0 - complement), x));
    }

    /// <summary>log |Gamma(x)|; +infinity at the poles 0, -1, -2, ...</summary>
    public Lane LogGamma(Lane x)
    {
        if (IsSingle)
            return InFloat64((e, v) => e.LogGamma(v[0]), x);
        // Gamma(x) Gamma(1 - x) = pi / sin(pi x) for x <= 0; Gamma(y) = Gamma(y + 8) / (y (y + 1) ... (y + 7)) for y < 8.
        (Formula y, Formula z, Formula pairs) = ShiftedArgument(x);
        Formula product = Choose(y < 8.0, pairs * (pairs + 6.0) * (pairs + 10.0) * (pairs + 12.0), 1.0);
        Formula sine = SinPi(FractionAroundZero(x));
        product = Keep(product);
        Formula logProduct = Keep(LogOf(Keep(Choose((Formula)x <= 0.0, product / Magnitude(sine), product))));
        Formula inverse = Keep((Formula)1.0 / z);
        Formula tail = inverse * Polynomial(Keep(inverse * inverse), LogGammaTail);
        const double HalfLog2PiLessHalf = 0.918938533204672742 - 0.5;
        Formula stirling = Keep(Fma(z - 0.5, LogOf(z) - 1.0, tail + HalfLog2PiLessHalf));
        const double LogPi = 1.14472988584940017;
        return Finish(Choose((Formula)x <= 0.0, logProduct + ((Formula)LogPi - stirling), stirling - logProduct));
    }

    /// <summary>
    /// What log Gamma(x) has beyond Stirling's formula, log Gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2, for x &gt; 0 (Binet's function).
    /// </summary>
    public Lane StirlingRemainder(Lane x)
    {
        if (IsSingle)
            return InFloat64((e, v) => e.StirlingRemainder(v[0]), x);
        (Formula y, Formula z, Formula pairs) = ShiftedArgument(x);
        Formula product = Keep(Choose(y < 8.0, pairs * (pairs + 6.0) * (pairs + 10.0) * (pairs + 12.0), 1.0));
        Formula inverse = Keep((Formula)1.0 / z);
        Formula tail = Keep(inverse * Polynomial(Keep(inverse * inverse), LogGammaTail));
        // From z = x + 8 back to x by Gamma(x) = Gamma(z) / (x (x + 1) ... (x + 7)).
        Formula logZ = Keep(LogOf(z));
        Formula logX = Keep(LogOf(y));
        Formula back = Keep(Fma(z - 0.5, logZ, -8.0) - LogOf(product) - (y - 0.5) * logX);
        Formula value = Keep(Choose(y < 8.0, back + tail, tail));
        return Finish(Choose((Formula)x > 0.0, value, Choose(Formula.Equal(x, 0.0), double.PositiveInfinity, double.NaN)));
    }

    /// <summary>The derivative of <see cref="StirlingRemainder"/>, digamma(x) - log x + 1 / (2 x), for x &gt; 0.</summary>
    public Lane StirlingSlope(Lane x)
    {
        if (IsSingle)
            return InFloat64((e, v) => e.StirlingSlope(v[0]), x);
        (Formula y, Formula z, Formula pairs) = ShiftedArgument(x);
        Formula slope = Polynomial(pairs, 720.0, 504.0, 84.0, 4.0);
        Formula product = pairs * (pairs + 6.0) * (pairs + 10.0) * (pairs + 12.0);
        Formula inverse = Keep((Formula)1.0 / z);
        Formula square = Keep(inverse * inverse);
        Formula tail = Keep(square * Polynomial(square, DigammaTail));
        Formula sum = Keep(Fma(y, 2.0, 7.0) * (slope / product));
        Formula back = Keep(LogOf(Keep(z / y)) - inverse * 0.5 - sum + (Formula)0.5 / y);
        Formula value = Keep(Choose(y < 8.0, back - tail, -tail));
        return Finish(Choose((Formula)x > 0.0, value, Choose(Formula.Equal(x, 0.0), double.NegativeInfinity, double.NaN)));
    }

    /// <summary>The derivative of log Gamma; NaN at the poles -1, -2, ..., infinite at 0.</summary>
    public Lane Digamma(Lane x)
    {
        if (IsSingle)
            return InFloat64((e, v) => e.Digamma(v[0]), x);
        (Formula y, Formula z, Formula pairs) = ShiftedArgument(x);
        // The sum of 1 / (y + k), k = 0..7, is the logarithmic derivative of the product of the four pairs.
        Formula slope = Polynomial(pairs, 720.0, 504.0, 84.0, 4.0);
        Formula product = pairs * (pairs + 6.0) * (pairs + 10.0) * (pairs + 12.0);
        Formula sum = Choose(y < 8.0, Fma(y, 2.0, 7.0) * (slope / product), 0.0);
        Formula inverse = Keep((Formula)1.0 / z);
        Formula square = Keep(inverse * inverse);
        Formula tail = Fma(square, Polynomial(square, DigammaTail), inverse * 0.5);
        Formula positive = Keep(LogOf(z) - tail - sum);
        // psi(x) = psi(1 - x) - pi cos(pi x) / sin(pi x).
        Formula r = FractionAroundZero(x);
        Formula cosine = SinPi(Keep((Formula)0.5 - Magnitude(r)));
        Formula reflected = Choose((Formula)x < 0.0 & Formula.Equal(r, 0.0), double.NaN, positive - cosine * Math.PI / SinPi(r));
        return Finish(Choose((Formula)x <= 0.0, reflected, positive));
    }

    /// <summary>The second derivative of log Gamma; +infinity at the poles.</summary>
    public Lane Trigamma(Lane x)
    {
        if (IsSingle)
            return InFloat64((e, v) => e.Trigamma(v[0]), x);
        (Formula y, Formula z, Formula pairs) = ShiftedArgument(x);
        // With a + b = 2y + 7 and ab = u: 1/a^2 + 1/b^2 = ((a + b)^2 - 2u) / u^2.
        Formula total = Keep(Fma(y, 2.0, 7.0));
        Formula totalSquare = Keep(total * total);
        Formula sum = 0.0;
        foreach (double offset in (double[])[12.0, 10.0, 6.0, 0.0])
        {
            Formula u = Keep(pairs + offset);
            sum += (totalSquare - u * 2.0) / u / u;
        }
        Formula inverse = Keep((Formula)1.0 / z);
        Formula square = Keep(inverse * inverse);
        Formula tail = Fma(Keep(inverse * square), Polynomial(square, TrigammaTail), Fma(square, 0.5, inverse));
        Formula positive = Keep(tail + Choose(y < 8.0, sum, 0.0));
        Formula ratio = Keep((Formula)Math.PI / SinPi(FractionAroundZero(x)));
        return Finish(Choose((Formula)x <= 0.0, ratio * ratio - positive, positive));
    }

    /// <summary>
    /// y = x, or 1 - x for x &lt;= 0; z = y, or y + 8 for y &lt; 8, large enough for the expansions; and y (y + 7), from which
    /// the products of the pairs y + k, y + 7 - k follow by adding k (7 - k) = 0, 6, 10, 12.
    /// </summary>
    private (Formula Positive, Formula Large, Formula Pairs) ShiftedArgument(Formula x)
    {
        Formula y = Keep(Choose(x <= 0.0, (Formula)1.0 - x, x));
        return (y, Keep(Choose(y < 8.0, y + 8.0, y)), Keep(y * (y + 7.0)));
    }

    /// <summary>x less the nearest whole number, exact.</summary>
    private Formula FractionAroundZero(Formula x) => Keep(x - Formula.Of("Round", x));

    /// <summary>sin(pi r) for kept |r| &lt;= 1/2.</summary>
    private Formula SinPi(Formula r)
    {
        Formula angle = Keep(r * Math.PI);
        Formula square = Keep(angle * angle);
        return Fma(Keep(angle * square), Polynomial(square, IsSingle ? SinTail32 : SinTail64), angle);
    }

    /// <summary>Computes a function of float32 lanes in float64, on the lower and the upper half in turn.</summary>
    private Lane InFloat64(Func<LaneEmitter, Lane[], Lane> function, params Lane[] arguments)
    {
        wide ??= new LaneEmitter(IL, ElementType.Float64, Width, Parts);
        Lane[] halves = Array.ConvertAll<string, Lane>(IsScalar ? ["Scalar"] : ["WidenLower", "WidenUpper"], half =>
        {
            Lane[] widened = Array.ConvertAll(arguments, a => wide.Finish(new Formula(e =>
            {
                IL.Emit(OpCodes.Ldloc, a.Locals[e.Part]);
                if (IsScalar) IL.Emit(OpCodes.Conv_R8);
                else IL.Emit(OpCodes.Call, LaneMethods.Resolve(LaneMethods.HostOf(Width), half, [], LaneType));
            })));
            Lane result = function(wide, widened);
            foreach (Lane lane in widened) wide.Release(lane);
            return result;
        });
        foreach (Lane half in halves) wide.Release(half);
        return Finish(new Formula(e =>
        {
            foreach (Lane half in halves) IL.Emit(OpCodes.Ldloc, half.Locals[e.Part]);
            if (IsScalar) IL.Emit(OpCodes.Conv_R4);
            else IL.Emit(OpCodes.Call, LaneMethods.Resolve(LaneMethods.HostOf(Width), "Narrow", [], wide.LaneType, wide.LaneType));
        }));
    }
}
