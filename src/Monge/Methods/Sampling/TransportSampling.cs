using System.Globalization;
using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>A way to carry particles from the base to the target.</summary>
/// <param name="Scheme">The SDE's scheme; null for the ODE.</param>
/// <param name="Steps">Steps over [0, 1].</param>
/// <param name="LangevinStep">eps h in units of the inverse mean curvature of V_t; 0 for the ODE.</param>
/// <param name="Diffusion">A constant eps that replaces it; null for none.</param>
internal readonly record struct TransportSampler(SdeScheme? Scheme, int Steps, double LangevinStep, double? Diffusion = null)
{
    /// <summary>Evaluations of the drift over a run; a divergence counts as one more.</summary>
    public double Cost => Steps * (Scheme switch { null => 8.0, SdeScheme.Heun => 3, _ => 1 });

    public override string ToString() => Scheme is null
        ? FormattableString.Invariant($"ODE, Runge-Kutta 4, {Steps} steps")
        : string.Create(
            CultureInfo.InvariantCulture,
            $"SDE, {(Scheme == SdeScheme.Heun ? "Heun" : "Euler-Maruyama")} with kernel weights, {Steps} steps, "
            + $"{(Diffusion is { } eps ? $"diffusion {eps:g3}" : $"Langevin step {LangevinStep:g3}")}");
}

/// <summary>What a user may fix of how particles are carried; the rest is chosen on a validation batch.</summary>
/// <param name="Sampler">ODE, SDE or the better of both.</param>
/// <param name="Steps">Steps; null lets the validation batch choose.</param>
/// <param name="Diffusion">A constant eps of the SDE; null lets the validation batch choose.</param>
/// <param name="ExactDivergenceLimit">The largest dimension in which the ODE is tried without being asked for.</param>
internal readonly record struct SamplingSettings(SamplerChoice Sampler, int? Steps, double? Diffusion, int ExactDivergenceLimit)
{
    /// <summary>The settings of resolved options.</summary>
    public SamplingSettings(CarryOptions carry, int exactDivergenceLimit)
        : this(carry.Sampler!.Value, carry.SamplerSteps, carry.Diffusion, exactDivergenceLimit)
    {
    }
}

/// <summary>
/// A trained transport: densities exp(V_t) and the velocity that carries them, both with the same parameters; then dX = (b + eps
/// grad V) dt + sqrt(2 eps) dW does so too.
/// </summary>
/// <param name="Path">V_t in z.</param>
/// <param name="Velocity">b(x, t) of the ODE.</param>
/// <param name="Parameters">The parameters of both.</param>
/// <param name="Curvature">The mean curvature of V_t, which sets Langevin steps; null for that of the annealing path.</param>
internal sealed record TrainedTransport(IDensityPath Path, IVectorField Velocity, ParameterSet Parameters, Func<double, double>? Curvature = null)
{
    /// <summary>The diffusion of a step whose Langevin part moves by a fraction of the inverse mean curvature.</summary>
    public double Diffusion(TransportProblem problem, double langevinStep, double t, double next)
    {
        var curvature = Curvature ?? problem.Curvature;
        return langevinStep / (Math.Max(curvature(t), curvature(next)) * (next - t));
    }
}

