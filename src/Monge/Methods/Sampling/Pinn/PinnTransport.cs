using System.Diagnostics;
using System.Numerics;
using Monge.Diagnostics;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Measures;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// Neural PDE transport along an annealing path. For V_t = t^a log rho + (1-t)^b log p0 a drift b(x, t) and a function c(t) are learned from
/// <code>
/// R(x, t) = div b + b . grad V + dV/dt - c(t),      loss E[s^2 log(1 + R^2 / s^2)]                                  (1)
/// </code>
/// over collocation points from the current particles and from interpolated boxes. R = 0 means that dX = b dt, and for every eps >= 0 also
/// dX = (b + eps grad V) dt + sqrt(2 eps) dW, carry p0 at t = 0 to rho / Z at t = 1. Samples are drawn along either, with weights
/// <code>
/// ODE:  log w = log rho(X_1) - log p0(X_0) + int div b dt                                                          (2)
/// SDE:  log w = log rho(X_K) - log p0(X_0) + sum_k log N(X_k; M-(X_{k+1})) - log N(X_{k+1}; M+(X_k))                (3)
/// </code>
/// so estimates are consistent for an imperfect drift too; (3) is exact at any step size. The base and the exponents are found by
/// annealed importance sampling, that is (3) with b = 0.
/// Sources: arXiv:2407.07873 (annealing row of the log-density losses, equation 1), arXiv:2410.02711 (weights, equations 2 and 3).
/// </summary>
public sealed class PinnTransport : ISamplingMethod
{
    private const double LeftRegionShare = 0.01;
    private const int GaugeParticles = 1024;
    private const long DefaultIterations = 1_500;
    private const int RaceIterations = 500;
    private const int RaceParticles = 2048;
    private const int MostExactDraws = 10_000;
    private const double LargestStableStep = 2;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public PinnTransport(Density target, PinnOptions? options = null)
    {
        Target = target;
        options ??= new PinnOptions();
        options.Validate();
        ResolvedOptions = options.Resolve(target.Dimension);
    }

    /// <summary>The density.</summary>
    public Density Target { get; }

    /// <summary>The options with everything filled in that doesn't need the target to be run.</summary>
    public PinnOptions ResolvedOptions { get; }

    /// <inheritdoc/>
    public string Options => MethodOptions.Format(ResolvedOptions);

