using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Measures;
using Monge.Runs;

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
/// annealed importance sampling, that is (3) with b = 0; where that leaves too few effective samples, the base is fitted anew to the weighted particles of a
/// short training.
/// Sources: arXiv:2407.07873 (annealing row of the log-density losses, equation 1), arXiv:2410.02711 (weights, equations 2 and 3).
/// </summary>
public sealed class PinnTransport : ISamplingMethod
{
    private const long DefaultIterations = 1_500;

    // A race between networks is decided for all paths when the winner's effective sample size is at least this, and this many times the other's.
    private const double LeastDecisive = 0.01;
    private const double ClearlyBetter = 3;

    // With fewer effective samples for each coordinate the base is fitted anew after a short training, at most this many times.
    private const double FewestForBase = 8;
    private const int Refits = 3;

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
    internal static (TransportProblem Problem, PinnOptions Options) Prepare<T>(Density target, PinnOptions options, PreparationRun run)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var open = options.Network == NetworkChoice.Automatic;
        List<PinnOptions> candidates = [.. (open ? [NetworkChoice.Mlp, NetworkChoice.Separable] : new[] { options.Network })
            .Select(network => (options with { Network = network }).Resolve(target.Dimension))];
        var raced = 0L;
        var races = new Dictionary<(GaussianBase, double, double), Race<T>>();
        Race<T> RaceOf(TransportProblem problem)
        {
            Race<T> Train(PinnOptions candidate)
            {
                var trainer = new PinnTrainer<T>(target, problem, candidate, run.Seed, run.Execution);
                var (particles, calls) = TransportRun<T>.ShortTrainingDraws(target, problem, trainer, candidate.Sampling, run);
                raced += calls;
                return new Race<T>(candidate, particles, particles is null ? 0 : ImportanceWeights.FromLogWeights(particles.LogWeights).EffectiveSampleFraction);
            }

            if (races.TryGetValue((problem.Base, problem.TargetExponent, problem.BaseExponent), out var known))
            {
                return known;
            }

            var trained = candidates.Select(Train).OrderByDescending(r => r.Ess).ToList();
            if (trained.Count > 1 && trained[0].Ess > LeastDecisive && trained[0].Ess > ClearlyBetter * trained[1].Ess)
            {
                // Which network fits hardly depends on the path: the other one need not race again.
                candidates.RemoveAll(c => c.Network != trained[0].Options.Network);
            }

            return races[(problem.Base, problem.TargetExponent, problem.BaseExponent)] = trained[0];
        }

        var preparation = new TransportPreparation<T>(target, options.Preparation, run, problem => RaceOf(problem).Ess);
        var problem = preparation.Run();
        var refits = options.Base == BaseChoice.Automatic && preparation.EffectiveSamples < FewestForBase * target.Dimension ? Refits : 0;
        for (var k = 0; k < refits && run.HasTime && RaceOf(problem) is { Particles: not null } race; k++)
        {
            var (positions, weights) = race.Draws(problem.Base.Dimension);
            if (preparation.Refitted(problem, positions, weights, race.Ess * weights.Length) is not { } refitted || RaceOf(refitted).Ess <= race.Ess)
            {
                break;
            }

            problem = refitted with { Source = FormattableString.Invariant($"{refitted.Source}; path exponents {problem.TargetExponent:g3} and {problem.BaseExponent:g3}") };
        }

        var words = "";
        var chosen = candidates[0];
        if (open)
        {
            (chosen, _, var ess) = RaceOf(problem);
            var network = chosen.Network == NetworkChoice.Separable ? "separable drift, a structural assumption" : "drift of all coordinates";
            words = FormattableString.Invariant($"; {network}, chosen by short trainings (ESS {ess:P1})");
        }

        return (problem with { Source = problem.Source + words, PreparationCalls = preparation.TargetCalls + raced }, chosen);
    }

    private sealed record Race<T>(PinnOptions Options, WeightedParticles<T>? Particles, double Ess)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        /// <summary>Positions z [n, d] and normalised weights [n]; lost particles lie at the origin with no weight.</summary>
        public (double[] Positions, double[] Weights) Draws(int dimension)
        {
            double[] weights = [.. ImportanceWeights.FromLogWeights(Particles!.LogWeights).Normalised];
            double[] positions = [.. Enumerable.Range(0, weights.Length * dimension).Select(i => weights[i / dimension] > 0 ? double.CreateChecked(Particles.Positions[i]) : 0)];
            return (positions, weights);
        }
    }

    private SampleSet Run<T>(SamplingRequest request, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var settings = new TransportRunSettings(
            new TrainingRun("pinn", Target, ResolvedOptions.TrainingText(), request.Seed), Options, ResolvedOptions.Iterations, ResolvedOptions.Budget, ResolvedOptions.CheckpointSeconds, ResolvedOptions.Threads, ResolvedOptions.Preparation);
        return TransportRun<T>.Run(
            settings,
            request,
            (resumption, preparation) =>
            {
                var (problem, options) = resumption is null
                    ? Prepare<T>(Target, ResolvedOptions, preparation)
                    : (resumption.Problem, (ResolvedOptions with { Network = Enum.Parse<NetworkChoice>(resumption.Choice) }).Resolve(Target.Dimension));
                var trainer = new PinnTrainer<T>(Target, problem, options, request.Seed, preparation.Execution);
                return new TransportStart<T>(problem, trainer, options.Sampling, options.Iterations ?? DefaultIterations, options.Network.ToString());
            },
            cancellation);
    }
}
