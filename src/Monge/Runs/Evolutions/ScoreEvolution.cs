using Monge.Dynamics;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Training;

namespace Monge.Runs;

/// <summary>
/// A law in time as the probability flow of learned scores: that of X_t, dX/dt = b(X, t) - D s_k(X), from the initial law. Samples are carried from each time
/// to the next by Heun's method with the scores of both, backwards by the same; their log densities and the law's own score follow along the way, by
/// derivatives of the velocity, so that how far the learned score is from the law's own bounds the error (arXiv:2206.04642, proposition 1).
/// </summary>
public sealed class ScoreEvolution : IEvolution
{
    /// <summary>What a model file calls this form of an evolution.</summary>
    internal const string FormName = "scores";

    private const string Heun = "heun";
    private const string Euler = "euler";

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
        flow.Scores(points, Times[time], scores);
        return scores;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Where the diffusion is degenerate the law's own score isn't followed: along directions without noise nothing keeps it from growing. It is then the
    /// learned one.
    /// </remarks>
    public IEnumerable<EvolvedSamples> Carry(int samples, ulong seed = 1, int threads = 0)
    {
        var execution = new ExecutionOptions { Threads = threads };
        var (positions, logs, scores) = EvolutionStart.Draw(Problem, samples, seed, execution);
        var hasScore = Problem.Diffusion.IsElliptic;
        var at = new ScoreFlow.Particles(positions, logs, hasScore ? scores : []);
        using var flow = new ScoreFlow(Problem, _network, hasScore ? ScoreFlow.Follows.Score : ScoreFlow.Follows.Density, execution);
        var steps = new Steps(this, flow, at);
        for (var k = 0; k < Times.Count; k++)
        {
            var learned = new double[positions.Length];
            double[] velocity = [.. steps.Begin((k, 0), learned).Positions];
            var isLast = k == Times.Count - 1;
            yield return new EvolvedSamples(Times[k], [.. at.Positions], [.. at.Logs], hasScore ? [.. at.Scores] : learned, k > 0 ? velocity : [])
            {
                VelocityAfter = isLast ? [] : velocity,
                LearnedScore = learned,
            };
            if (!isLast)
            {
                steps.End((k, 0), (k + 1, 0));
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>A point whose way back runs off to infinity was reached from nowhere: minus infinity.</remarks>
    public double[] LogDensity(double[] points, int time, int threads = 0)
    {
        this.CheckTime(time);
        return LogDensity(points, (time, 0.0), threads);
    }

    /// <inheritdoc/>
    /// <remarks>As <see cref="LogDensity(double[], int, int)"/>; between two times the score is the mixture of both.</remarks>
    public double[] LogDensityAt(double[] points, double time, int threads = 0) => LogDensity(points, this.Locate(time), threads);

    /// <inheritdoc/>
    /// <remarks>Between two times the score is the mixture of both.</remarks>
    public (double[] Positions, double[] LogDensity) DrawAt(int samples, double time, ulong seed = 1, int threads = 0)
    {
        var (place, execution) = (this.Locate(time), new ExecutionOptions { Threads = threads });
        var positions = Problem.Initial.Sample(samples, new RandomStream(seed, EvolutionStreams.FurtherDraws));
        var logs = PointFunction.At(Problem.Initial.LogDensity, positions, Problem.Dimension, execution);
        Follow(new ScoreFlow.Particles(positions, logs, []), Way(place), execution);
        return (positions, logs);
    }

    /// <summary>The scores as a model file keeps them: parameters and moments of each, the times, and how the network is built.</summary>
    internal RunState ToState()
    {
        var state = new RunState();
        state.Put(EvolutionModel.FormName, FormName);
        state.Put("stepper", _isHeun ? Heun : Euler);
        state.Put("times", [.. Times]);
        for (var k = 0; k < _scores.Count; k++)
        {
            _scores[k].Exchange(state, k, HasParameters(k, _network));
        }

        state.Put("network", MethodOptions.Format(_network));
        return state;
    }

    /// <summary>The evolution of a state that <see cref="ToState"/> wrote.</summary>
    /// <exception cref="CheckpointException">Something is missing, or has another size.</exception>
    /// <exception cref="ArgumentException">The parts don't go together.</exception>
    internal static ScoreEvolution Load(EvolutionProblem problem, RunState state)
    {
        var (d, parameters, filled) = (problem.Dimension, new ParameterSet(), state.ToFill());
        var network = MethodOptions.Parse<ScoreNetworkOptions>(state.Word("network"));
        _ = new ScoreNetwork(parameters, new ParameterInitializer(), "score", d, network);
        var times = state.Doubles("times");
        var scores = KeptScore.Room(times.Length, parameters.Count, d, network);
        for (var k = 0; k < scores.Length; k++)
        {
            scores[k].Exchange(filled, k, HasParameters(k, network));
        }

        return new ScoreEvolution(problem, network, times, scores, state.Word("stepper") == Heun);
    }

    // One network of all times is kept once.
    private static bool HasParameters(int time, ScoreNetworkOptions network) => time == 0 || network.Duration is null;

    private double[] LogDensity(double[] points, (int Step, double Share) place, int threads)
    {
        ArgumentNullException.ThrowIfNull(points);
        var execution = new ExecutionOptions { Threads = threads };
        var at = new ScoreFlow.Particles([.. points], new double[points.Length / Problem.Dimension], []);
        Follow(at, [.. Way(place).Reverse()], execution, mayRunOff: true);
        var logs = PointFunction.At(Problem.Initial.LogDensity, at.Positions, Problem.Dimension, execution);
        return [.. logs.Zip(at.Logs, (start, change) => double.IsFinite(start - change) ? start - change : double.NegativeInfinity)];
    }

    // The times up to a place, the place itself at the end.
    private static (int Step, double Share)[] Way((int Step, double Share) place) =>
        [.. Enumerable.Range(0, place.Step + 1).Select(k => (k, 0.0)), .. place.Share > 0 ? [place] : Array.Empty<(int, double)>()];

    private void Follow(ScoreFlow.Particles at, (int Step, double Share)[] way, ExecutionOptions execution, bool mayRunOff = false)
    {
        using var flow = new ScoreFlow(Problem, _network, ScoreFlow.Follows.Density, execution);
        var steps = new Steps(this, flow, at);
        for (var k = 0; k < way.Length - 1; k++)
        {
            steps.Begin(way[k]);
            steps.End(way[k], way[k + 1], mayRunOff);
        }
    }

    private double Time((int Step, double Share) place) =>
        place.Share > 0 ? Times[place.Step] + (place.Share * (Times[place.Step + 1] - Times[place.Step])) : Times[place.Step];

    /// <summary>
    /// Steps of particles between neighbouring places, in either direction. A place is the number of a time and the share of the way to the next.
    /// </summary>
    private sealed class Steps(ScoreEvolution owner, ScoreFlow flow, ScoreFlow.Particles at)
    {
        private readonly ScoreFlow.Particles _predicted = at.Like();
        private readonly ScoreFlow.Particles _first = at.Like();
        private readonly ScoreFlow.Particles _second = at.Like();
        private readonly ScoreFlow.Particles _next = at.Like();

        /// <summary>The rates where a step begins.</summary>
        /// <param name="from">Its begin.</param>
        /// <param name="learned">Receives the score there [n * d], at one of the times; null for not needed.</param>
        public ScoreFlow.Particles Begin((int Step, double Share) from, double[]? learned = null)
        {
            Rates(at, from, _first, learned);
            return _first;
        }

        /// <summary>Takes the step, whose rates at its start are known.</summary>
        public void End((int Step, double Share) from, (int Step, double Share) to, bool mayRunOff = false)
        {
            var length = owner.Time(to) - owner.Time(from);
            if (owner._isHeun)
            {
                _predicted.Set(at, length, _first, 0, _first);
                Rates(_predicted, to, _second);
                at.Set(at, length / 2, _first, length / 2, _second);
            }
            else
            {
                at.Set(at, length, _first, 0, _first);
            }

            if (!mayRunOff && at.Lost(owner.Problem.Dimension) is >= 0 and var lost)
            {
                throw new ArithmeticException(
                    FormattableString.Invariant($"Sample {lost} is lost between t = {owner.Time(from):g6} and t = {owner.Time(to):g6}: ")
                    + "its position or density is not finite; take shorter steps.");
            }
        }

        // Rates are linear in the score, so those of a mixture are the mixture of theirs.
        private void Rates(ScoreFlow.Particles particles, (int Step, double Share) place, ScoreFlow.Particles rates, double[]? learned = null)
        {
            var time = owner.Time(place);
            owner._scores[place.Step].Drive(flow);
            flow.Rates(particles, time, rates, learned);
            if (place.Share > 0)
            {
                owner._scores[place.Step + 1].Drive(flow);
                flow.Rates(particles, time, _next);
                rates.Set(rates, -place.Share, rates, place.Share, _next);
            }
        }
    }
}
