using System.Globalization;
using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
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
internal readonly record struct NetsSampler(
    double Relaxation, int Steps, NetsWeights Weights, double? Diffusion = null, NetsDynamics Dynamics = NetsDynamics.Overdamped)
{
    public bool IsOde => Relaxation == 0 && Diffusion is null;

    /// <summary>Evaluations of the drift over a run; a divergence counts as one more.</summary>
    public double Cost => Steps * (IsOde ? 8.0 : Dynamics == NetsDynamics.Inertial ? 4 : Weights == NetsWeights.Continuous ? 2 : 1);

    public override string ToString() => IsOde
        ? FormattableString.Invariant($"ODE (diffusion 0), Runge-Kutta 4, {Steps} steps")
        : Dynamics == NetsDynamics.Inertial
        ? FormattableString.Invariant($"inertial SDE, splitting with continuous weights, {Steps} steps, {Relaxation:g3} radians in the mean curvature")
        : string.Create(
            CultureInfo.InvariantCulture, $"SDE, Euler-Maruyama with {(Weights == NetsWeights.Kernel ? "kernel" : "continuous")} weights, {Steps} steps, "
            + $"{(Diffusion is { } eps ? $"diffusion {eps:g3} in base units" : $"diffusion {Relaxation:g3} over the mean curvature")}");
}

/// <summary>Particles at t = 1, with the estimates of log Z of the islands in which they were resampled.</summary>
/// <param name="Particles">Positions z and log-weights; the log-mean-exp of all weights estimates log Z.</param>
/// <param name="IslandLogZ">log Z of each island; null if nothing was resampled.</param>
/// <param name="Resamplings">How often an island was resampled, on average.</param>
internal sealed record NetsDraws<T>(WeightedParticles<T> Particles, double[]? IslandLogZ, double Resamplings)
    where T : unmanaged, IFloatingPointIeee754<T>;

