namespace Monge.Engine.Programs;
/// <summary>temporary</summary>
public static class SpecialFunctions
{
    /// <summary>t</summary>
    public static double Expm1(double x) => Math.Abs(x) < 1e-5 ? x + x * x / 2 : Math.Exp(x) - 1;
    /// <summary>t</summary>
    public static double Log1p(double x) => Math.Abs(x) < 1e-5 ? x - x * x / 2 : Math.Log(1 + x);
    /// <summary>t</summary>
    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
    /// <summary>t</summary>
    public static double Softplus(double x) => Math.Max(x, 0) + Log1p(Math.Exp(-Math.Abs(x)));
    /// <summary>t</summary>
    public static double Erf(double x) => MathNet.Numerics.SpecialFunctions.Erf(x);
    /// <summary>t</summary>
    public static double LogGamma(double x) => MathNet.Numerics.SpecialFunctions.GammaLn(x);
    /// <summary>t</summary>
    public static double Digamma(double x) => MathNet.Numerics.SpecialFunctions.DiGamma(x);
    /// <summary>t</summary>
    public static double Trigamma(double x) { double s = 0; while (x < 20) { s += 1 / (x * x); x++; } return s + 1 / x + 1 / (2 * x * x) + 1 / (6 * x * x * x); }
}
