using Monge.Dynamics;
using Monge.Engine.Execution;
using Monge.Fields;
using Monge.Measures;

namespace Monge.Runs;

/// <summary>
/// A law in time as the probability flow of learned scores: that of X_t, dX/dt = b(X, t) - D s_k(X), from the initial law. Samples are carried from each time
/// to the next by Heun's method with the scores of both, backwards by the same; their log densities and the law's own score follow along the way, by
/// derivatives of the velocity, so that how far the learned score is from the law's own bounds the error (arXiv:2206.04642, proposition 1).
/// </summary>
public sealed class ScoreEvolution : IEvolution
{
    private readonly ScoreNetworkOptions _network;
    private readonly IReadOnlyList<KeptScore> _scores;
    private readonly bool _isHeun;

    /// <summary>Makes it of its scores.</summary>
    /// <param name="problem">The evolution.</param>
    /// <param name="network">How the scores' network is built.</param>
    /// <param name="times">The times t_0 = 0, t_1, ..., ascending.</param>
    /// <param name="scores">The score at each time.</param>
    /// <param name="isHeun">Whether steps are Heun's; otherwise Euler's.</param>
    /// <exception cref="ArgumentException">Times and scores don't go together.</exception>
    public ScoreEvolution(
        EvolutionProblem problem, ScoreNetworkOptions network, IReadOnlyList<double> times, IReadOnlyList<KeptScore> scores, bool isHeun = true)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(times);
        ArgumentNullException.ThrowIfNull(scores);
        if (times.Count != scores.Count || times.Count == 0 || times[0] != 0)
        {
            throw new ArgumentException($"There are {scores.Count} scores for {times.Count} times; each time from 0 on has one.", nameof(scores));
        }

        (Problem, _network, Times, _scores, _isHeun) = (problem, network, [.. times], [.. scores], isHeun);
    }

    /// <inheritdoc/>
    public EvolutionProblem Problem { get; }

    /// <inheritdoc/>
    public IReadOnlyList<double> Times { get; }

    /// <summary>The score at each time.</summary>
    public IReadOnlyList<KeptScore> Scores => _scores;

    /// <summary>The learned score at points, which the flow goes by.</summary>
    /// <param name="points">Points [n * d], row-major.</param>
    /// <param name="time">Which of <see cref="Times"/>, by its number.</param>
    /// <param name="threads">Threads; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <returns>Scores [n * d]; where D is degenerate only D times them is learned.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such time.</exception>
    public double[] LearnedScore(double[] points, int time, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(points);
        this.CheckTime(time);
        using var flow = new ScoreFlow(Problem, _network, ScoreFlow.Follows.Positions, new ExecutionOptions { Threads = threads });
        _scores[time].Drive(flow);
        var scores = new double[points.Length];
        flow.Scores(points, scores);
        return scores;
    }

    /// <inheritdoc/>
    public IEnumerable<EvolvedSamples> Carry(int samples, ulong seed = 1, int threads = 0)
    {
        var execution = new ExecutionOptions { Threads = threads };
        var (positions, logs, scores) = EvolutionStart.Draw(Problem, samples, seed, execution);
        var at = new ScoreFlow.Particles(positions, logs, scores);
        var (predicted, first, second) = (at.Like(), at.Like(), at.Like());
        using var flow = new ScoreFlow(Problem, _network, ScoreFlow.Follows.Score, execution);
        for (var k = 0; k < Times.Count; k++)
        {
            _scores[k].Drive(flow);
            var learned = new double[positions.Length];
            flow.Rates(at, Times[k], first, learned);
            double[] velocity = [.. first.Positions];
            var isLast = k == Times.Count - 1;
            yield return new EvolvedSamples(Times[k], [.. at.Positions], [.. at.Logs], [.. at.Scores], k > 0 ? velocity : [])
            {
                VelocityAfter = isLast ? [] : velocity,
                LearnedScore = learned,
            };
            if (!isLast)
            {
                Advance(flow, at, predicted, first, second, k, k + 1);
            }
        }
    }

    /// <inheritdoc/>
    public double[] LogDensity(double[] points, int time, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(points);
        this.CheckTime(time);
        var (d, execution) = (Problem.Dimension, new ExecutionOptions { Threads = threads });
        var at = new ScoreFlow.Particles([.. points], new double[points.Length / d], []);
        var (predicted, first, second) = (at.Like(), at.Like(), at.Like());
        using var flow = new ScoreFlow(Problem, _network, ScoreFlow.Follows.Density, execution);
        for (var k = time; k > 0; k--)
        {
            _scores[k].Drive(flow);
            flow.Rates(at, Times[k], first);
            Advance(flow, at, predicted, first, second, k, k - 1);
        }

        var logs = PointFunction.At(Problem.Initial.LogDensity, at.Positions, d, execution);
        return [.. logs.Zip(at.Logs, (start, change) => start - change)];
    }

    /// <summary>The scores as a model file keeps them: parameters and moments of each, the times, and how the network is built.</summary>
    internal RunState ToState()
    {
        var state = new RunState();
        state.Put("times", [.. Times]);
        for (var k = 0; k < _scores.Count; k++)
        {
            _scores[k].Exchange(state, k);
        }

        state.Put("network", MethodOptions.Format(_network));
        return state;
    }

    // One step between two neighbouring times, in either direction, with the rates at its start known.
    private void Advance(
        ScoreFlow flow, ScoreFlow.Particles at, ScoreFlow.Particles predicted, ScoreFlow.Particles first, ScoreFlow.Particles second, int from, int to)
    {
        var length = Times[to] - Times[from];
        predicted.Set(at, length, first, 0, first);
        if (_isHeun)
        {
            _scores[to].Drive(flow);
            flow.Rates(predicted, Times[to], second);
            at.Set(at, length / 2, first, length / 2, second);
        }
        else
        {
            at.Set(at, length, first, 0, first);
        }

        if (at.Lost(Problem.Dimension) is >= 0 and var lost)
        {
            throw new ArithmeticException(FormattableString.Invariant(
                $"Sample {lost} is lost between t = {Times[from]:g6} and t = {Times[to]:g6}: its position or density is not finite; take shorter steps."));
        }
    }
}
