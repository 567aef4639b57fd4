using MathNet.Numerics;

namespace Monge.Engine.LinearAlgebra;

/// <summary>Special functions and fits of numbers on the host, by MathNet.Numerics, which is named in this room only.</summary>
public static class HostFunctions
{
    /// <summary>The complementary error function, 2 / sqrt(pi) times the integral of exp(-u^2) from x on.</summary>
    /// <param name="x">Any number.</param>
    public static double Erfc(double x) => SpecialFunctions.Erfc(x);

    /// <summary>The inverse of the error function.</summary>
    /// <param name="value">Between -1 and 1.</param>
    /// <returns>x with erf(x) = <paramref name="value"/>; infinite at the ends.</returns>
    public static double InverseErf(double value) => SpecialFunctions.ErfInv(value);

    /// <summary>The quantile of the standard normal law.</summary>
    /// <param name="probability">Between 0 and 1.</param>
    /// <returns>z with P(Z below z) = <paramref name="probability"/>; infinite at the ends.</returns>
    public static double NormalQuantile(double probability) => MathNet.Numerics.Distributions.Normal.InvCDF(0, 1, probability);

    /// <summary>The quantile of Student's law.</summary>
    /// <param name="probability">Between 0 and 1.</param>
    /// <param name="degrees">Degrees of freedom, above 0.</param>
    /// <returns>t with P(T below t) = <paramref name="probability"/>; infinite at the ends.</returns>
    public static double StudentQuantile(double probability, double degrees) =>
        MathNet.Numerics.Distributions.StudentT.InvCDF(0, 1, degrees, probability);

    /// <summary>log n!, the logarithm of the factorial by way of the gamma function.</summary>
    /// <param name="n">At least 0.</param>
    public static double LogFactorial(int n) => SpecialFunctions.GammaLn(n + 1);

    /// <summary>The polynomial of a degree that is nearest to given values in least squares.</summary>
    /// <param name="points">Where the values are taken, more of them than the degree.</param>
    /// <param name="values">The values.</param>
    /// <param name="degree">The degree.</param>
    /// <returns>Coefficients of 1, x, x^2, ...</returns>
    public static double[] FitPolynomial(double[] points, double[] values, int degree) => Fit.Polynomial(points, values, degree);
}
