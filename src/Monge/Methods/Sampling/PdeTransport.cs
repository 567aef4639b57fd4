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
/// = 1, and a drift or potential are trained together by the residual of one of the log-density equations, dX = b dt + sqrt(2 eps) dW:
/// <code>
/// general, stochastic      R = dV/dt + div b + grad V . b - eps (|grad V|^2 + Laplacian V),   b = eps grad V + w                     (1)
/// general, deterministic   R = dV/dt + div w + grad V . w                                                                            (2)
/// annealing, stochastic    (2) with V the annealing path less int c dt, b = eps grad V + w                                           (3)
/// time reversal            (1) with b = 2 eps grad V - f, f = -eps x the noising drift; V is held at t = 1 alone                     (4)
/// Schroedinger bridge      (1) with b = f + 2 eps grad Phi, and dPhi/dt + f . grad Phi + eps (|grad Phi|^2 + Laplacian Phi) = 0      (5)
/// optimal transport        (2) with w = grad Phi, and dPhi/dt + |grad Phi|^2 / 2 = 0                                                 (6)
/// </code>
/// The loss is E[s^2 log(1 + R^2 / s^2)] over collocation points from the current particles and from interpolated boxes. Samples are drawn along the
/// probability flow w = b - eps grad V with weights from div w, or along dX = (w + eps grad V) dt + sqrt(2 eps) dW with kernel weights for any eps; estimates
/// are consistent for an imperfect solution too. V is q(t) log rho + r(t) log p0 - t log z + t (1 - t) (phi(x, t) + zeta(t)) with networks phi and zeta and
/// learned shares q and r that start at t^a and (1-t)^b of the annealing, in (4) and (5) at those of modes widened by the noise; in (4) without log z and with
/// 1 - t for t (1 - t). In (5) the potential is V - log p0 less a network for the backward factor of the bridge, which stays smooth, so that all that is sharp
/// is in V.
/// Source: arXiv:2407.07873 (the table of log-density losses); weights as in arXiv:2410.02711.
/// </summary>
public sealed class PdeTransport : ISamplingMethod
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
    public SampleSet Sample(int samples, Run run)
    {
        SamplingMethods.Check(Target, samples);
        return ResolvedOptions.Precision == Precision.Float64 ? Sample<double>(samples, run) : Sample<float>(samples, run);
    }

    private SampleSet Sample<T>(int samples, Run run)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var options = ResolvedOptions;
        var session = new RunSession(run, new RunIdentity(Name, SamplingMethods.Identity(Target), options with { Carry = new CarryOptions() }));
        var problem = session.Once(
            "prepare", () => Prepare<T>(new PreparationRun(run, options.Training.Budget)), (prepared, state) => prepared.Save(state),
            state => TransportProblem.Load(Target, state));
        var networks = new PdeNetworks(problem, options);
        using var training = networks.Training<T>(run);
        using var sampling = networks.Sampling<T>(training, run);
        var made = new MadeBy(Name, MethodOptions.Format(options), options.Preparation.Base == BaseChoice.Automatic && Target.Base.UsesModeKnowledge);
        return TransportRun<T>.Run(
            session, problem, training, sampling, options.Training, options.DefaultIterations, samples, options.Preparation, made,
            parameters => LearnedNormaliser(networks, problem, parameters));
    }

    /// <summary>
    /// The problem that a run starts from. Where the path is fixed, its exponents are those whose short training ends with the most
    /// even weights; a learned one bends itself.
    /// </summary>
    internal TransportProblem Prepare<T>(PreparationRun run)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var raced = 0L;
        double Race(TransportProblem problem)
        {
            var networks = new PdeNetworks(problem, ResolvedOptions);
            var training = networks.Training<T>(run.Run);
            var (particles, calls) = TransportRun<T>.ShortTraining(training, networks.Sampling<T>(training, run.Run), run);
            raced += calls;
            return TransportRun<T>.Ess(particles);
        }

        var preparation = new TransportPreparation<T>(Target, ResolvedOptions.Preparation, run);
        var candidates = preparation.Candidates();
        var best = ResolvedOptions.Evolution == Evolution.AnnealingStochastic ? TransportRun<T>.Best(candidates, run, Race) : candidates.MaxBy(c => c.Ess)!;
        return best.Problem with { PreparationCalls = preparation.TargetCalls + raced };
    }

    private static string LearnedNormaliser<T>(PdeNetworks networks, TransportProblem problem, NdArray<T> parameters)
        where T : unmanaged, IFloatingPointIeee754<T> => networks.LogDensity.LogNormaliserOffset is { } at
            ? FormattableString.Invariant($"the learned log z is {problem.Offset + double.CreateChecked(parameters[at]):f4}")
            : "no log z is learned, the law at t = 0 being free";
}

