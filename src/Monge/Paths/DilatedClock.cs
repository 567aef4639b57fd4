using Monge.Engine.Programs;

namespace Monge.Paths;

/// <summary>
/// Clocks tau(t) that spend half of the time where one scale of high-dimensional data is decided, for use with <see cref="InterpolantSchedule.OnClock"/>
/// (S. Aranguri, G. Biroli, M. Mezard, E. Vanden-Eijnden, arXiv:2501.00988): two straight pieces that meet at t = 1/2.
/// </summary>
public static class DilatedClock
{
    /// <summary>For noise of variance 1: tau = 2 kappa t / sqrt(d) up to t = 1/2, the time scale on which a mode is chosen, and on to 1.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="kappa">kappa, above 0 and below sqrt(d): large enough that the mode is decided in the first half.</param>
    public static Func<Expr, Expr> Preserving(int dimension, double kappa)
    {
        var share = Share(dimension, kappa);
        return t => Expr.Select(t.Less(0.5), 2 * share * t, share + ((1 - share) * ((2 * t) - 1)));
    }

    /// <summary>
    /// For noise of deviation sqrt(d) (1 - tau): tau = 1 - (kappa / sqrt(d)) (2 - 2t) from t = 1/2, the time scale on which the structure within a mode forms.
    /// </summary>
    /// <param name="dimension">d.</param>
    /// <param name="kappa">kappa, above 0 and below sqrt(d).</param>
    public static Func<Expr, Expr> Exploding(int dimension, double kappa)
    {
        var share = Share(dimension, kappa);
        return t => Expr.Select(t.Less(0.5), 2 * (1 - share) * t, 1 - (share * (2 - (2 * t))));
    }

    /// <summary>For noise of variance d (1 - tau^2): tau = 2t sqrt(1 - kappa^2 / d) up to t = 1/2, then sqrt(1 - kappa^2 (2 - 2t)^2 / d).</summary>
    /// <param name="dimension">d.</param>
    /// <param name="kappa">kappa, above 0 and below sqrt(d).</param>
    public static Func<Expr, Expr> ExplodingTrigonometric(int dimension, double kappa)
    {
        var share = Share(dimension, kappa);
        return t => Expr.Select(t.Less(0.5), 2 * Math.Sqrt(1 - (share * share)) * t, (1 - (share * (2 - (2 * t))).Square()).Sqrt());
    }

    private static double Share(int dimension, double kappa)
    {
        var share = kappa / Math.Sqrt(dimension);
        return kappa > 0 && share < 1
            ? share
            : throw new ArgumentOutOfRangeException(nameof(kappa), kappa, $"kappa must lie between 0 and sqrt(d) = {Math.Sqrt(dimension):g4}.");
    }
}
