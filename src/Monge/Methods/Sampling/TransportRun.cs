using System.Diagnostics;
using System.Numerics;
using Monge.Data;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Measures;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>The training of a transport as the run sees it.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal interface ITransportTrainer<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>What is trained.</summary>
    TrainedTransport Transport { get; }

    /// <summary>Evaluations of the target so far.</summary>
    long TargetCalls { get; }

    /// <summary>The state before the first step.</summary>
    TransportState<T> Init();

    /// <summary>A state of zeros, to be filled from a checkpoint.</summary>
    TransportState<T> NewState();

    /// <summary>Takes one step of a run of a total length.</summary>
    StepInfo Step(TransportState<T> state, long iteration, long total);
}

/// <summary>What of a method's options the run itself heeds.</summary>
/// <param name="Run">What names the run.</param>
/// <param name="Options">The resolved options as JSON, for the samples.</param>
/// <param name="Iterations">Optimiser steps; null for a budget or the start's default.</param>
/// <param name="Budget">Training time.</param>
/// <param name="CheckpointSeconds">Seconds between checkpoints.</param>
/// <param name="Threads">Threads, 0 for all.</param>
/// <param name="Preparation">Where the transport starts.</param>
internal sealed record TransportRunSettings(TrainingRun Run, string Options, long? Iterations, TimeSpan? Budget, double CheckpointSeconds, int Threads, PreparationOptions Preparation);

/// <summary>A prepared transport, ready to be trained.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="Problem">Coordinates and path.</param>
/// <param name="Trainer">Trains it; the run disposes it.</param>
/// <param name="Sampling">How particles may be carried.</param>
/// <param name="Iterations">Steps if neither options nor checkpoint say.</param>
/// <param name="Choice">What was chosen by then, for the checkpoint.</param>
/// <param name="Remark">From the trained parameters to words that belong to the result; null for none.</param>
internal sealed record TransportStart<T>(
    TransportProblem Problem, ITransportTrainer<T> Trainer, SamplingSettings Sampling, long Iterations, string Choice = "", Func<NdArray<T>, string>? Remark = null)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>From the averaged parameters to the method's own way to draw; null for <see cref="TransportSampling{T}"/>.</summary>
    public Func<NdArray<T>, ITransportSampling<T>>? Draws { get; init; }

    /// <summary>Whether base or path were made knowing where the modes are; null if an automatic base decides.</summary>
    public bool? UsesModeKnowledge { get; init; }
}

