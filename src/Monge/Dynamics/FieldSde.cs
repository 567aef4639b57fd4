using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;

namespace Monge.Dynamics;

/// <summary>
/// Carries given particles along dX = f(X, t) dt + sqrt(2 eps(t)) dW between any two times, up or down, without weights. Down in time a step is
/// x - h f(x, t) + sqrt(2 eps h) z: with f = b - eps s it is the backward SDE of an interpolant, with f = b + eps s the walk of the Feynman-Kac formula.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class FieldSde<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CompiledProgram<T> _step;
    private readonly bool _hasDivergence;

    /// <summary>Compiles the step.</summary>
    /// <param name="parameters">The drift's parameters; null if it has none.</param>
    /// <param name="drift">f(x, t) [d].</param>
    /// <param name="scheme">Euler-Maruyama; or Heun's predictor and corrector with one noise for both, of weak order 2 as the noise doesn't depend on the position (E. Platen, Acta Numerica 1999).</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="withDivergence">Whether to add up the integral of div f dt along the paths, by the trapezoidal rule under Heun.</param>
    /// <param name="options">How to execute.</param>
    public FieldSde(ParameterSet? parameters, IVectorField drift, SdeScheme scheme, int noiseStream, bool withDivergence = false, ExecutionOptions? options = null)
    {
        Dimension = drift.Dimension;
        _hasDivergence = withDivergence;
        var (x, sum) = (Expr.Input("sde.x", Dimension), Expr.Input("sde.divergence"));
        var (t, h, deviation) = (Expr.PerStep("sde.t"), Expr.PerStep("sde.h"), Expr.PerStep("sde.deviation"));
        var noise = deviation * Expr.Random(RandomLaw.Normal, noiseStream, Dimension);
        (Expr Slope, Expr Divergence) At(Expr position, Expr time) => withDivergence ? drift.WithDivergence(position, time) : (drift.Apply(position, time), 0);
        var (slope, divergence) = At(x, t);
        var next = x + (h * slope) + noise;
        if (scheme == SdeScheme.Heun)
        {
            var (slopeThere, divergenceThere) = At(next, t + h);
            next = x + (0.5 * h * (slope + slopeThere)) + noise;
            divergence = 0.5 * (divergence + divergenceThere);
        }

        List<(string, Expr)> outputs = [("sde.xNext", next)];
        List<(string, string)> feedback = [("sde.xNext", "sde.x")];
        if (withDivergence)
        {
            outputs.Add(("sde.divergenceNext", sum + (h * divergence)));
            feedback.Add(("sde.divergenceNext", "sde.divergence"));
        }

        _step = new CompiledProgram<T>(new TracedProgram(parameters, [.. outputs]), options, [.. feedback]);
    }

    /// <summary>d.</summary>
    public int Dimension { get; }

    /// <summary>Binds a further per-sample input of the drift, such as a condition.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">Its values [n, ...].</param>
    public void Bind(string name, NdArray<T> values) => _step.BindIfUsed(name, values);

    /// <summary>Carries particles through a list of times.</summary>
    /// <param name="parameters">The drift's parameters [P]; null if it has none.</param>
    /// <param name="start">The positions [n, d] at the first time.</param>
    /// <param name="times">The times, rising or falling strictly; at least two.</param>
    /// <param name="diffusion">eps of the step between two times, at least 0.</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <returns>The positions [n, d] at the last time, and the integral [n] of div f dt in the sense of the times given (null if it isn't added up).</returns>
    /// <exception cref="ArgumentException">There are fewer than two times, or they neither rise nor fall.</exception>
    public (NdArray<T> Positions, NdArray<T>? Divergence) Run(NdArray<T>? parameters, NdArray<T> start, ReadOnlySpan<double> times, Func<double, double, double> diffusion, DrawKey draw)
    {
        var (n, steps) = (start.Rows, times.Length - 1);
        if (steps < 1)
        {
            throw new ArgumentException("A run needs at least two times.", nameof(times));
        }

        var (t, h, deviation) = (new NdArray<T>(steps), new NdArray<T>(steps), new NdArray<T>(steps));
        for (var k = 0; k < steps; k++)
        {
            var length = times[k + 1] - times[k];
            if (!(length * (times[^1] - times[0]) > 0))
            {
                throw new ArgumentException(FormattableString.Invariant($"The times of a run must rise or fall throughout, but {times[k + 1]} follows {times[k]}."), nameof(times));
            }

            t[k] = T.CreateChecked(times[k]);
            h[k] = T.CreateChecked(length);
            deviation[k] = T.CreateChecked(Math.Sqrt(2 * diffusion(times[k], times[k + 1]) * Math.Abs(length)));
        }

        _step.Parameters = parameters ?? _step.Parameters;
        var positions = new NdArray<T>(n, Dimension);
        var divergence = _hasDivergence ? new NdArray<T>(n) : null;
        _step["sde.x"] = start;
        _step["sde.xNext"] = positions;
        if (divergence is not null)
        {
            _step["sde.divergence"] = new NdArray<T>(n);
            _step["sde.divergenceNext"] = divergence;
        }

        _step.BindIfUsed("sde.t", t);
        _step.BindIfUsed("sde.h", h);
        _step.BindIfUsed("sde.deviation", deviation);
        _step.Iterate(n, steps, draw);
        return (positions, divergence);
    }

    /// <summary>Equally spaced times.</summary>
    /// <param name="from">The first.</param>
    /// <param name="to">The last.</param>
    /// <param name="steps">Steps between them.</param>
    public static double[] EqualTimes(double from, double to, int steps) => [.. Enumerable.Range(0, steps + 1).Select(k => from + ((to - from) * k / steps))];

    /// <inheritdoc/>
    public void Dispose() => _step.Dispose();
}
