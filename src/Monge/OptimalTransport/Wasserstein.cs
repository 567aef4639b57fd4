namespace Monge.OptimalTransport;

/// <summary>An exact optimal coupling of two point sets of equal size.</summary>
/// <param name="MeanCost">Mean of |x - y|^p over the matched pairs, which is Wp to the power p.</param>
/// <param name="Distance">The Wasserstein distance Wp = MeanCost^(1/p).</param>
/// <param name="Power">The power p.</param>
/// <param name="Matching">The point of y matched with each point of x.</param>
public sealed record ExactTransport(double MeanCost, double Distance, double Power, int[] Matching);

/// <summary>Exact Wasserstein distances: by assignment in any dimension, by sorting in one.</summary>
/// <remarks>Source: G. Peyre and M. Cuturi, "Computational Optimal Transport" (arXiv 1803.00567), sections 2.2 and 2.6.</remarks>
public static class Wasserstein
{
    /// <summary>Wp between two sets of n equally weighted points with the Euclidean distance, by exact assignment.</summary>
    /// <param name="x">Points, [n, d] row-major.</param>
    /// <param name="y">Points, [n, d] row-major.</param>
    /// <param name="dimension">d.</param>
    /// <param name="power">p, at least 1; 2 gives W2, 1 gives W1.</param>
    /// <param name="threads">Threads that compute the costs; 0 is one for each processor. The result is the same to the bit for any number.</param>
    /// <param name="cancellation">Stops the search.</param>
    /// <exception cref="ArgumentException">The sets differ in size, are empty or hold values that are not finite.</exception>
    /// <exception cref="OperationCanceledException">The search was stopped.</exception>
    public static ExactTransport Exact(double[] x, double[] y, int dimension, double power = 2, int threads = 0, CancellationToken cancellation = default)
    {
        int count = PointSets.Check(x, dimension, nameof(x));
        int other = PointSets.Check(y, dimension, nameof(y));
        if (count != other)
            throw new ArgumentException(
                $"The exact distance needs sets of equal size, but there are {count} and {other} points; use Sinkhorn instead.", nameof(y));
        CheckPower(power);
        double[] cost = new CostRows(x, y, dimension, power == 1 ? GroundCost.Euclidean : GroundCost.SquaredEuclidean, store: true, threads).Stored!;
        if (power is not (1 or 2))
        {
            for (int index = 0; index < cost.Length; index++)
                cost[index] = Math.Pow(cost[index], power / 2);
        }
        AssignmentResult matching = Assignment.Solve(cost, count, cancellation);
        double mean = matching.Cost / count;
        return new ExactTransport(mean, Math.Pow(mean, 1 / power), power, matching.ColumnOfRow);
    }

    /// <summary>Wp between two weighted samples on the line, by their sorted order.</summary>
    /// <param name="x">n values.</param>
    /// <param name="y">m values.</param>
    /// <param name="power">p, at least 1.</param>
    /// <param name="logWeightsX">n log-weights, up to a constant; null for equal weights.</param>
    /// <param name="logWeightsY">m log-weights, up to a constant; null for equal weights.</param>
    /// <returns>The distance Wp, in the unit of the values.</returns>
    /// <exception cref="ArgumentException">A sample is empty or holds values that are not finite, or weights are unusable.</exception>
    public static double OneDimensional(double[] x, double[] y, double power = 2, double[]? logWeightsX = null, double[]? logWeightsY = null)
    {
        int countX = PointSets.Check(x, 1, nameof(x));
        int countY = PointSets.Check(y, 1, nameof(y));
        CheckPower(power);
        (double[] sortedX, double[] cumulativeX) = Sort(x, PointSets.NormaliseLogWeights(logWeightsX, countX, nameof(logWeightsX)));
        (double[] sortedY, double[] cumulativeY) = Sort(y, PointSets.NormaliseLogWeights(logWeightsY, countY, nameof(logWeightsY)));
        double total = 0;
        double reached = 0;
        // Both quantile functions are steps; between two neighbouring levels the pair is constant.
        for (int i = 0, j = 0; i < countX && j < countY;)
        {
            double level = Math.Min(cumulativeX[i], cumulativeY[j]);
            if (level > reached)
            {
                total += (level - reached) * Math.Pow(Math.Abs(sortedX[i] - sortedY[j]), power);
                reached = level;
            }
            bool nextX = cumulativeX[i] <= level;
            bool nextY = cumulativeY[j] <= level;
            i += nextX ? 1 : 0;
            j += nextY ? 1 : 0;
        }
        return Math.Pow(total, 1 / power);
    }

    private static (double[] Values, double[] Cumulative) Sort(double[] values, double[] logWeights)
    {
        double[] sorted = [.. values];
        double[] cumulative = [.. logWeights];
        Array.Sort(sorted, cumulative);
        double sum = 0;
        for (int index = 0; index < cumulative.Length; index++)
            cumulative[index] = sum += Math.Exp(cumulative[index]);
        for (int index = 0; index < cumulative.Length; index++)
            cumulative[index] /= sum;
        return (sorted, cumulative);
    }

    private static void CheckPower(double power)
    {
        if (!(power >= 1) || double.IsInfinity(power))
            throw new ArgumentOutOfRangeException(nameof(power), power, "The power of a Wasserstein distance is a finite number of at least 1.");
    }
}
