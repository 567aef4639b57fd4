using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Engine.Random;
using Monge.Fields;
using Monge.Measures;
using Monge.Paths;

namespace Monge.Methods;

/// <summary>A way to carry particles from the base to the target.</summary>
/// <param name="Relaxation">Relaxation times of the mean curvature that the diffusion gives over the run; 0 is the ODE.</param>
/// <param name="Steps">Steps over [0, 1].</param>
/// <param name="Weights">The weights of the SDE.</param>
/// <param name="Diffusion">A constant eps in units of z that replaces the relaxation; null for none.</param>
internal readonly record struct NetsSampler(double Relaxation, int Steps, NetsWeights Weights, double? Diffusion = null)
{
    public bool IsOde => Relaxation == 0 && Diffusion is null;

    /// <summary>Evaluations of the drift over a run; a divergence counts as one more.</summary>
    public double Cost => Steps * (IsOde ? 8.0 : Weights == NetsWeights.Continuous ? 2 : 1);

    public override string ToString() => IsOde
        ? FormattableString.Invariant($"ODE (diffusion 0), Runge-Kutta 4, {Steps} steps")
        : FormattableString.Invariant($"SDE, Euler-Maruyama with {(Weights == NetsWeights.Kernel ? "kernel" : "continuous")} weights, {Steps} steps, {(Diffusion is { } eps ? $"diffusion {eps:g3} in base units" : $"diffusion {Relaxation:g3} over the mean curvature")}");
}

/// <summary>Particles at t = 1, with the estimates of log Z of the islands in which they were resampled.</summary>
/// <param name="Particles">Positions z and log-weights; the log-mean-exp of all weights estimates log Z.</param>
/// <param name="IslandLogZ">log Z of each island; null if nothing was resampled.</param>
/// <param name="Resamplings">How often an island was resampled, on average.</param>
internal sealed record NetsDraws<T>(WeightedParticles<T> Particles, double[]? IslandLogZ, double Resamplings)
    where T : unmanaged, IFloatingPointIeee754<T>;

