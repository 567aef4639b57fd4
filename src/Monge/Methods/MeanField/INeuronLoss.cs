namespace Monge.Methods;

/// <summary>
/// A convex loss L of the signed measure sum_i s_i delta(z_i) that a shallow network f = sum_i s_i phi(., z_i) is. Its first variation U(z), the change of L
/// by a small mass at z, is all that the dynamics of neurons ask for: a neuron (c, z) has the potential V = c U(z).
/// </summary>
public interface INeuronLoss
{
    /// <summary>Coordinates of a neuron z.</summary>
    int Dimension { get; }

    /// <summary>L, U and grad U at the neurons.</summary>
    /// <param name="features">z [m, d], row-major.</param>
    /// <param name="masses">s [m].</param>
    /// <param name="potential">Receives U(z_i) [m].</param>
    /// <param name="slopes">Receives grad U(z_i) [m, d]; empty if it isn't needed.</param>
    /// <returns>L.</returns>
    double Evaluate(ReadOnlySpan<double> features, ReadOnlySpan<double> masses, Span<double> potential, Span<double> slopes);
}
