using Monge.Engine.Execution;
using Monge.Engine.Pairwise;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>The potential of a target: F(z) = E f(x) phi(x, z) over the law of the inputs, at many neurons at once.</summary>
/// <param name="features">z [m, d], row-major.</param>
/// <param name="values">Receives F(z_i) [m].</param>
/// <param name="slopes">Receives grad F(z_i) [m, d]; empty if it isn't needed.</param>
public delegate void TargetPotential(ReadOnlySpan<double> features, Span<double> values, Span<double> slopes);

/// <summary>
/// L = (1/2) E (f*(x) - f(x))^2 over the law of the inputs itself, by closed forms and without sampling: L = C - sum_i s_i F(z_i) + (1/2) sum_ij s_i s_j
/// K(z_i, z_j), F(z) = E f*(x) phi(x, z), K(z, z') = E phi(x, z) phi(x, z'), C = (1/2) E f*(x)^2; U(z) = sum_j s_j K(z, z_j) - F(z).
/// </summary>
public sealed class PopulationLoss : INeuronLoss
{
    private readonly Kernel _kernel;
    private readonly PairwiseSums<double> _sums;
    private readonly TargetPotential _target;
    private readonly double _constant;
    private double[] _values = [];
    private double[] _slopes = [];

    /// <summary>Makes the loss of any target with a closed form.</summary>
    /// <param name="kernel">K.</param>
    /// <param name="dimension">Coordinates of a neuron z.</param>
    /// <param name="target">F.</param>
    /// <param name="constant">C.</param>
    /// <param name="execution">Threads; null for one on each processor.</param>
    public PopulationLoss(Kernel kernel, int dimension, TargetPotential target, double constant, ExecutionOptions? execution = null)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        (_kernel, Dimension, _target, _constant) = (kernel, dimension, target, constant);
        _sums = new PairwiseSums<double>(execution);
    }

    /// <inheritdoc/>
    public int Dimension { get; }

    /// <summary>The loss against a teacher, f*(x) = sum_k t_k phi(x, w_k).</summary>
    /// <param name="kernel">K.</param>
    /// <param name="dimension">Coordinates of a neuron.</param>
    /// <param name="features">w [k, d], row-major.</param>
    /// <param name="masses">t [k].</param>
    /// <param name="execution">Threads; null for one on each processor.</param>
    /// <exception cref="ArgumentException">The teacher has no neurons, or its masses don't fit them.</exception>
    public static PopulationLoss OfTeacher(Kernel kernel, int dimension, double[] features, double[] masses, ExecutionOptions? execution = null)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(masses);
        if (masses.Length == 0 || features.Length != masses.Length * dimension)
        {
            throw new ArgumentException($"{features.Length} numbers are no {masses.Length} neurons in {dimension} coordinates.", nameof(features));
        }

        var sums = new PairwiseSums<double>(execution);
        var own = kernel.Sums(features, features, dimension, masses);
        return new PopulationLoss(
            kernel, dimension, (z, values, slopes) => kernel.Sums(sums, z, features, dimension, masses, values, slopes),
            0.5 * own.Zip(masses, (u, t) => u * t).Sum(), execution);
    }

    /// <inheritdoc/>
    public double Evaluate(ReadOnlySpan<double> features, ReadOnlySpan<double> masses, Span<double> potential, Span<double> slopes)
    {
        if (_values.Length != masses.Length)
        {
            (_values, _slopes) = (new double[masses.Length], new double[features.Length]);
        }

        _kernel.Sums(_sums, features, features, Dimension, masses, potential, slopes);
        var targetSlopes = slopes.IsEmpty ? default : _slopes.AsSpan();
        _target(features, _values, targetSlopes);
        var loss = _constant;
        for (var i = 0; i < potential.Length; i++)
        {
            loss += masses[i] * ((0.5 * potential[i]) - _values[i]);
            potential[i] -= _values[i];
        }

        for (var k = 0; k < targetSlopes.Length; k++)
        {
            slopes[k] -= targetSlopes[k];
        }

        return loss;
    }
}