/// <summary>Draws weighted samples with a trained drift; chooses diffusion and steps on a validation batch.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal sealed class NetsSampling<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int ValidationParticles = 2048;
    private const int LargestBatch = 4096;
    private const int Segments = 32;
    private const int ProfileSteps = 256;

    // A sampler is only worth twice the steps if it raises the effective sample size by this factor.
    private const double WorthTwice = 1.02;

    // The largest Langevin step that is tried, in units of the inverse mean curvature.
    private const double LargestLangevinStep = 0.35;

    // Validation draws are samples with numbers from here on, so they never coincide with the samples that are returned.
    private const long ValidationSamples = 1L << 36;

    private readonly NetsProblem _problem;
    private readonly NetsOptions _options;
    private readonly NetsNetworks _networks;
    private readonly IDensityPath _path;
    private readonly int _dimension;
    private readonly NdArray<T> _parameters;
    private readonly ExecutionOptions _execution;
    private readonly PathEvaluation _pathEvaluation;
    private TransportSde<T>? _sde;
    private EscortedLangevin<T>? _escorted;
    private ReverseTransportSde<T>? _reverse;
    private TransportOde<T>? _ode;
    private long _odeCalls;

    public NetsSampling(Density target, IDensityPath path, NetsProblem problem, NetsOptions options, NetsNetworks networks, NdArray<T> parameters, ExecutionOptions execution)
    {
        (_path, _problem, _options, _networks, _parameters, _execution) = (path, problem, options, networks, parameters, execution);
        _dimension = path.Dimension;
        Evaluation = new TargetEvaluation(target, problem.Coordinates, execution);
        _pathEvaluation = new PathEvaluation(path, execution);
    }

    public TargetEvaluation Evaluation { get; }

    /// <summary>Evaluations of the target's log density or score so far.</summary>
    public long TargetCalls => (_sde?.TargetCalls ?? 0) + (_escorted?.TargetCalls ?? 0) + (_reverse?.TargetCalls ?? 0) + Evaluation.TargetCalls + _odeCalls;

    /// <summary>A constant diffusion of the options, in units of z.</summary>
    private double? Diffusion => _options.Diffusion is { } eps ? _problem.LogCurvature is null ? eps : eps / (_problem.Scale * _problem.Scale) : null;

    /// <summary>The sampler that shows how training goes.</summary>
    public NetsSampler Gauge => UsesOde
        ? new NetsSampler(0, _options.SamplerSteps ?? 32, NetsWeights.Kernel)
        : new NetsSampler(_options.Relaxation, _options.SamplerSteps ?? 64, NetsWeights.Kernel, Diffusion);

    // The exact divergence along the ODE costs d tangents; above the limit it is left to those who ask for it.
    private bool UsesOde => _options.Sampler == SamplerChoice.Ode
        || (_options.Sampler == SamplerChoice.Automatic && _options.ResamplingThreshold == 0 && Diffusion is null
            && (_dimension <= _options.ExactDivergenceLimit || _networks.Drift.HasCheapDivergence));

    /// <summary>
    /// The scan over diffusions, 0 included, and steps on a validation batch, and the sampler with the largest effective sample size, cheaper ones preferred when nearly as good.
    /// </summary>
    public (NetsSampler Sampler, double Ess, IReadOnlyList<SamplerTrial> Trials) Choose(ulong seed, CancellationToken cancellation)
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
            foreach (var steps in _options.SamplerSteps is { } fixedSteps ? [fixedSteps] : new[] { 32, 64 })
            {
                Compete(new NetsSampler(0, steps, NetsWeights.Kernel));
            }

            if (_options.Sampler == SamplerChoice.Ode)
            {
                return (best!.Value.Sampler, best.Value.Ess, trials);
            }
        }

        foreach (var steps in _options.SamplerSteps is { } given ? [given] : new[] { 64, 128, 256 })
        {
            foreach (var relaxation in Diffusion is null ? [1.0, 3.0, 10.0, 30.0] : new[] { 0.0 })
            {
                if (relaxation <= LargestLangevinStep * steps)
                {
                    Compete(new NetsSampler(relaxation, steps, _options.Weights, Diffusion));
                }
            }
        }

        return (best!.Value.Sampler, best.Value.Ess, trials);
    }

    /// <summary>The effective sample size (fraction) of a validation batch.</summary>
    public double Ess(NetsSampler sampler, int particles, ulong seed)
    {
        var logWeights = Draw(sampler, particles, new DrawKey(seed, 0, ValidationSamples), 0).Particles.LogWeights;
        return logWeights.All(double.IsNegativeInfinity) ? 0 : ImportanceWeights.FromLogWeights(logWeights).EffectiveSampleFraction;
    }

    /// <summary>Draws particles.</summary>
    /// <param name="sampler">How.</param>
    /// <param name="samples">Their number.</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <param name="threshold">The effective sample size (fraction) below which particles are resampled; 0 for never.</param>
    public NetsDraws<T> Draw(NetsSampler sampler, int samples, DrawKey draw, double threshold)
    {
        var positions = new NdArray<T>(samples, _dimension);
        var logWeights = new double[samples];
        var size = threshold > 0 && !sampler.IsOde ? _options.IslandSize : LargestBatch;
        var islands = new List<double>();
        var resamplings = 0;
        for (var first = 0; first < samples; first += size)
        {
            var n = Math.Min(size, samples - first);
            var key = draw with { FirstSample = draw.FirstSample + first };
            var island = sampler.IsOde ? DrawOde(sampler, n, key) : DrawSde(sampler, n, key, threshold, ref resamplings);
            island.Positions.Span[..(n * _dimension)].CopyTo(positions.Span[(first * _dimension)..]);
            island.LogWeights.CopyTo(logWeights, first);
            islands.Add(island.LogWeights.All(double.IsNegativeInfinity) ? double.NegativeInfinity : ImportanceWeights.FromLogWeights(island.LogWeights).LogNormaliser);
        }

        return new NetsDraws<T>(new WeightedParticles<T>(positions, logWeights), resamplings > 0 ? [.. islands] : null, (double)resamplings / islands.Count);
    }

    /// <summary>Log-weights [n] of the sampler's paths drawn backward from exact samples z [n, d] of the target: kernel weights, or the density of the ODE.</summary>
    public double[] DrawBackward(NetsSampler sampler, NdArray<T> exact, DrawKey draw)
    {
        var logWeights = new double[exact.Rows];
        for (var first = 0; first < logWeights.Length; first += LargestBatch)
        {
            var n = Math.Min(LargestBatch, logWeights.Length - first);
            var ends = NdArray<T>.From(exact.Span.Slice(first * _dimension, n * _dimension), n, _dimension);
            var (starts, gains) = sampler.IsOde ? Ode.RunBackward(_parameters, ends, sampler.Steps) : Backward(sampler, ends, draw with { FirstSample = draw.FirstSample + first });
            _odeCalls += sampler.IsOde ? OdeCalls(n, sampler.Steps) : 0;
            var (end, start) = (Evaluation.At(ends, n).LogTarget, _pathEvaluation.At(starts, n, 0));
            for (var i = 0; i < n; i++)
            {
                logWeights[first + i] = end[i] - start[i] + double.CreateChecked(gains[i]);
            }
        }

        return logWeights;
    }

    /// <summary>
    /// The free energy F_t = -log Z_t of the path at equally spaced times, from kernel weights along it: each is an exact estimate with the delta method's error.
    /// </summary>
    public IReadOnlyList<FreeEnergyPoint> Profile(NetsSampler sampler, int particles, ulong seed)
    {
        var n = Math.Min(particles, LargestBatch);
        var profile = new List<FreeEnergyPoint> { new(0, 0, 0) };
        var steps = sampler.IsOde ? ProfileSteps : Math.Max(Segments, sampler.Steps);
        var relaxation = sampler.IsOde ? _options.Relaxation : sampler.Relaxation;
        using var sde = new TransportSde<T>(_path, _networks.Parameters, _networks.Drift, SdeScheme.EulerMaruyama, n, RandomStreams.ProfileStart, RandomStreams.ProfileNoise, _execution);
        sde.Start(_parameters, n, new DrawKey(seed));
        var start = _pathEvaluation.At(sde.Positions, n, 0);
        for (var s = 0; s < Segments; s++)
        {
            var (first, end) = (SegmentStart(s, steps), SegmentStart(s + 1, steps));
            sde.Advance(_parameters, n, Grid(sampler with { Relaxation = relaxation, Steps = steps }, first, end), new DrawKey(seed, (ulong)first));
            var t = (double)end / steps;
            var logWeights = WeightedParticles.LogWeights(_pathEvaluation.At(sde.Positions, n, t), start, sde.Gains);
            if (logWeights.All(double.IsNegativeInfinity))
            {
                break;
            }

            var weights = ImportanceWeights.FromLogWeights(logWeights);
            profile.Add(new FreeEnergyPoint(t, -(weights.LogNormaliser + _problem.Offset(t)), weights.LogNormaliserError));
        }

        _odeCalls += sde.TargetCalls;
        return profile;
    }

    public void Dispose()
    {
        Evaluation.Dispose();
        _pathEvaluation.Dispose();
        _sde?.Dispose();
        _escorted?.Dispose();
        _reverse?.Dispose();
        _ode?.Dispose();
    }

    private static int SegmentStart(int segment, int steps) => (int)((long)segment * steps / Segments);

    private SamplerTrial Try(NetsSampler sampler, ulong seed)
    {
        var draws = Draw(sampler, ValidationParticles, new DrawKey(seed, 0, ValidationSamples), _options.ResamplingThreshold);
        if (draws.Particles.LogWeights.All(double.IsNegativeInfinity))
        {
            return new SamplerTrial(sampler.ToString(), 0, double.NegativeInfinity, double.PositiveInfinity);
        }

        var weights = ImportanceWeights.FromLogWeights(draws.Particles.LogWeights);
        return new SamplerTrial(sampler.ToString(), weights.EffectiveSampleFraction, weights.LogNormaliser, NetsTransport.LogZError(weights, draws.IslandLogZ));
    }

    private SdeGrid<T> Grid(NetsSampler sampler, int first, int end) =>
        new(first, end - first, sampler.Steps, (t, next) => sampler.Diffusion ?? _problem.Diffusion(sampler.Relaxation, t, next));

    private WeightedParticles<T> DrawSde(NetsSampler sampler, int n, DrawKey draw, double threshold, ref int resamplings)
    {
        var kernel = sampler.Weights == NetsWeights.Kernel;
        if (kernel)
        {
            Sde.Start(_parameters, n, draw);
        }
        else
        {
            _escorted ??= new EscortedLangevin<T>(_path, _networks.Parameters, _networks.Drift, LargestBatch, RandomStreams.SampleStart, RandomStreams.SampleNoise, _execution);
            _escorted.Start(_parameters, n, draw);
        }

        // The log-weight since the last resampling: for kernel weights V_t - V at that time + gains, and A for continuous ones.
        NdArray<T> Positions() => kernel ? Sde.Positions : _escorted!.Positions;
        var reference = kernel ? _pathEvaluation.At(Positions(), n, 0) : new double[n];
        double[] LogWeights(double t) => kernel
            ? WeightedParticles.LogWeights(_pathEvaluation.At(Positions(), n, t), reference, Sde.Gains)
            : WeightedParticles.LogWeights(new double[n], reference, _escorted!.LogWeights);
        var logZ = _problem.Coordinates.Offset;
        var segments = threshold > 0 ? Math.Min(Segments, sampler.Steps) : 1;
        for (var s = 0; s < segments; s++)
        {
            var (first, end) = ((int)((long)s * sampler.Steps / segments), (int)((long)(s + 1) * sampler.Steps / segments));
            var key = draw with { Step = draw.Step + (ulong)first };
            if (kernel)
            {
                Sde.Advance(_parameters, n, Grid(sampler, first, end), key);
            }
            else
            {
                _escorted!.Advance(_parameters, n, Grid(sampler, first, end), key);
            }

            var t = (double)end / sampler.Steps;
            if (s == segments - 1)
            {
                break;
            }

            var now = LogWeights(t);
            if (now.All(double.IsNegativeInfinity))
            {
                return new WeightedParticles<T>(Positions(), now);
            }

            var weights = ImportanceWeights.FromLogWeights(now);
            if (weights.EffectiveSampleFraction >= threshold)
            {
                continue;
            }

            // A stream of its own for each island and segment.
            var random = new RandomStream(draw.Seed ^ (0x9E3779B97F4A7C15UL * (ulong)((draw.FirstSample * Segments) + s + 1)), RandomStreams.IslandResampling);
            var ancestors = Resampling.Systematic([.. weights.Normalised], n, random);
            logZ += weights.LogNormaliser;
            resamplings++;
            if (kernel)
            {
                Sde.Select(ancestors);
                reference = _pathEvaluation.At(Positions(), n, t);
            }
            else
            {
                _escorted!.Select(ancestors);
            }
        }

        var last = kernel
            ? WeightedParticles.LogWeights([.. Evaluation.At(Positions(), n).LogTarget.Select(v => v - _problem.Coordinates.Offset)], reference, Sde.Gains)
            : LogWeights(1);
        return new WeightedParticles<T>(Positions(), [.. last.Select(w => w + logZ)]);
    }

    private TransportOde<T> Ode => _ode ??= new TransportOde<T>(_networks.Parameters, _networks.Drift, RungeKuttaTableau.RungeKutta4, _execution);

    private TransportSde<T> Sde => _sde ??= new TransportSde<T>(
        _path, _networks.Parameters, _networks.Drift, SdeScheme.EulerMaruyama, LargestBatch, RandomStreams.SampleStart, RandomStreams.SampleNoise, _execution);

    private (NdArray<T> Positions, NdArray<T> Gains) Backward(NetsSampler sampler, NdArray<T> ends, DrawKey draw)
    {
        _reverse ??= new ReverseTransportSde<T>(_path, _networks.Parameters, _networks.Drift, SdeScheme.EulerMaruyama, LargestBatch, RandomStreams.BackwardNoise, _execution);
        _reverse.Start(_parameters, ends.Span);
        _reverse.Advance(_parameters, ends.Rows, Grid(sampler, 0, sampler.Steps), draw);
        return (_reverse.Positions, _reverse.Gains);
    }

    private WeightedParticles<T> DrawOde(NetsSampler sampler, int n, DrawKey draw)
    {
        Sde.Start(_parameters, n, draw);
        var from = NdArray<T>.From(Sde.Positions.Span[..(n * _dimension)], n, _dimension);
        var (positions, divergence) = Ode.Run(_parameters, from, sampler.Steps);
        _odeCalls += OdeCalls(n, sampler.Steps);
        return new WeightedParticles<T>(positions, WeightedParticles.LogWeights(Evaluation.At(positions, n).LogTarget, _pathEvaluation.At(from, n, 0), divergence));
    }

    // A drift that leans on the path's score asks the target at each of the four stages of a step.
    private long OdeCalls(int n, int steps) => _networks.Drift is GatedDrift ? 4L * n * steps : 0;
}
