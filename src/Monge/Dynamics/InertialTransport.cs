using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Dynamics;

/// <summary>
/// The inertial form of <see cref="EscortedLangevin{T}"/>: positions with momenta under H_t = -V_t(x) + |p|^2 / 2,
/// <code>
/// dX = (s P + b) dt,   dP = s grad V dt - s gamma P dt + sqrt(2 s gamma) dW,   dA = (div b + b . grad V + dV/dt) dt
/// </code>
/// with a speed s that may differ from step to step, for which E[exp(A_t)] = Z_t / Z_0 for any drift, speed and friction, as the steps go to zero (arXiv:2410.02711, the weights for the density exp(-H_t); without b it is
/// Jarzynski's equality for underdamped dynamics). A step is the splitting kick, move, friction, move, kick (Leimkuhler and Matthews, "Rational construction of stochastic numerical
/// methods for molecular sampling", 2013); the weight is summed by trapezoids.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class InertialTransport<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private static readonly string[] s_states = ["x", "momentum", "logWeight"];
    private readonly CompiledProgram<T> _start;
    private readonly CompiledProgram<T> _step;
    private readonly NdArray<T>[][] _arrays;
    private int _current;

    /// <summary>Compiles the programs.</summary>
    /// <param name="path">The path.</param>
    /// <param name="parameters">The drift's parameters; null if it has none.</param>
    /// <param name="drift">b(x, t); null for none.</param>
    /// <param name="friction">gamma, above 0, per unit of time at speed 1.</param>
    /// <param name="capacity">The largest number of particles.</param>
    /// <param name="startStream">The random stream of the base draws.</param>
    /// <param name="momentumStream">The random stream of the first momenta.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public InertialTransport(
        IDensityPath path, ParameterSet? parameters, IVectorField? drift, double friction, int capacity, int startStream, int momentumStream, int noiseStream, ExecutionOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(friction);
        var d = path.Dimension;
        Capacity = capacity;
        _start = new CompiledProgram<T>(
            new TracedProgram(parameters, ("x", path.BaseDraw(startStream)), ("momentum", Expr.Random(RandomLaw.Normal, momentumStream, d))), options);

        var (x, p, logWeight) = (Expr.Input("x", d), Expr.Input("momentum", d), Expr.Input("logWeight"));
        var (t, next, h, speed) = (Expr.PerStep("t"), Expr.PerStep("tNext"), Expr.PerStep("h"), Expr.PerStep("speed"));
        Expr Move(Expr at, Expr momentum, Expr time) => at + (0.5 * h * (drift is null ? speed * momentum : (speed * momentum) + drift.Apply(at, time)));
        var kept = (-friction * speed * h).Exp();
        var kicked = p + (0.5 * h * speed * path.Score(x, t));
        var halfway = Move(x, kicked, t);
        var thermal = (kept * kicked) + ((1 - kept.Square()).Sqrt() * Expr.Random(RandomLaw.Normal, noiseStream, d));
        // In terms of t and h: the time derivative of the path by the next time may not reach into the position.
        var xNext = Move(halfway, thermal, t + (0.5 * h));
        var pNext = thermal + (0.5 * h * speed * path.Score(xNext, next));
        var gain = 0.5 * h * (Rate(path, drift, x, t) + Rate(path, drift, xNext, next));
        _step = new CompiledProgram<T>(
            new TracedProgram(parameters, ("xNext", xNext), ("momentumNext", pNext), ("logWeightNext", logWeight + gain)), options, [.. s_states.Select(s => (s + "Next", s))]);
        _arrays = [[new NdArray<T>(capacity, d), new NdArray<T>(capacity, d), new NdArray<T>(capacity)], [new NdArray<T>(capacity, d), new NdArray<T>(capacity, d), new NdArray<T>(capacity)]];
    }

    /// <summary>The largest number of particles.</summary>
    public int Capacity { get; }

    /// <summary>Evaluations of the target's log density or score so far; the two of a step at its end are one.</summary>
    public long TargetCalls { get; private set; }

    /// <summary>The positions [capacity, d].</summary>
    public NdArray<T> Positions => _arrays[_current][0];

    /// <summary>The momenta [capacity, d], standard normal under the weights.</summary>
    public NdArray<T> Momenta => _arrays[_current][1];

    /// <summary>The log-weights A [capacity].</summary>
    public NdArray<T> LogWeights => _arrays[_current][2];

    /// <summary>Draws positions from the base and momenta from the standard normal, with A = 0.</summary>
    /// <param name="parameters">The drift's parameters [P]; null if it has none.</param>
    /// <param name="particles">Their number.</param>
    /// <param name="draw">The place in the random streams.</param>
    public void Start(NdArray<T>? parameters, int particles, DrawKey draw)
    {
        _current = 0;
        _start.Parameters = parameters ?? _start.Parameters;
        (_start["x"], _start["momentum"]) = (Positions, Momenta);
        _start.Run(particles, draw);
        TargetCalls += particles;
        LogWeights.Span.Clear();
    }

    /// <summary>Takes the steps of a grid, whose diffusions are the speeds s.</summary>
    /// <param name="parameters">The drift's parameters [P]; null if it has none.</param>
    /// <param name="particles">The particles' number.</param>
    /// <param name="grid">The times, steps and speeds; a part of the whole grid if the run is done in segments.</param>
    /// <param name="draw">The place in the random streams; its step must differ from segment to segment by the segment's length.</param>
    public void Advance(NdArray<T>? parameters, int particles, SdeGrid<T> grid, DrawKey draw)
    {
        _step.Parameters = parameters ?? _step.Parameters;
        for (var k = 0; k < s_states.Length; k++)
        {
            (_step[s_states[k]], _step[s_states[k] + "Next"]) = (_arrays[_current][k], _arrays[1 - _current][k]);
        }

        _step.BindIfUsed("t", grid.Times);
        _step.BindIfUsed("tNext", grid.NextTimes);
        _step.BindIfUsed("h", grid.Steps);
        _step.BindIfUsed("speed", grid.Diffusions);
        _step.Iterate(particles, grid.Count, draw);
        _current = 1 - _current;
        TargetCalls += (long)particles * grid.Count;
    }

    /// <summary>Replaces each particle, momentum included, by a copy of its ancestor and sets A to 0.</summary>
    /// <param name="ancestors">The ancestor of each particle, as systematic resampling gives them.</param>
    public void Select(ReadOnlySpan<int> ancestors)
    {
        for (var i = 0; i < ancestors.Length; i++)
        {
            Positions.Row(ancestors[i]).CopyTo(_arrays[1 - _current][0].Row(i));
            Momenta.Row(ancestors[i]).CopyTo(_arrays[1 - _current][1].Row(i));
        }

        _current = 1 - _current;
        LogWeights.Span.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _start.Dispose();
        _step.Dispose();
    }

    private static Expr Rate(IDensityPath path, IVectorField? drift, Expr x, Expr t)
    {
        if (drift is null)
        {
            return path.TimeDerivative(x, t);
        }

        var (b, divergence) = drift.WithDivergence(x, t);
        return divergence + Expr.Dot(b, path.Score(x, t)) + path.TimeDerivative(x, t);
    }
}
