using Monge.Engine.Random;

namespace Monge.Diagnostics;

/// <summary>Draws of equal weight from weighted samples.</summary>
/// <remarks>Source: R. Douc, O. Cappe and E. Moulines, "Comparison of resampling schemes for particle filtering" (2005), section 2.4.</remarks>
public static class Resampling
{
    /// <summary>Systematic resampling: sample i is taken floor(n w_i) or one more times, n w_i times in expectation.</summary>
    /// <param name="weights">Weights, not negative, not all zero; they need not be normalised.</param>
    /// <param name="count">Number n of draws.</param>
    /// <param name="random">The stream that gives the one uniform number.</param>
    /// <returns>The indices [n] of the samples taken, ascending.</returns>
    /// <exception cref="ArgumentException">A weight is negative or not finite, or all are zero.</exception>
    public static int[] Systematic(ReadOnlySpan<double> weights, int count, RandomStream random)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var sum = 0.0;
        foreach (var weight in weights)
        {
            sum += weight >= 0 && double.IsFinite(weight)
                ? weight : throw new ArgumentException($"A weight is {weight}; it must be finite and not negative.", nameof(weights));
        }

        if (!(sum > 0))
        {
            throw new ArgumentException("All weights are zero.", nameof(weights));
        }

        var start = random.NextDouble();
        var chosen = new int[count];
        var (at, reached) = (-1, 0.0);
        for (var k = 0; k < count; k++)
        {
            var level = (k + start) / count * sum;

            // The rounding of the sum must not lead beyond the last sample, nor to one without weight.
            while (at < weights.Length - 1 && (reached <= level || at < 0))
            {
                reached += weights[++at];
            }

            while (weights[at] == 0)
            {
                at--;
            }

            chosen[k] = at;
        }

        return chosen;
    }
}
