using System.Globalization;
using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>A way to carry particles from the base to the target.</summary>
/// <param name="Scheme">The SDE's scheme; null for the ODE.</param>
/// <param name="Steps">Steps over [0, 1].</param>
/// <param name="LangevinStep">eps h in units of the inverse mean curvature of V_t; 0 for the ODE.</param>
/// <param name="Diffusion">A constant eps that replaces it; null for none.</param>
/// <param name="Solver">The ODE's method.</param>
internal readonly record struct TransportSampler(
    SdeScheme? Scheme, int Steps, double LangevinStep, double? Diffusion = null, OdeSolver Solver = OdeSolver.RungeKutta4) : ICarrySampler<TransportSampler>
{
    /// <inheritdoc/>
    public bool IsOde => Scheme is null;

    /// <inheritdoc/>
    public double Cost => Steps * (Scheme switch { null => 2.0 * Solver.Stages(), SdeScheme.Heun => 3, _ => 1 });

    // A step of the SDE looks at the field where it ends, Heun's also at both midpoints of forward and backward kernel; the start counts once.
    private int Evaluations => Scheme switch { null => Solver.Stages() * Steps, SdeScheme.Heun => (3 * Steps) + 1, _ => Steps + 1 };

    /// <inheritdoc/>
    public TransportSampler With(int steps) => this with { Steps = steps };

    public override string ToString() => Scheme is null
        ? FormattableString.Invariant($"ODE, {Solver.Tableau().Name}, {Steps} steps, {Evaluations} evaluations of the field")
        : string.Create(
            CultureInfo.InvariantCulture,
            $"SDE, {(Scheme == SdeScheme.Heun ? "Heun" : "Euler-Maruyama")} with kernel weights, {Steps} steps, "
            + $"{Evaluations} evaluations of the field, "
            + $"{(Diffusion is { } eps ? $"diffusion {eps:g3}" : $"Langevin step {LangevinStep:g3}")}");
}

