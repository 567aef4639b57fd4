using Monge.Diagnostics;

namespace Monge.Runs;

/// <summary>
/// What is known of samples that are the draws of Markov chains: row c * DrawsPerChain + k of the set is draw k of chain c, and so are the arrays here.
/// </summary>
public sealed record ChainRecord
{
    /// <summary>Number of chains.</summary>
    public required int Chains { get; init; }

    /// <summary>Draws of each chain, after the warm-up.</summary>
    public required int DrawsPerChain { get; init; }

    /// <summary>Transitions of each chain before the first draw.</summary>
    public required int WarmUp { get; init; }

    /// <summary>The log density [n] in unconstrained coordinates.</summary>
    public required double[] LogDensities { get; init; }

    /// <summary>The Hamiltonian [n] at the start of each transition; empty where states come from other chains.</summary>
    public required double[] Energies { get; init; }

    /// <summary>The mean acceptance [n] of each transition.</summary>
    public required double[] Acceptance { get; init; }

    /// <summary>Leapfrog steps [n] of each transition.</summary>
    public required int[] Leapfrogs { get; init; }

    /// <summary>Doublings [n] of each transition's trajectory; empty where its length is fixed.</summary>
    public required int[] Depths { get; init; }

    /// <summary>Whether each transition [n] ended in a divergence.</summary>
    public required bool[] Divergent { get; init; }

    /// <summary>The length of a leapfrog step, in units of the metric.</summary>
    public required double StepSize { get; init; }

    /// <summary>Convergence of each reported coordinate [d].</summary>
    public required IReadOnlyList<ChainConvergence> Convergence { get; init; }

    /// <summary>How log Z was estimated, or why it couldn't be.</summary>
    public required string LogZSource { get; init; }

    /// <summary>Number of divergent transitions.</summary>
    public int Divergences => Divergent.Count(d => d);

    /// <summary>The largest R-hat.</summary>
    public double LargestRHat => Convergence.Max(c => c.RHat);

    /// <summary>The smallest effective number of draws for a coordinate's bulk.</summary>
    public double LeastBulkEffectiveDraws => Convergence.Min(c => c.BulkEffectiveDraws);

    /// <summary>The smallest effective number of draws for a coordinate's tails.</summary>
    public double LeastTailEffectiveDraws => Convergence.Min(c => c.TailEffectiveDraws);
}

/// <summary>Convergence of the chains in one coordinate.</summary>
/// <param name="RHat">The rank-normalised split R-hat.</param>
/// <param name="BulkEffectiveDraws">Effective number of independent draws for the bulk.</param>
/// <param name="TailEffectiveDraws">Effective number of independent draws for the 5 % and 95 % quantiles.</param>
/// <param name="MeanError">Monte Carlo standard error of the mean.</param>
/// <param name="DeviationError">Monte Carlo standard error of the standard deviation.</param>
public sealed record ChainConvergence(double RHat, double BulkEffectiveDraws, double TailEffectiveDraws, double MeanError, double DeviationError)
{
    /// <summary>Computes it.</summary>
    /// <param name="chains">[chains][draws], at least 4 draws each.</param>
    /// <exception cref="ArgumentException">Chains are too short or not finite.</exception>
    public static ChainConvergence Of(IReadOnlyList<double[]> chains)
    {
        ArgumentNullException.ThrowIfNull(chains);
        var n = chains.Sum(c => c.Length);
        var mean = chains.Sum(c => c.Sum()) / n;
        var squares = chains.Select(c => Array.ConvertAll(c, x => (x - mean) * (x - mean))).ToArray();
        var variance = squares.Sum(s => s.Sum()) / Math.Max(1, n - 1);

        // The deviation's error by the delta method, from that of the mean square (Kenney and Keeping 1951, as in Vehtari et al. 2021, section 4.3).
        var spread = squares.Sum(s => s.Sum(q => (q - variance) * (q - variance))) / Math.Max(1, n - 1);
        var squareError = Math.Sqrt(spread / ChainDiagnostics.EffectiveSampleSize(squares));
        return new ChainConvergence(
            ChainDiagnostics.RankNormalisedRHat(chains), ChainDiagnostics.BulkEffectiveSampleSize(chains), ChainDiagnostics.TailEffectiveSampleSize(chains),
            Math.Sqrt(variance / ChainDiagnostics.EffectiveSampleSize(chains)), variance > 0 ? squareError / (2 * Math.Sqrt(variance)) : 0);
    }
}
