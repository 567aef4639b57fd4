namespace Monge.Objectives;

/// <summary>Losses over the Radon-Nikodym functional rnd = -log w of controlled paths.</summary>
public enum PathSpaceLoss
{
    /// <summary>Kullback-Leibler divergence of the paths to the reversed ones, the mean of rnd; its gradient goes through the paths. Seeks modes: it can be blind to all but one.</summary>
    Kl,

    /// <summary>Log-variance divergence (arXiv:2307.01198): the variance of rnd along paths that are held fixed. Zero for the exact control only, and its gradient then has no noise.</summary>
    LogVariance,
}

/// <summary>Values and derivatives of the path-space losses over a batch.</summary>
public static class PathSpaceLosses
{
    /// <summary>rnd above this doesn't count: the path went astray.</summary>
    public const double LargestRnd = 1e8;

    /// <summary>
    /// The loss divided by d, and what the derivative of each path's rnd is multiplied by in its gradient; 0 for paths whose rnd is not finite or above
    /// <see cref="LargestRnd"/>.
    /// </summary>
    /// <param name="loss">The loss.</param>
    /// <param name="rnd">rnd [n].</param>
    /// <param name="dimension">d.</param>
    /// <param name="coefficients">Receives d loss / d rnd [n].</param>
    /// <returns>The loss; not a number if fewer than two paths count.</returns>
    public static double Evaluate(PathSpaceLoss loss, ReadOnlySpan<double> rnd, int dimension, Span<double> coefficients)
    {
        var (count, sum) = (0, 0.0);
        foreach (var value in rnd)
        {
            if (Counts(value))
            {
                count++;
                sum += value;
            }
        }

        if (count < 2)
        {
            coefficients.Clear();
            return double.NaN;
        }

        var mean = sum / count;
        var squares = 0.0;
        for (var i = 0; i < rnd.Length; i++)
        {
            var deviation = Counts(rnd[i]) ? rnd[i] - mean : 0;
            squares += deviation * deviation;
            coefficients[i] = !Counts(rnd[i]) ? 0
                : loss == PathSpaceLoss.Kl ? 1.0 / ((double)count * dimension)
                : 2 * deviation / ((count - 1.0) * dimension);
        }

        return (loss == PathSpaceLoss.Kl ? mean : squares / (count - 1)) / dimension;
    }

    private static bool Counts(double rnd) => double.IsFinite(rnd) && Math.Abs(rnd) <= LargestRnd;
}
