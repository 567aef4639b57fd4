using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;

namespace Monge.MonteCarlo;

/// <summary>
/// Chains of the Metropolis-adjusted Langevin algorithm, which leave a density exactly invariant (Roberts and Tweedie, "Exponential convergence of Langevin
/// distributions and their discrete approximations", 1996). Run in float64.
/// </summary>
internal sealed class LangevinChains : IDisposable
{
    private readonly CompiledProgram<double> _start;
    private readonly CompiledProgram<double> _step;
    private readonly NdArray<double>[] _positions;
    private readonly NdArray<double>[] _scores;
    private readonly NdArray<double>[] _values;
    private readonly NdArray<double>[] _accepted;
    private int _current;

    /// <summary>Compiles the programs.</summary>
    /// <param name="dimension">d.</param>
    /// <param name="logDensity">The density's logarithm at a position [d], traced.</param>
    /// <param name="chains">Their number.</param>
    /// <param name="noiseStream">The random stream of the noise.</param>
    /// <param name="acceptanceStream">The random stream of the acceptance.</param>
    /// <param name="options">How to execute.</param>
    public LangevinChains(int dimension, Func<Expr, Expr> logDensity, int chains, int noiseStream, int acceptanceStream, ExecutionOptions options)
    {
        var d = dimension;
        Count = chains;
        Expr Score(Expr x) => Derivative.Gradient(logDensity(x), x);
        var x = Expr.Input("x", d);
        _start = new CompiledProgram<double>(new TracedProgram(null, ("value", logDensity(x)), ("score", Score(x))), options);

        var (value, score, accepted, h) = (Expr.Input("value"), Expr.Input("score", d), Expr.Input("accepted"), Expr.Shared("h"));
        var noise = Expr.Random(RandomLaw.Normal, noiseStream, d);
        var proposal = x + (h * score) + ((2 * h).Sqrt() * noise);
        var (proposedValue, proposedScore) = (logDensity(proposal), Score(proposal));
        var ratio = proposedValue - value + (0.5 * noise.SquaredNorm()) - ((x - proposal - (h * proposedScore)).SquaredNorm() / (4 * h));

        // A ratio that is not a number is not above the threshold, so the chain stays.
        var accept = (-Expr.Random(RandomLaw.Exponential, acceptanceStream)).Less(ratio);
        var all = accept.BroadcastTo(x.Shape);
        _step = new CompiledProgram<double>(
            new TracedProgram(
                null,
                ("xNext", Expr.Select(all, proposal, x)),
                ("valueNext", Expr.Select(accept, proposedValue, value)),
                ("scoreNext", Expr.Select(all, proposedScore, score)),
                ("acceptedNext", accepted + accept)),
            options,
            ("xNext", "x"), ("valueNext", "value"), ("scoreNext", "score"), ("acceptedNext", "accepted"));
        _positions = [new NdArray<double>(chains, d), new NdArray<double>(chains, d)];
        _scores = [new NdArray<double>(chains, d), new NdArray<double>(chains, d)];
        _values = [new NdArray<double>(chains), new NdArray<double>(chains)];
        _accepted = [new NdArray<double>(chains), new NdArray<double>(chains)];
    }

    /// <summary>Number of chains n.</summary>
    public int Count { get; }

    /// <summary>Their positions [n, d].</summary>
    public NdArray<double> Positions => _positions[_current];

    /// <summary>The log density [n] there.</summary>
    public NdArray<double> Values => _values[_current];

    /// <summary>Evaluations of the density and its score so far.</summary>
    public long TargetCalls { get; private set; }

    /// <summary>Starts the chains at positions [n * d].</summary>
    public void Start(ReadOnlySpan<double> positions)
    {
        _current = 0;
        positions.CopyTo(_positions[0].Span);
        (_start["x"], _start["value"], _start["score"]) = (_positions[0], _values[0], _scores[0]);
        _start.Run(Count);
        TargetCalls += Count;
    }

    /// <summary>Takes steps of size h; returns the share of the proposals that were accepted.</summary>
    public double Advance(int steps, double h, DrawKey draw)
    {
        var next = 1 - _current;
        _accepted[_current].Span.Clear();
        _step["h"].Span[0] = h;
        (_step["x"], _step["value"], _step["score"], _step["accepted"]) = (_positions[_current], _values[_current], _scores[_current], _accepted[_current]);
        (_step["xNext"], _step["valueNext"], _step["scoreNext"], _step["acceptedNext"]) = (_positions[next], _values[next], _scores[next], _accepted[next]);
        _step.Iterate(Count, steps, draw);
        TargetCalls += (long)Count * steps;
        _current = next;
        var sum = 0.0;
        foreach (var count in _accepted[next].Span)
        {
            sum += count;
        }

        return sum / ((double)Count * steps);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _start.Dispose();
        _step.Dispose();
    }
}
