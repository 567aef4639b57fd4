using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Dynamics;

/// <summary>
/// As <see cref="TransportOde{T}"/>, with steps chosen so that the embedded error estimate, in root mean square over particles and coordinates and scaled by
/// absolute + relative * |x|, stays at 1 (proportional-integral control; Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, II.4).
/// One step size serves all particles.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class AdaptiveTransportOde<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CompiledProgram<T> _step;
    private readonly int _order;

    /// <summary>Compiles the step.</summary>
    /// <param name="parameters">The drift's parameters; null if it has none.</param>
    /// <param name="drift">b(x, t) [d].</param>
    /// <param name="tableau">A Runge-Kutta method with an embedded one.</param>
    /// <param name="absolute">Absolute tolerance, above 0.</param>
    /// <param name="relative">Relative tolerance, at least 0.</param>
    /// <param name="options">How to execute.</param>
    /// <exception cref="ArgumentException">The method has no embedded method.</exception>
    public AdaptiveTransportOde(ParameterSet? parameters, IVectorField drift, RungeKuttaTableau tableau, double absolute = 1e-6, double relative = 1e-6, ExecutionOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(absolute);
        ArgumentOutOfRangeException.ThrowIfNegative(relative);
        if (tableau.ErrorWeights is null)
        {
            throw new ArgumentException($"{tableau.Name} has no embedded method to estimate the error with; use Heun, DormandPrince54 or Tsitouras54.", nameof(tableau));
        }

        var dimension = Dimension = drift.Dimension;
        _order = tableau.Order;
        var (x, divergence, t, h) = (Expr.Input("x", dimension), Expr.Input("divergence"), Expr.Shared("t"), Expr.Shared("h"));
        var (next, error) = RungeKutta.Step(tableau, (values, time) => TransportOde<T>.Slope(drift, values[0], time), [x, divergence], t, h);
        var positionError = (error![0] / (absolute + (relative * Expr.Max(x.Abs(), next[0].Abs())))).SquaredNorm();
        var divergenceError = (error[1] / (absolute + (relative * Expr.Max(divergence.Abs(), next[1].Abs())))).Square();
        var squares = ((positionError + divergenceError) / (dimension + 1)).BatchSum();
        _step = new CompiledProgram<T>(new TracedProgram(parameters, ("xNext", next[0]), ("divergenceNext", next[1]), ("error", squares)), options);
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>Steps accepted in the last run.</summary>
    public int Accepted { get; private set; }

    /// <summary>Steps rejected in the last run.</summary>
    public int Rejected { get; private set; }

    /// <summary>Carries particles from t = 0 to 1.</summary>
    /// <param name="parameters">The drift's parameters [P]; null if it has none.</param>
    /// <param name="start">The positions [n, d] at t = 0.</param>
    /// <param name="maximumSteps">Steps after which the run is given up.</param>
    /// <returns>The positions [n, d] at t = 1 and D [n].</returns>
    /// <exception cref="ArithmeticException">The step shrinks to nothing or the maximum of steps is reached: the drift explodes or the tolerance is too small for the number format.</exception>
    public (NdArray<T> Positions, NdArray<T> Divergence) Run(NdArray<T>? parameters, NdArray<T> start, int maximumSteps = 10_000)
    {
        var n = start.Rows;
        if (parameters is not null)
        {
            _step.Parameters = parameters;
        }

        var (positions, divergence) = (NdArray<T>.From(start.Span, n, Dimension), new NdArray<T>(n));
        var (nextPositions, nextDivergence) = (new NdArray<T>(n, Dimension), new NdArray<T>(n));
        var (time, length) = (new NdArray<T>(), new NdArray<T>());
        _step.BindIfUsed("t", time);
        _step.BindIfUsed("h", length);
        var (t, h, before) = (0.0, 0.05, 1.0);
        (Accepted, Rejected) = (0, 0);
        while (t < 1)
        {
            if (Accepted + Rejected >= maximumSteps || h < 1e-9)
            {
                throw new ArithmeticException(FormattableString.Invariant($"The adaptive ODE stands at t = {t:g4} after {Accepted + Rejected} steps with step {h:g2}; raise the tolerance, or train longer if the drift explodes there."));
            }

            // A last step of rounding size is merged into the one before.
            var last = t + (h * 1.0001) >= 1;
            var step = last ? 1 - t : h;
            (_step["x"], _step["divergence"]) = (positions, divergence);
            (_step["xNext"], _step["divergenceNext"]) = (nextPositions, nextDivergence);
            (time[0], length[0]) = (T.CreateChecked(t), T.CreateChecked(step));
            _step.Run(n);
            var error = Math.Sqrt(double.CreateChecked(_step["error"][0]) / n);
            if (error <= 1)
            {
                Accepted++;
                t = last ? 1 : t + step;
                (positions, nextPositions) = (nextPositions, positions);
                (divergence, nextDivergence) = (nextDivergence, divergence);
                var raised = Math.Max(error, 1e-10);
                h = step * Math.Clamp(0.9 * Math.Pow(raised, -0.7 / _order) * Math.Pow(before, 0.4 / _order), 0.2, 5);
                before = raised;
            }
            else
            {
                Rejected++;
                h = step * (double.IsFinite(error) ? Math.Clamp(0.9 * Math.Pow(error, -1.0 / _order), 0.1, 0.9) : 0.1);
            }
        }

        return (positions, divergence);
    }

    /// <inheritdoc/>
    public void Dispose() => _step.Dispose();
}
