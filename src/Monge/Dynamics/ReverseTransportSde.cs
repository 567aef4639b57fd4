using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Dynamics;

/// <summary>
/// The backward half of <see cref="TransportSde{T}"/>: carries particles from t = 1 to 0 by its backward kernels, x ~ N(M-(x'), 2 eps h I), and accumulates the
/// same log-ratio log N(x; M-(x'), 2 eps h I) - log N(x'; M+(x), 2 eps h I). Started at exact draws of the target, the log-weight
/// log w = log rho(x_K) - log p0(x_0) + sum of the log-ratios is that of the forward sampler, under the law of the paths that it should have drawn:
/// its mean is an upper bound of log Z (the EUBO), and the mean of w / Z is the inverse of the forward effective sample size
/// (D. Blessing, X. Jia, J. Esslinger, F. Vargas, G. Neumann, "Beyond ELBOs", arXiv:2406.07423, section 3).
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class ReverseTransportSde<T> : IDisposable
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
    /// <param name="drift">b(x, t) [d]; null for none.</param>
    /// <param name="scheme">How a step is taken; that of the forward sampler.</param>
    /// <param name="capacity">The largest number of particles.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="options">How to execute.</param>
    public ReverseTransportSde(IDensityPath path, ParameterSet? parameters, IVectorField? drift, SdeScheme scheme, int capacity, int noiseStream, ExecutionOptions? options = null)
    {
        var d = path.Dimension;
        Capacity = capacity;
        _hasDrift = drift is not null;
        Func<Expr, Expr, Expr> field = drift is null ? (x, _) => Expr.Constant(0).BroadcastTo(x.Shape) : drift.Apply;
        var (x, s, gain) = (Expr.Input("x", d), Expr.Input("score", d), Expr.Input("gain"));
        List<(string, Expr)> starts = [("score", path.Score(x, 1))];
        if (_hasDrift)
        {
            starts.Add(("drift", field(x, 1)));
        }

        _start = new CompiledProgram<T>(new TracedProgram(parameters, [.. starts]), options);

        var b = _hasDrift ? Expr.Input("drift", d) : Expr.Constant(0).BroadcastTo(x.Shape);
        var (t, next, h, eps) = (Expr.PerStep("t"), Expr.PerStep("tNext"), Expr.PerStep("h"), Expr.PerStep("diffusion"));
        var noise = Expr.Random(RandomLaw.Normal, noiseStream, d);
        var kernels = new TransportKernels(path, field, scheme);
        var before = kernels.Backward(x, (eps * s) - b, t, h, eps) + ((2 * eps * h).Sqrt() * noise);
        var (bBefore, sBefore) = (field(before, t), path.Score(before, t));
        var forwardMean = kernels.Forward(before, bBefore + (eps * sBefore), t, next, h, eps);
        var gainNext = gain - (0.5 * noise.SquaredNorm()) + ((x - forwardMean).SquaredNorm() / (4 * eps * h));
        List<(string, Expr)> nexts = [("xNext", before), ("scoreNext", sBefore), ("gainNext", gainNext)];
        List<(string, string)> feedback = [("xNext", "x"), ("scoreNext", "score"), ("gainNext", "gain")];
        if (_hasDrift)
        {
            nexts.Add(("driftNext", bBefore));
            feedback.Add(("driftNext", "drift"));
        }

        _step = new CompiledProgram<T>(new TracedProgram(parameters, [.. nexts]), options, [.. feedback]);
        _positions = [new NdArray<T>(capacity, d), new NdArray<T>(capacity, d)];
        _drifts = [new NdArray<T>(capacity, d), new NdArray<T>(capacity, d)];
        _scores = [new NdArray<T>(capacity, d), new NdArray<T>(capacity, d)];
        _gains = [new NdArray<T>(capacity), new NdArray<T>(capacity)];
        _callsPerStep = scheme == SdeScheme.Heun ? 3 : 1;
    }

    /// <summary>The largest number of particles.</summary>
    public int Capacity { get; }

    /// <summary>The particles' positions [capacity, d]; valid for the particles of the last call.</summary>
    public NdArray<T> Positions => _positions[_current];

    /// <summary>The sums of the kernel log-ratios [capacity].</summary>
    public NdArray<T> Gains => _gains[_current];

    /// <summary>Evaluations of the target's score so far.</summary>
    public long TargetCalls { get; private set; }

    /// <summary>Places particles at t = 1.</summary>
    /// <param name="parameters">The drift's parameters [P]; null if it has none.</param>
    /// <param name="positions">Their positions [n, d], row-major.</param>
    /// <exception cref="ArgumentException">There are more particles than the capacity, or the positions don't fill whole particles.</exception>
    public void Start(NdArray<T>? parameters, ReadOnlySpan<T> positions)
    {
        var d = _positions[0].RowLength;
        var particles = positions.Length / d;
        if (positions.Length == 0 || positions.Length % d != 0 || particles > Capacity)
        {
            throw new ArgumentException($"{positions.Length} values are not 1 to {Capacity} particles of dimension {d}.", nameof(positions));
        }

        _current = 0;
        positions.CopyTo(_positions[0].Span);
        _start.Parameters = parameters ?? _start.Parameters;
        (_start["x"], _start["score"]) = (_positions[0], _scores[0]);
        if (_hasDrift)
        {
            _start["drift"] = _drifts[0];
        }

        _start.Run(particles);
        _gains[0].Span.Clear();
        TargetCalls += particles;
    }

    /// <summary>Takes the steps of a grid, the last first.</summary>
    /// <param name="parameters">The drift's parameters [P]; null if it has none.</param>
    /// <param name="particles">The particles' number.</param>
    /// <param name="grid">The forward sampler's grid; if the run is done in segments, the last segment first.</param>
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

        _step.BindIfUsed("t", Reversed(grid.Times));
        _step.BindIfUsed("tNext", Reversed(grid.NextTimes));
        _step.BindIfUsed("h", Reversed(grid.Steps));
        _step.BindIfUsed("diffusion", Reversed(grid.Diffusions));
        _step.Iterate(particles, grid.Count, draw);
        _current = next;
        TargetCalls += (long)particles * grid.Count * _callsPerStep;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _start.Dispose();
        _step.Dispose();
    }

    private static NdArray<T> Reversed(NdArray<T> values)
    {
        var reversed = NdArray<T>.From(values.Span, values.Length);
        reversed.Span.Reverse();
        return reversed;
    }
}
