using Monge.Dynamics;
using Monge.Engine.LinearAlgebra;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>What moves in a <see cref="NeuronFlow"/>, and on which scale.</summary>
public sealed record NeuronFlowOptions
{
    /// <summary>Whether output weights are trained; else they are frozen.</summary>
    public bool TrainsOutputs { get; init; } = true;

    /// <summary>Whether neurons z are trained; else they are frozen.</summary>
    public bool TrainsFeatures { get; init; } = true;

    /// <summary>Whether neurons move on the sphere that they start on: their velocities are projected on its tangents.</summary>
    public bool IsSpherical { get; init; }

    /// <summary>g of the network's scale m^-g: 1 for the mean field, 1/2 for the tangent kernel.</summary>
    public double Exponent { get; init; } = 1;

    /// <summary>lambda of the penalty (lambda / 2) mean c^2, at least 0.</summary>
    public double Penalty { get; init; }
}

/// <summary>
/// Gradient flow of the neurons of a shallow network in mean-field time, in which a neuron's velocity doesn't depend on their number: dc_i/dt = -m^(g-1)
/// U(z_i) - lambda c_i, dz_i/dt = -m^(g-1) c_i grad U(z_i). For g = 1 the law of the neurons follows the Wasserstein gradient flow of L (G. Rotskoff and
/// E. Vanden-Eijnden, arXiv:1805.00915; S. Mei, A. Montanari, P. Nguyen, arXiv:1804.06561; L. Chizat and F. Bach, arXiv:1805.09545).
/// </summary>
public sealed class NeuronFlow
{
    private readonly INeuronLoss _loss;
    private readonly NeuronFlowOptions _options;

    /// <summary>Makes the flow.</summary>
    /// <param name="loss">L.</param>
    /// <param name="options">What moves; null for all in mean-field scale.</param>
    public NeuronFlow(INeuronLoss loss, NeuronFlowOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(loss);
        _options = options ?? new NeuronFlowOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(_options.Penalty, nameof(options));
        _loss = loss;
    }

    /// <summary>Follows the flow in equal steps of the classical method of Runge and Kutta of order 4, and gives the network at asked times.</summary>
    /// <param name="start">The network at time 0.</param>
    /// <param name="times">Times, ascending and at least 0; each is met by whole steps.</param>
    /// <param name="step">The longest step, above 0.</param>
    /// <param name="record">Called with each time, the network and its loss; the network is a copy.</param>
    /// <param name="cancellation">Stops the flow between steps.</param>
    /// <exception cref="ArgumentException">Neurons have other coordinates than the loss's, or times aren't ascending.</exception>
    /// <exception cref="ArithmeticException">A neuron is no longer finite: the step is too long.</exception>
    public void Run(
        NeuronEnsemble start, IReadOnlyList<double> times, double step, Action<double, NeuronEnsemble, double> record,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        Run(start, times, RungeKuttaTableau.RungeKutta4, record, cancellation, (ode, state, from, to) =>
            ode.Run(state, from, to, FlowTimes.Steps(from, to, step)));
    }

