using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Objectives;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Draws weighted samples along controlled paths.</summary>
internal sealed class ControlledSampling<T>(
    TransportProblem problem, ControlledModel model, ControlledTraining<T> training, ControlledOptions options,
    ExecutionOptions execution) : ITransportSampling<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // Training takes the samples from 0 on, validation and the final draws those from here on.
    private const long ValidationSamples = 1L << 36;
    private const long FinalSamples = 1L << 38;

    private readonly KernelSchedule _schedule = model.Kernels.Schedule;
    private readonly ParticleWalk<T> _sde = ControlledSde.Forward<T>(
        model.Kernels, ParticleBatches.Largest, SamplingStreams.ControlledStart, SamplingStreams.ControlledNoise, execution);
    private long _calls;

    /// <inheritdoc/>
    public TargetEvaluation Evaluation { get; } = new(problem, execution);

    /// <inheritdoc/>
    public long TargetCalls => _calls + Evaluation.TargetCalls;

    /// <inheritdoc/>
    public bool IsTrainedInBox => false;

    private double LogConstant => problem.Base.Dimension * _schedule.LogConstantPerCoordinate;

    /// <inheritdoc/>
    public WeightedParticles<T> Gauge(int particles, ulong seed) => Draw(particles, new DrawKey(seed, 0, ValidationSamples));

    /// <inheritdoc/>
    public (double Ess, IReadOnlyList<SamplerTrial>? Trials) Choose(int samples, ulong seed, CancellationToken cancellation) => (double.NaN, null);

    /// <inheritdoc/>
    public TransportDraws<T> Draw(int samples, ulong seed) => new(
        Draw(samples, new DrawKey(seed, 0, FinalSamples)),
        FormattableString.Invariant(
            $"controlled SDE with kernel weights, {options.Steps} steps, trained by {(options.Loss == PathSpaceLoss.Kl ? "kl" : "log variance")}"));

    /// <inheritdoc/>
    public double[]? DrawBackward(NdArray<T> exact, ulong seed)
    {
        using var sde = ControlledSde.Backward<T>(model.Kernels, ParticleBatches.Largest, SamplingStreams.BackwardNoise, execution);
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
    public IReadOnlyList<FreeEnergyPoint>? Profile(int particles, ulong seed) => null;

    /// <inheritdoc/>
    public IEnumerable<Status> UnstableStep() => [];

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

        _calls += samples * (long)_schedule.Count * model.Kernels.TargetCallsPerStep;
        return ParticleBatches.Draw<T>(samples, problem.Base.Dimension, draw, Carry);
    }
}
