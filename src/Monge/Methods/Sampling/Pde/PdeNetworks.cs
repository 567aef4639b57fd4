using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.Paths;

namespace Monge.Methods;

/// <summary>Log density, drift or potential of one evolution as networks, its residuals, and the velocity of its probability flow.</summary>
internal sealed class PdeNetworks
{
    private readonly PdeOptions _options;
    private readonly int _dimension;
    private readonly NoiseSchedule _noise;
    private readonly double _stiffness;
    private readonly IVectorField _velocity;
    private readonly IVectorField? _drift;
    private readonly Func<Expr, Expr, Expr>? _potential;

    public PdeNetworks(Density target, TransportProblem problem, PdeOptions options)
    {
        (_options, _dimension, _stiffness) = (options, target.Dimension, problem.Stiffness);
        _noise = new NoiseSchedule(options.TotalNoise!.Value, options.NoiseExponent!.Value);
        var annealing = problem.Path(target);
        LogDensity = MakeLogDensity(annealing);
        switch (options.Evolution)
        {
            case Evolution.TimeReversal:
                _velocity = new PotentialField(_dimension, (x, t) => _noise.Diffusion(t) * (LogDensity.LogDensity(x, t) + (0.5 * x.SquaredNorm())));
                break;
            case Evolution.SchroedingerBridge:
                var backward = Scalar("backward");
                _potential = (x, t) => LogDensity.LogDensity(x, t) + (0.5 * x.SquaredNorm()) - backward(x, t);
                _velocity = new PotentialField(_dimension, (x, t) => _noise.Diffusion(t) * (LogDensity.LogDensity(x, t) + (0.5 * x.SquaredNorm()) - (2 * backward(x, t))));
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

    /// <summary>The loss of one collocation point.</summary>
    public Expr Loss(Expr x, Expr t)
    {
        var scale = _options.ResidualScale!.Value;
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

    private DriftNetwork Network() => new(Parameters, Initializer, _dimension, _options.Width, _options.Depth);

    private SumField Gated(AnnealingPath annealing)
    {
        var start = _options.Evolution == Evolution.GeneralStochastic ? _noise.Start : 0;
        return new SumField(Network(), new GatedScore(Parameters, Initializer, "gate", _dimension, annealing.Score, start: start));
    }

    private Func<Expr, Expr, Expr> Scalar(string name)
    {
        var network = new ScalarNetwork(Parameters, Initializer, name, _dimension, _options.Width, _options.Depth, quadratic: true);
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