    /// <summary>Options from the command line's settings, which override the JSON options.</summary>
    /// <exception cref="ArgumentException">The JSON can't be read, or a value is out of range.</exception>
    public static PinnOptions Resolve(MethodSettings settings)
    {
        var options = settings.Options is { } json ? PinnOptions.Parse(json) : new PinnOptions();
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

    /// <summary>
    /// The problem that a run starts from, base and exponents, and the options with the network filled in; exponents and network are those whose short
    /// training ends with the most even weights.
    /// </summary>
    internal static (TransportProblem Problem, PinnOptions Options) Prepare<T>(Density target, PinnOptions options, ExecutionOptions execution, ulong seed, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        PinnOptions[] candidates = [.. (options.Network == NetworkChoice.Automatic ? [NetworkChoice.Mlp, NetworkChoice.Separable] : new[] { options.Network })
            .Select(network => (options with { Network = network }).Resolve(target.Dimension))];
        var races = new Dictionary<(GaussianBase, double, double), (PinnOptions Options, double Ess)>();
        var raced = 0L;
        double Race(TransportProblem problem)
        {
            var best = candidates.Select(c =>
            {
                var (ess, calls) = ShortTraining<T>(target, problem, c, execution, seed, cancellation);
                raced += calls;
                return (Options: c, Ess: ess);
            }).MaxBy(r => r.Ess);
            races[(problem.Base, problem.TargetExponent, problem.BaseExponent)] = best;
            return best.Ess;
        }

        var preparation = new TransportPreparation<T>(target, options.Preparation, execution, seed, cancellation, Race);
        var problem = preparation.Run();
        var path = (problem.Base, problem.TargetExponent, problem.BaseExponent);
        if (candidates.Length > 1 && !races.ContainsKey(path))
        {
            Race(problem);
        }

        problem = problem with { PreparationCalls = preparation.TargetCalls + raced };
        if (candidates.Length == 1)
        {
            return (problem, candidates[0]);
        }

        var (chosen, ess) = races[path];
        var words = chosen.Network == NetworkChoice.Separable ? "separable drift, a structural assumption" : "drift of all coordinates";
        return (problem with { Source = FormattableString.Invariant($"{problem.Source}; {words}, chosen by short trainings (ESS {ess:P1})") }, chosen);
    }

    private static (double Ess, long TargetCalls) ShortTraining<T>(Density target, TransportProblem problem, PinnOptions options, ExecutionOptions execution, ulong seed, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var trainer = new PinnTrainer<T>(target, problem, options, seed, execution);
        var state = trainer.Init();
        using var sampling = new PinnSampling<T>(target, problem, options, trainer.Networks, state.Adam.Average, execution);
        for (var iteration = 0; iteration < RaceIterations; iteration++)
        {
            cancellation.ThrowIfCancellationRequested();
            var info = trainer.Step(state, iteration, RaceIterations);
            if (!double.IsFinite(info.Loss) || !double.IsFinite(info.GradientNorm))
            {
                return (0, trainer.TargetCalls);
            }
        }

        return (sampling.Ess(sampling.Gauge, RaceParticles, seed), trainer.TargetCalls + sampling.TargetCalls);
    }

    private SampleSet Run<T>(SamplingRequest request, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var clock = Stopwatch.StartNew();
        var execution = new ExecutionOptions { Threads = ResolvedOptions.Threads };
        var run = new PinnRun(Target, ResolvedOptions, request.Seed);
        var checkpoint = request.Folder is { } folder ? Path.Combine(folder, PinnCheckpoint.CheckpointName) : null;
        var opened = request.Resume && checkpoint is not null && File.Exists(checkpoint) ? PinnCheckpoint.Open(checkpoint, run) : ((Data.SafetensorsFile File, PinnResumption Resumption)?)null;
        request.Progress?.Report(new TrainingProgress(0, ResolvedOptions.Iterations ?? 0, double.NaN, null, TimeSpan.Zero, TimeSpan.Zero, "prepare"));
        var (problem, options) = opened is { Resumption: var from }
            ? (from.Problem, (ResolvedOptions with { Network = from.Network }).Resolve(Target.Dimension))
            : Prepare<T>(Target, ResolvedOptions, execution, request.Seed, cancellation);
        var callsBefore = opened?.Resumption.TargetCalls ?? problem.PreparationCalls;

        using var trainer = new PinnTrainer<T>(Target, problem, options, request.Seed, execution);
        PinnState<T> state;
        if (opened is { } resumed)
        {
            state = trainer.NewState();
            PinnCheckpoint.Restore(checkpoint!, resumed.File, state, resumed.Resumption.Iteration);
        }
        else
        {
            state = trainer.Init();
        }

        using var sampling = new PinnSampling<T>(Target, problem, options, trainer.Networks, state.Adam.Average, execution);
        long TargetCalls() => callsBefore + trainer.TargetCalls + sampling.TargetCalls;
        var before = (opened?.Resumption.Elapsed ?? TimeSpan.Zero) + clock.Elapsed;
        var plan = new TrainingPlan
        {
            Iterations = opened?.Resumption.Total ?? options.Iterations ?? DefaultIterations,
            Budget = ResolvedOptions.Budget,
            FirstIteration = opened?.Resumption.Iteration ?? 0,
            ElapsedBefore = before,
            CheckpointSeconds = ResolvedOptions.CheckpointSeconds,
        };
        var task = new TrainingTask(
            (iteration, total) => trainer.Step(state, iteration, total),
            () => sampling.Ess(sampling.Gauge, GaugeParticles, request.Seed),
            checkpoint is null ? null : (_, total, elapsed) => PinnCheckpoint.Save(checkpoint, state, problem, options.Network, run, total, elapsed, TargetCalls()));
        var outcome = TrainingLoop.Run(task, plan, request.Progress, cancellation);
        if (request.Folder is not null)
        {
            PinnCheckpoint.SaveModel(Path.Combine(request.Folder, PinnCheckpoint.ModelName), state, problem, options.Network, run);
        }

        var draws = Sample(request, problem, sampling, outcome, cancellation);
        return draws with { TargetCalls = draws.TargetCalls + TargetCalls() };
    }

    private SampleSet Sample<T>(SamplingRequest request, TransportProblem problem, PinnSampling<T> sampling, TrainingOutcome outcome, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var clock = Stopwatch.StartNew();
        void Report(string phase, double? ess) =>
            request.Progress?.Report(new TrainingProgress(outcome.Iterations, outcome.Iterations, outcome.Loss, ess, outcome.Elapsed + clock.Elapsed, TimeSpan.Zero, phase));

        Report("choose sampler", outcome.ValidationEss);
        var (sampler, validationEss) = sampling.Choose(request.Seed, cancellation);
        Report("sample", validationEss);
        var particles = sampling.Draw(sampler, request.Samples, new DrawKey(request.Seed));
        if (particles.LogWeights.All(double.IsNegativeInfinity))
        {
            var unstable = UnstableStep(problem, sampler).FirstOrDefault();
            throw new ArithmeticException($"All particles of '{Target.Name}' were lost on the way; {(unstable is null ? "train longer, or widen the base (option baseInflation)" : unstable.Message)}.");
        }

        var weights = ImportanceWeights.FromLogWeights(particles.LogWeights);
        Report("check coverage", weights.EffectiveSampleFraction);
        var execution = new ExecutionOptions { Threads = ResolvedOptions.Threads };
        var check = new CoverageCheck<T>(Target, problem, ResolvedOptions.Preparation, execution, request.Seed, cancellation);
        Status[] coverage = [.. check.Judge(particles.Positions, weights)];
        var forward = problem.ExactDraws<T>(Target, Math.Min(request.Samples, MostExactDraws), request.Seed) is { } exact
            ? ForwardWeights.FromLogWeights(sampling.DrawBackward(sampler, exact, new DrawKey(request.Seed)), Target.Facts.LogZ ?? weights.LogNormaliser)
            : null;
        var (_, reported) = sampling.Evaluation.At(particles.Positions, request.Samples);
        return new SampleSet
        {
            Positions = reported,
            UnconstrainedPositions = Unconstrained(problem, particles.Positions),
            LogWeights = particles.LogWeights,
            Names = Target.Names,
            Target = Target.Name,
            LogZ = weights.LogNormaliser,
            LogZError = weights.LogNormaliserError,
            EffectiveSampleSize = weights.EffectiveSampleFraction,
            Elbo = weights.Elbo,
            ElboError = weights.ElboError,
            Eubo = forward?.Eubo,
            EuboError = forward?.EuboError,
            ForwardEffectiveSampleSize = forward?.EffectiveSampleFraction,
            ForwardEffectiveSampleSizeError = forward?.EffectiveSampleFractionError,
            TargetCalls = check.TargetCalls,
            Warnings = [.. UnstableStep(problem, sampler), .. forward?.Judge(weights) ?? [], .. coverage, .. weights.Warnings, .. LostParticles(particles.LogWeights), .. LeftRegion(problem, particles.Positions, weights.Normalised)],
            Method = "pinn",
            Options = Options,
            Sampler = sampler.ToString(),
            Preparation = problem.Source,
            Seed = request.Seed,
            Version = PinnRun.Version,
            TrainSeconds = outcome.Elapsed.TotalSeconds,
            SampleSeconds = clock.Elapsed.TotalSeconds,
            Iterations = outcome.Iterations,
        };
    }

    private static double[] Unconstrained<T>(TransportProblem problem, Engine.Arrays.NdArray<T> positions)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var d = problem.Base.Dimension;
        var result = new double[positions.Length];
        var noise = new double[d];
        for (var i = 0; i < positions.Rows; i++)
        {
            for (var j = 0; j < d; j++)
            {
                noise[j] = double.CreateChecked(positions[(i * d) + j]);
            }

            problem.ToPosition(noise, result.AsSpan(i * d, d));
        }

        return result;
    }

