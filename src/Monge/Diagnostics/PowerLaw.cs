using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;

namespace Monge.Diagnostics;

/// <summary>A fitted power law y = C x^p: p with its interval.</summary>
/// <param name="Exponent">p, the slope of log y in log x by least squares.</param>
/// <param name="LogConstant">log C.</param>
/// <param name="Lower">Lower end of the 95 % interval of p; NaN where there are no repeats.</param>
/// <param name="Upper">Upper end of the 95 % interval of p; NaN where there are no repeats.</param>
public sealed record PowerLawFit(double Exponent, double LogConstant, double Lower, double Upper);

/// <summary>Fits of power laws y = C x^p, as scaling laws in width or in the number of data are read off.</summary>
public static class PowerLaw
{
    private const int Draws = 1000;

    private static readonly StreamName s_stream = StreamName.Of("power law: bootstrap");

    /// <summary>Fits one value at each x.</summary>
    /// <param name="x">Values above 0, two different ones at least.</param>
    /// <param name="y">Values above 0, as many.</param>
    /// <exception cref="ArgumentException">Fewer than two different x, or a number that isn't finite and above 0.</exception>
    public static PowerLawFit Fit(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        if (x.Count != y.Count || x.Distinct().Count() < 2 || x.Concat(y).Any(v => !(v > 0 && double.IsFinite(v))))
        {
            throw new ArgumentException("An exponent is fitted to finite numbers above 0 at two or more different x; give more of them.", nameof(x));
        }

        var line = HostFunctions.FitPolynomial([.. x.Select(a => Math.Log(a))], [.. y.Select(b => Math.Log(b))], 1);
        return new PowerLawFit(line[1], line[0], double.NaN, double.NaN);
    }

    /// <summary>
    /// Fits the geometric means, or the means, of repeats at each x. The interval is that of the bootstrap, which draws repeats anew at each x, 1,000 times
    /// with a fixed seed.
    /// </summary>
    /// <param name="x">Values above 0, two different ones at least.</param>
    /// <param name="repeats">Repeats at each x, all above 0; two at least for an interval.</param>
    /// <param name="isGeometric">Whether logarithms are averaged, as suits heavy tails.</param>
    /// <exception cref="ArgumentException">Fewer than two different x, or a number that isn't finite and above 0.</exception>
    public static PowerLawFit Fit(IReadOnlyList<double> x, IReadOnlyList<IReadOnlyList<double>> repeats, bool isGeometric = true)
    {
        ArgumentNullException.ThrowIfNull(repeats);
        var fit = Fit(x, [.. repeats.Select(values => Middle(values))]);
        if (repeats.Any(values => values.Count < 2))
        {
            return fit;
        }

        var random = new RandomStream(1, s_stream);
        double[] slopes =
        [
            .. Enumerable.Range(0, Draws)
                .Select(_ => Fit(x, [.. repeats.Select(values => Middle([.. values.Select(_ => values[random.NextInt(values.Count)])]))]).Exponent).Order(),
        ];
        return fit with { Lower = slopes[Draws / 40], Upper = slopes[Draws - 1 - (Draws / 40)] };

        double Middle(IReadOnlyList<double> values) => isGeometric ? Math.Exp(values.Average(value => Math.Log(value))) : values.Average();
    }
}
