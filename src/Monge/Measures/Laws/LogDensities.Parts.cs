using Monge.Engine.Programs;

namespace Monge.Measures;

/// <content>What the laws are made of: logarithms that neither overflow nor cancel, with finite derivatives in the branches not chosen.</content>
public static partial class LogDensities
{
    // factor log(x), 0 where both are 0.
    private static Expr TimesLog(Expr factor, Expr x) => factor * Expr.Select(factor.EqualTo(0) * x.EqualTo(0), 1, x).Log();

    // factor log(1 - x), 0 where both factors are.
    private static Expr TimesLogLess(Expr factor, Expr x) => factor * (-Expr.Select(factor.EqualTo(0) * x.EqualTo(1), 0, x)).Log1p();

    // log(1 + (x / y)^2) for y > 0, where the quotient or its square would overflow too.
    private static Expr LogOnePlusSquare(Expr x, Expr y)
    {
        var isSmall = x.Abs().Less(y);
        var (small, large) = (Expr.Select(isSmall, x, 0), Expr.Select(isSmall, y, x));
        return Expr.Select(isSmall, (small / y).Square().Log1p(), (2 * (large.Abs().Log() - y.Log())) + (y / large).Square().Log1p());
    }

    // log(1 + x / y) for positive numbers, where the quotient would overflow too.
    private static Expr LogOnePlusRatio(Expr x, Expr y)
    {
        var isSmall = x.Less(y);
        return Expr.Select(isSmall, (Expr.Select(isSmall, x, 0) / y).Log1p(), (x + y).Log() - y.Log());
    }

    // m log(a / m) - (a - m) for a = m + gap > 0: near m by log1p, since a / m has lost what matters there; else by log a.
    private static Expr GrowthLessGap(Expr m, Expr gap, Expr logA)
    {
        var isNear = gap.Abs().Less(0.5 * m);
        return (m * Expr.Select(isNear, (Expr.Select(isNear, gap, 0) / m).Log1p(), logA - m.Log())) - gap;
    }

    // log B(a, b) by Stirling's formula.
    private static Expr LogBeta(Expr a, Expr b) =>
        (-a * LogOnePlusRatio(b, a)) - (b * LogOnePlusRatio(a, b)) - (0.5 * (a.Log() + b.Log() - (a + b).Log())) + HalfLogTwoPi
            + a.StirlingRemainder() + b.StirlingRemainder() - (a + b).StirlingRemainder();

    // The logarithm of the number of ways to choose k of n.
    private static Expr LogChoose(Expr n, Expr k) => -LogBeta(k + 1, n - k + 1) - (n + 1).Log();

    // log(1 - exp(-d)) for d > 0.
    private static Expr LogOneLessExp(Expr d)
    {
        var isSmall = d.Less(Math.Log(2));
        var (small, large) = (Expr.Select(isSmall, d, 0.5), Expr.Select(isSmall, 1, d));
        return Expr.Select(isSmall, (-(-small).Expm1()).Log(), (-(-large).Exp()).Log1p());
    }

    // log(exp(-k) I_0(k)): the power series up to 40, above it the asymptotic one (Abramowitz and Stegun 9.6.12, 9.7.1).
    private static Expr LogScaledBessel(Expr k)
    {
        const double Edge = 40;
        const int SeriesTerms = 80;
        const int AsymptoticTerms = 16;
        var isSmall = k.Less(Edge);
        var (small, large) = (Expr.Select(isSmall, k, 1), Expr.Select(isSmall, Edge, k));
        var quarter = 0.25 * small.Square();
        Expr series = 1;
        for (var j = SeriesTerms; j > 1; j--)
        {
            series = 1 + (quarter * (1.0 / ((double)j * j)) * series);
        }

        var eighth = 0.125 / large;
        Expr tail = 1;
        for (var j = AsymptoticTerms; j > 1; j--)
        {
            tail = 1 + (eighth * ((2.0 * j - 1) * (2.0 * j - 1) / j) * tail);
        }

        return Expr.Select(isSmall, (quarter * series).Log1p() - small, (eighth * tail).Log1p() - (0.5 * large.Log()) - HalfLogTwoPi);
    }
}
