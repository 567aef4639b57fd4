using Monge.Dynamics;
using Monge.Measures;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// The law of a gradient flow in time by the scheme of Jordan, Kinderlehrer and Otto, each step a convex potential whose gradient moves the law before it
/// (P. Mokrov, A. Korotin, L. Li, A. Genevay, J. Solomon and E. Burnaev, "Large-Scale Wasserstein Gradient Flows", arXiv:2106.00736): no grid, no particles
/// that act on each other. Every step minimises <see cref="Objectives.JkoStep"/> over an input-convex network, from where the step before ended; samples of the
/// law before a step are taken from a pool that each finished map moves once, so the time is linear in the number of steps. Laws are sampled, and their
/// densities told, at every step (<see cref="JkoEvolution"/>).
/// </summary>
/// <param name="problem">The evolution: a gradient flow on R^d.</param>
/// <param name="options">The options; null for the defaults.</param>
public sealed class JkoFlow(EvolutionProblem problem, JkoOptions? options = null) : IMethod<IEvolution>
{
    /// <summary>Its name on the command line.</summary>
    public const string Name = "jko";

    private const int IdentityValidations = 40;

    // Coordinates above which products save several times the work of Cholesky factors.
    private const int MostExact = 64;

    private JkoOptions _options = Checked(problem, options ?? new JkoOptions());

    /// <inheritdoc/>
    /// <remarks>After a run with a budget, with the iterations that it found.</remarks>
    public IMethodOptions Options => _options;

    /// <summary>Follows the law.</summary>
    /// <param name="run">Seed, threads, folder and the like.</param>
    /// <exception cref="CheckpointException">The folder's checkpoint is of another run, or damaged.</exception>
    /// <exception cref="ArithmeticException">A loss is not finite, or a map is degenerate.</exception>
    /// <exception cref="OperationCanceledException">It was stopped; the state was saved first.</exception>
    public JkoEvolution Follow(Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var unsaved = _options with { CheckpointSeconds = new JkoOptions().CheckpointSeconds };
        var session = new RunSession(run, new RunIdentity(Name, problem.Identity(), unsaved));
        session.Report("prepare");
        var times = TimeGrid.TimesInSteps(_options.Until!.Value, _options.Step);
        using var maps = new JkoTraining<float>(problem, _options, times, run);
        if (_options.IdentityIterations > 0)
        {
            session.Iterate("identity", maps.ToIdentity, _options.IdentityIterations, null, _options.CheckpointSeconds, IdentityValidations);
        }

        if (_options.Budget is { } budget)
        {
            maps.Iterations = StepBudget.Iterations(session, budget, times.Length - 1, maps.Try, maps.TryPool);
            _options = _options with { Iterations = maps.Iterations };
        }

        session.Iterate("evolve", maps, (long)_options.Iterations * (times.Length - 1), null, _options.CheckpointSeconds, times.Length - 1);
        var evolution = new JkoEvolution(problem, _options.Network, times, maps.Maps);
        session.SaveModel(evolution.ToState());
        return evolution;
    }

    /// <inheritdoc/>
    IEvolution IMethod<IEvolution>.Run(Run run) => Follow(run);

    private static JkoOptions Checked(EvolutionProblem problem, JkoOptions options)
    {
        ArgumentNullException.ThrowIfNull(problem);
        if (problem.Observations.Count > 0)
        {
            throw new ArgumentException(
                $"Of '{problem.Name}' something was observed: {nameof(JkoFilter)} follows the law given that, this the law of all paths.", nameof(problem));
        }

        return Resolved(problem, options with { AffinePart = options.AffinePart ?? true });
    }

    /// <summary>Options for an evolution, which must be a gradient flow on R^d.</summary>
    internal static JkoOptions Resolved(EvolutionProblem problem, JkoOptions options)
    {
        options.Check();
        problem.Check();
        if (problem.NoGradientFlow() is { } why)
        {
            throw new ArgumentException($"jko follows gradient flows alone, but {why}; choose another method, such as sbtm.", nameof(problem));
        }

        var form = options.LogDeterminant ?? (problem.Dimension > MostExact ? LogDeterminantForm.Lanczos : LogDeterminantForm.Exact);
        if (form == LogDeterminantForm.Lanczos && problem.Energy!.PorousFactor > 0)
        {
            throw new ArgumentException(
                $"'{problem.Name}' is a porous medium, whose energy needs each sample's density itself, not an estimate of its logarithm: 'logDeterminant' "
                + "must be exact.", nameof(problem));
        }

        return problem.Domain is WholeSpaceDomain
            ? options with { Until = options.Until ?? problem.Until, LogDeterminant = form }
            : throw new ArgumentException($"'{problem.Name}' lives in a box or on a torus; the maps of jko move all of R^d.", nameof(problem));
    }
}
