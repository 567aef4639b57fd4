using Monge.Engine.LinearAlgebra;

namespace Monge.Methods;

/// <summary>How <see cref="ConicDescent"/> steps.</summary>
public sealed record ConicDescentOptions
{
    /// <summary>lambda, the penalty on the total mass; at least 0.</summary>
    public double Penalty { get; init; }

    /// <summary>Steps; at least 1.</summary>
    public int Steps { get; init; } = 10_000;

    /// <summary>The first rate of masses; above 0. Rates double after a step that lowers the objective ten times in a row, and halve until one does.</summary>
    public double MassRate { get; init; } = 1;

    /// <summary>The rate of directions over that of masses; at least 0.</summary>
    public double DirectionShare { get; init; } = 1;

    /// <summary>Neurons whose mass is below this share of the mean are taken out on the way; at least 0.</summary>
    public double LeastShare { get; init; } = 1e-9;
}

/// <summary>
/// Conic gradient descent: neurons of the unit sphere with masses s_i = sign_i r_i^2 and the objective J = L(s, z) + lambda sum_i r_i^2. Masses follow the
/// gradient in r multiplicatively and directions that on the sphere, each in proportion to its own mass:
/// <code>
/// r_i &lt;- r_i exp(-2 a (sign_i U(z_i) + lambda)),     z_i &lt;- normalised z_i - b sign_i grad U(z_i) along the sphere                                   (1)
/// </code>
/// which descends on measures whatever the number of neurons (L. Chizat, "Sparse optimization on measures with over-parameterized gradient descent",
/// arXiv:1907.10300, algorithm 1). Steps that would raise J are cut in half and tried again.
/// </summary>
/// <param name="loss">L, of neurons of length 1.</param>
/// <param name="options">How to step; null for the defaults.</param>
public sealed class ConicDescent(INeuronLoss loss, ConicDescentOptions? options = null)
{
    private const int Patience = 10;
    private const double LeastRate = 1e-30;

    private readonly INeuronLoss _loss = loss ?? throw new ArgumentNullException(nameof(loss));
    private readonly ConicDescentOptions _options = Checked(options ?? new ConicDescentOptions());

    /// <summary>Descends from neurons whose outputs are their signed masses.</summary>
    /// <param name="start">Neurons of length 1, with masses other than 0: half of them negative, as a rule.</param>
    /// <param name="record">Called after each step with its number and J; null for none.</param>
    /// <param name="cancellation">Stops between steps.</param>
    /// <returns>The neurons that are left, whose outputs are their masses, and J.</returns>
    /// <exception cref="ArgumentException">Neurons don't fit the loss, aren't of length 1, or one has no mass.</exception>
    public (NeuronEnsemble Network, double Objective) Run(NeuronEnsemble start, Action<int, double>? record = null, CancellationToken cancellation = default)
    {
        Check(start);
        var (now, rate, accepted) = (Evaluated(start), _options.MassRate, 0);
        for (var step = 1; step <= _options.Steps && rate > LeastRate; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            var next = Evaluated(Moved(now, rate));
            while (!(next.Objective <= now.Objective) && rate > LeastRate)
            {
                (rate, accepted) = (rate / 2, 0);
                next = Evaluated(Moved(now, rate));
            }

            if (next.Objective <= now.Objective)
            {
                now = next;
                record?.Invoke(step, now.Objective);
            }

            if (++accepted == Patience)
            {
                (rate, accepted) = (2 * rate, 0);
            }
        }

        return (now.Network, now.Objective);
    }

    private State Evaluated(NeuronEnsemble network)
    {
        var (potential, slopes) = (new double[network.Count], new double[network.Features.Length]);
        var value = _loss.Evaluate(network.Features, network.Outputs, potential, slopes);
        return new State(network, potential, slopes, value + (_options.Penalty * network.Outputs.Sum(Math.Abs)));
    }

    private NeuronEnsemble Moved(State at, double rate)
    {
        var (d, network) = (_loss.Dimension, at.Network);
        var least = _options.LeastShare * network.Outputs.Average(Math.Abs);
        int[] kept = [.. Enumerable.Range(0, network.Count).Where(i => Math.Abs(network.Outputs[i]) > least)];
        var (masses, directions) = (new double[kept.Length], new double[kept.Length * d]);
        for (var k = 0; k < kept.Length; k++)
        {
            var i = kept[k];
            var sign = Math.Sign(network.Outputs[i]);
            masses[k] = network.Outputs[i] * Math.Exp(-4 * rate * ((sign * at.Potential[i]) + _options.Penalty));
            var direction = network.Features.AsSpan(i * d, d);
            var slope = at.Slopes.AsSpan(i * d, d);
            var target = directions.AsSpan(k * d, d);
            direction.CopyTo(target);
            var share = -rate * _options.DirectionShare * sign;
            HostVectors.AddScaled(share, slope, target);
            HostVectors.AddScaled(-share * HostVectors.Dot(direction, slope), direction, target);
            var length = Math.Sqrt(HostVectors.Dot(target, target));
            foreach (ref var value in target)
            {
                value /= length;
            }
        }

        return new NeuronEnsemble(masses, directions, d);
    }

    private void Check(NeuronEnsemble start)
    {
        ArgumentNullException.ThrowIfNull(start);
        var d = _loss.Dimension;
        if (start.Dimension != d || start.Features.Length != start.Count * d)
        {
            throw new ArgumentException(
                $"The network has {start.Count} masses and {start.Features.Length} numbers of neurons, whose coordinates number {d} here.", nameof(start));
        }

        for (var i = 0; i < start.Count; i++)
        {
            var z = start.Features.AsSpan(i * d, d);
            if (!(Math.Abs(HostVectors.Dot(z, z) - 1) < 1e-9) || !(Math.Abs(start.Outputs[i]) > 0) || !double.IsFinite(start.Outputs[i]))
            {
                throw new ArgumentException(
                    $"Neuron {i} (from 0) must have length 1 and a finite mass other than 0, which descent can't leave.", nameof(start));
            }
        }
    }

    private static ConicDescentOptions Checked(ConicDescentOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.Penalty, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Steps, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MassRate, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.DirectionShare, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.LeastShare, nameof(options));
        return options;
    }

    private sealed record State(NeuronEnsemble Network, double[] Potential, double[] Slopes, double Objective);
}
