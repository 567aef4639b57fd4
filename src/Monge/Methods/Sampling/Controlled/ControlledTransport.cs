using System.Diagnostics;
using System.Numerics;
using Monge.Diagnostics;
using Monge.Engine.Execution;
using Monge.Measures;
using Monge.Objectives;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// The trajectory-based samplers PIS, DIS, DDS, GBS and CMCD. A control is trained so that paths x_0, ..., x_K of forward kernels F_k look like paths of backward
/// kernels B_k from the target:
/// <code>
/// log w = log rho(x_K) - log p0(x_0) + sum_k [log B_k(x_k | x_{k+1}) - log F_k(x_{k+1} | x_k)],    rnd = -log w       (1)
/// loss: kl = E[rnd]   or   logVariance = Var[rnd] along paths held fixed                                             (2)
/// </code>
/// E[w] = Z holds for any control and any number of steps. Which kernels a method has, and how its paper's rnd corresponds, is told at
/// <see cref="Dynamics.KernelSchedule"/>. kl is back-propagated through the whole path in memory of about sqrt(K) states (<see cref="PathGradient{T}"/>). It seeks modes: with
/// separated modes it collapses to some of them, and its weights can't tell; the coverage check does.
/// Paths run in coordinates in which the base is N(0, I); the base is the target's suggestion, or isotropic with a scale that is given.
/// Sources: arXiv:2307.01198 (losses, general bridge, settings), arXiv:2111.15141 (PIS), arXiv:2211.01364 (DIS), arXiv:2302.13834 (DDS), arXiv:2307.01050 (CMCD).
/// </summary>
public sealed class ControlledTransport : ISamplingMethod
{
    private const int GaugeParticles = 1024;
    private const int MostExactDraws = 10_000;

    /// <summary>Binds a method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="algorithm">The method.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public ControlledTransport(Density target, ControlledAlgorithm algorithm, ControlledOptions? options = null)
    {
        (Target, Algorithm) = (target, algorithm);
        options ??= new ControlledOptions();
        options.Validate();
        ResolvedOptions = options with
        {
            Iterations = options.Iterations ?? (options.Budget is null ? DefaultIterations : null),
            Score = options.Score ?? (algorithm == ControlledAlgorithm.Cmcd ? ScoreGate.None : ScoreGate.Interpolated),
            GateStart = options.GateStart ?? 1,
        };
    }

    /// <summary>The density.</summary>
    public Density Target { get; }

    /// <summary>The method.</summary>
    public ControlledAlgorithm Algorithm { get; }

    /// <summary>The options with everything filled in.</summary>
    public ControlledOptions ResolvedOptions { get; }

    /// <inheritdoc/>
    public string Options => MethodOptions.Format(ResolvedOptions);

    private const long DefaultIterations = 4_000;

    private string Name => Algorithm switch
    {
        ControlledAlgorithm.Pis => "pis",
        ControlledAlgorithm.Dis => "dis",
        ControlledAlgorithm.Dds => "dds",
        ControlledAlgorithm.Gbs => "gbs",
        _ => "cmcd",
    };

    /// <inheritdoc/>
    public SampleSet Run(SamplingRequest request, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(request.Samples, 2);
        Target.Check();
        return ResolvedOptions.Precision == Precision.Float64 ? Run<double>(request, cancellation) : Run<float>(request, cancellation);
    }

