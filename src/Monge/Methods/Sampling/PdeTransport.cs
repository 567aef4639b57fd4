using System.Numerics;
using Monge.Engine.Arrays;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.Paths;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>
/// Neural PDE transport with a learned evolution of densities. A log density V(x, t), held to log p0 at t = 0 and to log rho - log z with a learned log z at t
/// = 1, and a drift or potential are trained together by the residual R of one of the log-density equations, dX = b dt + sqrt(2 eps) dW, which
/// <see cref="Objectives.LogDensityEvolution"/> writes down.
/// The loss is E[s^2 log(1 + R^2 / s^2)] over collocation points from the current particles and from interpolated boxes. Samples are drawn along the
/// probability flow w = b - eps grad V with weights from div w, or along dX = (w + eps grad V) dt + sqrt(2 eps) dW with kernel weights for any eps; estimates
/// are consistent for an imperfect solution too. V is q(t) log rho + r(t) log p0 - t log z + t (1 - t) (phi(x, t) + zeta(t)) with networks phi and zeta and
/// learned shares q and r that start at t^a and (1-t)^b of the annealing, for time reversal and bridge at those of modes widened by the noise; for the time
/// reversal without log z and with 1 - t for t (1 - t).
/// Source: arXiv:2407.07873 (the table of log-density losses); weights as in arXiv:2410.02711.
/// </summary>
public sealed class PdeTransport : ITransportMethod
{
    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public PdeTransport(Density target, PdeOptions? options = null)
    {
        Target = target;
        options ??= new PdeOptions();
        options.Check();
        ResolvedOptions = options.Resolve(target.Dimension);
    }

    /// <summary>The density.</summary>
    public Density Target { get; }

    /// <summary>The options with everything filled in that doesn't need the target to be run.</summary>
    public PdeOptions ResolvedOptions { get; }

    /// <inheritdoc/>
    public string Name => "pde";

    /// <inheritdoc/>
    public IMethodOptions Options => ResolvedOptions;

    /// <inheritdoc/>
    public SampleSet Sample(int samples, Run run) => TransportRun.Sample(this, samples, run);

    TransportSetup ITransportMethod.Setup => new(
        ResolvedOptions.Precision, ResolvedOptions.Training.Budget, ResolvedOptions.DefaultIterations, ResolvedOptions.Preparation,
        ResolvedOptions with { Carry = new CarryOptions() }, ResolvedOptions.Preparation.Base == BaseChoice.Automatic && Target.Base.UsesModeKnowledge)
    { StartsFromModes = ResolvedOptions.Evolution is not (Evolution.TimeReversal or Evolution.SchroedingerBridge) };

    ITransportNetworks ITransportMethod.Networks(TransportProblem problem) => new PdeNetworks(problem, ResolvedOptions);

    // Only where the path is fixed its exponents are chosen by short trainings; a learned one bends itself.
    TransportProblem ITransportMethod.Prepare<T>(PreparationRun run) =>
        TransportRun<T>.Prepare(this, run, races: ResolvedOptions.Evolution == Evolution.AnnealingStochastic);
}

/// <summary>Log density, drift or potential of one evolution as networks.</summary>
internal sealed class PdeNetworks : ITransportNetworks
{
    private readonly TransportProblem _problem;
    private readonly PdeOptions _options;
    private readonly int _dimension;
    private readonly NoiseSchedule _noise;
    private readonly LogDensityEvolution _evolution;

    public PdeNetworks(TransportProblem problem, PdeOptions options)
    {
        (_problem, _options, _dimension) = (problem, options, problem.Base.Dimension);
        _noise = new NoiseSchedule(options.TotalNoise!.Value, options.NoiseExponent!.Value);
        var annealing = problem.Path();
        LogDensity = MakeLogDensity(annealing);
        var drift = options.Drift switch
        {
            null => null,
            DriftForm.Potential => new PotentialField(_dimension, Scalar("potential")),
            DriftForm.GatedScore => Gated(annealing),
            _ => (IVectorField)Network(),
        };
        Func<Expr, Expr, Expr> v = LogDensity.LogDensity;
        _evolution = options.Evolution switch
        {
            Evolution.TimeReversal => LogDensityEvolution.TimeReversal(_dimension, v, _noise),
            Evolution.SchroedingerBridge => LogDensityEvolution.SchroedingerBridge(_dimension, v, _noise, Scalar("backward")),
            Evolution.OptimalTransport => LogDensityEvolution.OptimalTransport(_dimension, v, Scalar("potential")),
            Evolution.GeneralStochastic when options.Drift != DriftForm.HalfScore => LogDensityEvolution.OfDrift(v, _noise, drift!),
            _ => LogDensityEvolution.OfVelocity(options.Evolution, v, _noise, drift!),
        };
        Func<double, double>? curvature = Diffuses ? t => 1 / ((1 / problem.Stiffness) + _noise.Variance(t)) : null;
        Transport = new TrainedTransport(LogDensity, _evolution.Velocity, Parameters, curvature);
    }

