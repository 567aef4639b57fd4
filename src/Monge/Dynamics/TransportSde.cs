using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Dynamics;

/// <summary>How a step of the SDE is taken.</summary>
public enum SdeScheme
{
    /// <summary>The slope at the start of the step: weak order 1.</summary>
    EulerMaruyama,

    /// <summary>The mean of the slopes at both ends of a noiseless Euler step: second order in the drift.</summary>
    Heun,
}

/// <summary>
/// Carries particles along dX = (b + eps grad V) dt + sqrt(2 eps) dW with forward/backward kernel weights, exact at any step size and for any drift b
/// (arXiv:2410.02711; there as N+ and N-): the step draws x' ~ N(M+(x), 2 eps h I), and the weight gains
/// log N(x; M-(x'), 2 eps h I) - log N(x'; M+(x), 2 eps h I), where M+ takes a step with b + eps grad V at t and M- one with -b + eps grad V at t + h.
/// After the last step log w = log rho(x_K) - log p0(x_0) + these gains, and E[w] = Z.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class TransportSde<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly CompiledProgram<T> _start;
    private readonly CompiledProgram<T> _step;
    private readonly NdArray<T>[] _positions;
    private readonly NdArray<T>[] _drifts;
    private readonly NdArray<T>[] _scores;
    private readonly NdArray<T>[] _gains;
    private readonly bool _hasDrift;
    private readonly int _callsPerStep;
    private int _current;

    /// <summary>Compiles the programs.</summary>
    /// <param name="path">The path, whose score is grad V.</param>
    /// <param name="parameters">The drift's parameters; null if it has none.</param>
    /// <param name="drift">b(x, t) [d]; null for none, which is annealed importance sampling with Langevin kernels.</param>
    /// <param name="scheme">How a step is taken.</param>
    /// <param name="capacity">The largest number of particles.</param>
    /// <param name="startStream">The random stream of the base draws.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public TransportSde(IDensityPath path, ParameterSet? parameters, IVectorField? drift, SdeScheme scheme, int capacity, int startStream, int noiseStream, ExecutionOptions? options = null)
    {
        var d = path.Dimension;
        Path = path;
        Capacity = capacity;
        _hasDrift = drift is not null;
        Func<Expr, Expr, Expr> field = drift is null ? (x, _) => Expr.Constant(0).BroadcastTo(x.Shape) : drift.Apply;
        var first = path.BaseDraw(startStream);
        List<(string, Expr)> starts = [("x", first), ("score", path.Score(first, 0)), ("logBase", path.LogBase(first))];
        if (_hasDrift)
        {
            starts.Add(("drift", field(first, 0)));
        }

        _start = new CompiledProgram<T>(new TracedProgram(parameters, [.. starts]), options);

        var (x, s, gain) = (Expr.Input("x", d), Expr.Input("score", d), Expr.Input("gain"));
        var b = _hasDrift ? Expr.Input("drift", d) : Expr.Constant(0).BroadcastTo(x.Shape);
        var (t, next, h, eps) = (Expr.PerStep("t"), Expr.PerStep("tNext"), Expr.PerStep("h"), Expr.PerStep("diffusion"));
        var noise = Expr.Random(RandomLaw.Normal, noiseStream, d);
        var slope = b + (eps * s);
        var kernels = new TransportKernels(path, field, scheme);
        var xNext = kernels.Forward(x, slope, t, next, h, eps) + ((2 * eps * h).Sqrt() * noise);
        var bNext = field(xNext, next);
        var sNext = path.Score(xNext, next);
        var backMean = kernels.Backward(xNext, (eps * sNext) - bNext, t, h, eps);

        var gainNext = gain + (0.5 * noise.SquaredNorm()) - ((x - backMean).SquaredNorm() / (4 * eps * h));
        List<(string, Expr)> nexts = [("xNext", xNext), ("scoreNext", sNext), ("gainNext", gainNext)];
        List<(string, string)> feedback = [("xNext", "x"), ("scoreNext", "score"), ("gainNext", "gain")];
        if (_hasDrift)
        {
            nexts.Add(("driftNext", bNext));
            feedback.Add(("driftNext", "drift"));
        }

        _step = new CompiledProgram<T>(new TracedProgram(parameters, [.. nexts]), options, [.. feedback]);

        _positions = [new NdArray<T>(capacity, d), new NdArray<T>(capacity, d)];
        _drifts = [new NdArray<T>(capacity, d), new NdArray<T>(capacity, d)];
        _scores = [new NdArray<T>(capacity, d), new NdArray<T>(capacity, d)];
        _gains = [new NdArray<T>(capacity), new NdArray<T>(capacity)];
        LogBase = new NdArray<T>(capacity);
        _callsPerStep = scheme == SdeScheme.Heun ? 3 : 1;
    }

    /// <summary>The path.</summary>
    public IDensityPath Path { get; }

    /// <summary>The largest number of particles.</summary>
    public int Capacity { get; }

    /// <summary>The particles' positions [capacity, d]; valid for the particles of the last call.</summary>
    public NdArray<T> Positions => _positions[_current];

    /// <summary>log p0 [capacity] at the particles' starts, in the number format of the particles.</summary>
    public NdArray<T> LogBase { get; }

    /// <summary>Evaluations of the target's score so far.</summary>
    public long TargetCalls { get; private set; }

    /// <summary>The sums of the kernel log-ratios [capacity].</summary>
    public NdArray<T> Gains => _gains[_current];

    /// <summary>The path's score at the particles [capacity, d].</summary>
    public NdArray<T> Scores => _scores[_current];

    /// <summary>Draws particles from the base.</summary>
    /// <param name="parameters">The drift's parameters [P]; null if it has none.</param>
    /// <param name="particles">Their number.</param>
    /// <param name="draw">The place in the random streams.</param>
    public void Start(NdArray<T>? parameters, int particles, DrawKey draw)
    {
        _current = 0;
        _start.Parameters = parameters ?? _start.Parameters;
        _start["x"] = _positions[0];
        _start["score"] = _scores[0];
        _start["logBase"] = LogBase;
        if (_hasDrift)
        {
            _start["drift"] = _drifts[0];
        }

        _start.Run(particles, draw);
        _gains[0].Span.Clear();
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
        (_step["x"], _step["score"], _step["gain"]) = (_positions[_current], _scores[_current], _gains[_current]);
        (_step["xNext"], _step["scoreNext"], _step["gainNext"]) = (_positions[next], _scores[next], _gains[next]);
        if (_hasDrift)
        {
            (_step["drift"], _step["driftNext"]) = (_drifts[_current], _drifts[next]);
        }

        _step.BindIfUsed("t", grid.Times);
        _step.BindIfUsed("tNext", grid.NextTimes);
        _step.BindIfUsed("h", grid.Steps);
        _step.BindIfUsed("diffusion", grid.Diffusions);
        _step.Iterate(particles, grid.Count, draw);
        _current = next;
        TargetCalls += (long)particles * grid.Count * _callsPerStep;
    }

    /// <summary>Replaces each particle by a copy of its ancestor and sets the gains to 0.</summary>
    /// <param name="ancestors">The ancestor of each particle, as systematic resampling gives them.</param>
    public void Select(ReadOnlySpan<int> ancestors)
    {
        var next = 1 - _current;
        foreach (var pair in _hasDrift ? [_positions, _scores, _drifts] : new[] { _positions, _scores })
        {
            for (var i = 0; i < ancestors.Length; i++)
            {
                pair[_current].Row(ancestors[i]).CopyTo(pair[next].Row(i));
            }
        }

        _current = next;
        Gains.Span.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _start.Dispose();
        _step.Dispose();
    }
}
