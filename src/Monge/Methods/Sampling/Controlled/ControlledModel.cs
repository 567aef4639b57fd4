using Monge.Dynamics;
using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>The kernels of one method on one problem, and its controls' parameters.</summary>
internal sealed class ControlledModel
{
    public ControlledModel(Density target, TransportProblem problem, ControlledAlgorithm algorithm, ControlledOptions options)
    {
        var d = target.Dimension;
        var path = problem.Path(target);
        LogTarget = path.LogTarget;
        Expr Interpolated(Expr x, Expr t) => path.Score(x, t);
        Expr OfTarget(Expr x, Expr t) => Derivative.Gradient(path.LogTarget(x), x);
        Func<Expr, Expr, Expr>? score = options.Score switch
        {
            ScoreGate.Target => OfTarget,
            ScoreGate.Interpolated => Interpolated,
            _ => null,
        };
        var forward = new ControlNetwork(Parameters, Initializer, "forward", d, options.Width, options.Depth, score, options.GateStart ?? 0);
        var backward = algorithm == ControlledAlgorithm.Gbs
            ? new ControlNetwork(Parameters, Initializer, "backward", d, options.Width, options.Depth, null, 0)
            : null;
        var isLangevin = algorithm == ControlledAlgorithm.Cmcd;
        var calls = score is null ? 0 : 1;
        Kernels = new ControlledKernels
        {
            Dimension = d,
            Parameters = Parameters,
            Schedule = algorithm switch
            {
                ControlledAlgorithm.Pis => KernelSchedule.PinnedBrownian(options.Steps, options.Variance),
                ControlledAlgorithm.Dds => KernelSchedule.OrnsteinUhlenbeck(options.Steps, options.LeastRate, options.GreatestRate),
                ControlledAlgorithm.Cmcd => KernelSchedule.AnnealedLangevin(options.Steps, (t, next) => problem.Diffusion(options.LangevinStep, t, next)),
                _ => KernelSchedule.VariancePreserving(options.Steps, options.LeastRate, options.GreatestRate),
            },
            Forward = forward.Apply,
            Backward = isLangevin ? (x, t, volatility, clip) => -forward.Apply(x, t, volatility, clip) : backward is null ? null : backward.Apply,
            Score = isLangevin ? (x, t, clip) => Interpolated(x, t).Clamp(-clip, clip) : null,
            TargetCallsPerStep = isLangevin ? 2 + (2 * calls) : calls,
        };
    }

    public ParameterSet Parameters { get; } = new();

    public ParameterInitializer Initializer { get; } = new();

    public ControlledKernels Kernels { get; }

    /// <summary>log rho at a position z [d], traced, less the estimate of log Z.</summary>
    public Func<Expr, Expr> LogTarget { get; }
}