/// <summary>Draws weighted samples along a trained transport; chooses how on a validation batch.</summary>
internal sealed class TransportSampling<T> : ITransportSampling<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int ValidationParticles = 2048;

    // A sampler is only worth twice the steps if it raises the effective sample size by this factor.
    private const double WorthTwice = 1.02;

    // Above this effective sample size of the ODE no SDE is tried.
    private const double NothingToWin = 0.95;

    // Validation draws are samples with numbers from here on, so they never coincide with the samples that are returned.
    private const long ValidationSamples = 1L << 36;

    private readonly TransportProblem _problem;
    private readonly SamplingSettings _settings;
    private readonly TrainedTransport _transport;
    private readonly int _dimension;
    private readonly NdArray<T> _parameters;
    private readonly ExecutionOptions _execution;
    private readonly Dictionary<SdeScheme, ParticleWalk<T>> _sdes = [];
    private ParticleWalk<T>? _reverse;
    private TransportOde<T>? _ode;
    private TransportSampler _chosen;
    private double _stepError;

    public TransportSampling(TransportProblem problem, SamplingSettings settings, TrainedTransport transport, NdArray<T> parameters, ExecutionOptions execution)
    {
        (_problem, _settings, _transport, _parameters, _execution) = (problem, settings, transport, parameters, execution);
        _dimension = problem.Base.Dimension;
        Evaluation = new TargetEvaluation(problem, execution);
    }

    public TargetEvaluation Evaluation { get; }

    /// <summary>
    /// The sampler with the largest effective sample size on a validation batch, cheaper ones preferred when nearly as good: first the ODE; then, unless that
    /// leaves little to win, the SDE with several Langevin steps, with more steps, and by Heun's scheme.
    /// </summary>
    public (double Ess, IReadOnlyList<SamplerTrial>? Trials) Choose(int samples, ulong seed, CancellationToken cancellation)
    {
        var (sampler, ess) = Best(seed, cancellation);
        _chosen = sampler;
        if (sampler.Scheme is null)
        {
            (var steps, _stepError) = OdeSteps.Refine(
                sampler.Steps, _settings.Steps is null, samples, n => ValidationWeights(sampler with { Steps = n }, ValidationParticles, seed), cancellation);
            _chosen = sampler with { Steps = steps };
        }

        return (ess, null);
    }

    /// <inheritdoc/>
    public WeightedParticles<T> Gauge(int particles, ulong seed) => Validate(
        UsesOde ? new TransportSampler(null, _settings.Steps ?? 32, 0) : new TransportSampler(
            SdeScheme.EulerMaruyama, _settings.Steps ?? 64, 0.03, _settings.Diffusion), particles, seed);

    /// <inheritdoc/>
    public TransportDraws<T> Draw(int samples, ulong seed) => new(Draw(_chosen, samples, new DrawKey(seed)), _chosen.ToString(), StepError: _stepError);

    /// <inheritdoc/>
    public double[]? DrawBackward(NdArray<T> exact, ulong seed) => DrawBackward(_chosen, exact, new DrawKey(seed));

    /// <inheritdoc/>
    public bool IsTrainedInBox => true;

    /// <inheritdoc/>
    public IReadOnlyList<FreeEnergyPoint>? Profile(int particles, ulong seed) => null;

    /// <inheritdoc/>
    public IEnumerable<Status> UnstableStep() => SampleWarnings.UnstableStep(_problem, _chosen);

    private (TransportSampler Sampler, double Ess) Best(ulong seed, CancellationToken cancellation)
    {
        (TransportSampler Sampler, double Ess)? best = null;
        void Compete(TransportSampler candidate)
        {
            cancellation.ThrowIfCancellationRequested();
            var ess = Ess(candidate, ValidationParticles, seed);
            if (best is not { } leader || ess > leader.Ess * Math.Pow(WorthTwice, Math.Log2(candidate.Cost / leader.Sampler.Cost)))
            {
                best = (candidate, ess);
            }
        }

        if (UsesOde)
        {
            foreach (var steps in _settings.Steps is { } fixedSteps ? [fixedSteps] : new[] { 32, 64 })
            {
                Compete(new TransportSampler(null, steps, 0));
            }

            if (_settings.Sampler == SamplerChoice.Ode || best!.Value.Ess > NothingToWin)
            {
                return best!.Value;
            }
        }

        var shortest = _settings.Steps ?? 64;
        foreach (var step in _settings.Diffusion is null ? [0.01, 0.03, 0.1, 0.3] : new[] { 0.0 })
        {
            Compete(new TransportSampler(SdeScheme.EulerMaruyama, shortest, step, _settings.Diffusion));
        }

        var langevin = best!.Value.Sampler.Scheme is null ? 0.03 : best.Value.Sampler.LangevinStep;
        foreach (var steps in _settings.Steps is null ? [128, 256] : Array.Empty<int>())
        {
            Compete(new TransportSampler(SdeScheme.EulerMaruyama, steps, langevin, _settings.Diffusion));
            Compete(new TransportSampler(SdeScheme.EulerMaruyama, steps, 0.5 * langevin, _settings.Diffusion));
        }

        Compete(new TransportSampler(SdeScheme.Heun, _settings.Steps ?? 128, langevin, _settings.Diffusion));
        return best!.Value;
    }

    private double Ess(TransportSampler sampler, int particles, ulong seed) => ValidationWeights(sampler, particles, seed)?.EffectiveSampleFraction ?? 0;

    private ImportanceWeights? ValidationWeights(TransportSampler sampler, int particles, ulong seed)
    {
        var logWeights = Validate(sampler, particles, seed).LogWeights;
        return logWeights.All(double.IsNegativeInfinity) ? null : ImportanceWeights.FromLogWeights(logWeights);
    }

    private WeightedParticles<T> Validate(TransportSampler sampler, int particles, ulong seed) =>
        Draw(sampler, particles, new DrawKey(seed, 0, ValidationSamples));

    private WeightedParticles<T> Draw(TransportSampler sampler, int samples, DrawKey draw) => ParticleBatches.Draw<T>(
        samples, _dimension, draw, (n, key) => sampler.Scheme is { } scheme ? DrawSde(sampler, Sde(scheme), n, key) : DrawOde(sampler, n, key));

    private double[] DrawBackward(TransportSampler sampler, NdArray<T> exact, DrawKey draw) => ParticleBatches.Backward(
        exact,
        draw,
        (ends, key) => sampler.Scheme is { } scheme ? Backward(sampler, scheme, ends, key) : Ode.RunBackward(_parameters, ends, sampler.Steps),
        ends => Evaluation.At(ends, ends.Rows).LogTarget,
        TargetEvaluation.LogBase);

    /// <summary>Evaluations of the target so far.</summary>
    public long TargetCalls => _sdes.Values.Sum(s => s.TargetCalls) + (_reverse?.TargetCalls ?? 0) + Evaluation.TargetCalls;

    public void Dispose()
    {
        Evaluation.Dispose();
        _reverse?.Dispose();
        _ode?.Dispose();
        foreach (var sde in _sdes.Values)
        {
            sde.Dispose();
        }
    }

    // The exact divergence of a general field costs d tangents; above the limit it is left to those who ask for it.
    private bool UsesOde => _settings.Sampler == SamplerChoice.Ode
        || (_settings.Sampler == SamplerChoice.Automatic && (_dimension <= _settings.ExactDivergenceLimit || _transport.Velocity.HasCheapDivergence));

    private ParticleWalk<T> Sde(SdeScheme scheme)
    {
        if (!_sdes.TryGetValue(scheme, out var sde))
        {
            sde = TransportSde.Forward<T>(_transport.Path, _transport.Parameters, _transport.Velocity, scheme, ParticleBatches.Largest,
                SamplingStreams.SampleStart, SamplingStreams.SampleNoise, _execution);
            _sdes.Add(scheme, sde);
        }

        return sde;
    }

    private TransportOde<T> Ode => _ode ??= new TransportOde<T>(_transport.Parameters, _transport.Velocity, RungeKuttaTableau.RungeKutta4, _execution);

    private TimeGrid Grid(TransportSampler sampler) =>
        new(0, sampler.Steps, sampler.Steps, (t, next) => sampler.Diffusion ?? _transport.Diffusion(_problem, sampler.LangevinStep, t, next));

    private (NdArray<T> Positions, NdArray<T> Gains) Backward(TransportSampler sampler, SdeScheme scheme, NdArray<T> ends, DrawKey draw)
    {
        _reverse ??= TransportSde.Backward<T>(
            _transport.Path, _transport.Parameters, _transport.Velocity, scheme, ParticleBatches.Largest, SamplingStreams.BackwardNoise, _execution);
        _reverse.StartFrom(_parameters, ends.Span);
        _reverse.Advance(_parameters, ends.Rows, Grid(sampler), draw);
        return (_reverse.Positions, _reverse["gain"]);
    }

    private WeightedParticles<T> DrawSde(TransportSampler sampler, ParticleWalk<T> sde, int n, DrawKey draw)
    {
        sde.Start(_parameters, n, draw);
        var start = TargetEvaluation.LogBase(sde.Positions, n);
        sde.Advance(_parameters, n, Grid(sampler), draw);
        return new WeightedParticles<T>(sde.Positions, WeightedParticles.LogWeights(Evaluation.At(sde.Positions, n).LogTarget, start, sde["gain"]));
    }

    private WeightedParticles<T> DrawOde(TransportSampler sampler, int n, DrawKey draw)
    {
        var sde = Sde(SdeScheme.EulerMaruyama);
        sde.Start(_parameters, n, draw);
        var from = NdArray<T>.From(sde.Positions.Span[..(n * _dimension)], n, _dimension);
        var (positions, divergence) = Ode.Run(_parameters, from, sampler.Steps);
        return new WeightedParticles<T>(
            positions, WeightedParticles.LogWeights(Evaluation.At(positions, n).LogTarget, TargetEvaluation.LogBase(from, n), divergence));
    }
}
