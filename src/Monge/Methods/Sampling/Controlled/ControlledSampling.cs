using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Engine.Execution;
using Monge.Engine.Programs;
using Monge.Measures;

namespace Monge.Methods;

/// <summary>Draws weighted samples along controlled paths.</summary>
internal sealed class ControlledSampling<T>(Density target, TransportProblem problem, ControlledModel model, NdArray<T> parameters, ExecutionOptions execution) : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int LargestBatch = 4096;

    // Training takes the samples from 0 on, validation and the final draws those from here on.
    private const long ValidationSamples = 1L << 36;
    private const long FinalSamples = 1L << 38;

    private readonly ParticleWalk<T> _sde = ControlledSde.Forward<T>(model.Kernels, LargestBatch, SamplingStreams.ControlledStart, SamplingStreams.ControlledNoise, execution);

    public TargetEvaluation Evaluation { get; } = new(target, problem, execution);

    public long TargetCalls { get; private set; }

    /// <summary>The effective sample size (fraction) of a validation batch.</summary>
    public double Ess(int particles, ulong seed, double clip)
    {
        var logWeights = Draw(particles, new DrawKey(seed, 0, ValidationSamples), clip).LogWeights;
        return logWeights.All(double.IsNegativeInfinity) ? 0 : ImportanceWeights.FromLogWeights(logWeights).EffectiveSampleFraction;
    }

    /// <summary>The samples that are returned.</summary>
    public WeightedParticles<T> Draw(int samples, ulong seed, double clip) => Draw(samples, new DrawKey(seed, 0, FinalSamples), clip);

    /// <summary>Log-weights [n] of paths drawn backward from exact samples z [n, d] of the target.</summary>
    public double[] DrawBackward(NdArray<T> exact, ulong seed, double clip)
    {
        var (d, schedule) = (target.Dimension, model.Kernels.Schedule);
        var logWeights = new double[exact.Rows];
        using var sde = ControlledSde.Backward<T>(model.Kernels, LargestBatch, SamplingStreams.BackwardNoise, execution);
        sde.Set("clip", clip);
        for (var first = 0; first < logWeights.Length; first += LargestBatch)
        {
            var n = Math.Min(LargestBatch, logWeights.Length - first);
            var ends = NdArray<T>.From(exact.Span.Slice(first * d, n * d), n, d);
            sde.Advance(parameters, sde.StartFrom(parameters, ends.Span), schedule.Grid, new DrawKey(seed, 0, first));
            var start = schedule.StartsAtOrigin ? new double[n] : TargetEvaluation.LogBase(sde.Positions, n);
            var end = Evaluation.At(ends, n).LogTarget;
            for (var i = 0; i < n; i++)
            {
                logWeights[first + i] = end[i] - start[i] + double.CreateChecked(sde["gain"][i]) + (d * schedule.LogConstantPerCoordinate);
            }
        }

        TargetCalls += sde.TargetCalls + logWeights.Length;
        return logWeights;
    }

    public void Dispose()
    {
        Evaluation.Dispose();
        _sde.Dispose();
    }

    private WeightedParticles<T> Draw(int samples, DrawKey draw, double clip)
    {
        var d = target.Dimension;
        var schedule = model.Kernels.Schedule;
        var constant = d * schedule.LogConstantPerCoordinate;
        var positions = new NdArray<T>(samples, d);
        var logWeights = new double[samples];
        _sde.Set("clip", clip);
        foreach (var (first, n, key) in _sde.Batches(samples, draw))
        {
            _sde.Start(parameters, n, key);
            var start = schedule.StartsAtOrigin ? new double[n] : TargetEvaluation.LogBase(_sde.Positions, n);
            _sde.Advance(parameters, n, schedule.Grid, key);
            var weights = WeightedParticles.LogWeights(Evaluation.At(_sde.Positions, n).LogTarget, start, _sde["gain"]);
            _sde.Positions.Span[..(n * d)].CopyTo(positions.Span[(first * d)..]);
            for (var i = 0; i < n; i++)
            {
                logWeights[first + i] = weights[i] + constant;
            }
        }

        TargetCalls += samples * (1 + ((long)schedule.Count * model.Kernels.TargetCallsPerStep));
        return new WeightedParticles<T>(positions, logWeights);
    }
}
