namespace Monge.Measures;

/// <summary>
/// Integrals over the real line of smooth functions that vanish at both ends, by the trapezoidal rule, which converges exponentially for them.
/// </summary>
internal static class Quadrature
{
    /// <summary>The integral of f between two ends at which it has vanished.</summary>
    public static double Line(Func<double, double> f, double from, double to, int intervals = 4000)
    {
        var step = (to - from) / intervals;
        var sum = 0.0;
        for (var i = 0; i <= intervals; i++)
        {
            sum += (i == 0 || i == intervals ? 0.5 : 1) * f(from + (i * step));
        }

        return sum * step;
    }

    /// <summary>The integral of a smooth f that doesn't vanish at the ends, by Simpson's rule.</summary>
    public static double Segment(Func<double, double> f, double from, double to, int intervals = 4000)
    {
        var step = (to - from) / intervals;
        var sum = f(from) + f(to);
        for (var i = 1; i < intervals; i++)
        {
            sum += (i % 2 == 1 ? 4 : 2) * f(from + (i * step));
        }

        return sum * step / 3;
    }
}
