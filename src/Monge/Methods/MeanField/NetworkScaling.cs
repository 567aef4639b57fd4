using Monge.Diagnostics;

namespace Monge.Methods;

/// <summary>Networks of a width, trained alike from independent starts.</summary>
/// <param name="Neurons">The width m.</param>
/// <param name="Error">Root mean square error at the rows that are learned from, mean over the networks, in the target's units.</param>
/// <param name="Variances">
/// n/(n - 1) times the mean over rows of (f_k - f)^2, for each of the n networks f_k beside their mean f, in the target's units squared: their mean is the
/// unbiased estimate of the variance between networks.
/// </param>
/// <param name="Movements">|H_t - H_0| / |H_0| of the pre-activations of each network.</param>
public sealed record NetworkWidth(int Neurons, double Error, IReadOnlyList<double> Variances, IReadOnlyList<double> Movements);

/// <summary>
/// How networks depend on their width m: by the central limit theorem of the neurons' law, the variance between networks falls as 1/m in the mean-field scale;
/// features move by amounts that don't depend on m there, and by m^(-1/2) in the scale of the tangent kernel. Sources: arXiv:2008.09623; arXiv:2204.10782.
/// </summary>
/// <param name="Widths">Networks of three widths or more, the narrowest first.</param>
/// <param name="Variance">The power of m in the variance between networks, with the bootstrap's interval over networks.</param>
/// <param name="Movement">The power of m in the movement of features.</param>
public sealed record NetworkScaling(IReadOnlyList<NetworkWidth> Widths, PowerLawFit Variance, PowerLawFit Movement)
{
    /// <summary>Fits the powers.</summary>
    /// <param name="widths">Networks of two widths or more.</param>
    /// <exception cref="ArgumentException">There are fewer than two widths, or networks that don't differ or whose features don't move.</exception>
    public static NetworkScaling Of(IReadOnlyList<NetworkWidth> widths)
    {
        ArgumentNullException.ThrowIfNull(widths);
        double[] neurons = [.. widths.Select(w => (double)w.Neurons)];
        return new NetworkScaling(
            widths, PowerLaw.Fit(neurons, [.. widths.Select(w => w.Variances)], isGeometric: false),
            PowerLaw.Fit(neurons, [.. widths.Select(w => w.Movements)], isGeometric: false));
    }
}
