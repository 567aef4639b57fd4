using Monge.Diagnostics;

namespace Monge.Methods;

/// <summary>
/// The steps of an ODE whose densities serve as weights: unlike kernel weights, which are exact whatever the step, these are biased by it.
/// </summary>
internal static class OdeSteps
{
    // The largest error of the step relative to that of the draws for which the step stays, and the most steps otherwise.
    private const double LargestShare = 0.3;
    private const int Most = 256;

    /// <summary>
    /// Doubles the steps until what doubling them moves log Z by, on one batch of starts, no longer matters beside the statistical error of the draws.
    /// </summary>
    /// <param name="sampler">The sampler to start from; one that isn't the ODE stays as it is.</param>
    /// <param name="mayDouble">False for a number of steps that the user fixed: its error is only measured.</param>
    /// <param name="samples">Draws to come.</param>
    /// <param name="validate">Weights of the batch; null if all vanish.</param>
    /// <param name="cancellation">Stops between runs.</param>
    /// <param name="least">An error of log Z that doesn't matter in any case.</param>
    /// <returns>The sampler, and what doubling its steps once more moves log Z by.</returns>
    public static (TSampler Sampler, double Error) Refine<TSampler>(
        TSampler sampler, bool mayDouble, int samples, Func<TSampler, ImportanceWeights?> validate, CancellationToken cancellation,
        double least = 0)
        where TSampler : struct, ICarrySampler<TSampler>
    {
        if (!sampler.IsOde || validate(sampler) is not { } coarse)
        {
            return (sampler, 0);
        }

        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var doubled = sampler.With(2 * sampler.Steps);
            if (validate(doubled) is not { } fine)
            {
                return (sampler, double.PositiveInfinity);
            }

            var moved = Math.Abs(fine.LogNormaliser - coarse.LogNormaliser);
            var statistical = coarse.LogNormaliserError * Math.Sqrt(coarse.Count / (double)samples);
            if (moved <= Math.Max(least, LargestShare * statistical) || !mayDouble || doubled.Steps > Most)
            {
                return (sampler, moved);
            }

            (sampler, coarse) = (doubled, fine);
        }
    }
}
