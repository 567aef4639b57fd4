namespace Monge.Objectives;

/// <summary>Losses over the Radon-Nikodym functional rnd = -log w of controlled paths.</summary>
public enum PathSpaceLoss
{
    /// <summary>
    /// Kullback-Leibler divergence of the paths to the reversed ones, the mean of rnd; its gradient goes through the paths. Seeks modes: it can be blind to all
    /// but one.
    /// </summary>
    Kl,

    /// <summary>
    /// Log-variance divergence (arXiv:2307.01198): the variance of rnd along paths that are held fixed. Zero for the exact control only, and its gradient then
    /// has no noise.
    /// </summary>
    LogVariance,
}

/// <summary>The path-space losses as statistics of a batch.</summary>
public static class PathSpaceLosses
{
    /// <summary>rnd above this doesn't count: the path went astray.</summary>
    public const double LargestRnd = 1e8;

    /// <summary>The loss divided by d, of rnd [n].</summary>
    /// <param name="loss">The loss.</param>
    /// <param name="dimension">d.</param>
    public static BatchStatistic Statistic(PathSpaceLoss loss, int dimension) =>
        loss == PathSpaceLoss.Kl ? BatchStatistics.Mean(dimension, LargestRnd) : BatchStatistics.Variance(dimension, LargestRnd);
}