    /// <summary>Follows the flow by the method of Dormand and Prince with error control, and gives the network at asked times.</summary>
    /// <param name="start">The network at time 0.</param>
    /// <param name="times">Times, ascending and at least 0.</param>
    /// <param name="tolerance">Error of a step in root mean square over all weights, relative to a weight's size or 1, above 0.</param>
    /// <param name="record">Called with each time, the network and its loss; the network is a copy.</param>
    /// <param name="cancellation">Stops the flow between steps.</param>
    /// <exception cref="ArgumentException">Neurons have other coordinates than the loss's, or times aren't ascending.</exception>
    /// <exception cref="ArithmeticException">The flow is too stiff, or it explodes.</exception>
    public void RunAdaptive(
        NeuronEnsemble start, IReadOnlyList<double> times, double tolerance, Action<double, NeuronEnsemble, double> record,
        CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tolerance);
        Run(start, times, RungeKuttaTableau.DormandPrince54, record, cancellation, (ode, state, from, to) =>
            ode.RunAdaptive(state, from, to, tolerance, tolerance, maximumSteps: int.MaxValue));
    }

    /// <summary>L of a network.</summary>
    /// <param name="network">The network.</param>
    public double Loss(NeuronEnsemble network)
    {
        CheckStart(network);
        return _loss.Evaluate(network.Features, network.Masses(_options.Exponent), new double[network.Count], default);
    }

    private delegate void Integration(HostOde ode, double[] state, double from, double to);

    private void Run(
        NeuronEnsemble start, IReadOnlyList<double> times, RungeKuttaTableau tableau, Action<double, NeuronEnsemble, double> record,
        CancellationToken cancellation, Integration integrate)
    {
        FlowTimes.Check(times);
        ArgumentNullException.ThrowIfNull(record);
        CheckStart(start);
        var (m, d) = (start.Count, _loss.Dimension);
        double[] state = [.. start.Outputs, .. start.Features];
        var rate = new NeuronRate(_loss, _options, start);
        var ode = new HostOde(tableau, state.Length, (_, at, slope) =>
        {
            cancellation.ThrowIfCancellationRequested();
            rate.Evaluate(at, slope);
        });
        var before = 0.0;
        foreach (var time in times)
        {
            if (time > before)
            {
                integrate(ode, state, before, time);
                rate.OnSphere(state.AsSpan(m)).CopyTo(state.AsSpan(m));
            }

            before = time;
            record(time, new NeuronEnsemble(state[..m], state[m..], d), rate.Loss(state));
        }
    }

    private void CheckStart(NeuronEnsemble network)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (network.Dimension != _loss.Dimension || network.Features.Length != network.Count * network.Dimension)
        {
            throw new ArgumentException(
                $"The network has {network.Count} output weights and {network.Features.Length} numbers of neurons, "
                + $"whose coordinates number {_loss.Dimension} here.",
                nameof(network));
        }
    }
}

/// <summary>The velocity of a state (c [m], z [m, d]) under <see cref="NeuronFlow"/>.</summary>
internal sealed class NeuronRate(INeuronLoss loss, NeuronFlowOptions options, NeuronEnsemble start)
{
    private readonly int _count = start.Count;
    private readonly double[] _masses = new double[start.Count];
    private readonly double[] _onSphere = new double[options.IsSpherical ? start.Features.Length : 0];
    private readonly double _scale = Math.Pow(start.Count, -options.Exponent);
    private readonly double _speed = Math.Pow(start.Count, options.Exponent - 1);

    public double Loss(ReadOnlySpan<double> state)
    {
        SetMasses(state);
        return loss.Evaluate(OnSphere(state[_count..]), _masses, new double[_count], default);
    }

    /// <summary>Writes the velocity and returns the loss.</summary>
    public double Evaluate(ReadOnlySpan<double> state, Span<double> slope)
    {
        var d = loss.Dimension;
        var features = OnSphere(state[_count..]);
        var potential = slope[.._count];
        var gradient = slope[_count..];
        SetMasses(state);
        var value = loss.Evaluate(features, _masses, potential, options.TrainsFeatures ? gradient : default);
        for (var i = 0; i < _count; i++)
        {
            potential[i] = options.TrainsOutputs ? (-_speed * potential[i]) - (options.Penalty * state[i]) : 0;
            var velocity = gradient.Slice(i * d, d);
            if (!options.TrainsFeatures)
            {
                velocity.Clear();
                continue;
            }

            foreach (ref var v in velocity)
            {
                v *= -_speed * state[i];
            }

            if (options.IsSpherical)
            {
                Sphere.Project(features.Slice(i * d, d), velocity);
            }
        }

        return value;
    }

    /// <summary>
    /// The neurons themselves, or on a sphere the points of it nearest to them, which are where the method's errors leave it: the loss may hold there only.
    /// </summary>
    public ReadOnlySpan<double> OnSphere(ReadOnlySpan<double> features)
    {
        var d = loss.Dimension;
        for (var at = 0; at < _onSphere.Length; at += d)
        {
            var z = features.Slice(at, d);
            var first = start.Features.AsSpan(at, d);
            var factor = Math.Sqrt(HostVectors.Dot(first, first) / HostVectors.Dot(z, z));
            for (var k = 0; k < d; k++)
            {
                _onSphere[at + k] = factor * z[k];
            }
        }

        return options.IsSpherical ? _onSphere : features;
    }

    private void SetMasses(ReadOnlySpan<double> state)
    {
        for (var i = 0; i < _count; i++)
        {
            _masses[i] = _scale * state[i];
        }
    }
}
