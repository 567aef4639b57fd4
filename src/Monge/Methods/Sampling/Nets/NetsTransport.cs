using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Measures;
using Monge.Objectives;
using Monge.Paths;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Makes a drift for a path, its parameters added to a set; the path is in the coordinates in which the transport runs.</summary>
/// <param name="parameters">Receives the drift's parameters.</param>
/// <param name="initializer">Receives how they start; a drift that starts at zero starts the training at annealed importance sampling.</param>
/// <param name="path">The path.</param>
public delegate IVectorField NetsDriftFactory(ParameterSet parameters, ParameterInitializer initializer, IDensityPath path);

/// <summary>
/// The non-equilibrium transport sampler. Walkers along a path exp(V_t) from a base to the target follow
/// <code>
/// dX = (b + eps grad V_t) dt + sqrt(2 eps) dW,   dA = (div b + b . grad V_t + dV_t/dt) dt                           (1)
/// </code>
/// E[exp(A_t)] = Z_t / Z_0 for any drift b and any eps >= 0, and A_t is the same for all walkers when b carries the path exactly. The drift is learned
/// off-policy from
/// <code>
/// E |div b + b . grad V + dV/dt - c(t)|^2  over b and c = d/dt log Z_t                                             (2)
/// </code>
/// at any points, or for b = grad phi from action matching over weighted walkers; no gradient goes through the walkers' paths. The diffusion and the steps are
/// chosen after the training by the effective sample size on a validation batch, eps = 0 (a continuous normalising flow) among them. Reported weights are exact
/// for whatever the training reached: kernel weights at any step size, the ODE's and the continuous ones as steps go to zero.
/// Source: M. S. Albergo and E. Vanden-Eijnden, "NETS: A Non-Equilibrium Transport Sampler", arXiv:2410.02711; there U = -V.
/// </summary>
public sealed class NetsTransport : ITransportMethod
{
    private readonly IDensityPath? _path;
    private readonly NetsDriftFactory? _factory;

    /// <summary>Binds the method to a density.</summary>
    /// <param name="target">The unnormalised density.</param>
    /// <param name="options">Options; null for the defaults.</param>
    /// <param name="path">A path in the target's unconstrained coordinates, normalised at t = 0, whose value at t = 1 is the target's log
    /// density; null for the annealing.</param>
    /// <param name="drift">Makes the trainable drift (the inner one, with <see cref="NetsOptions.ScoreGate"/>); null for the network of the options. It must be
    /// the same whenever a run is resumed.</param>
    /// <exception cref="ArgumentException">An option is out of range, or the path has another dimension.</exception>
    public NetsTransport(Density target, NetsOptions? options = null, IDensityPath? path = null, NetsDriftFactory? drift = null)
    {
        Target = target;
        options ??= new NetsOptions();
        options.Check();
        var chosen = options.Path ?? (path is null ? NetsPath.Annealing : NetsPath.Given);
        if (chosen == NetsPath.Given && path is null)
        {
            throw new ArgumentException(
                $"The option 'path' is given, but no path came with the target '{target.Name}'; leave the option out for the annealing.", nameof(options));
        }

        if (path is not null && path.Dimension != target.Dimension)
        {
            throw new ArgumentException(
                $"The path has {path.Dimension} coordinates and the target '{target.Name}' {target.Dimension}; they must agree.", nameof(path));
        }

        _path = chosen switch
        {
            NetsPath.Given => path,
            NetsPath.Interpolated => PathLibrary.For(target)?.Path
                ?? throw new ArgumentException(
                    $"The option 'path' is interpolated, but the library has no path of interpolated parameters to the target '{target.Name}'; take annealing.",
                    nameof(options)),
            _ => null,
        };
        _factory = drift;
        ResolvedOptions = options.Resolve(target.Dimension, chosen);
    }

    /// <summary>The density.</summary>
    public Density Target { get; }

    /// <summary>The options with everything filled in that doesn't need the target to be run.</summary>
    public NetsOptions ResolvedOptions { get; }

    /// <inheritdoc/>
    public string Name => "nets";

    /// <inheritdoc/>
    public IMethodOptions Options => ResolvedOptions;

    /// <inheritdoc/>
    public SampleSet Sample(int samples, Run run) => TransportRun.Sample(this, samples, run);

    TransportSetup ITransportMethod.Setup => new(
        ResolvedOptions.Precision, ResolvedOptions.Training.Budget, NetsOptions.DefaultIterations(Target.Dimension), ResolvedOptions.Preparation,
        ResolvedOptions with { Carry = new CarryOptions(), Walker = new WalkerOptions() }, UsesModeKnowledge,
        _path is null ? [] : [("path", (_path as FormulaPath)?.Description ?? "given")]);

    ITransportNetworks ITransportMethod.Networks(TransportProblem problem) => new NetsNetworks(problem, problem.Path(_path), ResolvedOptions, _factory);

