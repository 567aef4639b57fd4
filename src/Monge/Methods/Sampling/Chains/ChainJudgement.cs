using Monge.Diagnostics;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>What is said of all chains, whatever moves them.</summary>
internal static class ChainJudgement
{
    /// <summary>Beyond this R-hat nothing that chains say is of use.</summary>
    public const double HopelessRHat = 1.1;

    private const double LargestRHat = 1.01;
    private const double LeastEffectiveDraws = 400;

    /// <summary>Convergence of each coordinate [d] of draws [chains, draws, d].</summary>
    public static ChainConvergence[] Convergence(double[] positions, int dimension, int chains, int draws)
    {
        double[] Column(int chain, int coordinate) =>
            [.. Enumerable.Range(chain * draws, draws).Select(row => positions[(row * dimension) + coordinate])];
        return [.. Enumerable.Range(0, dimension).Select(j => ChainConvergence.Of([.. Enumerable.Range(0, chains).Select(c => Column(c, j))]))];
    }

    /// <summary>Whether there are chains that never moved.</summary>
    /// <param name="record">The chains.</param>
    /// <param name="positions">Their draws [chains, draws, d].</param>
    public static IEnumerable<Status> Stuck(ChainRecord record, double[] positions)
    {
        var length = positions.Length / record.Chains;
        var d = length / record.DrawsPerChain;
        var stuck = Enumerable.Range(0, record.Chains).Count(c =>
        {
            var chain = positions.AsSpan(c * length, length);
            return chain[d..].SequenceEqual(chain[..^d]);
        });
        if (stuck > 0)
        {
            yield return new Status(
                StatusCode.Failed,
                FormattableString.Invariant($"{stuck} of {record.Chains} chains never moved"),
                "take a longer warm-up, raise targetAcceptance, or set startSpread to where the density is positive");
        }
    }

    /// <summary>Whether chains disagree, and in which coordinate.</summary>
    /// <param name="record">The chains.</param>
    /// <param name="names">Names [d].</param>
    /// <param name="more">What to do when more draws don't help; goes on with the sentence.</param>
    public static IEnumerable<Status> Disagreement(ChainRecord record, IReadOnlyList<string> names, string more)
    {
        if (!(record.LargestRHat <= LargestRHat))
        {
            var worst = Enumerable.Range(0, record.Convergence.Count).MaxBy(j => record.Convergence[j].RHat);
            yield return new Status(
                !(record.LargestRHat <= HopelessRHat) ? StatusCode.Failed : StatusCode.NotConverged,
                FormattableString.Invariant($"the chains disagree: R-hat of {names[worst]} is {record.LargestRHat:f3}, above {LargestRHat}"),
                $"take a longer warm-up and more draws{more}");
        }
    }

    /// <summary>Whether draws are too few to rely on.</summary>
    public static IEnumerable<Status> FewDraws(ChainRecord record)
    {
        var least = Math.Min(record.LeastBulkEffectiveDraws, record.LeastTailEffectiveDraws);
        if (least < Math.Min(LeastEffectiveDraws, record.Divergent.Length))
        {
            yield return new Status(
                StatusCode.Warning, FormattableString.Invariant($"the smallest effective number of draws is {least:f0}"), "take more draws");
        }
    }
}
