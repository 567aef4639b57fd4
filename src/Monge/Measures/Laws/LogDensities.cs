using Monge.Engine.Programs;

namespace Monge.Measures;

/// <summary>
/// Log densities of the usual laws, normalised, element by element of their arguments (which broadcast), to be summed into the formula of a density. They keep
/// their digits at extreme arguments, in single precision too. Laws of counts are log probabilities. Arguments stand in the order of Stan's functions, whose
/// names the comments give. Where a law has a bounded support, give its coordinate a <see cref="SupportTransform"/>; outside it the value is minus infinity or
/// not a number.
/// </summary>
public static partial class LogDensities
{
    internal const double HalfLogTwoPi = 0.91893853320467274178;

    /// <summary>Normal law (Stan: normal).</summary>
    /// <param name="x">The value.</param>
    /// <param name="mean">The mean.</param>
    /// <param name="deviation">The standard deviation, positive.</param>
    public static Expr Normal(Expr x, Expr mean, Expr deviation) => StandardNormal((x - mean) / deviation) - deviation.Log();

    /// <summary>Normal law with mean 0 and deviation 1 (Stan: std_normal).</summary>
    /// <param name="x">The value.</param>
    public static Expr StandardNormal(Expr x) => (-0.5 * x.Square()) - HalfLogTwoPi;

    /// <summary>Law of a positive number whose logarithm is normal (Stan: lognormal).</summary>
    /// <param name="x">The value, positive.</param>
    /// <param name="mean">The mean of log x.</param>
    /// <param name="deviation">The standard deviation of log x, positive.</param>
    public static Expr LogNormal(Expr x, Expr mean, Expr deviation) => Normal(x.Log(), mean, deviation) - x.Log();

    /// <summary>Gamma law (Stan: gamma).</summary>
    /// <param name="x">The value, positive.</param>
    /// <param name="shape">The shape, positive.</param>
    /// <param name="rate">The rate (inverse scale), positive.</param>
    public static Expr Gamma(Expr x, Expr shape, Expr rate) =>
        // With t = rate x - shape: shape log(rate x / shape) - t, and Stirling's formula for the normaliser.
        GrowthLessGap(shape, (rate * x) - shape, rate.Log() + x.Log()) + (0.5 * shape.Log()) - HalfLogTwoPi - shape.StirlingRemainder() - x.Log();

    /// <summary>Law of the inverse of a gamma number (Stan: inv_gamma).</summary>
    /// <param name="x">The value, positive.</param>
    /// <param name="shape">The shape, positive.</param>
    /// <param name="scale">The scale, positive.</param>
    public static Expr InverseGamma(Expr x, Expr shape, Expr scale) =>
        GrowthLessGap(shape, (scale / x) - shape, scale.Log() - x.Log()) + (0.5 * shape.Log()) - HalfLogTwoPi - shape.StirlingRemainder() - x.Log();

    /// <summary>Exponential law (Stan: exponential); zero density below 0.</summary>
    /// <param name="x">The value.</param>
    /// <param name="rate">The rate (inverse mean), positive.</param>
    public static Expr Exponential(Expr x, Expr rate) => Within(x.GreaterOrEqual(0), rate.Log() - (rate * x));

    /// <summary>Law of the sum of squares of normal numbers (Stan: chi_square).</summary>
    /// <param name="x">The value, positive.</param>
    /// <param name="freedom">The degrees of freedom, positive.</param>
    public static Expr ChiSquared(Expr x, Expr freedom) => Gamma(x, 0.5 * freedom, 0.5);

    /// <summary>Beta law (Stan: beta).</summary>
    /// <param name="x">The value, between 0 and 1.</param>
    /// <param name="first">The shape a at 0, positive.</param>
    /// <param name="second">The shape b at 1, positive.</param>
    public static Expr Beta(Expr x, Expr first, Expr second) =>
        TimesLog(first - 1, x) + TimesLogLess(second - 1, x) - LogBeta(first, second);

    /// <summary>Student's t law (Stan: student_t).</summary>
    /// <param name="x">The value.</param>
    /// <param name="freedom">The degrees of freedom, positive.</param>
    /// <param name="location">The location.</param>
    /// <param name="scale">The scale, positive.</param>
    public static Expr StudentT(Expr x, Expr freedom, Expr location, Expr scale)
    {
        // log Gamma(h + 1/2) - log Gamma(h) - log(2 pi h) / 2 for h = freedom / 2, by Stirling's formula.
        var h = 0.5 * freedom;
        var constant = (h * (0.5 / h).Log1p()) - 0.5 + (h + 0.5).StirlingRemainder() - h.StirlingRemainder() - HalfLogTwoPi;
        return constant - scale.Log() - ((h + 0.5) * LogOnePlusSquare(x - location, scale * freedom.Sqrt()));
    }

