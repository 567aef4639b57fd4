using Monge.Dynamics;
using Monge.Engine.Execution;
using Monge.Engine.LinearAlgebra;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>What moves in a <see cref="FunctionalFlow"/>, on which scale, and how exactly it is followed.</summary>
public sealed record FunctionalFlowOptions
{
    /// <summary>Whether output weights are trained; else they are frozen.</summary>
    public bool TrainsOutputs { get; init; } = true;

    /// <summary>Whether functions are trained; else they are frozen, and the network is one of random features.</summary>
    public bool TrainsFunctions { get; init; } = true;

    /// <summary>
    /// g of the network's scale m^-g: 1 for the mean field, 1/2 for the tangent kernel. Learning rates make dL/dt at the start the same for all.
    /// </summary>
    public double Exponent { get; init; } = 1;

    /// <summary>lambda of the penalty (lambda / 2) mean (a^2 + |h|^2), |h| the norm of the function space of k0; at least 0.</summary>
    public double Penalty { get; init; }

    /// <summary>Absolute and relative tolerance of a step's error where steps are chosen, above 0.</summary>
    public double Tolerance { get; init; } = 1e-7;

    /// <summary>Threads; 0 is one for each processor. Results are the same to the bit for any number.</summary>
    public int Threads { get; init; }
}

/// <summary>A network on its way.</summary>
/// <param name="Time">The time.</param>
/// <param name="Loss">L, without the penalty.</param>
/// <param name="Residuals">f(x_a) - y_a [n].</param>
/// <param name="Neurons">The neurons at all points.</param>
/// <param name="Movement">
/// Mean over neurons of |a_i| times the norm, in the function space of k0, of what h_i has gained since the start: where starts are 0 it is the radius of the
/// ball of functions that f lies in, whose Rademacher complexity is at most that times sup sqrt(k0(x, x) / n) for units of slope 1.
/// </param>
public sealed record FunctionalState(double Time, double Loss, double[] Residuals, FunctionEnsemble Neurons, double Movement);

/// <summary>
/// Gradient flow of a three-layer network with a frozen first layer, on the functions that its neurons are: da_i/dt = -m^(g-1) (1/n) sum_a e_a s(h_i(x_a)),
/// dh_i(x)/dt = -m^(g-1) (1/n) sum_a e_a a_i s'(h_i(x_a)) k0(x, x_a), e the residuals of L = (1/2n) sum_a e_a^2 (arXiv:2210.16286; arXiv:2204.10782). Exact for
/// any first layer, of infinite width too, whose kernel k0 is all that enters; with k0(x, x') = x.x' it is a shallow network. A gained function is sum_a c_a
/// k0(., x_a), so the state is a [m] and c [m, n]: a step costs m n^2, and points beside the data cost nothing until they are asked for.
/// </summary>
public sealed class FunctionalFlow
{
    private readonly double[] _kernel;
    private readonly double[] _targets;
    private readonly FunctionalFlowOptions _options;

