using Monge.Engine.Programs;

namespace Monge.Measures;

/// <content>Laws of counts and of classes.</content>
public static partial class LogDensities
{
    /// <summary>Law of a yes or no (Stan: bernoulli).</summary>
    /// <param name="y">1 or 0.</param>
    /// <param name="probability">The probability of 1.</param>
    public static Expr Bernoulli(Expr y, Expr probability) => TimesLog(y, probability) + TimesLogLess(1 - y, probability);

    /// <summary>Law of a yes or no by the logit of its probability (Stan: bernoulli_logit).</summary>
    /// <param name="y">1 or 0.</param>
    /// <param name="logit">log(p / (1 - p)).</param>
    public static Expr BernoulliLogit(Expr y, Expr logit) => -((1 - (2 * y)) * logit).Softplus();

    /// <summary>Law of the number of successes (Stan: binomial).</summary>
    /// <param name="k">The number of successes.</param>
    /// <param name="n">The number of trials.</param>
    /// <param name="probability">The probability of a success.</param>
    public static Expr Binomial(Expr k, Expr n, Expr probability) =>
        LogChoose(n, k) + TimesLog(k, probability) + TimesLogLess(n - k, probability);

    /// <summary>Law of the number of successes by the logit of their probability (Stan: binomial_logit).</summary>
    /// <param name="k">The number of successes.</param>
    /// <param name="n">The number of trials.</param>
    /// <param name="logit">log(p / (1 - p)).</param>
    public static Expr BinomialLogit(Expr k, Expr n, Expr logit) => LogChoose(n, k) - (k * (-logit).Softplus()) - ((n - k) * logit.Softplus());

    /// <summary>Poisson law (Stan: poisson).</summary>
    /// <param name="k">The count.</param>
    /// <param name="rate">The mean, positive.</param>
    public static Expr Poisson(Expr k, Expr rate) => PoissonBy(k, rate, Expr.Select(k.EqualTo(0), 1, rate).Log());

    /// <summary>Poisson law by the logarithm of its mean (Stan: poisson_log).</summary>
    /// <param name="k">The count.</param>
    /// <param name="logRate">The logarithm of the mean.</param>
    public static Expr PoissonLog(Expr k, Expr logRate) => PoissonBy(k, logRate.Exp(), logRate);

    /// <summary>Negative binomial law by mean and dispersion (Stan: neg_binomial_2): variance mean + mean^2 / dispersion.</summary>
    /// <param name="k">The count.</param>
    /// <param name="mean">The mean, positive.</param>
    /// <param name="dispersion">The dispersion, positive; the Poisson law is its limit at infinity.</param>
    public static Expr NegativeBinomial(Expr k, Expr mean, Expr dispersion)
    {
        // k log(mean / k) and (dispersion + k) log((dispersion + mean) / (dispersion + k)), less the same gap, by Stirling's formula for all factorials.
        var counted = Counted(k);
        var (total, gap) = (dispersion + counted, mean - counted);
        var logMean = Expr.Select(k.EqualTo(0), 1, mean).Log();
        var positive = GrowthLessGap(counted, gap, logMean) - GrowthLessGap(total, gap, (dispersion + mean).Log())
            - (0.5 * (LogOnePlusRatio(counted, dispersion) + counted.Log())) - HalfLogTwoPi
            + total.StirlingRemainder() - dispersion.StirlingRemainder() - counted.StirlingRemainder();
        return Expr.Select(k.EqualTo(0), -dispersion * LogOnePlusRatio(mean, dispersion), positive);
    }

    /// <summary>Negative binomial law by the logarithm of its mean and dispersion (Stan: neg_binomial_2_log).</summary>
    /// <param name="k">The count.</param>
    /// <param name="logMean">The logarithm of the mean.</param>
    /// <param name="dispersion">The dispersion, positive.</param>
    public static Expr NegativeBinomialLog(Expr k, Expr logMean, Expr dispersion) =>
        ((dispersion + k - 0.5) * LogOnePlusRatio(k, dispersion)) - k + (k * logMean) - ((k + dispersion) * (logMean - dispersion.Log()).Softplus())
            + (dispersion + k).StirlingRemainder() - dispersion.StirlingRemainder() - (k + 1).LogGamma();

    /// <summary>Law of the number of failures before the first success (Stan: neg_binomial with shape 1).</summary>
    /// <param name="k">The number of failures.</param>
    /// <param name="probability">The probability of a success.</param>
    public static Expr Geometric(Expr k, Expr probability) => probability.Log() + TimesLogLess(k, probability);