    /// <summary>Cauchy law (Stan: cauchy).</summary>
    /// <param name="x">The value.</param>
    /// <param name="location">The location.</param>
    /// <param name="scale">The scale, positive.</param>
    public static Expr Cauchy(Expr x, Expr location, Expr scale) => -LogOnePlusSquare(x - location, scale) - scale.Log() - Math.Log(Math.PI);

    /// <summary>Law of the absolute value of a normal number of mean 0; zero density below 0.</summary>
    /// <param name="x">The value.</param>
    /// <param name="scale">The deviation of the normal number, positive.</param>
    public static Expr HalfNormal(Expr x, Expr scale) => Half(x, Normal(x, 0, scale));

    /// <summary>Law of the absolute value of a Cauchy number of location 0; zero density below 0.</summary>
    /// <param name="x">The value.</param>
    /// <param name="scale">The scale, positive.</param>
    public static Expr HalfCauchy(Expr x, Expr scale) => Half(x, Cauchy(x, 0, scale));

    /// <summary>Law of the absolute value of a Student's t number of location 0; zero density below 0.</summary>
    /// <param name="x">The value.</param>
    /// <param name="freedom">The degrees of freedom, positive.</param>
    /// <param name="scale">The scale, positive.</param>
    public static Expr HalfStudentT(Expr x, Expr freedom, Expr scale) => Half(x, StudentT(x, freedom, 0, scale));

    /// <summary>Laplace law (Stan: double_exponential).</summary>
    /// <param name="x">The value.</param>
    /// <param name="location">The location.</param>
    /// <param name="scale">The scale, positive.</param>
    public static Expr Laplace(Expr x, Expr location, Expr scale) => -((x - location) / scale).Abs() - scale.Log() - Math.Log(2);

    /// <summary>Logistic law (Stan: logistic).</summary>
    /// <param name="x">The value.</param>
    /// <param name="location">The location.</param>
    /// <param name="scale">The scale, positive.</param>
    public static Expr Logistic(Expr x, Expr location, Expr scale)
    {
        var z = (x - location) / scale;
        return -z.Softplus() - (-z).Softplus() - scale.Log();
    }

    /// <summary>Gumbel law, of the largest of many (Stan: gumbel).</summary>
    /// <param name="x">The value.</param>
    /// <param name="location">The location.</param>
    /// <param name="scale">The scale, positive.</param>
    public static Expr Gumbel(Expr x, Expr location, Expr scale)
    {
        var z = (x - location) / scale;
        return -z - (-z).Exp() - scale.Log();
    }

    /// <summary>Weibull law (Stan: weibull).</summary>
    /// <param name="x">The value, positive.</param>
    /// <param name="shape">The shape, positive.</param>
    /// <param name="scale">The scale, positive.</param>
    public static Expr Weibull(Expr x, Expr shape, Expr scale)
    {
        var log = (x / scale).Log();
        return shape.Log() - scale.Log() + ((shape - 1) * log) - (shape * log).Exp();
    }

    /// <summary>Pareto law (Stan: pareto); zero density below the least value.</summary>
    /// <param name="x">The value.</param>
    /// <param name="least">The least value, positive.</param>
    /// <param name="shape">The exponent of the tail, positive.</param>
    public static Expr Pareto(Expr x, Expr least, Expr shape)
    {
        var inside = x.GreaterOrEqual(least);
        var value = Expr.Select(inside, x, least);
        return Within(inside, shape.Log() - value.Log() - (shape * (value / least).Log()));
    }

    /// <summary>Uniform law (Stan: uniform); zero density outside.</summary>
    /// <param name="x">The value.</param>
    /// <param name="lower">The lower end.</param>
    /// <param name="upper">The upper end.</param>
    public static Expr Uniform(Expr x, Expr lower, Expr upper) =>
        Within(x.GreaterOrEqual(lower) * x.LessOrEqual(upper), -(upper - lower).Log());

    /// <summary>Law of an angle around a mean (Stan: von_mises), normalised over one turn.</summary>
    /// <param name="x">The angle in radians.</param>
    /// <param name="mean">The mean angle in radians.</param>
    /// <param name="concentration">The concentration, positive.</param>
    public static Expr VonMises(Expr x, Expr mean, Expr concentration) =>
        // cos z - 1 = -2 sin^2(z / 2): large concentrations would cancel.
        (-2 * concentration * (0.5 * (x - mean)).Sin().Square()) - LogScaledBessel(concentration) - (2 * HalfLogTwoPi);

    private static Expr Half(Expr x, Expr whole) => Within(x.GreaterOrEqual(0), whole + Math.Log(2));

    private static Expr Within(Expr condition, Expr value) => Expr.Select(condition, value, double.NegativeInfinity);
}