    public ParameterSet Parameters { get; } = new();

    public ParameterInitializer Initializer { get; } = new();

    public LogDensityNetwork LogDensity { get; }

    public TrainedTransport Transport { get; }

    /// <inheritdoc/>
    public TrainingOptions Schedule => _options.Training;

    /// <summary>Whether the evolution follows the noising of the target, wholly or nearly, and V starts from widened modes.</summary>
    private bool Diffuses => _options.Evolution is Evolution.TimeReversal or Evolution.SchroedingerBridge;

    /// <summary>The residuals at collocation points.</summary>
    public ITransportTraining<T> Training<T>(Run run)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var n = _options.Training.BatchSize!.Value;
        var points = new CollocationPoints<T>(_problem, Transport, _options.Collocation, n, run);
        var (x, t) = (Expr.Input("x", _dimension), Expr.Input("t"));
        var loss = _evolution.Loss(
            x, t, _options.Collocation.ResidualScale!.Value, _options.PotentialWeight, _options.KineticWeight);
        return new TransportTraining<T>(Parameters, Initializer, loss / n, points, _options.Training, run,
            _problem.Points(Transport.Velocity, x, t, _options.Collocation.ResidualScale!.Value, n));
    }

    /// <summary>The ODE of the probability flow and the SDEs that share its law.</summary>
    public ITransportSampling<T> Sampling<T>(ITransportTraining<T> training, Run run)
        where T : unmanaged, IFloatingPointIeee754<T> =>
            new TransportSampling<T>(_problem, _options.Carry, _options.ExactDivergenceLimit, Transport, training.Average, run.Execution);

    /// <inheritdoc/>
    public string? Remark<T>(NdArray<T> parameters)
        where T : unmanaged, IFloatingPointIeee754<T> => LogDensity.LogNormaliserOffset is { } at
            ? FormattableString.Invariant($"the learned log z is {_problem.Offset + double.CreateChecked(parameters[at]):f4}")
            : "no log z is learned, the law at t = 0 being free";

    private DriftNetwork Network() => new(Parameters, Initializer, _dimension, _options.Size.Width!.Value, _options.Size.Depth!.Value);

    private SumField Gated(AnnealingPath annealing)
    {
        var start = _options.Evolution == Evolution.GeneralStochastic ? _noise.Start : 0;
        return new SumField(Network(), new GatedScore(Parameters, Initializer, "gate", _dimension, annealing.Score, start: start));
    }

    private Func<Expr, Expr, Expr> Scalar(string name)
    {
        var network = new ScalarNetwork(Parameters, Initializer, name, _dimension, _options.Size.Width!.Value, _options.Size.Depth!.Value, quadratic: true);
        return (x, t) => network.Apply(_options.InputScale * x, t);
    }

    private LogDensityNetwork MakeLogDensity(AnnealingPath annealing)
    {
        if (_options.Evolution == Evolution.AnnealingStochastic)
        {
            return new LogDensityNetwork(Parameters, Initializer, "logDensity", annealing, (_, _) => 0, timeTerm: true);
        }

        var shares = LearnedShares.Of(annealing, Parameters, Initializer, Diffuses ? (_problem.Stiffness, _noise) : null);
        var boundary = _options.Evolution == Evolution.TimeReversal ? LogDensityBoundary.TargetOnly : LogDensityBoundary.BothEnds;
        return new LogDensityNetwork(Parameters, Initializer, "logDensity", shares, Scalar("correction"), boundary, timeTerm: true);
    }
}

/// <summary>
/// Options of the log-density method <see cref="PdeTransport"/>. A null means: chosen from the evolution and the target's dimension, and written back resolved.
/// </summary>
public sealed record PdeOptions : IMethodOptions
{
    /// <summary>Which evolution is learned.</summary>
    public Evolution Evolution { get; init; } = Evolution.GeneralStochastic;

    /// <summary>How the drift b of a general evolution, or w of annealing, is parametrised.</summary>
    public DriftForm? Drift { get; init; }

    /// <summary>Steps, batches, learning rate.</summary>
    public TrainingOptions Training { get; init; } = new();

    /// <summary>Number format.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>The size of each network.</summary>
    public NetworkSizeOptions Size { get; init; } = new();

    /// <summary>Factor on positions before they enter the networks of scalars, 0.1 to 100: larger resolves finer structure from the start.</summary>
    public double InputScale { get; init; } = 2;

    /// <summary>Weight alpha of the Hamilton-Jacobi or Hamilton-Jacobi-Bellman residual's loss, above 0.</summary>
    public double PotentialWeight { get; init; } = 1.0;

