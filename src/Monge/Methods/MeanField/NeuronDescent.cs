using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>Draws fresh points of the law of the data.</summary>
/// <param name="random">The random numbers.</param>
/// <param name="inputs">Receives inputs [n, d], row-major.</param>
/// <param name="targets">Receives targets [n].</param>
public delegate void PointSource(RandomStream random, Span<double> inputs, Span<double> targets);

/// <summary>
/// Stochastic gradient descent of a shallow network in mean-field time, each step on fresh points: with P points and a step dt the neurons follow their
/// gradient flow with a noise whose variance and whose share of the loss go like dt/P. With P in proportion to the number of neurons m that share is O(1/m), as
/// the network's own error is; a quench at the end, with P growing like m^2, falls below (G. Rotskoff and E. Vanden-Eijnden, arXiv:1805.00915, section 3.3).
/// </summary>
/// <param name="unit">phi as a function of x and z.</param>
/// <param name="dimension">Coordinates of inputs and neurons.</param>
/// <param name="source">Draws points.</param>
/// <param name="execution">Threads; null for one on each processor.</param>
public sealed class NeuronDescent(Kernel unit, int dimension, PointSource source, ExecutionOptions? execution = null)
{
    /// <summary>Runs a descent.</summary>
    /// <param name="start">The network at the start.</param>
    /// <param name="steps">Steps, at least 1.</param>
    /// <param name="step">dt in mean-field time, above 0.</param>
    /// <param name="batch">P, at least 1.</param>
    /// <param name="random">The random numbers of the points.</param>
    /// <param name="record">Called after each step with its number, from 1 on, and the loss on the points that it was made with; null for none.</param>
    /// <param name="cancellation">Stops the run between steps.</param>
    /// <returns>The network at the end.</returns>
    /// <exception cref="ArgumentException">The network's neurons have other coordinates.</exception>
    /// <exception cref="ArithmeticException">The loss is no longer finite: the step is too long.</exception>
    public NeuronEnsemble Run(
        NeuronEnsemble start, int steps, double step, int batch, RandomStream random, Action<int, double>? record = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        if (start.Dimension != dimension)
        {
            throw new ArgumentException($"The network's neurons have {start.Dimension} coordinates, the points {dimension}.", nameof(start));
        }

        var (m, d) = (start.Count, dimension);
        var (outputs, features) = (start.Outputs.ToArray(), start.Features.ToArray());
        var (masses, potential, slopes) = (new double[m], new double[m], new double[m * d]);
        var loss = new RegressionLoss(new double[batch * d], new double[batch], unit, execution);
        for (var k = 1; k <= steps; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            loss.Renew(source, random);
            for (var i = 0; i < m; i++)
            {
                masses[i] = outputs[i] / m;
            }

            var value = loss.Evaluate(features, masses, potential, slopes);
            if (!double.IsFinite(value))
            {
                throw new ArithmeticException(FormattableString.Invariant(
                    $"The loss is no longer finite after {k - 1} steps of {step}; take shorter steps or larger batches than {batch}."));
            }

            for (var i = 0; i < m; i++)
            {
                HostVectors.AddScaled(-step * outputs[i], slopes.AsSpan(i * d, d), features.AsSpan(i * d, d));
                outputs[i] -= step * potential[i];
            }

            record?.Invoke(k, value);
        }

        return new NeuronEnsemble(outputs, features, d);
    }
}
