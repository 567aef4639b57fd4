using Monge.Dynamics;
using Monge.Measures;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// The law of a diffusion dX = b dt + sqrt(2 D) dW in time by score-based transport modelling (N. Boffi and E. Vanden-Eijnden, "Probability flow solution of
/// the Fokker-Planck equation", arXiv:2206.04642): particles move by the ordinary differential equation
/// <code>
/// dX/dt = v(X, t) = b(X, t) - D s(X, t)                                                                                                               (1)
/// </code>
/// whose score s is fitted, time step by time step, to the particles that it moves. The error of s on its own particles bounds that of the law: dKL/dt is at
/// most a quarter of E |s - grad log rho|^2 in the metric of D. The source fits by losses that know samples of rho alone
/// (<see cref="Objectives.ImplicitScoreMatching"/>), and pays with their noise. But a particle can carry the score g = grad log rho of its own law along,
/// <code>
/// dg/dt = -grad (div v + g . v), g held fixed,                                                                                                       (2)
/// </code>
/// so the bound itself can be minimised over the particles, a regression without noise: the default. What the flow winds up too finely for any network fades
/// from g by a relaxation to s. Neither the drift need be a gradient nor the diffusion have full rank. Samples, densities, entropy and the current come from
/// (1) with the scores kept (<see cref="ScoreEvolution"/>), one for each time step: between times, Heun's method needs none.
/// </summary>
/// <param name="problem">The evolution: a diffusion on R^d.</param>
/// <param name="options">The options; null for the defaults.</param>
public sealed class SbtmFlow(EvolutionProblem problem, SbtmOptions? options = null) : IMethod<IEvolution>
{
    /// <summary>Its name on the command line.</summary>
    public const string Name = "sbtm";

    // The initial fit is looked at after each so many steps, and the evolution so often in all.
    private const int StepsPerLook = 50;
    private const int Looks = 100;

    private SbtmOptions _options = Checked(problem, options ?? new SbtmOptions());

    /// <inheritdoc/>
    /// <remarks>After a run with a budget, with the iterations that it found.</remarks>
    public IMethodOptions Options => _options;

    /// <summary>Follows the law.</summary>
    /// <param name="run">Seed, threads, folder and the like.</param>
    /// <exception cref="CheckpointException">The folder's checkpoint is of another run, or damaged.</exception>
    /// <exception cref="ArithmeticException">A loss is not finite, or a particle is lost: the message says when and which.</exception>
    /// <exception cref="OperationCanceledException">It was stopped; the state was saved first.</exception>
    public ScoreEvolution Follow(Run run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var unsaved = _options with { CheckpointSeconds = new SbtmOptions().CheckpointSeconds };
        var session = new RunSession(run, new RunIdentity(Name, problem.Identity(), unsaved));
        session.Report("prepare");
        var times = TimeGrid.TimesInSteps(_options.Until!.Value, _options.Step);
        using var particles = new SbtmTraining(problem, _options, times, run);
        using (var initial = new SbtmInitialFit(particles, problem, _options, run))
        {
            // A Gaussian's score needs no fit: the network starts at it.
            if (!initial.IsDone)
            {
                session.Iterate(
                    "initial", initial, _options.InitialIterations, null, _options.CheckpointSeconds, Math.Max(1, _options.InitialIterations / StepsPerLook));
            }
        }

        if (_options.Budget is { } budget)
        {
            particles.Iterations = StepBudget.Iterations(session, budget, times.Length - 1, particles.Try, particles.TryMove);
            _options = _options with { Iterations = particles.Iterations };
        }

        session.Iterate("evolve", particles, times.Length - 1, null, _options.CheckpointSeconds, Math.Min(Looks, times.Length - 1));
        if (_options.TimeDependent)
        {
            session.Iterate("replay", new SbtmReplay(particles), (long)particles.Iterations * (times.Length - 1), null, _options.CheckpointSeconds);
            particles.EndReplay();
        }

        var evolution = new ScoreEvolution(problem, particles.Score, times, particles.Kept, _options.Stepper == SbtmStepper.Heun);
        session.SaveModel(evolution.ToState());
        return evolution;
    }

    /// <inheritdoc/>
    IEvolution IMethod<IEvolution>.Run(Run run) => Follow(run);

    private static SbtmOptions Checked(EvolutionProblem problem, SbtmOptions options)
    {
        ArgumentNullException.ThrowIfNull(problem);
        options.Check();
        problem.Check();
        if (problem.Energy is { Interaction: not null } or { PorousFactor: > 0 })
        {
            throw new ArgumentException(
                $"'{problem.Name}' has an interaction or a porous medium; sbtm follows diffusions of independent particles alone, choose another method.",
                nameof(problem));
        }

        if (problem.Observations.Count > 0)
        {
            throw new ArgumentException(
                $"Of '{problem.Name}' something was observed; sbtm follows the law of all paths alone, jko that given observations.", nameof(problem));
        }

        if (problem.Diffusion.Matrix.All(v => v == 0))
        {
            throw new ArgumentException($"'{problem.Name}' has no noise: its flow is its drift's, and there is no score to learn.", nameof(problem));
        }

        if (problem.Domain is not WholeSpaceDomain)
        {
            throw new ArgumentException($"'{problem.Name}' lives in a box or on a torus; the particles of sbtm move in all of R^d.", nameof(problem));
        }

        var whole = options.For(problem.Until, problem.Diffusion.IsElliptic);
        whole.Check();
        OptionCheck.AtLeast<int>(options.Particles, (whole.Network(problem.ParticleDimension).ParticleDimension ?? problem.Dimension) + 2);
        return whole;
    }
}