    /// <summary>Makes the flow.</summary>
    /// <param name="kernel">k0 of the n data points and all N points, the data first, [n, N], row-major.</param>
    /// <param name="targets">y [n].</param>
    /// <param name="activation">s, a kernel of inner products such as <see cref="Kernel.Tanh"/>.</param>
    /// <param name="options">What moves; null for all in mean-field scale.</param>
    /// <exception cref="ArgumentException">The kernel has no n rows of n or more numbers, or a number isn't finite.</exception>
    public FunctionalFlow(double[] kernel, double[] targets, Kernel activation, FunctionalFlowOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(targets);
        ArgumentNullException.ThrowIfNull(activation);
        if (targets.Length == 0 || kernel.Length % targets.Length != 0 || kernel.Length / targets.Length < targets.Length)
        {
            throw new ArgumentException($"{kernel.Length} numbers are no rows of a kernel at {targets.Length} points and at these and more.", nameof(kernel));
        }

        if (!Array.TrueForAll(kernel, double.IsFinite) || !Array.TrueForAll(targets, double.IsFinite))
        {
            throw new ArgumentException("A number of the kernel or of the targets isn't finite.", nameof(kernel));
        }

        _options = options ?? new FunctionalFlowOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(_options.Penalty, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(_options.Tolerance, nameof(options));
        (_kernel, _targets, Activation, Points) = ([.. kernel], [.. targets], activation, kernel.Length / targets.Length);
    }

    /// <summary>s.</summary>
    public Kernel Activation { get; }

    /// <summary>Number of data points n.</summary>
    public int Count => _targets.Length;

    /// <summary>Number of all points N.</summary>
    public int Points { get; }

    /// <summary>The network at a time, as it would be at the start of a flow.</summary>
    /// <param name="network">The network.</param>
    public FunctionalState At(FunctionEnsemble network)
    {
        var rate = Rate(network);
        return rate.State(0, rate.Start());
    }

    /// <summary>Follows the flow by steps with error control (<see cref="ChebyshevOde"/>), and gives the network at asked times.</summary>
    /// <param name="start">The network at time 0, at all points.</param>
    /// <param name="times">Times, ascending and at least 0.</param>
    /// <param name="record">Called with the network at each of them.</param>
    /// <param name="cancellation">Stops the flow between evaluations.</param>
    /// <exception cref="ArgumentException">The network is known at other points, or times aren't ascending.</exception>
    /// <exception cref="ArithmeticException">The flow needs more steps than are allowed.</exception>
    public void Run(FunctionEnsemble start, IReadOnlyList<double> times, Action<FunctionalState> record, CancellationToken cancellation = default)
    {
        FlowTimes.Check(times);
        ArgumentNullException.ThrowIfNull(record);
        var rate = Rate(start);
        var state = rate.Start();
        double[] asked = [.. times];
        if (asked.Length > 0 && asked[^1] > 0)
        {
            Ode(rate, state.Length, cancellation).Run(
                state, 0, asked[^1], _options.Tolerance, _options.Tolerance, asked, (t, at) => record(rate.State(t, at)));
            return;
        }

        Array.ForEach(asked, t => record(rate.State(t, state)));
    }

    /// <summary>Follows the flow in equal steps of the classical method of Runge and Kutta of order 4, for identities that ask for exact times.</summary>
    /// <param name="start">The network at time 0, at all points.</param>
    /// <param name="times">Times, ascending and at least 0; each is met by whole steps.</param>
    /// <param name="step">The longest step, above 0.</param>
    /// <param name="record">Called with the network at each of them.</param>
    /// <param name="cancellation">Stops the flow between evaluations.</param>
    /// <exception cref="ArgumentException">The network is known at other points, or times aren't ascending.</exception>
    /// <exception cref="ArithmeticException">A neuron is no longer finite: the step is too long.</exception>
    public void RunInSteps(
        FunctionEnsemble start, IReadOnlyList<double> times, double step, Action<FunctionalState> record, CancellationToken cancellation = default)
    {
        FlowTimes.Check(times);
        ArgumentNullException.ThrowIfNull(record);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        var rate = Rate(start);
        var state = rate.Start();
        var ode = new HostOde(RungeKuttaTableau.RungeKutta4, state.Length, (t, at, slope) =>
        {
            cancellation.ThrowIfCancellationRequested();
            rate.Evaluate(t, at, slope);
        });
        var before = 0.0;
        foreach (var time in times)
        {
            if (time > before)
            {
                ode.Run(state, before, time, FlowTimes.Steps(before, time, step));
            }

            before = time;
            record(rate.State(time, state));
        }
    }

    /// <summary>Follows the flow until the loss has come down to a level, so that networks are compared at equal loss.</summary>
    /// <param name="start">The network at time 0, at all points.</param>
    /// <param name="loss">The level of L, above 0.</param>
    /// <param name="longest">The time at which the flow is given up, above 0.</param>
    /// <param name="cancellation">Stops the flow between evaluations.</param>
    /// <returns>The network at that loss; at the longest time if the loss is still above it.</returns>
    public FunctionalState RunToLoss(FunctionEnsemble start, double loss, double longest, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(loss);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(longest);
        var rate = Rate(start);
        var state = rate.Start();
        if (rate.Loss(0, state) <= loss)
        {
            return rate.State(0, state);
        }

        var end = Ode(rate, state.Length, cancellation).Run(
            state, 0, longest, _options.Tolerance, _options.Tolerance, stop: (t, at) => rate.Loss(t, at) - loss, maximumSteps: int.MaxValue);
        return rate.State(end.Time, state);
    }

    private static ChebyshevOde Ode(FunctionalRate rate, int length, CancellationToken cancellation) => new(length, (t, at, slope) =>
    {
        cancellation.ThrowIfCancellationRequested();
        rate.Evaluate(t, at, slope);
    });

    private FunctionalRate Rate(FunctionEnsemble start)
    {
        ArgumentNullException.ThrowIfNull(start);
        if (start.Points != Points || start.Values.Length != (long)start.Count * Points)
        {
            throw new ArgumentException(
                $"The network has {start.Count} output weights and {start.Values.Length} values at {start.Points} points; the kernel has {Points} points.",
                nameof(start));
        }

        return new FunctionalRate(_kernel, _targets, Activation, _options, start);
    }
}

/// <summary>The velocity of a state (a [m], c [m, n]) under <see cref="FunctionalFlow"/>; an evaluation allocates nothing.</summary>
internal sealed class FunctionalRate
{
    private readonly double[] _kernel;
    private readonly double[] _square;
    private readonly double[] _targets;
    private readonly Kernel _activation;
    private readonly FunctionalFlowOptions _options;
    private readonly FunctionEnsemble _start;
    private readonly double[] _first;
    private readonly double[] _functions;
    private readonly double[] _slopes;
    private readonly double[] _residuals;
    private readonly double _scale;
    private readonly double _speed;
    private readonly int _m;
    private readonly int _n;

