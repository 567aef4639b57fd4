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
    /// <param name="steps">The steps to start from.</param>
    /// <param name="mayDouble">False for a number of steps that the user fixed: its error is only measured.</param>
    /// <param name="samples">Draws to come.</param>
    /// <param name="validate">Weights of the batch with a number of steps; null if all vanish.</param>
    /// <param name="cancellation">Stops between runs.</param>
    /// <returns>The steps, and what doubling them once more moves log Z by.</returns>
    public static (int Steps, double Error) Refine(
        int steps, bool mayDouble, int samples, Func<int, ImportanceWeights?> validate, CancellationToken cancellation)
    {
        if (validate(steps) is not { } coarse)
        {
            return (steps, 0);
        }

        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (validate(2 * steps) is not { } fine)
            {
                return (steps, double.PositiveInfinity);
            }

            var moved = Math.Abs(fine.LogNormaliser - coarse.LogNormaliser);
            var statistical = coarse.LogNormaliserError * Math.Sqrt(coarse.Count / (double)samples);
            if (moved <= LargestShare * statistical || !mayDouble || 2 * steps > Most)
            {
                return (steps, moved);
            }

            (steps, coarse) = (2 * steps, fine);
        }
    }
}
