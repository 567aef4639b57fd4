namespace Monge.Measures;

/// <summary>Separate modes of a density and how many starts led to them.</summary>
/// <param name="Modes">The modes by the mass about them, the largest first.</param>
/// <param name="Starts">The starts that were tried.</param>
public sealed record FoundModes(IReadOnlyList<FoundMode> Modes, int Starts)
{
    // What lies within so many deviations of a mode, per square root of a coordinate, is its own; a mode counts from a share of the mass on, and is lost with
    // less than a share of that.
    private const double Reach = 4;
    private const double LeastShare = 0.05;
    private const double LostShare = 0.1;

    /// <summary>A mode that should have a good part of weighted positions, by the mass about it, and has hardly any about it; null if there is none.</summary>
    /// <param name="positions">Positions [n, d].</param>
    /// <param name="weights">Their normalised weights [n].</param>
    /// <param name="logZ">The log-normaliser that they tell.</param>
    internal (double Share, double Found)? Lost(double[] positions, IReadOnlyList<double> weights, double logZ)
    {
        var (d, found) = (positions.Length / weights.Count, new double[Modes.Count]);
        for (var i = 0; i < weights.Count; i++)
        {
            if (weights[i] > 0 && Nearest(positions.AsSpan(i * d, d)) is { } mode)
            {
                found[mode] += weights[i];
            }
        }

        for (var k = 0; k < Modes.Count; k++)
        {
            var share = 1 / (1 + Math.Exp(logZ - Modes[k].LogZ));
            if (share > LeastShare && found[k] < LostShare * share)
            {
                return (share, found[k]);
            }
        }

        return null;
    }

    // The mode to which a position most probably belongs, if it is within reach.
    private int? Nearest(ReadOnlySpan<double> position)
    {
        var (noise, best, most) = (new double[position.Length], (int?)null, double.NegativeInfinity);
        for (var k = 0; k < Modes.Count; k++)
        {
            Modes[k].Gaussian.ToNoise(position, noise);
            var square = noise.Sum(z => z * z);
            var likely = Modes[k].LogZ - Modes[k].Gaussian.LogDeterminant - (0.5 * square);
            (best, most) = square < Reach * Reach * position.Length && likely > most ? (k, likely) : (best, most);
        }

        return best;
    }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Modes.Count} mode{(Modes.Count == 1 ? "" : "s")} from {Starts:N0} starts");
}

/// <summary>A mode of a density.</summary>
/// <param name="Position">Where the density is largest, unconstrained [d].</param>
/// <param name="Gaussian">
/// The Gaussian of the mass about it: Laplace's at the mode, or one of matched moments where that one doesn't fit (ridges, funnels).
/// </param>
/// <param name="LogZ">An estimate of the logarithm of that mass.</param>
public sealed record FoundMode(double[] Position, GaussianBase Gaussian, double LogZ);
