using Monge.Dynamics;
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
    private readonly ParticleWalk<double> _walk;

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
        Expr Score(Expr x) => Derivative.Gradient(logDensity(x), x);
        var x = Expr.Input("x", d);
        var (firstValue, firstScore) = (logDensity(x), Score(x));
        var (value, score, accepted, h) = (Expr.Input("value"), Expr.Input("score", d), Expr.Input("accepted"), Expr.Shared("h"));
        var noise = Expr.Random(RandomLaw.Normal, noiseStream, d);
        var proposal = x + (h * score) + ((2 * h).Sqrt() * noise);
        var (proposedValue, proposedScore) = (logDensity(proposal), Score(proposal));
        var ratio = proposedValue - value + (0.5 * noise.SquaredNorm()) - ((x - proposal - (h * proposedScore)).SquaredNorm() / (4 * h));

        // A ratio that is not a number is not above the threshold, so the chain stays.
        var accept = (-Expr.Random(RandomLaw.Exponential, acceptanceStream)).Less(ratio);
        var all = accept.BroadcastTo(x.Shape);
        WalkState[] states =
        [
            new(x, Expr.Select(all, proposal, x), IsGiven: true),
            new(value, Expr.Select(accept, proposedValue, value), firstValue),
            new(score, Expr.Select(all, proposedScore, score), firstScore),
            new(accepted, accepted + accept),
        ];
        _walk = new ParticleWalk<double>(null, states, chains, options) { CallsPerStart = 1, CallsPerStep = 1 };
    }

    /// <summary>Number of chains n.</summary>
    public int Count => _walk.Capacity;

    /// <summary>Their positions [n, d].</summary>
    public NdArray<double> Positions => _walk.Positions;

    /// <summary>The log density [n] there.</summary>
    public NdArray<double> Values => _walk["value"];

    /// <summary>Evaluations of the density and its score so far.</summary>
    public long TargetCalls => _walk.TargetCalls;

    /// <summary>Starts the chains at positions [n * d].</summary>
    public void Start(ReadOnlySpan<double> positions) => _walk.StartFrom(null, positions);

    /// <summary>Takes steps of size h; returns the share of the proposals that were accepted.</summary>
    public double Advance(int steps, double h, DrawKey draw)
    {
        _walk["accepted"].Span.Clear();
        _walk.Set("h", h);
        _walk.Advance(null, Count, TimeGrid.Equal(0, 1, steps), draw);
        var sum = 0.0;
        foreach (var count in _walk["accepted"].Span)
        {
            sum += count;
        }

        return sum / ((double)Count * steps);
    }

    /// <inheritdoc/>
    public void Dispose() => _walk.Dispose();
}