    /// <summary>Law of the number of successes whose probability is a beta number (Stan: beta_binomial).</summary>
    /// <param name="k">The number of successes.</param>
    /// <param name="n">The number of trials.</param>
    /// <param name="first">The beta law's shape a, positive.</param>
    /// <param name="second">The beta law's shape b, positive.</param>
    public static Expr BetaBinomial(Expr k, Expr n, Expr first, Expr second)
    {
        // Gamma(a + k) / Gamma(a), Gamma(b + n - k) / Gamma(b) and Gamma(a + b) / Gamma(a + b + n) by Stirling's formula.
        var (rest, sum) = (n - k, first + second);
        static Expr Grown(Expr shape, Expr by) => ((shape - 0.5) * LogOnePlusRatio(by, shape)) + (shape + by).StirlingRemainder() - shape.StirlingRemainder();
        return LogChoose(n, k) + Grown(first, k) + Grown(second, rest) - Grown(sum, n)
            - (k * LogOnePlusRatio(second + rest, first + k)) - (rest * LogOnePlusRatio(first + k, second + rest));
    }

    /// <summary>Law of classes by logits (Stan: categorical_logit), one value for each observation.</summary>
    /// <param name="classes">The observed classes, counted from 0.</param>
    /// <param name="logits">Logits [K], the same for all observations, or [n, K].</param>
    /// <returns>[n].</returns>
    public static Expr CategoricalLogit(IReadOnlyList<int> classes, Expr logits)
    {
        var k = logits.Shape[^1];
        CheckClasses(classes, k);
        return logits.Shape.Rank == 1
            ? logits.Gather(0, [.. classes]) - logits.LogSumExp()
            : logits.Reshape(logits.Size).Gather(0, [.. classes.Select((c, i) => (i * k) + c)]) - logits.LogSumExp(-1);
    }

    /// <summary>Law of the counts of classes (Stan: multinomial); a scalar.</summary>
    /// <param name="counts">The counts [K].</param>
    /// <param name="probabilities">The probabilities [K], which add up to 1.</param>
    public static Expr Multinomial(Expr counts, Expr probabilities) =>
        (counts.Sum() + 1).LogGamma() + (TimesLog(counts, probabilities) - (counts + 1).LogGamma()).Sum();

    /// <summary>Law of ordered classes (Stan: ordered_logistic), one value for each observation.</summary>
    /// <param name="classes">The observed classes, counted from 0.</param>
    /// <param name="location">The location, a scalar or [n].</param>
    /// <param name="cutpoints">The increasing cutpoints [K - 1]; see <see cref="SupportTransform.Ordered"/>.</param>
    /// <returns>[n].</returns>
    public static Expr OrderedLogistic(IReadOnlyList<int> classes, Expr location, Expr cutpoints)
    {
        CheckClasses(classes, cutpoints.Size + 1);
        var n = classes.Count;
        Expr At(Func<int, int> cut) => cutpoints.Gather(0, [.. classes.Select(c => Math.Clamp(cut(c), 0, cutpoints.Size - 1))]);
        Expr Is(Func<int, bool> holds) => Expr.Constant([.. classes.Select(c => holds(c) ? 1.0 : 0.0)], n);
        var (isFirst, isLast) = (Is(c => c == 0), Is(c => c == cutpoints.Size));
        var isInner = (1 - isFirst) * (1 - isLast);

        // log(s(a) - s(b)) = log s(a) + log s(-b) + log(1 - e^(b - a)) for the logistic function s and the distances a > b to the class's ends.
        var (above, below) = (At(c => c) - location, At(c => c - 1) - location);
        return Expr.Select(isInner, LogOneLessExp(Expr.Select(isInner, At(c => c) - At(c => c - 1), 1)), 0)
            - ((1 - isLast) * (-above).Softplus()) - ((1 - isFirst) * below.Softplus());
    }

    private static void CheckClasses(IReadOnlyList<int> classes, int count)
    {
        for (var i = 0; i < classes.Count; i++)
        {
            if (classes[i] < 0 || classes[i] >= count)
            {
                throw new ArgumentException(
                    $"The class of observation {i} is {classes[i]}; with {count} classes it must be from 0 to {count - 1}.", nameof(classes));
            }
        }
    }

    // A count, 1 instead of 0.
    private static Expr Counted(Expr k) => Expr.Select(k.EqualTo(0), 1, k);

    // With t = rate - k: k log(rate / k) - t less Stirling's formula for log k!.
    private static Expr PoissonBy(Expr k, Expr rate, Expr logRate)
    {
        var counted = Counted(k);
        var positive = GrowthLessGap(counted, rate - counted, logRate) - counted.StirlingRemainder() - (0.5 * counted.Log()) - HalfLogTwoPi;
        return Expr.Select(k.EqualTo(0), -rate, positive);
    }
}
