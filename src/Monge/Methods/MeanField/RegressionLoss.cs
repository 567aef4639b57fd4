using Monge.Engine.Execution;
using Monge.Engine.Pairwise;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>
/// L = (1 / 2n) sum_a (f(x_a) - y_a)^2 of a table of n points, with f(x) = sum_i s_i phi(x.z_i): U(z) = (1/n) sum_a (f(x_a) - y_a) phi(x_a.z). The sums go over
/// pairs in tiles, so that memory is that of the points and of the neurons.
/// </summary>
public sealed class RegressionLoss : INeuronLoss
{
    private readonly double[] _inputs;
    private readonly double[] _targets;
    private readonly double[] _residuals;
    private readonly double[] _weights;
    private readonly PairwiseSums<double> _outputs;
    private readonly PairwiseSums<double> _potentials;

    /// <summary>Makes the loss.</summary>
    /// <param name="inputs">x [n, d], row-major; a coordinate that is always 1 gives the neurons a bias.</param>
    /// <param name="targets">y [n].</param>
    /// <param name="unit">phi as a function of x and z, such as <see cref="Kernel.Relu"/>.</param>
    /// <param name="execution">Threads; null for one on each processor.</param>
    /// <exception cref="ArgumentException">There is no point, the inputs don't fit the targets, or a number isn't finite.</exception>
    public RegressionLoss(double[] inputs, double[] targets, Kernel unit, ExecutionOptions? execution = null)
    {
        CheckTable(inputs, targets);
        ArgumentNullException.ThrowIfNull(unit);
        (_inputs, _targets, Unit, Dimension) = ([.. inputs], [.. targets], unit, inputs.Length / targets.Length);
        (_residuals, _weights) = (new double[targets.Length], new double[targets.Length]);
        (_outputs, _potentials) = (new PairwiseSums<double>(execution), new PairwiseSums<double>(execution));
    }

    /// <summary>Refuses what is no table of n points [n, d] with n targets.</summary>
    internal static void CheckTable(double[] inputs, double[] targets)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(targets);
        if (targets.Length == 0 || inputs.Length == 0 || inputs.Length % targets.Length != 0)
        {
            throw new ArgumentException($"{inputs.Length} numbers are no inputs of {targets.Length} points.", nameof(inputs));
        }

        if (!Array.TrueForAll(inputs, double.IsFinite) || !Array.TrueForAll(targets, double.IsFinite))
        {
            throw new ArgumentException("A point of the table isn't finite.", nameof(inputs));
        }
    }

    /// <inheritdoc/>
    public int Dimension { get; }

    /// <summary>Number of points n.</summary>
    public int Count => _targets.Length;

    /// <summary>phi.</summary>
    public Kernel Unit { get; }

    /// <summary>f(x_a) - y_a [n] at the last evaluation.</summary>
    public ReadOnlySpan<double> Residuals => _residuals;

    /// <summary>Takes fresh points, as many, in place of the table.</summary>
    /// <param name="source">Draws them.</param>
    /// <param name="random">The random numbers.</param>
    public void Renew(PointSource source, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(source);
        source(random, _inputs, _targets);
    }

    /// <inheritdoc/>
    public double Evaluate(ReadOnlySpan<double> features, ReadOnlySpan<double> masses, Span<double> potential, Span<double> slopes)
    {
        Unit.Sums(_outputs, _inputs, features, Dimension, masses, _residuals);
        var sum = 0.0;
        for (var a = 0; a < Count; a++)
        {
            _residuals[a] -= _targets[a];
            _weights[a] = _residuals[a] / Count;
            sum += _residuals[a] * _residuals[a];
        }

        Unit.Sums(_potentials, features, _inputs, Dimension, _weights, potential, slopes);
        return sum / (2 * Count);
    }

    /// <summary>f at points.</summary>
    /// <param name="points">Points [k, d], row-major.</param>
    /// <param name="features">z [m, d].</param>
    /// <param name="masses">s [m].</param>
    /// <returns>k values.</returns>
    public double[] Predict(ReadOnlySpan<double> points, ReadOnlySpan<double> features, ReadOnlySpan<double> masses)
    {
        var values = new double[points.Length / Dimension];
        Unit.Sums(_outputs, points, features, Dimension, masses, values);
        return values;
    }
}
