using System.Numerics;
using Monge.Diagnostics;
using Monge.Dynamics;
using Monge.Engine.Arrays;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>Particles at t = 1 as a run reports them.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="Particles">Positions z and log-weights; the log-mean-exp of all weights estimates log Z.</param>
/// <param name="Sampler">How they were carried, in words.</param>
/// <param name="IslandLogZ">log Z of each island in which particles were resampled; null if none were.</param>
/// <param name="StepError">What doubling the steps moves log Z by, for samplers whose weights are exact only as the step goes to zero.</param>
internal sealed record TransportDraws<T>(WeightedParticles<T> Particles, string Sampler, double[]? IslandLogZ = null, double StepError = 0)
    where T : unmanaged, IFloatingPointIeee754<T>;

/// <summary>How a run draws from what it trained.</summary>
/// <typeparam name="T">float or double.</typeparam>
internal interface ITransportSampling<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>The target in z.</summary>
    TargetEvaluation Evaluation { get; }

    /// <summary>Evaluations of the target so far, those of <see cref="Evaluation"/> included.</summary>
    long TargetCalls { get; }

    /// <summary>A validation batch, by the sampler that shows how training goes; never particles that samples are made of.</summary>
    WeightedParticles<T> Gauge(int particles, ulong seed);

    /// <summary>Chooses the sampler on validation batches; what follows is drawn by it.</summary>
    /// <param name="samples">Number of draws to come.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>Its effective sample size there, and all trials if they are worth reporting.</returns>
    (double Ess, IReadOnlyList<SamplerTrial>? Trials) Choose(int samples, ulong seed, CancellationToken cancellation);

    /// <summary>Draws particles.</summary>
    TransportDraws<T> Draw(int samples, ulong seed);

    /// <summary>Log-weights [n] of the sampler's paths drawn backward from exact samples z [n, d] of the target; null where that is not defined.</summary>
    double[]? DrawBackward(NdArray<T> exact, ulong seed);

    /// <summary>Whether the box of the preparation bounds the region in which the drift was trained.</summary>
    bool IsTrainedInBox { get; }

    /// <summary>The free energy along the path; null if the sampler gives none.</summary>
    IReadOnlyList<FreeEnergyPoint>? Profile(int particles, ulong seed) => null;

    /// <summary>A diffusion of the options that is too large for the chosen steps.</summary>
    IEnumerable<Status> UnstableStep() => [];
}
