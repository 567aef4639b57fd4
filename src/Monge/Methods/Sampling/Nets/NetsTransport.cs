using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Paths;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Makes a drift for a path, its parameters added to a set; the path is in the coordinates in which the transport runs.</summary>
/// <param name="parameters">Receives the drift's parameters.</param>
/// <param name="initializer">Receives how they start; a drift that starts at zero starts the training at annealed importance sampling.</param>
/// <param name="path">The path.</param>
public delegate IVectorField NetsDriftFactory(ParameterSet parameters, ParameterInitializer initializer, IDensityPath path);

/// <summary>
/// The non-equilibrium transport sampler. Walkers along a path exp(V_t) from a base to the target follow
/// <code>
/// dX = (b + eps grad V_t) dt + sqrt(2 eps) dW,   dA = (div b + b . grad V_t + dV_t/dt) dt                           (1)
/// </code>
/// E[exp(A_t)] = Z_t / Z_0 for any drift b and any eps >= 0, and A_t is the same for all walkers when b carries the path exactly. The drift is learned off-policy from
/// <code>
/// E |div b + b . grad V + dV/dt - c(t)|^2  over b and c = d/dt log Z_t                                             (2)
/// </code>
/// at any points, or for b = grad phi from action matching over weighted walkers; no gradient goes through the walkers' paths. The diffusion and the steps are chosen
/// after the training by the effective sample size on a validation batch, eps = 0 (a continuous normalising flow) among them. Reported weights are exact for
/// whatever the training reached: kernel weights at any step size, the ODE's and the continuous ones as steps go to zero.
/// Source: M. S. Albergo and E. Vanden-Eijnden, "NETS: A Non-Equilibrium Transport Sampler", arXiv:2410.02711; there U = -V.
/// </summary>
public sealed class NetsTransport : ISamplingMethod
{
    private readonly IDensityPath? _path;
    private readonly NetsDriftFactory? _factory;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <param name="path">A path in the target's unconstrained coordinates, normalised at t = 0, whose value at t = 1 is the target's log density; null for the annealing.</param>
    /// <param name="drift">Makes the trainable drift (the inner one, with <see cref="NetsOptions.ScoreGate"/>); null for the network of the options. It must be the same whenever a run is resumed.</param>
    /// <exception cref="ArgumentException">An option is out of range, or the path has another dimension.</exception>
    public NetsTransport(Density target, NetsOptions? options = null, IDensityPath? path = null, NetsDriftFactory? drift = null)
    {
        Target = target;
        options ??= new NetsOptions();
        options.Validate();
        var chosen = options.Path ?? (path is null ? NetsPath.Annealing : NetsPath.Given);
        if (chosen == NetsPath.Given && path is null)
        {
            throw new ArgumentException($"The option 'path' is given, but no path came with the target '{target.Name}'; leave the option out for the annealing.", nameof(options));
        }

        if (path is not null && path.Dimension != target.Dimension)
        {
            throw new ArgumentException($"The path has {path.Dimension} coordinates and the target '{target.Name}' {target.Dimension}; they must agree.", nameof(path));
        }

        _path = chosen switch
        {
            NetsPath.Given => path,
            NetsPath.Interpolated => PathLibrary.For(target)?.Path
                ?? throw new ArgumentException($"The option 'path' is interpolated, but the library has no path of interpolated parameters to the target '{target.Name}'; take annealing.", nameof(options)),
            _ => null,
        };
        _factory = drift;
        var separable = options.Network == NetsNetwork.Separable;
        var exact = separable || target.Dimension <= options.ExactDivergenceLimit;
        var action = options.Objective == NetsObjective.ActionMatching;
        ResolvedOptions = options with
        {
            Path = chosen,
            Iterations = options.Iterations ?? (options.Budget is null ? DefaultIterations(target.Dimension) : null),
            Width = options.Width ?? (separable ? 32 : 64),
            Depth = options.Depth ?? (separable ? 2 : 3),
            BatchSize = options.BatchSize ?? 1024,
            LearningRate = options.LearningRate ?? (action ? 2e-3 : exact ? 5e-3 : 3e-3),
            ResidualScale = options.ResidualScale ?? (exact ? 2 : 5),
            ScoreGate = options.ScoreGate ?? (options.Drift == NetsDrift.Free && (chosen != NetsPath.Annealing || options.Network == NetsNetwork.None)),
            HorizonShare = options.HorizonShare ?? (action ? 0.6 : 0.3),
        };
    }

