using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.Paths;
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
public sealed class PinnTransport : ITransportMethod
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
        options.Check();
        ResolvedOptions = options.Resolve(target.Dimension);
    }

    /// <summary>The density.</summary>
    public Density Target { get; }

    /// <summary>The options with everything filled in that doesn't need the target to be run.</summary>
    public PinnOptions ResolvedOptions { get; }

    /// <inheritdoc/>
    public string Name => "pinn";

    /// <inheritdoc/>
    public IMethodOptions Options => ResolvedOptions;

    /// <inheritdoc/>
    public SampleSet Sample(int samples, Run run) => TransportRun.Sample(this, samples, run);

    TransportSetup ITransportMethod.Setup => new(
        ResolvedOptions.Precision, ResolvedOptions.Training.Budget, DefaultIterations, ResolvedOptions.Preparation,
        ResolvedOptions with { Carry = new CarryOptions() }, ResolvedOptions.Preparation.Base == BaseChoice.Automatic && Target.Base.UsesModeKnowledge);

    ITransportNetworks ITransportMethod.Networks(TransportProblem problem) =>
        new PinnNetworks(problem, With(problem.Network ?? ResolvedOptions.Network, problem.IsEven));

    /// <summary>
    /// The problem that a run starts from, base and exponents, and its network; exponents and network are those whose short training ends with the most even
    /// weights.
    /// </summary>
    TransportProblem ITransportMethod.Prepare<T>(PreparationRun run)
    {
        var options = ResolvedOptions;
        var open = options.Network == NetworkChoice.Automatic;
        List<NetworkChoice> networks = open ? [NetworkChoice.Mlp, NetworkChoice.Separable] : [options.Network];
        var races = new Dictionary<(GaussianBase, double, double), Race<T>>();
        Race<T> RaceOf(TransportProblem problem)
        {
            Race<T> Train(NetworkChoice network)
            {
                var particles = TransportRun<T>.ShortTraining(new PinnNetworks(problem, With(network, problem.IsEven)), run);
                return new Race<T>(network, particles, TransportRun<T>.Ess(particles));
            }

            if (races.TryGetValue((problem.Base, problem.TargetExponent, problem.BaseExponent), out var known))
            {
                return known;
            }

            var trained = networks.Select(Train).OrderByDescending(r => r.Ess).ToList();
            if (trained.Count > 1 && trained[0].Ess > LeastDecisive && trained[0].Ess > ClearlyBetter * trained[1].Ess)
            {
                // Which network fits hardly depends on the path: the other one need not race again.
                networks.RemoveAll(n => n != trained[0].Network);
            }

            return races[(problem.Base, problem.TargetExponent, problem.BaseExponent)] = trained[0];
        }

        var preparation = new TransportPreparation<T>(Target, options.Preparation, run, fromModes: true);
        var best = TransportRun<T>.Best(preparation.Candidates(), run, candidate => RaceOf(candidate).Ess);
        var problem = best.Problem;
        var refits = options.Preparation.Base == BaseChoice.Automatic && best.EffectiveSamples < FewestForBase * Target.Dimension ? Refits : 0;
        for (var k = 0; k < refits && run.HasTime && RaceOf(problem) is { Particles: not null } race; k++)
        {
            var (positions, weights) = race.Draws(Target.Dimension);
            if (preparation.Refitted(problem, positions, weights, race.Ess * weights.Length) is not { } refitted || RaceOf(refitted).Ess <= race.Ess)
            {
                break;
            }

            problem = refitted with
            {
                Source = FormattableString.Invariant(
                $"{refitted.Source}; path exponents {problem.TargetExponent:g3} and {problem.BaseExponent:g3}")
            };
        }

        var (words, chosen) = ("", networks[0]);
        if (open)
        {
            (chosen, _, var ess) = RaceOf(problem);
            var drift = chosen == NetworkChoice.Separable ? "separable drift, a structural assumption" : "drift of all coordinates";
            words = FormattableString.Invariant($"; {drift}, chosen by short trainings (ESS {ess:P1})");
        }

        return problem with { Source = problem.Source + words, PreparationCalls = preparation.TargetCalls + run.TrainingCalls, Network = chosen };
    }

    private PinnOptions With(NetworkChoice network, bool isEven) => (ResolvedOptions with { Network = network }).Resolve(Target.Dimension, isEven);

    private sealed record Race<T>(NetworkChoice Network, WeightedParticles<T>? Particles, double Ess)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        /// <summary>Positions z [n, d] and normalised weights [n]; lost particles lie at the origin with no weight.</summary>
        public (double[] Positions, double[] Weights) Draws(int dimension)
        {
            double[] weights = [.. ImportanceWeights.FromLogWeights(Particles!.LogWeights).Normalised];
            double[] positions =
                [.. Enumerable.Range(0, weights.Length * dimension).Select(i => weights[i / dimension] > 0 ? double.CreateChecked(Particles.Positions[i]) : 0)];
            return (positions, weights);
        }
    }
}

/// <summary>The drift and c(t) of one problem as networks, and what trains and carries by them.</summary>
internal sealed class PinnNetworks : ITransportNetworks
{
    private readonly TransportProblem _problem;
    private readonly PinnOptions _options;
    private readonly AnnealingPath _path;

