using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Measures;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Neural PDE transport with a learned evolution of densities. A log density V(x, t), held to log p0 at t = 0 and to log rho - log z with a learned log z at t = 1,
/// and a drift or potential are trained together by the residual of one of the log-density equations, dX = b dt + sqrt(2 eps) dW:
/// <code>
/// general, stochastic      R = dV/dt + div b + grad V . b - eps (|grad V|^2 + Laplacian V),   b = eps grad V + w                     (1)
/// general, deterministic   R = dV/dt + div w + grad V . w                                                                            (2)
/// annealing, stochastic    (2) with V the annealing path less int c dt, b = eps grad V + w                                           (3)
/// time reversal            (1) with b = 2 eps grad V - f, f = -eps x the noising drift; V is held at t = 1 alone                     (4)
/// Schroedinger bridge      (1) with b = f + 2 eps grad Phi, and dPhi/dt + f . grad Phi + eps (|grad Phi|^2 + Laplacian Phi) = 0      (5)
/// optimal transport        (2) with w = grad Phi, and dPhi/dt + |grad Phi|^2 / 2 = 0                                                 (6)
/// </code>
/// The loss is E[s^2 log(1 + R^2 / s^2)] over collocation points from the current particles and from interpolated boxes. Samples are drawn along the probability
/// flow w = b - eps grad V with weights from div w, or along dX = (w + eps grad V) dt + sqrt(2 eps) dW with kernel weights for any eps; estimates are consistent
/// for an imperfect solution too. V is q(t) log rho + r(t) log p0 - t log z + t (1 - t) (phi(x, t) + zeta(t)) with networks phi and zeta and learned shares q and r that
/// start at t^a and (1-t)^b of the annealing, in (4) and (5) at those of modes widened by the noise; in (4) without log z and with 1 - t for t (1 - t). In (5) the potential is V - log p0 less a network for the backward factor of the bridge, which stays smooth, so that all that is
/// sharp is in V.
/// Source: arXiv:2407.07873 (the table of log-density losses); weights as in arXiv:2410.02711.
/// </summary>
public sealed class PdeTransport : ISamplingMethod
{
    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public PdeTransport(Density target, PdeOptions? options = null)
    {
        Target = target;
        options ??= new PdeOptions();
        options.Validate();
        ResolvedOptions = options.Resolve(target.Dimension);
    }

    /// <summary>The density.</summary>
    public Density Target { get; }

    /// <summary>The options with everything filled in that doesn't need the target to be run.</summary>
    public PdeOptions ResolvedOptions { get; }

    /// <inheritdoc/>
    public string Options => MethodOptions.Format(ResolvedOptions);

    /// <inheritdoc/>
    public SampleSet Run(SamplingRequest request, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Samples, 2);
        Target.Check();
        return ResolvedOptions.Precision == Precision.Float64 ? Run<double>(request, cancellation) : Run<float>(request, cancellation);
    }

    private SampleSet Run<T>(SamplingRequest request, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var options = ResolvedOptions;
        var settings = new TransportRunSettings(
            new TrainingRun("pde", Target, options.TrainingText(), request.Seed), Options, options.Iterations, options.Budget, options.CheckpointSeconds, options.Threads, options.Preparation);
        return TransportRun<T>.Run(
            settings,
            request,
            (resumption, preparation) =>
            {
                var problem = resumption?.Problem ?? Prepare<T>(preparation);
                var trainer = new PdeTrainer<T>(Target, problem, options, request.Seed, preparation.Execution);
                return new TransportStart<T>(problem, trainer, options.Sampling, options.DefaultIterations, Remark: parameters => LearnedNormaliser(trainer.Networks, problem, parameters));
            },
            cancellation);
    }

    /// <summary>The problem that a run starts from. Where the path is fixed, its exponents are those whose short training ends with the most even weights; a learned one bends itself.</summary>
    internal TransportProblem Prepare<T>(PreparationRun run)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var raced = 0L;
        double Race(TransportProblem problem)
        {
            var trainer = new PdeTrainer<T>(Target, problem, ResolvedOptions, run.Seed, run.Execution);
            var (ess, calls) = TransportRun<T>.ShortTraining(Target, problem, trainer, ResolvedOptions.Sampling, run);
            raced += calls;
            return ess;
        }

        var preparation = new TransportPreparation<T>(
            Target, ResolvedOptions.Preparation, run, ResolvedOptions.Evolution == Evolution.AnnealingStochastic ? Race : null);
        var problem = preparation.Run();
        return problem with { PreparationCalls = preparation.TargetCalls + raced };
    }

    private static string LearnedNormaliser<T>(PdeNetworks networks, TransportProblem problem, NdArray<T> parameters)
        where T : unmanaged, IFloatingPointIeee754<T> => networks.LogDensity.LogNormaliserOffset is { } at
            ? FormattableString.Invariant($"the learned log z is {problem.Offset + double.CreateChecked(parameters[at]):f4}")
            : "no log z is learned, the law at t = 0 being free";
}
