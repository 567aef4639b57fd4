using Monge.Diagnostics;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>A way to carry particles, one of several that compete on validation batches.</summary>
/// <typeparam name="TSampler">The type itself.</typeparam>
internal interface ICarrySampler<TSampler>
    where TSampler : struct, ICarrySampler<TSampler>
{
    /// <summary>Whether it is the ODE, whose weights are exact only as the step goes to zero.</summary>
    bool IsOde { get; }

    /// <summary>Steps over [0, 1].</summary>
    int Steps { get; }

    /// <summary>Evaluations of the drift over a run; a divergence counts as one more.</summary>
    double Cost { get; }

    /// <summary>The same with other steps.</summary>
    TSampler With(int steps);
}

/// <summary>Finds the sampler with the largest effective sample size on a validation batch, cheaper ones preferred when nearly as good.</summary>
/// <param name="attempt">A sampler's draws of the batch.</param>
/// <param name="cancellation">Stops between two attempts.</param>
internal sealed class SamplerContest<TSampler>(Func<TSampler, SamplerTrial> attempt, CancellationToken cancellation)
    where TSampler : struct, ICarrySampler<TSampler>
{
    // A sampler is only worth twice the steps if it raises the effective sample size by this factor.
    private const double WorthTwice = 1.02;

    private readonly List<SamplerTrial> _trials = [];
    private (TSampler Sampler, double Ess)? _best;

    /// <summary>All attempts.</summary>
    public IReadOnlyList<SamplerTrial> Trials => _trials;

    /// <summary>The best so far, with its effective sample size (fraction).</summary>
    public (TSampler Sampler, double Ess) Best => _best!.Value;

    /// <summary>Tries a sampler.</summary>
    public void Enter(TSampler candidate)
    {
        cancellation.ThrowIfCancellationRequested();
        var trial = attempt(candidate);
        _trials.Add(trial);
        if (_best is not { } leader || trial.EffectiveSampleSize > leader.Ess * Math.Pow(WorthTwice, Math.Log2(candidate.Cost / leader.Sampler.Cost)))
        {
            _best = (candidate, trial.EffectiveSampleSize);
        }
    }
}

/// <summary>What the log-weights of a validation batch tell of a sampler.</summary>
internal static class SamplerTrials
{
    /// <summary>The weights; null if all vanish.</summary>
    public static ImportanceWeights? Weights(double[] logWeights) =>
        logWeights.All(double.IsNegativeInfinity) ? null : ImportanceWeights.FromLogWeights(logWeights);

    /// <summary>The trial of a sampler.</summary>
    /// <param name="sampler">The sampler.</param>
    /// <param name="logWeights">Its log-weights [n].</param>
    /// <param name="islandLogZ">log Z of each island in which particles were resampled; null if none were.</param>
    public static SamplerTrial Of<TSampler>(TSampler sampler, double[] logWeights, double[]? islandLogZ = null)
        where TSampler : struct, ICarrySampler<TSampler> => Weights(logWeights) is { } weights
            ? new SamplerTrial(sampler.ToString()!, weights.EffectiveSampleFraction, weights.LogNormaliser, LogZError(weights, islandLogZ))
            : new SamplerTrial(sampler.ToString()!, 0, double.NegativeInfinity, double.PositiveInfinity);

    /// <summary>The standard error of log Z: between islands if particles were resampled, else by the delta method.</summary>
    public static double LogZError(ImportanceWeights weights, double[]? islandLogZ)
    {
        if (islandLogZ is null)
        {
            return weights.LogNormaliserError;
        }

        double[] ratios = [.. islandLogZ.Select(z => Math.Exp(z - weights.LogNormaliser))];
        var mean = ratios.Average();
        return ratios.Length < 2 ? double.PositiveInfinity : Math.Sqrt(ratios.Sum(r => (r - mean) * (r - mean)) / (ratios.Length - 1) / ratios.Length) / mean;
    }
}
