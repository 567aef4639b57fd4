using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.Methods;

/// <summary>
/// Many runs of a <see cref="NeuronFlow"/> on one table at once: a run is a sample of a traced step, so that a vector instruction moves a neuron of several
/// networks. For fluctuations between runs, which take hundreds of small networks.
/// </summary>
public sealed class NeuronRuns
{
    // Between these a run can be stopped.
    private const int StepsAtOnce = 64;

    private readonly double[] _inputs;
    private readonly double[] _targets;
    private readonly Func<Expr, Expr> _unit;
    private readonly NeuronFlowOptions _options;
    private readonly ExecutionOptions? _execution;

    /// <summary>Makes the runs' common problem: L = (1 / 2n) sum_a (f(x_a) - y_a)^2.</summary>
    /// <param name="inputs">x [n, d], row-major; a coordinate that is always 1 gives the neurons a bias.</param>
    /// <param name="targets">y [n].</param>
    /// <param name="unit">phi of x.z, for each element of its argument.</param>
    /// <param name="options">What moves; null for all in mean-field scale. Neurons on spheres have no runs at once.</param>
    /// <param name="execution">Threads; null for one on each processor.</param>
    /// <exception cref="ArgumentException">No point or one that isn't finite, inputs that don't fit targets, neurons on spheres, or nothing moves.</exception>
    public NeuronRuns(double[] inputs, double[] targets, Func<Expr, Expr> unit, NeuronFlowOptions? options = null, ExecutionOptions? execution = null)
    {
        ArgumentNullException.ThrowIfNull(unit);
        _options = options ?? new NeuronFlowOptions();
        RegressionLoss.CheckTable(inputs, targets);
        if (!_options.TrainsOutputs && !_options.TrainsFeatures)
        {
            throw new ArgumentException("Nothing moves: train output weights, neurons or both.", nameof(options));
        }

        if (_options.IsSpherical)
        {
            throw new ArgumentException("Runs at once move free neurons alone; follow neurons on a sphere one run after the other.", nameof(options));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(_options.Penalty, nameof(options));
        (_inputs, _targets, _unit, _execution) = ([.. inputs], [.. targets], unit, execution);
    }

    /// <summary>Coordinates of a neuron.</summary>
    public int Dimension => _inputs.Length / _targets.Length;

    /// <summary>Follows all runs in equal steps of the classical method of Runge and Kutta of order 4, and gives the networks at asked times.</summary>
    /// <param name="starts">The networks at time 0, all with as many neurons.</param>
    /// <param name="times">Times, ascending and at least 0; each is met by whole steps.</param>
    /// <param name="step">The longest step, above 0.</param>
    /// <param name="record">Called with each time and copies of the networks, in the order of their starts.</param>
    /// <param name="cancellation">Stops the runs within a few steps.</param>
    /// <exception cref="ArgumentException">Networks differ in size or don't fit the table, or times aren't ascending.</exception>
    /// <exception cref="ArithmeticException">A neuron is no longer finite: the step is too long.</exception>
    public void Run(
        IReadOnlyList<NeuronEnsemble> starts, IReadOnlyList<double> times, double step, Action<double, IReadOnlyList<NeuronEnsemble>> record,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(starts);
        FlowTimes.Check(times);
        ArgumentNullException.ThrowIfNull(record);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        var (m, d) = (Check(starts), Dimension);
        string[] moved = [.. _options.TrainsOutputs ? ["c"] : Array.Empty<string>(), .. _options.TrainsFeatures ? ["z"] : Array.Empty<string>()];
        using var program = new CompiledProgram<double>(Step(m, moved), _execution, [.. moved.Select(name => (name + "'", name))]);
        var (outputs, features) = (new NdArray<double>(starts.Count, m), new NdArray<double>(starts.Count, m, d));
        var length = new NdArray<double>(1);
        (program["c"], program["z"], program["h"]) = (outputs, features, length);
        Array.ForEach(moved, name => program[name + "'"] = program[name]);
        for (var run = 0; run < starts.Count; run++)
        {
            starts[run].Outputs.CopyTo(outputs.Span[(run * m)..]);
            starts[run].Features.CopyTo(features.Span[(run * m * d)..]);
        }

        var before = 0.0;
        foreach (var time in times)
        {
            if (time > before)
            {
                var steps = FlowTimes.Steps(before, time, step);
                length.Span[0] = (time - before) / steps;
                for (var done = 0; done < steps; done += StepsAtOnce)
                {
                    cancellation.ThrowIfCancellationRequested();
                    program.Iterate(starts.Count, Math.Min(StepsAtOnce, steps - done));
                }
            }

            before = time;
            NeuronEnsemble[] networks =
            [
                .. starts.Select((_, run) => new NeuronEnsemble(
                    outputs.Span.Slice(run * m, m).ToArray(), features.Span.Slice(run * m * d, m * d).ToArray(), d)),
            ];
            if (Array.FindIndex(networks, network => !network.Outputs.Concat(network.Features).All(double.IsFinite)) is var bad and >= 0)
            {
                throw new ArithmeticException(FormattableString.Invariant(
                    $"Run {bad + 1} is no longer finite at time {time}; take steps shorter than {step}."));
            }

            record(time, networks);
        }
    }

    private int Check(IReadOnlyList<NeuronEnsemble> starts)
    {
        ArgumentOutOfRangeException.ThrowIfZero(starts.Count, nameof(starts));
        var m = starts[0].Count;
        for (var run = 0; run < starts.Count; run++)
        {
            var network = starts[run];
            if (network.Dimension != Dimension || network.Count != m || network.Features.Length != m * Dimension)
            {
                throw new ArgumentException(
                    $"Run {run + 1} has {network.Count} neurons in {network.Dimension} coordinates; all runs have {m} here, in {Dimension}.", nameof(starts));
            }
        }

        return m;
    }

    private TracedProgram Step(int m, string[] moved)
    {
        var (n, d) = (_targets.Length, Dimension);
        var (x, y) = (Expr.Constant(_inputs, n, d), Expr.Constant(_targets, n));
        var start = new Dictionary<string, Expr> { ["c"] = Expr.Input("c", m), ["z"] = Expr.Input("z", m, d) };
        var (next, _) = RungeKutta.Step(RungeKuttaTableau.RungeKutta4, Velocities, [.. moved.Select(name => start[name])], 0, Expr.Shared("h"));
        return new TracedProgram(null, [.. moved.Zip(next, (name, value) => (name + "'", value))]);

        Expr[] Velocities(Expr[] values, Expr time)
        {
            Expr At(string name) => Array.IndexOf(moved, name) is var k and >= 0 ? values[k] : start[name];
            var f = Math.Pow(m, -_options.Exponent) * Expr.MatrixProduct(_unit(Expr.MatrixProduct(x, At("z").Transpose(1, 0))), At("c"));

            // dc/dt = -m^(2 g - 1) dL/dc - lambda c, as f has the scale m^-g.
            var slopes = Derivative.Gradients((f - y).SquaredNorm() / (2 * n), values);
            var speed = -Math.Pow(m, (2 * _options.Exponent) - 1);
            return [.. moved.Zip(slopes, (name, slope) => name == "c" ? (speed * slope) - (_options.Penalty * At("c")) : speed * slope)];
        }
    }
}