    TransportProblem ITransportMethod.Prepare<T>(PreparationRun run) =>
        _path is { } path ? PathPilot<T>.Measure(Target, path, run) : TransportRun<T>.Prepare(this, run);

    private bool UsesModeKnowledge => _path is not null
        ? _path is FormulaPath { UsesModeKnowledge: true }
        : ResolvedOptions.Preparation.Base == BaseChoice.Automatic && Target.Base.UsesModeKnowledge;
}

/// <summary>The drift and c(t) of one problem as networks, and their parameters.</summary>
internal sealed class NetsNetworks : ITransportNetworks
{
    private readonly TransportProblem _problem;
    private readonly NetsOptions _options;

    public NetsNetworks(TransportProblem problem, IDensityPath path, NetsOptions options, NetsDriftFactory? factory)
    {
        (_problem, _options, Path) = (problem, options, path);
        IVectorField? Network() => factory is not null ? factory(Parameters, Initializer, path)
            : options.Network == NetsNetwork.None ? null
            : options.Network == NetsNetwork.Separable ? new SiteNetwork(
                Parameters, Initializer, path.Dimension, new SiteNetworkOptions { Width = options.Size.Width!.Value, Depth = options.Size.Depth!.Value })
            : options.Network == NetsNetwork.Selecting ? new SelectingDrift(Parameters, Initializer, path.Dimension, problem.Curvature, options.Velocities)
            : new DriftNetwork(Parameters, Initializer, path.Dimension, options.Size.Width!.Value, options.Size.Depth!.Value);

        if (options.Drift == NetsDrift.Potential)
        {
            var network = Network()!;
            Potential = (x, t) => Expr.Dot(x, network.Apply(x, t));
            Drift = new PotentialField(path.Dimension, Potential);
        }
        else
        {
            var network = Network();
            Drift = options.ScoreGate!.Value ? new GatedDrift(Parameters, Initializer, path, problem.Curvature, network) : network!;
        }

        LogNormaliserSlope = new TimeNetwork(Parameters, Initializer, "logNormaliserSlope", 1, 32);
    }

    public ParameterSet Parameters { get; } = new();

    public ParameterInitializer Initializer { get; } = new();

    public IVectorField Drift { get; }

    /// <summary>phi, if the drift is its gradient.</summary>
    public Func<Expr, Expr, Expr>? Potential { get; }

    public TimeNetwork LogNormaliserSlope { get; }

    /// <summary>V_t in z.</summary>
    public IDensityPath Path { get; }

    /// <summary>The drift with the path that it follows.</summary>
    public TrainedTransport Transport => new(Path, Drift, Parameters, _problem.Curvature);

    /// <inheritdoc/>
    public TrainingOptions Schedule => _options.Training;

    /// <summary>Whether the divergence is computed rather than estimated.</summary>
    public bool ExactDivergence => Path.Dimension <= _options.ExactDivergenceLimit || Drift.HasCheapDivergence;

    /// <summary>Equation (2) at replayed points, or action matching over the newest walkers.</summary>
    public ITransportTraining<T> Training<T>(Run run)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (x, t, options) = (Expr.Input("x", Path.Dimension), Expr.Input("t"), _options.Simulation);
        if (_options.Objective == NetsObjective.ActionMatching)
        {
            var (start, noise) = (SamplingStreams.WalkerStart, SamplingStreams.WalkerNoise);
            var walk = ExactDivergence
                ? EscortedLangevin.Walk<T>(Path, Parameters, Drift, options.Walkers, start, noise, run.Execution)
                : EscortedLangevin.Walk<T>(Path, Parameters, Potential!, options.Walkers, start, noise, run.Execution);
            var walkers = new WalkerReplay<T>(_problem, Transport, walk, options, 0, run);
            var action = ActionMatching.Loss(Potential!, x, t, Expr.Input("weight"), Expr.Input("boundary"));
            return new TransportTraining<T>(Parameters, Initializer, action, walkers, _options.Training, run);
        }

        var replay = new WalkerReplay<T>(_problem, Transport, null, options, _options.Training.BatchSize!.Value, run);
        var residual = ContinuityResidual.Robust(
            Path, Drift, LogNormaliserSlope.Apply(t)[0], x, t, _options.ExactDivergenceLimit, _options.ResidualScale!.Value, SamplingStreams.Probes);
        return new TransportTraining<T>(Parameters, Initializer, residual / replay.BatchSize, replay, _options.Training, run,
            _problem.Points(Drift, x, t, _options.ResidualScale!.Value, replay.BatchSize));
    }

    /// <summary>Equation (1), and its ODE.</summary>
    public ITransportSampling<T> Sampling<T>(ITransportTraining<T> training, Run run)
        where T : unmanaged, IFloatingPointIeee754<T> => new NetsSampling<T>(_problem, this, _options, training.Average, run.Execution);
}
