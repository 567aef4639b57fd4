using System.Numerics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Draws weighted samples along controlled paths.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="problem">Coordinates and target.</param>
/// <param name="kernels">The kernels.</param>
/// <param name="training">Holds the controls' parameters and the bound on them.</param>
/// <param name="trained">How they were trained, in words.</param>
/// <param name="execution">How to execute.</param>
internal sealed class PathSampling<T>(
    TransportProblem problem, ControlledKernels kernels, PathTraining<T> training, string trained, ExecutionOptions execution) : ITransportSampling<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // Training takes the samples from 0 on, the final draws those from here on.
    private const long FinalSamples = 1L << 38;

    private readonly KernelSchedule _schedule = kernels.Schedule;
    private readonly ParticleWalk<T> _sde = ControlledSde.Forward<T>(
        kernels, ParticleBatches.Largest, SamplingStreams.ControlledStart, SamplingStreams.ControlledNoise, execution);
    private long _calls;

    /// <inheritdoc/>
    public TargetEvaluation Evaluation { get; } = new(problem, execution);

    /// <inheritdoc/>
    public long TargetCalls => _calls + Evaluation.TargetCalls;

    /// <inheritdoc/>
    public bool IsTrainedInBox => false;

    private double LogConstant => problem.Base.Dimension * _schedule.LogConstantPerCoordinate;

    /// <inheritdoc/>
    public WeightedParticles<T> Gauge(int particles, ulong seed) => Draw(particles, new DrawKey(seed, 0, ParticleBatches.ValidationSamples));

    /// <inheritdoc/>
    public (double Ess, IReadOnlyList<SamplerTrial>? Trials) Choose(int samples, ulong seed, CancellationToken cancellation) => (double.NaN, null);

    /// <inheritdoc/>
    public TransportDraws<T> Draw(int samples, ulong seed) => new(
        Draw(samples, new DrawKey(seed, 0, FinalSamples)), $"controlled SDE with kernel weights, {_schedule.Count} steps, {trained}");

    /// <inheritdoc/>
    public double[]? DrawBackward(NdArray<T> exact, ulong seed)
    {
        using var sde = ControlledSde.Backward<T>(kernels, ParticleBatches.Largest, SamplingStreams.BackwardNoise, execution);
        sde.Set("clip", training.Clip);
        (NdArray<T>, NdArray<T>) Carry(NdArray<T> ends, DrawKey draw)
        {
            sde.Advance(training.Average, sde.StartFrom(training.Average, ends.Span), _schedule.Grid, draw);
            return (sde.Positions, sde["gain"]);
        }

        var logWeights = ParticleBatches.Backward(exact, new DrawKey(seed), Carry, ends => Evaluation.At(ends, ends.Rows).LogTarget, LogBase, LogConstant);
        _calls += sde.TargetCalls;
        return logWeights;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Evaluation.Dispose();
        _sde.Dispose();
    }

    private double[] LogBase(NdArray<T> positions, int n) => _schedule.StartsAtOrigin ? new double[n] : TargetEvaluation.LogBase(positions, n);

    private WeightedParticles<T> Draw(int samples, DrawKey draw)
    {
        _sde.Set("clip", training.Clip);
        WeightedParticles<T> Carry(int n, DrawKey key)
        {
            _sde.Start(training.Average, n, key);
            var start = LogBase(_sde.Positions, n);
            _sde.Advance(training.Average, n, _schedule.Grid, key);
            var weights = WeightedParticles.LogWeights(Evaluation.At(_sde.Positions, n).LogTarget, start, _sde["gain"]);
            return new WeightedParticles<T>(_sde.Positions, [.. weights.Select(w => w + LogConstant)]);
        }

        _calls += samples * (long)_schedule.Count * kernels.TargetCallsPerStep;
        return ParticleBatches.Draw<T>(samples, problem.Base.Dimension, draw, Carry);
    }
}