    public PinnNetworks(TransportProblem problem, PinnOptions options)
    {
        (_problem, _options, _path) = (problem, options, problem.Path());
        var (d, width, depth) = (problem.Base.Dimension, options.Size.Width!.Value, options.Size.Depth!.Value);
        Drift = options.Network == NetworkChoice.Separable
            ? new SiteNetwork(Parameters, Initializer, d, new SiteNetworkOptions { Width = width, Depth = depth })
            : new DriftNetwork(Parameters, Initializer, d, width, depth);
        LogNormaliserSlope = new TimeNetwork(Parameters, Initializer, "logNormaliserSlope", 1, 32);
    }

    public ParameterSet Parameters { get; } = new();

    public ParameterInitializer Initializer { get; } = new();

    public IVectorField Drift { get; }

    public TimeNetwork LogNormaliserSlope { get; }

    public TrainingOptions Schedule => _options.Training;

    private TrainedTransport Transport => new(_path, Drift, Parameters);

    /// <summary>Equation (1) at collocation points.</summary>
    public ITransportTraining<T> Training<T>(Run run)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (d, n) = (_path.Dimension, _options.Training.BatchSize!.Value);
        var (x, t) = (Expr.Input("x", d), Expr.Input("t"));
        var slope = LogNormaliserSlope.Apply(t)[0];
        var residual = ContinuityResidual.Robust(
            _path, Drift, slope, x, t, _options.ExactDivergenceLimit, _options.Collocation.ResidualScale!.Value, SamplingStreams.Probes);
        return new TransportTraining<T>(
            Parameters, Initializer, residual / n, new CollocationPoints<T>(_problem, Transport, _options.Collocation, n, run), _options.Training, run,
            _problem.Points(Drift, x, t, _options.Collocation.ResidualScale!.Value, n));
    }

    /// <summary>Equations (2) and (3).</summary>
    public ITransportSampling<T> Sampling<T>(ITransportTraining<T> training, Run run)
        where T : unmanaged, IFloatingPointIeee754<T> =>
            new TransportSampling<T>(_problem, _options.Carry, _options.ExactDivergenceLimit, Transport, training.Average, run.Execution);
}

/// <summary>
/// Options of the neural PDE transport sampler <see cref="PinnTransport"/>. A null means: chosen from the target's dimension, and written back resolved.
/// </summary>
public sealed record PinnOptions : IMethodOptions
{
    // Up to so many coordinates a smaller network learns a drift that has little to do.
    private const int SmallDimension = 10;

    /// <summary>Steps, batches, learning rate.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>Number format.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>What the drift network may couple.</summary>
    public NetworkChoice Network { get; init; } = NetworkChoice.Automatic;

    /// <summary>The drift network's size.</summary>
    public NetworkSizeOptions Size { get; init; } = new();

    /// <summary>Where collocation points come from.</summary>
    public CollocationOptions Collocation { get; init; } = new();

    /// <summary>Where the annealing starts.</summary>
    public PreparationOptions Preparation { get; init; } = new();

    /// <summary>How particles are carried.</summary>
    public CarryOptions Carry { get; init; } = new();

    /// <summary>Exact divergence up to this dimension, two independent Hutchinson probes above; at least 0.</summary>
    public int ExactDivergenceLimit { get; init; } = 12;

    /// <inheritdoc/>
    public void Check()
    {
        Training.Check();
        OptionCheck.Known<Precision>(Precision);
        OptionCheck.Known<NetworkChoice>(Network);
        Size.Check();
        Collocation.Check();
        Preparation.Check();
        Carry.Check();
        OptionCheck.AtLeast<int>(ExactDivergenceLimit, 0);
    }

    /// <summary>
    /// The options with all that follows from the dimension and the network filled in; what needs a network stays open while it is to be chosen.
    /// </summary>
    /// <param name="dimension">d.</param>
    /// <param name="isEven">Whether the drift has little to do; null while that isn't known, which may leave the network's size open.</param>
    internal PinnOptions Resolve(int dimension, bool? isEven = null)
    {
        var exact = dimension <= ExactDivergenceLimit;
        var network = Network == NetworkChoice.Automatic && exact ? NetworkChoice.Mlp : Network;
        var separable = network == NetworkChoice.Separable;
        var defaults = new TrainingOptions { BatchSize = 1024, FinalLearningRateShare = 0.01, GradientClip = 1, AverageDecay = 0.999 };
        if (network != NetworkChoice.Automatic)
        {
            defaults = defaults with
            {
                Iterations = separable ? 4_000 : dimension <= 6 ? 5_000 : dimension <= 12 ? 2_500 : 1_500,

                // Exact divergences bear long steps; noisy ones need shorter steps and a wider scale.
                LearningRate = separable || exact ? 8e-3 : 3e-3,
            };
        }

        var preparation = Preparation.For(Training);
        var maySuffice = preparation.EnoughEss < 1 && dimension <= SmallDimension && !separable;
        double? scale = network == NetworkChoice.Automatic ? null : separable ? 10 : exact ? 2 : 5;
        return this with
        {
            Network = network,
            Training = Training.Or(defaults),
            Size = network == NetworkChoice.Automatic || (isEven is null && maySuffice) ? Size
                : separable || (isEven == true && maySuffice) ? Size.Or(32, 2) : Size.Or(64, 3),
            Collocation = Collocation.Resolve(dimension, scale),
            Preparation = preparation,
            Carry = Carry with { Sampler = Carry.Sampler ?? SamplerChoice.Automatic },
        };
    }
}
