namespace Monge.References;

/// <summary>
/// The flow between two cells that is exact where drift and flow are constant between their centres: J = (D / w) (B(-z) p_left - B(z) p_right), z = u w / D,
/// with B(z) = z / (e^z - 1) (Scharfetter and Gummel 1969; Chang and Cooper 1970). Of order 2 where a cell is short beside D / u, upwind where it is long.
/// </summary>
internal static class ScharfetterGummel
{
    // Below it the series of B to z^8 has an error of 1e-18, above it 1 - e^-z has lost at most one digit.
    private const double Small = 0.1;

    /// <summary>B(z) = z / (e^z - 1), above 0 for every z.</summary>
    public static double Bernoulli(double z) => z > 0 ? OfNegative(z) * Math.Exp(-z) : OfNegative(-z);

    /// <summary>
    /// The rates a and c, per time and at least 0, of J / w = a p_left - c p_right. Where D is above 0 their ratio is exp(z) to rounding, so that what
    /// balances in exact numbers balances here.
    /// </summary>
    /// <param name="velocity">u, the drift at the face.</param>
    /// <param name="diffusion">D at the face, at least 0.</param>
    /// <param name="width">w, the width of a cell.</param>
    public static (double Forward, double Backward) Rates(double velocity, double diffusion, double width)
    {
        var downwind = Math.Abs(velocity) / width;
        var upwind = 0.0;
        var peclet = Math.Abs(velocity) * width / diffusion;
        if (double.IsFinite(peclet))
        {
            downwind = diffusion / (width * width) * OfNegative(peclet);
            upwind = downwind * Math.Exp(-peclet);
        }

        return velocity >= 0 ? (downwind, upwind) : (upwind, downwind);
    }

    // B(-z) for z >= 0.
    private static double OfNegative(double z)
    {
        if (z >= Small)
        {
            return z / (1 - Math.Exp(-z));
        }

        var square = z * z;
        return 1 + (0.5 * z) + (square * ((1.0 / 12) - (square * ((1.0 / 720) - (square * ((1.0 / 30240) - (square / 1209600)))))));
    }
}
