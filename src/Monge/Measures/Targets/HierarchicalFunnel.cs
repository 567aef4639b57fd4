using Monge.Engine.Programs;
using Monge.Engine.Random;

namespace Monge.Measures.Targets;

/// <summary>
/// A funnel whose scale is itself hierarchical: a common log-scale v ~ N(0, 2^2), the log-scales of three groups w_g | v ~ N(v, 1), and the members of group g
/// ~ N(0, exp(w_g)); normalised. Coordinates v, w_1, w_2, w_3, then the groups' members one group after another.
/// </summary>
internal static class HierarchicalFunnel
{
    /// <summary>Number of groups.</summary>
    public const int Groups = 3;

    /// <summary>Standard deviation of the common log-scale.</summary>
    public const double CommonDeviation = 2;

    /// <summary>The fewest coordinates: one member in each group.</summary>
    public const int LeastDimension = 1 + (2 * Groups);

    /// <summary>The group of each of the d - 4 members; the first groups are larger if the members can't be divided evenly.</summary>
    public static int[] GroupOfMembers(int dimension)
    {
        var members = dimension - 1 - Groups;
        return [.. Enumerable.Range(0, Groups).SelectMany(g => Enumerable.Repeat(g, (members + Groups - 1 - g) / Groups))];
    }

    /// <summary>The log density with log-scales coupled to a degree from 0 (independent Gaussians) to 1 (the target), traced.</summary>
    public static Expr LogDensity(Expr x, Expr coupling)
    {
        var d = x.Size;
        var (common, groups, members) = (x[0], x[1..(1 + Groups)], x[(1 + Groups)..]);
        var logScale = coupling * groups.Gather(0, GroupOfMembers(d));
        var form = (common / CommonDeviation).Square() + (groups - (coupling * common)).SquaredNorm() + logScale.Sum()
            + ((-logScale).Exp() * members.Square()).Sum();
        return (-0.5 * form) - Math.Log(CommonDeviation) - (d * LogDensities.HalfLogTwoPi);
    }

    public static Density Create(int dimension)
    {
        var groupOf = GroupOfMembers(dimension);
        double[] Sample(int samples, RandomStream random)
        {
            var positions = new double[samples * dimension];
            for (var at = 0; at < positions.Length; at += dimension)
            {
                positions[at] = CommonDeviation * random.NextNormal();
                for (var g = 1; g <= Groups; g++)
                {
                    positions[at + g] = positions[at] + random.NextNormal();
                }

                for (var i = 0; i < groupOf.Length; i++)
                {
                    positions[at + 1 + Groups + i] = Math.Exp(0.5 * positions[at + 1 + groupOf[i]]) * random.NextNormal();
                }
            }

            return positions;
        }

        var groupVariance = (CommonDeviation * CommonDeviation) + 1;
        double[] sd =
            [CommonDeviation, .. Enumerable.Repeat(Math.Sqrt(groupVariance), Groups), .. Enumerable.Repeat(Math.Exp(0.25 * groupVariance), groupOf.Length)];
        return Density.Create($"hierarchical-funnel-{dimension}", dimension, x => LogDensity(x, 1), new DensityOptions
        {
            Description = $"A funnel with a hierarchical scale: log-scale v ~ N(0, 2^2), {Groups} group log-scales ~ N(v, 1), {groupOf.Length} members ~ "
                + "N(0, exp(group's log-scale)).",
            Names = ["v", .. Enumerable.Range(1, Groups).Select(g => $"w[{g}]"), .. Enumerable.Range(1, groupOf.Length).Select(i => $"x[{i}]")],
            Base = BaseSuggestion.Isotropic(dimension, CommonDeviation, 10, "the standard deviation of the common log-scale", false),
            Facts = new TargetFacts
            {
                LogZ = 0,
                LogZSource = "exact: a normalised density",
                Moments = new ReferenceMoments(new double[dimension], sd, "exact; the tails of the members are too heavy for tests on their sample moments"),
                ExactSampler = Sample,
            },
        });
    }
}