/// <summary>Log density, drift or potential of one evolution as networks, its residuals, and the velocity of its probability flow.</summary>
internal sealed class PdeNetworks
{
    private readonly TransportProblem _problem;
    private readonly PdeOptions _options;
    private readonly int _dimension;
    private readonly NoiseSchedule _noise;
    private readonly double _stiffness;
    private readonly IVectorField _velocity;
    private readonly IVectorField? _drift;
    private readonly Func<Expr, Expr, Expr>? _potential;

    public PdeNetworks(TransportProblem problem, PdeOptions options)
    {
        (_problem, _options, _dimension, _stiffness) = (problem, options, problem.Base.Dimension, problem.Stiffness);
        _noise = new NoiseSchedule(options.TotalNoise!.Value, options.NoiseExponent!.Value);
        var annealing = problem.Path();
        LogDensity = MakeLogDensity(annealing);
        switch (options.Evolution)
        {
            case Evolution.TimeReversal:
                _velocity = new PotentialField(_dimension, (x, t) => _noise.Diffusion(t) * (LogDensity.LogDensity(x, t) + (0.5 * x.SquaredNorm())));
                break;
            case Evolution.SchroedingerBridge:
                var backward = Scalar("backward");
                _potential = (x, t) => LogDensity.LogDensity(x, t) + (0.5 * x.SquaredNorm()) - backward(x, t);
                _velocity = new PotentialField(
                    _dimension, (x, t) => _noise.Diffusion(t) * (LogDensity.LogDensity(x, t) + (0.5 * x.SquaredNorm()) - (2 * backward(x, t))));
                break;
            case Evolution.OptimalTransport:
                _potential = Scalar("potential");
                _velocity = new PotentialField(_dimension, _potential);
                break;
            default:
                var field = options.Drift switch
                {
                    DriftForm.Potential => new PotentialField(_dimension, Scalar("potential")),
                    DriftForm.GatedScore => Gated(annealing),
                    _ => (IVectorField)Network(),
                };
                if (options.Evolution != Evolution.GeneralStochastic)
                {
                    _velocity = field;
                    break;
                }

                var free = options.Drift != DriftForm.HalfScore;
                _velocity = free ? TransportFields.ProbabilityFlow(field, LogDensity.LogDensity, _noise.Diffusion) : field;
                _drift = free ? field : TransportFields.FokkerPlanckDrift(field, LogDensity.LogDensity, _noise.Diffusion);
                break;
        }

        Func<double, double>? curvature = Diffuses ? t => 1 / ((1 / _stiffness) + _noise.Variance(t)) : null;
        Transport = new TrainedTransport(LogDensity, _velocity, Parameters, curvature);
    }

    public ParameterSet Parameters { get; } = new();

    public ParameterInitializer Initializer { get; } = new();

    public LogDensityNetwork LogDensity { get; }

    public TrainedTransport Transport { get; }

    /// <summary>Whether the evolution follows the noising of the target, wholly or nearly, and V starts from widened modes.</summary>
    private bool Diffuses => _options.Evolution is Evolution.TimeReversal or Evolution.SchroedingerBridge;

