using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Dynamics;

/// <summary>
/// Carries particles along dx/dt = b(x, t) from t = 0 to 1 in equal Runge-Kutta steps, with the accumulated divergence D = int div b dt: the log density
/// of a particle falls by D. With the base p0 and the target rho, log w = log rho(x_1) - log p0(x_0) + D is exact as the step goes to zero.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class TransportOde<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CompiledProgram<T> _step;

    /// <summary>Compiles the step.</summary>
    /// <param name="parameters">The drift's parameters; null if it has none.</param>
    /// <param name="drift">b(x, t) [d].</param>
    /// <param name="tableau">The Runge-Kutta method.</param>
    /// <param name="options">How to execute.</param>
    public TransportOde(ParameterSet? parameters, IVectorField drift, RungeKuttaTableau tableau, ExecutionOptions? options = null)
    {
        Dimension = drift.Dimension;
        var (x, divergence) = (Expr.Input("x", Dimension), Expr.Input("divergence"));
        var (t, h) = (Expr.PerStep("t"), Expr.PerStep("h"));
        var (next, _) = RungeKutta.Step(tableau, (values, time) => Slope(drift, values[0], time), [x, divergence], t, h);
        var program = new TracedProgram(parameters, ("xNext", next[0]), ("divergenceNext", next[1]));
        _step = new CompiledProgram<T>(program, options, ("xNext", "x"), ("divergenceNext", "divergence"));
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>Carries particles.</summary>
    /// <param name="parameters">The drift's parameters [P]; null if it has none.</param>
    /// <param name="start">The positions [n, d] at t = 0.</param>
    /// <param name="steps">Number of equal steps, at least 1.</param>
    /// <returns>The positions [n, d] at t = 1 and D [n].</returns>
    public (NdArray<T> Positions, NdArray<T> Divergence) Run(NdArray<T>? parameters, NdArray<T> start, int steps) => Run(parameters, start, steps, backward: false);

    /// <summary>Carries particles back from t = 1 to 0.</summary>
    /// <param name="parameters">The drift's parameters [P]; null if it has none.</param>
    /// <param name="end">The positions [n, d] at t = 1.</param>
    /// <param name="steps">Number of equal steps, at least 1.</param>
    /// <returns>The positions [n, d] at t = 0 and D [n] = int div b dt along the path in the sense of growing t, so that the log-weight is log rho(x_1) - log p0(x_0) + D here too.</returns>
    public (NdArray<T> Positions, NdArray<T> Divergence) RunBackward(NdArray<T>? parameters, NdArray<T> end, int steps)
    {
        var (positions, divergence) = Run(parameters, end, steps, backward: true);
        foreach (ref var value in divergence.Span)
        {
            value = -value;
        }

        return (positions, divergence);
    }

    private (NdArray<T> Positions, NdArray<T> Divergence) Run(NdArray<T>? parameters, NdArray<T> start, int steps, bool backward)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        var n = start.Rows;
        var (positions, divergence) = (new NdArray<T>(n, Dimension), new NdArray<T>(n));
        var (t, h) = (new NdArray<T>(steps), new NdArray<T>(steps));
        for (var k = 0; k < steps; k++)
        {
            t[k] = T.CreateChecked((double)(backward ? steps - k : k) / steps);
            h[k] = T.CreateChecked((backward ? -1.0 : 1.0) / steps);
        }

        if (parameters is not null)
        {
            _step.Parameters = parameters;
        }

        _step["x"] = start;
        _step["divergence"] = new NdArray<T>(n);
        _step.BindIfUsed("t", t);
        _step.BindIfUsed("h", h);
        _step["xNext"] = positions;
        _step["divergenceNext"] = divergence;
        _step.Iterate(n, steps);
        return (positions, divergence);
    }

    /// <inheritdoc/>
    public void Dispose() => _step.Dispose();

    internal static Expr[] Slope(IVectorField drift, Expr x, Expr t)
    {
        var (b, divergence) = drift.WithDivergence(x, t);
        return [b, divergence];
    }
}
