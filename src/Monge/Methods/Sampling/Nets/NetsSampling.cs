using System.Globalization;
using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.MonteCarlo;
using Monge.Paths;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>A way to carry particles from the base to the target.</summary>
/// <param name="Relaxation">Relaxation times of the mean curvature that the diffusion gives over the run, or radians that walkers with
/// momenta oscillate in it; 0 is the ODE.</param>
/// <param name="Steps">Steps over [0, 1].</param>
/// <param name="Weights">The weights of the walkers.</param>
/// <param name="Diffusion">A constant eps in units of z that replaces the relaxation; null for none.</param>
/// <param name="Dynamics">How walkers move.</param>
/// <param name="Solver">The ODE's method.</param>
internal readonly record struct NetsSampler(
    double Relaxation, int Steps, NetsWeights Weights, double? Diffusion = null, NetsDynamics Dynamics = NetsDynamics.Overdamped,
    OdeSolver Solver = OdeSolver.RungeKutta4) : ICarrySampler<NetsSampler>
{
    /// <inheritdoc/>
    public bool IsOde => Relaxation == 0 && Diffusion is null;

    /// <inheritdoc/>
    public double Cost => Steps * (IsOde ? 2.0 * Solver.Stages() : Dynamics == NetsDynamics.Inertial ? 4 : Weights == NetsWeights.Continuous ? 2 : 1);

    /// <inheritdoc/>
    public NetsSampler With(int steps) => this with { Steps = steps };

    public override string ToString() => IsOde
        ? FormattableString.Invariant($"ODE (diffusion 0), {Solver.Tableau().Name}, {Steps} steps, {Solver.Stages() * Steps} evaluations of the field")
        : Dynamics == NetsDynamics.Inertial
        ? FormattableString.Invariant($"inertial SDE, splitting with continuous weights, {Steps} steps, {Relaxation:g3} radians in the mean curvature")
        : string.Create(
            CultureInfo.InvariantCulture, $"SDE, Euler-Maruyama with {(Weights == NetsWeights.Kernel ? "kernel" : "continuous")} weights, {Steps} steps, "
            + $"{(Diffusion is { } eps ? $"diffusion {eps:g3} in base units" : $"diffusion {Relaxation:g3} over the mean curvature")}");
}

