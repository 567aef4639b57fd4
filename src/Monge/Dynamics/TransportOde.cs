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
/// Carries particles along dx/dt = b(x, t) between any two times, forward or backward, in the Runge-Kutta steps of any grid or with error control, with the
/// accumulated divergence D = int div b dt: the log density of a particle falls by D. With the base p0 and the target rho, log w = log rho(x_1) - log p0(x_0) +
/// D is exact as the step goes to zero.
/// Fields may have further per-sample inputs, such as a condition.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class TransportOde<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const string Divergence = "divergence";
    private const string ProbeInput = "probes";
    private static readonly TimeGrid s_one = new(0, 1, 1);

    private readonly ParameterSet? _parameters;
    private readonly IVectorField _field;
    private readonly RungeKuttaTableau _tableau;
    private readonly DivergenceMode _mode;
    private readonly int _probes;
    private readonly Expr _probeInput;
    private readonly ExecutionOptions? _options;
    private readonly Dictionary<string, NdArray<T>> _bound = [];
    private ParticleWalk<T>? _walk;
    private ParticleWalk<T>? _controlled;

    /// <summary>Makes the integrator; its steps are compiled when first used.</summary>
    /// <param name="parameters">The field's parameters; null if it has none.</param>
    /// <param name="field">b(x, t) [d].</param>
    /// <param name="tableau">The Runge-Kutta method.</param>
    /// <param name="options">How to execute.</param>
    /// <param name="mode">What to tell of the divergence.</param>
    /// <param name="probes">Probes of an estimated divergence.</param>
    public TransportOde(
        ParameterSet? parameters,
        IVectorField field,
        RungeKuttaTableau tableau,
        ExecutionOptions? options = null,
        DivergenceMode mode = DivergenceMode.Exact,
        int probes = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(probes, 1);
        (_parameters, _field, _tableau, _options, _mode, _probes) = (parameters, field, tableau, options, mode, probes);
        Dimension = field.Dimension;
        _probeInput = Expr.Input(ProbeInput, Dimension, probes);
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>Steps accepted in the last run.</summary>
    public int Accepted { get; private set; }

    /// <summary>Steps rejected in the last run.</summary>
    public int Rejected { get; private set; }

    /// <summary>The walk in the steps of a grid, with the states "x" [d] and, unless nothing is told of it, "divergence".</summary>
    public ParticleWalk<T> Walk => _walk ??= Traced(Expr.PerStep("t"), Expr.PerStep("h"), isControlled: false);

    /// <summary>Binds a further per-sample input of the field, such as a condition.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">Its values [n, ...].</param>
    public void Bind(string name, NdArray<T> values) => _bound[name] = values;

    /// <summary>Binds the probes [n, d, k] of an estimated divergence: independent numbers of mean 0 and variance 1.</summary>
    public void BindProbes(NdArray<T> probes) => _bound[ProbeInput] = probes;

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
    /// <returns>
    /// The positions [n, d] at t = 0 and D [n] along the path in the sense of growing t, so that the log-weight is log rho(x_1) - log p0(x_0) + D here too.
    /// </returns>
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
    /// <param name="to">The last time, other than the first.</param>
    /// <param name="steps">Number of steps, at least 1.</param>
    /// <returns>
    /// The positions [n, d] at the last time, and int div b dt [n] from the first time to the last (negative time steps count negative); zeros without
    /// divergence.
    /// </returns>
    public (NdArray<T> Positions, NdArray<T> Divergence) Run(NdArray<T>? parameters, NdArray<T> start, double from, double to, int steps) =>
        Run(parameters, start, TimeGrid.Equal(from, to, steps));

    /// <summary>Carries particles through any grid.</summary>
    /// <param name="parameters">The field's parameters [P]; null if it has none.</param>
    /// <param name="start">The positions [n, d] at the first time.</param>
    /// <param name="grid">The steps, up or down in time.</param>
    /// <param name="record">What to record of <see cref="Walk"/>; null for nothing.</param>
    /// <returns>As the run in equal steps.</returns>
    public (NdArray<T> Positions, NdArray<T> Divergence) Run(NdArray<T>? parameters, NdArray<T> start, TimeGrid grid, WalkRecord<T>? record = null)
    {
        Begin(Walk);
        (Accepted, Rejected) = (grid.Count, 0);
        return Result(Walk, Walk.Carry(parameters, start, grid, default, record));
    }

    /// <summary>
    /// Carries particles in steps whose embedded error, in root mean square over particles and coordinates (and the divergence, if there is one) and scaled by
    /// absolute + relative * |x|, stays below 1 (proportional-integral control; Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, II.4).
    /// One step size serves all particles.
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
    /// <exception cref="ArithmeticException">
    /// The step shrinks to nothing or the maximum of steps is reached: the field explodes, or the tolerance is too small for the number format.
    /// </exception>
    public (NdArray<T> Positions, NdArray<T> Divergence) RunAdaptive(
        NdArray<T>? parameters, NdArray<T> start, double from = 0, double to = 1, double absolute = 1e-6, double relative = 1e-6, int maximumSteps = 10_000)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(absolute);
        ArgumentOutOfRangeException.ThrowIfNegative(relative);
        if (_tableau.ErrorWeights is null)
        {
            throw new InvalidOperationException($"{_tableau.Name} has no embedded method to estimate the error with; use DormandPrince54 or another that has.");
        }

        var walk = _controlled ??= Traced(Expr.Shared("t"), Expr.Shared("h"), isControlled: true);
        Begin(walk);
        var n = start.Rows;
        walk.Reserve(n);
        walk.StartFrom(parameters, start.Span);
        walk.Set("absolute", absolute);
        walk.Set("relative", relative);
        NdArray<T>[] states = [.. walk.States.Select(s => walk[s.Name])];
        NdArray<T>[] kept = [.. states.Select(s => new NdArray<T>(s.Length))];
        var (span, sign) = (Math.Abs(to - from), Math.Sign(to - from));
        var (done, h, controller) = (0.0, 0.05 * span, new StepController(_tableau.Order));
        (Accepted, Rejected) = (0, 0);
        while (done < span)
        {
            if (Accepted + Rejected >= maximumSteps || h < 1e-9 * span)
            {
                throw new ArithmeticException(FormattableString.Invariant(
                    $"The adaptive ODE stands at t = {from + (sign * done):g4} after {Accepted + Rejected} steps with step {h:g2}; ")
                    + "raise the tolerance, or train longer if the field explodes there.");
            }

            // A last step of rounding size is merged into the one before.
            var last = done + (h * 1.0001) >= span;
            var step = last ? span - done : h;
            CopyAll(states, kept);
            walk.Set("t", from + (sign * done));
            walk.Set("h", sign * step);
            walk.Advance(parameters, n, s_one, default);
            var error = Math.Sqrt(double.CreateChecked(walk.Sum("error")[0]) / n);
            if (error <= 1)
            {
                Accepted++;
                done = last ? span : done + step;
                h = controller.AfterAccepted(step, error);
            }
            else
            {
                Rejected++;
                h = controller.AfterRejected(step, error);
                CopyAll(kept, states);
            }
        }

        return Result(walk, walk.Positions);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _walk?.Dispose();
        _controlled?.Dispose();
    }

    private static void CopyAll(NdArray<T>[] from, NdArray<T>[] to)
    {
        for (var v = 0; v < from.Length; v++)
        {
            from[v].Span.CopyTo(to[v].Span);
        }
    }

    private ParticleWalk<T> Traced(Expr t, Expr h, bool isControlled)
    {
        Expr[] values = _mode == DivergenceMode.None ? [Expr.Input("x", Dimension)] : [Expr.Input("x", Dimension), Expr.Input(Divergence)];
        var (next, error) = RungeKutta.Step(_tableau, Slopes, values, t, h);
        WalkState[] states = [.. values.Zip(next, (now, then) => new WalkState(now, then, IsGiven: ReferenceEquals(now, values[0])))];
        (string, Expr)[] sums = isControlled ? [("error", ScaledSquares(values, next, error!).BatchSum())] : [];
        return new ParticleWalk<T>(_parameters, states, 0, _options, sums) { Direction = WalkDirection.Either };
    }

    private Expr ScaledSquares(Expr[] values, Expr[] next, Expr[] error)
    {
        var (absolute, relative) = (Expr.Shared("absolute"), Expr.Shared("relative"));
        Expr squares = 0;
        for (var v = 0; v < values.Length; v++)
        {
            squares += (error[v] / (absolute + (relative * Expr.Max(values[v].Abs(), next[v].Abs())))).SquaredNorm();
        }

        return squares / (Dimension + values.Length - 1);
    }

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

    private void Begin(ParticleWalk<T> walk)
    {
        foreach (var (name, values) in _bound)
        {
            walk.Bind(name, values);
        }
    }

    private (NdArray<T> Positions, NdArray<T> Divergence) Result(ParticleWalk<T> walk, NdArray<T> positions) =>
        (positions, _mode == DivergenceMode.None ? new NdArray<T>(positions.Rows) : walk[Divergence]);
}
