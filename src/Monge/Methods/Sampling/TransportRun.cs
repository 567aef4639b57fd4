using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Measures;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>What a run asks of a trained transport that is bound to a density.</summary>
internal interface ITransportMethod : ISamplingMethod
{
    /// <summary>The density.</summary>
    Density Target { get; }

    /// <summary>What the run has to know beforehand.</summary>
    TransportSetup Setup { get; }

    /// <summary>The problem that the run starts from.</summary>
    TransportProblem Prepare<T>(PreparationRun run)
        where T : unmanaged, IFloatingPointIeee754<T>;

    /// <summary>The networks of a problem.</summary>
    ITransportNetworks Networks(TransportProblem problem);
}

/// <summary>What a run of a trained transport has to know beforehand.</summary>
/// <param name="Precision">Number format.</param>
/// <param name="Budget">The time of preparation and training together; null for no limit.</param>
/// <param name="DefaultIterations">Steps if neither options nor checkpoint say.</param>
/// <param name="Preparation">Where the annealing and the coverage check start.</param>
/// <param name="Identity">The options less those that don't change the training.</param>
/// <param name="UsesModeKnowledge">Whether base or path were made knowing where the modes are.</param>
/// <param name="Inputs">What else the run was given, by name.</param>
internal sealed record TransportSetup(
    Precision Precision, TimeSpan? Budget, long DefaultIterations, PreparationOptions Preparation, IMethodOptions Identity, bool UsesModeKnowledge,
    params (string Name, string Value)[] Inputs)
{
    /// <summary>Whether the law at t = 0 may be a mixture over separate modes.</summary>
    public bool StartsFromModes { get; init; } = true;
}

/// <summary>The networks of a method on a prepared problem.</summary>
internal interface ITransportNetworks
{
    /// <summary>How they are trained, resolved.</summary>
    TrainingOptions Schedule { get; }

    /// <summary>What trains them.</summary>
    ITransportTraining<T> Training<T>(Run run)
        where T : unmanaged, IFloatingPointIeee754<T>;

    /// <summary>What draws by them.</summary>
    ITransportSampling<T> Sampling<T>(ITransportTraining<T> training, Run run)
        where T : unmanaged, IFloatingPointIeee754<T>;

    /// <summary>From the trained parameters to words that belong to the result; null for none.</summary>
    string? Remark<T>(NdArray<T> parameters)
        where T : unmanaged, IFloatingPointIeee754<T> => null;
}

/// <summary>
/// What all trained transports share of a run from density to weighted samples: prepare, train with checkpoints, choose how to sample, sample, judge. What is
/// prepared and trained, and by which loss, is the method's.
/// </summary>
internal static class TransportRun
{
    /// <summary>Runs a method, or goes on with it, and draws.</summary>
    public static SampleSet Sample(ITransportMethod method, int samples, Run run)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 2);
        using var trained = Train(method, run);
        return trained.Draw(samples, run.DrawSeed ?? run.Seed, run);
    }

    /// <summary>Trains a method, or goes on with its training.</summary>
    /// <param name="method">The method.</param>
    /// <param name="run">Seed, threads, folder and the like.</param>
    /// <param name="checkpoint">The file of a training to go on from; null for the folder's.</param>
    public static ITrainedRun Train(ITransportMethod method, Run run, string? checkpoint = null)
    {
        method.Target.Check(cancellation: run.Cancellation);
        if (method.Setup.Precision == Precision.Float64)
        {
            return TransportRun<double>.Train(method, run, null, checkpoint);
        }

        return NumberRange.NeedsDouble(method.Target) is { } why
            ? TransportRun<double>.Train(method, run, why, checkpoint) : TransportRun<float>.Train(method, run, null, checkpoint);
    }
}

/// <summary>The same in one number format.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal static class TransportRun<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int RaceIterations = 500;
    private const int RaceParticles = 2048;

    /// <summary>Trains a method, or goes on with its training.</summary>
    /// <param name="method">The method.</param>
    /// <param name="run">Seed, threads, folder and the like.</param>
    /// <param name="note">What is to be said of the run; null for nothing.</param>
    /// <param name="checkpoint">The file of a training to go on from; null for the folder's.</param>
    public static TrainedTransportRun<T> Train(ITransportMethod method, Run run, string? note, string? checkpoint = null)
    {
        var setup = method.Setup;
        var identity = new RunIdentity(method.Name, [.. SamplingMethods.Identity(method.Target), .. setup.Inputs], setup.Identity);
        var session = new RunSession(run, identity, checkpoint);
        var problem = session.Once(
            "prepare", () => method.Prepare<T>(new PreparationRun(run, setup.Budget)), (prepared, state) => prepared.Save(state),
            state => TransportProblem.Load(method.Target, state));
        var training = new GaugedTraining<T>(method, problem, run);
        try
        {
            var schedule = training.Networks.Schedule;
            var outcome = session.Iterate("train", training, schedule.Iterations ?? setup.DefaultIterations, schedule.Budget, schedule.CheckpointSeconds);
            var model = new RunState();
            training.Problem.Save(model);
            model.Exchange("average", training.Training.Average);
            model.Put("iteration", outcome.Iterations);
            session.SaveModel(model);
            return new TrainedTransportRun<T>(method, session, training, outcome, note);
        }
        catch
        {
            training.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The problem that a run starts from: of the candidates of the preparation the one whose short training ends with the most even weights, as annealed
    /// importance sampling alone can't tell which path a drift learns best.
    /// </summary>
    /// <param name="method">The method.</param>
    /// <param name="run">With what, for how long, and whom it tells.</param>
    /// <param name="races">False for the most even annealed importance sampling, without a training.</param>
    public static TransportProblem Prepare(ITransportMethod method, PreparationRun run, bool races = true)
    {
        var preparation = new TransportPreparation<T>(method.Target, method.Setup.Preparation, run, method.Setup.StartsFromModes);
        var candidates = preparation.Candidates();
        var best = races ? Best(candidates, run, problem => Ess(ShortTraining(method.Networks(problem), run))) : candidates.MaxBy(c => c.Ess)!;
        return best.Problem with { PreparationCalls = preparation.TargetCalls + run.TrainingCalls };
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

    /// <summary>Weighted particles of a transport after a short training; null if that failed.</summary>
    public static WeightedParticles<T>? ShortTraining(ITransportNetworks networks, PreparationRun run)
    {
        using var training = networks.Training<T>(run.Run);
        using var sampling = networks.Sampling(training, run.Run);
        training.Init();
        for (var iteration = 0; iteration < RaceIterations && (iteration == 0 || run.HasTime); iteration++)
        {
            run.Report("short training", iteration, RaceIterations);
            var info = training.Step(iteration, RaceIterations);
            if (!double.IsFinite(info.Loss ?? 0) || !double.IsFinite(info.GradientNorm ?? 0))
            {
                run.TrainingCalls += training.TargetCalls;
                return null;
            }
        }

        var particles = sampling.Gauge(RaceParticles, run.Seed);
        run.TrainingCalls += training.TargetCalls + sampling.TargetCalls;
        return particles.LogWeights.All(double.IsNegativeInfinity) ? null : particles;
    }

    /// <summary>The effective sample size (fraction) of particles; 0 if there are none or all are lost.</summary>
    public static double Ess(WeightedParticles<T>? particles) =>
        particles is null ? 0 : SamplerTrials.Weights(particles.LogWeights)?.EffectiveSampleFraction ?? 0;
}
