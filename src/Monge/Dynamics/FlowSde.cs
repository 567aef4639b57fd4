using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Dynamics;

/// <summary>
/// Carries particles along the SDEs that share the marginals of dx/dt = b(x, t): forward dX = (b + eps s) dt + sqrt(2 eps) dW, or backward in time with drift b - eps s
/// (arXiv:2303.08797, section 2.3), eps(t) chosen after training. A step adds its noise first and then takes a two-stage drift step (T. Karras et al., arXiv:2206.00364,
/// Algorithm 2).
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class FlowSde<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const string PositionInput = "sde.x";
    private const string IntegralInput = "sde.integral";

    private readonly CompiledProgram<T> _step;
    private readonly bool _withIntegral;

    /// <summary>Compiles the step.</summary>
    /// <param name="parameters">The field's parameters; null if it has none.</param>
    /// <param name="drift">The drift that steps follow, as a velocity in growing t: b + eps s forward, b - eps s backward, or b + eps s backward for the Feynman-Kac formula.</param>
    /// <param name="diffusion">eps(t), of the time at which a step begins.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="withIntegral">Whether to accumulate the drift's divergence over time.</param>
    /// <param name="options">How to execute.</param>
    public FlowSde(ParameterSet? parameters, IVectorField drift, Func<Expr, Expr> diffusion, int noiseStream, bool withIntegral = false, ExecutionOptions? options = null)
    {
        (Dimension, _withIntegral) = (drift.Dimension, withIntegral);
        var (x, integral) = (Expr.Input(PositionInput, Dimension), Expr.Input(IntegralInput));
        var (t, h) = (Expr.PerStep("sde.t"), Expr.PerStep("sde.h"));
        var moved = x + ((2 * diffusion(t) * h.Abs()).Sqrt() * Expr.Random(RandomLaw.Normal, noiseStream, Dimension));
        if (!withIntegral)
        {
            var first = drift.Apply(moved, t);
            var next = moved + (0.5 * h * (first + drift.Apply(moved + (h * first), t + h)));
            _step = new CompiledProgram<T>(new TracedProgram(parameters, ("xNext", next)), options, ("xNext", PositionInput));
        }
        else
        {
            var (first, divergence) = drift.WithDivergence(moved, t);
            var (second, divergenceNext) = drift.WithDivergence(moved + (h * first), t + h);
            var next = moved + (0.5 * h * (first + second));
            var sum = integral + (0.5 * h * (divergence + divergenceNext));
            _step = new CompiledProgram<T>(
                new TracedProgram(parameters, ("xNext", next), ("integralNext", sum)), options, ("xNext", PositionInput), ("integralNext", IntegralInput));
        }
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>Binds a further per-sample input of the field, such as a condition.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">Its values [n, ...].</param>
    public void Bind(string name, NdArray<T> values) => _step.BindIfUsed(name, values);

    /// <summary>Carries particles in equal steps.</summary>
    /// <param name="parameters">The field's parameters [P]; null if it has none.</param>
    /// <param name="start">The positions [n, d] at the first time.</param>
    /// <param name="from">The first time.</param>
    /// <param name="to">The last time; before the first to go backward.</param>
    /// <param name="steps">Number of steps.</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <returns>The positions [n, d] at the last time, and the integral of the drift's divergence in the sense of the steps [n]; zeros without it.</returns>
    public (NdArray<T> Positions, NdArray<T> Integral) Run(NdArray<T>? parameters, NdArray<T> start, double from, double to, int steps, DrawKey draw)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        var n = start.Rows;
        var (times, lengths) = (new NdArray<T>(steps), new NdArray<T>(steps));
        for (var k = 0; k < steps; k++)
        {
            times[k] = T.CreateChecked(from + ((to - from) * k / steps));
            lengths[k] = T.CreateChecked((to - from) / steps);
        }

        _step.Parameters = parameters ?? _step.Parameters;
        var (positions, integral) = (new NdArray<T>(n, Dimension), new NdArray<T>(n));
        (_step[PositionInput], _step["xNext"]) = (start, positions);
        if (_withIntegral)
        {
            (_step[IntegralInput], _step["integralNext"]) = (new NdArray<T>(n), integral);
        }

        _step.BindIfUsed("sde.t", times);
        _step.BindIfUsed("sde.h", lengths);
        _step.Iterate(n, steps, draw);
        return (positions, integral);
    }

    /// <inheritdoc/>
    public void Dispose() => _step.Dispose();
}
