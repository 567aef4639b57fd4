namespace Monge.Engine.Programs;

/// <summary>
/// Special functions of one real number in float64, to about 1e-15 relative (absolute next to zeros that are not at simple
/// arguments). The reference to which the vectorised versions are compared.
/// </summary>
public static class SpecialFunctions
{
    private const double EulerGamma = 0.577215664901532861;

    // zeta(k) - 1 for k = 2, 3, ...
    private static readonly double[] ZetaLessOne =
    [
        0.644934066848226436, 0.202056903159594285, 8.23232337111381915e-2, 3.69277551433699263e-2, 1.73430619844491397e-2,
        8.34927738192282684e-3, 4.07735619794433938e-3, 2.00839282608221442e-3, 9.94575127818085337e-4, 4.94188604119464559e-4,
        2.46086553308048299e-4, 1.22713347578489147e-4, 6.12481350587048293e-5, 3.05882363070204936e-5, 1.52822594086518717e-5,
        7.63719763789976227e-6, 3.81729326499983986e-6, 1.90821271655393893e-6, 9.53962033872796113e-7, 4.76932986787806463e-7,
        2.3845050272773299e-7, 1.19219925965311073e-7, 5.96081890512594796e-8, 2.98035035146522802e-8, 1.49015548283650412e-8,
        7.45071178983542949e-9, 3.72533402478845705e-9,
    ];

    /// <summary>log(1 + x), accurate near 0; -infinity at -1 and NaN below. With y = 1 + x rounded, log(y) x / (y - 1) cancels the rounding.</summary>
    /// <param name="x">A number above -1.</param>
    public static double Log1p(double x)
    {
        double y = 1.0 + x;
        if (y == 1.0) return x;
        if (!(x > -1.0) || double.IsInfinity(x)) return Math.Log(y);
        return Math.Log(y) + (x - (y - 1.0)) / y;
    }

    /// <summary>e^x - 1, accurate near 0, where it sums the Taylor series.</summary>
    /// <param name="x">Any number.</param>
    public static double Expm1(double x)
    {
        if (Math.Abs(x) > 1.0) return Math.Exp(x) - 1.0;
        double term = x, sum = x;
        for (int k = 2; Math.Abs(term) > 1e-18 * Math.Abs(sum); k++)
        {
            term *= x / k;
            sum += term;
        }
        return sum;
    }

    /// <summary>log(1 + e^x) without overflow, relatively accurate for very negative x.</summary>
    /// <param name="x">Any number.</param>
    public static double Softplus(double x) => Math.Max(x, 0.0) + Log1p(Math.Exp(-Math.Abs(x)));

    /// <summary>The logistic function 1 / (1 + e^-x).</summary>
    /// <param name="x">Any number.</param>
    public static double Sigmoid(double x)
    {
        if (x >= 0.0) return 1.0 / (1.0 + Math.Exp(-x));
        double power = Math.Exp(x);
        return power / (1.0 + power);
    }

