namespace Monge.Measures;

/// <summary>
/// Averages over the unit sphere in d coordinates against exp(s u.v): the average of exp(s u.v) Y(u) is lambda_k(s) Y(v) for every spherical harmonic Y of degree
/// k, with lambda_k(s) = Gamma(d/2) (2/s)^(d/2-1) I_(d/2-1+k)(s) (the theorem of Funk and Hecke).
/// </summary>
public static class FunkHecke
{
    /// <summary>exp(-s) lambda_k(s), which neither overflows nor cancels: its series has positive terms only.</summary>
    /// <param name="degree">k, at least 0.</param>
    /// <param name="dimension">d, at least 2.</param>
    /// <param name="s">s, at least 0 and finite.</param>
    public static double ScaledCoefficient(int degree, int dimension, double s)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(degree);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 2);
        if (!(s >= 0 && double.IsFinite(s)))
        {
            throw new ArgumentOutOfRangeException(nameof(s), s, "The exponent must be finite and at least 0.");
        }

        if (s == 0)
        {
            return degree == 0 ? 1 : 0;
        }

        var log = -s;
        for (var k = 0; k < degree; k++)
        {
            log += Math.Log(s / 2 / ((0.5 * dimension) + k));
        }

        // Terms grow up to about j = s / 2.
        var sum = 0.0;
        for (var j = 0; ; j++)
        {
            var term = Math.Exp(log);
            sum += term;
            if (j > s / 2 && term <= 1e-18 * sum)
            {
                return sum;
            }

            log += Math.Log(s * s / 4 / ((j + 1) * ((0.5 * dimension) + degree + j)));
        }
    }
}
