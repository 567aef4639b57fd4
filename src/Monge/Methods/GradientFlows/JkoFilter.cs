using Monge.Dynamics;
using Monge.Engine.Execution;
using Monge.Engine.Random;
using Monge.Measures;
using Monge.MonteCarlo;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// The law of a gradient flow given observations up to each time, by the steps of <see cref="JkoFlow"/> (P. Mokrov, A. Korotin, L. Li, A. Genevay, J. Solomon
/// and E. Burnaev, "Large-Scale Wasserstein Gradient Flows", arXiv:2106.00736, section 5.4). Between two observations maps move the law on; at an observation
/// the law is known up to a constant, by composition (<see cref="FilteredEvolution"/>), and the pool that the next maps are trained on is drawn from it anew.
/// The source draws by independence Metropolis chains that propose paths of the initial law; few of these agree with many observations, so by default paths are
/// proposed from where such paths start, and drawn by their weights.
/// </summary>
/// <param name="problem">The evolution: a diffusion down a potential on R^d, with observations.</param>
/// <param name="options">The options; null for the defaults.</param>
public sealed class JkoFilter(EvolutionProblem problem, JkoOptions? options = null) : IMethod<IEvolution>
{
    private const int IdentityValidations = 40;

    private readonly JkoOptions _options = Checked(problem, options ?? new JkoOptions());

    /// <inheritdoc/>
    public IMethodOptions Options => _options;

    /// <summary>Follows the law.</summary>
    /// <param name="run">Seed, threads, folder and the like.</param>
    /// <exception cref="CheckpointException">The folder's checkpoint is of another run, or damaged.</exception>
    /// <exception cref="ArithmeticException">A loss is not finite, or a map is degenerate.</exception>
    /// <exception cref="OperationCanceledException">It was stopped; the state was saved first.</exception>
    public FilteredEvolution Follow(Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var unsaved = _options with { CheckpointSeconds = new JkoOptions().CheckpointSeconds };
        var session = new RunSession(run, new RunIdentity(JkoFlow.Name, problem.Identity(), unsaved));
        session.Report("prepare");
        var times = Times(problem, _options.Until!.Value, _options.Step);
        var observedAt = ObservedMaps.TimesOf(problem, times);
        SortedDictionary<int, double> acceptance = [];
        List<PathProposal> proposals = [];
        (double[] Positions, double[] Weights)? Redraw(IReadOnlyList<double[]> maps, int time)
        {
            var observation = Array.IndexOf(observedAt, time);
            if (observation < 0 || time == times.Length - 1)
            {
                return null;
            }

            using var observed = new ObservedMaps(problem, _options.Network, times, maps, proposals, new ExecutionOptions { Threads = run.Threads });
            var random = new RandomStream(run.Seed + ((ulong)observation << 32), GradientFlowStreams.Conditioning);
            if (_options.Conditioning == Conditioning.Importance)
            {
                return observed.DrawWeighted(_options.Pool, time, random);
            }

            var draws = IndependenceMetropolis.Draw(
                _options.Pool, problem.Dimension, _options.BatchSize, _options.WarmUpMoves, _options.DecorrelationMoves,
                count => observed.FromInitial(count, time, random) is var paths ? (paths.Positions, paths.LogLikelihood) : default,
                random, run.Cancellation);
            acceptance[observation] = draws.Acceptance;
            return (draws.Positions, Enumerable.Repeat(1.0, _options.Pool).ToArray());
        }

        using var training = new JkoTraining<float>(problem, _options, times, run, Redraw);
        if (_options.IdentityIterations > 0)
        {
            session.Iterate("identity", training.ToIdentity, _options.IdentityIterations, null, _options.CheckpointSeconds, IdentityValidations);
        }

        session.Iterate("evolve", training, (long)_options.Iterations * (times.Length - 1), null, _options.CheckpointSeconds, times.Length - 1);
        var evolution = new FilteredEvolution(new JkoEvolution(problem, _options.Network, times, training.Maps), [.. acceptance.Values]);
        session.SaveModel(evolution.ToState());
        return evolution;
    }

    /// <inheritdoc/>
    IEvolution IMethod<IEvolution>.Run(Run run) => Follow(run);

    // Equal steps between two observations, none longer than asked for.
    private static double[] Times(EvolutionProblem problem, double until, double step)
    {
        List<double> times = [0];
        foreach (var next in problem.Observations.Select(o => o.Time).Where(t => t < until).Append(until))
        {
            var count = TimeGrid.TimesInSteps(next - times[^1], step).Length - 1;
            times.AddRange([.. TimeGrid.EqualTimes(times[^1], next, count)[1..^1], next]);
        }

        return [.. times];
    }

    private static JkoOptions Checked(EvolutionProblem problem, JkoOptions options)
    {
        ArgumentNullException.ThrowIfNull(problem);
        if (problem.Observations.Count == 0)
        {
            throw new ArgumentException($"Nothing was observed of '{problem.Name}'; {nameof(JkoFlow)} follows its law.", nameof(problem));
        }

        return problem.Energy is { Interaction: not null } or { PorousFactor: > 0 }
            ? throw new ArgumentException(
                $"'{problem.Name}' has an interaction or a porous medium, under which paths given observations are no evolution of their own; leave one out.",
                nameof(problem))
            : JkoFlow.Resolved(problem, options with { AffinePart = options.AffinePart ?? false });
    }
}