/// <summary>Draws weighted samples with a trained drift; chooses diffusion and steps on a validation batch.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class NetsSampling<T> : ITransportSampling<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int ProfileSteps = 256;

    // The largest Langevin step that is tried, in units of the inverse mean curvature.
    private const double LargestLangevinStep = 0.35;

    private readonly TransportProblem _problem;
    private readonly NetsOptions _options;
    private readonly NetsNetworks _networks;
    private readonly NdArray<T> _parameters;
    private readonly ExecutionOptions _execution;
    private readonly PathEvaluation _path;
    private readonly TransportCarrier<T> _carrier;
    private ParticleWalk<T>? _continuous;
    private long _profileCalls;
    private NetsSampler _chosen;
    private double _stepError;

    public NetsSampling(TransportProblem problem, NetsNetworks networks, NetsOptions options, NdArray<T> parameters, ExecutionOptions execution)
    {
        (_problem, _options, _networks, _parameters, _execution) = (problem, options, networks, parameters, execution);
        _path = new PathEvaluation(networks.Path, execution);
        _carrier = new TransportCarrier<T>(
            problem, networks.Transport, parameters, execution, options.Carry.Solver, (positions, n) => _path.At(positions, n, 0));
    }

    /// <inheritdoc/>
    public TargetEvaluation Evaluation => _carrier.Evaluation;

    /// <inheritdoc/>
    public long TargetCalls => _carrier.TargetCalls + (_continuous?.TargetCalls ?? 0) + _profileCalls;

    /// <summary>Along a path that was given, drifts are trained on the walkers' own law, which no box of the preparation bounds.</summary>
    public bool IsTrainedInBox => _problem.LogCurvature is null;

    /// <inheritdoc/>
    public WeightedParticles<T> Gauge(int particles, ulong seed) => Draw(
        UsesOde ? new NetsSampler(0, _options.Carry.SamplerSteps ?? 32, NetsWeights.Kernel, Solver: _options.Carry.Solver)
            : new NetsSampler(_options.Simulation.Relaxation, _options.Carry.SamplerSteps ?? 64, NetsWeights.Kernel, Diffusion),
        particles, new DrawKey(seed, 0, ParticleBatches.ValidationSamples), threshold: 0).Particles;

    /// <summary>The scan over diffusions, 0 included, and steps on a validation batch.</summary>
    public (double Ess, IReadOnlyList<SamplerTrial>? Trials) Choose(int samples, ulong seed, CancellationToken cancellation)
    {
        TransportDraws<T> Batch(NetsSampler sampler) => Draw(
            sampler, ParticleBatches.Validation, new DrawKey(seed, 0, ParticleBatches.ValidationSamples), _options.Walker.ResamplingThreshold);
        SamplerTrial Try(NetsSampler sampler)
        {
            var draws = Batch(sampler);
            return SamplerTrials.Of(sampler, draws.Particles.LogWeights, draws.IslandLogZ);
        }

        var contest = new SamplerContest<NetsSampler>(Try, cancellation);
        Scan(contest);
        var (sampler, ess) = contest.Best;
        (_chosen, _stepError) = OdeSteps.Refine(
            sampler, _options.Carry.SamplerSteps is null, samples, s => SamplerTrials.Weights(Batch(s).Particles.LogWeights), cancellation);
        return (ess, contest.Trials);
    }

    /// <inheritdoc/>
    public TransportDraws<T> Draw(int samples, ulong seed) =>
        Draw(_chosen, samples, new DrawKey(seed), _options.Walker.ResamplingThreshold) with { StepError = _stepError };

    /// <inheritdoc/>
    public double[]? DrawBackward(NdArray<T> exact, ulong seed) => _chosen.Dynamics == NetsDynamics.Inertial && !_chosen.IsOde
        ? null
        : _carrier.Backward(exact, new DrawKey(seed), _chosen.Steps, _chosen.IsOde ? null : (SdeScheme.EulerMaruyama, Grid(_chosen, 0, _chosen.Steps)));

    /// <inheritdoc/>
    public IReadOnlyList<FreeEnergyPoint>? Profile(int particles, ulong seed)
    {
        var steps = _chosen.IsOde ? ProfileSteps : Math.Max(FreeEnergyProfile.Segments, _chosen.Steps);
        var sampler = _chosen.IsOde || _chosen.Dynamics == NetsDynamics.Inertial
            ? new NetsSampler(_options.Simulation.Relaxation, steps, NetsWeights.Kernel)
            : new NetsSampler(_chosen.Relaxation, steps, NetsWeights.Kernel, _chosen.Diffusion);
        using var sde = TransportSde.Forward<T>(
            _networks.Path, _networks.Parameters, _networks.Drift, SdeScheme.EulerMaruyama, Math.Min(particles, ParticleBatches.Largest),
            SamplingStreams.ProfileStart, SamplingStreams.ProfileNoise, _execution);
        var profile = FreeEnergyProfile.Along(sde, _parameters, seed, steps, (first, end) => Grid(sampler, first, end), _path.At, _problem.PathOffset);
        _profileCalls += sde.TargetCalls;
        return profile;
    }

    /// <inheritdoc/>
    public IEnumerable<Status> UnstableStep() =>
        SampleWarnings.UnstableStep(_problem, _chosen.Steps, _options.Carry.Diffusion, _problem.DiffusionUnit);

    /// <inheritdoc/>
    public void Dispose()
    {
        _carrier.Dispose();
        _path.Dispose();
        _continuous?.Dispose();
    }

    /// <summary>A constant diffusion of the options, in units of z.</summary>
    private double? Diffusion => _options.Carry.Diffusion * _problem.DiffusionUnit;

    // The exact divergence along the ODE costs d tangents; above the limit it is left to those who ask for it.
    private bool UsesOde => _options.Carry.Sampler == SamplerChoice.Ode
        || (_options.Carry.Sampler == SamplerChoice.Automatic && _options.Walker.ResamplingThreshold == 0 && Diffusion is null
            && _networks.ExactDivergence);

    private void Scan(SamplerContest<NetsSampler> contest)
    {
        if (UsesOde)
        {
            foreach (var steps in _options.Carry.SamplerSteps is { } fixedSteps ? [fixedSteps] : new[] { 32, 64 })
            {
                contest.Enter(new NetsSampler(0, steps, NetsWeights.Kernel, Solver: _options.Carry.Solver));
            }

            if (_options.Carry.Sampler == SamplerChoice.Ode)
            {
                return;
            }
        }

        foreach (var steps in _options.Carry.SamplerSteps is { } given ? [given] : new[] { 64, 128, 256 })
        {
            foreach (var relaxation in Diffusion is null ? [1.0, 3.0, 10.0, 30.0] : new[] { 0.0 })
            {
                if (relaxation <= LargestLangevinStep * steps)
                {
                    contest.Enter(new NetsSampler(relaxation, steps, _options.Walker.Weights, Diffusion, _options.Walker.Dynamics));
                }
            }
        }
    }

    // Particles of an SDE whose effective sample size (fraction) falls below the threshold are resampled, each island by itself.
    private TransportDraws<T> Draw(NetsSampler sampler, int samples, DrawKey draw, double threshold)
    {
        var (islands, resamplings) = (new List<double>(), 0);
        WeightedParticles<T> Carry(int n, DrawKey key)
        {
            var (island, resampled) = sampler.IsOde ? (_carrier.AlongOde(sampler.Steps, n, key), 0) : Walkers(sampler).Carry(
                _parameters, n, key, sampler.Steps, (first, end) => Grid(sampler, first, end), threshold, SamplingStreams.IslandResampling, _problem.Offset);
            islands.Add(SamplerTrials.Weights(island.LogWeights)?.LogNormaliser ?? double.NegativeInfinity);
            resamplings += resampled;
            return island;
        }

        var size = threshold > 0 && !sampler.IsOde ? _options.Walker.IslandSize : ParticleBatches.Largest;
        var particles = ParticleBatches.Draw<T>(samples, _networks.Path.Dimension, draw, Carry, size);
        if (resamplings == 0)
        {
            return new TransportDraws<T>(particles, sampler.ToString());
        }

        var times = (double)resamplings / islands.Count;
        return new TransportDraws<T>(particles, FormattableString.Invariant($"{sampler}, resampled {times:0.#} times on average among {size}"), [.. islands]);
    }

    private WeightedWalk<T> Walkers(NetsSampler sampler)
    {
        if (sampler.Weights == NetsWeights.Continuous)
        {
            return new WeightedWalk<T>(_continuous ??= Continuous(sampler.Dynamics), "logWeight");
        }

        double[] Values(NdArray<T> positions, int n, double t) =>
            t == 1 ? [.. Evaluation.At(positions, n).LogTarget.Select(v => v - _problem.Offset)] : _path.At(positions, n, t);
        return new WeightedWalk<T>(_carrier.Sde(SdeScheme.EulerMaruyama), "gain", Values);
    }

    private ParticleWalk<T> Continuous(NetsDynamics dynamics) => dynamics == NetsDynamics.Inertial
        ? InertialTransport.Walk<T>(
            _networks.Path, _networks.Parameters, _networks.Drift, _options.Walker.Friction, ParticleBatches.Largest, SamplingStreams.SampleStart,
            SamplingStreams.SampleMomenta, SamplingStreams.SampleNoise, _execution)
        : EscortedLangevin.Walk<T>(
            _networks.Path, _networks.Parameters, _networks.Drift, ParticleBatches.Largest, SamplingStreams.SampleStart, SamplingStreams.SampleNoise,
            _execution);

    // For walkers with momenta the grid carries the speed, in which one radian in the mean curvature takes the same share of the run everywhere.
    private TimeGrid Grid(NetsSampler sampler, int first, int end) => new(
        first,
        end - first,
        sampler.Steps,
        (t, next) => sampler.Dynamics == NetsDynamics.Inertial
            ? sampler.Relaxation / Math.Sqrt(Math.Max(_problem.Curvature(t), _problem.Curvature(next)))
            : sampler.Diffusion ?? _problem.RelaxationDiffusion(sampler.Relaxation, t, next));
}
