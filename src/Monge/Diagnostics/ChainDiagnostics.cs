using Monge.Engine.LinearAlgebra;

namespace Monge.Diagnostics;

/// <summary>Convergence of Markov chains: autocorrelation, split rank-normalised R-hat, and effective sample sizes.</summary>
/// <remarks>
/// Source: A. Vehtari, A. Gelman, D. Simpson, B. Carpenter and P.-C. Buerkner, "Rank-normalization, folding, and localization: an improved
/// R-hat" (arXiv 1903.08008); the sum of autocorrelations ends by Geyer's initial monotone sequence. Chains are [chains][draws] of one quantity.
/// </remarks>
public static class ChainDiagnostics
{
    private const int ShortestChain = 4;

    /// <summary>Autocorrelations of one chain at the lags 0 to maximumLag, with the biased (1 / n) autocovariance.</summary>
    /// <param name="chain">At least 2 values that are not all equal.</param>
    /// <param name="maximumLag">Largest lag, below the length.</param>
    /// <exception cref="ArgumentException">The chain is too short, constant or not finite, or the lag is out of range.</exception>
    public static double[] Autocorrelation(ReadOnlySpan<double> chain, int maximumLag)
    {
        double[] values = chain.ToArray();
        if (values.Length < 2 || Array.Exists(values, static value => !double.IsFinite(value)))
            throw new ArgumentException("An autocorrelation needs at least 2 values, all finite.", nameof(chain));
        if (maximumLag < 0 || maximumLag >= values.Length)
            throw new ArgumentException($"The largest lag must be between 0 and {values.Length - 1}, not {maximumLag}.", nameof(maximumLag));
        double mean = values.Average();
        double variance = Autocovariance(values, mean, 0);
        if (variance == 0)
            throw new ArgumentException("A constant chain has no autocorrelation.", nameof(chain));
        var result = new double[maximumLag + 1];
        for (int lag = 0; lag <= maximumLag; lag++)
            result[lag] = Autocovariance(values, mean, lag) / variance;
        return result;
    }

    /// <summary>The larger of the rank-normalised split R-hat of the draws and of their folded distances from the median; near 1 when chains agree.</summary>
    /// <param name="chains">At least 1 chain of at least 4 draws, all of one length.</param>
    /// <returns>R-hat; plus infinity when every chain is constant but not all alike, 1 when all draws are equal.</returns>
    /// <exception cref="ArgumentException">The chains differ in length, are too short or not finite.</exception>
    public static double RankNormalisedRHat(IReadOnlyList<double[]> chains)
    {
        double[][] split = Split(chains);
        double[] all = [.. split.SelectMany(static chain => chain)];
        Array.Sort(all);
        double median = (all[(all.Length - 1) / 2] + all[all.Length / 2]) / 2;
        double[][] folded = Array.ConvertAll(split, chain => Array.ConvertAll(chain, value => Math.Abs(value - median)));
        return Math.Max(RHat(RankNormalise(split)), RHat(RankNormalise(folded)));
    }

    /// <summary>The classical split R-hat of the draws themselves; it needs a finite variance.</summary>
    /// <param name="chains">At least 1 chain of at least 4 draws, all of one length.</param>
    /// <returns>R-hat; plus infinity when every chain is constant but not all alike, 1 when all draws are equal.</returns>
    /// <exception cref="ArgumentException">The chains differ in length, are too short or not finite.</exception>
    public static double SplitRHat(IReadOnlyList<double[]> chains) => RHat(Split(chains));

    /// <summary>Effective number of independent draws for the mean of the quantity, from split chains.</summary>
    /// <param name="chains">At least 1 chain of at least 4 draws, all of one length.</param>
    /// <returns>Between 1 and n log10(n) for n draws in all, antithetic chains being capped; n when all draws are equal.</returns>
    /// <exception cref="ArgumentException">The chains differ in length, are too short or not finite.</exception>
    public static double EffectiveSampleSize(IReadOnlyList<double[]> chains) => EffectiveSize(Split(chains));

    /// <summary>Effective number of draws for the bulk of the distribution: that of the rank-normalised draws.</summary>
    /// <param name="chains">At least 1 chain of at least 4 draws, all of one length.</param>
    /// <exception cref="ArgumentException">The chains differ in length, are too short or not finite.</exception>
    public static double BulkEffectiveSampleSize(IReadOnlyList<double[]> chains) => EffectiveSize(RankNormalise(Split(chains)));

    /// <summary>Effective number of draws for the tails: the smaller of those for the 5% and the 95% quantile.</summary>
    /// <param name="chains">At least 1 chain of at least 4 draws, all of one length.</param>
    /// <exception cref="ArgumentException">The chains differ in length, are too short or not finite.</exception>
    public static double TailEffectiveSampleSize(IReadOnlyList<double[]> chains)
    {
        double[][] split = Split(chains);
        double[] all = [.. chains.SelectMany(static chain => chain)];
        Array.Sort(all);
        double least = double.PositiveInfinity;
        foreach (double share in (double[])[0.05, 0.95])
        {
            // Between two draws, as R's quantile and with it the package posterior has it.
            double place = share * (all.Length - 1);
            int below = (int)place;
            double quantile = all[below] + ((place - below) * (all[Math.Min(below + 1, all.Length - 1)] - all[below]));
            least = Math.Min(least, EffectiveSize(Array.ConvertAll(split, chain => Array.ConvertAll(chain, value => value <= quantile ? 1.0 : 0.0))));
        }
        return least;
    }