    // An explicit Langevin step multiplies an error by 1 - eps h times the curvature: beyond 2 it grows.
    internal static IEnumerable<Status> UnstableStep(TransportProblem problem, PinnSampler sampler)
    {
        if (sampler.Scheme is null || sampler.Diffusion is not { } diffusion)
        {
            yield break;
        }

        var steepest = Enumerable.Range(0, sampler.Steps + 1).Max(k => problem.Curvature((double)k / sampler.Steps));
        var factor = diffusion * steepest / sampler.Steps;
        if (factor > LargestStableStep)
        {
            yield return Status.Warn(
                FormattableString.Invariant($"the step size 1/{sampler.Steps} is unstable for the diffusion {diffusion:g3}: diffusion x step x mean curvature is {factor:g3}, above {LargestStableStep}"),
                FormattableString.Invariant($"lower the option diffusion to at most {LargestStableStep * sampler.Steps / steepest:g2}, or raise samplerSteps to at least {Math.Ceiling(diffusion * steepest / LargestStableStep)}"));
        }
    }

    private static IEnumerable<Status> LostParticles(double[] logWeights)
    {
        var lost = logWeights.Count(double.IsNegativeInfinity);
        if (lost > 0)
        {
            yield return Status.Warn($"{lost} of {logWeights.Length} particles were lost (their positions or densities are not finite) and weigh nothing", "train longer, or widen the base");
        }
    }

    internal static IEnumerable<Status> LeftRegion<T>(TransportProblem problem, Engine.Arrays.NdArray<T> positions, IReadOnlyList<double> weights)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var outside = 0.0;
        for (var i = 0; i < positions.Rows; i++)
        {
            var row = positions.Row(i);
            for (var j = 0; j < row.Length; j++)
            {
                // The box holds all particles of the preparation; a margin of half its width allows for the tails of larger runs.
                if (double.CreateChecked(T.Abs(row[j])) > 1.5 * problem.TargetBox[j])
                {
                    outside += weights[i];
                    break;
                }
            }
        }

        if (outside > LeftRegionShare)
        {
            yield return Status.Warn(FormattableString.Invariant($"{outside:P1} of the weight lies outside the region in which the drift was trained"), "widen the base (option baseInflation) and train anew");
        }
    }
}