    private TransportProblem Prepare<T>(PreparationRun run)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var preparation = new TransportPreparation<T>(Target, new PreparationOptions(), run);
        return ResolvedOptions.BaseScale is { } scale
            ? preparation.Given(GaussianBase.Isotropic(Target.Dimension, scale), FormattableString.Invariant($"N(0, {scale:g4}^2), given"))
            : preparation.Given(
                Target.Base.ToGaussian(ResolvedOptions.BaseInflation),
                FormattableString.Invariant($"{Target.Base.Source}{(ResolvedOptions.BaseInflation == 1 ? "" : $", deviations times {ResolvedOptions.BaseInflation:g3}")}"));
    }

    // A file keeps the base's factor only; the same numbers must lead to the same program, or a resumed run rounds differently.
    private static TransportProblem WithPlainBase(TransportProblem problem)
    {
        var d = problem.Base.Dimension;
        var factor = TransportProblem.Factor(problem.Base);
        var isDiagonal = Enumerable.Range(0, factor.Length).All(k => k / d == k % d || factor[k] == 0);
        return isDiagonal
            ? problem with { Base = GaussianBase.Diagonal([.. problem.Base.Mean], [.. Enumerable.Range(0, d).Select(i => factor[(i * d) + i])]) }
            : problem;
    }

    private SampleSet Run<T>(SamplingRequest request, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var clock = Stopwatch.StartNew();
        var execution = new ExecutionOptions { Threads = ResolvedOptions.Threads };
        var files = new ControlledCheckpoint(Name, Target, ResolvedOptions, request.Seed);
        var checkpoint = request.Folder is { } folder ? Path.Combine(folder, ControlledCheckpoint.CheckpointName) : null;
        var resumed = request.Resume && checkpoint is not null && File.Exists(checkpoint) ? files.Open(checkpoint) : null;
        var problem = WithPlainBase(resumed?.Problem ?? Prepare<T>(new PreparationRun(execution, request.Seed, cancellation, ResolvedOptions.Budget, request.Progress)));
        var model = new ControlledModel(Target, problem, Algorithm, ResolvedOptions);
        using var trainer = new ControlledTrainer<T>(model, ResolvedOptions, request.Seed, execution);
        var state = resumed is null ? trainer.Init() : trainer.NewState();
        resumed?.Restore(state);
        using var sampling = new ControlledSampling<T>(Target, problem, model, state.Average, execution);
        var plan = new TrainingPlan
        {
            Iterations = ResolvedOptions.Iterations ?? resumed?.Total ?? DefaultIterations,
            Budget = ResolvedOptions.Budget,
            FirstIteration = resumed?.Iteration ?? 0,
            ElapsedBefore = (resumed?.Elapsed ?? TimeSpan.Zero) + clock.Elapsed,
            CheckpointSeconds = ResolvedOptions.CheckpointSeconds,
        };
        double Clip() => ControlledTrainer<T>.Clip(ResolvedOptions.Clip, state.Steps);
        var task = new TrainingTask(
            (iteration, total) => trainer.Step(state, iteration, total),
            () => sampling.Ess(GaugeParticles, request.Seed, Clip()),
            checkpoint is null ? null : (_, total, elapsed) => files.Save(checkpoint, state, problem, total, elapsed));
        var outcome = TrainingLoop.Run(task, plan, request.Progress, cancellation);
        if (request.Folder is not null)
        {
            files.SaveModel(Path.Combine(request.Folder, ControlledCheckpoint.ModelName), state, problem);
        }

        var calls = outcome.Iterations * trainer.TargetCallsPerStep;
        return Sample(request, problem, sampling, outcome, Clip(), calls, cancellation);
    }

    private SampleSet Sample<T>(
        SamplingRequest request, TransportProblem problem, ControlledSampling<T> sampling, TrainingOutcome outcome, double clip, long trainingCalls, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var clock = Stopwatch.StartNew();
        void Report(string phase, double? ess) =>
            request.Progress?.Report(new TrainingProgress(outcome.Iterations, outcome.Iterations, outcome.Loss, ess, outcome.Elapsed + clock.Elapsed, TimeSpan.Zero, phase));

        Report("sample", outcome.ValidationEss);
        var particles = sampling.Draw(request.Samples, request.Seed, clip);
        if (particles.LogWeights.All(double.IsNegativeInfinity))
        {
            throw new ArithmeticException($"All particles of '{Target.Name}' were lost on the way; lower the learning rate, train longer, or change the base (options baseScale, baseInflation).");
        }

        var weights = ImportanceWeights.FromLogWeights(particles.LogWeights);
        Report("check coverage", weights.EffectiveSampleFraction);
        var execution = new ExecutionOptions { Threads = ResolvedOptions.Threads };
        var coverage = new CoverageCheck<T>(Target, problem, new PreparationOptions(), execution, request.Seed, cancellation).Judge(particles.Positions, weights);
        var forward = problem.ExactDraws<T>(Target, Math.Min(request.Samples, MostExactDraws), request.Seed) is { } exact
            ? ForwardWeights.FromLogWeights(sampling.DrawBackward(exact, request.Seed, clip), Target.Facts.LogZ ?? weights.LogNormaliser)
            : null;
        var (_, reported) = sampling.Evaluation.At(particles.Positions, request.Samples);
        return new SampleSet
        {
            Positions = reported,
            UnconstrainedPositions = problem.ToPositions(particles.Positions),
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
            TargetCalls = trainingCalls + sampling.TargetCalls,
            UsesModeKnowledge = ResolvedOptions.BaseScale is null && Target.Base.UsesModeKnowledge,
            Warnings = [.. forward?.Judge(weights) ?? [], .. coverage, .. weights.Warnings, .. SampleWarnings.LostParticles(particles.LogWeights)],
            Method = Name,
            Options = Options,
            Sampler = FormattableString.Invariant($"controlled SDE with kernel weights, {ResolvedOptions.Steps} steps, trained by {(ResolvedOptions.Loss == PathSpaceLoss.Kl ? "kl" : "log variance")}"),
            Preparation = problem.Source,
            Seed = request.Seed,
            Version = ControlledCheckpoint.Version,
            TrainSeconds = outcome.Elapsed.TotalSeconds,
            SampleSeconds = clock.Elapsed.TotalSeconds,
            Iterations = outcome.Iterations,
        };
    }
}