    private static double[][] Split(IReadOnlyList<double[]> chains)
    {
        ArgumentNullException.ThrowIfNull(chains);
        if (chains.Count == 0 || chains[0].Length < ShortestChain)
            throw new ArgumentException($"Convergence needs at least one chain of at least {ShortestChain} draws.", nameof(chains));
        int half = chains[0].Length / 2;
        var split = new double[2 * chains.Count][];
        for (int chain = 0; chain < chains.Count; chain++)
        {
            if (chains[chain].Length != chains[0].Length)
                throw new ArgumentException($"Chain {chain} has {chains[chain].Length} draws, but chain 0 has {chains[0].Length}.", nameof(chains));
            int bad = Array.FindIndex(chains[chain], static value => !double.IsFinite(value));
            if (bad >= 0)
                throw new ArgumentException($"Draw {bad} of chain {chain} is {chains[chain][bad]}; draws must be finite.", nameof(chains));
            split[2 * chain] = chains[chain][..half];
            split[2 * chain + 1] = chains[chain][^half..];
        }
        return split;
    }

    /// <summary>Replaces each draw by the normal quantile of (rank - 3/8) / (n + 1/4), equal draws sharing their mean rank.</summary>
    private static double[][] RankNormalise(double[][] chains)
    {
        int length = chains[0].Length;
        double[] values = [.. chains.SelectMany(static chain => chain)];
        int[] order = [.. Enumerable.Range(0, values.Length)];
        Array.Sort((double[])values.Clone(), order);
        double[][] result = Array.ConvertAll(chains, chain => new double[chain.Length]);
        for (int start = 0; start < order.Length;)
        {
            int end = start + 1;
            while (end < order.Length && values[order[end]] == values[order[start]])
                end++;
            double rank = (start + 1 + end) / 2.0;
            double score = HostFunctions.NormalQuantile((rank - 0.375) / (values.Length + 0.25));
            for (; start < end; start++)
                result[order[start] / length][order[start] % length] = score;
        }
        return result;
    }

    private static double RHat(double[][] chains)
    {
        (double within, double total) = Variances(chains);
        if (within > 0)
            return Math.Sqrt(total / within);
        return total > 0 ? double.PositiveInfinity : 1;
    }

    /// <summary>Mean variance within the chains, and the over-estimate of the variance that adds the spread of their means.</summary>
    private static (double Within, double Total) Variances(double[][] chains)
    {
        double length = chains[0].Length;
        double[] means = Array.ConvertAll(chains, static chain => chain.Average());
        double grand = means.Average();
        double within = chains.Zip(means, (chain, mean) => Autocovariance(chain, mean, 0) * length / (length - 1)).Average();
        double between = chains.Length > 1 ? means.Sum(mean => (mean - grand) * (mean - grand)) / (chains.Length - 1) : 0;
        return (within, within * (length - 1) / length + between);
    }

    private static double EffectiveSize(double[][] chains)
    {
        int length = chains[0].Length;
        double draws = (double)length * chains.Length;
        (double within, double total) = Variances(chains);
        if (!(total > 0))
            return draws;
        double[] means = Array.ConvertAll(chains, static chain => chain.Average());
        double Correlation(int lag)
        {
            double covariance = 0;
            for (int chain = 0; chain < chains.Length; chain++)
                covariance += Autocovariance(chains[chain], means[chain], lag) / chains.Length;
            return 1 - (within - covariance) / total;
        }
        // Geyer: sums of neighbouring pairs are positive and decreasing for a reversible chain; noise begins where they are not. Of the pair at which the
        // sum ends the even lag counts once, if it is positive (Vehtari et al. 2021, and to the last digit the R package posterior).
        double even = 1;
        double pair = 1 + Correlation(1);
        double previous = pair;
        double sum = 0;
        int lag = 0;
        while (lag < length - 5 && pair > 0)
        {
            previous = Math.Min(previous, pair);
            sum += previous;
            lag += 2;
            even = Correlation(lag);
            pair = even + Correlation(lag + 1);
        }
        if (length <= 5)
            return draws;
        double time = Math.Max(2 * sum + Math.Max(even, 0) - 1, 1 / Math.Log10(draws));
        return Math.Max(1, draws / time);
    }

    private static double Autocovariance(double[] chain, double mean, int lag)
    {
        double sum = 0;
        for (int index = lag; index < chain.Length; index++)
            sum += (chain[index] - mean) * (chain[index - lag] - mean);
        return sum / chain.Length;
    }
}