/// <summary>
/// A run from density to weighted samples that all trained transports share: begin or resume, train with checkpoints, choose how to sample, sample, judge. What is
/// trained, and by which loss, is the method's.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal static class TransportRun<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int GaugeParticles = 1024;
    private const int MostExactDraws = 10_000;
    private const int RaceIterations = 500;
    private const int RaceParticles = 2048;

    /// <summary>Runs.</summary>
    /// <param name="settings">What the run heeds.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="begin">Prepares the transport, or makes it as a checkpoint says.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    public static SampleSet Run(TransportRunSettings settings, SamplingRequest request, Func<Resumption?, PreparationRun, TransportStart<T>> begin, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var execution = new ExecutionOptions { Threads = settings.Threads };
        var run = settings.Run;
        var checkpoint = request.Folder is { } folder ? Path.Combine(folder, TrainingCheckpoint.CheckpointName) : null;
        var opened = request.Resume && checkpoint is not null && File.Exists(checkpoint) ? TrainingCheckpoint.Open(checkpoint, run) : ((SafetensorsFile File, Resumption Resumption)?)null;
        var start = begin(opened?.Resumption, new PreparationRun(execution, request.Seed, cancellation, settings.Budget, request.Progress));
        using var trainer = start.Trainer;
        var problem = start.Problem;
        var callsBefore = opened?.Resumption.TargetCalls ?? problem.PreparationCalls;
        TransportState<T> state;
        if (opened is { } resumed)
        {
            state = trainer.NewState();
            TrainingCheckpoint.Restore(checkpoint!, resumed.File, state, resumed.Resumption.Iteration);
        }
        else
        {
            state = trainer.Init();
        }

        using var sampling = start.Draws?.Invoke(state.Adam.Average) ?? new TransportSampling<T>(run.Target, problem, start.Sampling, trainer.Transport, state.Adam.Average, execution);
        long TargetCalls() => callsBefore + trainer.TargetCalls + sampling.TargetCalls;
        var before = (opened?.Resumption.Elapsed ?? TimeSpan.Zero) + clock.Elapsed;
        var plan = new TrainingPlan
        {
            Iterations = opened?.Resumption.Total ?? settings.Iterations ?? start.Iterations,
            Budget = settings.Budget,
            FirstIteration = opened?.Resumption.Iteration ?? 0,
            ElapsedBefore = before,
            CheckpointSeconds = settings.CheckpointSeconds,
        };
        var task = new TrainingTask(
            (iteration, total) => trainer.Step(state, iteration, total),
            () => Ess(sampling.Gauge(GaugeParticles, request.Seed)),
            checkpoint is null ? null : (_, total, elapsed) => TrainingCheckpoint.Save(checkpoint, state, problem, run, total, elapsed, TargetCalls(), start.Choice));
        var outcome = TrainingLoop.Run(task, plan, request.Progress, cancellation);
        if (request.Folder is not null)
        {
            TrainingCheckpoint.SaveModel(Path.Combine(request.Folder, TrainingCheckpoint.ModelName), state, problem, run, start.Choice);
        }

        var source = start.Remark is { } remark ? $"{problem.Source}; {remark(state.Adam.Average)}" : problem.Source;
        var draws = Sample(settings, request, problem with { Source = source }, sampling, outcome, cancellation);
        return draws with { TargetCalls = draws.TargetCalls + TargetCalls(), UsesModeKnowledge = start.UsesModeKnowledge ?? (settings.Preparation.Base == BaseChoice.Automatic && run.Target.Base.UsesModeKnowledge) };
    }

    /// <summary>The effective sample size (fraction) after a short training, 0 if that failed, and the evaluations of the target it took; disposes the trainer.</summary>
    public static (double Ess, long TargetCalls) ShortTraining(
        ITransportTrainer<T> trainer, Func<NdArray<T>, ITransportSampling<T>> draws, PreparationRun run)
    {
        var (particles, calls) = ShortTrainingDraws(trainer, draws, run);
        return (particles is null ? 0 : Ess(particles), calls);
    }

    /// <summary>The same with the draws of <see cref="TransportSampling{T}"/>.</summary>
    public static (double Ess, long TargetCalls) ShortTraining(
        Density target, TransportProblem problem, ITransportTrainer<T> trainer, SamplingSettings settings, PreparationRun run) =>
        ShortTraining(trainer, average => new TransportSampling<T>(target, problem, settings, trainer.Transport, average, run.Execution), run);

    /// <summary>Weighted particles of the transport after a short training, null if that failed, and the evaluations of the target it took; disposes the trainer.</summary>
    public static (WeightedParticles<T>? Particles, long TargetCalls) ShortTrainingDraws(
        Density target, TransportProblem problem, ITransportTrainer<T> trainer, SamplingSettings settings, PreparationRun run) =>
        ShortTrainingDraws(trainer, average => new TransportSampling<T>(target, problem, settings, trainer.Transport, average, run.Execution), run);

    private static (WeightedParticles<T>? Particles, long TargetCalls) ShortTrainingDraws(
        ITransportTrainer<T> trainer, Func<NdArray<T>, ITransportSampling<T>> draws, PreparationRun run)
    {
        using var owned = trainer;
        var state = trainer.Init();
        using var sampling = draws(state.Adam.Average);
        for (var iteration = 0; iteration < RaceIterations && (iteration == 0 || run.HasTime); iteration++)
        {
            run.Report("short training", iteration, RaceIterations);
            var info = trainer.Step(state, iteration, RaceIterations);
            if (!double.IsFinite(info.Loss) || !double.IsFinite(info.GradientNorm))
            {
                return (null, trainer.TargetCalls);
            }
        }

        var particles = sampling.Gauge(RaceParticles, run.Seed);
        return (particles.LogWeights.All(double.IsNegativeInfinity) ? null : particles, trainer.TargetCalls + sampling.TargetCalls);
    }

    private static double Ess(WeightedParticles<T> particles) =>
        particles.LogWeights.All(double.IsNegativeInfinity) ? 0 : ImportanceWeights.FromLogWeights(particles.LogWeights).EffectiveSampleFraction;

    private static SampleSet Sample(
        TransportRunSettings settings, SamplingRequest request, TransportProblem problem, ITransportSampling<T> sampling, TrainingOutcome outcome, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var target = settings.Run.Target;
        void Report(string phase, double? ess) =>
            request.Progress?.Report(new TrainingProgress(outcome.Iterations, outcome.Iterations, outcome.Loss, ess, outcome.Elapsed + clock.Elapsed, TimeSpan.Zero, phase));

        Report("choose sampler", outcome.ValidationEss);
        var (validationEss, trials) = sampling.Choose(request.Samples, request.Seed, cancellation);
        Report("sample", validationEss);
        var draws = sampling.Draw(request.Samples, request.Seed);
        var particles = draws.Particles;
        if (particles.LogWeights.All(double.IsNegativeInfinity))
        {
            var unstable = sampling.UnstableStep().FirstOrDefault();
            throw new ArithmeticException($"All particles of '{target.Name}' were lost on the way; {unstable?.Message ?? "train longer, or widen the base (option baseInflation)"}.");
        }

        var weights = ImportanceWeights.FromLogWeights(particles.LogWeights);
        var freeEnergy = sampling.Profile(request.Samples, request.Seed);
        Report("check coverage", weights.EffectiveSampleFraction);
        var execution = new ExecutionOptions { Threads = settings.Threads };
        var check = new CoverageCheck<T>(target, problem, settings.Preparation, execution, request.Seed, cancellation);
        Status[] coverage = [.. check.Judge(particles.Positions, weights)];
        var forward = problem.ExactDraws<T>(target, Math.Min(request.Samples, MostExactDraws), request.Seed) is { } exact && sampling.DrawBackward(exact, request.Seed) is { } backward
            ? ForwardWeights.FromLogWeights(backward, target.Facts.LogZ ?? weights.LogNormaliser)
            : null;
        var (_, reported) = sampling.Evaluation.At(particles.Positions, request.Samples);
        return new SampleSet
        {
            Positions = reported,
            UnconstrainedPositions = problem.ToPositions(particles.Positions),
            LogWeights = particles.LogWeights,
            Names = target.Names,
            Target = target.Name,
            LogZ = weights.LogNormaliser,
            LogZError = double.Hypot(LogZError(weights, draws.IslandLogZ), draws.StepError),
            EffectiveSampleSize = weights.EffectiveSampleFraction,
            Elbo = weights.Elbo,
            ElboError = weights.ElboError,
            Eubo = forward?.Eubo,
            EuboError = forward?.EuboError,
            ForwardEffectiveSampleSize = forward?.EffectiveSampleFraction,
            ForwardEffectiveSampleSizeError = forward?.EffectiveSampleFractionError,
            TargetCalls = check.TargetCalls,
            FreeEnergy = freeEnergy,
            SamplerScan = trials,
            Warnings = [.. sampling.UnstableStep(), .. forward?.Judge(weights) ?? [], .. coverage, .. weights.Warnings, .. SampleWarnings.LostParticles(particles.LogWeights), .. LeftRegion(problem, particles, weights)],
            Method = settings.Run.Method,
            Options = settings.Options,
            Sampler = draws.Sampler,
            Preparation = problem.Source,
            Seed = request.Seed,
            Version = TrainingRun.Version,
            TrainSeconds = outcome.Elapsed.TotalSeconds,
            SampleSeconds = clock.Elapsed.TotalSeconds,
            Iterations = outcome.Iterations,
        };
    }

    /// <summary>The standard error of log Z: between islands if particles were resampled, else by the delta method.</summary>
    public static double LogZError(ImportanceWeights weights, double[]? islandLogZ)
    {
        if (islandLogZ is null)
        {
            return weights.LogNormaliserError;
        }

        double[] ratios = [.. islandLogZ.Select(z => Math.Exp(z - weights.LogNormaliser))];
        var mean = ratios.Average();
        return ratios.Length < 2 ? double.PositiveInfinity : Math.Sqrt(ratios.Sum(r => (r - mean) * (r - mean)) / (ratios.Length - 1) / ratios.Length) / mean;
    }

    // Along a path that was given, drifts are trained on the walkers' own law, which no box of the preparation bounds.
    private static IEnumerable<Status> LeftRegion(TransportProblem problem, WeightedParticles<T> particles, ImportanceWeights weights) =>
        problem.LogCurvature is null ? SampleWarnings.LeftRegion(problem, particles.Positions, weights.Normalised) : [];
}
