using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Dynamics;

/// <summary>What an ODE tells of the divergence along its paths.</summary>
public enum DivergenceMode
{
    /// <summary>Nothing: the cheapest.</summary>
    None,

    /// <summary>The exact divergence.</summary>
    Exact,

    /// <summary>Hutchinson's estimate with probes that stay the same along a path (arXiv:1810.01367).</summary>
    Estimated,
}

/// <summary>
/// Carries particles along dx/dt = b(x, t) between any two times, forward or backward, in equal Runge-Kutta steps or with error control, with the accumulated divergence
/// D = int div b dt: the log density of a particle falls by D. With the base p0 and the target rho, log w = log rho(x_1) - log p0(x_0) + D is exact as the step goes to zero.
/// Fields may have further per-sample inputs, such as a condition.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class TransportOde<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const string Position = "ode.x";
    private const string NextPosition = "ode.xNext";
    private const string Sum = "ode.divergence";
    private const string NextSum = "ode.divergenceNext";
    private const string Probes = "ode.probes";
    private const string Time = "ode.t";
    private const string Length = "ode.h";
    private const string Absolute = "ode.absolute";
    private const string Relative = "ode.relative";
    private const string Error = "ode.error";

    private readonly ParameterSet? _parameters;
    private readonly IVectorField _field;
    private readonly RungeKuttaTableau _tableau;
    private readonly DivergenceMode _mode;
    private readonly int _probes;
    private readonly Expr _probeInput;
    private readonly ExecutionOptions? _options;
    private readonly Dictionary<string, NdArray<T>> _bound = [];
    private CompiledProgram<T>? _equal;
    private CompiledProgram<T>? _controlled;

    /// <summary>Makes the integrator; its steps are compiled when first used.</summary>
    /// <param name="parameters">The field's parameters; null if it has none.</param>
    /// <param name="field">b(x, t) [d].</param>
    /// <param name="tableau">The Runge-Kutta method.</param>
    /// <param name="options">How to execute.</param>
    /// <param name="mode">What to tell of the divergence.</param>
    /// <param name="probes">Probes of an estimated divergence.</param>
    public TransportOde(
        ParameterSet? parameters, IVectorField field, RungeKuttaTableau tableau, ExecutionOptions? options = null, DivergenceMode mode = DivergenceMode.Exact, int probes = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(probes, 1);
        (_parameters, _field, _tableau, _options, _mode, _probes) = (parameters, field, tableau, options, mode, probes);
        Dimension = field.Dimension;
        _probeInput = Expr.Input(Probes, Dimension, probes);
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>Steps accepted in the last run.</summary>
    public int Accepted { get; private set; }

    /// <summary>Steps rejected in the last run.</summary>
    public int Rejected { get; private set; }

    /// <summary>Binds a further per-sample input of the field, such as a condition.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">Its values [n, ...].</param>
    public void Bind(string name, NdArray<T> values) => _bound[name] = values;

    /// <summary>Binds the probes [n, d, k] of an estimated divergence: independent numbers of mean 0 and variance 1.</summary>
    public void BindProbes(NdArray<T> probes) => _bound[Probes] = probes;

    /// <summary>Carries particles from t = 0 to 1 in equal steps.</summary>
    /// <param name="parameters">The field's parameters [P]; null if it has none.</param>
    /// <param name="start">The positions [n, d] at t = 0.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <returns>The positions [n, d] at t = 1 and D [n]; zeros without divergence.</returns>
    public (NdArray<T> Positions, NdArray<T> Divergence) Run(NdArray<T>? parameters, NdArray<T> start, int steps) => Run(parameters, start, 0, 1, steps);

    /// <summary>Carries particles back from t = 1 to 0 in equal steps.</summary>
    /// <param name="parameters">The field's parameters [P]; null if it has none.</param>
    /// <param name="end">The positions [n, d] at t = 1.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <returns>The positions [n, d] at t = 0 and D [n] along the path in the sense of growing t, so that the log-weight is log rho(x_1) - log p0(x_0) + D here too.</returns>
    public (NdArray<T> Positions, NdArray<T> Divergence) RunBackward(NdArray<T>? parameters, NdArray<T> end, int steps)
    {
        var (positions, divergence) = Run(parameters, end, 1, 0, steps);
        foreach (ref var value in divergence.Span)
        {
            value = -value;
        }

        return (positions, divergence);
    }

    /// <summary>Carries particles in equal steps.</summary>
    /// <param name="parameters">The field's parameters [P]; null if it has none.</param>
    /// <param name="start">The positions [n, d] at the first time.</param>
    /// <param name="from">The first time.</param>
    /// <param name="to">The last time.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <returns>The positions [n, d] at the last time, and int div b dt [n] from the first time to the last (negative time steps count negative); zeros without divergence.</returns>
    public (NdArray<T> Positions, NdArray<T> Divergence) Run(NdArray<T>? parameters, NdArray<T> start, double from, double to, int steps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        var run = Begin(_equal ??= EqualStep(), parameters);
        var n = start.Rows;
        var (times, lengths) = (new NdArray<T>(steps), new NdArray<T>(steps));
        for (var k = 0; k < steps; k++)
        {
            times[k] = T.CreateChecked(from + ((to - from) * k / steps));
            lengths[k] = T.CreateChecked((to - from) / steps);
        }

        run.BindIfUsed(Time, times);
        run.BindIfUsed(Length, lengths);
        var (positions, divergence) = (new NdArray<T>(n, Dimension), new NdArray<T>(n));
        BindState(run, start, positions, new NdArray<T>(n), divergence);
        run.Iterate(n, steps);
        (Accepted, Rejected) = (steps, 0);
        return (positions, divergence);
    }

    /// <summary>
    /// Carries particles in steps whose embedded error, in root mean square over particles and coordinates (and the divergence, if there is one) and scaled by
    /// absolute + relative * |x|, stays below 1 (proportional-integral control; Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, II.4). One step size
    /// serves all particles.
    /// </summary>
    /// <param name="parameters">The field's parameters [P]; null if it has none.</param>
    /// <param name="start">The positions [n, d] at the first time.</param>
    /// <param name="from">The first time.</param>
    /// <param name="to">The last time, other than the first.</param>
    /// <param name="absolute">Absolute tolerance, above 0.</param>
    /// <param name="relative">Relative tolerance, at least 0.</param>
    /// <param name="maximumSteps">Steps after which the run is given up.</param>
    /// <returns>As the run in equal steps.</returns>
    /// <exception cref="InvalidOperationException">The Runge-Kutta method has no embedded method.</exception>
    /// <exception cref="ArithmeticException">The step shrinks to nothing or the maximum of steps is reached: the field explodes, or the tolerance is too small for the number format.</exception>
    public (NdArray<T> Positions, NdArray<T> Divergence) RunAdaptive(
        NdArray<T>? parameters, NdArray<T> start, double from = 0, double to = 1, double absolute = 1e-6, double relative = 1e-6, int maximumSteps = 10_000)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(absolute);
        ArgumentOutOfRangeException.ThrowIfNegative(relative);
        var run = Begin(_controlled ??= ControlledStep(), parameters);
        var n = start.Rows;
        var (positions, nextPositions) = (NdArray<T>.From(start.Span, n, Dimension), new NdArray<T>(n, Dimension));
        var (divergence, nextDivergence) = (new NdArray<T>(n), new NdArray<T>(n));
        var (time, length) = (new NdArray<T>(), new NdArray<T>());
        run.BindIfUsed(Time, time);
        run.BindIfUsed(Length, length);
        (run[Absolute][0], run[Relative][0]) = (T.CreateChecked(absolute), T.CreateChecked(relative));
        var (span, sign) = (Math.Abs(to - from), Math.Sign(to - from));
        var (done, h, before) = (0.0, 0.05 * span, 1.0);
        (Accepted, Rejected) = (0, 0);
        while (done < span)
        {
            if (Accepted + Rejected >= maximumSteps || h < 1e-9 * span)
            {
                throw new ArithmeticException(FormattableString.Invariant(
                    $"The adaptive ODE stands at t = {from + (sign * done):g4} after {Accepted + Rejected} steps with step {h:g2}; raise the tolerance, or train longer if the field explodes there."));
            }

            // A last step of rounding size is merged into the one before.
            var last = done + (h * 1.0001) >= span;
            var step = last ? span - done : h;
            BindState(run, positions, nextPositions, divergence, nextDivergence);
            (time[0], length[0]) = (T.CreateChecked(from + (sign * done)), T.CreateChecked(sign * step));
            run.Run(n);
            var error = Math.Sqrt(double.CreateChecked(run[Error][0]) / n);
            if (error <= 1)
            {
                Accepted++;
                done = last ? span : done + step;
                (positions, nextPositions) = (nextPositions, positions);
                (divergence, nextDivergence) = (nextDivergence, divergence);
                var raised = Math.Max(error, 1e-10);
                h = step * Math.Clamp(0.9 * Math.Pow(raised, -0.7 / _tableau.Order) * Math.Pow(before, 0.4 / _tableau.Order), 0.2, 5);
                before = raised;
            }
            else
            {
                Rejected++;
                h = step * (double.IsFinite(error) ? Math.Clamp(0.9 * Math.Pow(error, -1.0 / _tableau.Order), 0.1, 0.9) : 0.1);
            }
        }

        return (positions, divergence);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _equal?.Dispose();
        _controlled?.Dispose();
    }

    private CompiledProgram<T> EqualStep()
    {
        var (next, _) = RungeKutta.Step(_tableau, Slopes, Values(), Expr.PerStep(Time), Expr.PerStep(Length));
        return _mode == DivergenceMode.None
            ? new CompiledProgram<T>(new TracedProgram(_parameters, (NextPosition, next[0])), _options, (NextPosition, Position))
            : new CompiledProgram<T>(new TracedProgram(_parameters, (NextPosition, next[0]), (NextSum, next[1])), _options, (NextPosition, Position), (NextSum, Sum));
    }

    private CompiledProgram<T> ControlledStep()
    {
        if (_tableau.ErrorWeights is null)
        {
            throw new InvalidOperationException($"{_tableau.Name} has no embedded method to estimate the error with; use Heun, DormandPrince54 or Tsitouras54.");
        }

        var values = Values();
        var (absolute, relative) = (Expr.Shared(Absolute), Expr.Shared(Relative));
        var (next, error) = RungeKutta.Step(_tableau, Slopes, values, Expr.Shared(Time), Expr.Shared(Length));
        Expr squares = 0;
        for (var v = 0; v < values.Length; v++)
        {
            squares += (error![v] / (absolute + (relative * Expr.Max(values[v].Abs(), next[v].Abs())))).SquaredNorm();
        }

        List<(string, Expr)> outputs = [(NextPosition, next[0]), (Error, (squares / (Dimension + values.Length - 1)).BatchSum())];
        if (_mode != DivergenceMode.None)
        {
            outputs.Add((NextSum, next[1]));
        }

        return new CompiledProgram<T>(new TracedProgram(_parameters, [.. outputs]), _options);
    }

    private Expr[] Values() => _mode == DivergenceMode.None ? [Expr.Input(Position, Dimension)] : [Expr.Input(Position, Dimension), Expr.Input(Sum)];

    private Expr[] Slopes(Expr[] values, Expr t)
    {
        switch (_mode)
        {
            case DivergenceMode.None:
                return [_field.Apply(values[0], t)];
            case DivergenceMode.Exact:
                var (exact, divergence) = _field.WithDivergence(values[0], t);
                return [exact, divergence];
            default:
                var (value, estimates) = _field.WithDivergenceEstimates(values[0], t, _probeInput);
                return [value, estimates.Sum() / _probes];
        }
    }

    private CompiledProgram<T> Begin(CompiledProgram<T> run, NdArray<T>? parameters)
    {
        run.Parameters = parameters ?? run.Parameters;
        foreach (var (name, values) in _bound)
        {
            run.BindIfUsed(name, values);
        }

        return run;
    }

    private void BindState(CompiledProgram<T> run, NdArray<T> positions, NdArray<T> nextPositions, NdArray<T> divergence, NdArray<T> nextDivergence)
    {
        (run[Position], run[NextPosition]) = (positions, nextPositions);
        if (_mode != DivergenceMode.None)
        {
            (run[Sum], run[NextSum]) = (divergence, nextDivergence);
        }
    }
}
