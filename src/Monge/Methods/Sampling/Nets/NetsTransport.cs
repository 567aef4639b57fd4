using System.Diagnostics;
using System.Numerics;
using Monge.Diagnostics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Paths;
using Monge.Training;

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
    private const int GaugeParticles = 1024;
    private const int RaceIterations = 500;
    private const int RaceParticles = 2048;
    private const double UnstableStep = 1;
    private const int MostExactDraws = 10_000;
    private readonly IDensityPath? _given;
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

        _given = chosen == NetsPath.Given ? path : null;
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
            ScoreGate = options.ScoreGate ?? (options.Drift == NetsDrift.Free && (chosen == NetsPath.Given || options.Network == NetsNetwork.None)),
            HorizonShare = options.HorizonShare ?? (action ? 0.6 : 0.3),
        };
    }

    /// <summary>The density.</summary>
    public Density Target { get; }

    /// <summary>The options with everything filled in that doesn't need the target to be run.</summary>
    public NetsOptions ResolvedOptions { get; }

    /// <inheritdoc/>
    public string Options => MethodOptions.Format(ResolvedOptions);

    /// <summary>Options from the command line's settings, which override the JSON options.</summary>
    /// <exception cref="ArgumentException">The JSON can't be read, or a value is out of range.</exception>
    public static NetsOptions Resolve(MethodSettings settings)
    {
        var options = settings.Options is { } json ? NetsOptions.Parse(json) : new NetsOptions();
        var resolved = options with
        {
            Iterations = settings.Iterations ?? (settings.Budget is null ? options.Iterations : null),
            Budget = settings.Budget ?? (settings.Iterations is null ? options.Budget : null),
            Threads = settings.Threads ?? options.Threads,
            Precision = settings.Precision ?? options.Precision,
        };
        resolved.Validate();
        return resolved;
    }

    /// <summary>Trains and samples on another thread.</summary>
    /// <param name="samples">Number of samples, at least 2.</param>
    /// <param name="seed">The seed; equal seeds and options give equal samples to the bit (without a time budget).</param>
    /// <param name="progress">Receives progress.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    /// <exception cref="DensityException">The density can't be used.</exception>
    /// <exception cref="ArithmeticException">Training produced a value that is not finite.</exception>
    public Task<SampleSet> SampleAsync(int samples, ulong seed, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default) =>
        Task.Run(() => Run(new SamplingRequest(samples, seed) { Progress = progress }, cancellation), cancellation);

    /// <inheritdoc/>
    public SampleSet Run(SamplingRequest request, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Samples, 2);
        Target.Check();
        return ResolvedOptions.Precision == Precision.Float64 ? Run<double>(request, cancellation) : Run<float>(request, cancellation);
    }

    /// <summary>The standard error of log Z: between islands if particles were resampled, else by the delta method.</summary>
    internal static double LogZError(ImportanceWeights weights, double[]? islandLogZ)
    {
        if (islandLogZ is null)
        {
            return weights.LogNormaliserError;
        }

        double[] ratios = [.. islandLogZ.Select(z => Math.Exp(z - weights.LogNormaliser))];
        var mean = ratios.Average();
        return ratios.Length < 2 ? double.PositiveInfinity : Math.Sqrt(ratios.Sum(r => (r - mean) * (r - mean)) / (ratios.Length - 1) / ratios.Length) / mean;
    }

    private static long DefaultIterations(int dimension) => dimension switch
    {
        <= 6 => 5_000,
        <= 12 => 3_000,
        _ => 2_000,
    };

    /// <summary>The problem that a run starts from.</summary>
    internal NetsProblem Prepare<T>(ExecutionOptions execution, ulong seed, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T> => _given is { } path
            ? NetsPilot<T>.Measure(Target, path, execution, seed, cancellation)
            : Anneal<T>(execution, seed, cancellation);

    // The exponents are chosen by short trainings: annealed importance sampling alone can't tell which path a drift learns best.
    private NetsProblem Anneal<T>(ExecutionOptions execution, ulong seed, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var raced = 0L;
        double Race(TransportProblem coordinates)
        {
            var (ess, calls) = ShortTraining<T>(new NetsProblem(coordinates, null), execution, seed, cancellation);
            raced += calls;
            return ess;
        }

        var preparation = new TransportPreparation<T>(Target, ResolvedOptions.Preparation, execution, seed, cancellation, Race);
        var problem = preparation.Run();
        return new NetsProblem(problem with { PreparationCalls = preparation.TargetCalls + raced }, null);
    }

    private (double Ess, long TargetCalls) ShortTraining<T>(NetsProblem problem, ExecutionOptions execution, ulong seed, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var path = problem.Path(Target, _given);
        using var trainer = new NetsTrainer<T>(path, problem, ResolvedOptions, _factory, seed, execution);
        var state = trainer.Init();
        using var sampling = new NetsSampling<T>(Target, path, problem, ResolvedOptions, trainer.Networks, state.Adam.Average, execution);
        for (var iteration = 0; iteration < RaceIterations; iteration++)
        {
            cancellation.ThrowIfCancellationRequested();
            var info = trainer.Step(state, iteration, RaceIterations);
            if (!double.IsFinite(info.Loss) || !double.IsFinite(info.GradientNorm))
            {
                return (0, state.TargetCalls);
            }
        }

        return (sampling.Ess(sampling.Gauge, RaceParticles, seed), state.TargetCalls + sampling.TargetCalls);
    }

    private SampleSet Run<T>(SamplingRequest request, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var clock = Stopwatch.StartNew();
        var execution = new ExecutionOptions { Threads = ResolvedOptions.Threads };
        var run = new NetsRun(Target, ResolvedOptions, request.Seed, _given is null ? "" : (_given as FormulaPath)?.Description ?? "given");
        var checkpoint = request.Folder is { } folder ? Path.Combine(folder, NetsCheckpoint.CheckpointName) : null;
        var opened = request.Resume && checkpoint is not null && File.Exists(checkpoint) ? NetsCheckpoint.Open(checkpoint, run) : ((Data.SafetensorsFile File, NetsResumption Resumption)?)null;
        request.Progress?.Report(new TrainingProgress(0, ResolvedOptions.Iterations ?? 0, double.NaN, null, TimeSpan.Zero, TimeSpan.Zero, "prepare"));
        var problem = opened?.Resumption.Problem ?? Prepare<T>(execution, request.Seed, cancellation);
        var path = problem.Path(Target, _given);

        using var trainer = new NetsTrainer<T>(path, problem, ResolvedOptions, _factory, request.Seed, execution);
        NetsState<T> state;
        if (opened is { } resumed)
        {
            state = trainer.NewState();
            NetsCheckpoint.Restore(checkpoint!, resumed.File, state, resumed.Resumption);
        }
        else
        {
            state = trainer.Init();
            state.TargetCalls = problem.Coordinates.PreparationCalls;
        }

        using var sampling = new NetsSampling<T>(Target, path, problem, ResolvedOptions, trainer.Networks, state.Adam.Average, execution);
        var plan = new TrainingPlan
        {
            Iterations = ResolvedOptions.Iterations ?? opened?.Resumption.Total ?? DefaultIterations(Target.Dimension),
            Budget = ResolvedOptions.Budget,
            FirstIteration = opened?.Resumption.Iteration ?? 0,
            ElapsedBefore = (opened?.Resumption.Elapsed ?? TimeSpan.Zero) + clock.Elapsed,
            CheckpointSeconds = ResolvedOptions.CheckpointSeconds,
        };
        var task = new TrainingTask(
            (iteration, total) => trainer.Step(state, iteration, total),
            () => sampling.Ess(sampling.Gauge, GaugeParticles, request.Seed),
            checkpoint is null ? null : (_, total, elapsed) => NetsCheckpoint.Save(checkpoint, state, problem, run, total, elapsed));
        var outcome = TrainingLoop.Run(task, plan, request.Progress, cancellation);
        if (request.Folder is not null)
        {
            NetsCheckpoint.SaveModel(Path.Combine(request.Folder, NetsCheckpoint.ModelName), state, problem, run);
        }

        return Sample(request, problem, sampling, outcome, state.TargetCalls, cancellation);
    }

    private SampleSet Sample<T>(SamplingRequest request, NetsProblem problem, NetsSampling<T> sampling, TrainingOutcome outcome, long trainingCalls, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var clock = Stopwatch.StartNew();
        void Report(string phase, double? ess) =>
            request.Progress?.Report(new TrainingProgress(outcome.Iterations, outcome.Iterations, outcome.Loss, ess, outcome.Elapsed + clock.Elapsed, TimeSpan.Zero, phase));

        Report("choose sampler", outcome.ValidationEss);
        var (sampler, validationEss, trials) = sampling.Choose(request.Seed, cancellation);
        Report("sample", validationEss);
        var draws = sampling.Draw(sampler, request.Samples, new DrawKey(request.Seed), ResolvedOptions.ResamplingThreshold);
        var particles = draws.Particles;
        if (particles.LogWeights.All(double.IsNegativeInfinity))
        {
            throw new ArithmeticException($"All particles of '{Target.Name}' were lost on the way; train longer, or widen the base (option baseInflation).");
        }

        var weights = ImportanceWeights.FromLogWeights(particles.LogWeights);
        var freeEnergy = sampling.Profile(sampler, request.Samples, request.Seed);
        Report("check coverage", weights.EffectiveSampleFraction);
        var execution = new ExecutionOptions { Threads = ResolvedOptions.Threads };
        var check = new CoverageCheck<T>(Target, problem.Coordinates, ResolvedOptions.Preparation, execution, request.Seed, cancellation);
        Status[] coverage = [.. check.Judge(particles.Positions, weights)];
        var forward = problem.Coordinates.ExactDraws<T>(Target, Math.Min(request.Samples, MostExactDraws), request.Seed) is { } exact
            ? ForwardWeights.FromLogWeights(sampling.DrawBackward(sampler, exact, new DrawKey(request.Seed)), Target.Facts.LogZ ?? weights.LogNormaliser)
            : null;
        var (_, reported) = sampling.Evaluation.At(particles.Positions, request.Samples);
        return new SampleSet
        {
            Positions = reported,
            UnconstrainedPositions = Unconstrained(problem.Coordinates, particles.Positions),
            LogWeights = particles.LogWeights,
            Names = Target.Names,
            Target = Target.Name,
            LogZ = weights.LogNormaliser,
            LogZError = LogZError(weights, draws.IslandLogZ),
            EffectiveSampleSize = weights.EffectiveSampleFraction,
            Elbo = weights.Elbo,
            ElboError = weights.ElboError,
            Eubo = forward?.Eubo,
            EuboError = forward?.EuboError,
            ForwardEffectiveSampleSize = forward?.EffectiveSampleFraction,
            ForwardEffectiveSampleSizeError = forward?.EffectiveSampleFractionError,
            TargetCalls = trainingCalls + sampling.TargetCalls + check.TargetCalls,
            FreeEnergy = freeEnergy,
            SamplerScan = trials,
            UsesModeKnowledge = UsesModeKnowledge,
            Warnings = [.. forward?.Judge(weights) ?? [], .. coverage, .. weights.Warnings, .. LostParticles(particles.LogWeights), .. UnstableDiffusion(problem, sampler)],
            Method = "nets",
            Options = Options,
            Sampler = sampler.ToString() + (draws.IslandLogZ is null ? "" : FormattableString.Invariant($", resampled {draws.Resamplings:0.#} times on average among {ResolvedOptions.IslandSize}")),
            Preparation = problem.Coordinates.Source,
            Seed = request.Seed,
            Version = NetsRun.Version,
            TrainSeconds = outcome.Elapsed.TotalSeconds,
            SampleSeconds = clock.Elapsed.TotalSeconds,
            Iterations = outcome.Iterations,
        };
    }

    private bool UsesModeKnowledge => _given is not null
        ? _given is FormulaPath { UsesModeKnowledge: true }
        : ResolvedOptions.Base == BaseChoice.Automatic && Target.Base.UsesModeKnowledge;

    private static double[] Unconstrained<T>(TransportProblem coordinates, NdArray<T> positions)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var d = coordinates.Base.Dimension;
        var result = new double[positions.Length];
        var z = new double[d];
        for (var i = 0; i < positions.Rows; i++)
        {
            for (var j = 0; j < d; j++)
            {
                z[j] = double.CreateChecked(positions[(i * d) + j]);
            }

            coordinates.ToPosition(z, result.AsSpan(i * d, d));
        }

        return result;
    }

    private static IEnumerable<Status> LostParticles(double[] logWeights)
    {
        var lost = logWeights.Count(double.IsNegativeInfinity);
        if (lost > 0)
        {
            yield return Status.Warn($"{lost} of {logWeights.Length} particles were lost (their positions or densities are not finite) and weigh nothing", "train longer, or widen the base");
        }
    }

    private static IEnumerable<Status> UnstableDiffusion(NetsProblem problem, NetsSampler sampler)
    {
        if (sampler.Diffusion is not { } eps)
        {
            yield break;
        }

        var largest = Enumerable.Range(0, 101).Max(k => problem.Curvature(0.01 * k));
        var step = eps * largest / sampler.Steps;
        if (step > UnstableStep)
        {
            yield return Status.Warn(
                FormattableString.Invariant($"steps of 1/{sampler.Steps} are too long for the diffusion: they move {step:0.#} times the inverse of the path's mean curvature"),
                FormattableString.Invariant($"raise samplerSteps to {Math.Ceiling(10 * eps * largest)} or lower the diffusion"));
        }
    }
}
