using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using Monge.Diagnostics;
using Monge.Runs;
using Monge.Training;

namespace Monge.Methods;

/// <summary>A trained transport, whatever its number format.</summary>
internal interface ITrainedRun : IDisposable
{
    /// <summary>Draws weighted samples and judges them.</summary>
    /// <param name="samples">Their number, at least 2.</param>
    /// <param name="drawSeed">Seed of their random numbers.</param>
    /// <param name="run">Seed of the training, threads, whom to tell, and when to stop.</param>
    SampleSet Draw(int samples, ulong drawSeed, Run run);

    /// <summary>Writes all that is needed to draw again.</summary>
    void Save(string path);
}

/// <summary>A transport after its training: chooses how to sample, samples, judges.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="method">The method.</param>
/// <param name="session">The run that trained it.</param>
/// <param name="training">What was trained; disposed with this.</param>
/// <param name="outcome">How the training ended.</param>
/// <param name="note">What is to be said of the run; null for nothing.</param>
internal sealed class TrainedTransportRun<T>(
    ITransportMethod method, RunSession session, GaugedTraining<T> training, TrainingOutcome outcome, string? note) : ITrainedRun
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int MostExactDraws = 10_000;

    private (int Samples, double Ess, IReadOnlyList<SamplerTrial>? Trials)? _choice;

    /// <inheritdoc/>
    public void Save(string path) => session.SaveCheckpoint(path);

    /// <inheritdoc/>
    public void Dispose() => training.Dispose();

    /// <inheritdoc/>
    public SampleSet Draw(int samples, ulong drawSeed, Run run)
    {
        var clock = Stopwatch.StartNew();
        var (problem, sampling, target) = (training.Problem, training.Sampling, training.Problem.Target);
        void Report(string phase, double? ess)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            run.Progress?.Report(new TrainingProgress(outcome.Iterations, outcome.Iterations, double.NaN, session.Elapsed, TimeSpan.Zero, phase)
            {
                Figures = ess is { } share && double.IsFinite(share) ? [Figure.ValidationEss(share)] : outcome.Figures,
            });
        }

        if (_choice is not { } choice || choice.Samples != samples)
        {
            Report("choose sampler", null);
            var (ess, entered) = sampling.Choose(samples, run.Seed, run.Cancellation);
            _choice = choice = (samples, ess, entered);
        }

        var (_, validationEss, trials) = choice;
        Report("sample", validationEss);
        var draws = sampling.Draw(samples, drawSeed);
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
        var check = new CoverageCheck<T>(problem, method.Setup.Preparation, run);
        Status[] coverage = [.. check.Judge(particles.Positions, weights)];
        var exact = problem.ExactDraws<T>(Math.Min(samples, MostExactDraws), run.Seed);
        var backward = exact is null ? null : sampling.DrawBackward(exact, run.Seed);
        var forward = backward is null ? null : ForwardWeights.FromLogWeights(backward, target.Facts.LogZ ?? weights.LogNormaliser);
        var (logTarget, reported) = sampling.Evaluation.At(particles.Positions, samples);
        var outside = SampleWarnings.Outside(particles.Positions, logTarget);
        return new SampleSet
        {
            Positions = reported,
            UnconstrainedPositions = problem.ToPositions(particles.Positions),
            LogWeights = particles.LogWeights,
            Names = target.Names,
            Target = target.Name,
            LogZ = weights.LogNormaliser,
            LogZError = double.Hypot(SamplerTrials.LogZError(weights, draws.IslandLogZ), draws.StepError),
            EffectiveSampleSize = weights.EffectiveSampleFraction,
            Elbo = weights.Elbo,
            ElboError = weights.ElboError,
            Eubo = forward?.Eubo,
            EuboError = forward?.EuboError,
            ForwardEffectiveSampleSize = forward?.EffectiveSampleFraction,
            ForwardEffectiveSampleSizeError = forward?.EffectiveSampleFractionError,
            TargetCalls = check.TargetCalls + problem.PreparationCalls + training.TargetCalls,
            FreeEnergy = freeEnergy,
            SamplerScan = trials,
            UsesModeKnowledge = method.Setup.UsesModeKnowledge,
            Warnings =
            [
                .. sampling.UnstableStep(),
                .. forward?.Judge(weights) ?? [],
                .. coverage,
                .. weights.Warnings,
                .. SampleWarnings.NoMode(target, weights),
                .. forward is null ? SampleWarnings.UnequalModes(target) : [],
                .. MomentTails.Judge(MomentTails.Compute(reported, target.Names, particles.LogWeights)),
                .. SampleWarnings.LostParticles(particles.LogWeights, outside),
                .. SampleWarnings.Outside(target, reported, particles.LogWeights, outside),
                .. sampling.IsTrainedInBox ? SampleWarnings.LeftRegion(problem, particles.Positions, weights.Normalised) : [],
                .. training.Judge(),
            ],
            Method = method.Name,
            Options = MethodOptions.Format(method.Options),
            Sampler = Words(
                draws.Sampler,
                outside.Count == 0 ? null : $"{outside.Count} of {samples} particles ended where the density is zero or not finite and weigh nothing",
                note),
            Preparation = Words(problem.Source, training.Networks.Remark(training.Training.Average), note, LeftOut(training.Training.LeftOut)),
            Seed = drawSeed,
            Version = RunIdentity.Version,
            TrainSeconds = outcome.Elapsed.TotalSeconds,
            SampleSeconds = clock.Elapsed.TotalSeconds,
            Iterations = outcome.Iterations,
        };
    }

    private static string Words(params string?[] words) => string.Join("; ", words.OfType<string>());

    private static string? LeftOut(double share) => share > 0
        ? string.Create(CultureInfo.InvariantCulture, $"{share:P1} of the training's points, at which the density is zero or not finite, were left out") : null;
}
