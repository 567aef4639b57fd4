using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Dynamics;

/// <summary>
/// Carries particles along dX = (b + eps grad V) dt + sqrt(2 eps) dW, eps >= 0, by Euler-Maruyama steps, with the continuous-time log-weight
/// <code>
/// dA = (div b + b . grad V + dV/dt) dt,   A_0 = 0                                                                  (1)
/// </code>
/// for which E[exp(A_t) h(X_t)] / E[exp(A_t)] is the mean of h under exp(V_t) and E[exp(A_t)] = Z_t / Z_0, for any drift and diffusion, as the steps go to
/// zero (arXiv:2410.02711, the weighted Fokker-Planck equation; there with U = -V. Vaikuntanathan and Jarzynski, "Escorted free energy simulations", 2011).
/// The sum of (1) is by trapezoids. Where b = grad phi and eps > 0 the divergence can be had from Ito's formula without second derivatives,
/// <code>
/// div b dt = (d phi - dphi/dt dt - grad phi . dX) / eps                                                            (2)
/// </code>
/// At finite steps these weights hide the steps' bias, which the kernel weights of <see cref="TransportSde{T}"/> do not.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class EscortedLangevin<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CompiledProgram<T> _start;
    private readonly CompiledProgram<T> _step;
    private readonly string[] _states;
    private readonly Dictionary<string, NdArray<T>[]> _arrays = [];
    private int _current;

    /// <summary>Compiles the programs with the weights of equation 1.</summary>
    /// <param name="path">The path.</param>
    /// <param name="parameters">The drift's parameters; null if it has none.</param>
    /// <param name="drift">b(x, t); null for none, which is annealed importance sampling in continuous time.</param>
    /// <param name="capacity">The largest number of particles.</param>
    /// <param name="startStream">The random stream of the base draws.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public EscortedLangevin(IDensityPath path, ParameterSet? parameters, IVectorField? drift, int capacity, int startStream, int noiseStream, ExecutionOptions? options = null)
        : this(path, parameters, (x, t) => Rates(path, drift, x, t), ["drift", "score", "rate"], capacity, startStream, noiseStream, options)
    {
    }

    /// <summary>Compiles the programs with the weights of equation 2 for the drift grad phi; the diffusion must be above 0.</summary>
    /// <param name="path">The path.</param>
    /// <param name="parameters">The potential's parameters; null if it has none.</param>
    /// <param name="potential">phi(x, t), a scalar.</param>
    /// <param name="capacity">The largest number of particles.</param>
    /// <param name="startStream">The random stream of the base draws.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public EscortedLangevin(IDensityPath path, ParameterSet? parameters, Func<Expr, Expr, Expr> potential, int capacity, int startStream, int noiseStream, ExecutionOptions? options = null)
        : this(path, parameters, (x, t) => PotentialRates(path, potential, x, t), ["drift", "score", "rate", "potential", "potentialSlope"], capacity, startStream, noiseStream, options)
    {
    }

    private EscortedLangevin(IDensityPath path, ParameterSet? parameters, Func<Expr, Expr, Expr[]> rates, string[] carried, int capacity, int startStream, int noiseStream, ExecutionOptions? options)
    {
        var d = path.Dimension;
        Path = path;
        Capacity = capacity;

        // The time of the start is an input, because a path's time derivative can't be taken at a constant.
        var (first, begin) = (path.BaseDraw(startStream), Expr.Shared("begin"));
        var starts = rates(first, begin);

        // What is the same for all particles, such as a drift that is zero, is traced anew instead of carried along.
        int[] kept = [.. Enumerable.Range(0, carried.Length).Where(k => !starts[k].IsUniform)];
        _states = ["x", .. kept.Select(k => carried[k]), "logWeight"];
        _start = new CompiledProgram<T>(new TracedProgram(parameters, [("x", first), .. kept.Select(k => (carried[k], starts[k]))]), options);

        var x = Expr.Input("x", d);
        var (t, next, h, eps) = (Expr.PerStep("t"), Expr.PerStep("tNext"), Expr.PerStep("h"), Expr.PerStep("diffusion"));
        var uniform = rates(x, t);
        Expr[] now = [.. starts.Select((value, k) => value.IsUniform ? uniform[k] : value.Shape.Rank == 0 ? Expr.Input(carried[k]) : Expr.Input(carried[k], d))];
        var logWeight = Expr.Input("logWeight");
        var move = (h * (now[0] + (eps * now[1]))) + ((2 * eps * h).Sqrt() * Expr.Random(RandomLaw.Normal, noiseStream, d));
        var xNext = x + move;
        var then = rates(xNext, next);
        var gain = 0.5 * h * (now[2] + then[2]);
        if (carried.Length > 3)
        {
            // Ito sums take grad phi and dphi/dt at the begin of the step.
            gain += (then[3] - now[3] - (h * now[4]) - Expr.Dot(now[0], move)) / eps;
        }

        _step = new CompiledProgram<T>(
            new TracedProgram(parameters, [("xNext", xNext), .. kept.Select(k => (carried[k] + "Next", then[k])), ("logWeightNext", logWeight + gain)]),
            options,
            [.. _states.Select(name => (name + "Next", name))]);
        foreach (var name in _states)
        {
            var vector = name is "x" or "drift" or "score";
            _arrays[name] = vector ? [new NdArray<T>(capacity, d), new NdArray<T>(capacity, d)] : [new NdArray<T>(capacity), new NdArray<T>(capacity)];
        }
    }

    /// <summary>The path.</summary>
    public IDensityPath Path { get; }

    /// <summary>The largest number of particles.</summary>
    public int Capacity { get; }

    /// <summary>The particles' positions [capacity, d]; valid for the particles of the last call.</summary>
    public NdArray<T> Positions => _arrays["x"][_current];

    /// <summary>The log-weights A [capacity].</summary>
    public NdArray<T> LogWeights => _arrays["logWeight"][_current];

    /// <summary>Evaluations of the target's log density or score so far.</summary>
    public long TargetCalls { get; private set; }

    /// <summary>Draws particles from the base, with A = 0.</summary>
    /// <param name="parameters">The drift's parameters [P]; null if it has none.</param>
    /// <param name="particles">Their number.</param>
    /// <param name="draw">The place in the random streams.</param>
    public void Start(NdArray<T>? parameters, int particles, DrawKey draw)
    {
        _current = 0;
        _start.Parameters = parameters ?? _start.Parameters;
        foreach (var name in _states[..^1])
        {
            _start[name] = _arrays[name][0];
        }

        _start.BindIfUsed("begin", new NdArray<T>(1));
        _start.Run(particles, draw);
        LogWeights.Span.Clear();
        TargetCalls += particles;
    }

    /// <summary>Takes the steps of a grid.</summary>
    /// <param name="parameters">The drift's parameters [P]; null if it has none.</param>
    /// <param name="particles">The particles' number.</param>
    /// <param name="grid">The times, steps and diffusions; a part of the whole grid if the run is done in segments.</param>
    /// <param name="draw">The place in the random streams; its step must differ from segment to segment by the segment's length.</param>
    public void Advance(NdArray<T>? parameters, int particles, SdeGrid<T> grid, DrawKey draw)
    {
        _step.Parameters = parameters ?? _step.Parameters;
        var next = 1 - _current;
        foreach (var name in _states)
        {
            _step.BindIfUsed(name, _arrays[name][_current]);
            _step[name + "Next"] = _arrays[name][next];
        }

        _step.BindIfUsed("t", grid.Times);
        _step.BindIfUsed("tNext", grid.NextTimes);
        _step.BindIfUsed("h", grid.Steps);
        _step.BindIfUsed("diffusion", grid.Diffusions);
        _step.Iterate(particles, grid.Count, draw);
        _current = next;
        TargetCalls += (long)particles * grid.Count;
    }

    /// <summary>Replaces each particle by a copy of its ancestor and sets A to 0.</summary>
    /// <param name="ancestors">The ancestor of each particle, as systematic resampling gives them.</param>
    public void Select(ReadOnlySpan<int> ancestors)
    {
        var next = 1 - _current;
        foreach (var name in _states)
        {
            for (var i = 0; i < ancestors.Length; i++)
            {
                _arrays[name][_current].Row(ancestors[i]).CopyTo(_arrays[name][next].Row(i));
            }
        }

        _current = next;
        LogWeights.Span.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _start.Dispose();
        _step.Dispose();
    }

    private static Expr[] Rates(IDensityPath path, IVectorField? drift, Expr x, Expr t)
    {
        var (score, slope) = (path.Score(x, t), path.TimeDerivative(x, t));
        if (drift is null)
        {
            return [Expr.Constant(0).BroadcastTo(x.Shape), score, slope];
        }

        var (b, divergence) = drift.WithDivergence(x, t);
        return [b, score, divergence + Expr.Dot(b, score) + slope];
    }

    private static Expr[] PotentialRates(IDensityPath path, Func<Expr, Expr, Expr> potential, Expr x, Expr t)
    {
        var value = potential(x, t);
        var (score, b) = (path.Score(x, t), Derivative.Gradient(value, x));
        return [b, score, Expr.Dot(b, score) + path.TimeDerivative(x, t), value, Derivative.Gradient(value, t)];
    }
}