/// <summary>Draws weighted samples with a trained drift; chooses diffusion and steps on a validation batch.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class NetsSampling<T> : ITransportSampling<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int ValidationParticles = 2048;
    private const int Segments = 32;
    private const int ProfileSteps = 256;

    // A sampler is only worth twice the steps if it raises the effective sample size by this factor.
    private const double WorthTwice = 1.02;

    // The largest Langevin step that is tried, in units of the inverse mean curvature.
    private const double LargestLangevinStep = 0.35;

    // Validation draws are samples with numbers from here on, so they never coincide with the samples that are returned.
    private const long ValidationSamples = 1L << 36;

    private readonly TransportProblem _problem;
    private readonly NetsOptions _options;
    private readonly NetsNetworks _networks;
    private readonly IDensityPath _path;
    private readonly int _dimension;
    private readonly NdArray<T> _parameters;
    private readonly ExecutionOptions _execution;
    private readonly PathEvaluation _pathEvaluation;
    private ParticleWalk<T>? _sde;
    private INetsWalkers<T>? _walkers;
    private ParticleWalk<T>? _reverse;
    private TransportOde<T>? _ode;
    private long _odeCalls;
    private NetsSampler _chosen;
    private double _stepError;

    public NetsSampling(TransportProblem problem, NetsNetworks networks, NetsOptions options, NdArray<T> parameters, ExecutionOptions execution)
    {
        (_path, _problem, _options, _networks, _parameters, _execution) = (networks.Path, problem, options, networks, parameters, execution);
        _dimension = _path.Dimension;
        Evaluation = new TargetEvaluation(problem, execution);
        _pathEvaluation = new PathEvaluation(_path, execution);
    }

    public TargetEvaluation Evaluation { get; }

    /// <summary>Evaluations of the target's log density or score so far.</summary>
    public long TargetCalls => (_sde?.TargetCalls ?? 0) + (_walkers?.TargetCalls ?? 0) + (_reverse?.TargetCalls ?? 0) + Evaluation.TargetCalls + _odeCalls;

    /// <summary>A constant diffusion of the options, in units of z.</summary>
    private double? Diffusion => _options.Carry.Diffusion * NetsPaths.DiffusionUnit(_problem);

    /// <inheritdoc/>
    public WeightedParticles<T> Gauge(int particles, ulong seed) => Draw(
        UsesOde ? new NetsSampler(0, _options.Carry.SamplerSteps ?? 32, NetsWeights.Kernel) : new NetsSampler(
            _options.Relaxation, _options.Carry.SamplerSteps ?? 64, NetsWeights.Kernel, Diffusion), particles, new DrawKey(seed, 0,
            ValidationSamples), 0).Particles;

    /// <inheritdoc/>
    public (double Ess, IReadOnlyList<SamplerTrial>? Trials) Choose(int samples, ulong seed, CancellationToken cancellation)
    {
        var (sampler, ess, trials) = Scan(seed, cancellation);
        _chosen = sampler;
        if (sampler.IsOde)
        {
            (var steps, _stepError) = OdeSteps.Refine(
                sampler.Steps, _options.Carry.SamplerSteps is null, samples, n => ValidationWeights(sampler with { Steps = n }, seed, out _), cancellation);
            _chosen = sampler with { Steps = steps };
        }

        return (ess, trials);
    }

    /// <inheritdoc/>
    public TransportDraws<T> Draw(int samples, ulong seed)
    {
        var draws = Draw(_chosen, samples, new DrawKey(seed), _options.Walker.ResamplingThreshold);
        var resampled = draws.IslandLogZ is null
            ? "" : FormattableString.Invariant($", resampled {draws.Resamplings:0.#} times on average among {_options.Walker.IslandSize}");
        return new TransportDraws<T>(draws.Particles, _chosen + resampled, draws.IslandLogZ, _stepError);
    }

    /// <inheritdoc/>
    public double[]? DrawBackward(NdArray<T> exact, ulong seed) => _chosen.Dynamics == NetsDynamics.Inertial && !_chosen.IsOde
        ? null : DrawBackward(_chosen, exact, new DrawKey(seed));

    /// <summary>Along a path that was given, drifts are trained on the walkers' own law, which no box of the preparation bounds.</summary>
    public bool IsTrainedInBox => _problem.LogCurvature is null;

    /// <inheritdoc/>
    public IReadOnlyList<FreeEnergyPoint>? Profile(int particles, ulong seed) => Profile(_chosen, particles, seed);

    /// <inheritdoc/>
    public IEnumerable<Status> UnstableStep() =>
        SampleWarnings.UnstableStep(_problem, _chosen.Steps, _options.Carry.Diffusion, NetsPaths.DiffusionUnit(_problem));

    // The exact divergence along the ODE costs d tangents; above the limit it is left to those who ask for it.
    private bool UsesOde => _options.Carry.Sampler == SamplerChoice.Ode
        || (_options.Carry.Sampler == SamplerChoice.Automatic && _options.Walker.ResamplingThreshold == 0 && Diffusion is null
            && _networks.ExactDivergence);

    /// <summary>
    /// The scan over diffusions, 0 included, and steps on a validation batch, and the sampler with the largest effective sample size,
    /// cheaper ones preferred when nearly as good.
    /// </summary>
    private (NetsSampler Sampler, double Ess, IReadOnlyList<SamplerTrial> Trials) Scan(ulong seed, CancellationToken cancellation)
    {
        (NetsSampler Sampler, double Ess)? best = null;
        var trials = new List<SamplerTrial>();
        void Compete(NetsSampler candidate)
        {
            cancellation.ThrowIfCancellationRequested();
            var trial = Try(candidate, seed);
            trials.Add(trial);
            if (best is not { } leader || trial.EffectiveSampleSize > leader.Ess * Math.Pow(WorthTwice, Math.Log2(candidate.Cost / leader.Sampler.Cost)))
            {
                best = (candidate, trial.EffectiveSampleSize);
            }
        }

        if (UsesOde)
        {
            foreach (var steps in _options.Carry.SamplerSteps is { } fixedSteps ? [fixedSteps] : new[] { 32, 64 })
            {
                Compete(new NetsSampler(0, steps, NetsWeights.Kernel));
            }

            if (_options.Carry.Sampler == SamplerChoice.Ode)
            {
                return (best!.Value.Sampler, best.Value.Ess, trials);
            }
        }

        foreach (var steps in _options.Carry.SamplerSteps is { } given ? [given] : new[] { 64, 128, 256 })
        {
            foreach (var relaxation in Diffusion is null ? [1.0, 3.0, 10.0, 30.0] : new[] { 0.0 })
            {
                if (relaxation <= LargestLangevinStep * steps)
                {
                    Compete(new NetsSampler(relaxation, steps, _options.Walker.Weights, Diffusion, _options.Walker.Dynamics));
                }
            }
        }

        return (best!.Value.Sampler, best.Value.Ess, trials);
    }

    /// <summary>Draws particles.</summary>
    /// <param name="sampler">How.</param>
    /// <param name="samples">Their number.</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <param name="threshold">The effective sample size (fraction) below which particles are resampled; 0 for never.</param>
    private NetsDraws<T> Draw(NetsSampler sampler, int samples, DrawKey draw, double threshold)
    {
        var islands = new List<double>();
        var resamplings = 0;
        WeightedParticles<T> Carry(int n, DrawKey key)
        {
            var island = sampler.IsOde ? DrawOde(sampler, n, key) : DrawSde(sampler, n, key, threshold, ref resamplings);
            islands.Add(
                island.LogWeights.All(double.IsNegativeInfinity) ? double.NegativeInfinity : ImportanceWeights.FromLogWeights(island.LogWeights).LogNormaliser);
            return island;
        }

        var size = threshold > 0 && !sampler.IsOde ? _options.Walker.IslandSize : ParticleBatches.Largest;
        var particles = ParticleBatches.Draw<T>(samples, _dimension, draw, Carry, size);
        return new NetsDraws<T>(particles, resamplings > 0 ? [.. islands] : null, (double)resamplings / islands.Count);
    }

    /// <summary>
    /// Log-weights [n] of the sampler's paths drawn backward from exact samples z [n, d] of the target: kernel weights, or the density of the ODE.
    /// </summary>
    private double[] DrawBackward(NetsSampler sampler, NdArray<T> exact, DrawKey draw)
    {
        _odeCalls += sampler.IsOde ? OdeCalls(exact.Rows, sampler.Steps) : 0;
        return ParticleBatches.Backward(
            exact,
            draw,
            (ends, key) => sampler.IsOde ? Ode.RunBackward(_parameters, ends, sampler.Steps) : Backward(sampler, ends, key),
            ends => Evaluation.At(ends, ends.Rows).LogTarget,
            (starts, n) => _pathEvaluation.At(starts, n, 0));
    }

    /// <summary>
    /// The free energy F_t = -log Z_t of the path at equally spaced times, from kernel weights along it: each is an
    /// exact estimate with the delta method's error.
    /// </summary>
    private List<FreeEnergyPoint> Profile(NetsSampler sampler, int particles, ulong seed)
    {
        var n = Math.Min(particles, ParticleBatches.Largest);
        var profile = new List<FreeEnergyPoint> { new(0, 0, 0) };
        var steps = sampler.IsOde ? ProfileSteps : Math.Max(Segments, sampler.Steps);
        var (relaxation, diffusion) = sampler.IsOde || sampler.Dynamics == NetsDynamics.Inertial
            ? (_options.Relaxation, (double?)null) : (sampler.Relaxation, sampler.Diffusion);
        using var sde = TransportSde.Forward<T>(
            _path, _networks.Parameters, _networks.Drift, SdeScheme.EulerMaruyama, n, SamplingStreams.ProfileStart, SamplingStreams.ProfileNoise, _execution);
        sde.Start(_parameters, n, new DrawKey(seed));
        var start = _pathEvaluation.At(sde.Positions, n, 0);
        for (var s = 0; s < Segments; s++)
        {
            var (first, end) = (SegmentStart(s, steps), SegmentStart(s + 1, steps));
            sde.Advance(_parameters, n, Grid(new NetsSampler(relaxation, steps, NetsWeights.Kernel, diffusion), first, end), new DrawKey(seed, (ulong)first));
            var t = (double)end / steps;
            var logWeights = WeightedParticles.LogWeights(_pathEvaluation.At(sde.Positions, n, t), start, sde["gain"]);
            if (logWeights.All(double.IsNegativeInfinity))
            {
                break;
            }

            var weights = ImportanceWeights.FromLogWeights(logWeights);
            profile.Add(new FreeEnergyPoint(t, -(weights.LogNormaliser + NetsPaths.Offset(_problem, t)), weights.LogNormaliserError));
        }

        _odeCalls += sde.TargetCalls;
        return profile;
    }

    public void Dispose()
    {
        Evaluation.Dispose();
        _pathEvaluation.Dispose();
        _sde?.Dispose();
        _walkers?.Dispose();
        _reverse?.Dispose();
        _ode?.Dispose();
    }

    private static int SegmentStart(int segment, int steps) => (int)((long)segment * steps / Segments);

    private SamplerTrial Try(NetsSampler sampler, ulong seed)
    {
        return ValidationWeights(sampler, seed, out var islands) is { } weights
            ? new SamplerTrial(sampler.ToString(), weights.EffectiveSampleFraction, weights.LogNormaliser, TransportRun<T>.LogZError(weights, islands))
            : new SamplerTrial(sampler.ToString(), 0, double.NegativeInfinity, double.PositiveInfinity);
    }

    private ImportanceWeights? ValidationWeights(NetsSampler sampler, ulong seed, out double[]? islands)
    {
        var draws = Draw(sampler, ValidationParticles, new DrawKey(seed, 0, ValidationSamples), _options.Walker.ResamplingThreshold);
        islands = draws.IslandLogZ;
        return draws.Particles.LogWeights.All(double.IsNegativeInfinity) ? null : ImportanceWeights.FromLogWeights(draws.Particles.LogWeights);
    }

    // For walkers with momenta the grid carries the speed, in which one radian in the mean curvature takes the same share of the run everywhere.
    private TimeGrid Grid(NetsSampler sampler, int first, int end) => new(
        first,
        end - first,
        sampler.Steps,
        (t, next) => sampler.Dynamics == NetsDynamics.Inertial
            ? sampler.Relaxation / Math.Sqrt(Math.Max(_problem.Curvature(t), _problem.Curvature(next)))
            : sampler.Diffusion ?? NetsPaths.Diffusion(_problem, sampler.Relaxation, t, next));

    private WeightedParticles<T> DrawSde(NetsSampler sampler, int n, DrawKey draw, double threshold, ref int resamplings)
    {
        var walkers = Walkers(sampler);
        walkers.Start(_parameters, n, draw);
        var logZ = _problem.Offset;
        var segments = threshold > 0 ? Math.Min(Segments, sampler.Steps) : 1;
        for (var s = 0; s < segments; s++)
        {
            var (first, end) = ((int)((long)s * sampler.Steps / segments), (int)((long)(s + 1) * sampler.Steps / segments));
            walkers.Advance(_parameters, n, Grid(sampler, first, end), draw with { Step = draw.Step + (ulong)first });
            if (s == segments - 1)
            {
                break;
            }

            var t = (double)end / sampler.Steps;
            var now = walkers.LogWeights(n, t);
            if (now.All(double.IsNegativeInfinity))
            {
                return new WeightedParticles<T>(walkers.Positions, now);
            }

            var weights = ImportanceWeights.FromLogWeights(now);
            if (weights.EffectiveSampleFraction >= threshold)
            {
                continue;
            }

            // A stream of its own for each island and segment.
            var random = new RandomStream(
                draw.Seed ^ (0x9E3779B97F4A7C15UL * (ulong)((draw.FirstSample * Segments) + s + 1)), SamplingStreams.IslandResampling);
            logZ += weights.LogNormaliser;
            resamplings++;
            walkers.Select(Resampling.Systematic([.. weights.Normalised], n, random), t);
        }

        return new WeightedParticles<T>(walkers.Positions, [.. walkers.LogWeights(n, 1).Select(w => w + logZ)]);
    }

    private INetsWalkers<T> Walkers(NetsSampler sampler)
    {
        INetsWalkers<T> Made() => sampler.Dynamics == NetsDynamics.Inertial
            ? new ContinuousWalkers<T>(InertialTransport.Walk<T>(
                _path, _networks.Parameters, _networks.Drift, _options.Walker.Friction, ParticleBatches.Largest, SamplingStreams.SampleStart,
                SamplingStreams.SampleMomenta, SamplingStreams.SampleNoise, _execution))
            : new ContinuousWalkers<T>(EscortedLangevin.Walk<T>(
                _path, _networks.Parameters, _networks.Drift, ParticleBatches.Largest, SamplingStreams.SampleStart, SamplingStreams.SampleNoise, _execution));
        if (sampler.Weights == NetsWeights.Continuous)
        {
            return _walkers ??= Made();
        }

        double[] Values(NdArray<T> positions, int n, double t) =>
            t == 1 ? [.. Evaluation.At(positions, n).LogTarget.Select(v => v - _problem.Offset)] : _pathEvaluation.At(positions, n, t);
        return new KernelWalkers<T>(Sde, Values);
    }

    private TransportOde<T> Ode => _ode ??= new TransportOde<T>(_networks.Parameters, _networks.Drift, RungeKuttaTableau.RungeKutta4, _execution);

    private ParticleWalk<T> Sde => _sde ??= TransportSde.Forward<T>(
        _path, _networks.Parameters, _networks.Drift, SdeScheme.EulerMaruyama, ParticleBatches.Largest, SamplingStreams.SampleStart,
        SamplingStreams.SampleNoise, _execution);

    private (NdArray<T> Positions, NdArray<T> Gains) Backward(NetsSampler sampler, NdArray<T> ends, DrawKey draw)
    {
        _reverse ??= TransportSde.Backward<T>(
            _path, _networks.Parameters, _networks.Drift, SdeScheme.EulerMaruyama, ParticleBatches.Largest, SamplingStreams.BackwardNoise, _execution);
        _reverse.StartFrom(_parameters, ends.Span);
        _reverse.Advance(_parameters, ends.Rows, Grid(sampler, 0, sampler.Steps), draw);
        return (_reverse.Positions, _reverse["gain"]);
    }

    private WeightedParticles<T> DrawOde(NetsSampler sampler, int n, DrawKey draw)
    {
        Sde.Start(_parameters, n, draw);
        var from = NdArray<T>.From(Sde.Positions.Span[..(n * _dimension)], n, _dimension);
        var (positions, divergence) = Ode.Run(_parameters, from, sampler.Steps);
        _odeCalls += OdeCalls(n, sampler.Steps);
        return new WeightedParticles<T>(
            positions, WeightedParticles.LogWeights(Evaluation.At(positions, n).LogTarget, _pathEvaluation.At(from, n, 0), divergence));
    }

    // A drift that leans on the path's score asks the target at each of the four stages of a step.
    private long OdeCalls(int n, int steps) => _networks.Drift is GatedDrift ? 4L * n * steps : 0;
}