    /// <summary>The density.</summary>
    public Density Target { get; }

    /// <summary>The options with everything filled in that doesn't need the target to be run.</summary>
    public NetsOptions ResolvedOptions { get; }

    /// <inheritdoc/>
    public string Options => MethodOptions.Format(ResolvedOptions);

    /// <inheritdoc/>
    public SampleSet Run(SamplingRequest request, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Samples, 2);
        Target.Check();
        return ResolvedOptions.Precision == Precision.Float64 ? Run<double>(request, cancellation) : Run<float>(request, cancellation);
    }

    private static long DefaultIterations(int dimension) => dimension switch
    {
        <= 6 => 5_000,
        <= 12 => 3_000,
        _ => 2_000,
    };

    private bool UsesModeKnowledge => _path is not null
        ? _path is FormulaPath { UsesModeKnowledge: true }
        : ResolvedOptions.Base == BaseChoice.Automatic && Target.Base.UsesModeKnowledge;

    /// <summary>The problem that a run starts from.</summary>
    internal TransportProblem Prepare<T>(PreparationRun run)
        where T : unmanaged, IFloatingPointIeee754<T> => _path is { } path
            ? NetsPilot<T>.Measure(Target, path, run)
            : Anneal<T>(run);

    /// <summary>The training of a problem.</summary>
    internal NetsTrainer<T> Trainer<T>(TransportProblem problem, ulong seed, ExecutionOptions execution)
        where T : unmanaged, IFloatingPointIeee754<T> => new(NetsPaths.Path(problem, Target, _path), problem, ResolvedOptions, _factory, seed, execution);

    /// <summary>What names a run.</summary>
    internal TrainingRun Name(ulong seed) => new("nets", Target, ResolvedOptions.TrainingText(), seed, _path is null ? "" : (_path as FormulaPath)?.Description ?? "given");

    // The exponents are chosen by short trainings: annealed importance sampling alone can't tell which path a drift learns best.
    private TransportProblem Anneal<T>(PreparationRun run)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var raced = 0L;
        double Race(TransportProblem problem)
        {
            var trainer = Trainer<T>(problem, run.Seed, run.Execution);
            var (ess, calls) = TransportRun<T>.ShortTraining(trainer, average => Sampling(problem, trainer, average, run.Execution), run);
            raced += calls;
            return ess;
        }

        var preparation = new TransportPreparation<T>(Target, ResolvedOptions.Preparation, run, Race);
        var problem = preparation.Run();
        return problem with { PreparationCalls = preparation.TargetCalls + raced };
    }

    private NetsSampling<T> Sampling<T>(TransportProblem problem, NetsTrainer<T> trainer, NdArray<T> average, ExecutionOptions execution)
        where T : unmanaged, IFloatingPointIeee754<T> => new(Target, trainer.Transport.Path, problem, ResolvedOptions, trainer.Networks, average, execution);

    private SampleSet Run<T>(SamplingRequest request, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var options = ResolvedOptions;
        var settings = new TransportRunSettings(Name(request.Seed), Options, options.Iterations, options.Budget, options.CheckpointSeconds, options.Threads, options.Preparation);
        return TransportRun<T>.Run(
            settings,
            request,
            (resumption, preparation) =>
            {
                var problem = resumption?.Problem ?? Prepare<T>(preparation);
                var trainer = Trainer<T>(problem, request.Seed, preparation.Execution);
                var sampling = new SamplingSettings(options.Sampler, options.SamplerSteps, options.Diffusion, options.ExactDivergenceLimit);
                return new TransportStart<T>(problem, trainer, sampling, DefaultIterations(Target.Dimension))
                {
                    Draws = average => Sampling(problem, trainer, average, preparation.Execution),
                    UsesModeKnowledge = UsesModeKnowledge,
                };
            },
            cancellation);
    }
}