    /// <summary>Weight of the kinetic energy E |w|^2 of general evolutions, which makes one of their many solutions preferred; 0 for none.</summary>
    public double KineticWeight { get; init; }

    /// <summary>
    /// The integral of 2 eps(t) over [0, 1], above 0 and at most 100: with 2 eps(t) = p B (1 - t)^(p-1), a particle's mean shrinks by exp(-B/2) in the noising
    /// of the time reversal and of the bridge's reference. Unused without noise.
    /// </summary>
    public double? TotalNoise { get; init; }

    /// <summary>The exponent p in it, 1 to 10: larger leaves more time for the target's fine structure.</summary>
    public double? NoiseExponent { get; init; }

    /// <summary>Where collocation points come from.</summary>
    public CollocationOptions Collocation { get; init; } = new();

    /// <summary>Where the evolution starts.</summary>
    public PreparationOptions Preparation { get; init; } = new();

    /// <summary>How particles are carried; the evolution annealingStochastic goes along its SDE if nothing is said.</summary>
    public CarryOptions Carry { get; init; } = new();

    /// <summary>Exact divergence up to this dimension when the ODE is tried; at least 0.</summary>
    public int ExactDivergenceLimit { get; init; } = 12;

    /// <summary>Steps if neither they nor a budget are given.</summary>
    internal long DefaultIterations => Evolution switch
    {
        Evolution.GeneralStochastic or Evolution.GeneralDeterministic => 1_500,
        Evolution.OptimalTransport => 2_000,
        Evolution.SchroedingerBridge => 2_500,
        _ => 3_000,
    };

    /// <summary>The options with all that follows from the evolution and the dimension filled in.</summary>
    internal PdeOptions Resolve(int dimension)
    {
        var diffuses = Evolution is Evolution.TimeReversal or Evolution.SchroedingerBridge;
        return this with
        {
            Training = Training.Or(
                new()
                {
                    Iterations = DefaultIterations,
                    BatchSize = 1024,
                    LearningRate = 4e-3,
                    FinalLearningRateShare = 0.01,
                    GradientClip = 1,
                    AverageDecay = 0.999
                }),
            Size = Size.Or(64, 3),
            Drift = Drift ?? Evolution switch
            {
                Evolution.GeneralStochastic => DriftForm.HalfScore,
                Evolution.GeneralDeterministic or Evolution.AnnealingStochastic => DriftForm.Network,
                _ => null,
            },

            // A reversed noising must end near the base; elsewhere the noise only has to be felt.
            TotalNoise = TotalNoise ?? (diffuses ? 3 : 1),
            NoiseExponent = NoiseExponent ?? (diffuses ? 2.5 : 1),
            Collocation = Collocation.Resolve(dimension, diffuses ? 10 : 5),
            Preparation = Preparation.For(Training),
            Carry = Carry with { Sampler = Carry.Sampler ?? (Evolution == Evolution.AnnealingStochastic ? SamplerChoice.Sde : SamplerChoice.Automatic) },
        };
    }

    /// <inheritdoc/>
    public void Check()
    {
        OptionCheck.Known<Evolution>(Evolution);
        OptionCheck.Known(Drift);
        OptionCheck.Require(
            Drift != DriftForm.HalfScore || Evolution == Evolution.GeneralStochastic, Drift,
            "network, potential or gatedScore unless the evolution is generalStochastic");
        OptionCheck.Require(
            Drift is null || Evolution is Evolution.GeneralStochastic or Evolution.GeneralDeterministic or Evolution.AnnealingStochastic,
            Drift,
            "left out for an evolution whose drift is a gradient by itself");
        Training.Check();
        OptionCheck.Known<Precision>(Precision);
        Size.Check();
        OptionCheck.Within<double>(InputScale, 0.1, 100);
        OptionCheck.Above<double>(PotentialWeight, 0);
        OptionCheck.AtLeast<double>(KineticWeight, 0);
        OptionCheck.AboveTo(TotalNoise, 0, 100);
        OptionCheck.Within(NoiseExponent, 1, 10);
        Collocation.Check();
        Preparation.Check();
        Carry.Check();
        OptionCheck.AtLeast<int>(ExactDivergenceLimit, 0);
    }
}

/// <summary>How the drift of a general or annealing evolution is parametrised; the others are gradients by themselves.</summary>
public enum DriftForm
{
    /// <summary>A vector network.</summary>
    Network,

    /// <summary>The gradient of a scalar network.</summary>
    Potential,

    /// <summary>A vector network plus g(t) grad I with a learned gate g, I being the annealing that V starts from; with noise g starts at eps.</summary>
    GatedScore,

    /// <summary>eps grad V plus a vector network: with noise only, and the default there.</summary>
    HalfScore,
}
