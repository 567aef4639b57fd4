using Monge.Engine.Programs;

namespace Monge.Engine.Tests.Lanes;

/// <summary>The float64 references against closed forms, recurrences and derivatives.</summary>
public sealed class SpecialFunctionsTests
{
    private const double EulerGamma = 0.57721566490153286;
    private const double Catalan = 0.91596559417721902;

    [Fact]
    public void ErfHasItsTabulatedValues()
    {
        Close(0.11246291601828489, SpecialFunctions.Erf(0.1));
        Close(0.52049987781304654, SpecialFunctions.Erf(0.5));
        Close(0.84270079294971487, SpecialFunctions.Erf(1.0));
        Close(0.99532226501895273, SpecialFunctions.Erf(2.0));
        Close(-0.99997790950300141, SpecialFunctions.Erf(-3.0));
        Assert.Equal(1.0, SpecialFunctions.Erf(double.PositiveInfinity));
    }

    [Fact]
    public void LogGammaHasItsClosedForms()
    {
        Close(0.5 * Math.Log(Math.PI), SpecialFunctions.LogGamma(0.5));
        Close(Math.Log(362880.0), SpecialFunctions.LogGamma(10.0));
        Close(Math.Log(2.0 * Math.Sqrt(Math.PI)), SpecialFunctions.LogGamma(-0.5));
        Assert.Equal(0.0, SpecialFunctions.LogGamma(1.0));
        Assert.Equal(0.0, SpecialFunctions.LogGamma(2.0));
        Assert.Equal(double.PositiveInfinity, SpecialFunctions.LogGamma(-3.0));
        // Next to its zeros the function is -gamma (x - 1) and (1 - gamma) (x - 2).
        Close(-EulerGamma, SpecialFunctions.LogGamma(1.0 + Math.ScaleB(1.0, -50)) / Math.ScaleB(1.0, -50));
        Close(1.0 - EulerGamma, SpecialFunctions.LogGamma(2.0 + Math.ScaleB(1.0, -50)) / Math.ScaleB(1.0, -50));
    }

    [Fact]
    public void DigammaAndTrigammaHaveTheirClosedForms()
    {
        Close(-EulerGamma, SpecialFunctions.Digamma(1.0));
        Close(-EulerGamma - 2.0 * Math.Log(2.0), SpecialFunctions.Digamma(0.5));
        Close(-EulerGamma - Math.PI / 2 - 3.0 * Math.Log(2.0), SpecialFunctions.Digamma(0.25));
        Close(Math.PI * Math.PI / 6, SpecialFunctions.Trigamma(1.0));
        Close(Math.PI * Math.PI / 2, SpecialFunctions.Trigamma(0.5));
        Close(Math.PI * Math.PI + 8.0 * Catalan, SpecialFunctions.Trigamma(0.25));
        Assert.True(double.IsNaN(SpecialFunctions.Digamma(-2.0)));
        Assert.Equal(double.PositiveInfinity, SpecialFunctions.Trigamma(-2.0));
    }

    [Fact]
    public void GammaFamilySatisfiesItsRecurrences()
    {
        for (double x = -7.37; x < 40.0; x += 0.173)
        {
            double log = SpecialFunctions.LogGamma(x), digamma = SpecialFunctions.Digamma(x), trigamma = SpecialFunctions.Trigamma(x);
            Assert.Equal(log + Math.Log(Math.Abs(x)), SpecialFunctions.LogGamma(x + 1.0), 2e-14 * (1.0 + Math.Abs(log)));
            Assert.Equal(digamma + 1.0 / x, SpecialFunctions.Digamma(x + 1.0), 2e-14 * (1.0 + Math.Abs(digamma)));
            Assert.Equal(trigamma - 1.0 / (x * x), SpecialFunctions.Trigamma(x + 1.0), 2e-14 * (1.0 + Math.Abs(trigamma)));
        }
    }

    [Fact]
    public void DerivativesAreEachOther()
    {
        for (double x = 0.6; x < 30.0; x += 0.37)
        {
            Assert.Equal(SpecialFunctions.Digamma(x), Slope(SpecialFunctions.LogGamma, x), 1e-8);
            Assert.Equal(SpecialFunctions.Trigamma(x), Slope(SpecialFunctions.Digamma, x), 1e-8);
            Assert.Equal(SpecialFunctions.Sigmoid(x), Slope(SpecialFunctions.Softplus, x), 1e-8);
        }
        for (double x = -4.0; x < 4.0; x += 0.13)
            Assert.Equal(2.0 / Math.Sqrt(Math.PI) * Math.Exp(-x * x), Slope(SpecialFunctions.Erf, x), 1e-8);
    }

    [Fact]
    public void Log1pAndExpm1AreInverse()
    {
        for (double x = 1e-18; x < 1e3; x *= 1.37)
        {
            double smaller = Math.Min(x, 0.99);
            Close(x, SpecialFunctions.Expm1(SpecialFunctions.Log1p(x)), 2e-15 * (1.0 + Math.Log(1.0 + x)));
            Close(-smaller, SpecialFunctions.Expm1(SpecialFunctions.Log1p(-smaller)), 2e-15);
        }
        Assert.Equal(double.NegativeInfinity, SpecialFunctions.Log1p(-1.0));
        Assert.True(double.IsNaN(SpecialFunctions.Log1p(-1.5)));
        Assert.Equal(-1.0, SpecialFunctions.Expm1(double.NegativeInfinity));
    }

    [Fact]
    public void SigmoidAndSoftplusKeepTheirIdentitiesAtTheEnds()
    {
        for (double x = -700.0; x <= 700.0; x += 3.7)
        {
            Close(1.0, SpecialFunctions.Sigmoid(x) + SpecialFunctions.Sigmoid(-x), 3e-16);
            Assert.Equal(x, SpecialFunctions.Softplus(x) - SpecialFunctions.Softplus(-x), 1e-13);
        }
        Assert.Equal(1000.0, SpecialFunctions.Softplus(1000.0));
        Assert.Equal(0.0, SpecialFunctions.Softplus(-1000.0));
        Assert.Equal(0.0, SpecialFunctions.Sigmoid(-1000.0));
        Close(Math.Exp(-40.0), SpecialFunctions.Softplus(-40.0));
    }

    private static double Slope(Func<double, double> function, double x)
    {
        const double Step = 1e-3;
        return (8.0 * (function(x + Step) - function(x - Step)) - (function(x + 2 * Step) - function(x - 2 * Step))) / (12.0 * Step);
    }

    private static void Close(double expected, double value, double tolerance = 2e-15) =>
        Assert.True(Math.Abs(value - expected) <= tolerance * Math.Abs(expected), $"{value:R} is not {expected:R}");
}
