namespace Monge.Training;

/// <summary>Where a run stands; reported several times a second at most.</summary>
/// <param name="Iteration">Optimiser steps taken.</param>
/// <param name="TotalIterations">Optimiser steps planned.</param>
/// <param name="Loss">The loss, averaged over the steps since the last report; not a number before the first step.</param>
/// <param name="ValidationEss">The last effective sample size (fraction) on a validation batch; null before the first.</param>
/// <param name="Elapsed">Time since the start, over all resumed parts.</param>
/// <param name="Remaining">Estimate of the time left.</param>
/// <param name="Phase">What is being done: "prepare", "train", "choose sampler", "sample" or "check coverage".</param>
/// <param name="Detail">What within it, in a few words; null for nothing to add. While preparing, the steps are those of this.</param>
public readonly record struct TrainingProgress(
    long Iteration,
    long TotalIterations,
    double Loss,
    double? ValidationEss,
    TimeSpan Elapsed,
    TimeSpan Remaining,
    string Phase,
    string? Detail = null)
{
    /// <summary>The last loss on held-out data; null before the first, or without one.</summary>
    public double? ValidationLoss { get; init; }
}