/// <summary>Draws weighted samples along a trained transport; chooses how on a validation batch.</summary>
/// <param name="problem">Coordinates and target.</param>
/// <param name="carry">What the user fixed of how particles are carried.</param>
/// <param name="exactDivergenceLimit">The largest dimension in which the ODE is tried without being asked for.</param>
/// <param name="transport">What was trained.</param>
/// <param name="parameters">Its parameters' values [P].</param>
/// <param name="execution">How to execute.</param>
internal sealed class TransportSampling<T>(
    TransportProblem problem, CarryOptions carry, int exactDivergenceLimit, TrainedTransport transport, NdArray<T> parameters,
    ExecutionOptions execution) : ITransportSampling<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // Above this effective sample size of the ODE no SDE is tried, and the other way round.
    private const double NothingToWin = 0.95;

    // Up to so many coordinates the ODE with its exact divergence costs no more than the steps of an SDE.
    private const int SmallDimension = 4;

    // Along a path on which particles keep their weights without a drift, a step of the ODE that moves log Z by less no longer matters.
    private const double LeastError = 2e-4;
    private const double EvenLangevin = 0.01;
    private const int EvenSteps = 8;

    private readonly TransportCarrier<T> _carrier = new(problem, transport, parameters, execution, carry.Solver);
    private TransportSampler _chosen;
    private double _stepError;

    /// <inheritdoc/>
    public TargetEvaluation Evaluation => _carrier.Evaluation;

    /// <inheritdoc/>
    public long TargetCalls => _carrier.TargetCalls;

    /// <inheritdoc/>
    public bool IsTrainedInBox => true;

    /// <inheritdoc/>
    public WeightedParticles<T> Gauge(int particles, ulong seed) => Validate(
        KernelsFirst ? new TransportSampler(SdeScheme.EulerMaruyama, 64, EvenLangevin)
            : UsesOde ? new TransportSampler(null, carry.SamplerSteps ?? 32, 0, Solver: carry.Solver)
            : new TransportSampler(SdeScheme.EulerMaruyama, carry.SamplerSteps ?? 64, 0.03, carry.Diffusion), particles, seed);

    /// <inheritdoc/>
    public (double Ess, IReadOnlyList<SamplerTrial>? Trials) Choose(int samples, ulong seed, CancellationToken cancellation)
    {
        var batches = new Dictionary<TransportSampler, double[]>();
        double[] Batch(TransportSampler sampler) => batches.TryGetValue(sampler, out var known)
            ? known : batches[sampler] = Validate(sampler, ParticleBatches.Validation, seed).LogWeights;
        var (sampler, ess) = Best(new SamplerContest<TransportSampler>(s => SamplerTrials.Of(s, Batch(s)), cancellation));
        (_chosen, _stepError) = OdeSteps.Refine(
            sampler, carry.SamplerSteps is null, samples, s => SamplerTrials.Weights(Batch(s)), cancellation, problem.IsEven ? LeastError : 0);
        return (ess, null);
    }

    /// <inheritdoc/>
    public TransportDraws<T> Draw(int samples, ulong seed) => new(Draw(_chosen, samples, new DrawKey(seed)), _chosen.ToString(), StepError: _stepError);

    /// <inheritdoc/>
    public double[]? DrawBackward(NdArray<T> exact, ulong seed) =>
        _carrier.Backward(exact, new DrawKey(seed), _chosen.Steps, _chosen.Scheme is { } scheme ? (scheme, Grid(_chosen)) : null);

    /// <inheritdoc/>
    public IEnumerable<Status> UnstableStep() => SampleWarnings.UnstableStep(problem, _chosen.Steps, _chosen.IsOde ? null : _chosen.Diffusion);

    /// <inheritdoc/>
    public void Dispose() => _carrier.Dispose();

    // Kernels, where the drift has little to do and they are even enough; else the ODE; then, unless that leaves little to win, the SDE with several Langevin
    // steps, with more steps, and by Heun's scheme.
    private (TransportSampler Sampler, double Ess) Best(SamplerContest<TransportSampler> contest)
    {
        foreach (var steps in KernelsFirst ? [64, 128, 256] : Array.Empty<int>())
        {
            var best = steps == 64 ? 0 : contest.Best.Sampler.LangevinStep;
            foreach (var step in steps == 64 ? [EvenLangevin, 0.03, 0.1] : new[] { best, 0.5 * best })
            {
                contest.Enter(new TransportSampler(SdeScheme.EulerMaruyama, steps, step));
            }

            if (contest.Best.Ess > NothingToWin)
            {
                return contest.Best;
            }
        }

        if (UsesOde)
        {
            foreach (var steps in carry.SamplerSteps is { } fixedSteps ? [fixedSteps] : problem.IsEven ? [EvenSteps, 2 * EvenSteps] : new[] { 32, 64 })
            {
                contest.Enter(new TransportSampler(null, steps, 0, Solver: carry.Solver));
            }

            if (carry.Sampler == SamplerChoice.Ode || contest.Best.Ess > NothingToWin)
            {
                return contest.Best;
            }
        }

        var shortest = carry.SamplerSteps ?? 64;
        foreach (var step in carry.Diffusion is null ? [0.01, 0.03, 0.1, 0.3] : new[] { 0.0 })
        {
            contest.Enter(new TransportSampler(SdeScheme.EulerMaruyama, shortest, step, carry.Diffusion));
        }

        var langevin = contest.Best.Sampler.IsOde ? 0.03 : contest.Best.Sampler.LangevinStep;
        foreach (var steps in carry.SamplerSteps is null ? [128, 256] : Array.Empty<int>())
        {
            contest.Enter(new TransportSampler(SdeScheme.EulerMaruyama, steps, langevin, carry.Diffusion));
            contest.Enter(new TransportSampler(SdeScheme.EulerMaruyama, steps, 0.5 * langevin, carry.Diffusion));
        }

        contest.Enter(new TransportSampler(SdeScheme.Heun, carry.SamplerSteps ?? 128, langevin, carry.Diffusion));
        return contest.Best;
    }

    private WeightedParticles<T> Validate(TransportSampler sampler, int particles, ulong seed) =>
        Draw(sampler, particles, new DrawKey(seed, 0, ParticleBatches.ValidationSamples));

    private WeightedParticles<T> Draw(TransportSampler sampler, int samples, DrawKey draw) => ParticleBatches.Draw<T>(
        samples, problem.Base.Dimension, draw, (n, key) => sampler.Scheme is { } scheme
            ? _carrier.AlongSde(scheme, Grid(sampler), n, key) : _carrier.AlongOde(sampler.Steps, n, key));

    // Where the drift has little to do, kernels with their exact weights cost far less than the divergences of an ODE.
    private bool KernelsFirst => problem.IsEven && problem.Base.Dimension > SmallDimension
        && carry is { Sampler: SamplerChoice.Automatic, SamplerSteps: null, Diffusion: null, Solver: OdeSolver.RungeKutta4 };

    // The exact divergence of a general field costs d tangents; above the limit it is left to those who ask for it.
    private bool UsesOde => carry.Sampler == SamplerChoice.Ode
        || (carry.Sampler == SamplerChoice.Automatic && (problem.Base.Dimension <= exactDivergenceLimit || transport.Velocity.HasCheapDivergence));

    private TimeGrid Grid(TransportSampler sampler) =>
        new(0, sampler.Steps, sampler.Steps, (t, next) => sampler.Diffusion ?? transport.Diffusion(problem, sampler.LangevinStep, t, next));
}