    /// <summary>
    /// The error function 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x. Below 2.5 the series of positive terms
    /// (Abramowitz and Stegun 7.1.6), above it the continued fraction of the complement (7.1.14).
    /// </summary>
    /// <param name="x">Any number.</param>
    public static double Erf(double x)
    {
        double a = Math.Abs(x);
        if (double.IsNaN(x)) return x;
        if (a > 6.0) return Math.CopySign(1.0, x);
        if (a < 2.5)
        {
            double term = x, sum = x;
            for (int k = 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); k++)
            {
                term *= 2.0 * x * x / (2 * k + 1);
                sum += term;
            }
            return 2.0 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
        }
        double fraction = a;
        for (int k = 60; k > 0; k--) fraction = a + 0.5 * k / fraction;
        return Math.CopySign(1.0 - Math.Exp(-a * a) / (Math.Sqrt(Math.PI) * fraction), x);
    }

    /// <summary>
    /// log |Gamma(x)|; +infinity at the poles 0, -1, -2, ... Around 2 the Taylor series in zeta values, up to 12 the
    /// recurrence, above it Stirling's expansion (Abramowitz and Stegun 6.1.33, 6.1.15, 6.1.41); reflection below 0.
    /// </summary>
    /// <param name="x">Any number.</param>
    public static double LogGamma(double x)
    {
        if (x <= 0.0)
        {
            double sine = Math.Abs(SinPi(x));
            return sine == 0.0 ? double.PositiveInfinity : Math.Log(Math.PI / sine) - LogGamma(1.0 - x);
        }
        if (x < 0.5) return LogGamma(x + 1.0) - Math.Log(x);
        if (x < 1.5) return LogGammaAroundTwo(x - 1.0) - Log1p(x - 1.0);
        if (x <= 2.5) return LogGammaAroundTwo(x - 2.0);
        if (x < 12.0)
        {
            double product = 1.0;
            while (x > 2.5)
            {
                x -= 1.0;
                product *= x;
            }
            return Math.Log(product) + LogGammaAroundTwo(x - 2.0);
        }
        double z = 1.0 / (x * x);
        double tail = 1.0 / 12 + z * (-1.0 / 360 + z * (1.0 / 1260 + z * (-1.0 / 1680 + z * (1.0 / 1188 + z * (-691.0 / 360360 + z / 156)))));
        return (x - 0.5) * (Math.Log(x) - 1.0) + (0.418938533204672742 + tail / x);
    }

    /// <summary>
    /// What log Gamma(x) has beyond Stirling's formula: log Gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2 (Binet's function), for x &gt; 0. It keeps
    /// differences of log Gamma at large arguments accurate. From 12 on the asymptotic series (Abramowitz and Stegun 6.1.41).
    /// </summary>
    /// <param name="x">A positive number.</param>
    public static double StirlingRemainder(double x)
    {
        if (!(x > 0.0)) return x == 0.0 ? double.PositiveInfinity : double.NaN;
        if (x < 12.0) return LogGamma(x) - (x - 0.5) * Math.Log(x) + x - 0.918938533204672742;
        double z = 1.0 / (x * x);
        return (1.0 / 12 + z * (-1.0 / 360 + z * (1.0 / 1260 + z * (-1.0 / 1680 + z * (1.0 / 1188 + z * (-691.0 / 360360 + z / 156)))))) / x;
    }

    /// <summary>The derivative of <see cref="StirlingRemainder"/>: digamma(x) - log x + 1 / (2 x), for x &gt; 0 (Abramowitz and Stegun 6.3.18).</summary>
    /// <param name="x">A positive number.</param>
    public static double StirlingSlope(double x)
    {
        if (!(x > 0.0)) return x == 0.0 ? double.NegativeInfinity : double.NaN;
        if (x < 12.0) return Digamma(x) - Math.Log(x) + 0.5 / x;
        double z = 1.0 / (x * x);
        return -z * (1.0 / 12 + z * (-1.0 / 120 + z * (1.0 / 252 + z * (-1.0 / 240 + z * (1.0 / 132 + z * (-691.0 / 32760 + z / 12))))));
    }

    /// <summary>
    /// The derivative of log Gamma; NaN at the poles -1, -2, ... and infinite at 0. The recurrence up to 12, then the asymptotic
    /// expansion (Abramowitz and Stegun 6.3.5, 6.3.18); reflection below 0.
    /// </summary>
    /// <param name="x">Any number.</param>
    public static double Digamma(double x)
    {
        if (x <= 0.0)
        {
            double r = x - Math.Round(x);
            if (x == 0.0) return -1.0 / x;
            if (r == 0.0) return double.NaN;
            return Digamma(1.0 - x) - Math.PI * Math.Sin(Math.PI * (0.5 - Math.Abs(r))) / Math.Sin(Math.PI * r);
        }
        double sum = 0.0;
        for (; x < 12.0; x += 1.0) sum += 1.0 / x;
        double z = 1.0 / (x * x);
        double tail = z * (1.0 / 12 + z * (-1.0 / 120 + z * (1.0 / 252 + z * (-1.0 / 240 + z * (1.0 / 132 + z * (-691.0 / 32760 + z / 12))))));
        return Math.Log(x) - 0.5 / x - tail - sum;
    }

    /// <summary>
    /// The second derivative of log Gamma; +infinity at the poles. The recurrence up to 12, then the asymptotic expansion
    /// (Abramowitz and Stegun 6.4.6, 6.4.12); reflection below 0.
    /// </summary>
    /// <param name="x">Any number.</param>
    public static double Trigamma(double x)
    {
        if (x <= 0.0)
        {
            double ratio = Math.PI / SinPi(x);
            return ratio * ratio - Trigamma(1.0 - x);
        }
        double sum = 0.0;
        for (; x < 12.0; x += 1.0) sum += 1.0 / (x * x);
        double z = 1.0 / (x * x);
        double tail = z * (1.0 / 6 + z * (-1.0 / 30 + z * (1.0 / 42 + z * (-1.0 / 30 + z * (5.0 / 66 + z * (-691.0 / 2730 + z * 7.0 / 6))))));
        return (1.0 + 0.5 / x + tail) / x + sum;
    }

    /// <summary>log Gamma(2 + e) for |e| up to 1/2: (1 - gamma) e + sum of (zeta(k) - 1) (-e)^k / k.</summary>
    private static double LogGammaAroundTwo(double e)
    {
        double sum = 0.0;
        for (int i = ZetaLessOne.Length - 1; i >= 0; i--) sum = -e * (sum + ZetaLessOne[i] / (i + 2));
        return e * (1.0 - EulerGamma - sum);
    }

    /// <summary>|sin(pi x)| up to sign, with the argument reduced exactly.</summary>
    private static double SinPi(double x) => Math.Sin(Math.PI * (x - Math.Round(x)));
}
