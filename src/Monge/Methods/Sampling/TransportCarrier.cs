using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Fields;
using Monge.Paths;

namespace Monge.Methods;

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

/// <summary>Carries particles of a trained transport by its ODE or its SDE, forward from the base and backward from given ends, with their weights.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="problem">Coordinates and target.</param>
/// <param name="transport">Path and velocity.</param>
/// <param name="parameters">Their parameters' values [P].</param>
/// <param name="logStart">The path's log density [n] at the first n positions at t = 0; null for the standard normal.</param>
/// <param name="execution">How to execute.</param>
/// <param name="solver">The method of the ODE.</param>
internal sealed class TransportCarrier<T>(
    TransportProblem problem, TrainedTransport transport, NdArray<T> parameters, ExecutionOptions execution, OdeSolver solver,
    Func<NdArray<T>, int, double[]>? logStart = null) : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly Dictionary<SdeScheme, ParticleWalk<T>> _sdes = [];
    private readonly Func<NdArray<T>, int, double[]> _logStart = logStart ?? problem.LogBase;
    private ParticleWalk<T>? _reverse;
    private TransportOde<T>? _ode;
    private long _odeCalls;

    /// <summary>The target in z.</summary>
    public TargetEvaluation Evaluation { get; } = new(problem, execution);

    /// <summary>Evaluations of the target so far, those of <see cref="Evaluation"/> included.</summary>
    public long TargetCalls => _sdes.Values.Sum(s => s.TargetCalls) + (_reverse?.TargetCalls ?? 0) + Evaluation.TargetCalls + _odeCalls;

    /// <summary>The walk of the SDE from the base.</summary>
    public ParticleWalk<T> Sde(SdeScheme scheme)
    {
        if (!_sdes.TryGetValue(scheme, out var sde))
        {
            sde = TransportSde.Forward<T>(transport.Path, transport.Parameters, transport.Velocity, scheme, ParticleBatches.Largest,
                SamplingStreams.SampleStart, SamplingStreams.SampleNoise, execution);
            _sdes.Add(scheme, sde);
        }

        return sde;
    }

    /// <summary>Particles along the SDE, with kernel weights.</summary>
    public WeightedParticles<T> AlongSde(SdeScheme scheme, TimeGrid grid, int n, DrawKey draw)
    {
        var sde = Sde(scheme);
        sde.Start(parameters, n, draw);
        var start = _logStart(sde.Positions, n);
        sde.Advance(parameters, n, grid, draw);
        return new WeightedParticles<T>(sde.Positions, WeightedParticles.LogWeights(Evaluation.At(sde.Positions, n).LogTarget, start, sde["gain"]));
    }

    /// <summary>Particles along the ODE, with its density as weights.</summary>
    public WeightedParticles<T> AlongOde(int steps, int n, DrawKey draw)
    {
        var sde = Sde(SdeScheme.EulerMaruyama);
        sde.Start(parameters, n, draw);
        var from = NdArray<T>.From(sde.Positions.Span[..(n * sde.Positions.RowLength)], n, sde.Positions.RowLength);
        var (positions, divergence) = Ode.Run(parameters, from, steps);
        _odeCalls += OdeCalls(n, steps);
        return new WeightedParticles<T>(positions, WeightedParticles.LogWeights(Evaluation.At(positions, n).LogTarget, _logStart(from, n), divergence));
    }

    /// <summary>Log-weights [n] of paths drawn backward from exact samples z [n, d] of the target: kernel weights, or the density of the ODE.</summary>
    /// <param name="exact">The samples.</param>
    /// <param name="draw">The place in the random streams.</param>
    /// <param name="steps">Steps of the ODE.</param>
    /// <param name="sde">Scheme and grid of the SDE; null for the ODE.</param>
    public double[] Backward(NdArray<T> exact, DrawKey draw, int steps, (SdeScheme Scheme, TimeGrid Grid)? sde)
    {
        _odeCalls += sde is null ? OdeCalls(exact.Rows, steps) : 0;
        return ParticleBatches.Backward(
            exact, draw, (ends, key) => sde is { } walk ? AgainstSde(walk.Scheme, walk.Grid, ends, key) : Ode.RunBackward(parameters, ends, steps),
            ends => Evaluation.At(ends, ends.Rows).LogTarget, _logStart);
    }

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

    private TransportOde<T> Ode => _ode ??= new TransportOde<T>(transport.Parameters, transport.Velocity, solver.Tableau(), execution);

    // A drift that leans on the path's score asks the target at each stage of a step.
    private long OdeCalls(int n, int steps) => transport.Velocity is GatedDrift ? (long)solver.Stages() * n * steps : 0;

    private (NdArray<T> Positions, NdArray<T> Gains) AgainstSde(SdeScheme scheme, TimeGrid grid, NdArray<T> ends, DrawKey draw)
    {
        _reverse ??= TransportSde.Backward<T>(
            transport.Path, transport.Parameters, transport.Velocity, scheme, ParticleBatches.Largest, SamplingStreams.BackwardNoise, execution);
        _reverse.StartFrom(parameters, ends.Span);
        _reverse.Advance(parameters, ends.Rows, grid, draw);
        return (_reverse.Positions, _reverse["gain"]);
    }
}