    public FunctionalRate(double[] kernel, double[] targets, Kernel activation, FunctionalFlowOptions options, FunctionEnsemble start)
    {
        (_kernel, _targets, _activation, _options, _start, _m, _n) = (kernel, targets, activation, options, start, start.Count, targets.Length);
        _square = new double[_n * _n];
        for (var a = 0; a < _n; a++)
        {
            kernel.AsSpan(a * start.Points, _n).CopyTo(_square.AsSpan(a * _n));
        }

        _first = start.First(_n);
        (_functions, _slopes, _residuals) = (new double[_first.Length], new double[_first.Length], new double[_n]);
        (_scale, _speed) = (Math.Pow(_m, -options.Exponent), Math.Pow(_m, options.Exponent - 1));
    }

    public double[] Start() => [.. _start.Outputs, .. new double[_m * _n]];

    public double Loss(double t, ReadOnlySpan<double> state)
    {
        SetFunctions(t, state);
        _activation.AtProducts(_functions, _functions);
        return SetResiduals(state);
    }

    /// <summary>Writes the velocity and returns the loss.</summary>
    public double Evaluate(double t, ReadOnlySpan<double> state, Span<double> slope)
    {
        SetFunctions(t, state);
        _activation.AtProducts(_functions, _functions, _slopes);
        var loss = SetResiduals(state);
        var a = state[.._m];
        var factor = -_speed / _n;
        if (_options.TrainsOutputs)
        {
            HostProduct.Multiply(_functions, _residuals, slope[.._m], _m, _n, 1, threads: _options.Threads);
            for (var i = 0; i < _m; i++)
            {
                slope[i] = (factor * slope[i]) - (_options.Penalty * a[i]);
            }
        }
        else
        {
            slope[.._m].Clear();
        }

        for (var i = 0; i < _m; i++)
        {
            var velocity = slope.Slice(_m + (i * _n), _n);
            var row = _slopes.AsSpan(i * _n, _n);
            var weight = _options.TrainsFunctions ? factor * a[i] : 0;
            for (var b = 0; b < velocity.Length; b++)
            {
                velocity[b] = weight * row[b] * _residuals[b];
            }

            if (_options.Penalty > 0)
            {
                HostVectors.AddScaled(-_options.Penalty, state.Slice(_m + (i * _n), _n), velocity);
            }
        }

        return loss;
    }

    /// <summary>The network of a state, at all points.</summary>
    public FunctionalState State(double t, ReadOnlySpan<double> state)
    {
        var loss = Loss(t, state);
        var coefficients = state[_m..];
        var (points, kept) = (_start.Points, Kept(t));
        var values = new double[_start.Values.Length];
        HostVectors.AddScaled(kept, _start.Values, values);
        HostProduct.Multiply(coefficients, _kernel, values, _m, _n, points, accumulates: true, threads: _options.Threads);
        var movement = 0.0;
        for (var i = 0; i < _m; i++)
        {
            var square = 0.0;
            for (var b = 0; b < _n; b++)
            {
                square += coefficients[(i * _n) + b] * (values[(i * points) + b] - (kept * _first[(i * _n) + b]));
            }

            movement += Math.Abs(state[i]) * Math.Sqrt(Math.Max(0, square)) / _m;
        }

        return new FunctionalState(t, loss, [.. _residuals], new FunctionEnsemble(state[.._m].ToArray(), values, points), movement);
    }

    // What the penalty has left of the start's functions.
    private double Kept(double t) => Math.Exp(-_options.Penalty * t);

    private void SetFunctions(double t, ReadOnlySpan<double> state)
    {
        Array.Clear(_functions);
        HostVectors.AddScaled(Kept(t), _first, _functions);
        HostProduct.Multiply(state[_m..], _square, _functions, _m, _n, _n, accumulates: true, threads: _options.Threads);
    }

    // From the units' outputs in _functions.
    private double SetResiduals(ReadOnlySpan<double> state)
    {
        HostProduct.Multiply(state[.._m], _functions, _residuals, 1, _m, _n, threads: 1);
        var sum = 0.0;
        for (var b = 0; b < _n; b++)
        {
            _residuals[b] = (_scale * _residuals[b]) - _targets[b];
            sum += _residuals[b] * _residuals[b];
        }

        return sum / (2 * _n);
    }
}