    /// <summary>The residuals at collocation points.</summary>
    public TransportTraining<T> Training<T>(Run run)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var n = _options.Training.BatchSize!.Value;
        var points = new CollocationPoints<T>(_problem, Transport, _options.Collocation, n, run);
        return new TransportTraining<T>(Parameters, Initializer, Loss(Expr.Input("x", _dimension), Expr.Input("t")) / n, points, _options.Training, run);
    }

    /// <summary>The ODE of the probability flow and the SDEs that share its law.</summary>
    public TransportSampling<T> Sampling<T>(TransportTraining<T> training, Run run)
        where T : unmanaged, IFloatingPointIeee754<T> =>
            new(_problem, new SamplingSettings(_options.Carry, _options.ExactDivergenceLimit), Transport, training.Average, run.Execution);

    /// <summary>The loss of one collocation point.</summary>
    private Expr Loss(Expr x, Expr t)
    {
        var scale = _options.Collocation.ResidualScale!.Value;
        var eps = _noise.Diffusion(t);
        Expr Robust(Expr residual) => ContinuityResidual.CauchyLoss(residual, scale);
        switch (_options.Evolution)
        {
            case Evolution.TimeReversal:
                return Robust(LogDensityResiduals.TimeReversal(LogDensity.LogDensity, Noising, eps, x, t));
            case Evolution.SchroedingerBridge:
                var bridge = TransportFields.Bridge(_dimension, Noising, _potential!, _noise.Diffusion);
                return Robust(LogDensityResiduals.FokkerPlanck(LogDensity.LogDensity, bridge, eps, x, t))
                    + (_options.PotentialWeight * Robust(LogDensityResiduals.HamiltonJacobiBellman(_potential!, Noising, eps, x, t)));
            case Evolution.OptimalTransport:
                return Robust(LogDensityResiduals.Continuity(LogDensity.LogDensity, _velocity, x, t))
                    + (_options.PotentialWeight * Robust(LogDensityResiduals.HamiltonJacobi(_potential!, x, t)));
            case Evolution.GeneralStochastic:
                return WithKinetic(Robust(LogDensityResiduals.FokkerPlanck(LogDensity.LogDensity, _drift!, eps, x, t)), x, t);
            default:
                return WithKinetic(Robust(LogDensityResiduals.Continuity(LogDensity.LogDensity, _velocity, x, t)), x, t);
        }
    }

    private FormulaField Noising => new(_dimension, (x, t) => -_noise.Diffusion(t) * x);

    private Expr WithKinetic(Expr loss, Expr x, Expr t) =>
        _options.KineticWeight == 0 ? loss : loss + (_options.KineticWeight * _velocity.Apply(x, t).SquaredNorm());

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
        var fixedPath = _options.Evolution == Evolution.AnnealingStochastic;
        if (fixedPath)
        {
            return new LogDensityNetwork(Parameters, Initializer, "logDensity", annealing, (_, _) => 0, timeTerm: true);
        }

        // The shares of target and base may bend: t^a exp((1-t) g(t)) and (1-t)^b exp(t h(t)), or from the widened modes' 1 / (1 + K variance).
        var bend = new TimeNetwork(Parameters, Initializer, "shares", 2, 32);
        Expr Interpolate(Expr x, Expr t)
        {
            var bends = bend.Apply(t);
            var target = Diffuses ? t / (1 + (_stiffness * _noise.Variance(t))) : AnnealingPath.Power(t, annealing.TargetExponent);
            var start = AnnealingPath.Power(1 - t, Diffuses ? 1 : annealing.BaseExponent);
            return (target * ((1 - t) * bends[0]).Exp() * annealing.LogTarget(x)) + (start * (t * bends[1]).Exp() * annealing.LogBase(x));
        }

        var interpolation = new FormulaPath(_dimension, Interpolate, annealing.BaseDraw, "learned shares of target and base");
        var boundary = _options.Evolution == Evolution.TimeReversal ? LogDensityBoundary.TargetOnly : LogDensityBoundary.BothEnds;
        return new LogDensityNetwork(Parameters, Initializer, "logDensity", interpolation, Scalar("correction"), boundary, timeTerm: true);
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
