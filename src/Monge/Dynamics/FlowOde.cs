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
/// Carries particles along dx/dt = b(x, t) between any two times, forward or backward, in equal steps or with error control, with or without the accumulated divergence, for
/// fields with further per-sample inputs such as a condition.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class FlowOde<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const string PositionInput = "ode.x";
    private const string DivergenceInput = "ode.divergence";
    private const string ProbeInput = "ode.probes";

    private readonly ParameterSet? _parameters;
    private readonly IVectorField _field;
    private readonly DivergenceMode _mode;
    private readonly int _probes;
    private readonly Expr _probeInput;
    private readonly ExecutionOptions? _options;
    private readonly Dictionary<string, NdArray<T>> _bound = [];
    private readonly Dictionary<string, CompiledProgram<T>> _fixed = [];
    private CompiledProgram<T>? _adaptive;
    private (double Absolute, double Relative) _tolerances;

    /// <summary>Makes the integrator; its steps are compiled when first used.</summary>
    /// <param name="parameters">The field's parameters; null if it has none.</param>
    /// <param name="field">b(x, t) [d].</param>
    /// <param name="mode">What to tell of the divergence.</param>
    /// <param name="probes">Probes of an estimated divergence.</param>
    /// <param name="options">How to execute.</param>
    public FlowOde(ParameterSet? parameters, IVectorField field, DivergenceMode mode, int probes = 1, ExecutionOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(probes, 1);
        (_parameters, _field, _mode, _probes, _options) = (parameters, field, mode, probes, options);
        Dimension = field.Dimension;
        _probeInput = Expr.Input(ProbeInput, Dimension, probes);
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>Steps of the last run, those that were rejected included.</summary>
    public int Steps { get; private set; }

    /// <summary>Evaluations of the field in a step of the last run.</summary>
    public int EvaluationsPerStep { get; private set; }

    /// <summary>Binds a further per-sample input of the field, such as a condition.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">Its values [n, ...].</param>
    public void Bind(string name, NdArray<T> values) => _bound[name] = values;

    /// <summary>Binds the probes [n, d, k] of an estimated divergence: independent numbers of mean 0 and variance 1.</summary>
    public void BindProbes(NdArray<T> probes) => _bound[ProbeInput] = probes;

    /// <summary>Carries particles in equal steps.</summary>
    /// <param name="parameters">The field's parameters [P]; null if it has none.</param>
    /// <param name="start">The positions [n, d] at the first time.</param>
    /// <param name="from">The first time.</param>
    /// <param name="to">The last time.</param>
    /// <param name="steps">Number of steps.</param>
    /// <param name="tableau">The Runge-Kutta method.</param>
    /// <returns>The positions [n, d] at the last time, and int div b dt [n] from the first time to the last (negative time steps count negative); zeros without divergence.</returns>
    public (NdArray<T> Positions, NdArray<T> Divergence) Run(NdArray<T>? parameters, NdArray<T> start, double from, double to, int steps, RungeKuttaTableau tableau)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        if (!_fixed.TryGetValue(tableau.Name, out var run))
        {
            var (t, h) = (Expr.PerStep("ode.t"), Expr.PerStep("ode.h"));
            var (next, _) = RungeKutta.Step(tableau, Slopes, Values(), t, h);
            run = _mode == DivergenceMode.None
                ? new CompiledProgram<T>(new TracedProgram(_parameters, ("xNext", next[0])), _options, ("xNext", PositionInput))
                : new CompiledProgram<T>(
                    new TracedProgram(_parameters, ("xNext", next[0]), ("divergenceNext", next[1])), _options, ("xNext", PositionInput), ("divergenceNext", DivergenceInput));
            _fixed.Add(tableau.Name, run);
        }

        var n = start.Rows;
        var (times, lengths) = (new NdArray<T>(steps), new NdArray<T>(steps));
        for (var k = 0; k < steps; k++)
        {
            times[k] = T.CreateChecked(from + ((to - from) * k / steps));
            lengths[k] = T.CreateChecked((to - from) / steps);
        }

        var (positions, divergence) = (new NdArray<T>(n, Dimension), new NdArray<T>(n));
        Begin(run, parameters);
        run[PositionInput] = start;
        run["xNext"] = positions;
        if (_mode != DivergenceMode.None)
        {
            run[DivergenceInput] = new NdArray<T>(n);
            run["divergenceNext"] = divergence;
        }

        run.BindIfUsed("ode.t", times);
        run.BindIfUsed("ode.h", lengths);
        run.Iterate(n, steps);
        (Steps, EvaluationsPerStep) = (steps, tableau.Weights.Length);
        return (positions, divergence);
    }

    /// <summary>
    /// Carries particles by Dormand-Prince steps whose embedded error, in root mean square over particles and coordinates and scaled by absolute + relative * |x|, stays below 1
    /// (proportional-integral control; Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, II.4). One step size serves all particles.
    /// </summary>
    /// <param name="parameters">The field's parameters [P]; null if it has none.</param>
    /// <param name="start">The positions [n, d] at the first time.</param>
    /// <param name="from">The first time.</param>
    /// <param name="to">The last time, other than the first.</param>
    /// <param name="absolute">Absolute tolerance, above 0.</param>
    /// <param name="relative">Relative tolerance, at least 0.</param>
    /// <param name="maximumSteps">Steps after which the run is given up.</param>
    /// <returns>As the run in equal steps.</returns>
    /// <exception cref="ArithmeticException">The step shrinks to nothing or the maximum of steps is reached.</exception>
    public (NdArray<T> Positions, NdArray<T> Divergence) RunAdaptive(
        NdArray<T>? parameters, NdArray<T> start, double from, double to, double absolute, double relative, int maximumSteps = 10_000)
    {
        var tableau = RungeKuttaTableau.DormandPrince54;
        var run = Adaptive(tableau, absolute, relative);
        var n = start.Rows;
        Begin(run, parameters);
        var (positions, nextPositions) = (NdArray<T>.From(start.Span, n, Dimension), new NdArray<T>(n, Dimension));
        var (divergence, nextDivergence) = (new NdArray<T>(n), new NdArray<T>(n));
        var (time, length) = (new NdArray<T>(), new NdArray<T>());
        run.BindIfUsed("ode.t", time);
        run.BindIfUsed("ode.h", length);
        var span = Math.Abs(to - from);
        var (done, h, before) = (0.0, 0.05 * span, 1.0);
        (Steps, EvaluationsPerStep) = (0, tableau.Weights.Length);
        while (done < span)
        {
            if (Steps >= maximumSteps || h < 1e-9 * span)
            {
                throw new ArithmeticException(FormattableString.Invariant($"The adaptive ODE stands at t = {from + (Math.Sign(to - from) * done):g4} after {Steps} steps with step {h:g2}; raise the tolerance, or train longer if the field explodes there."));
            }

            var last = done + (h * 1.0001) >= span;
            var step = last ? span - done : h;
            (run[PositionInput], run["xNext"]) = (positions, nextPositions);
            if (_mode != DivergenceMode.None)
            {
                (run[DivergenceInput], run["divergenceNext"]) = (divergence, nextDivergence);
            }

            (time[0], length[0]) = (T.CreateChecked(from + (Math.Sign(to - from) * done)), T.CreateChecked(Math.Sign(to - from) * step));
            run.Run(n);
            Steps++;
            var error = Math.Sqrt(double.CreateChecked(run["error"][0]) / n);
            if (error <= 1)
            {
                done = last ? span : done + step;
                (positions, nextPositions) = (nextPositions, positions);
                (divergence, nextDivergence) = (nextDivergence, divergence);
                var raised = Math.Max(error, 1e-10);
                h = step * Math.Clamp(0.9 * Math.Pow(raised, -0.7 / tableau.Order) * Math.Pow(before, 0.4 / tableau.Order), 0.2, 5);
                before = raised;
            }
            else
            {
                h = step * (double.IsFinite(error) ? Math.Clamp(0.9 * Math.Pow(error, -1.0 / tableau.Order), 0.1, 0.9) : 0.1);
            }
        }

        return (positions, divergence);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var run in _fixed.Values)
        {
            run.Dispose();
        }

        _adaptive?.Dispose();
    }

    private CompiledProgram<T> Adaptive(RungeKuttaTableau tableau, double absolute, double relative)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(absolute);
        ArgumentOutOfRangeException.ThrowIfNegative(relative);
        if (_adaptive is not null && _tolerances == (absolute, relative))
        {
            return _adaptive;
        }

        _adaptive?.Dispose();
        _tolerances = (absolute, relative);
        var (t, h) = (Expr.Shared("ode.t"), Expr.Shared("ode.h"));
        var values = Values();
        var (next, error) = RungeKutta.Step(tableau, Slopes, values, t, h);
        Expr squares = 0;
        for (var v = 0; v < values.Length; v++)
        {
            squares += (error![v] / (absolute + (relative * Expr.Max(values[v].Abs(), next[v].Abs())))).SquaredNorm();
        }

        List<(string, Expr)> outputs = [("xNext", next[0]), ("error", (squares / (Dimension + values.Length - 1)).BatchSum())];
        if (_mode != DivergenceMode.None)
        {
            outputs.Add(("divergenceNext", next[1]));
        }

        return _adaptive = new CompiledProgram<T>(new TracedProgram(_parameters, [.. outputs]), _options);
    }

    private Expr[] Values() => _mode == DivergenceMode.None ? [Expr.Input(PositionInput, Dimension)] : [Expr.Input(PositionInput, Dimension), Expr.Input(DivergenceInput)];

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

    private void Begin(CompiledProgram<T> run, NdArray<T>? parameters)
    {
        run.Parameters = parameters ?? run.Parameters;
        foreach (var (name, values) in _bound)
        {
            run.BindIfUsed(name, values);
        }
    }
}
