using System.Globalization;
using Monge.Dynamics;
using Monge.Engine.LinearAlgebra;
using Monge.Engine.Random;

namespace Monge.Methods;

/// <summary>How neurons die and are born in a <see cref="NeuronBirthDeath"/>.</summary>
public sealed record NeuronBirthDeathOptions
{
    /// <summary>alpha, the rate of death and birth per unit of potential and of mean-field time, at least 0; 0 leaves the gradient flow.</summary>
    public double Rate { get; init; } = 5;

    /// <summary>The step dt in mean-field time, above 0.</summary>
    public double Step { get; init; } = 0.01;

    /// <summary>
    /// Draws a neuron z [d] of the background measure, which takes the place of one that is missing with the output weight 0; null to fill up with copies of
    /// survivors.
    /// </summary>
    public Action<RandomStream, Span<double>>? Background { get; init; }

    /// <summary>Steps at the end without death and birth, in which the gradient flow settles.</summary>
    public int QuietSteps { get; init; }
}

/// <summary>
/// Neuron birth-death dynamics (G. Rotskoff, S. Jelassi, J. Bruna and E. Vanden-Eijnden, arXiv:1902.01843, algorithms 1 and 2): after each gradient step a
/// neuron whose potential V_i = c_i U(z_i) is above the mean dies, and one below it is doubled, with the probability 1 - exp(-alpha |V_i - mean V| dt); then
/// random survivors are doubled or random neurons removed until there are as many as before. With a background measure the missing ones are drawn from it
/// with c = 0 instead, which leaves the function as it is and tries every region. In the limit of many neurons their law follows
/// <code>
/// d mu/dt = div(mu grad V) - alpha (V - mean V) mu,     dE/dt = -int |grad V|^2 dmu - alpha int (V - mean V)^2 dmu,                                  (1)
/// </code>
/// which <see cref="FollowWeighted"/> solves with neurons that carry weights, without chance.
/// </summary>
public sealed class NeuronBirthDeath
{
    private readonly INeuronLoss _loss;
    private readonly NeuronBirthDeathOptions _options;

