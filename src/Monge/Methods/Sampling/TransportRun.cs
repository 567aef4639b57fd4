using System.Diagnostics;
using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>
/// What all trained transports share of a run from density to weighted samples: train with checkpoints, choose how to sample, sample, judge. What is prepared
/// and trained, and by which loss, is the method's.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
internal static class TransportRun<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int GaugeParticles = 1024;
    private const int MostExactDraws = 10_000;
    private const int RaceIterations = 500;
    private const int RaceParticles = 2048;

    /// <summary>Trains a prepared transport, or goes on with it, and draws.</summary>
    /// <param name="session">The run.</param>
    /// <param name="problem">Coordinates and path.</param>
    /// <param name="training">What is trained.</param>
    /// <param name="sampling">How it is drawn from.</param>
    /// <param name="options">Resolved options of the training.</param>
    /// <param name="iterations">Steps if neither options nor checkpoint say.</param>
    /// <param name="samples">Number of draws.</param>
    /// <param name="preparation">Where the coverage check starts.</param>
    /// <param name="made">What the samples say of the method that made them.</param>
    /// <param name="remark">From the trained parameters to words that belong to the result; null for none.</param>
    public static SampleSet Run(
        RunSession session,
        TransportProblem problem,
        ITransportTraining<T> training,
        ITransportSampling<T> sampling,
        TrainingOptions options,
        long iterations,
        int samples,
        PreparationOptions preparation,
        MadeBy made,
        Func<NdArray<T>, string>? remark = null)
    {
        var gauged = new Gauged(training, sampling, session.Run.Seed);
        var outcome = session.Iterate("train", gauged, options.Iterations ?? iterations, options.Budget, options.CheckpointSeconds);
        var model = new RunState();
        problem.Save(model);
        model.Exchange("average", training.Average);
        model.Put("iteration", outcome.Iterations);
        session.SaveModel(model);
        var source = remark is null ? problem.Source : $"{problem.Source}; {remark(training.Average)}";
        var draws = Sample(session, problem with { Source = source }, sampling, outcome, samples, preparation, made);
        return draws with { TargetCalls = draws.TargetCalls + problem.PreparationCalls + gauged.TargetCalls };
    }

    /// <summary>
    /// Of prepared problems the one that a short training finds best; the most even annealed importance sampling where there is no choice or no time.
    /// </summary>
    /// <param name="candidates">The problems.</param>
    /// <param name="run">With what, for how long, and whom it tells.</param>
    /// <param name="train">The effective sample size (fraction) after a short training on a problem.</param>
    public static PreparedProblem Best(IReadOnlyList<PreparedProblem> candidates, PreparationRun run, Func<TransportProblem, double> train) =>
        candidates.Count == 1 || !run.HasTime
            ? candidates.MaxBy(c => c.Ess)!
            : candidates.TakeWhile((_, k) => k == 0 || run.HasTime).MaxBy(c => train(c.Problem))!;

    /// <summary>
    /// Weighted particles of a transport after a short training, null if that failed, and the evaluations of the target it took; disposes both.
    /// </summary>
    public static (WeightedParticles<T>? Particles, long TargetCalls) ShortTraining(
        ITransportTraining<T> training, ITransportSampling<T> sampling, PreparationRun run)
    {
        using var trained = training;
        using var drawn = sampling;
        training.Init();
        for (var iteration = 0; iteration < RaceIterations && (iteration == 0 || run.HasTime); iteration++)
        {
            run.Report("short training", iteration, RaceIterations);
            var info = training.Step(iteration, RaceIterations);
            if (!double.IsFinite(info.Loss ?? 0) || !double.IsFinite(info.GradientNorm ?? 0))
            {
                return (null, training.TargetCalls);
            }
        }

        var particles = sampling.Gauge(RaceParticles, run.Seed);
        return (particles.LogWeights.All(double.IsNegativeInfinity) ? null : particles, training.TargetCalls + sampling.TargetCalls);
    }

    /// <summary>The effective sample size (fraction) of particles; 0 if there are none or all are lost.</summary>
    public static double Ess(WeightedParticles<T>? particles) =>
        particles?.LogWeights.All(double.IsNegativeInfinity) != false ? 0 : ImportanceWeights.FromLogWeights(particles.LogWeights).EffectiveSampleFraction;

    private static SampleSet Sample(
        RunSession session, TransportProblem problem, ITransportSampling<T> sampling, TrainingOutcome outcome, int samples,
        PreparationOptions preparation, MadeBy made)
    {
        var clock = Stopwatch.StartNew();
        var (target, run) = (problem.Target, session.Run);
        void Report(string phase, double? ess) =>
            session.Report(phase, null, outcome.Iterations, outcome.Iterations, ess is { } share && double.IsFinite(share)
                ? [Figure.ValidationEss(share)] : outcome.Figures);

        Report("choose sampler", null);
        var (validationEss, trials) = sampling.Choose(samples, run.Seed, run.Cancellation);
        Report("sample", validationEss);
        var draws = sampling.Draw(samples, run.Seed);
        var particles = draws.Particles;
        if (particles.LogWeights.All(double.IsNegativeInfinity))
        {
            var unstable = sampling.UnstableStep().FirstOrDefault();
            throw new ArithmeticException(
                $"All particles of '{target.Name}' were lost on the way; {unstable?.Message ?? "train longer, or widen the base (option baseInflation)"}.");
        }

        var weights = ImportanceWeights.FromLogWeights(particles.LogWeights);
        var freeEnergy = sampling.Profile(samples, run.Seed);
        Report("check coverage", weights.EffectiveSampleFraction);
        var check = new CoverageCheck<T>(problem, preparation, run);
        Status[] coverage = [.. check.Judge(particles.Positions, weights)];
        var exact = problem.ExactDraws<T>(Math.Min(samples, MostExactDraws), run.Seed);
        var backward = exact is null ? null : sampling.DrawBackward(exact, run.Seed);
        var forward = backward is null ? null : ForwardWeights.FromLogWeights(backward, target.Facts.LogZ ?? weights.LogNormaliser);
        var (_, reported) = sampling.Evaluation.At(particles.Positions, samples);
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
            UsesModeKnowledge = made.UsesModeKnowledge,
            Warnings =
            [
                .. sampling.UnstableStep(),
                .. forward?.Judge(weights) ?? [],
                .. coverage,
                .. weights.Warnings,
                .. SampleWarnings.LostParticles(particles.LogWeights),
                .. sampling.IsTrainedInBox ? SampleWarnings.LeftRegion(problem, particles.Positions, weights.Normalised) : [],
            ],
            Method = made.Method,
            Options = made.Options,
            Sampler = draws.Sampler,
            Preparation = problem.Source,
            Seed = run.Seed,
            Version = RunIdentity.Version,
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

    // A training whose progress is told by the effective sample size of a batch.
    private sealed class Gauged(ITransportTraining<T> training, ITransportSampling<T> sampling, ulong seed) : IIterative
    {
        private long _callsBefore;

        public long TargetCalls => _callsBefore + training.TargetCalls + sampling.TargetCalls;

        public void Init() => training.Init();

        public StepInfo Step(long iteration, long total) => training.Step(iteration, total);

        public void Exchange(RunState state)
        {
            training.Exchange(state);
            var calls = _callsBefore + sampling.TargetCalls;
            state.Exchange("gaugeCalls", ref calls);
            _callsBefore = calls - sampling.TargetCalls;
        }

        public IReadOnlyList<Figure> Validate() => [Figure.ValidationEss(Ess(sampling.Gauge(GaugeParticles, seed)))];
    }
}

/// <summary>What a sample set says of the method that made it.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Options">Its resolved options as JSON.</param>
/// <param name="UsesModeKnowledge">Whether base or path were made knowing where the modes are.</param>
internal sealed record MadeBy(string Method, string Options, bool UsesModeKnowledge);
