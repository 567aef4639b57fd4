using Monge.Diagnostics;
using Monge.Engine.Random;
using Monge.Runs;

namespace Monge.Methods;

/// <summary>A few draws of many that are as good as independent and of equal weight.</summary>
internal static class IndependentDraws
{
    /// <summary>Rows of draws: far apart in their chains, or drawn by their weights.</summary>
    public static IReadOnlyList<int> Choose(SampleSet set, int count, RandomStream random) => set.Chains is not null
        ? [.. Enumerable.Range(0, count).Select(k => (int)((((long)k * set.Count) + (set.Count / 2)) / count) % set.Count)]
        : [.. Resampling.Systematic(set.NormalizedWeights(), count, random)];
}