    /// <summary>Makes the dynamics.</summary>
    /// <param name="loss">The loss, in whose units potentials are.</param>
    /// <param name="options">Options; null for the defaults.</param>
    public NeuronBirthDeath(INeuronLoss loss, NeuronBirthDeathOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(loss);
        (_loss, _options) = (loss, options ?? new NeuronBirthDeathOptions());
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(_options.Step, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(_options.Rate, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(_options.QuietSteps, nameof(options));
    }

    /// <summary>Runs the dynamics.</summary>
    /// <param name="start">The network at time 0.</param>
    /// <param name="steps">Steps, at least 1.</param>
    /// <param name="random">The random numbers.</param>
    /// <param name="record">Called with the number of steps done and the loss there, from 0 on; null for none.</param>
    /// <param name="cancellation">Stops the run between steps.</param>
    /// <returns>The network at the end.</returns>
    /// <exception cref="ArgumentException">The network's neurons have other coordinates than the loss's.</exception>
    /// <exception cref="ArithmeticException">The loss is no longer finite, or the rate kills or doubles every neuron in a step.</exception>
    public NeuronEnsemble Run(
        NeuronEnsemble start, int steps, RandomStream random, Action<int, double>? record = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        var (m, d) = CheckedSizes(start);
        var (outputs, features) = (start.Outputs.ToArray(), start.Features.ToArray());
        var (masses, potential, slopes) = (new double[m], new double[m], new double[m * d]);
        var population = new Population(m, d);
        var loss = Evaluate();
        for (var step = 0; step < steps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            record?.Invoke(step, loss);
            for (var i = 0; i < m; i++)
            {
                HostVectors.AddScaled(-_options.Step * outputs[i], slopes.AsSpan(i * d, d), features.AsSpan(i * d, d));
                outputs[i] -= _options.Step * potential[i];
            }

            loss = Evaluate();
            if (!double.IsFinite(loss))
            {
                throw new ArithmeticException(FormattableString.Invariant(
                    $"The loss is no longer finite after {step + 1} steps of {_options.Step}; take shorter steps."));
            }

            if (_options.Rate > 0 && step < steps - _options.QuietSteps && population.Renew(outputs, features, potential, random, _options, step))
            {
                loss = Evaluate();
            }
        }

        record?.Invoke(steps, loss);
        return new NeuronEnsemble(outputs, features, d);

        double Evaluate()
        {
            for (var i = 0; i < m; i++)
            {
                masses[i] = outputs[i] / m;
            }

            return _loss.Evaluate(features, masses, potential, slopes);
        }
    }

    /// <summary>
    /// Follows (1) with neurons of weights a_i, whose sum is 1: da_i/dt = -alpha (V_i - mean V) a_i beside the gradient flow, by the classical method of Runge
    /// and Kutta of order 4.
    /// </summary>
    /// <param name="start">The network at time 0, of which each neuron has the weight 1/m.</param>
    /// <param name="times">Times, ascending and at least 0.</param>
    /// <param name="record">Called with each time, the network, its weights and what (1) makes of its loss.</param>
    /// <param name="cancellation">Stops the run between steps.</param>
    /// <exception cref="ArgumentException">The network's neurons have other coordinates than the loss's, or times aren't ascending.</exception>
    /// <exception cref="ArithmeticException">A neuron is no longer finite.</exception>
    public void FollowWeighted(
        NeuronEnsemble start, IReadOnlyList<double> times, Action<double, NeuronEnsemble, double[], WeightedLoss> record,
        CancellationToken cancellation = default)
    {
        FlowTimes.Check(times);
        ArgumentNullException.ThrowIfNull(record);
        var (m, d) = CheckedSizes(start);
        double[] state = [.. start.Outputs, .. start.Features, .. Enumerable.Repeat(1.0 / m, m)];
        var masses = new double[m];
        var ode = new HostOde(RungeKuttaTableau.RungeKutta4, state.Length, (_, at, slope) =>
        {
            cancellation.ThrowIfCancellationRequested();
            Slope(at, slope);
        });
        var before = 0.0;
        foreach (var time in times)
        {
            if (time > before)
            {
                ode.Run(state, before, time, FlowTimes.Steps(before, time, _options.Step));
            }

            before = time;
            record(time, new NeuronEnsemble(state[..m], state[m..(m + (m * d))], d), state[^m..], Slope(state, new double[state.Length]));
        }

        // The velocity; returns the loss with the rate that it has by (1).
        WeightedLoss Slope(ReadOnlySpan<double> at, Span<double> slope)
        {
            var weights = at[^m..];
            var potential = slope[..m];
            var gradient = slope.Slice(m, m * d);
            for (var i = 0; i < m; i++)
            {
                masses[i] = weights[i] * at[i];
            }

            var loss = _loss.Evaluate(at.Slice(m, m * d), masses, potential, gradient);
            var (mean, transport, reaction) = (0.0, 0.0, 0.0);
            for (var i = 0; i < m; i++)
            {
                mean += weights[i] * at[i] * potential[i];
            }

            for (var i = 0; i < m; i++)
            {
                var velocity = gradient.Slice(i * d, d);
                foreach (ref var v in velocity)
                {
                    v *= -at[i];
                }

                var excess = (at[i] * potential[i]) - mean;
                transport += weights[i] * ((potential[i] * potential[i]) + HostVectors.Dot(velocity, velocity));
                reaction += weights[i] * excess * excess;
                slope[m + (m * d) + i] = -_options.Rate * excess * weights[i];
                potential[i] = -potential[i];
            }

            return new WeightedLoss(loss, -transport - (_options.Rate * reaction));
        }
    }

    private (int Count, int Dimension) CheckedSizes(NeuronEnsemble network)
    {
        ArgumentNullException.ThrowIfNull(network);
        return network.Dimension == _loss.Dimension && network.Features.Length == network.Count * network.Dimension
            ? (network.Count, network.Dimension)
            : throw new ArgumentException($"The network's neurons have {network.Dimension} coordinates, the loss's {_loss.Dimension}.", nameof(network));
    }

    // Neurons die and are born; memory for one step.
    private sealed class Population(int count, int dimension)
    {
        private readonly List<int> _members = [];
        private readonly double[] _outputs = new double[count];
        private readonly double[] _features = new double[count * dimension];

        // Whether anything changed.
        public bool Renew(double[] outputs, double[] features, double[] potential, RandomStream random, NeuronBirthDeathOptions options, int step)
        {
            var mean = outputs.Zip(potential, (c, u) => c * u).Average();
            var chance = options.Rate * options.Step * outputs.Zip(potential, (c, u) => Math.Abs((c * u) - mean)).Average();
            if (chance > 1)
            {
                throw new ArithmeticException(string.Create(CultureInfo.InvariantCulture,
                    $"The rate {options.Rate} times the step {options.Step} kills or doubles every neuron in step {step + 1}, which leaves copies of a few: "
                    + $"lower the rate about {10 * chance:g2} times, to where one neuron in ten or fewer changes."));
            }

            _members.Clear();
            var (deaths, births) = (0, 0);
            for (var i = 0; i < count; i++)
            {
                var excess = (outputs[i] * potential[i]) - mean;
                var happens = random.NextDouble() < 1 - Math.Exp(-options.Rate * Math.Abs(excess) * options.Step);
                (deaths, births) = (deaths + (happens && excess > 0 ? 1 : 0), births + (happens && excess < 0 ? 1 : 0));
                for (var copies = !happens ? 1 : excess > 0 ? 0 : 2; copies > 0; copies--)
                {
                    _members.Add(i);
                }
            }

            if (deaths + births == 0)
            {
                return false;
            }

            while (_members.Count > count)
            {
                _members.RemoveAt(random.NextInt(_members.Count));
            }

            for (var survivors = _members.Count; options.Background is null && _members.Count < count;)
            {
                _members.Add(_members[random.NextInt(survivors)]);
            }

            for (var k = 0; k < count; k++)
            {
                var to = _features.AsSpan(k * dimension, dimension);
                if (k < _members.Count)
                {
                    _outputs[k] = outputs[_members[k]];
                    features.AsSpan(_members[k] * dimension, dimension).CopyTo(to);
                }
                else
                {
                    _outputs[k] = 0;
                    options.Background!(random, to);
                }
            }

            _outputs.CopyTo(outputs, 0);
            _features.CopyTo(features, 0);
            return true;
        }
    }
}

/// <summary>A loss and its rate of change as the equation of birth and death says.</summary>
/// <param name="Value">The loss E.</param>
/// <param name="Rate">dE/dt = -int |grad V|^2 dmu - alpha int (V - mean V)^2 dmu.</param>
public readonly record struct WeightedLoss(double Value, double Rate);
